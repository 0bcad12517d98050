"""Calls of CDS Hooks as a client makes them, and what holds of every answer."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from fhir.resources.R4B import get_fhir_model_class
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from osteo_kg.case.fhir import bundle_of
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    HER,
    POSTMENOPAUSAL,
    RENAL,
    RXNORM,
    SNOMED,
    condition,
    medication,
    nothing_known,
    patient,
    t_score,
)
from tests.support.worked import exact_json

Resource = dict[str, Any]
SERVICE = "/cds-services/osteoporosis-treatment"
INSTANCE = "0a1f4c0e-5d0c-4d54-9f4a-6f6f3c0a9b11"
HIP = condition(SNOMED, "5913000", "2026-02-01")
NOTHING = [nothing_known(each) for each in ("FractureHistory", "TreatmentHistory", "MedicalHistory")]
EVERY_YES = (*NOTHING, RENAL)
#: A record of which everything is known: she is to be treated.
HERS = (POSTMENOPAUSAL, HIP, t_score("38267-1", -3.4), *EVERY_YES)


def searchset(resources: list[Resource], **more: Any) -> Resource:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": each} for each in resources], **more}


def prefetched(templates: dict[str, str], *resources: Resource) -> Resource:
    """Answer every template from some resources; what finds nothing is null."""
    answers: Resource = {}
    for key, template in templates.items():
        kind, _, query = template.partition("?")
        code = re.search(r"code=([^&]+)", query)
        wanted = [
            each
            for each in resources
            if each["resourceType"] == kind
            and (not code or code[1] in {f"{c['system']}|{c['code']}" for c in each["code"]["coding"]})
        ]
        answers[key] = searchset(wanted) if wanted else None
    return {**answers, "patient": patient()}


def hook(name: str = "patient-view", prefetch: Any = None, **context: Any) -> Resource:
    said = {"userId": "Practitioner/dr", "patientId": "example", **context}
    return {"hook": name, "hookInstance": INSTANCE, "context": said, "prefetch": prefetch or {}}


def posted(cds: FlaskClient, body: Any, language: str = "en") -> TestResponse:
    headers = {"Accept-Language": language, "Content-Type": "application/json"}
    data = body if isinstance(body, bytes) else exact_json(body)
    return cds.post(SERVICE, data=data, headers=headers)


def cards(cds: FlaskClient, body: Resource, language: str = "en") -> list[Resource]:
    """Give the cards of an answer, each checked against every rule of the specification."""
    response = posted(cds, body, language)
    assert response.status_code == 200, response.get_data(as_text=True)
    answer = response.get_json()
    check_answer(answer)
    found: list[Resource] = answer["cards"]
    return found


def view(cds: FlaskClient, templates: dict[str, str], *resources: Resource, language: str = "en") -> Resource:
    [card] = cards(cds, hook(prefetch=prefetched(templates, POSTMENOPAUSAL, *resources)), language)
    return card


def ordered(cds: FlaskClient, templates: dict[str, str], draft: Resource, *resources: Resource) -> list[Resource]:
    prefetch = prefetched(templates, POSTMENOPAUSAL, *resources)
    reference = f"{draft['resourceType']}/{draft['id']}"
    other = draft_of(RXNORM, "1191", id="aspirin")
    body = hook("order-select", prefetch, selections=[reference], draftOrders=searchset([draft, other]))
    found = cards(cds, body)
    signed = cards(cds, hook("order-sign", prefetch, draftOrders=searchset([draft])))
    assert [each["summary"] for each in signed] == [each["summary"] for each in found]
    return found


def draft_of(system: str, code: str, **more: Any) -> Resource:
    return {**medication("MedicationRequest", "draft", system, code), "intent": "order", **more}


def drafted(card: Resource) -> set[str]:
    """Give what is drafted, by the names of our own code system."""
    orders = [action["resource"] for each in card.get("suggestions", ()) for action in each["actions"]]
    concepts = [order.get("medicationCodeableConcept") or order["code"] for order in orders]
    return {concept["coding"][0]["code"] for concept in concepts}


def check_answer(answer: Resource) -> None:
    """Hold an answer to the rules of the specification."""
    assert set(answer) == {"cards"}
    for card in answer["cards"]:
        assert [path for path, value in walked(card) if value in (None, "", [], {})] == []
        assert [path for path, value in walked(card) if isinstance(value, str) and value != value.strip()] == []
        check_card(card)


def check_card(card: Resource) -> None:
    known = {"uuid", "summary", "detail", "indicator", "source", "suggestions", "selectionBehavior", "overrideReasons"}
    known |= {"links"}
    assert set(card) - known == set()
    uuid.UUID(card["uuid"])
    assert 0 < len(card["summary"]) < 140
    assert "\n" not in card["summary"]
    assert card["indicator"] in {"info", "warning", "critical"}
    assert len(card["detail"].splitlines()) <= 15
    assert [urlsplit(link["url"]).path for link in card["links"]] == ["/guideline/oic-128-08-b"]
    assert all(link["type"] == "absolute" and urlsplit(link["url"]).scheme for link in card["links"])
    assert card["source"]["label"].endswith("2.0.0")
    assert urlsplit(card["source"]["url"]).scheme == "https"
    assert ("suggestions" in card) == ("selectionBehavior" in card)
    assert card.get("selectionBehavior", "at-most-one") == "at-most-one"
    for suggestion in card.get("suggestions", ()):
        check_suggestion(suggestion)
    assert all(reason["display"] and reason["code"] for reason in card.get("overrideReasons", ()))


def check_suggestion(suggestion: Resource) -> None:
    assert set(suggestion) == {"label", "uuid", "actions"}
    assert 0 < len(suggestion["label"]) <= 80
    [action] = suggestion["actions"]
    assert set(action) == {"type", "description", "resource"}
    assert action["type"] == "create"
    order = action["resource"]
    get_fhir_model_class(order["resourceType"]).model_validate(order)
    assert (order["status"], order["subject"]) == ("draft", HER)


def walked(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, node
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, each in items:
        yield from walked(each, f"{path}/{key}")


def exported(knowledge_base: KnowledgeBase, case: Any, templates: dict[str, str]) -> Resource:
    """Write a case as a client would send it, all of it by resource type."""
    resources = [each["resource"] for each in bundle_of([case], knowledge_base.knowledge.terms)["entry"]]
    text = json.dumps(resources[1:], default=str)
    subject = next(re.finditer(r'"reference": "(urn:uuid:[^"]+)"', text), None)
    renamed = exact_json(resources[1:]).replace(subject[1], "Patient/example") if subject else "[]"
    others = json.loads(renamed, parse_float=Decimal)
    first = {**resources[0], "id": "example"}
    answers: Resource = dict.fromkeys(templates)
    keys = {"Condition": "conditions", "MedicationStatement": "statements", "List": "lists"}
    for each in others:
        key = keys.get(each["resourceType"], "stated-tScore")
        answers[key] = searchset([*(answers[key] or {"entry": []}).get("entry", [])])
    for kind in {each["resourceType"] for each in others}:
        chosen = [each for each in others if each["resourceType"] == kind]
        answers[keys.get(kind, "stated-tScore")] = searchset(chosen)
    return {**answers, "patient": first}
