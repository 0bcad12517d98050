"""`/cds-services`: CDS Hooks 2.0, by which an electronic record asks while a clinician looks or orders.

Nothing is kept, no FHIR server is called that was not allowed, and no patient fact is logged.
"""

from __future__ import annotations

import datetime
from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import NotFound

from osteo_kg import Case
from osteo_kg.case import Assumption, left_open, parse_json, read_fhir
from osteo_kg_server import metrics
from osteo_kg_server.cds import messages
from osteo_kg_server.cds.cards import Cards, OrderCards, read_orders
from osteo_kg_server.cds.prefetch import Sent, sent
from osteo_kg_server.cds.request import OUTCOMES, PATIENT_VIEW, USERS, Json, read_feedback, read_hook
from osteo_kg_server.http.endpoints import TEXT, endpoint
from osteo_kg_server.http.negotiation import body, body_format, text
from osteo_kg_server.http.parameters import LANGUAGE, language
from osteo_kg_server.service import Service, service
from osteo_kg_server.views.assessments import MOST_BYTES

SERVICE = "osteoporosis-treatment"
_JSON = ("application/json",)
_OBJECT: Json = {"type": "object"}
_CALL: Json = {
    **_OBJECT,
    "required": ["hook", "hookInstance", "context"],
    "properties": {
        "hook": {"enum": list(USERS)},
        "hookInstance": {**TEXT, "format": "uuid"},
        "context": {**_OBJECT, "required": ["userId", "patientId"]},
        "prefetch": _OBJECT,
        "fhirServer": {**TEXT, "format": "uri"},
        "fhirAuthorization": {**_OBJECT, "required": ["access_token", "token_type", "expires_in", "scope", "subject"]},
    },
}
_ANSWER: Json = {**_OBJECT, "required": ["cards"], "properties": {"cards": {"type": "array", "items": _OBJECT}}}
_ENDING: Json = {
    **_OBJECT,
    "required": ["card", "outcome", "outcomeTimestamp"],
    "properties": {"card": {**TEXT, "format": "uuid"}, "outcome": {"enum": list(OUTCOMES)}},
}
_FEEDBACK: Json = {
    **_OBJECT,
    "required": ["feedback"],
    "properties": {"feedback": {"type": "array", "minItems": 1, "items": _ENDING}},
}
blueprint = Blueprint("cds_hooks", __name__)


@blueprint.get("/cds-services")
@endpoint("read", {200: _JSON})
def discover() -> Response:
    """Name the services of CDS Hooks, each with its prefetch."""
    prefetch = service().prefetch.templates
    common = {"id": SERVICE, "title": messages.TITLE.en, "description": messages.DESCRIPTION}
    needs = messages.NEEDS_OR_ACCESS if service().servers else messages.NEEDS
    services = [{"hook": hook, **common, "prefetch": prefetch, "usageRequirements": needs} for hook in USERS]
    return jsonify({"services": services})


@blueprint.post("/cds-services/<name>")
@endpoint(
    "hook",
    {200: _JSON},
    parameters=LANGUAGE,
    bodies={"application/json": _CALL},
    schema=_ANSWER,
    problems=(412, 422, 503),
)
def call(name: str) -> Response:
    """Answer a hook with cards."""
    spoken = language()
    _known(name)
    hook = read_hook(_posted())
    serving = service()
    today = datetime.date.today()
    record = sent(hook, serving.prefetch, serving.servers)
    with serving.lock:
        case = serving.knowledge_base.prepare(_case(serving, record, today), on=today)
        assessment = serving.knowledge_base.assess(case)
        orders = read_orders(hook, record.resources, serving.knowledge_base)
        ordered = serving.knowledge_base.drug_safety(case, orders.drugs)
    cards = Cards(serving.knowledge_base, assessment, record, hook, spoken, serving.url(""))
    found = cards.view() if hook.name == PATIENT_VIEW else OrderCards(cards, ordered, orders.unread).all()
    response = jsonify({"cards": found})
    response.headers["Cache-Control"] = "no-store"
    response.headers["Vary"] = "Accept-Language, Accept-Encoding"
    return response


@blueprint.post("/cds-services/<name>/feedback")
@endpoint("hook", {200: _JSON}, bodies={"application/json": _FEEDBACK})
def feed_back(name: str) -> Response:
    """Count what became of cards; nothing else of it is kept."""
    _known(name)
    counted = metrics.of(current_app)
    for ending in read_feedback(_posted()):
        counted.card_ended(name, ending.card, ending.outcome)
    return jsonify({})


def _known(name: str) -> None:
    if name != SERVICE:
        raise NotFound(f"There is no such service. Call {SERVICE}.")


def _posted() -> Any:
    request.max_content_length = MOST_BYTES
    body_format({"application/json": "json"})
    return parse_json(text(body()), "The body")


def _case(serving: Service, record: Sent, today: datetime.date) -> Case:
    least_age = serving.settings.assume_postmenopausal_from
    assumption = None if least_age is None else Assumption(least_age, today)
    documents, terms = [record.patient, *record.resources], serving.knowledge_base.knowledge.terms
    [case] = read_fhir(documents, "prefetch", terms, assumption)
    return left_open(case, record.unread)
