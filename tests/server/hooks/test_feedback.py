"""What became of cards: counted once, and nothing else kept."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

import osteo_kg_server
from osteo_kg import Dataset
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.hooks import (
    SERVICE,
)

pytestmark = pytest.mark.server


# Feedback

CARD, SUGGESTION = "0a1f4c0e-5d0c-4d54-9f4a-6f6f3c0a9b12", "0a1f4c0e-5d0c-4d54-9f4a-6f6f3c0a9b13"
TOLD = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "2026-11-22T10:00:00Z"}
ACCEPTED = {**TOLD, "card": SUGGESTION, "outcome": "accepted", "acceptedSuggestions": [{"id": SUGGESTION}]}


def test_feedback_is_counted_once(knowledge_base: KnowledgeBase) -> None:
    """And neither the comment nor the card is to be found afterwards."""
    cds = osteo_kg_server.create_app(knowledge_base, Dataset({})).test_client()
    reason = {"reason": {"code": "patient-choice", "system": "urn:x"}, "userComment": "secret words"}
    for _ in range(2):
        body = {"feedback": [{**TOLD, "overrideReason": reason}, ACCEPTED]}
        assert cds.post(f"{SERVICE}/feedback", json=body).status_code == 200
    figures = cds.get("/metrics").get_data(as_text=True)
    for outcome in ("overridden", "accepted"):
        counted = f'osteo_kg_card_outcomes_total{{outcome="{outcome}",service="osteoporosis-treatment"}} 1.0'
        assert counted in figures
    assert "secret" not in figures
    assert CARD not in figures


@pytest.mark.parametrize(
    "told",
    [
        [],
        {},
        [7],
        [{**TOLD, "card": "1"}],
        [{**TOLD, "outcome": "ignored"}],
        [{**TOLD, "outcome": "accepted"}],
        [{**ACCEPTED, "acceptedSuggestions": [{}]}],
        [{**TOLD, "outcomeTimestamp": "yesterday"}],
        [{**TOLD, "outcomeTimestamp": "2026-11-22T10:00:00+01:00"}],
        [{**TOLD, "overrideReason": "no"}],
        [{**TOLD, "overrideReason": {"reason": {}}}],
        [{**TOLD, "overrideReason": {"userComment": 7}}],
    ],
)
def test_malformed_feedback_is_refused(cds: FlaskClient, told: Any) -> None:
    refused = cds.post(f"{SERVICE}/feedback", json={"feedback": told})
    assert refused.status_code == 400
    assert refused.get_json()["detail"].endswith(".")
