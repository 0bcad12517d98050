"""What is read of FHIR, what is not, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bundles import (
    ATC,
    HER,
    ICD_CM,
    ICD_WHO,
    LOINC,
    NO_FRACTURE,
    OWN,
    POSTMENOPAUSAL,
    RXNORM,
    SNOMED,
    Resource,
    assess,
    bundle,
    coded,
    condition,
    fractures,
    medication,
    nothing_known,
    patient,
    read,
    reasons,
    said,
    t_score,
    told,
)
from helpers import ON
from osteo_kg import UnreadableCaseError
from osteo_kg.cli import main
from osteo_kg.knowledge_base import KnowledgeBase

# Densitometry


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
    """It might be a region that never decides."""
    case = read(knowledge_base, t_score("80948-3", -2, bodySite=coded((SNOMED, "29627003"))))
    assert said(case, "tScore") == []
    assert "BodySiteNotKnown" in reasons(case)


@pytest.mark.parametrize("unit", ["{T-score}", "{T-Score}", "1", ""])
def test_a_unit_of_a_t_score_is_accepted(knowledge_base: KnowledgeBase, unit: str) -> None:
    """Those are the units met."""
    assert said(read(knowledge_base, t_score("38267-1", -2.5, unit=unit)), "tScore") == ["-2.5"]


def test_a_density_under_the_code_of_a_t_score_is_told_and_not_used(knowledge_base: KnowledgeBase) -> None:
    """A public bundle carries 0.889 g/cm² under 38263-0."""
    case = read(knowledge_base, t_score("38263-0", 0.889, unit="g/cm2"))
    assert said(case, "tScore") == []
    assert "0.889 g/cm2" in reasons(case)["UnitNotAccepted"][0]


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


# Fractures


@pytest.mark.parametrize(
    ("system", "code", "site"),
    [
        (SNOMED, "5913000", "ProximalFemurFracture"),
        (SNOMED, "263102004", "DistalRadiusFracture"),
        (SNOMED, "79546008", "MultipleRibFracture"),
        (SNOMED, "39335003", "MultipleRibFracture"),
        (SNOMED, "1261007", "UnspecifiedSiteFracture"),
        (SNOMED, "71620000", "UnspecifiedSiteFracture"),
        (SNOMED, "443165006", "UnspecifiedSiteFracture"),
        (ICD_CM, "S72.001A", "ProximalFemurFracture"),
        (ICD_CM, "S52.501A", "DistalRadiusFracture"),
        (ICD_CM, "S52.201A", "ForearmFracture"),
        (ICD_CM, "M80.051A", "UnspecifiedSiteFracture"),
        (OWN, "MetatarsalFracture", "MetatarsalFracture"),
    ],
)
def test_a_code_says_the_site(knowledge_base: KnowledgeBase, system: str, code: str, site: str) -> None:
    """In a classification the narrowest category above the code counts."""
    assert fractures(read(knowledge_base, condition(system, code))) == [site]


def test_a_code_without_its_system_says_nothing(knowledge_base: KnowledgeBase) -> None:
    """The system is part of the code."""
    case = read(knowledge_base, condition(LOINC, "5913000"), condition("", "5913000"))
    assert fractures(case) == []
    assert "LOINC 5913000" in reasons(case)["CodeNotRead"][0]


def test_the_who_edition_is_not_the_american_one(knowledge_base: KnowledgeBase) -> None:
    """M80.0 means another thing there, and no code of it is verified."""
    case = read(knowledge_base, condition(ICD_WHO, "M80.0"), condition(ICD_WHO, "S72.0"))
    assert fractures(case) == []
    assert "M80.0" in reasons(case)["SystemNotVerified"][0]


@pytest.mark.parametrize("code", ["5291005", "66931009", "45564002"])
def test_an_unverified_code_says_nothing(knowledge_base: KnowledgeBase, code: str) -> None:
    """It stays out of the ontology until somebody checks it."""
    assert code in reasons(read(knowledge_base, condition(SNOMED, code)))["CodeNotRead"][0]


@pytest.mark.parametrize("code", ["50448004", "42942008", "84138006", "240198002", "203450003", "203451004"])
def test_an_open_vertebral_level_is_assumed(knowledge_base: KnowledgeBase, code: str) -> None:
    """T4 to L5 is assumed, and said."""
    assert code in told(assess(knowledge_base, condition(SNOMED, code)), "vertebral-level-assumed")[0]
    assert not told(assess(knowledge_base, condition(SNOMED, "125608002")), "vertebral-level-assumed")


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
@pytest.mark.parametrize("old", [False, True])
def test_a_refuted_condition_is_dropped(knowledge_base: KnowledgeBase, status: str, old: bool) -> None:
    """The status of newer FHIR is a concept, that of older FHIR a word."""
    written = status if old else coded(("http://terminology.hl7.org/CodeSystem/condition-ver-status", status))
    case = read(knowledge_base, condition(SNOMED, "5913000", verificationStatus=written))
    assert fractures(case) == []
    assert status in reasons(case)["StatusRulesOut"][0]


@pytest.mark.parametrize("status", ["resolved", "inactive", "remission"])
def test_a_fracture_of_the_past_counts(knowledge_base: KnowledgeBase, status: str) -> None:
    """History is what a fracture history is made of."""
    healed = condition(SNOMED, "5913000", clinicalStatus=coded(("http://x", status)), abatementDateTime="2020")
    assert fractures(read(knowledge_base, healed)) == ["ProximalFemurFracture"]


def test_two_conditions_of_one_code_and_date_are_one_fracture(knowledge_base: KnowledgeBase) -> None:
    """A problem list and an encounter both hold it; the project's own codes are entries each."""
    twice = [condition(SNOMED, "125608002", day) for day in ("2020-01-02", "2020-01-02T08:00:00Z", "2021-05-05")]
    case = read(knowledge_base, *twice)
    assert fractures(case) == ["VertebralFracture", "VertebralFracture"]
    assert "125608002" in reasons(case)["SameEntryTwice"][0]
    own = [condition(OWN, "VertebralFracture", "2020-01-02")] * 2
    assert fractures(read(knowledge_base, *own)) == ["VertebralFracture", "VertebralFracture"]


