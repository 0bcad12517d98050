"""T-scores and fractures that stand in free words only: named, and never passed over (the reading, R2, R14)."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    HER,
    ICD_WHO,
    POSTMENOPAUSAL,
    SNOMED,
    Resource,
    assess,
    coded,
    condition,
    medication,
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
