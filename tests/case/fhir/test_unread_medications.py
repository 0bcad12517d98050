"""A drug that only words name is perhaps a treatment; denosumab is never passed over (the reading, R13, R14)."""

from __future__ import annotations

import pytest

from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    ATC,
    HER,
    POSTMENOPAUSAL,
    SNOMED,
    Resource,
    assess,
    coded,
    medication,
    read,
    reasons,
    said,
    t_score,
    told,
)
from tests.support.worked import ON

BDPM = "https://smt.esante.gouv.fr/terminologie-bdpm"
GOOD_BONE = t_score("38267-1", 0.1)


@pytest.mark.parametrize(
    "text", ["Prolia 60 mg", "Jubbonti", "acide zolédronique", "Bisphosphonate", "FOSAMAX 70 mg, cp", "Boniva", "THM"]
)
def test_a_drug_in_words_is_perhaps_a_treatment(knowledge_base: KnowledgeBase, text: str) -> None:
    one = medication("MedicationStatement", "active", "", "", medicationCodeableConcept={"text": text})
    case = read(knowledge_base, one)
    assert said(case, "isOpenFor") == ["TreatmentHistory"]
    assert said(case, "hasPastTreatment") == []


def test_a_medication_that_is_not_there_is_known_by_what_leads_to_it(knowledge_base: KnowledgeBase) -> None:
    """Without words it may be any drug."""
    for reference, is_open in (({"display": "Prolia"}, True), ({"display": "Paracetamol"}, False), ({}, True)):
        one = medication("MedicationStatement", "active", "", "")
        del one["medicationCodeableConcept"]
        case = read(knowledge_base, {**one, "medicationReference": {"reference": "Medication/gone", **reference}})
        assert said(case, "isOpenFor") == (["TreatmentHistory"] if is_open else [])


@pytest.mark.parametrize(
    "text", ["Paracetamol", "XGEVA 120 mg", "Zometa 4 mg/5 ml", "Actonel 30 mg", "Bondronat", "Trophigil"]
)
def test_another_drug_or_product_in_words_is_none(knowledge_base: KnowledgeBase, text: str) -> None:
    one = medication("MedicationStatement", "active", "", "", medicationCodeableConcept={"text": text})
    case = read(knowledge_base, one)
    assert said(case, "isOpenFor") == []
    assert text in " ".join(element for listed in reasons(case).values() for element in listed)


@pytest.mark.parametrize(
    ("status", "text", "is_open"),
    [
        ("active", "Xgeva", False),
        ("active", "Wyost 120 mg", False),
        ("stopped", "XGEVA 120 mg", False),
        ("stopped", "Xgeva (denosumab) 120 mg", True),
        ("not-taken", "Xgeva (denosumab)", False),
    ],
)
def test_denosumab_for_another_use_is_denosumab_all_the_same(
    knowledge_base: KnowledgeBase, status: str, text: str, is_open: bool
) -> None:
    """Vertebral fractures follow its interruption whatever it was given for."""
    one = medication("MedicationStatement", status, "", "", medicationCodeableConcept={"text": text})
    case = read(knowledge_base, one)
    assert told(knowledge_base.assess(case, on=ON), "denosumab-rebound")
    assert (said(case, "withDrug"), "TreatmentHistory" in said(case, "isOpenFor")) == ([], is_open)


def test_a_coded_product_of_denosumab_for_another_use_raises_the_flag_too(knowledge_base: KnowledgeBase) -> None:
    """Only what was never meant, or is another drug, does not."""
    for status, system, code, raised in (
        ("stopped", BDPM, "65243459", True),
        ("entered-in-error", BDPM, "65243459", False),
        ("stopped", ATC, "G03CA04", False),
    ):
        case = read(knowledge_base, medication("MedicationStatement", status, system, code))
        assert bool(told(knowledge_base.assess(case, on=ON), "denosumab-rebound")) is raised


@pytest.mark.parametrize(
    ("system", "code", "drug"),
    [
        (BDPM, "62158815", ["Alendronate"]),
        (f"{BDPM}/", "3400949285785", ["Denosumab"]),
        ("urn:oid:1.2.250.1.213.2.3.1", "67306342", ["Zoledronate"]),
        ("https://smt.esante.gouv.fr/terminologie-atc", "M05BB04", ["Risedronate"]),
        (BDPM, "65243459", []),
        (BDPM, "62785629", []),
        (ATC, "G03CA04", []),
    ],
)
def test_a_french_product_is_read_by_its_code(
    knowledge_base: KnowledgeBase, system: str, code: str, drug: list[str]
) -> None:
    """Oncology products and local oestrogens of the same substances are not the treatment."""
    case = read(knowledge_base, medication("MedicationStatement", "active", system, code))
    assert (said(case, "withDrug"), said(case, "isOpenFor")) == (drug, [])


@pytest.mark.parametrize("status", ["active", "stopped", "unknown", "on-hold", "completed", "not-taken", "intended"])
@pytest.mark.parametrize("is_coded", [True, False])
def test_denosumab_of_whatever_status_tells_of_its_rebound(
    knowledge_base: KnowledgeBase, status: str, is_coded: bool
) -> None:
    concept = coded((BDPM, "64256891")) if is_coded else {"text": "Prolia"}
    one = medication("MedicationStatement", status, "", "", medicationCodeableConcept=concept)
    assert told(assess(knowledge_base, one, POSTMENOPAUSAL, GOOD_BONE), "denosumab-rebound")