@pytest.mark.parametrize(
    ("broad", "other", "left"),
    [
        ("443165006", "263102004", ["DistalRadiusFracture"]),
        ("443165006", "71642004", ["SkullFracture", "UnspecifiedSiteFracture"]),  # the skull is never osteoporotic
        ("71620000", "5913000", ["ProximalFemurFracture"]),
        ("71620000", "263102004", ["DistalRadiusFracture", "UnspecifiedSiteFracture"]),  # a wrist is no femur
        ("1261007", "79546008", ["MultipleRibFracture"]),
    ],
)
def test_another_fracture_of_the_same_date_may_say_where(
    knowledge_base: KnowledgeBase, broad: str, other: str, left: list[str]
) -> None:
    """Only a site that the broad code can mean says where."""
    day = "2022-02-02"
    assert fractures(read(knowledge_base, condition(SNOMED, broad, day), condition(SNOMED, other, day))) == left
    apart = read(knowledge_base, condition(SNOMED, broad, "2022-02-03"), condition(SNOMED, other, day))
    assert "UnspecifiedSiteFracture" in fractures(apart)


def test_of_several_codings_the_one_that_says_most_counts(knowledge_base: KnowledgeBase) -> None:
    """The body site counts too."""
    double = condition(SNOMED, "443165006")
    double["code"]["coding"].append({"system": ICD_CM, "code": "S72.001A"})
    assert fractures(read(knowledge_base, double)) == ["ProximalFemurFracture"]
    at = condition(SNOMED, "443165006", bodySite=[coded((OWN, "ToeFracture"))])
    assert fractures(read(knowledge_base, at)) == ["ToeFracture"]


def test_an_empty_list_closes_a_section(knowledge_base: KnowledgeBase) -> None:
    """None known to exist closes it; not asked does not."""
    assert said(read(knowledge_base, NO_FRACTURE), "isCompleteFor") == ["FractureHistory"]
    asked = {**NO_FRACTURE, "emptyReason": coded(("http://x", "notasked"))}
    assert "SectionNotClosed" in reasons(read(knowledge_base, asked))


def test_no_recorded_fracture_is_not_none(knowledge_base: KnowledgeBase) -> None:
    """What FHIR does not hold is unknown."""
    assessment = assess(knowledge_base, t_score("38267-1", -2.5), POSTMENOPAUSAL)
    assert "fractures" in {each.fact for each in assessment.missing}


