"""Explanations that are true: what is quoted stands in the record, and what is open is named where it is open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from osteo_kg import Assessment
from osteo_kg.assessment import full_lines
from osteo_kg.bilingual import shown_day
from osteo_kg.json_schema import assessment_schema
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import OWN, POSTMENOPAUSAL, bundle, condition, patient, t_score
from tests.support.worked import ON, SHARED, exact_json

#: A woman of 60 by her birth date, who is to be treated whatever else is known.
WOMAN: dict[str, Any] = {
    "patient": "urn:case:explained",
    "menopausal_status": "postmenopausal",
    "t_score_femoral_neck": -3,
    "fractures": ["vertebra"],
    "climacteric_disorders": True,
    "treatment_history": [],
    "low_peripheral_fracture_risk": False,
}
AGED, WOMAN_AFTER_MENOPAUSE = "age-50-to-60", "postmenopausal-woman"


def _assess(knowledge_base: KnowledgeBase, **more: Any) -> Assessment:
    [case] = knowledge_base.read(exact_json(WOMAN | more), "json")
    return knowledge_base.assess(case, on=ON)


def _evidence(assessment: Assessment, criterion: str) -> dict[str, Any]:
    """Give what is quoted for a criterion, which is the same wherever it stands."""
    criteria = [each for rule in assessment.rules for each in rule.criteria]
    criteria += [each for option in assessment.options for each in option.criteria]
    found = [each for each in criteria if each.id.endswith(f"/{criterion}")]
    assert len({each.evidence for each in found}) == 1
    return {each.fact: each.value for each in found[0].evidence}


@pytest.mark.parametrize(
    ("stated", "quoted"),
    [
        ({"birth_date": "1965-11-23"}, {"birth_date": "1965-11-23"}),
        ({"birth_date": "1965-11-23", "age_years": 61}, {"birth_date": "1965-11-23"}),
        ({"birth_date": "1965-11-23", "age_years": 60}, {"birth_date": "1965-11-23"}),
        ({"age_years": 60}, {"age_years": 60}),
        ({}, {}),
    ],
)
def test_the_age_is_quoted_as_the_birth_date_where_that_decides(
    knowledge_base: KnowledgeBase, stated: dict[str, Any], quoted: dict[str, Any]
) -> None:
    assessment = _assess(knowledge_base, **stated)
    assert _evidence(assessment, AGED) == quoted
    assert ("age-differs" in [each.code for each in assessment.warnings]) == (stated.get("age_years") == 61)


@pytest.mark.parametrize("born", ["1970", "1970-05", "1966"])
def test_a_birth_date_that_is_not_whole_is_quoted_as_it_is(knowledge_base: KnowledgeBase, born: str) -> None:
    """Of the last the age is open at a bound; it is quoted all the same."""
    spine = condition(OWN, "VertebralFracture", "2026-01-01")
    record = bundle(patient(birthDate=born), POSTMENOPAUSAL, t_score("38267-1", -3), spine)
    [case] = knowledge_base.read(record, "fhir")
    assert _evidence(knowledge_base.assess(case, on=ON), AGED) == {"birth_date": born}


@pytest.mark.parametrize("sex", ["female", None])
def test_the_sex_is_quoted_only_where_it_is_stated(knowledge_base: KnowledgeBase, sex: str | None) -> None:
    quoted = _evidence(_assess(knowledge_base, sex=sex), WOMAN_AFTER_MENOPAUSE)
    assert quoted == {"menopausal_status": "postmenopausal"} | ({"sex": sex} if sex else {})


def test_a_man_is_quoted_by_his_sex(knowledge_base: KnowledgeBase) -> None:
    assessment = _assess(knowledge_base, sex="male", menopausal_status=None)
    assert _evidence(assessment, WOMAN_AFTER_MENOPAUSE) == {"sex": "male"}


def test_an_option_that_the_branch_leaves_open_names_the_facts_that_do(knowledge_base: KnowledgeBase) -> None:
    """Denosumab, which is listed without a condition after a vertebral fracture only."""
    assessment = _assess(knowledge_base, fractures=None, age_years=61)
    named = {each.treatment: (each.status, each.open_facts) for each in assessment.options}
    assert named["denosumab"] == ("undetermined", ("fractures",))
    assert named["teriparatide"] == ("undetermined", ("fractures",))
    assert named["oral-bisphosphonate"] == ("eligible", ())
    assert named["raloxifene"] == ("not-eligible", ())


def test_an_option_open_by_its_own_condition_names_it_too(knowledge_base: KnowledgeBase) -> None:
    assessment = _assess(knowledge_base, climacteric_disorders=None)
    [therapy] = [each for each in assessment.options if each.treatment == "menopausal-hormone-therapy"]
    assert therapy.open_facts == ("age_years", "climacteric_disorders")


@pytest.mark.parametrize("more", [{"birth_date": "1965-11-23"}, {"fractures": None, "age_years": 55}, {"egfr": 14}])
def test_what_explains_an_answer_is_in_its_schema_its_graph_and_its_text(
    knowledge_base: KnowledgeBase, more: dict[str, Any]
) -> None:
    assessment = _assess(knowledge_base, **more)
    schema = assessment_schema(knowledge_base.knowledge, knowledge_base.engine().guideline)
    jsonschema.validate(assessment.to_json(), schema)
    assert knowledge_base.read_assessments(knowledge_base.triples(assessment)) == (assessment,)
    if "birth_date" in more:
        assert any(shown_day(more["birth_date"]).en in str(line) for line in full_lines(assessment, "en"))


# The field: what each of a few records must give

FIELD = SHARED / "cases" / "field" / "decision"
needs_field = pytest.mark.skipif(not FIELD.is_dir(), reason="the records of the field are not beside the project")


def _of_field(knowledge_base: KnowledgeBase, name: str) -> Assessment:
    path: Path = FIELD / name
    [case] = knowledge_base.read(path.read_bytes(), "json")
    return knowledge_base.assess(case, on=ON)


def _contraindicated(assessment: Assessment) -> set[str]:
    return {drug.rsplit("/", 1)[-1] for o in assessment.options for each in o.contraindications if (drug := each.drug)}


@needs_field
def test_a_clearance_of_the_field_meets_severe_renal_impairment(knowledge_base: KnowledgeBase) -> None:
    assessment = _of_field(knowledge_base, "ckd.json")
    statuses = {each.treatment: each.status for each in assessment.options}
    assert [key for key, status in statuses.items() if status != "eligible"] == ["menopausal-hormone-therapy"]
    assert {"Raloxifene", "Teriparatide"} <= _contraindicated(assessment)
    assert "renal-impairment-not-listed" in [each.code for each in assessment.cautions]


@needs_field
def test_an_egfr_of_the_field_meets_limits_of_the_clearance(knowledge_base: KnowledgeBase) -> None:
    assessment = _of_field(knowledge_base, "egfr.json")
    assert {"Risedronate", "Zoledronate", "Raloxifene", "Teriparatide"} == _contraindicated(assessment)
    told = {each.code: each.message.en for option in assessment.options for each in option.cautions}
    assert "eGFR 14 mL/min" in told["alendronate-low-gfr"]


@needs_field
def test_a_birth_date_of_the_field_is_quoted(knowledge_base: KnowledgeBase) -> None:
    assessment = _of_field(knowledge_base, "age.json")
    assert _evidence(assessment, AGED) == {"birth_date": "1965-11-23"}
    assert "age-differs" in [each.code for each in assessment.warnings]


@needs_field
def test_an_open_branch_of_the_field_is_named_by_its_option(knowledge_base: KnowledgeBase) -> None:
    assessment = _of_field(knowledge_base, "deno.json")
    [denosumab] = [each for each in assessment.options if each.treatment == "denosumab"]
    assert (denosumab.status, denosumab.open_facts) == ("undetermined", ("fractures",))


@needs_field
def test_a_term_as_an_entry_of_the_field_is_refused(knowledge_base: KnowledgeBase) -> None:
    [case] = knowledge_base.read((FIELD / "class-as-fracture.ttl").read_bytes(), "ttl")
    assert not knowledge_base.validate(case, on=ON).conforms
