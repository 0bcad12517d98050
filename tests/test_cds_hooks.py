"""CDS Hooks 2.0: every card as the specification has it, no draft that could harm, and no hook that is not answered."""

from __future__ import annotations

import copy
import json
import re
import time
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fhir.resources.R4B import get_fhir_model_class
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

import osteo_kg_server
import strategies
from bundles import (
    ATC,
    HER,
    LOINC,
    OWN,
    POSTMENOPAUSAL,
    RXNORM,
    SNOMED,
    coded,
    condition,
    medication,
    nothing_known,
    patient,
    t_score,
)
from helpers import exact_json
from osteo_kg import Dataset, UsageError
from osteo_kg.fhir import bundle_of
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg_server.clients import Clients

Resource = dict[str, Any]
SERVICE = "/cds-services/osteoporosis-treatment"
INSTANCE = "0a1f4c0e-5d0c-4d54-9f4a-6f6f3c0a9b11"
RENAL = {
    "resourceType": "Observation",
    "id": "clearance",
    "status": "final",
    "code": coded((LOINC, "35591-7")),
    "subject": HER,
    "effectiveDateTime": "2026-10-01",
    "valueQuantity": {"value": 80, "unit": "mL/min", "code": "mL/min"},
}
WRIST, HIP = condition(SNOMED, "263102004", "2026-02-01"), condition(SNOMED, "5913000", "2026-02-01")
NOTHING = [nothing_known(each) for each in ("FractureHistory", "TreatmentHistory", "MedicalHistory")]
EVERY_YES = (*NOTHING, RENAL)


@pytest.fixture(scope="module")
def client(knowledge_base: KnowledgeBase) -> FlaskClient:
    return osteo_kg_server.create_app(knowledge_base, Dataset({})).test_client()


@pytest.fixture(scope="module")
def templates(client: FlaskClient) -> dict[str, str]:
    [first, *_] = client.get("/cds-services").get_json()["services"]
    prefetch: dict[str, str] = first["prefetch"]
    return prefetch


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


def posted(client: FlaskClient, body: Any, language: str = "en") -> TestResponse:
    headers = {"Accept-Language": language, "Content-Type": "application/json"}
    data = body if isinstance(body, bytes) else exact_json(body)
    return client.post(SERVICE, data=data, headers=headers)


def cards(client: FlaskClient, body: Resource, language: str = "en") -> list[Resource]:
    """Give the cards of an answer, each checked against every rule of the specification."""
    response = posted(client, body, language)
    assert response.status_code == 200, response.get_data(as_text=True)
    answer = response.get_json()
    check_answer(answer)
    found: list[Resource] = answer["cards"]
    return found


def view(client: FlaskClient, templates: dict[str, str], *resources: Resource, language: str = "en") -> Resource:
    [card] = cards(client, hook(prefetch=prefetched(templates, POSTMENOPAUSAL, *resources)), language)
    return card


def ordered(client: FlaskClient, templates: dict[str, str], draft: Resource, *resources: Resource) -> list[Resource]:
    prefetch = prefetched(templates, POSTMENOPAUSAL, *resources)
    reference = f"{draft['resourceType']}/{draft['id']}"
    other = draft_of(RXNORM, "1191", id="aspirin")
    body = hook("order-select", prefetch, selections=[reference], draftOrders=searchset([draft, other]))
    found = cards(client, body)
    signed = cards(client, hook("order-sign", prefetch, draftOrders=searchset([draft])))
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
    assert set(card) - known == set()
    uuid.UUID(card["uuid"])
    assert 0 < len(card["summary"]) < 140
    assert "\n" not in card["summary"]
    assert card["indicator"] in {"info", "warning", "critical"}
    assert card["source"]["label"].endswith("1.0.0")
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


# Discovery


def test_discovery_names_every_hook(client: FlaskClient) -> None:
    services = client.get("/cds-services").get_json()["services"]
    assert [each["hook"] for each in services] == ["patient-view", "order-select", "order-sign"]
    assert {each["id"] for each in services} == {"osteoporosis-treatment"}
    assert [key for each in services for key in ("title", "description") if not each[key]] == []


