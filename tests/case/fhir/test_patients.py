"""The patient in FHIR: age, sex, menopause, history and death."""

from __future__ import annotations

from typing import Any

import pytest

from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    HER,
    NO_FRACTURE,
    POSTMENOPAUSAL,
    SNOMED,
    Resource,
    assess,
    bundle,
    coded,
    condition,
    patient,
    read,
    reasons,
    said,
    t_score,
    told,
)
from tests.support.worked import ON

# Menopause and history


@pytest.mark.parametrize(
    ("code", "display", "status", "is_told"),
    [
        ("289903006", "Prämenopausal", "Postmenopausal", True),
        ("307429007", "Perimenopausal", "Postmenopausal", True),
        ("289904000", "Postmenopausal", "Premenopausal", True),
        ("289903006", "Menopause present", "Postmenopausal", False),
        ("289904000", "Menopause absent", "Premenopausal", False),
    ],
)
def test_a_display_that_contradicts_its_code_is_told_and_the_code_decides(
    knowledge_base: KnowledgeBase, code: str, display: str, status: str, *, is_told: bool
) -> None:
    concept = {"coding": [{"system": SNOMED, "code": code, "display": display}]}
    for said_so in ({**condition(SNOMED, code), "code": concept}, menopause({"valueCodeableConcept": concept})):
        case = read(knowledge_base, said_so)
        assert said(case, "hasMenopausalStatus") == [status]
        assert (display in "".join(reasons(case).get("WordsContradictCode", ()))) is is_told


