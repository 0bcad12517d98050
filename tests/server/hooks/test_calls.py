"""What a call holds: what was sent, what was not, and what is malformed."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from flask.testing import FlaskClient

import osteo_kg_server
from osteo_kg import Dataset
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    POSTMENOPAUSAL,
    patient,
    t_score,
)
from tests.support.hooks import (
    EVERY_YES,
    HIP,
    INSTANCE,
    SERVICE,
    Resource,
    cards,
    hook,
    posted,
    prefetched,
    searchset,
    view,
)

pytestmark = pytest.mark.server


# What was sent, and what was not


def test_null_is_nothing_there_and_a_missing_key_is_not_supplied(cds: FlaskClient, templates: dict[str, str]) -> None:
    prefetch = prefetched(templates)
    assert posted(cds, hook(prefetch=prefetch)).status_code == 200
    del prefetch["conditions"]
    refused = posted(cds, hook(prefetch=prefetch))
    assert refused.status_code == 412
    assert "conditions" in refused.get_json()["detail"]


def test_a_key_that_only_says_more_may_be_missing(cds: FlaskClient, templates: dict[str, str]) -> None:
    prefetch = prefetched(templates, POSTMENOPAUSAL, HIP)
    del prefetch["lists"]
    [card] = cards(cds, hook(prefetch=prefetch))
    assert "Not supplied: lists" in card["detail"]


@pytest.mark.parametrize(
    "answer",
    [
        searchset([{"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}]),
        searchset([HIP, {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]}]),
        {"resourceType": "OperationOutcome", "issue": [{"severity": "fatal", "code": "exception"}]},
    ],
)
def test_what_failed_is_not_supplied(cds: FlaskClient, templates: dict[str, str], answer: Resource) -> None:
    prefetch = {**prefetched(templates), "conditions": answer}
    assert posted(cds, hook(prefetch=prefetch)).status_code == 412


@pytest.mark.parametrize("sent", [{}, {"patient": None}])
def test_without_a_patient_nothing_is_answered(cds: FlaskClient, templates: dict[str, str], sent: Resource) -> None:
    prefetch = {key: value for key, value in prefetched(templates).items() if key != "patient"}
    assert posted(cds, hook(prefetch={**prefetch, **sent})).status_code == 412


def test_another_patient_is_refused(cds: FlaskClient, templates: dict[str, str]) -> None:
    prefetch = {**prefetched(templates), "patient": patient(id="someone-else")}
    assert posted(cds, hook(prefetch=prefetch)).status_code == 400


def test_what_two_queries_find_counts_once(cds: FlaskClient, templates: dict[str, str]) -> None:
    spine = t_score("38267-1", -3.4)
    prefetch = prefetched(templates, POSTMENOPAUSAL, spine, *EVERY_YES)
    [once] = cards(cds, hook(prefetch=prefetch))
    [twice] = cards(cds, hook(prefetch={**prefetch, "stated-tScore": searchset([spine])}))
    assert twice["summary"] == once["summary"]


def test_a_call_with_access_to_a_server_is_answered_without_it(cds: FlaskClient, templates: dict[str, str]) -> None:
    access = {
        "access_token": "secret", "token_type": "Bearer", "expires_in": 300, "scope": "user/*.read", "subject": "ehr"
    }  # fmt: skip
    body = {
        **hook(prefetch=prefetched(templates)),
        "fhirServer": "https://fhir.example/r4",
        "fhirAuthorization": access,
    }
    assert posted(cds, body).status_code == 200
    assert posted(cds, {**body, "prefetch": {}}).status_code == 412


def test_the_calls_that_the_specification_shows_are_understood(cds: FlaskClient, templates: dict[str, str]) -> None:
    """A call that sends other prefetches than those asked for is told which are wanted."""
    body = {**hook(encounterId="456"), "hookInstance": str(uuid.uuid4()), "fhirServer": "https://hooks.example:9080"}
    refused = posted(cds, {**body, "prefetch": {"patientToGreet": patient()}})
    assert refused.status_code == 412
    assert "conditions" in refused.get_json()["detail"]
    whole = {**prefetched(templates, POSTMENOPAUSAL, HIP), "patientToGreet": patient()}
    assert len(cards(cds, {**body, "prefetch": whole, "extension": {"com.example.x": 1}})) == 1


def test_nothing_of_a_call_is_logged(
    cds: FlaskClient, templates: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    view(cds, templates, HIP)
    posted(cds, hook(prefetch={}, patientId="secret-id"))
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
def test_a_malformed_hook_is_refused_in_a_sentence(cds: FlaskClient, body: Any) -> None:
    refused = posted(cds, body)
    assert refused.status_code == 400
    assert refused.mimetype == "application/problem+json"
    assert refused.get_json()["detail"].endswith(".")


def test_an_unknown_service_is_not_found(cds: FlaskClient) -> None:
    assert cds.post("/cds-services/other", json=hook()).status_code == 404