def test_templates_keep_to_the_recommended_queries(templates: dict[str, str]) -> None:
    her = r"\{\{context\.patientId\}\}"
    allowed = rf"Patient/{her}|\w+\?patient={her}(&(code|status|_sort|_count)=[^&,]+)*"
    assert [each for each in templates.values() if not re.fullmatch(allowed, each)] == []


def test_templates_ask_for_every_axial_t_score_and_no_other(templates: dict[str, str]) -> None:
    asked = {each.removeprefix("t-score-") for each in templates if each.startswith("t-score-")}
    assert asked == {"38267-1", "38264-8", "38263-0", "80945-9", "80946-7", "80947-5", "80948-3"}


# What a card says


def test_treat_is_a_warning_with_a_draft_for_each_drug(client: FlaskClient, templates: dict[str, str]) -> None:
    card = view(client, templates, t_score("38267-1", -3.4), *EVERY_YES)
    assert card["indicator"] == "warning"
    assert card["summary"].startswith("Osteoporosis: treat (initiated).")
    assert drafted(card) == {"Alendronate", "Risedronate", "Zoledronate"}


def test_a_draft_carries_published_codes(client: FlaskClient, templates: dict[str, str]) -> None:
    card = view(client, templates, t_score("38267-1", -3.4), *EVERY_YES)
    orders = [each["actions"][0]["resource"]["medicationCodeableConcept"] for each in card["suggestions"]]
    [alendronate] = [each for each in orders if each["coding"][0]["code"] == "Alendronate"]
    codes = {(each["system"], each["code"]) for each in alendronate["coding"]}
    assert codes == {(OWN, "Alendronate"), (RXNORM, "46041"), (ATC, "M05BA04"), (SNOMED, "391730008")}


def test_no_densitometry_is_a_warning_with_an_order_of_one(client: FlaskClient, templates: dict[str, str]) -> None:
    card = view(client, templates, HIP)
    assert card["indicator"] == "warning"
    [suggestion] = card["suggestions"]
    order = suggestion["actions"][0]["resource"]
    assert order["resourceType"] == "ServiceRequest"
    assert (SNOMED, "312681000") in {(each["system"], each["code"]) for each in order["code"]["coding"]}


def test_a_specialist_opinion_is_an_info_with_a_referral(client: FlaskClient, templates: dict[str, str]) -> None:
    card = view(client, templates, t_score("38267-1", -2.5), *EVERY_YES)
    assert card["indicator"] == "info"
    assert drafted(card) == {"SpecialistOpinion"}


def test_no_treatment_is_an_info_without_orders(client: FlaskClient, templates: dict[str, str]) -> None:
    card = view(client, templates, t_score("38267-1", 0), *EVERY_YES)
    assert (card["indicator"], drafted(card)) == ("info", set())


def test_what_is_undetermined_names_what_is_missing(client: FlaskClient, templates: dict[str, str]) -> None:
    card = view(client, templates, t_score("38267-1", -2.5))
    assert (card["indicator"], drafted(card)) == ("info", set())
    assert "Missing: fracture history" in card["summary"]


def test_out_of_scope_gets_no_card(client: FlaskClient, templates: dict[str, str]) -> None:
    prefetch = {**prefetched(templates, t_score("38267-1", -4)), "patient": patient(gender="male")}
    assert cards(client, hook(prefetch=prefetch)) == []
    draft = draft_of(RXNORM, "72143")
    assert cards(client, hook("order-sign", prefetch, draftOrders=searchset([draft]))) == []


def test_the_detail_holds_rule_evidence_missing_and_citation(client: FlaskClient, templates: dict[str, str]) -> None:
    detail = view(client, templates, t_score("38267-1", -3.4), *EVERY_YES)["detail"]
    assert "- \\+ oral bisphosphonate" in detail  # and no list in a list
    for said in ("no-fracture-treat", "-3.4", "low risk of peripheral fracture", "source, characters"):
        assert said in detail
    assert "Asked, nothing there" in detail


def test_a_card_speaks_french(client: FlaskClient, templates: dict[str, str]) -> None:
    card = view(client, templates, t_score("38267-1", -3.4), *EVERY_YES, language="fr-CA,fr;q=0.9")
    assert card["summary"].startswith("Ostéoporose : traiter")
    assert "Règles" in card["detail"]


