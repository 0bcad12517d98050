"""T-scores and fractures that stand in free words only: named, and never passed over (the reading, R2, R14)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    ATC,
    HER,
    ICD_WHO,
    LOINC,
    NO_FRACTURE,
    POSTMENOPAUSAL,
    SNOMED,
    Resource,
    assess,
    bundle,
    coded,
    condition,
    medication,
    patient,
    read,
    reasons,
    said,
    t_score,
    told,
)

WRIST = condition(SNOMED, "263102004", "2025-02-02")
READ = t_score("38267-1", -1.5)
LOW = "T-score -3.4 lumbar spine"


def report(conclusion: str, **more: Any) -> Resource:
    """Make a final report on her densitometry."""
    made = {"resourceType": "DiagnosticReport", "id": "d", "status": "final", "subject": HER, "code": {"text": "DXA"}}
    return {**made, "conclusion": conclusion, **more}


@pytest.mark.parametrize(
    "resource",
    [
        report(LOW),
        report("Rachis : T-score à −3,4 DS"),
        report("T-score L1-L4 -1.5, total hip -2.6"),
        report("T-score in the range of osteoporosis"),
        report("", status="amended", conclusionCode=[{"text": LOW}]),
        report("", presentedForm=[{"title": LOW}]),
        {**WRIST, "note": [{"text": LOW}]},
        {**READ, "note": [{"text": "T-score of the left hip: -3.1"}]},
        {"resourceType": "Condition", "id": "o", "subject": HER, "code": {"text": "Ostéoporose, T-score -3,1"}},
        condition(ICD_WHO, "M81.9") | {"code": coded((ICD_WHO, "M81.9"), text="Osteoporosis, T-score -3.1")},
        medication("MedicationRequest", "active", "", "", reasonCode=[{"text": "T-score -3.1"}]),
    ],
)
def test_a_t_score_in_words_leaves_densitometry_open(knowledge_base: KnowledgeBase, resource: Resource) -> None:
    answer = assess(knowledge_base, WRIST, READ, POSTMENOPAUSAL, resource)
    assert set(answer.possible) == {"specialist-opinion", "treat"}
    assert "-score" in told(answer, "densitometry-unread")[0]


@pytest.mark.parametrize(
    "resource",
    [
        report("T-score -1.5 lumbar spine"),
        report("DXA 2026-05-01: T-score −1,5, BMD 0.812 g/cm²"),
        report("T-score -3.4 forearm"),
        report("Z-score -3.4"),
        report(LOW, status="preliminary"),
        report(LOW, status="entered-in-error"),
        condition(ICD_WHO, "M81.9", verificationStatus=coded(("x", "refuted")), note=[{"text": LOW}]),
        {"resourceType": "FamilyMemberHistory", "status": "completed", "patient": HER, "note": [{"text": LOW}]},
        {
            "resourceType": "ServiceRequest",
            "status": "active",
            "intent": "order",
            "subject": HER,
            "reasonCode": [{"text": "control of the T-score"}],
        },
    ],
)
def test_what_was_read_or_never_decides_or_is_not_final_opens_no_densitometry(
    knowledge_base: KnowledgeBase, resource: Resource
) -> None:
    """A report often says again what its observations say."""
    assert "Densitometry" not in said(read(knowledge_base, WRIST, READ, resource), "isOpenFor")


def test_a_fracture_in_a_note_is_named_and_keeps_the_history_open(knowledge_base: KnowledgeBase) -> None:
    text = "also hip fracture 2019"
    answer = assess(knowledge_base, {**WRIST, "note": [{"text": text}]}, READ, POSTMENOPAUSAL)
    assert set(answer.possible) == {"specialist-opinion", "treat"}
    assert text in told(answer, "section-open")[0]
    assert text in " ".join(told(answer, "element-ignored"))


def test_a_harmless_note_is_named_and_opens_nothing(knowledge_base: KnowledgeBase) -> None:
    case = read(knowledge_base, {**WRIST, "note": [{"text": "no other fracture"}]}, READ)
    assert said(case, "isOpenFor") == []
    assert "no other fracture" in reasons(case)["FreeTextNotRead"][0]


# Documents


HIP = "Fracture du col du fémur 2019"
IN_PLAIN_WORDS = {"contentType": "text/plain", "data": base64.b64encode(HIP.encode()).decode()}


def document(kind: str, **more: Any) -> Resource:
    """Make a document of hers."""
    return {"resourceType": kind, "id": "d", "status": "final", "subject": HER, **more}


def questioned(**item: Any) -> Resource:
    """Make the answers to a questionnaire of one question."""
    return document("QuestionnaireResponse", status="completed", item=[{"linkId": "1", **item}])


@pytest.mark.parametrize(
    "resource",
    [
        document("DocumentReference", description=HIP),
        document("DocumentReference", content=[{"attachment": {"title": HIP}}]),
        document("DocumentReference", content=[{"attachment": IN_PLAIN_WORDS}]),
        report("", presentedForm=[IN_PLAIN_WORDS]),
        document("Composition", section=[{"text": {"status": "generated", "div": f"<div><p>{HIP}</p></div>"}}]),
        document("Communication", payload=[{"contentString": HIP}]),
        document("ImagingStudy", description=HIP),
        document("CarePlan", description=HIP),
        document("ClinicalImpression", finding=[{"item": {"concept": {"text": HIP}}}]),
        document("List", code={"text": "Problems"}, entry=[{"item": {"display": HIP}}]),
        document("Observation", code={"text": "X-ray"}, interpretation=[{"text": HIP}]),
        document("Observation", code=coded((SNOMED, "263225007")), valueBoolean=True),
        document("AdverseEvent", code={"text": HIP}),
        document("Diagnosis", code=coded((SNOMED, "263225007"))),
        questioned(text="Fracture de hanche ?", answer=[{"valueBoolean": True}]),
        questioned(text="Antécédents", answer=[{"valueString": HIP}]),
        questioned(item=[{"linkId": "2", "text": "?", "answer": [{"valueCoding": {"display": HIP}}]}]),
    ],
    ids=lambda resource: resource["resourceType"],
)
def test_a_fracture_in_a_document_keeps_the_history_open(knowledge_base: KnowledgeBase, resource: Resource) -> None:
    answer = assess(knowledge_base, WRIST, READ, POSTMENOPAUSAL, resource)
    assert set(answer.possible) == {"specialist-opinion", "treat"}
    assert told(answer, "section-open")


@pytest.mark.parametrize(
    "resource",
    [
        document("DocumentReference", status="entered-in-error", description=HIP),
        document("DocumentReference", description="Compte rendu", author=[{"display": "Fracture clinic"}]),
        document(
            "Composition", section=[{"entry": [{"reference": f"Condition/{WRIST['id']}", "display": "fracture"}]}]
        ),
        questioned(text="Fracture de hanche ?", answer=[{"valueBoolean": False}]),
        questioned(text="Fracture de hanche ?", answer=[{"valueCoding": {"code": "N", "display": "Non"}}]),
        questioned(text="Fracture de hanche ?"),
        questioned(text="Fractured hip of a parent: parental fracture", answer=[{"valueString": "No"}]),
        document("Observation", code=coded((SNOMED, "263225007")), valueBoolean=False),
        document("ServiceRequest", status="active", intent="order", code={"text": "X-ray: fracture?"}),
    ],
)
def test_a_document_that_names_no_fracture_of_hers_opens_nothing(
    knowledge_base: KnowledgeBase, resource: Resource
) -> None:
    assert "FractureHistory" not in said(read(knowledge_base, WRIST, READ, resource), "isOpenFor")


def test_a_t_score_that_answers_a_question_leaves_densitometry_open(knowledge_base: KnowledgeBase) -> None:
    for value, is_open in (({"valueDecimal": -3.4}, True), ({"valueDecimal": -1.5}, False)):
        case = read(knowledge_base, WRIST, READ, questioned(text="T-score hanche", answer=[value]))
        assert ("Densitometry" in said(case, "isOpenFor")) is is_open


# Elements that no reader reads


def hers(kind: str, **more: Any) -> Resource:
    """Make a resource of hers of any type."""
    return {"resourceType": kind, "id": "x", "subject": HER, **more}


def plain(text: str) -> Resource:
    """Make a concept of words alone."""
    return {"text": text}


def unknown(**more: Any) -> Resource:
    """Make a condition of hers that is no fracture."""
    return condition(ICD_WHO, "I10") | more


CARE = {"status": "active", "intent": "plan"}
PRODUCT = "Prolia 60 mg"
PAIN = medication("MedicationStatement", "active", "", "", medicationCodeableConcept=plain("Paracetamol"))
TRANSLATED = {"extension": [{"url": "https://x/translation", "extension": [{"url": "content", "valueString": HIP}]}]}
FRACTURES_ELSEWHERE = [
    hers("Encounter", type=[plain(HIP)]),
    hers("Encounter", serviceType=[{"concept": plain(HIP)}]),
    hers("Encounter", extension=[{"url": "https://x/motif", "extension": [{"url": "a", "valueString": HIP}]}]),
    hers("Encounter", extension=[{"url": "https://x/hip-fracture", "valueBoolean": True}]),
    unknown(evidence=[{"code": [plain(HIP)]}]),
    unknown(evidence=[{"detail": [{"display": HIP}]}]),
    unknown(evidence=[{"concept": coded((SNOMED, "263225007"))}]),
    unknown(stage=[{"summary": plain(HIP)}]),
    unknown(onsetString=HIP),
    unknown(text={"status": "additional", "div": f"<div>{HIP}</div>"}),
    unknown(code={"coding": [{"system": ICD_WHO, "code": "I10", "_display": TRANSLATED}]}),
    {**WRIST, "id": "w", "evidence": [{"code": [plain(HIP)]}]},
    hers("Procedure", code=plain("X-ray"), report=[{"display": HIP}]),
    hers("Procedure", code=plain("X-ray"), followUp=[plain(HIP)]),
    hers("Procedure", code=plain("X-ray"), usedCode=[plain("Clou gamma")]),
    report("", media=[{"comment": HIP, "link": {"reference": "Media/1"}}]),
    report("", codedDiagnosis=[plain(HIP)]),
    report("", presentedForm=[{**IN_PLAIN_WORDS, "contentType": "application/xml"}]),
    report("", presentedForm=[{"contentType": "text/html", "data": base64.b64encode(b"&#70;racture L1").decode()}]),
    hers("CarePlan", **CARE, title=HIP),
    hers("CarePlan", **CARE, category=[plain("Fracture care")], addresses=[{"reference": "Condition/gone"}]),
    hers("CarePlan", **CARE, activity=[{"detail": {"status": "completed", "reasonCode": [plain(HIP)]}}]),
    hers("ServiceRequest", **CARE, code=plain("X-ray"), supportingInfo=[{"display": HIP}]),
    hers("Goal", lifecycleStatus="active", description=plain(f"Walking after {HIP}")),
    hers("RequestGroup", **CARE, action=[{"title": HIP}]),
    hers("AllergyIntolerance", code=plain("x"), reaction=[{"manifestation": [plain(HIP)]}]),
    hers("AdverseEvent", event=plain("fall"), resultingCondition=[{"display": HIP}]),
    hers("RiskAssessment", status="final", basis=[{"display": HIP}]),
    {**PAIN, "dosage": [{"text": "1 g, fracture L1"}]},
    medication("MedicationStatement", "active", ATC, "G03XC01", dosage=[{"text": "fracture L1"}]),
    hers("DeviceUseStatement", device={"display": "Hip prosthesis after fracture"}),
    hers("DeviceUsage", device={"concept": plain("Gamma nail")}),
    hers("Device", deviceName=[{"name": "Gamma nail"}]),
    hers("BodyStructure", morphology=plain("Fracture"), location=plain("Hip")),
    hers("DocumentReference", context={"event": [plain(HIP)]}),
    hers("Observation", status="final", code=plain("Pain"), comment=HIP),
    hers("SomethingNew", its={"own": [{"deepText": HIP}]}),
]


@pytest.mark.parametrize("resource", FRACTURES_ELSEWHERE, ids=lambda resource: resource["resourceType"])
def test_a_fracture_in_any_element_keeps_the_history_open(knowledge_base: KnowledgeBase, resource: Resource) -> None:
    assert "FractureHistory" in said(read(knowledge_base, WRIST, READ, resource), "isOpenFor")


@pytest.mark.parametrize(
    "resource",
    [
        hers("Encounter", status="cancelled", type=[plain(HIP)]),
        hers("Encounter", serviceProvider={"display": "Fracture clinic"}, location=[{"location": {"display": HIP}}]),
        hers("Encounter", extension=[{"url": "https://x/hip-fracture", "valueBoolean": False}]),
        hers("RiskAssessment", status="final", prediction=[{"outcome": plain("Major osteoporotic fracture")}]),
        hers("CarePlan", **CARE, title="Prévention des fractures"),
        hers("CarePlan", **CARE, activity=[{"detail": {"status": "cancelled", "description": HIP}}]),
        hers(
            "CarePlan", **CARE, category=[plain("Fracture care")], addresses=[{"reference": f"Condition/{WRIST['id']}"}]
        ),
        hers("FamilyMemberHistory", status="completed", text={"status": "additional", "div": HIP}),
        hers("Observation", status="final", code=plain("Antécédent de fracture"), valueCodeableConcept=plain("Non")),
        hers("Composition", section=[{"title": "Fractures", "emptyReason": coded(("x", "nilknown"))}]),
        hers("Composition", text={"status": "generated", "div": HIP}),
        hers("Observation", status="final", code=plain("Hip fracture 10-year probability"), valueInteger=4),
        hers("Observation", status="final", code=plain("Note"), valueString="Fracture de hanche chez un parent"),
        unknown(evidence=[{"code": [plain(HIP)]}], verificationStatus=plain("refuted")),
        {**WRIST, "note": [plain("Fracture consolidée.")]},
        {**WRIST, "note": [plain("healed fracture")]},
    ],
    ids=lambda resource: resource["resourceType"],
)
def test_what_is_no_fracture_of_hers_opens_nothing_in_any_element(
    knowledge_base: KnowledgeBase, resource: Resource
) -> None:
    assert "FractureHistory" not in said(read(knowledge_base, WRIST, READ, resource), "isOpenFor")


@pytest.mark.parametrize("text", ["fracture du col consolidée", "autre fracture consolidée", "fractures consolidées"])
def test_a_healed_fracture_that_may_be_another_one_keeps_the_history_open(
    knowledge_base: KnowledgeBase, text: str
) -> None:
    assert said(read(knowledge_base, {**WRIST, "note": [plain(text)]}), "isOpenFor") == ["FractureHistory"]


@pytest.mark.parametrize(
    "resource",
    [
        hers("MedicationUsage", status="recorded", medication={"concept": coded((ATC, "M05BA04"))}),
        hers("MedicationOrder", status="active", medicationCodeableConcept=plain("Alendronate 70 mg")),
        hers("SupplyDelivery", suppliedItem={"itemCodeableConcept": coded((ATC, "M05BX04"))}),
        hers("ExplanationOfBenefit", item=[{"productOrService": plain(PRODUCT)}]),
        hers("AdverseEvent", event=plain("fall"), suspectEntity=[{"instance": {"display": PRODUCT}}]),
        hers("CarePlan", **CARE, activity=[{"detail": {"productCodeableConcept": plain(PRODUCT)}}]),
        hers("Procedure", code=plain("Injection"), usedCode=[plain(PRODUCT)]),
        {**PAIN, "derivedFrom": [{"display": PRODUCT}]},
        unknown(evidence=[{"detail": [{"display": PRODUCT}]}]),
    ],
    ids=lambda resource: resource["resourceType"],
)
def test_a_drug_in_any_element_keeps_the_treatment_history_open(
    knowledge_base: KnowledgeBase, resource: Resource
) -> None:
    assert "TreatmentHistory" in said(read(knowledge_base, resource), "isOpenFor")


PDF = {"contentType": "application/pdf", "data": "JVBERg=="}


@pytest.mark.parametrize(
    ("resource", "is_open"),
    [
        (hers("Encounter", extension=[{"url": "https://x/tScore", "valueDecimal": -3.4}]), True),
        (hers("Encounter", extension=[{"url": "https://x/tScore", "valueDecimal": -1.5}]), False),
        (hers("Observation", status="final", code=plain("Assessment"), comment=LOW), True),
        (hers("Observation", status="final", code=plain("x"), referenceRange=[{"text": LOW}]), False),
        ({**PAIN, "dosage": [{"text": LOW}]}, True),
        (report("", presentedForm=[PDF]), True),
        (report("", code=coded((LOINC, "38269-7")), presentedForm=[{"url": "https://x/1.pdf"}]), True),
        (report("", presentedForm=[PDF], result=[{"reference": f"Observation/{READ['id']}"}]), False),
        (report("", code=plain("Blood count"), presentedForm=[PDF]), False),
        (hers("DocumentReference", type=plain("Ostéodensitométrie"), content=[{"attachment": PDF}]), True),
        (report("Ostéoporose si T-score ≤ -2,5."), False),
        (report("Définition OMS : T-score ≤ -2,5"), False),
        (report("Osteoporosis is defined as a T-score of -2.5 or lower (WHO)"), False),
        (report("Définition OMS : T-score ≤ -2,5. T-score lombaire : -3,2"), True),
        (report("Ostéoporose si T-score ≤ -2,5 (ici -3,1)"), True),
        (report("Ostéoporose (définition OMS) : T-score -2,5"), True),
        (report("T-score ≤ -2,5"), True),
        (report("rachis < -2,5 T-score -3,1, hanche > -1"), True),
    ],
)
def test_a_t_score_in_any_element_or_file_leaves_densitometry_open(
    knowledge_base: KnowledgeBase, resource: Resource, is_open: bool
) -> None:
    assert ("Densitometry" in said(read(knowledge_base, WRIST, READ, resource), "isOpenFor")) is is_open


def test_a_list_that_names_an_entry_in_words_alone_is_not_complete(knowledge_base: KnowledgeBase) -> None:
    listed = {key: value for key, value in NO_FRACTURE.items() if key != "emptyReason"}
    for item in ({"display": HIP}, {"identifier": {"value": "77"}}, {"reference": "urn:uuid:1"}):
        case = read(knowledge_base, WRIST, {**listed, "entry": [{"item": item}]})
        assert (said(case, "isOpenFor"), said(case, "isCompleteFor")) == (["FractureHistory"], [])


def test_what_an_extension_of_the_patient_says_is_not_passed_over(knowledge_base: KnowledgeBase) -> None:
    her = patient(extension=[{"url": "https://x/history", "valueString": HIP}])
    [case] = knowledge_base.read(bundle(her, WRIST), "fhir")
    assert said(case, "isOpenFor") == ["FractureHistory"]
