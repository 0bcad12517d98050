"""A FHIR server that may be called: asked for what was not sent, whole or not at all, and no other server ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

import osteo_kg_server
from osteo_kg import Dataset, UsageError
from osteo_kg.cli.main import main
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg_server.cds import fhir_client
from osteo_kg_server.cds.fhir_servers import Servers
from tests.support.bundles import HER, OWN, POSTMENOPAUSAL, RXNORM, SNOMED, coded, condition, patient, t_score
from tests.support.fhir_servers import Answering, FhirServer, fhir_server, send
from tests.support.hooks import EVERY_YES, HERS, HIP, Resource, cards, hook, posted, prefetched, searchset

pytestmark = pytest.mark.server


TOKEN = "a-secret.token"
ACCESS = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "scope": "user/*.read", "subject": "ehr"}


@pytest.fixture(scope="module")
def calling(knowledge_base: KnowledgeBase, everlasting: FhirServer) -> FlaskClient:
    """A client of a service that may call the server."""
    allowed = osteo_kg_server.Settings(fhir_servers=(everlasting.url,))
    return osteo_kg_server.create_app(knowledge_base, Dataset({}), allowed).test_client()


def asking(address: str, prefetch: Any = None, **more: Any) -> Resource:
    return {**hook(prefetch=prefetch), "fhirServer": address, "fhirAuthorization": ACCESS, **more}


# What is fetched


def test_what_was_not_sent_is_asked_of_the_server_with_the_token(
    calling: FlaskClient, server: FhirServer, templates: dict[str, str]
) -> None:
    [fetched] = cards(calling, asking(server.url))
    [sent] = cards(calling, hook(prefetch=prefetched(templates, *HERS)))
    assert fetched["summary"] == sent["summary"]
    assert "Asked of the FHIR server: " in fetched["detail"]
    assert len(server.asked) == len(templates)
    assert {authorization for _, authorization in server.asked} == {f"Bearer {TOKEN}"}
    spine = "Observation?patient=example&code=http://loinc.org%7C38267-1&_sort=-date"
    assert {"/r4/Patient/example", f"/r4/{spine}"} - {path for path, _ in server.asked} == set()


def test_only_what_was_not_sent_is_asked(calling: FlaskClient, server: FhirServer, templates: dict[str, str]) -> None:
    whole = prefetched(templates, *HERS)
    assert len(cards(calling, asking(server.url, whole))) == 1
    assert server.asked == []
    cut = searchset([], link=[{"relation": "next", "url": "https://elsewhere.example/?page=2"}])
    cards(calling, asking(server.url, {**whole, "conditions": cut}))
    assert [path for path, _ in server.asked] == ["/r4/Condition?patient=example&_count=1000"]


def test_a_server_without_a_token_is_asked_without_one(calling: FlaskClient, server: FhirServer) -> None:
    body = asking(server.url)
    del body["fhirAuthorization"]
    assert len(cards(calling, body)) == 1
    assert {authorization for _, authorization in server.asked} == {None}


def test_the_discovery_says_that_access_will_do(calling: FlaskClient, cds: FlaskClient) -> None:
    said = [client.get("/cds-services").get_json()["services"][0]["usageRequirements"] for client in (calling, cds)]
    assert ["access to a FHIR server" in each for each in said] == [True, False]


def test_pages_are_followed_to_the_last(calling: FlaskClient, server: FhirServer) -> None:
    """Whether their addresses are written out or not."""
    for link in (f"{server.url}?page=2", "?page=2", f"http://127.0.0.1:{server.port}/r4/Condition?page=2"):
        first = searchset([POSTMENOPAUSAL], link=[{"relation": "next", "url": link}], total=2)
        server.misbehaving = {"page=2": answering(searchset([HIP])), "/Condition": answering(first)}
        [card] = cards(calling, asking(server.url))
        assert card["summary"].startswith("Osteoporosis: treatment imperative.")


def test_what_only_says_more_may_fail(calling: FlaskClient, server: FhirServer) -> None:
    server.misbehaving = {"/List": answering({}, 403)}
    [card] = cards(calling, asking(server.url))
    assert "Not answered by the server: lists" in card["detail"]


@pytest.mark.parametrize("whole", [False, True], ids=["nothing sent", "all sent"])
def test_a_product_that_a_treatment_refers_to_is_asked_too(
    calling: FlaskClient, server: FhirServer, templates: dict[str, str], whole: bool
) -> None:
    """Lest a drug that failed hide behind a reference."""
    failed: Resource = {"resourceType": "MedicationStatement", "id": "s", "status": "stopped", "subject": HER}
    failed |= {"statusReason": [coded((OWN, "Failure"))]}
    for reference in ("Medication/p", f"{server.url}/Medication/p"):
        server.asked.clear()
        referring = {**failed, "medicationReference": {"reference": reference}}
        server.misbehaving = {
            "/MedicationStatement": answering(searchset([referring])),
            "/Medication/": answering({"resourceType": "Medication", "id": "p", "code": coded((RXNORM, "46041"))}),
        }
        [card] = cards(calling, asking(server.url, prefetched(templates, *HERS, referring) if whole else None))
        assert "alendronate: a failure or an intolerance is recorded" in card["detail"]
        assert ("/r4/Medication/p", f"Bearer {TOKEN}") in server.asked
        assert len(server.asked) == (1 if whole else len(templates) + 1)


def test_a_product_of_another_server_is_not_asked(
    calling: FlaskClient, server: FhirServer, templates: dict[str, str]
) -> None:
    taken: Resource = {"resourceType": "MedicationStatement", "id": "s", "status": "stopped", "subject": HER}
    for reference in ("https://elsewhere.example/Medication/p", "Medication/..", "Medication/p?x", "../Medication/p"):
        referring = {**taken, "medicationReference": {"reference": reference}}
        cards(calling, asking(server.url, prefetched(templates, *HERS, referring)))
    assert server.asked == []


# What is refused


def answering(body: Any, status: int = 200, **headers: str) -> Answering:
    return lambda request: send(request, body, status, **headers)


def silently(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


def slowly(request: BaseHTTPRequestHandler) -> None:
    """Send a byte now and then, so that no pause is long."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    for _ in range(100):
        request.wfile.write(b" ")
        request.wfile.flush()
        time.sleep(0.05)


