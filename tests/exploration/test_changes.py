"""What would change an answer: each change is what an assessment of the changed record says, and none is left out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from osteo_kg import KnowledgeBase
from osteo_kg.case import record_case
from osteo_kg.exploration import Change, changes
from osteo_kg.exploration.words import decision_text
from osteo_kg.knowledge_base import PreparedCase
from osteo_kg.rdf import OSTEO
from osteo_kg.reasoning import UNDETERMINED, BandDimension, SectionDimension
from tests.support.strategies import records
from tests.support.worked import ON

_SCORES = ("t_score_lumbar_spine", "t_score_femoral_neck", "t_score_total_hip")
WOMAN: dict[str, Any] = {
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": Decimal(55),
    "t_score_total_hip": Decimal("-2.4"),
    "fractures": [],
    "treatment_history": [],
    "climacteric_disorders": False,
    "low_peripheral_fracture_risk": False,
}


def prepared(knowledge_base: KnowledgeBase, record: dict[str, Any]) -> PreparedCase:
    """Read a record as JSON would be, whose numbers are all decimal."""
    plain = {key: Decimal(value) if type(value) is int else value for key, value in record.items()}
    plain["fractures"] = [_counted(each) for each in record["fractures"]] if "fractures" in record else None
    return knowledge_base.prepare(record_case(plain, "x", knowledge_base.knowledge.terms), on=ON)


def _counted(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: Decimal(value) if type(value) is int else value for key, value in entry.items()}


def found(knowledge_base: KnowledgeBase, record: dict[str, Any]) -> tuple[Change, ...]:
    """Give the changes that are offered to the patient of a record; none where it is refused."""
    case = prepared(knowledge_base, record)
    if not case.report.conforms:
        return ()
    engine = knowledge_base.engine()
    return changes(engine, engine.space.parse(knowledge_base.assess(case).situation_key), case.facts.open)


def changed(knowledge_base: KnowledgeBase, record: dict[str, Any], change: Change) -> dict[str, Any]:
    """Change the one fact in a record."""
    space = knowledge_base.engine().space
    dimension = space.dimensions[space.places[change.fact]]
    keys = knowledge_base.knowledge.terms.keys
    if isinstance(dimension, BandDimension):
        band = next(each for each in dimension.bands if change.value.endswith(each.name))
        return {**record, **{key: band.inside for key in _SCORES if key in record}}
    if isinstance(dimension, SectionDimension):
        atom, _ = dimension.kinds[change.value]
        main = "drug" if change.key == "treatment_history" else "site"
        entry = {main: keys[atom.value], **({"outcome": keys[atom.outcome]} if atom.outcome else {})}
        return {**record, change.key: [*record[change.key], entry]}
    return {**record, change.key: change.value == "true"}


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(record=records())
def test_each_change_is_what_the_changed_record_is_answered(
    knowledge_base: KnowledgeBase, record: dict[str, Any]
) -> None:
    verify(knowledge_base, record)


def verify(knowledge_base: KnowledgeBase, record: dict[str, Any]) -> int:
    """Assess each changed record; give how many there were."""
    offered = found(knowledge_base, record)
    before = knowledge_base.assess(prepared(knowledge_base, record)) if offered else None
    for each in offered:
        assert before is not None
        again = prepared(knowledge_base, changed(knowledge_base, record, each))
        after = knowledge_base.assess(again)
        engine = knowledge_base.engine()
        assert engine.space.parse(after.situation_key) == each.situation
        assert (after.disposition, after.strength_label or after.disposition_label) == (each.disposition, each.decision)
        was_open = {option.treatment for option in before.options if option.status == "eligible"}
        opened = {option.label for option in after.options if option.status == "eligible"} - {
            option.label for option in before.options if option.treatment in was_open
        }
        assert set(each.opens) == opened
        assert opened or after.disposition != before.disposition
    return len(offered)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(record=records())
def test_nobody_is_told_to_change_what_cannot_change(knowledge_base: KnowledgeBase, record: dict[str, Any]) -> None:
    offered = found(knowledge_base, record)
    assert not {each.key for each in offered} & {"age_years", "sex", "menopausal_status", "birth_date"}
    assert [each.distance for each in offered] == sorted(each.distance for each in offered)


@pytest.mark.parametrize("score", ["-3.5", "-2.4", "-1.5", "0.3"])
@pytest.mark.parametrize("site", [None, "distal-radius", "vertebra", "proximal-femur"])
def test_every_band_with_another_disposition_is_offered(
    knowledge_base: KnowledgeBase, score: str, site: str | None
) -> None:
    record = {**WOMAN, "t_score_total_hip": Decimal(score), "fractures": [{"site": site}] if site else []}
    engine = knowledge_base.engine()
    assessment = knowledge_base.assess(prepared(knowledge_base, record))
    key = engine.space.parse(assessment.situation_key)
    [place] = [n for n, each in enumerate(engine.space.dimensions) if each.fact == OSTEO.AxialTScore.value]
    dimension = engine.space.dimensions[place]
    assert isinstance(dimension, BandDimension)
    others = {engine.answer(engine.space.changed(key, place, band.name)).disposition for band in dimension.bands}
    offered = {each.disposition for each in found(knowledge_base, record) if each.key == "t_score"}
    assert others - {assessment.disposition, UNDETERMINED} <= offered


def test_a_further_fracture_opens_an_option_and_none_is_taken_away(knowledge_base: KnowledgeBase) -> None:
    record = {**WOMAN, "t_score_total_hip": Decimal("-3.1"), "fractures": [{"site": "vertebra"}]}
    [one] = [each for each in found(knowledge_base, record) if each.key == "fractures"]
    assert one.becomes.en == "one more: vertebral fracture"
    assert [each.en for each in one.opens] == ["teriparatide"]


def test_what_is_not_known_is_a_question_and_no_change(knowledge_base: KnowledgeBase) -> None:
    known = {"t_score", "fractures"}
    record = {key: value for key, value in WOMAN.items() if key.startswith(("sex", "meno", "age", "t_", "fract"))}
    assert {each.key for each in found(knowledge_base, record)} <= known


def test_a_decision_is_named_by_its_strength_where_it_has_one(knowledge_base: KnowledgeBase) -> None:
    assessment = knowledge_base.assess(prepared(knowledge_base, {**WOMAN, "t_score_total_hip": Decimal("-3.1")}))
    answer = knowledge_base.situation(assessment.situation_key)
    assert decision_text(knowledge_base.knowledge, answer) == assessment.strength_label