@pytest.mark.parametrize(("status", "is_open"), [("ended", True), ("Active", True), ("not-done", False)])
def test_a_status_that_is_not_known_keeps_the_treatment_history_open(
    knowledge_base: KnowledgeBase, status: str, *, is_open: bool
) -> None:
    case = read(knowledge_base, medication("MedicationAdministration", status, ATC, "M05BA04"))
    assert said(case, "isOpenFor") == (["TreatmentHistory"] if is_open else [])


@pytest.mark.parametrize("status", ["entered-in-error", "draft", "cancelled"])
def test_denosumab_that_never_was_does_not(knowledge_base: KnowledgeBase, status: str) -> None:
    one = medication("MedicationRequest", status, BDPM, "64256891")
    assert not told(assess(knowledge_base, one, POSTMENOPAUSAL, GOOD_BONE), "denosumab-rebound")


RALOXIFENE = medication("MedicationStatement", "active", ATC, "G03XC01")


def resource(kind: str, **more: object) -> Resource:
    """Make another resource of hers."""
    return {"resourceType": kind, "id": "x", "status": "final", "subject": HER, **more}


@pytest.mark.parametrize(
    ("mention", "is_denosumab"),
    [
        (resource("DiagnosticReport", code={"text": "DXA"}, conclusion="Patiente sous Prolia depuis 2020"), True),
        (resource("Procedure", status="completed", code={"text": "Injection de Prolia 60 mg"}), True),
        (resource("Observation", code={"text": "Note"}, valueString="Fosamax arrêté pour intolérance"), False),
        (resource("Condition", code={"text": "Intolérance aux bisphosphonates"}), False),
        (resource("Condition", code=coded((SNOMED, "64859006")), note=[{"text": "dénosumab arrêté"}]), True),
        ({**RALOXIFENE, "note": [{"text": "relais de Prolia"}]}, True),
    ],
)
def test_a_drug_in_the_words_of_another_resource_is_perhaps_a_treatment(
    knowledge_base: KnowledgeBase, mention: Resource, *, is_denosumab: bool
) -> None:
    answer = assess(knowledge_base, RALOXIFENE, mention, POSTMENOPAUSAL, t_score("38267-1", -3.2))
    statuses = {option.treatment: option.status for option in answer.options}
    assert statuses["denosumab"] == "undetermined"
    assert bool(told(answer, "denosumab-rebound")) is is_denosumab


@pytest.mark.parametrize(
    "mention",
    [
        resource("DiagnosticReport", code={"text": "DXA"}, conclusion="sous raloxifène"),
        resource("Observation", code={"text": "Estradiol"}, valueString="12 pg/mL"),
        resource("Observation", code={"text": "Calcitonine"}, valueString="normale"),
        resource("ServiceRequest", status="active", intent="order", code={"text": "Prolia"}),
        resource("Condition", code=coded((SNOMED, "64859006"), text="osteoporosis, Prolia")),
    ],
)
def test_a_drug_that_was_read_or_is_no_treatment_opens_nothing(
    knowledge_base: KnowledgeBase, mention: Resource
) -> None:
    assert "TreatmentHistory" not in said(read(knowledge_base, RALOXIFENE, mention), "isOpenFor")


@pytest.mark.parametrize(
    "ingredient",
    [{"itemReference": {"display": "denosumab"}}, {"item": {"concept": coded((ATC, "M05BX04"))}}],
)
def test_what_is_in_a_medication_is_looked_for_in_every_form(
    knowledge_base: KnowledgeBase, ingredient: Resource
) -> None:
    one = medication("MedicationStatement", "stopped", "", "")
    del one["medicationCodeableConcept"]
    packed = {"resourceType": "Medication", "id": "c", "ingredient": [ingredient]}
    case = read(knowledge_base, {**one, "medicationReference": {"reference": "Medication/c"}}, packed)
    assert told(knowledge_base.assess(case, on=ON), "denosumab-rebound")


def test_a_reason_for_the_end_that_is_not_read_leaves_the_outcome_unknown(knowledge_base: KnowledgeBase) -> None:
    one = medication("MedicationStatement", "completed", ATC, "M05BA04", statusReason=[{"text": "échec"}])
    assert said(read(knowledge_base, one), "hasOutcome") == []


@pytest.mark.parametrize(
    ("status", "drug", "is_open"),
    [
        ({"text": "Refuted"}, [], False),
        (coded(("http://x", "confirmed"), ("http://x", "refuted")), [], False),
        (coded(("http://x", "presumed")), [], True),
        (coded(("http://x", "confirmed")), ["Alendronate"], False),
    ],
)
def test_the_status_of_an_intolerance_is_looked_for_in_every_form(
    knowledge_base: KnowledgeBase, status: Resource, drug: list[str], *, is_open: bool
) -> None:
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "patient": HER, "code": coded((ATC, "M05BA04"))}
    case = read(knowledge_base, {**allergy, "verificationStatus": status})
    assert (said(case, "withDrug"), "TreatmentHistory" in said(case, "isOpenFor")) == (drug, is_open)
