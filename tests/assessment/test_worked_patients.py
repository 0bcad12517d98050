"""Every worked patient gets the answer that the reading of the guideline gives her, in both ways of answering."""

from __future__ import annotations

from typing import Any

import pytest

from osteo_kg import Assessment
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import local_name
from tests.support.worked import CASES, Worked, answered, read_worked, refused

WORKED = answered()


@pytest.fixture(scope="module")
def by_reasoning(knowledge_base: KnowledgeBase) -> dict[str, Assessment]:
    """Every worked patient answered by full inference, in one batch for each day and reading."""
    found: dict[str, Assessment] = {}
    for terms in {(each.on, each.assume_complete) for each in WORKED}:
        batch = [each for each in WORKED if (each.on, each.assume_complete) == terms]
        answers = knowledge_base.assess_all(
            [each.case(knowledge_base) for each in batch], on=terms[0], assume_complete=terms[1], by="reasoning"
        )
        for each, answer in zip(batch, answers, strict=True):
            assert isinstance(answer, Assessment)
            found[each.id] = answer
    return found


def _assess(knowledge_base: KnowledgeBase, worked: Worked) -> Assessment:
    return knowledge_base.assess(worked.case(knowledge_base), on=worked.on, assume_complete=worked.assume_complete)


@pytest.mark.parametrize("worked", WORKED, ids=lambda worked: f"{worked.id} {worked.title}")
def test_a_worked_patient_gets_the_expected_answer(knowledge_base: KnowledgeBase, worked: Worked) -> None:
    said = _said(_assess(knowledge_base, worked))
    expected = {key: value for key, value in worked.expect.items() if key in _EXACT}
    assert {key: said[key] for key in expected} == {key: _plain(value) for key, value in expected.items()}
    lines = worked.expect.get("line", {})
    assert {option: said["line"].get(option) for option in lines} == lines
    for option, codes in worked.expect.get("cautions", {}).items():
        assert said["cautions"].get(option, []) == sorted(codes)
    for name in ("warnings", "assumptions"):
        assert set(worked.expect.get(name, ())) - set(said[name]) == set()
    assert set(worked.expect.get("absent", ())) & {*said["warnings"], *said["assumptions"]} == set()
    if worked.rule:
        assert said["rule"] == worked.rule


@pytest.mark.slow
@pytest.mark.parametrize("worked", WORKED, ids=lambda worked: worked.id)
def test_full_inference_gives_an_equal_assessment(
    knowledge_base: KnowledgeBase, by_reasoning: dict[str, Assessment], worked: Worked
) -> None:
    assert by_reasoning[worked.id] == _assess(knowledge_base, worked)


@pytest.mark.parametrize("worked", refused(), ids=lambda worked: f"{worked.id} {worked.title}")
def test_a_contradictory_record_is_refused_with_advice(knowledge_base: KnowledgeBase, worked: Worked) -> None:
    report = knowledge_base.validate(worked.case(knowledge_base), on=worked.on)
    assert worked.fact in {finding.path for finding in report.violations}
    for finding in report.violations:
        assert all((finding.message.en, finding.message.fr, finding.advice.en, finding.advice.fr))


def test_every_rule_has_a_case(knowledge_base: KnowledgeBase) -> None:
    rules = {rule.id for rule in knowledge_base.engine().guideline.rules}
    assert rules - {each.rule for each in read_worked(CASES)} == set()


def test_every_option_is_eligible_and_not_eligible_and_undetermined_in_some_case_where_it_can_be() -> None:
    seen = {(option, status) for each in WORKED for option, status in (each.expect.get("options") or {}).items()}
    reserved = ("denosumab", "raloxifene", "teriparatide", "menopausal-hormone-therapy")
    wanted = {(option, status) for option in reserved for status in ("eligible", "not-eligible", "undetermined")}
    assert wanted - seen == set()


def test_no_two_worked_patients_share_an_id() -> None:
    ids = [each.id for each in WORKED]
    assert sorted(ids) == sorted(set(ids))


_EXACT = ("disposition", "strength", "possible", "options", "missing", "obligations")


def _said(assessment: Assessment) -> dict[str, Any]:
    return {
        "disposition": assessment.disposition,
        "strength": assessment.strength,
        "possible": sorted(assessment.possible),
        "options": {option.treatment: option.status for option in assessment.options},
        "line": {option.treatment: option.line for option in assessment.options if option.line},
        "missing": sorted(each.fact for each in assessment.missing),
        "obligations": sorted(each.key for each in assessment.obligations),
        "warnings": [each.code for each in assessment.warnings],
        "assumptions": [each.code for each in assessment.assumptions],
        "cautions": {
            option.treatment: sorted({caution.code for caution in option.cautions if not caution.is_safety})
            for option in assessment.options
        },
        "rule": next((local_name(rule.id) for rule in assessment.deciding), None),
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(value)
    if isinstance(value, dict):
        return {
            key: sorted(each) if isinstance(each, list) else each for key, each in value.items() if each is not None
        }
    return value
