"""The examples as Protégé opens them, and as a complete reasoner classifies them.

HermiT reads each case as it was written, with numbers, dates and what does not count, and the one lifted fact that
classes look at: `osteo:hasLowEnergyFracture`. The library's reasoner reads the coded facts alone.
Blank nodes are given names, which changes no conclusion and lets HermiT answer for them.
Compared are the classes of this vocabulary. What rests on a number or on absence is SPARQL's, and in no class.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyoxigraph as ox
import pytest
from rdflib import RDF, Graph

from osteo_kg.case.facts import Atom, CaseFacts, derive_facts
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import OSTEO
from osteo_kg.reasoning.closure import Reasoner, closed
from tests.owlapi import bridge
from tests.owlapi.bridge import Ontology, Profile
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.slow


Classes = frozenset[tuple[str, str]]
NS = OSTEO.iri
EXAMPLES = sorted((ROOT / "examples").glob("*.ttl"))
ONTOLOGY = ROOT / "ontology"


@pytest.fixture(scope="module")
def ontology() -> Ontology:
    return bridge.load(ONTOLOGY / "osteo-kg.ttl", ONTOLOGY / "catalog-v001.xml")


@pytest.fixture(scope="module")
def cases(knowledge_base: KnowledgeBase) -> list[CaseFacts]:
    """Every example, lifted."""
    read = [case for path in EXAMPLES for case in knowledge_base.read(path.read_bytes(), name=path.name)]
    return [derive_facts(case, ON, knowledge_base.knowledge) for case in read]


@pytest.fixture(scope="module")
def stated(cases: list[CaseFacts]) -> list[ox.Triple]:
    return [triple for case in cases for triple in _stated(case)]


@pytest.fixture(scope="module")
def by_hermit(ontology: Ontology, stated: list[ox.Triple]) -> Classes:
    """What HermiT concludes of every individual, all examples in one document."""
    data = Graph().parse(data="\n".join(f"{triple} ." for triple in stated), format="nt")
    return _ours(bridge.class_assertions(ontology, data))


@pytest.fixture(scope="module")
def through_catalog_of_examples() -> Ontology:
    """The ontology as the catalog beside the examples finds it: read once, as every example imports it."""
    return bridge.load(ONTOLOGY / "osteo-kg.ttl", ROOT / "examples" / "catalog-v001.xml")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_opens_with_the_ontology_inside_owl_2_dl(path: Path, through_catalog_of_examples: Ontology) -> None:
    """Its catalog finds every module without a network, and every triple becomes OWL."""
    example = bridge.load(path, beside=through_catalog_of_examples)
    assert len(example.axiom_counts) == len(list(ONTOLOGY.rglob("*.ttl"))) + 1
    assert example.axiom_counts[example.iri] > 0
    assert example.not_understood == ()
    assert bridge.profile_violations(example, Profile.DL) == ()


def test_patients_are_in_the_classes_that_close_gives(
    knowledge_base: KnowledgeBase, cases: list[CaseFacts], by_hermit: Classes
) -> None:
    """`close` is what answers rest on."""
    closures = Reasoner(knowledge_base.knowledge).close(_atoms(case) for case in cases)
    by_close = {(case.case.iri, name) for case in cases for name in closures[_atoms(case)].classes}
    patients = {case.case.iri for case in cases}
    assert {name for _, name in by_close} >= _classes("PatientWithSevereFracture", "Man", "PostmenopausalWoman")
    assert by_close ^ {(one, name) for one, name in by_hermit if one in patients and name != NS + "Patient"} == set()


def test_everything_else_in_a_case_is_in_the_classes_that_owl_2_rl_gives(
    knowledge_base: KnowledgeBase, cases: list[CaseFacts], stated: list[ox.Triple], by_hermit: Classes
) -> None:
    """Fractures, treatments and measurements, and the drugs, sites and outcomes that they name."""
    graph = closed(knowledge_base.knowledge, stated)
    by_rules = _ours((str(one), str(kind)) for one, kind in graph.subject_objects(RDF.type))
    terms = {term for triple in stated for term in (triple.subject, triple.object)}
    others = {term.value for term in terms if isinstance(term, ox.NamedNode)} - {case.case.iri for case in cases}
    found = {(one, name) for one, name in by_hermit if one in others}
    assert {name for _, name in found} >= _classes("SevereFracture", "FailedBisphosphonateTreatment", "AxialSite")
    assert found ^ {(one, name) for one, name in by_rules if one in others} == set()


def _classes(*names: str) -> set[str]:
    return {NS + name for name in names}


def _ours(found: Iterable[tuple[str, str]]) -> Classes:
    return frozenset((one, name) for one, name in found if name.startswith(NS) and not one.startswith("_:"))


def _atoms(case: CaseFacts) -> frozenset[Atom]:
    entries = [entry.atom for section in case.sections.values() for entry in section if entry.counts]
    return frozenset(entries) | {Atom(property_, value) for property_, value in case.coded.items()}


def _stated(case: CaseFacts) -> list[ox.Triple]:
    """Give the case as written, with the fractures that count; blank nodes are named."""

    def named(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> ox.NamedNode | ox.Literal:
        if isinstance(term, ox.BlankNode):
            return ox.NamedNode(f"{case.case.iri}/{term.value}")
        assert not isinstance(term, ox.Triple)
        return term

    counted = case.store.quads_for_pattern(None, OSTEO.hasLowEnergyFracture, None)
    written = [*case.case.triples, *(quad.triple for quad in counted)]
    return [ox.Triple(named(each.subject), each.predicate, named(each.object)) for each in written]  # type: ignore[arg-type]
