"""Where our terms stand beside those of others: annotations only, codes under the IRI that belongs to each."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pyoxigraph as ox
import pytest

from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import OSTEO, RDF, SKOS
from tests.support.worked import ROOT

MODULE = ROOT / "ontology" / "alignment.ttl"
NS = "https://w3id.org/osteo-kg/ns/"
MATCHES = {SKOS[name] for name in ("exactMatch", "closeMatch", "broadMatch", "relatedMatch")}
OTHERS = (
    "http://www.w3.org/ns/sosa/",
    "http://www.w3.org/ns/prov#",
    "https://schema.org/",
    "http://hl7.org/fhir/",
    "https://purl.org/heals/eo#",
)
#: What the IRI of a code begins with, in the systems that have IRIs.
BASES = {
    OSTEO.Atc: "http://purl.bioontology.org/ontology/ATC/",
    OSTEO.Rxnorm: "http://purl.bioontology.org/ontology/RXNORM/",
    OSTEO.Icd10Who: "http://id.who.int/icd/release/10/2019/",
    OSTEO.Icd10Cm: "http://purl.bioontology.org/ontology/ICD10CM/",
    OSTEO.SnomedCt: "http://snomed.info/id/",
}


@pytest.fixture(scope="module")
def matches() -> list[ox.Quad]:
    """Each statement of the module that a term of ours matches one of another vocabulary."""
    quads = ox.parse(MODULE.read_bytes(), format=ox.RdfFormat.TURTLE)
    return [quad for quad in quads if isinstance(quad.subject, ox.NamedNode) and quad.subject.value.startswith(NS)]


def test_the_alignment_says_nothing_of_our_terms_but_what_they_match(matches: list[ox.Quad]) -> None:
    assert {quad.predicate for quad in matches} <= MATCHES


@pytest.mark.parametrize("system", BASES, ids=lambda each: each.value.rpartition("/")[2])
def test_every_code_has_the_iri_that_its_system_gives_it(
    knowledge_base: KnowledgeBase, matches: list[ox.Quad], system: ox.NamedNode
) -> None:
    values = dict(knowledge_base.knowledge.triples.pairs(OSTEO.codeValue))
    codes = knowledge_base.knowledge.triples.subjects(OSTEO.inCodingSystem, system.value)
    told = {quad.subject.value: quad.object.value for quad in matches if quad.subject.value in codes}
    assert told == {code: BASES[system] + values[code] for code in codes}
    assert told


def test_what_is_no_code_matches_a_term_of_a_vocabulary_that_is_named(
    knowledge_base: KnowledgeBase, matches: list[ox.Quad]
) -> None:
    coded = {code for code, _ in knowledge_base.knowledge.triples.pairs(OSTEO.codeValue)}
    terms = [quad for quad in matches if quad.subject.value not in coded]
    assert [quad for quad in terms if not quad.object.value.startswith(OTHERS)] == []
    undeclared = {
        quad.subject.value
        for quad in terms
        if not knowledge_base.knowledge.triples.objects(quad.subject.value, RDF.type)
    }
    assert undeclared == set()


@pytest.mark.parametrize("folder", ["guidelines", "safety"])
def test_a_module_in_a_folder_opens_by_itself(folder: str) -> None:
    """The catalog beside it names every module, as the one above does."""
    above = _entries(ROOT / "ontology" / "catalog-v001.xml")
    assert _entries(ROOT / "ontology" / folder / "catalog-v001.xml") == above
    assert [path for path in above.values() if not path.is_file()] == []


def _entries(catalog: Path) -> dict[str, Path]:
    uris = ElementTree.parse(catalog).iter("{urn:oasis:names:tc:entity:xmlns:xml:catalog}uri")
    return {each.attrib["name"]: (catalog.parent / each.attrib["uri"]).resolve() for each in uris}
