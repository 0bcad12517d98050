"""What a client asks by a hook: read strictly, and refused in a sentence that quotes nothing of it."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.exceptions import BadRequest

Json = dict[str, Any]
PATIENT_VIEW, ORDER_SELECT, ORDER_SIGN = "patient-view", "order-select", "order-sign"
_PRESCRIBERS = ("Practitioner", "PractitionerRole")
#: The hooks that are served, with the kinds of user that each may name.
USERS = {
    PATIENT_VIEW: (*_PRESCRIBERS, "Patient", "RelatedPerson"),
    ORDER_SELECT: _PRESCRIBERS,
    ORDER_SIGN: _PRESCRIBERS,
}
_ID = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9.-]{1,64}", re.ASCII)  # dots alone would lead elsewhere in an address
_URL = re.compile(r"https?://[^\s/]+\S*")
_TOKEN = re.compile(r"[!-~]+", re.ASCII)
_ACCESS = ("access_token", "token_type", "scope", "subject")


@dataclass(frozen=True, slots=True)
class Hook:
    """One call of the service.

    Attributes:
        drafts: the orders to judge: those selected, or all that are signed; none at `patient-view`.
        medications: the Medication resources among the orders, to which drafts may refer.
        prefetch: what the client sent beside, by key; a key with None was asked and found nothing.
        server: the address of the FHIR server of the client, as given.
        token: what lets one in there.
    """

    name: str
    patient: str
    encounter: str | None
    drafts: tuple[Json, ...]
    medications: tuple[Json, ...]
    prefetch: Mapping[str, Any]
    server: str | None
    token: str | None = field(repr=False)


def read_hook(document: Any) -> Hook:
    """Read the body of a call.

    Raises:
        BadRequest: it is not as CDS Hooks 2.0 has it.
    """
    body = read_object(document, "The body")
    name = read_word(body, "hook")
    if name not in USERS:
        raise BadRequest(f"This hook is not served here. Call one of: {', '.join(USERS)}.")
    instance(read_word(body, "hookInstance"), "hookInstance")
    server, token = _access(body)
    context = read_object(body.get("context"), "context")
    kind, _, user = read_word(context, "userId").partition("/")
    if kind not in USERS[name] or not _ID.fullmatch(user):
        raise BadRequest(f"context.userId is not a reference. Name one of {', '.join(USERS[name])} as Type/id.")
    orders = _orders(name, context)
    return Hook(
        name=name,
        patient=_id(context, "patientId"),
        encounter=_id(context, "encounterId") if "encounterId" in context else None,
        drafts=_selected(name, context, orders),
        medications=tuple(each for each in orders if each["resourceType"] == "Medication"),
        prefetch=read_object(body.get("prefetch", {}), "prefetch"),
        server=server,
        token=token,
    )


def instance(text: str, key: str) -> str:
    """Give a UUID in its one spelling.

    Raises:
        BadRequest: it is none.
    """
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise BadRequest(f"{key} is not a UUID. Give one.") from error


def read_object(value: Any, what: str) -> Json:
    """Give an object of which no key stands twice.

    Raises:
        BadRequest: it is none.
    """
    if not isinstance(value, dict):
        raise BadRequest(f"{what} is not a JSON object. Send one.")
    if getattr(value, "repeated", ()):
        raise BadRequest(f"{what} has a key that stands twice. Keep one of the two.")
    return value


def read_word(node: Json, key: str) -> str:
    """Give a text that must be there.

    Raises:
        BadRequest: it is not.
    """
    value = node.get(key)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{key} is missing, or is not a text. Give it.")
    return value


def _id(context: Json, key: str) -> str:
    value = read_word(context, key)
    if not _ID.fullmatch(value):
        raise BadRequest(f"context.{key} is not an id of FHIR. Give letters, digits, '-' and '.', 64 at most.")
    return value


def _access(body: Json) -> tuple[str | None, str | None]:
    """Give the FHIR server of the client, and the token for it."""
    server = read_word(body, "fhirServer") if "fhirServer" in body else None
    if server is not None and not _URL.fullmatch(server):
        raise BadRequest("fhirServer is not an address. Give one that begins with https://.")
    if "fhirAuthorization" not in body:
        return server, None
    if server is None:
        raise BadRequest("fhirAuthorization stands without fhirServer. Give both, or neither.")
    given = read_object(body["fhirAuthorization"], "fhirAuthorization")
    words = {key: read_word(given, key) for key in _ACCESS}
    if words["token_type"] != "Bearer":
        raise BadRequest("fhirAuthorization.token_type is not Bearer. There is no other.")
    if not _TOKEN.fullmatch(words["access_token"]):
        raise BadRequest("fhirAuthorization.access_token is not a token. Give it in printable ASCII.")
    if isinstance(given.get("expires_in"), str | bool) or not str(given.get("expires_in", "")).isdigit():
        raise BadRequest("fhirAuthorization.expires_in is not a number of seconds. Give one.")
    return server, words["access_token"]


def _orders(name: str, context: Json) -> tuple[Json, ...]:
    if name == PATIENT_VIEW:
        return ()
    bundle = read_object(context.get("draftOrders"), "context.draftOrders")
    entries = bundle.get("entry", [])
    if bundle.get("resourceType") != "Bundle" or not isinstance(entries, list):
        raise BadRequest("context.draftOrders is not a Bundle. Send the drafts as its entries.")
    orders = [each.get("resource") if isinstance(each, dict) else None for each in entries]
    found = tuple(each for each in orders if isinstance(each, dict) and isinstance(each.get("resourceType"), str))
    if len(found) < len(orders):
        raise BadRequest("An entry of context.draftOrders holds no resource. Give each a resource with its type.")
    return found


def _selected(name: str, context: Json, orders: tuple[Json, ...]) -> tuple[Json, ...]:
    if name != ORDER_SELECT:
        return orders
    chosen = context.get("selections")
    if not isinstance(chosen, list) or not chosen or not all(isinstance(each, str) for each in chosen):
        raise BadRequest("context.selections is not a list of references. Name drafts as Type/id.")
    named = {f"{each['resourceType']}/{each.get('id')}": each for each in orders}
    if set(chosen) - set(named):
        raise BadRequest("context.selections names an order that is not in context.draftOrders. Name those in it.")
    return tuple(named[each] for each in dict.fromkeys(chosen))


# What became of cards, as clients tell it: checked, and nothing of it kept but which card and how it ended.

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