# Menopause and history


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
@pytest.mark.parametrize("by", ["situation", "reasoning"])
def test_a_birth_date_that_is_not_whole_bounds_the_age(
    knowledge_base: KnowledgeBase, born: str, status: str, by: Any
) -> None:
    """The age is known only where both bounds fall in one band; aged 50 to 60 is what the guideline asks."""
    text = bundle(patient(birthDate=born), POSTMENOPAUSAL, NO_FRACTURE, t_score("38267-1", -3.2))
    [case] = knowledge_base.read(text, "fhir")
    assessment = knowledge_base.assess(case, on=ON, by=by)
    [aged] = [c for o in assessment.options for c in o.criteria if c.label.en == "aged 50 to 60"]
    assert aged.status == status
    assert born in told(assessment, "element-ignored")[0]


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


# Treatments


@pytest.mark.parametrize(
    ("kind", "status", "outcome"),
    [
        ("MedicationStatement", "active", ["Ongoing"]),
        ("MedicationStatement", "completed", ["Completed"]),
        ("MedicationStatement", "stopped", []),
        ("MedicationRequest", "active", ["Ongoing"]),
        ("MedicationRequest", "completed", ["Completed"]),
        ("MedicationAdministration", "in-progress", ["Ongoing"]),
        ("MedicationAdministration", "completed", []),  # one dose is no course
    ],
)
def test_a_medication_is_an_exposure(knowledge_base: KnowledgeBase, kind: str, status: str, outcome: list[str]) -> None:
    """Its status says what it can of the outcome."""
    case = read(knowledge_base, medication(kind, status, RXNORM, "904419"))
    assert said(case, "withDrug") == ["Alendronate"]
    assert said(case, "hasOutcome") == outcome


@pytest.mark.parametrize(
    ("kind", "status", "more"),
    [
        ("MedicationStatement", "not-taken", {}),
        ("MedicationStatement", "intended", {}),
        ("MedicationStatement", "entered-in-error", {}),
        ("MedicationRequest", "draft", {}),
        ("MedicationRequest", "cancelled", {}),
        ("MedicationRequest", "active", {"intent": "proposal"}),
        ("MedicationRequest", "active", {"doNotPerform": True}),
        ("MedicationAdministration", "not-done", {}),
    ],
)
def test_a_drug_that_was_not_given_is_no_exposure(
    knowledge_base: KnowledgeBase, kind: str, status: str, more: Resource
) -> None:
    """It is told."""
    case = read(knowledge_base, medication(kind, status, RXNORM, "904419", **more))
    assert said(case, "withDrug") == []
    assert "StatusRulesOut" in reasons(case)


def test_a_group_of_atc_holds_every_code_under_it(knowledge_base: KnowledgeBase) -> None:
    """G03FA01 is menopausal hormone therapy; M05BA says a bisphosphonate, and none of them."""
    assert said(read(knowledge_base, medication("MedicationStatement", "active", ATC, "G03FA01")), "withDrug") == [
        "MenopausalHormoneTherapy"
    ]
    case = read(knowledge_base, medication("MedicationStatement", "active", ATC, "M05BA99"))
    assert said(case, "withDrug") == []
    assert "M05BA99" in reasons(case)["GroupOfDrugs"][0]


def dose(value: float, unit: str = "mg") -> Resource:
    """State a dose."""
    return {"dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": value, "unit": unit}}]}]}


VAGINAL = {"dosageInstruction": [{"route": {"text": "Vaginal use"}}]}
ORAL = {"dosageInstruction": [{"route": {"text": "Oral use"}}]}


@pytest.mark.parametrize(
    ("code", "more", "drugs", "doubted"),
    [
        ((RXNORM, "77655"), dose(4), [], False),
        ((RXNORM, "77655"), dose(5), ["Zoledronate"], False),
        ((RXNORM, "77655"), {}, ["Zoledronate"], True),
        ((RXNORM, "993449"), dose(120), [], False),
        ((RXNORM, "993449"), dose(60), ["Denosumab"], False),
        ((RXNORM, "993449"), dose(1, "mL"), ["Denosumab"], True),
        ((RXNORM, "993452"), {}, ["Denosumab"], False),
        ((ATC, "G03CA03"), VAGINAL, [], False),
        ((ATC, "G03CA03"), ORAL, ["MenopausalHormoneTherapy"], False),
        ((ATC, "G03CA03"), {}, ["MenopausalHormoneTherapy"], True),
    ],
)
def test_dose_and_route_tell_products_apart(
    knowledge_base: KnowledgeBase, code: tuple[str, str], more: Resource, drugs: list[str], doubted: bool
) -> None:
    """Where they are not given, the product for bone health is assumed, and said."""
    case = read(knowledge_base, medication("MedicationRequest", "active", *code, **more))
    assert said(case, "withDrug") == drugs
    assert ("OtherProduct" in reasons(case)) == (drugs == [])
    assert bool(told(knowledge_base.assess(case, on=ON), "drug-product-assumed")) == doubted


