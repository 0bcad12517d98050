"""T-scores and fractures that stand in free words only: named, and never passed over (the reading, R2, R14)."""

from __future__ import annotations

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
