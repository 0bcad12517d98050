"""Records of JSON: what is wrong is refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from osteo_kg import KnowledgeBase, UnreadableCaseError, read_case
from tests.support.documents_of_cases import (
    RECORD,
    one_case,
    record,
)
from tests.support.worked import ON

# JSON


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ('{"patient": "anna", "sex": "female", "sex": "male"}', "sex", "twice"),
        ('{"patient": "anna", "sex": "female", "sex": "female"}', "sex", "twice"),
        ('{"patient": "anna", "fractures": [{"site": "hand", "site": "vertebra"}]}', "fractures", "twice"),
        (record(tscore_total_hip=-2.5), "tscore_total_hip", "'t_score_total_hip'"),
        (record(Sex="female"), "Sex", "'sex'"),
        (record(age=62), "age", "age_years"),
        (record(xyz=1), "xyz", "age_years, birth_date"),
        (record(fractures=[{"site": "ankle", "dat": "2026-01-01"}]), "fractures", "'date'"),
        (record(treatment_history=[{"drug": "denosumab", "dose": 1}]), "treatment_history", "drug"),
        (record(fractures=["vertebrae"]), "fractures", "'vertebra'"),
        (record(treatment_history=["alendronat"]), "treatment_history", "'alendronate'"),
        (record(conditions=["glucocorticoids"]), "conditions", "glucocorticoid"),
        (record(sex="Female"), "sex", "'female'"),
        (record(t_score_total_hip="-2.5"), "t_score_total_hip", "number"),
        (record(age_years="62"), "age_years", "62"),
        (record(fractures=[{"site": "vertebra", "count": "2"}]), "fractures", "number"),
        ('{"patient": "anna", "t_score_total_hip": NaN}', "t_score_total_hip", "T-score"),
        ('{"patient": "anna", "age_years": -Infinity}', "age_years", "age"),
        ('{"patient": "anna", "t_score_total_hip": -1e999999999}', "t_score_total_hip", "T-score"),
        ('{"patient": "anna", "age_years": ' + "9" * 9999 + "}", "age_years", "age"),
        pytest.param('{"patient": "anna", "age_years": 1e30}', "age_years", "age"),
        (record(climacteric_disorders="true"), "climacteric_disorders", "true"),
        (record(climacteric_disorders=1), "climacteric_disorders", "true"),
        (record(fractures="vertebra"), "fractures", "list"),
        (record(fractures=[None]), "fractures", "object"),
        (record(fractures={"site": "ankle"}), "fractures", "list"),
        (record(treatment_history=[{"outcome": "failure"}]), "treatment_history", "drug"),
        (record(patient=5), "patient", "text"),
        (record(birth_date="02/03/1968"), "birth_date", "ISO"),
        (record(densitometry_date="May"), "densitometry_date", "date"),
    ],
)
def test_a_record_that_is_wrong_is_refused_saying_what_to_do(
    text: str, path: str, said: str, knowledge_base: KnowledgeBase
) -> None:
    report = knowledge_base.validate(one_case(text, "json"), on=ON)
    found = [finding for finding in report.violations if finding.path == path]
    assert [each for each in found if said in f"{each.message.en} {each.advice.en}"], report.violations


def test_null_is_unknown() -> None:
    missing = {key: None for key in RECORD if key not in ("patient", "sex", "menopausal_status")}
    entry = {"site": "ankle", "mechanism": None, "date": None, "count": None}
    assert one_case(record(**missing), "json") == one_case(record(), "json")
    assert one_case(record(fractures=[entry]), "json") == one_case(record(fractures=["ankle"]), "json")


def test_an_empty_list_says_that_there_is_none(knowledge_base: KnowledgeBase) -> None:
    none, unknown = (
        knowledge_base.assess(one_case(record(t_score_total_hip=-2.5, **each), "json"), on=ON)
        for each in (dict[str, Any](fractures=[]), {})
    )
    assert (none.disposition, unknown.disposition) == ("specialist-opinion", "undetermined")


def test_bare_keys_stand_for_entries() -> None:
    bare = record(fractures=["vertebra"], treatment_history=["raloxifene"])
    full = record(fractures=[{"site": "vertebra"}], treatment_history=[{"drug": "raloxifene"}])
    assert one_case(bare, "json") == one_case(full, "json")


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        ("json", "", "line 1"),
        ("json", '{"patient": "anna",}', "line 1"),
        ("json", "5", "object"),
    ],
)
def test_what_is_not_a_record_is_refused_saying_where(form: str, text: str, said: str) -> None:
    with pytest.raises(UnreadableCaseError, match=said):
        read_case(text, form)