def test_what_the_record_says_is_no_markdown(client: FlaskClient, templates: dict[str, str]) -> None:
    bad = {**condition("urn:<script>", "*x*"), "id": "[link](http://x)"}
    detail = view(client, templates, bad, t_score("38267-1", -3.4), *EVERY_YES)["detail"]
    assert "<script>" not in detail.replace("\\<", "")
    assert "*x*" not in detail.replace("\\*", "")


# What is not drafted


@pytest.mark.parametrize(
    ("against", "spared", "why"),
    [
        ([medication("MedicationStatement", "stopped", ATC, "M05BA04", statusReason=[coded((OWN, "Failure"))])],
         "Alendronate", "a failure or an intolerance"),
        ([{"resourceType": "AllergyIntolerance", "id": "a", "patient": HER, "code": coded((RXNORM, "73056"))}],
         "Risedronate", "a failure or an intolerance"),
        ([{**RENAL, "id": "low", "effectiveDateTime": "2026-11-01", "valueQuantity": {"value": 20, "unit": "mL/min"}}],
         "Zoledronate", "contraindicated"),
    ],
)  # fmt: skip
def test_no_draft_of_a_drug_that_did_harm_or_would(
    client: FlaskClient, templates: dict[str, str], against: list[Resource], spared: str, why: str
) -> None:
    card = view(client, templates, t_score("38267-1", -3.4), *EVERY_YES, *against)
    assert spared not in drafted(card)
    assert f"{spared.lower()}: {why}" in card["detail"]


def test_no_draft_while_renal_function_is_unknown(client: FlaskClient, templates: dict[str, str]) -> None:
    card = view(client, templates, HIP, t_score("38267-1", -3.4))
    assert drafted(card) & {"Alendronate", "Risedronate", "Zoledronate"} == set()
    assert "alendronate: renal function is not known" in card["detail"]


def test_no_draft_beside_an_ongoing_treatment(client: FlaskClient, templates: dict[str, str]) -> None:
    ongoing = medication("MedicationRequest", "active", RXNORM, "46041", intent="order")
    card = view(client, templates, HIP, t_score("38267-1", -3.4), RENAL, ongoing)
    assert drafted(card) == set()
    assert "A treatment is under way." in card["summary"]


def test_no_draft_for_the_dead(client: FlaskClient, templates: dict[str, str]) -> None:
    prefetch = prefetched(templates, POSTMENOPAUSAL, HIP)
    [card] = cards(client, hook(prefetch={**prefetch, "patient": patient(deceasedBoolean=True)}))
    assert drafted(card) == set()


def test_no_draft_where_safety_is_switched_off(templates: dict[str, str]) -> None:
    app = osteo_kg_server.create_app(KnowledgeBase(safety=False), Dataset({}))
    card = view(app.test_client(), templates, t_score("38267-1", -3.4), *EVERY_YES)
    assert drafted(card) == set()
    assert "contraindications are not checked here" in card["detail"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=strategies.records(), language=st.sampled_from(["en", "fr"]))
def test_every_card_of_every_patient_keeps_the_rules(
    client: FlaskClient, knowledge_base: KnowledgeBase, templates: dict[str, str], record: Resource, language: str
) -> None:
    """And drafts nothing that the record speaks against."""
    [case] = knowledge_base.read(exact_json(record), "json")
    body = hook(prefetch=exported(knowledge_base, case, templates))
    response = posted(client, body, language)
    assert response.status_code in (200, 422)
    if response.status_code == 422:
        assert not knowledge_base.validate(case).conforms
        return
    check_answer(response.get_json())
    assessment = knowledge_base.assess(knowledge_base.read(exact_json(record), "json")[0])
    assert bool(response.get_json()["cards"]) == (assessment.disposition != "out-of-scope")
    drugs = {each for card in response.get_json()["cards"] for each in drafted(card)}
    bad = {"failure", "intolerance"}
    spoiled = {each["drug"] for each in record.get("treatment_history", []) if each.get("outcome") in bad}
    assert {each.lower() for each in drugs} & {each.replace("-", "") for each in spoiled} == set()
    if any(each.get("outcome") == "ongoing" for each in record.get("treatment_history", [])):
        assert drugs <= {"DensitometryRequired", "SpecialistOpinion"}


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