def test_a_medication_may_be_referred_to(knowledge_base: KnowledgeBase) -> None:
    """Contained, or beside the patient; by its code or by its ingredient."""
    request = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": HER}
    inside = {"resourceType": "Medication", "id": "m", "code": coded((RXNORM, "72143"))}
    held = {**request, "contained": [inside], "medicationReference": {"reference": "#m"}}
    assert said(read(knowledge_base, held), "withDrug") == ["Raloxifene"]
    beside = {"resourceType": "Medication", "id": "x", "ingredient": [{"itemCodeableConcept": coded((ATC, "M05BA08"))}]}
    named = {**request, "medicationReference": {"reference": "Medication/x"}}
    assert said(read(knowledge_base, named, beside), "withDrug") == ["Zoledronate"]


def test_an_allergy_to_a_drug_is_an_intolerance(knowledge_base: KnowledgeBase) -> None:
    """Unless it is refuted."""
    allergy = {"resourceType": "AllergyIntolerance", "patient": HER, "code": coded((RXNORM, "46041"))}
    case = read(knowledge_base, allergy)
    assert said(case, "withDrug") == ["Alendronate"]
    assert said(case, "hasOutcome") == ["Intolerance"]
    refuted = {**allergy, "verificationStatus": coded(("http://x", "refuted"))}
    assert said(read(knowledge_base, refuted), "withDrug") == []


def test_a_failure_travels_in_our_own_codes(knowledge_base: KnowledgeBase) -> None:
    """It is a clinician's statement, and no status of FHIR says it."""
    failed = medication("MedicationStatement", "stopped", RXNORM, "46041", statusReason=[coded((OWN, "Failure"))])
    assert said(read(knowledge_base, failed), "hasOutcome") == ["Failure"]


def test_a_drug_with_one_outcome_is_told_once(knowledge_base: KnowledgeBase) -> None:
    """Refills are no further treatments."""
    refills = [medication("MedicationRequest", "active", RXNORM, "904419", id=f"m{number}") for number in range(3)]
    case = read(knowledge_base, *refills)
    assert said(case, "withDrug") == ["Alendronate"]
    assert len(reasons(case)["SameEntryTwice"]) == 2


# Whose it is, and whether it is FHIR


def test_several_patients_of_one_bundle_are_several_cases(knowledge_base: KnowledgeBase) -> None:
    """Each has her own resources, however they refer to her."""
    other = {"resourceType": "Patient", "id": "other", "gender": "male"}
    his = condition(SNOMED, "5913000", subject={"reference": "https://fhir.example/r4/Patient/other/_history/2"})
    her, him = knowledge_base.read(bundle(patient(), other, his, POSTMENOPAUSAL), "fhir")
    assert (her.iri, him.iri) == ("urn:case:example", "urn:case:other")
    assert (fractures(her), fractures(him)) == ([], ["ProximalFemurFracture"])


@pytest.mark.parametrize("subject", [{"reference": "Patient/another"}, None])
def test_what_belongs_to_no_patient_is_not_given_to_her(knowledge_base: KnowledgeBase, subject: Resource) -> None:
    """Another patient's fracture is not hers, and one of nobody may be anybody's."""
    case = read(knowledge_base, condition(SNOMED, "5913000", subject=subject))
    assert fractures(case) == []
    assert reasons(case)["OtherPatient"] == ["Condition"]


