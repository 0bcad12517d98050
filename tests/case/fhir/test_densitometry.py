"""Densitometry and renal function in FHIR: which value counts, at which site, in which unit."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from osteo_kg import Assessment
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    HER,
    LOINC,
    NO_FRACTURE,
    OWN,
    POSTMENOPAUSAL,
    RENAL,
    RENAL_BESIDE_UNREAD,
    SNOMED,
    Resource,
    assess,
    bundle,
    coded,
    nothing_known,
    patient,
    read,
    reasons,
    said,
    t_score,
    told,
)
from tests.support.safety import drug_of, told_of
from tests.support.worked import ON

# Densitometry


@pytest.mark.parametrize(
    ("words", "site", "side"),
    [
        ("Col fémoral G", ["FemoralNeck"], ["LeftSide"]),
        ("hanche D", ["TotalHip"], ["RightSide"]),
        ("Femoral neck R", ["FemoralNeck"], ["RightSide"]),
        ("L-spine", ["LumbarSpine"], []),
        ("L1 L2 L3", ["LumbarSpine"], []),
        ("L1-L2, L4", ["LumbarSpine"], []),
        ("rachis lombaire L3", [], []),
    ],
)
def test_a_body_site_in_short_words_is_read(
    knowledge_base: KnowledgeBase, words: str, site: list[str], side: list[str]
) -> None:
    case = read(knowledge_base, t_score("38263-0", -2.1, bodySite={"text": words}))
    assert (said(case, "hasSite"), said(case, "hasSide")) == (site, side)


@pytest.mark.parametrize(
    ("code", "site"),
    {
        "38267-1": "LumbarSpine",
        "38264-8": "TotalHip",
        "80946-7": "TotalHip",
        "80945-9": "TotalHip",
        "38263-0": "UnspecifiedFemurSite",
        "80948-3": "UnspecifiedFemurSite",
        "80947-5": "UnspecifiedFemurSite",
    }.items(),
)
def test_a_t_score_of_an_axial_site_decides(knowledge_base: KnowledgeBase, code: str, site: str) -> None:
    """The LOINC code says the site; a femur without a site counts as the femoral neck, and that is said."""
    case = read(knowledge_base, t_score(code, -3.2), POSTMENOPAUSAL, NO_FRACTURE)
    assert said(case, "hasSite") == [site]
    assessment = knowledge_base.assess(case, on=ON)
    assert assessment.disposition == "treat"
    assert bool(told(assessment, "densitometry-site-assumed")) == (site == "UnspecifiedFemurSite")


@pytest.mark.parametrize("code", ["38265-5", "38266-3", "85390-3"])
def test_a_t_score_of_another_site_never_decides(knowledge_base: KnowledgeBase, code: str) -> None:
    """Forearm, calcaneus and humerus are told, and decide nothing."""
    assessment = assess(knowledge_base, t_score(code, -3.2), POSTMENOPAUSAL, NO_FRACTURE)
    assert assessment.disposition == "densitometry-required"
    assert code in told(assessment, "element-ignored")[0]


@pytest.mark.parametrize("words", ["Ward's triangle", "Ward’s triangle of the femoral neck", "Greater trochanter"])
def test_a_region_of_the_femur_that_never_decides_is_known_by_its_words(
    knowledge_base: KnowledgeBase, words: str
) -> None:
    """No code of such a region is verified, and yet it must not count."""
    case = read(knowledge_base, t_score("38263-0", -3.2, bodySite={"text": words}))
    assert "SiteNeverDecides" in reasons(case)


def test_the_femoral_neck_is_known_by_its_words(knowledge_base: KnowledgeBase) -> None:
    """A stated body site needs no assumption."""
    assert said(read(knowledge_base, t_score("38263-0", -2, bodySite={"text": "Femoral neck"})), "hasSite") == [
        "FemoralNeck"
    ]


def test_a_femur_at_an_unknown_body_site_is_not_used(knowledge_base: KnowledgeBase) -> None:
    """It might be a region that never decides, or the lowest of all: the densitometry stays open."""
    case = read(knowledge_base, t_score("80948-3", -2, bodySite=coded((SNOMED, "421060004"))))
    assert said(case, "tScore") == []
    assert "BodySiteNotKnown" in reasons(case)
    assert said(case, "isOpenFor") == ["Densitometry"]


@pytest.mark.parametrize(
    "unit", ["{T-score}", "{T-Score}", "1", "", "SD", "{SD}", "sd", "{Tscore}", "[T-score]", "T score"]
)
def test_a_unit_of_a_t_score_is_accepted(knowledge_base: KnowledgeBase, unit: str) -> None:
    """Those are the units met."""
    assert said(read(knowledge_base, t_score("38267-1", -2.5, unit=unit)), "tScore") == ["-2.5"]


def test_a_density_under_the_code_of_a_t_score_is_told_and_not_used(knowledge_base: KnowledgeBase) -> None:
    """A public bundle carries 0.889 g/cm² under 38263-0."""
    case = read(knowledge_base, t_score("38263-0", 0.889, unit="g/cm2"))
    assert said(case, "tScore") == []
    assert "0.889 g/cm2" in reasons(case)["DensityNotTScore"][0]


@pytest.mark.parametrize("code", ["24966-4", "38261-4", "24701-5"])
def test_the_code_of_a_density_is_never_compared(knowledge_base: KnowledgeBase, code: str) -> None:
    """It is told as what it is."""
    assert code in reasons(read(knowledge_base, t_score(code, 0.9, unit="g/cm2")))["DensityNotTScore"][0]


@pytest.mark.parametrize("status", ["preliminary", "registered", "entered-in-error", "cancelled", "unknown", ""])
def test_an_observation_that_is_not_final_is_not_used(knowledge_base: KnowledgeBase, status: str) -> None:
    """Final, amended and corrected are used."""
    assert "StatusRulesOut" in reasons(read(knowledge_base, t_score("38267-1", -2, status=status)))
    assert said(read(knowledge_base, t_score("38267-1", -2, status="corrected")), "tScore") == ["-2"]


@pytest.mark.parametrize(
    "value",
    [{"valueQuantity": {"value": -2, "comparator": "<"}}, {"valueQuantity": {"value": "-2"}}, {"valueString": "low"}],
)
def test_a_value_that_is_no_exact_number_is_not_used(knowledge_base: KnowledgeBase, value: Resource) -> None:
    """Less than -2 is not -2, and text is no number."""
    observation = {key: item for key, item in t_score("38267-1", -2).items() if not key.startswith("value")}
    assert "ValueNotUsable" in reasons(read(knowledge_base, {**observation, **value}))


def test_digits_are_kept_as_written(knowledge_base: KnowledgeBase) -> None:
    """-2.96 is not -3, and no digit of a long number is lost."""
    text = bundle(patient(), t_score("38267-1", 7777)).replace("7777", "-3.5776262476366476")
    [case] = knowledge_base.read(text, "fhir")
    assert said(case, "tScore") == ["-3.5776262476366476"]


def test_the_newest_value_of_a_site_counts(knowledge_base: KnowledgeBase) -> None:
    """An older, lower value of the same site decides nothing."""
    older, newer = t_score("38267-1", -3.5, "2020-01-01"), t_score("38267-1", -1.5, "2026-01-01")
    assert assess(knowledge_base, older, newer, POSTMENOPAUSAL, NO_FRACTURE).disposition == "no-treatment"


def test_a_panel_holds_t_scores_as_components(knowledge_base: KnowledgeBase) -> None:
    """Each component is read with the date of the panel."""
    panel = t_score("83311-1", 0)
    del panel["valueQuantity"]
    part = {"code": coded((LOINC, "38267-1")), "valueQuantity": {"value": -2.5}}
    case = read(knowledge_base, {**panel, "component": [part]})
    assert said(case, "tScore") == ["-2.5"]
    assert said(case, "performedOn") == ["2026-03-01T00:00:00"]


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({}, 1),
        ({"valueQuantity": {"value": 80}}, 0),
        ({"valueQuantity": {"value": 1.3, "unit": "mL/s"}}, 0),
        ({"valueQuantity": {"value": 60, "unit": "mL/min", "comparator": ">"}}, 0),
        ({"status": "preliminary"}, 0),
        ({"code": coded((LOINC, "98979-8")), "valueQuantity": {"value": 60, "unit": "mL/min/{1.73_m2}"}}, 1),
    ],
)
def test_renal_function_is_read_in_the_unit_of_its_limits(
    knowledge_base: KnowledgeBase, change: Resource, read: int
) -> None:
    [case] = knowledge_base.read(bundle(patient(), {**RENAL, **change}), "fhir")
    tests = [each for each in case.triples if each.predicate.value == OWN + "hasRenalFunctionTest"]
    assert (len(tests), bool(case.remarks)) == (read, not read)


@pytest.mark.parametrize(("tests", "numbers"), RENAL_BESIDE_UNREAD.values(), ids=RENAL_BESIDE_UNREAD)
def test_a_value_of_renal_function_that_an_unread_one_may_have_followed_takes_no_caution_away(
    knowledge_base: KnowledgeBase, tests: list[Resource], numbers: list[str]
) -> None:
    """It is named with the reason; limits are to be checked, and so is an impairment that a complete history omits."""
    case = read(knowledge_base, *tests, t_score("38267-1", -3.2), POSTMENOPAUSAL, nothing_known("MedicalHistory"))
    assert sorted([*said(case, "estimatedGfr"), *said(case, "creatinineClearance")]) == numbers
    assert ("NewerValueNotUsed" in reasons(case)) == (len(numbers) < len(tests) - 1)
    assessment = knowledge_base.assess(case, on=ON)
    asked = {drug: _asked(knowledge_base, assessment, drug) for drug in ("alendronate", "raloxifene")}
    assert ("creatinine clearance or eGFR < 35 mL/min (not recorded)" in asked["alendronate"]) == (not numbers)
    assert ("severe renal impairment" in asked["raloxifene"]) == (not numbers)


def _asked(knowledge_base: KnowledgeBase, assessment: Assessment, drug: str) -> str:
    """Give what is to be checked before a drug."""
    _, cautions = told_of(assessment, drug_of(knowledge_base, drug))
    return "; ".join(asked.en for each in cautions for asked in each.asks)


def _with_next_page(text: str) -> str:
    return json.dumps(json.loads(text) | {"link": [{"relation": "next", "url": "https://e/2"}]})


@pytest.mark.parametrize(
    "changed",
    [
        _with_next_page,
        lambda text: text.replace('"T-score", "status": "final"', '"T-score", "status": "final", "status": "final"'),
        lambda text: text.replace(
            '"gender"', '"link": [{"type": "replaces", "other": {"reference": "Patient/other"}}], "gender"'
        ),
    ],
    ids=["a further page", "an observation with a key twice", "another Patient resource of hers"],
)
def test_a_value_of_renal_function_that_one_which_is_not_there_may_have_followed_says_nothing(
    knowledge_base: KnowledgeBase, changed: Callable[[str], str]
) -> None:
    other = {"resourceType": "Observation", "id": "T-score", "status": "final", "subject": HER}
    whole = bundle(patient(), {**patient(), "id": "other"}, other, RENAL)
    for text, numbers in ((whole, ["80"]), (changed(whole), [])):
        case = next(each for each in knowledge_base.read(text, "fhir", on=ON) if each.patient == "example")
        assert said(case, "creatinineClearance") == numbers
        assert ("NewerValueNotUsed" in reasons(case)) == (not numbers)


@pytest.mark.parametrize(
    ("whole", "day"),
    [
        (t_score("38267-1", -2), {"effectiveTiming": {"code": {"text": "BID"}}}),
        (RENAL, {"effectiveTiming": {"code": {"text": "BID"}}}),
        (RENAL, {"effectiveDateTime": "2026-03"}),
    ],
)
def test_a_date_that_gives_no_day_is_told(knowledge_base: KnowledgeBase, whole: Resource, day: Resource) -> None:
    undated = {key: value for key, value in whole.items() if key != "effectiveDateTime"}
    case = read(knowledge_base, {**undated, **day})
    assert said(case, "performedOn") == []
    assert "DateNotWhole" in reasons(case)


def test_a_period_dates_renal_function(knowledge_base: KnowledgeBase) -> None:
    undated = {key: value for key, value in RENAL.items() if key != "effectiveDateTime"}
    case = read(knowledge_base, {**undated, "effectivePeriod": {"start": "2026-10-01"}})
    assert said(case, "performedOn") == ["2026-10-01T00:00:00"]


def test_a_component_that_is_not_known_is_told(knowledge_base: KnowledgeBase) -> None:
    """Beside one that is."""
    panel = t_score("83311-1", 0)
    del panel["valueQuantity"]
    parts = [{"code": coded((LOINC, code)), "valueQuantity": {"value": -2.5}} for code in ("38267-1", "80948-9")]
    case = read(knowledge_base, {**panel, "component": parts})
    assert said(case, "tScore") == ["-2.5"]
    assert "LOINC 80948-9" in reasons(case)["CodeNotRead"][0]