# Orders


def test_an_order_of_an_option_is_let_pass(client: FlaskClient, templates: dict[str, str]) -> None:
    assert ordered(client, templates, draft_of(RXNORM, "46041"), t_score("38267-1", -3.4), *EVERY_YES) == []


def test_an_order_that_is_not_ours_is_let_pass(client: FlaskClient, templates: dict[str, str]) -> None:
    assert ordered(client, templates, draft_of(RXNORM, "6809"), HIP) == []


def test_an_order_outside_the_options_is_warned_of(client: FlaskClient, templates: dict[str, str]) -> None:
    [card] = ordered(client, templates, draft_of(RXNORM, "32915"), t_score("38267-1", -3.4), *EVERY_YES)
    assert card["indicator"] == "warning"
    assert card["summary"].startswith("teriparatide: not an option")
    assert len(card["overrideReasons"]) > 1


def test_an_order_before_densitometry_is_warned_of(client: FlaskClient, templates: dict[str, str]) -> None:
    [card] = ordered(client, templates, draft_of(RXNORM, "46041"), HIP)
    assert card["indicator"] == "warning"


def test_an_order_that_is_contraindicated_is_critical(client: FlaskClient, templates: dict[str, str]) -> None:
    low = {**RENAL, "valueQuantity": {"value": 20, "unit": "mL/min"}}
    [card] = ordered(client, templates, draft_of(RXNORM, "77655"), t_score("38267-1", -3.4), *NOTHING, low)
    assert card["indicator"] == "critical"
    assert "contraindicated" in card["summary"]


def test_an_order_without_renal_function_is_warned_of(client: FlaskClient, templates: dict[str, str]) -> None:
    [card] = ordered(client, templates, draft_of(RXNORM, "46041"), t_score("38267-1", -3.4), *NOTHING)
    assert (card["indicator"], card["summary"]) == ("warning", "alendronate: renal function is not known")


def test_an_order_of_what_was_not_tolerated_is_warned_of(client: FlaskClient, templates: dict[str, str]) -> None:
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "patient": HER, "code": coded((RXNORM, "46041"))}
    [card] = ordered(client, templates, draft_of(RXNORM, "46041"), t_score("38267-1", -3.4), *EVERY_YES, allergy)
    assert (card["indicator"], "failure" in card["summary"]) == ("warning", True)


def test_an_order_that_is_left_open_is_told(client: FlaskClient, templates: dict[str, str]) -> None:
    [card] = ordered(client, templates, draft_of(RXNORM, "72143"), t_score("38267-1", -3.4), *EVERY_YES)
    assert (card["indicator"], "leaves it open" in card["summary"]) == ("info", True)
    [unknown] = ordered(client, templates, draft_of(RXNORM, "72143"), t_score("38267-1", -2.5))
    assert unknown["indicator"] == "info"


def test_a_draft_may_refer_to_its_medication(client: FlaskClient, templates: dict[str, str]) -> None:
    product = {"resourceType": "Medication", "id": "p", "code": coded((RXNORM, "32915"))}
    draft: Resource = {"resourceType": "MedicationRequest", "id": "d", "status": "draft", "intent": "order"}
    draft |= {"subject": HER, "medicationReference": {"reference": "Medication/p"}}
    body = hook("order-sign", prefetched(templates, POSTMENOPAUSAL, HIP), draftOrders=searchset([draft, product]))
    assert len(cards(client, body)) == 1


# What was sent, and what was not


def test_null_is_nothing_there_and_a_missing_key_is_not_supplied(
    client: FlaskClient, templates: dict[str, str]
) -> None:
    prefetch = prefetched(templates)
    assert posted(client, hook(prefetch=prefetch)).status_code == 200
    del prefetch["conditions"]
    refused = posted(client, hook(prefetch=prefetch))
    assert refused.status_code == 412
    assert "conditions" in refused.get_json()["detail"]


def test_a_key_that_only_says_more_may_be_missing(client: FlaskClient, templates: dict[str, str]) -> None:
    prefetch = prefetched(templates, POSTMENOPAUSAL, HIP)
    del prefetch["lists"]
    [card] = cards(client, hook(prefetch=prefetch))
    assert "Not supplied, or not whole: lists" in card["detail"]