def menopause(value: Resource) -> Resource:
    """Observe the menopause."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": coded((SNOMED, "161712005")),
        "subject": HER,
        **value,
    }


@pytest.mark.parametrize(
    ("resource", "status"),
    [
        (POSTMENOPAUSAL, ["Postmenopausal"]),
        (condition(SNOMED, "289903006"), ["Postmenopausal"]),
        (condition(SNOMED, "22636003"), ["Premenopausal"]),
        (condition(SNOMED, "161712005"), []),
        (
            menopause({"valueCodeableConcept": coded((SNOMED, "76498008"), (SNOMED, "22636003"))}),
            ["Postmenopausal", "Premenopausal"],
        ),
        (menopause({"valueCodeableConcept": coded((SNOMED, "76498008"))}), ["Postmenopausal"]),
        (menopause({"valueCodeableConcept": coded((SNOMED, "22636003"))}), ["Premenopausal"]),
        (menopause({"valueBoolean": True}), []),
        (condition(SNOMED, "102447009"), []),
        (condition(SNOMED, "22636003", clinicalStatus=coded(("http://x", "resolved"))), []),
    ],
)
def test_the_menopausal_status_is_what_a_code_states(
    knowledge_base: KnowledgeBase, resource: Resource, status: list[str]
) -> None:
    """161712005 is an observable: its value decides, and it is never a finding itself."""
    case = read(knowledge_base, resource)
    assert said(case, "hasMenopausalStatus") == status
    assert bool(reasons(case)) == (status == [])


def test_the_newest_statement_of_the_menopause_counts(knowledge_base: KnowledgeBase) -> None:
    """A woman recorded before the menopause is not so for ever."""
    before, after = condition(SNOMED, "22636003", "1999-01-01"), condition(SNOMED, "76498008", "2012-01-01")
    case = read(knowledge_base, after, before)
    assert said(case, "hasMenopausalStatus") == ["Postmenopausal"]
    assert "NewerStatement" in reasons(case)


@pytest.mark.parametrize(
    ("born", "gender", "assumed"),
    [
        ("1966-11-22", "female", True),
        ("1966-11-23", "female", False),
        ("1965", "female", True),
        ("1966", "female", False),
        ("1966-10", "female", True),
        ("1966-11", "female", False),
        ("1940-01-01", "male", False),
        ("1940-01-01", "other", False),
        (None, "female", False),
    ],
)
def test_a_woman_is_assumed_post_menopausal_from_an_age_on(
    knowledge_base: KnowledgeBase, born: str | None, gender: str, assumed: bool
) -> None:
    """The age is reckoned on the day of assessment; where only the year is known, the lowest counts."""
    text = bundle(patient(birthDate=born, gender=gender))
    [case] = knowledge_base.read(text, "fhir", assume_postmenopausal_from=60, on=ON)
    assert said(case, "menopausalStatusAssumed") == (["true"] if assumed else [])


@pytest.mark.parametrize(
    ("born", "status"),
    [
        ("1950", "not-met"),
        ("1970", "met"),
        ("1966", "met"),  # 59 or 60, both inside
        ("1965", "unknown"),  # 60 or 61
        ("1965-11", "unknown"),  # 61 from the 22nd of November on, 60 before
        ("1965-12", "met"),
        ("1976", "unknown"),  # 49 or 50
        ("1976-11", "unknown"),
        ("1976-10", "met"),
        ("1977", "not-met"),
        ("1950-13", "unknown"),
    ],
)
@pytest.mark.parametrize("by", ["situation", pytest.param("reasoning", marks=pytest.mark.slow)])
def test_a_birth_date_that_is_not_whole_bounds_the_age(
    knowledge_base: KnowledgeBase, born: str, status: str, by: Any
) -> None:
    """The age is known only where both bounds fall in one band; aged 50 to 60 is what the guideline asks."""
    text = bundle(patient(birthDate=born), POSTMENOPAUSAL, NO_FRACTURE, t_score("38267-1", -3.2))
    [case] = knowledge_base.read(text, "fhir")
    assessment = knowledge_base.assess(case, on=ON, by=by)
    [aged] = [c for o in assessment.options for c in o.criteria if c.label.en == "age 50 to 60"]
    assert aged.status == status
    assert born in told(assessment, "element-ignored")[0]


@pytest.mark.parametrize(
    ("born", "refused"),
    [
        ("2027", True),
        ("2026-12", True),
        ("2026", False),  # before the day of assessment, perhaps
        ("2026-11", False),
        ("1905", False),  # 120 or 121
        ("1904", True),
        ("1905-11", False),
        ("1905-10", True),
    ],
)
def test_a_birth_date_that_is_not_whole_is_refused_where_no_day_of_it_gives_an_age(
    knowledge_base: KnowledgeBase, born: str, refused: bool
) -> None:
    [case] = knowledge_base.read(bundle(patient(birthDate=born), POSTMENOPAUSAL), "fhir")
    violations = knowledge_base.validate(case, on=ON).violations
    assert [each.path for each in violations] == (["birthDate"] if refused else [])


def test_nothing_is_assumed_of_a_recorded_status(knowledge_base: KnowledgeBase) -> None:
    """The record says otherwise."""
    case = read(knowledge_base, condition(SNOMED, "22636003"), assume_postmenopausal_from=50)
    assert said(case, "menopausalStatusAssumed") == []


@pytest.mark.parametrize("code", ["21801002", "198436008", "123756000", "198437004", "403389006"])
def test_climacteric_disorders_are_present_while_they_last(knowledge_base: KnowledgeBase, code: str) -> None:
    """Resolved ones say nothing of today."""
    assert said(read(knowledge_base, condition(SNOMED, code)), "climactericDisorders") == ["true"]
    past = condition(SNOMED, code, abatementDateTime="2015-01-01")
    assert said(read(knowledge_base, past), "climactericDisorders") == []


@pytest.mark.parametrize("code", ["14651005", "390833005", "703264005"])
def test_a_secondary_cause_is_warned_of(knowledge_base: KnowledgeBase, code: str) -> None:
    """It decides nothing."""
    assert told(assess(knowledge_base, condition(SNOMED, code)), "secondary-cause")


def test_an_unknown_gender_is_told(knowledge_base: KnowledgeBase) -> None:
    """Other is neither female nor male, and unknown here."""
    [case] = knowledge_base.read(bundle(patient(gender="other")), "fhir")
    assert said(case, "hasSex") == []
    assert "gender other" in reasons(case)["ValueNotKnown"][0]


@pytest.mark.parametrize("death", [{"deceasedBoolean": True}, {"deceasedDateTime": "2020-01-01"}])
def test_a_death_is_told(knowledge_base: KnowledgeBase, death: Resource) -> None:
    """However it is recorded."""
    [case] = knowledge_base.read(bundle(patient(**death)), "fhir")
    assert told(knowledge_base.assess(case, on=ON), "deceased")


def test_a_living_patient_fits_into_a_flat_record(knowledge_base: KnowledgeBase) -> None:
    """That she is not dead goes without saying."""
    [case] = knowledge_base.read(bundle(patient(deceasedBoolean=False)), "fhir")
    assert said(case, "isDeceased") == []


def test_every_state_of_a_condition_is_read(knowledge_base: KnowledgeBase) -> None:
    both = {**condition(SNOMED, "76498008"), "code": coded((SNOMED, "76498008"), (SNOMED, "198436008"))}
    case = read(knowledge_base, both)
    assert said(case, "hasMenopausalStatus") == ["Postmenopausal"]
    assert said(case, "climactericDisorders") == ["true"]


@pytest.mark.parametrize("changed", [{"implicitRules": "https://x"}, {"modifierExtension": [{"url": "https://x"}]}])
def test_a_patient_whose_elements_a_modifier_changes_has_no_certain_sex_and_age(
    knowledge_base: KnowledgeBase, changed: dict[str, Any]
) -> None:
    [case] = knowledge_base.read(bundle(patient(gender="male") | changed), "fhir", on=ON)
    assert said(case, "hasSex") == said(case, "birthDate") == []
    assert knowledge_base.assess(case, on=ON).disposition == "undetermined"
