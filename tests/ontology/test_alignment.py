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


Match = tuple[str, ox.NamedNode, str]


@pytest.fixture(scope="module")
def matches() -> list[Match]:
    """Each statement of the module that a term of ours matches one of another vocabulary."""
    return [
        (quad.subject.value, quad.predicate, quad.object.value)
        for quad in ox.parse(MODULE.read_bytes(), format=ox.RdfFormat.TURTLE)
        if isinstance(quad.subject, ox.NamedNode)
        and quad.subject.value.startswith(NS)
        and not isinstance(quad.object, ox.Triple)
    ]


def test_the_alignment_says_nothing_of_our_terms_but_what_they_match(matches: list[Match]) -> None:
    assert {predicate for _, predicate, _ in matches} <= MATCHES


@pytest.mark.parametrize("system", BASES, ids=lambda each: each.value.rpartition("/")[2])
def test_every_code_has_the_iri_that_its_system_gives_it(
    knowledge_base: KnowledgeBase, matches: list[Match], system: ox.NamedNode
) -> None:
    values = dict(knowledge_base.knowledge.triples.pairs(OSTEO.codeValue))
    codes = knowledge_base.knowledge.triples.subjects(OSTEO.inCodingSystem, system.value)
    told = {term: match for term, _, match in matches if term in codes}
    assert told == {code: BASES[system] + values[code] for code in codes}
    assert told


def test_what_is_no_code_matches_a_term_of_a_vocabulary_that_is_named(
    knowledge_base: KnowledgeBase, matches: list[Match]
) -> None:
    triples = knowledge_base.knowledge.triples
    coded = {code for code, _ in triples.pairs(OSTEO.codeValue)}
    terms = [(term, match) for term, _, match in matches if term not in coded]
    assert [each for each in terms if not each[1].startswith((*OTHERS, *BASES.values()))] == []
    assert {term for term, _ in terms if not triples.objects(term, RDF.type)} == set()


@pytest.mark.parametrize("folder", ["guidelines", "safety"])
def test_a_module_in_a_folder_opens_by_itself(folder: str) -> None:
    """The catalog beside it names every module, as the one above does."""
    above = _entries(ROOT / "ontology" / "catalog-v001.xml")
    assert _entries(ROOT / "ontology" / folder / "catalog-v001.xml") == above
    assert [path for path in above.values() if not path.is_file()] == []


def _entries(catalog: Path) -> dict[str, Path]:
    uris = ElementTree.parse(catalog).iter("{urn:oasis:names:tc:entity:xmlns:xml:catalog}uri")
    return {each.attrib["name"]: (catalog.parent / each.attrib["uri"]).resolve() for each in uris}