def too_short(request: BaseHTTPRequestHandler) -> None:
    send(request, b'{"resourceType": "Bundle", "type": "searchset"}', Content_Length="2000")
    request.close_connection = True


def paged(url: str) -> Answering:
    return answering(searchset([HIP], link=[{"relation": "next", "url": url}]))


OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "security"}]}
FAILURES: dict[str, tuple[Answering, str]] = {
    "unauthorized": (answering({}, 401), "it answered 401"),
    "forbidden": (answering(OUTCOME, 403), "it answered 403"),
    "at fault": (answering(b"", 500), "it answered 500"),
    "redirected": (answering(b"", 302, Location="/r4/Condition?patient=other"), "it answered 302"),
    "redirected away": (answering(b"", 307, Location="https://elsewhere.example/"), "it answered 307"),
    "no JSON": (answering(b"<html>"), "it did not answer in JSON"),
    "no text": (answering(b"\xff"), "it did not answer in JSON"),
    "nested": (answering(b"[" * 20_000), "it did not answer in JSON"),
    "packed": (answering(b"\x1f\x8b\x08", Content_Encoding="gzip"), "it did not answer in JSON"),
    "no resource": (answering([]), "it answered with something else"),
    "no bundle": (answering(HIP), "it answered with something else"),
    "empty entry": (answering({"resourceType": "Bundle", "entry": [{}]}), "it answered with something else"),
    "an error": (answering(OUTCOME), "it reported an error"),
    "an error within": (answering(searchset([OUTCOME])), "it reported an error"),
    "counts more": (answering(searchset([HIP], total=2)), "it gave fewer resources than it counts"),
    "next is nowhere": (answering(searchset([HIP], link=[{"relation": "next"}])), "it answered with something else"),
    "next is elsewhere": (paged("https://elsewhere.example/r4?page=2"), "its next page lies outside"),
    "next is beside": (paged("/r4-other/Condition?page=2"), "its next page lies outside"),
    "next is above": (paged("../secret?page=2"), "its next page lies outside"),
    "next goes in circles": (paged("?page=2"), "its pages go round in a circle"),
    "cut off": (too_short, "it did not answer, or broke its answer off"),
    "silent": (silently, "it did not answer, or broke its answer off"),
    "slow": (slowly, "it took too long"),
    "large": (answering(b" " * 200_000), "its answers are too large"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_what_cannot_be_had_whole_is_refused_with_the_reason(
    calling: FlaskClient,
    server: FhirServer,
    failure: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """And nothing of the token or of what was answered is told or logged."""
    caplog.set_level("DEBUG")
    misbehave, reason = FAILURES[failure]
    if misbehave in (silently, slowly):  # all others answer at once, and a busy machine may take longer than that
        monkeypatch.setattr(fhir_client, "_SECONDS", 1.0)
    monkeypatch.setattr(fhir_client, "_MOST_BYTES", 100_000)
    server.misbehaving = {"/Condition": misbehave}
    refused = posted(calling, asking(server.url))
    assert refused.status_code == 412
    assert f"conditions ({reason}" in refused.get_json()["detail"]
    assert TOKEN not in refused.get_data(as_text=True) + caplog.text


def test_another_patient_of_the_server_is_not_hers(calling: FlaskClient, server: FhirServer) -> None:
    server.misbehaving = {"/Patient": answering(patient(id="someone-else"))}
    refused = posted(calling, asking(server.url))
    assert refused.status_code == 412
    assert "patient (it answered with something else)" in refused.get_json()["detail"]


def test_a_fracture_of_another_patient_is_told_and_not_counted(calling: FlaskClient, server: FhirServer) -> None:
    other = condition(SNOMED, "263102004", subject={"reference": "Patient/other"})
    server.misbehaving = {"/Condition": answering(searchset([POSTMENOPAUSAL, other]))}
    [card] = cards(calling, asking(server.url))
    assert card["summary"].startswith("Osteoporosis: start treatment.")
    assert "of no patient of this input" in card["detail"]


def test_a_server_that_is_not_there_is_a_reason(knowledge_base: KnowledgeBase) -> None:
    with fhir_server() as gone:
        pass
    allowed = osteo_kg_server.Settings(fhir_servers=(gone.url,))
    client = osteo_kg_server.create_app(knowledge_base, Dataset({}), allowed).test_client()
    refused = posted(client, asking(gone.url))
    assert refused.status_code == 412
    assert "patient (it did not answer" in refused.get_json()["detail"]


@pytest.mark.parametrize("token", ["two words", "a\r\nX-Other: b", "é"])
def test_a_token_that_no_header_can_hold_is_refused(calling: FlaskClient, server: FhirServer, token: str) -> None:
    body = asking(server.url, fhirAuthorization={**ACCESS, "access_token": token})
    assert posted(calling, body).status_code == 400
    assert server.asked == []


# Which server is called


@pytest.mark.parametrize(
    "written",
    [
        "http://127.0.0.1:{port}",
        "http://127.0.0.1:{port}/",
        "http://127.0.0.1:{port}/r4evil",
        "http://127.0.0.1:{port}/R4",
        "http://127.0.0.1:{port}/r4/../r5",
        "http://127.0.0.1:{port}/r4/..",
        "http://127.0.0.1:{port}/r4/%2e%2e/r5",
        "http://127.0.0.1:{port}//r4",
        "http://127.0.0.1:{port}/r4?x=1",
        "http://127.0.0.1:{port}/r4#x",
        "http://user@127.0.0.1:{port}/r4",
        "http://127.0.0.1:{port}@elsewhere.example/r4",
        "http://elsewhere.example\\@127.0.0.1:{port}/r4",
        "http://127.0.0.1:{port}.elsewhere.example/r4",
        "http://127.0.0.1/r4",
        "http://127.0.0.1:0{port}/r4",
        "http://localhost:{port}/r4",
        "http://2130706433:{port}/r4",
        "https://127.0.0.1:{port}/r4",
        "https://fhir.example/r4",
    ],
)
def test_a_server_that_was_not_allowed_is_never_called(calling: FlaskClient, server: FhirServer, written: str) -> None:
    refused = posted(calling, asking(written.format(port=server.port)))
    assert refused.status_code == 412
    assert "none that may be called" in refused.get_json()["detail"]
    assert server.asked == []


def test_no_server_is_called_where_none_was_allowed(cds: FlaskClient, server: FhirServer) -> None:
    refused = posted(cds, asking(server.url))
    assert (refused.status_code, server.asked) == (412, [])
    assert "No FHIR server is called from here." in refused.get_json()["detail"]


@pytest.mark.parametrize(
    ("allowed", "given", "may"),
    [
        ("https://fhir.example/r4", "HTTPS://FHIR.Example:443/r4/", True),
        ("https://fhir.example/r4", "https://fhir.example/r4/ward-1", True),
        ("https://fhir.example/r4/", "https://fhir.example/r4", True),
        ("https://fhir.example", "https://fhir.example/any/path", True),
        ("https://fhir.example:8443/r4", "https://fhir.example:8443/r4", True),
        ("https://fhir.example:8443/r4", "https://fhir.example/r4", False),
        ("https://fhir.example/r4", "https://fhir.example:99999/r4", False),
        ("https://fhir.example/r4", "http://fhir.example/r4", False),
        ("https://fhir.example/r4", "http://fhir.example:443/r4", False),
        ("https://fhir.example/r4", "https://fhir.example./r4", False),
        ("https://fhir.example/r4", "https://fhir.example.evil/r4", False),
        ("https://fhir.example/r4", "https://fhir.example/r", False),
        ("https://fhir.example/r4", "https://fhir.example/r4/./x", False),
        ("https://fhir.example/r4", "https://ｆhir.example/r4", False),
        ("http://[::1]:80/r4", "http://[::1]/r4", True),
    ],
)
def test_an_address_is_compared_in_its_parts(allowed: str, given: str, may: bool) -> None:
    assert (Servers([allowed]).of(given) is not None) == may


@pytest.mark.parametrize(
    "address",
    ["http://fhir.example/r4", "http://localhost.example/r4", "fhir.example", "", "https://u:p@fhir.example/r4",
     "https://fhir.example/r4?x", "https://fhir.example/../r4", "ftp://fhir.example"],
)  # fmt: skip
def test_an_address_that_nobody_may_allow_is_refused_at_the_start(address: str) -> None:
    with pytest.raises(UsageError):
        Servers([address])
    refused = CliRunner().invoke(main, ["serve", "--fhir-server", address, "--scratch"])
    assert refused.exit_code == 2
    assert "FHIR server" in refused.output or "https" in refused.output


# The age from which a menopause is assumed


@pytest.fixture(scope="module")
def assuming(knowledge_base: KnowledgeBase) -> Callable[[int], FlaskClient]:
    """Make a client of a service that assumes it from an age on."""
    return lambda age: osteo_kg_server.create_app(
        knowledge_base, Dataset({}), osteo_kg_server.Settings(assume_postmenopausal_from=age)
    ).test_client()


def test_a_menopause_is_assumed_from_an_age_on_and_the_card_says_so(
    assuming: Callable[[int], FlaskClient], templates: dict[str, str]
) -> None:
    unknown = hook(prefetch=prefetched(templates, HIP, t_score("38267-1", -3.4), *EVERY_YES))
    [card] = cards(assuming(60), unknown)
    assert card["summary"].startswith("Osteoporosis: treatment imperative.")
    assert "menopause was assumed from the age" in card["detail"]
    [young] = cards(assuming(90), unknown)
    assert "information missing: menopausal status" in young["summary"]


def test_a_recorded_menopausal_status_is_not_assumed_away(
    assuming: Callable[[int], FlaskClient], templates: dict[str, str]
) -> None:
    before = condition(SNOMED, "22636003", subject=HER)
    assert cards(assuming(60), hook(prefetch=prefetched(templates, before, HIP))) == []
