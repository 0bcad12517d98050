"""The policy of versions and deprecation (docs/reference/versions.md) is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from rdflib import DCTERMS, OWL, RDF, RDFS, SKOS, XSD, Graph, Literal, Namespace, URIRef

ROOT = Path(__file__).resolve().parents[2]
BASE = "https://w3id.org/osteo-kg/"
OSTEO = Namespace(f"{BASE}ns/")
PRIOR = OWL.priorVersion
MODULES = [*sorted((ROOT / "ontology").rglob("*.ttl")), *sorted((ROOT / "shapes").glob("*.ttl"))]
#: The terms of every version that was released, by its number.
RELEASED = {path.stem: path.read_text("utf-8").split() for path in (Path(__file__).parent / "released").glob("*.txt")}
KINDS = {OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty, OWL.NamedIndividual}
#: What may be said of a term that is no longer to be used: its name, and what takes its place.
STILL_SAID = {RDF.type, RDFS.label, RDFS.isDefinedBy, SKOS.definition, OWL.deprecated, DCTERMS.isReplacedBy}


@pytest.fixture(scope="module")
def ontology() -> Graph:
    graph = Graph()
    for path in MODULES:
        graph.parse(path)
    return graph


def declared(graph: Graph) -> set[str]:
    kinds = {*KINDS, OWL.Ontology}
    return {str(term) for kind in kinds for term in graph.subjects(RDF.type, kind) if str(term).startswith(BASE)}


@pytest.mark.parametrize("version", sorted(RELEASED))
def test_no_term_of_a_released_version_disappears(ontology: Graph, version: str) -> None:
    assert RELEASED[version]
    assert {BASE + name for name in RELEASED[version]} - declared(ontology) == set()


def test_the_version_before_the_present_one_is_among_those_released() -> None:
    prior = {str(each).rpartition("/")[2] for path in MODULES for each in Graph().parse(path).objects(None, PRIOR)}
    assert prior - set(RELEASED) == set()
    assert prior


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_says_when_it_was_issued_and_which_version_it_follows(path: Path) -> None:
    graph = Graph().parse(path)
    [module] = graph.subjects(RDF.type, OWL.Ontology)
    [issued] = graph.objects(module, DCTERMS.issued)
    assert isinstance(issued, Literal)
    assert issued.datatype == XSD.date
    assert str(graph.value(module, DCTERMS.created)) <= str(issued)
    before = list(graph.objects(module, PRIOR))
    assert all(str(each).startswith(f"{module}/") for each in before)
    assert graph.value(module, OWL.versionIRI) not in before
    was_released = str(module).removeprefix(BASE) in {name for names in RELEASED.values() for name in names}
    assert len(before) == was_released


def test_a_deprecated_term_names_what_takes_its_place_and_is_used_by_nothing(ontology: Graph) -> None:
    deprecated = set(ontology.subjects(OWL.deprecated, Literal(True)))
    assert OSTEO.StrokeEvent in deprecated
    for term in deprecated:
        [instead] = ontology.objects(term, DCTERMS.isReplacedBy)
        assert isinstance(instead, URIRef)
        assert str(instead) in declared(ontology)
        assert instead not in deprecated
        assert set(ontology.predicates(term)) - STILL_SAID == set()
        assert set(ontology.subjects(None, term)) == set()


def test_only_deprecated_terms_are_replaced(ontology: Graph) -> None:
    replaced = set(ontology.subjects(DCTERMS.isReplacedBy))
    assert replaced - set(ontology.subjects(OWL.deprecated, Literal(True))) == set()
