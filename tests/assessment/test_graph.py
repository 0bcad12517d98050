"""The answer as a graph says what its JSON says, in every format, and is read back as it was."""

from __future__ import annotations

import datetime
import json

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from rdflib import RDF, Graph, URIRef

from osteo_kg import Assessment, UnreadableCaseError
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.package_data import root
from osteo_kg.rdf.io import written_graph
from osteo_kg.rdf.terms import CONTEXT, OSTEO
from tests.support.strategies import records
from tests.support.worked import ON, Worked, answered, exact_json

pytestmark = pytest.mark.slow


WORKED = answered()
MADE = datetime.datetime(2026, 11, 22, 10, 30, tzinfo=datetime.UTC)


def _parsed(text: str, form: str) -> list[ox.Triple]:
    """Read as any other tool would: JSON-LD with our context in the place of its name."""
    if form == "jsonld":
        document = json.loads(text)
        assert document["@context"] == CONTEXT
        context = json.loads((root() / "ontology" / "context.jsonld").read_text(encoding="utf-8"))
        return [q.triple for q in ox.parse(json.dumps(document | context), format=ox.RdfFormat.JSON_LD)]
    return [q.triple for q in ox.parse(text, format=ox.RdfFormat.TURTLE)]


def _assess(knowledge_base: KnowledgeBase, worked: Worked) -> Assessment:
    return knowledge_base.assess(worked.case(knowledge_base), on=worked.on, assume_complete=worked.assume_complete)


@pytest.mark.parametrize("worked", WORKED, ids=lambda worked: worked.id)
def test_an_answer_written_as_a_graph_is_read_back_equal(knowledge_base: KnowledgeBase, worked: Worked) -> None:
    assessment = _assess(knowledge_base, worked)
    triples = knowledge_base.triples(assessment, ended=MADE)
    assert knowledge_base.read_assessments(triples) == (assessment,)
    for form in ("turtle", "jsonld"):
        assert knowledge_base.read_assessments(_parsed(written_graph(triples, form), form)) == (assessment,)


@settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck))
@given(record=records())
def test_any_answer_is_read_back_equal(knowledge_base: KnowledgeBase, record: dict[str, object]) -> None:
    [case] = knowledge_base.read(exact_json(record), "json")
    assessment = knowledge_base.assess(case, on=ON)
    assert knowledge_base.read_assessments(knowledge_base.triples(assessment)) == (assessment,)


@pytest.mark.parametrize("worked", WORKED[:40], ids=lambda worked: worked.id)
def test_the_patient_bears_a_direct_property_for_each_option(knowledge_base: KnowledgeBase, worked: Worked) -> None:
    assessment = _assess(knowledge_base, worked)
    text = written_graph(knowledge_base.triples(assessment), "turtle")
    graph = Graph().parse(data=text, format="turtle")
    [node] = graph.subjects(RDF.type, URIRef(OSTEO.Assessment.value))
    patient = graph.value(node, URIRef(OSTEO.assesses.value))
    said = {
        status: {str(option) for option in graph.objects(patient, URIRef(f"{OSTEO.iri}{name}"))}
        for status, name in (
            ("eligible", "isEligibleFor"),
            ("not-eligible", "isNotEligibleFor"),
            ("undetermined", "mayBeEligibleFor"),
        )
    }
    options = {option.key: option.iri for option in knowledge_base.engine().guideline.options}
    for status, found in said.items():
        assert found == {options[each.treatment] for each in assessment.options if each.status == status}


def test_the_time_stamp_stands_outside_equality(knowledge_base: KnowledgeBase) -> None:
    assessment = _assess(knowledge_base, WORKED[0])
    with_stamp = knowledge_base.triples(assessment, ended=MADE)
    assert knowledge_base.read_assessments(with_stamp) == knowledge_base.read_assessments(
        knowledge_base.triples(assessment)
    )


def test_every_term_of_an_answer_is_declared_in_the_ontology(knowledge_base: KnowledgeBase) -> None:
    declared = {quad.subject.value for quad in knowledge_base.knowledge.store if isinstance(quad.subject, ox.NamedNode)}
    used = {
        term.value
        for worked in WORKED
        for triple in knowledge_base.triples(_assess(knowledge_base, worked))
        for term in (triple.predicate, triple.object)
        if isinstance(term, ox.NamedNode) and term.value.startswith(OSTEO.iri)
    }
    assert used - declared == set()


def test_a_graph_without_an_assessment_is_refused_with_a_sentence(knowledge_base: KnowledgeBase) -> None:
    with pytest.raises(UnreadableCaseError, match="no assessment"):
        knowledge_base.read_assessments([])


def test_an_assessment_that_is_not_whole_is_refused_with_a_sentence(knowledge_base: KnowledgeBase) -> None:
    triples = knowledge_base.triples(_assess(knowledge_base, WORKED[0]))
    lacking = [t for t in triples if t.predicate.value != OSTEO.hasSituation.value]
    with pytest.raises(UnreadableCaseError, match="hasSituation"):
        knowledge_base.read_assessments(lacking)