def test_ndjson_is_grouped_by_patient(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """One resource a line, in any order."""
    other = {"resourceType": "Patient", "id": "other"}
    lines = "\n".join(json.dumps(each) for each in (POSTMENOPAUSAL, other, patient()))
    for form in ("ndjson", "jsonl", "fhir"):
        him, her = knowledge_base.read(lines, form)
        assert (him.patient, her.patient) == ("other", "example")
        assert said(her, "hasMenopausalStatus") == ["Postmenopausal"]


def test_a_single_patient_is_a_case(knowledge_base: KnowledgeBase) -> None:
    """All but her sex and age is unknown."""
    [case] = knowledge_base.read(json.dumps(patient()), "json", name="p.json")
    assert said(case, "hasSex") == ["Female"]


def test_what_the_models_reject_is_read_and_told(knowledge_base: KnowledgeBase) -> None:
    """A status from nowhere and a stray element lose no fracture."""
    broken = condition(SNOMED, "5913000", onsetDateTime="2020-02-02", stray=1, recordedDate="yesterday")
    case = read(knowledge_base, broken)
    assert fractures(case) == ["ProximalFemurFracture"]
    [remark] = [each for each in case.remarks if each.kind == "invalidElement"]
    assert "stray" in remark.element
    assert "recordedDate" in remark.element
    assert told(knowledge_base.assess(case, on=ON), "element-invalid")


def test_a_key_that_stands_twice_loses_nothing_unseen(knowledge_base: KnowledgeBase) -> None:
    """Which of the two is meant cannot be told."""
    text = bundle(patient(), t_score("38267-1", 7777)).replace('"value": 7777', '"value": -1, "value": -3')
    [case] = knowledge_base.read(text, "fhir")
    assert "KeyTwice" in reasons(case)
    [case] = knowledge_base.read(bundle(patient()).replace('"id"', '"gender": "male", "id"'), "fhir")
    assert not knowledge_base.validate(case, on=ON).conforms


@pytest.mark.parametrize("text", ['{"resourceType": 7}', "[]", "{}", "{", '{"resourceType": "Bundle", "entry": 7}', ""])
def test_what_is_no_fhir_is_refused_with_a_sentence(knowledge_base: KnowledgeBase, text: str) -> None:
    """Never with anything but a sentence."""
    with pytest.raises(UnreadableCaseError):
        knowledge_base.read(text, "fhir")


SCRAMBLED: list[Any] = [None, 7, "x", [], {}, [[]], [None], {"coding": 7}, {"coding": [{"code": []}]}, [{"value": {}}]]


@pytest.mark.parametrize("value", SCRAMBLED, ids=str)
def test_elements_of_any_shape_are_read_without_an_error(knowledge_base: KnowledgeBase, value: Any) -> None:
    """Whatever stands where, the case is read and assessed, or refused by the shapes."""
    allergy = {"resourceType": "AllergyIntolerance", "patient": HER, "code": coded((RXNORM, "46041"))}
    drug = medication("MedicationRequest", "active", RXNORM, "77655", **dose(5))
    whole = [condition(SNOMED, "443165006", "2020-01-01"), t_score("38263-0", -2), drug, allergy, NO_FRACTURE]
    for resource in [patient(), *whole]:
        for key in set(resource) - {"resourceType", "id", "subject", "patient"}:
            knowledge_base.read(bundle(patient(), {**resource, key: value}), "fhir")
    for key in patient():
        if key != "resourceType":
            knowledge_base.read(bundle({**patient(), key: value}), "fhir", assume_postmenopausal_from=50)


def test_nothing_known_of_treatments_closes_them(knowledge_base: KnowledgeBase) -> None:
    """Each section has its own list."""
    assert said(read(knowledge_base, nothing_known("TreatmentHistory")), "isCompleteFor") == ["TreatmentHistory"]


# On the command line


def test_a_folder_is_a_bulk_export(tmp_path: Path) -> None:
    """The resources of all its NDJSON files are read together."""
    for kind, resource in (("Patient", patient()), ("Condition", POSTMENOPAUSAL)):
        (tmp_path / f"{kind}.ndjson").write_text(json.dumps(resource) + "\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["assess", str(tmp_path), "--on", "2026-11-22", "--format", "json"])
    assert json.loads(done.stdout)["disposition"] == "densitometry-required"


def test_a_conversion_says_that_elements_were_left_out(tmp_path: Path) -> None:
    """An RDF format does not name them."""
    file = tmp_path / "bundle.json"
    file.write_text(bundle(patient(), condition(SNOMED, "38341003")), encoding="utf-8")
    done = CliRunner().invoke(main, ["convert", str(file), "--to", "ttl"])
    assert done.exit_code == 0
    assert "elements of the source were not used" in done.stderr
