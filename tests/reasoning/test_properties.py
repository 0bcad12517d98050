"""What holds for every record, tried on random ones."""

from __future__ import annotations

import random
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osteo_kg import Assessment, Case
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.strategies import how_many, records
from tests.support.worked import ON, exact_json

pytestmark = pytest.mark.slow


_settings = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
_BATCH = 25  # records whose facts are closed together
_FORMATS = {
    "ttl": ox.RdfFormat.TURTLE,
    "nt": ox.RdfFormat.N_TRIPLES,
    "rdf": ox.RdfFormat.RDF_XML,
}


def _case(knowledge_base: KnowledgeBase, record: dict[str, Any]) -> Case:
    [case] = knowledge_base.read(exact_json(record), "json")
    return case


@settings(_settings, max_examples=max(1, how_many(50) // _BATCH))
@given(batch=st.lists(records(), min_size=_BATCH, max_size=_BATCH))
def test_answering_by_situation_equals_answering_by_reasoning(
    knowledge_base: KnowledgeBase, batch: list[dict[str, Any]]
) -> None:
    """Equal in everything, notices and evidence included."""
    cases = [_case(knowledge_base, record) for record in batch]
    looked_up = list(knowledge_base.assess_all(cases, on=ON))
    reasoned = list(knowledge_base.assess_all(cases, on=ON, by="reasoning"))
    assert all(isinstance(answer, Assessment) for answer in looked_up)
    assert looked_up == reasoned


@settings(_settings, max_examples=how_many(30))
@given(record=records(), seed=st.integers(0, 2**32))
def test_the_order_of_triples_and_the_format_change_nothing(
    knowledge_base: KnowledgeBase, record: dict[str, Any], seed: int
) -> None:
    case = _case(knowledge_base, record)
    expected = knowledge_base.assess(case, on=ON)
    triples = list(case.triples)
    random.Random(seed).shuffle(triples)
    for name, form in _FORMATS.items():
        written = ox.serialize(triples, format=form)
        assert written is not None
        [again] = knowledge_base.read(written, name)
        assert knowledge_base.assess(again, on=ON).to_json() == expected.to_json()


@settings(_settings, max_examples=100)
@given(record=records())
def test_the_warnings_of_the_shapes_are_those_of_the_notices(
    knowledge_base: KnowledgeBase, record: dict[str, Any]
) -> None:
    """Some belong to the answer and not to the record: near a threshold, sites not measured, a clearance wanted."""
    case = _case(knowledge_base, record)
    prepared = knowledge_base.prepare(case, on=ON)
    report = prepared.report
    said = {warning.code for warning in knowledge_base.assess(prepared).warnings}
    of_the_answer = {"near-threshold", "sites-not-measured", "clearance-wanted"}
    assert {finding.notice for finding in report.findings} == said - of_the_answer


@settings(_settings, max_examples=60)
@given(record=records())
def test_an_eligible_option_has_every_condition_met_and_a_closed_one_a_reason(
    knowledge_base: KnowledgeBase, record: dict[str, Any]
) -> None:
    for option in knowledge_base.assess(_case(knowledge_base, record), on=ON).options:
        statuses = {criterion.status for criterion in option.criteria}
        if option.status == "eligible" and option.listed and option.line != "second":
            assert "not-met" not in statuses
        if option.status == "not-eligible":
            assert option.listed is not True or "not-met" in statuses


@settings(_settings, max_examples=60)
@given(record=records(), language=st.sampled_from(["en", "fr"]))
def test_nothing_in_an_answer_is_left_to_fill_in(
    knowledge_base: KnowledgeBase, record: dict[str, Any], language: Any
) -> None:
    answer = knowledge_base.assess(_case(knowledge_base, record), on=ON).to_json(language)
    messages = [each["message"] for each in (*answer["warnings"], *answer["assumptions"])]
    messages += [caution["message"] for option in answer["options"] for caution in option["cautions"]]
    assert [message for message in messages if "{" in message or not message] == []


@pytest.mark.parametrize("key", ["fractures", "treatment_history", "t_score_total_hip", "age_years"])
def test_a_record_that_says_nothing_of_a_fact_is_never_answered_as_if_it_denied_it(
    knowledge_base: KnowledgeBase, key: str
) -> None:
    record: dict[str, Any] = {
        "sex": "female",
        "menopausal_status": "postmenopausal",
        "age_years": 55,
        "t_score_total_hip": -3.2,
        "fractures": [],
        "treatment_history": [],
        "climacteric_disorders": True,
        "low_peripheral_fracture_risk": True,
    }
    del record[key]
    answer = knowledge_base.assess(_case(knowledge_base, record), on=ON)
    facts = {missing.fact for missing in answer.missing}
    assert facts == {"t_score" if key.startswith("t_score") else key}
