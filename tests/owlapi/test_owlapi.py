"""What Protégé would read in the ontology, and what a complete reasoner finds in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from rdflib import OWL, RDF, Graph

from tests.owlapi import bridge
from tests.owlapi.bridge import Ontology, OntologyError, Profile

pytestmark = pytest.mark.slow


FOLDER = Path(__file__).resolve().parents[2] / "ontology"
ROOT = FOLDER / "osteo-kg.ttl"
CATALOG = FOLDER / "catalog-v001.xml"
OSTEO = "https://w3id.org/osteo-kg/ns/"


@pytest.fixture(scope="module")
def ontology() -> Ontology:
    return bridge.load(ROOT, CATALOG)


def test_every_module_opens_through_the_catalog_without_a_network(ontology: Ontology) -> None:
    """Every document of the ontology is loaded, and each one holds axioms."""
    graphs = [Graph().parse(path) for path in FOLDER.rglob("*.ttl")]
    documents = {str(iri) for graph in graphs for iri in graph.subjects(RDF.type, OWL.Ontology)}
    assert documents - set(ontology.axiom_counts) == set()
    assert {iri for iri, count in ontology.axiom_counts.items() if count == 0} == set()


def test_every_triple_becomes_owl(ontology: Ontology) -> None:
    """The OWL API understands every triple: nothing is dropped without a word."""
    assert ontology.not_understood == ()


def test_a_property_between_things_is_not_read_as_an_annotation(ontology: Ontology) -> None:
    """`osteo:hasFracture` is an object property, and nothing else."""
    assert bridge.kinds(ontology, OSTEO + "hasFracture") == {"ObjectProperty"}


@pytest.mark.parametrize("profile", Profile)
def test_the_whole_ontology_is_inside_the_profile(ontology: Ontology, profile: Profile) -> None:
    """The ontology, imports included, is inside OWL 2 DL and inside OWL 2 RL."""
    assert bridge.profile_violations(ontology, profile) == ()


def test_the_ontology_is_consistent(ontology: Ontology) -> None:
    """HermiT finds no contradiction in the ontology."""
    assert bridge.is_consistent(ontology)


def test_every_class_can_have_a_member(ontology: Ontology) -> None:
    """HermiT finds no class that is empty by definition."""
    assert bridge.unsatisfiable_classes(ontology) == set()


class TestBridge:
    """The checks above notice what they are there to notice."""

    def test_a_conclusion_is_found(self, ontology: Ontology) -> None:
        """A patient with a fracture of the hip from low energy has a severe fracture."""
        case = _graph("<urn:p> osteo:hasLowEnergyFracture <urn:f> . <urn:f> a osteo:ProximalFemurFracture .")
        assert ("urn:p", OSTEO + "PatientWithSevereFracture") in bridge.class_assertions(ontology, case)

    def test_a_contradiction_is_found(self, ontology: Ontology) -> None:
        """Nothing can be a patient and nothing at all."""
        assert not bridge.is_consistent(ontology, _graph("<urn:p> a osteo:Patient , owl:Nothing ."))

    def test_data_leaves_no_trace_in_the_ontology(self, ontology: Ontology) -> None:
        """After a contradiction in a case, the ontology is consistent as before."""
        bridge.is_consistent(ontology, _graph("<urn:p> a osteo:Patient , owl:Nothing ."))
        assert bridge.is_consistent(ontology)

    def test_an_empty_class_is_found(self, tmp_path: Path) -> None:
        """A class below one that it is disjoint with can have no member."""
        text = """<urn:a> a owl:Class .
            <urn:b> a owl:Class ; rdfs:subClassOf <urn:a> ; owl:disjointWith <urn:a> ."""
        assert bridge.unsatisfiable_classes(bridge.load(_written(tmp_path, text))) == {"urn:b"}

    def test_an_undeclared_property_is_outside_owl_2_dl(self, tmp_path: Path) -> None:
        """A property that nothing declares is read as an annotation, and reported."""
        ontology = bridge.load(_written(tmp_path, "<urn:i> a owl:NamedIndividual ; <urn:p> <urn:j> ."))
        assert bridge.kinds(ontology, "urn:p") == {"AnnotationProperty"}
        assert bridge.profile_violations(ontology, Profile.DL) != ()

    def test_a_union_in_a_definition_is_outside_owl_2_rl(self, tmp_path: Path) -> None:
        """A class defined as a union is OWL 2 DL and not OWL 2 RL."""
        text = """<urn:a> a owl:Class . <urn:b> a owl:Class .
            <urn:c> a owl:Class ; owl:equivalentClass [ a owl:Class ; owl:unionOf ( <urn:a> <urn:b> ) ] ."""
        ontology = bridge.load(_written(tmp_path, text))
        assert bridge.profile_violations(ontology, Profile.DL) == ()
        assert bridge.profile_violations(ontology, Profile.RL) != ()

    def test_an_import_outside_the_catalog_is_an_error(self, tmp_path: Path) -> None:
        """An import is looked for in the catalog only, never on the network."""
        with pytest.raises(OntologyError, match=r"example\.org/elsewhere"):
            bridge.load(_written(tmp_path, "<urn:o> owl:imports <https://example.org/elsewhere> ."), CATALOG)

    def test_a_malformed_document_is_an_error(self, tmp_path: Path) -> None:
        """A document that is not Turtle is refused, and the message names the file."""
        with pytest.raises(OntologyError, match=r"ontology\.ttl"):
            bridge.load(_written(tmp_path, "<urn:a> a"))


PREFIXES = f"""
    @prefix osteo: <{OSTEO}> .
    @prefix owl: <http://www.w3.org/2002/07/owl#> .
    @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
"""


def _graph(turtle: str) -> Graph:
    return Graph().parse(data=PREFIXES + turtle, format="turtle")


def _written(folder: Path, turtle: str) -> Path:
    path = folder / "ontology.ttl"
    path.write_text(f"{PREFIXES} <urn:o> a owl:Ontology .\n{turtle}", encoding="utf-8")
    return path