@pytest.mark.parametrize(
    "answer",
    [
        searchset([HIP], link=[{"relation": "next", "url": "https://fhir.example/?page=2"}]),
        searchset([{"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}]),
        {"resourceType": "OperationOutcome", "issue": [{"severity": "fatal", "code": "exception"}]},
    ],
)
def test_what_is_not_whole_is_not_supplied(client: FlaskClient, templates: dict[str, str], answer: Resource) -> None:
    prefetch = {**prefetched(templates), "conditions": answer}
    assert posted(client, hook(prefetch=prefetch)).status_code == 412


@pytest.mark.parametrize("sent", [{}, {"patient": None}])
def test_without_a_patient_nothing_is_answered(client: FlaskClient, templates: dict[str, str], sent: Resource) -> None:
    prefetch = {key: value for key, value in prefetched(templates).items() if key != "patient"}
    assert posted(client, hook(prefetch={**prefetch, **sent})).status_code == 412


def test_another_patient_is_refused(client: FlaskClient, templates: dict[str, str]) -> None:
    prefetch = {**prefetched(templates), "patient": patient(id="someone-else")}
    assert posted(client, hook(prefetch=prefetch)).status_code == 400


def test_what_two_queries_find_counts_once(client: FlaskClient, templates: dict[str, str]) -> None:
    spine = t_score("38267-1", -3.4)
    prefetch = prefetched(templates, POSTMENOPAUSAL, spine, *EVERY_YES)
    [once] = cards(client, hook(prefetch=prefetch))
    [twice] = cards(client, hook(prefetch={**prefetch, "stated-tScore": searchset([spine])}))
    assert twice["summary"] == once["summary"]


def test_a_call_with_access_to_a_server_is_answered_without_it(client: FlaskClient, templates: dict[str, str]) -> None:
    access = {
        "access_token": "secret", "token_type": "Bearer", "expires_in": 300, "scope": "user/*.read", "subject": "ehr"
    }  # fmt: skip
    body = {
        **hook(prefetch=prefetched(templates)),
        "fhirServer": "https://fhir.example/r4",
        "fhirAuthorization": access,
    }
    assert posted(client, body).status_code == 200
    assert posted(client, {**body, "prefetch": {}}).status_code == 412


def test_the_calls_that_the_specification_shows_are_understood(client: FlaskClient, templates: dict[str, str]) -> None:
    """A call that sends other prefetches than those asked for is told which are wanted."""
    body = {**hook(encounterId="456"), "hookInstance": str(uuid.uuid4()), "fhirServer": "https://hooks.example:9080"}
    refused = posted(client, {**body, "prefetch": {"patientToGreet": patient()}})
    assert refused.status_code == 412
    assert "conditions" in refused.get_json()["detail"]
    whole = {**prefetched(templates, POSTMENOPAUSAL, HIP), "patientToGreet": patient()}
    assert len(cards(client, {**body, "prefetch": whole, "extension": {"com.example.x": 1}})) == 1


def test_nothing_of_a_call_is_logged(
    client: FlaskClient, templates: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    view(client, templates, HIP)
    posted(client, hook(prefetch={}, patientId="secret-id"))
    assert "/cds-services/<name>" in caplog.text
    assert [each for each in ("example", "5913000", "secret-id", INSTANCE) if each in caplog.text] == []


def test_a_page_of_a_named_site_may_call(knowledge_base: KnowledgeBase) -> None:
    site = "https://sandbox.cds-hooks.org"
    app = osteo_kg_server.create_app(knowledge_base, Dataset({}), osteo_kg_server.Settings(cors_origins=(site,)))
    asked = {"Origin": site, "Access-Control-Request-Method": "POST"}
    for answer in (
        app.test_client().options(SERVICE, headers=asked),
        app.test_client().get("/cds-services", headers=asked),
    ):
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == site


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({}, 1),
        ({"valueQuantity": {"value": 80}}, 0),
        ({"valueQuantity": {"value": 1.3, "unit": "mL/s"}}, 0),
        ({"valueQuantity": {"value": 60, "unit": "mL/min", "comparator": ">"}}, 0),
        ({"status": "preliminary"}, 0),
        ({"code": coded((LOINC, "98979-8")), "valueQuantity": {"value": 60, "unit": "mL/min/{1.73_m2}"}}, 1),
    ],
)
def test_renal_function_is_read_in_the_unit_of_its_limits(
    knowledge_base: KnowledgeBase, change: Resource, read: int
) -> None:
    [case] = knowledge_base.read(exact_json(searchset([patient(), {**RENAL, **change}])), "fhir")
    tests = [each for each in case.triples if each.predicate.value == OWN + "hasRenalFunctionTest"]
    assert (len(tests), bool(case.remarks)) == (read, not read)


# What is malformed


MALFORMED: list[Any] = [
    b"",
    b"[]",
    b"{",
    b'{"hook": "patient-view", "hook": "patient-view"}',
    b"\xff",
    {**hook(), "hook": "appointment-book"},
    {**hook(), "hookInstance": "1"},
    {**hook(), "context": []},
    {**hook(), "prefetch": []},
    {**hook(), "fhirServer": "ftp://x"},
    {**hook(), "fhirAuthorization": {}},
    {**hook(), "fhirServer": "https://x.example", "fhirAuthorization": {"access_token": "x"}},
    hook(userId="Practitioner"),
    hook(userId="Device/1"),
    hook(patientId="a b"),
    hook(patientId=7),
    hook(encounterId=None),
    hook(prefetch={"patient": "x"}),
    hook(prefetch={"patient": {"resourceType": "Bundle", "entry": {}}}),
    hook(prefetch={"patient": {"resourceType": "Bundle", "entry": [{}]}}),
    hook("order-sign"),
    hook("order-sign", userId="Patient/1", draftOrders=searchset([])),
    hook("order-sign", draftOrders={"resourceType": "Bundle", "entry": [7]}),
    hook("order-select", draftOrders=searchset([])),
    hook("order-select", draftOrders=searchset([]), selections=["MedicationRequest/1"]),
]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_hook_is_refused_in_a_sentence(client: FlaskClient, body: Any) -> None:
    refused = posted(client, body)
    assert refused.status_code == 400
    assert refused.mimetype == "application/problem+json"
    assert refused.get_json()["detail"].endswith(".")


def test_an_unknown_service_is_not_found(client: FlaskClient) -> None:
    assert client.post("/cds-services/other", json=hook()).status_code == 404


NAMES = ["resourceType", "entry", "resource", "id", "link", "issue", "code", "coding"]
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("example"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_sent_is_answered_or_refused(
    client: FlaskClient, templates: dict[str, str], data: st.DataObject
) -> None:
    """A whole hook with any of its parts replaced: an answer, or a reason."""
    drafts = searchset([draft_of(RXNORM, "46041")])
    whole = hook(
        "order-select", prefetched(templates, HIP), draftOrders=drafts, selections=["MedicationRequest/m-46041"]
    )
    whole = copy.deepcopy(whole)  # its parts are shared
    places = [path.split("/")[1:] for path, _ in walked(whole) if path]
    *way, last = data.draw(st.sampled_from(places))
    node: Any = whole
    for step in way:
        node = node[int(step) if isinstance(node, list) else step]
    node[int(last) if isinstance(node, list) else last] = data.draw(ANY_JSON)
    assert posted(client, whole).status_code in (200, 400, 412, 422)


# Feedback

CARD, SUGGESTION = "0a1f4c0e-5d0c-4d54-9f4a-6f6f3c0a9b12", "0a1f4c0e-5d0c-4d54-9f4a-6f6f3c0a9b13"
TOLD = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "2026-11-22T10:00:00Z"}
ACCEPTED = {**TOLD, "card": SUGGESTION, "outcome": "accepted", "acceptedSuggestions": [{"id": SUGGESTION}]}


def test_feedback_is_counted_once(knowledge_base: KnowledgeBase) -> None:
    """And neither the comment nor the card is to be found afterwards."""
    client = osteo_kg_server.create_app(knowledge_base, Dataset({})).test_client()
    reason = {"reason": {"code": "patient-choice", "system": "urn:x"}, "userComment": "secret words"}
    for _ in range(2):
        body = {"feedback": [{**TOLD, "overrideReason": reason}, ACCEPTED]}
        assert client.post(f"{SERVICE}/feedback", json=body).status_code == 200
    figures = client.get("/metrics").get_data(as_text=True)
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
def test_malformed_feedback_is_refused(client: FlaskClient, told: Any) -> None:
    refused = client.post(f"{SERVICE}/feedback", json={"feedback": told})
    assert refused.status_code == 400
    assert refused.get_json()["detail"].endswith(".")


# Clients

ISSUER, KEYS_AT = "https://ehr.example", "https://ehr.example/jwks.json"


@pytest.fixture(scope="module")
def keys() -> dict[str, Any]:
    return {
        "ES384": ec.generate_private_key(ec.SECP384R1()),
        "RS384": rsa.generate_private_key(65537, 2048),
        "other": ec.generate_private_key(ec.SECP384R1()),
    }


@pytest.fixture(scope="module")
def guarded(
    knowledge_base: KnowledgeBase, keys: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> FlaskClient:
    made: dict[str, Any] = {"ES384": jwt.algorithms.ECAlgorithm, "RS384": jwt.algorithms.RSAAlgorithm}
    public = [
        {**writer.to_jwk(keys[alg].public_key(), as_dict=True), "kid": alg, "alg": alg} for alg, writer in made.items()
    ]
    file = tmp_path_factory.mktemp("clients") / "clients.json"
    file.write_text(json.dumps({"clients": [{"iss": ISSUER, "jku": KEYS_AT, "keys": public}]}), encoding="utf-8")
    chosen = osteo_kg_server.Settings(cds_clients=file, public_url="https://cds.example")
    return osteo_kg_server.create_app(knowledge_base, Dataset({}), chosen).test_client()


def token(key: Any, alg: str, header: Resource | None = None, **claims: Any) -> str:
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "aud": f"https://cds.example{SERVICE}",
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }
    named = {"kid": alg, "jku": KEYS_AT, **(header or {})}
    return jwt.encode({k: v for k, v in {**said, **claims}.items() if v is not None}, key, alg, headers=named)


def called(guarded: FlaskClient, bearer: str) -> int:
    headers = {"Authorization": f"Bearer {bearer}"}
    return guarded.post(SERVICE, json=hook(), headers=headers).status_code  # 412: let in, without a prefetch


@pytest.mark.parametrize("alg", ["ES384", "RS384"])
def test_a_token_lets_in_once(guarded: FlaskClient, keys: dict[str, Any], alg: str) -> None:
    signed = token(keys[alg], alg)
    assert [called(guarded, signed), called(guarded, signed)] == [412, 401]


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://other.example"},
        {"aud": "https://cds.example/cds-services/other"},
        {"exp": 1},
        {"exp": int(time.time()) + 10_000},
        {"iat": None},
        {"jti": None},
        {"header": {"jku": "https://other.example/jwks.json"}},
        {"header": {"kid": "RS384"}},
        {"header": {"kid": "none"}},
        {"header": {"typ": "at+jwt"}},
    ],
)
def test_a_token_that_is_not_good_is_refused(
    guarded: FlaskClient, keys: dict[str, Any], change: dict[str, Any]
) -> None:
    assert called(guarded, token(keys["ES384"], "ES384", **change)) == 401


def test_a_signature_of_another_or_of_another_kind_is_refused(guarded: FlaskClient, keys: dict[str, Any]) -> None:
    named = {"kid": "ES384"}
    assert called(guarded, token(keys["other"], "ES384")) == 401
    assert called(guarded, token("a secret that is long enough, and more than that", "HS384", named)) == 401
    assert called(guarded, token("", "none", named)) == 401
    assert called(guarded, "no.token.atall") == 401
    assert guarded.post(SERVICE, json=hook()).status_code == 401
    assert guarded.post(f"{SERVICE}/feedback", json={"feedback": [TOLD]}).status_code == 401
    assert guarded.get("/cds-services").status_code == 200


@pytest.mark.parametrize("text", ["", "[]", '{"clients": [{"iss": "x", "keys": [{"kid": "1", "alg": "HS384"}]}]}'])
def test_a_file_of_clients_that_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "clients.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        Clients(file)
