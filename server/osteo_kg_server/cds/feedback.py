"""What became of cards, as clients tell it: checked, and nothing of it kept but which card and how it ended."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import BadRequest

from osteo_kg_server.cds.hooks import instance, read_object, read_word

ACCEPTED, OVERRIDDEN = OUTCOMES = ("accepted", "overridden")


@dataclass(frozen=True, slots=True)
class Ending:
    """How a card ended."""

    card: str
    outcome: str


def read_feedback(document: Any) -> tuple[Ending, ...]:
    """Read the body of a feedback.

    Raises:
        BadRequest: it is not as CDS Hooks 2.0 has it.
    """
    told = read_object(document, "The body").get("feedback")
    if not isinstance(told, list) or not told:
        raise BadRequest("feedback is not a list of outcomes. Send one.")
    return tuple(_ending(each) for each in told)


def _ending(told: Any) -> Ending:
    node = read_object(told, "An entry of feedback")
    card, outcome = instance(read_word(node, "card"), "card"), read_word(node, "outcome")
    if outcome not in OUTCOMES:
        raise BadRequest(f"outcome is none that is known. Name one of: {', '.join(OUTCOMES)}.")
    _check_time(read_word(node, "outcomeTimestamp"))
    if outcome == ACCEPTED:
        _check_accepted(node.get("acceptedSuggestions"))
    if "overrideReason" in node:
        reason = read_object(node["overrideReason"], "overrideReason")
        if "reason" in reason:
            read_word(read_object(reason["reason"], "overrideReason.reason"), "code")
        if "userComment" in reason:
            read_word(reason, "userComment")
    return Ending(card, outcome)


def _check_accepted(told: Any) -> None:
    if not isinstance(told, list) or not told:
        raise BadRequest("acceptedSuggestions is missing where a card was accepted. Name what was accepted.")
    for each in told:
        instance(read_word(read_object(each, "An accepted suggestion"), "id"), "id")


def _check_time(text: str) -> None:
    try:
        told = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest("outcomeTimestamp is not a time. Write it as 2026-11-22T10:00:00Z.") from error
    if told.utcoffset() != datetime.timedelta(0):
        raise BadRequest("outcomeTimestamp is not in UTC. Write it as 2026-11-22T10:00:00Z.")
