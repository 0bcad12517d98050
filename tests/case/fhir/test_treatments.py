"""Treatments and allergies in FHIR: which drug, and what became of it."""

from __future__ import annotations

import pytest

from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    ATC,
    HER,
    OWN,
    RXNORM,
    SNOMED,
    Resource,
    coded,
    dose,
    medication,
    read,
    reasons,
    said,
    told,
)
from tests.support.worked import ON

# Treatments


def test_every_reason_for_an_end_counts(knowledge_base: KnowledgeBase) -> None:
    """Completed, and not tolerated, is not tolerated."""
    why = [coded((SNOMED, "182992009")), coded((SNOMED, "59037007"))]
    case = read(knowledge_base, medication("MedicationStatement", "stopped", ATC, "M05BA04", statusReason=why))
    assert said(case, "hasOutcome") == ["Completed", "Intolerance"]


@pytest.mark.parametrize(
    ("code", "words", "drug"),
    [
        ("M05BA08", "acide zolédronique 4 mg/100 ml", []),
        ("M05BX04", "denosumab 120MG", []),
        ("M05BA08", "acide zolédronique 5 mg/100 ml", ["Zoledronate"]),
        ("M05BX04", "denosumab 60 mg", ["Denosumab"]),
    ],
)
def test_the_strength_in_words_tells_the_product(
    knowledge_base: KnowledgeBase, code: str, words: str, drug: list[str]
) -> None:
    concept = coded((ATC, code), text=words)
    case = read(knowledge_base, medication("MedicationRequest", "active", "", "", medicationCodeableConcept=concept))
    assert said(case, "withDrug") == drug
    assert ("OtherProduct" in reasons(case)) is (not drug)


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


@pytest.mark.parametrize("code", [(ATC, "M05BA"), (OWN, "Bisphosphonate"), (ATC, "M05BA99")])
def test_an_allergy_to_a_group_is_an_intolerance_of_each_of_its_drugs(
    knowledge_base: KnowledgeBase, code: tuple[str, str]
) -> None:
    """Who may not have any of them may not have this one."""
    allergy = {"resourceType": "AllergyIntolerance", "patient": HER, "code": coded(code)}
    case = read(knowledge_base, allergy)
    group = ["Alendronate", "Etidronate", "Ibandronate", "Pamidronate", "Risedronate", "Zoledronate"]
    assert said(case, "withDrug") == group
    assert said(case, "hasOutcome") == ["Intolerance"] * len(group)


def test_of_a_group_and_one_of_its_drugs_in_one_code_the_drug_counts(knowledge_base: KnowledgeBase) -> None:
    both = coded((ATC, "M05BA"), (RXNORM, "46041"))
    allergy = {"resourceType": "AllergyIntolerance", "patient": HER, "code": both}
    assert said(read(knowledge_base, allergy), "withDrug") == ["Alendronate"]


def test_every_substance_of_an_allergy_is_read(knowledge_base: KnowledgeBase) -> None:
    """And one that is not known here is told."""
    reactions = [{"substance": coded(code)} for code in ((RXNORM, "72143"), (SNOMED, "1"))]
    allergy = {"resourceType": "AllergyIntolerance", "patient": HER, "code": coded((RXNORM, "46041"))}
    case = read(knowledge_base, {**allergy, "reaction": reactions})
    assert said(case, "withDrug") == ["Alendronate", "Raloxifene"]
    assert "SNOMED CT 1" in reasons(case)["CodeNotRead"][0]


def test_an_allergy_to_whatever_drug_is_told(knowledge_base: KnowledgeBase) -> None:
    allergy = {"resourceType": "AllergyIntolerance", "patient": HER, "code": coded((OWN, "Drug"))}
    assert reasons(read(knowledge_base, allergy))["ValueNotUsable"] == ["AllergyIntolerance (osteo-kg Drug)"]


def test_a_reason_for_stopping_that_is_not_known_is_told(knowledge_base: KnowledgeBase) -> None:
    stopped = medication("MedicationStatement", "stopped", RXNORM, "46041", statusReason=[coded((SNOMED, "182861009"))])
    case = read(knowledge_base, stopped)
    assert said(case, "withDrug") == ["Alendronate"]
    assert "SNOMED CT 182861009, statusReason" in reasons(case)["CodeNotRead"][0]
