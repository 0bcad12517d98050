"""Servers and clients as they come: what cannot be had is told, and never taken as empty."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

import osteo_kg_server
from osteo_kg import Dataset, UsageError
from osteo_kg.cli.main import main
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg_server.command import serve
from tests.support.bundles import (
    HER,
    LOINC,
    NO_FRACTURE,
    OWN,
    POSTMENOPAUSAL,
    SNOMED,
    coded,
    medication,
    nothing_known,
    t_score,
)
from tests.support.fhir_servers import Answering, FhirServer, send
from tests.support.hooks import EVERY_YES, HIP, Resource, cards, hook, posted, prefetched, searchset, view

pytestmark = pytest.mark.server

NOT_SERVED = "Not held by the server: "
NOT_ANSWERED = "Not answered by the server: "
SPINE = t_score("38267-1", -3.4)
WELL = (POSTMENOPAUSAL, NO_FRACTURE, t_score("38267-1", -1.5))
OPENED = {
    "conditions": ("Condition", "Fracture history: "),
    "statements": ("MedicationStatement", "Treatment history: "),
    "requests": ("MedicationRequest", "Treatment history: "),
    "administrations": ("MedicationAdministration", "Treatment history: "),
    "allergies": ("AllergyIntolerance", "Treatment history: "),
    "t-score-38264-8": ("Observation (LOINC 38264-8)", "Densitometry: "),
}


@pytest.fixture(scope="module")
def serving(knowledge_base: KnowledgeBase, everlasting: FhirServer) -> Callable[..., FlaskClient]:
    """Make a client of a service that may call the server, some of whose prefetch may be missing."""

    @functools.cache
    def made(*optional: str) -> FlaskClient:
        chosen = osteo_kg_server.Settings(fhir_servers=(everlasting.url,), optional_prefetch=optional)
        return osteo_kg_server.create_app(knowledge_base, Dataset({}), chosen).test_client()

    return made


def asking(server: FhirServer, prefetch: Any = None) -> Resource:
    return {**hook(prefetch=prefetch), "fhirServer": server.url}


def answering(body: Any, status: int = 200) -> Answering:
    return lambda request: send(request, body, status)


def line(card: Resource, *parts: str) -> list[str]:
    """Give the lines of the detail that have every part."""
    plain = card["detail"].replace("\\", "")
    return [each for each in plain.splitlines() if all(part in each for part in parts)]


# What may be missing


@pytest.mark.parametrize("key", OPENED)
def test_what_may_be_missing_leaves_its_section_open(
    serving: Callable[..., FlaskClient], templates: dict[str, str], key: str
) -> None:
    """Though a List says that the section is complete; and without the wish the call is refused by the key."""
    complete = [nothing_known(each) for each in ("FractureHistory", "TreatmentHistory")]
    sent = prefetched(templates, POSTMENOPAUSAL, HIP, SPINE, *complete)
    del sent[key]
    [card] = cards(serving(key), hook(prefetch=sent))
    element, section = OPENED[key]
    assert line(card, section, element)
    assert line(card, "Not supplied: ", key)
    refused = posted(serving(), hook(prefetch=sent))
    assert refused.status_code == 412
    assert f"Not supplied, or not whole: {key}. " in refused.get_json()["detail"]


def test_conditions_that_are_missing_are_not_taken_for_none(
    serving: Callable[..., FlaskClient], templates: dict[str, str]
) -> None:
    """She would need no treatment, had she no fracture."""
    stated = {
        "resourceType": "Observation", "id": "m", "status": "final", "subject": HER,
        "code": coded((SNOMED, "161712005")), "valueCodeableConcept": coded((SNOMED, "76498008")),
    }  # fmt: skip
    sent = prefetched(templates, stated, NO_FRACTURE, t_score("38267-1", -1.5))
    [whole] = cards(serving("all"), hook(prefetch=sent))
    assert whole["summary"].startswith("Osteoporosis: drug treatment not recommended")
    del sent["conditions"]
    [card] = cards(serving("all"), hook(prefetch=sent))
    assert "information missing: fracture history" in card["summary"]


def test_what_may_always_be_missing_leaves_its_section_open_too(
    serving: Callable[..., FlaskClient], templates: dict[str, str]
) -> None:
    sent = prefetched(templates, POSTMENOPAUSAL, HIP, SPINE)
    [whole] = cards(serving(), hook(prefetch=sent))
    assert not line(whole, "Not supplied: ")
    del sent["dispenses"]
    [card] = cards(serving(), hook(prefetch=sent))
    assert line(card, "Not supplied: ", "dispenses")


def test_a_t_score_that_is_missing_may_be_lower(serving: Callable[..., FlaskClient], templates: dict[str, str]) -> None:
    sent = prefetched(templates, POSTMENOPAUSAL, NO_FRACTURE, t_score("38267-1", -2.5), *EVERY_YES)
    [whole] = cards(serving("t-score"), hook(prefetch=sent))
    assert whole["summary"].startswith("Osteoporosis: specialist opinion")
    for key in ("t-score-38264-8", "panel-83311-1", "stated-tScore"):
        [card] = cards(serving("t-score"), hook(prefetch={k: v for k, v in sent.items() if k != key}))
        assert card["summary"].startswith("Osteoporosis: undetermined"), key


def test_the_patient_alone_is_enough_where_all_else_may_be_missing(serving: Callable[..., FlaskClient]) -> None:
    [card] = cards(serving("all"), hook(prefetch=prefetched({})))
    assert "information missing: " in card["summary"]
    assert posted(serving("all"), hook(prefetch={"conditions": None})).status_code == 412


def test_what_failed_may_be_missing_too(serving: Callable[..., FlaskClient], templates: dict[str, str]) -> None:
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "fatal", "code": "exception"}]}
    sent = {**prefetched(templates, POSTMENOPAUSAL, HIP, SPINE), "statements": failed}
    [card] = cards(serving("statements"), hook(prefetch=sent))
    assert line(card, NOT_ANSWERED, "statements")
    assert posted(serving("requests"), hook(prefetch=sent)).status_code == 412


@pytest.mark.parametrize("name", ["patient", "t-scores", "Statements", ""])
def test_what_is_no_key_or_cannot_be_missing_is_refused_at_the_start(
    serving: Callable[..., FlaskClient], name: str
) -> None:
    with pytest.raises(UsageError, match="is none that may be missing"):
        serving(name)


def test_the_command_takes_keys_groups_or_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken(*arguments: str) -> Any:
        return serve.make_context("serve", [*arguments]).params["optional_prefetch"]

    assert taken() == ()
    assert taken("--optional-prefetch", "statements,t-score") == ("statements", "t-score")
    assert taken("--optional-prefetch", "--port", "0") == ("all",)
    monkeypatch.setenv("OSTEO_KG_OPTIONAL_PREFETCH", "allergies,requests")
    assert taken() == ("allergies", "requests")
    refused = CliRunner().invoke(main, ["serve", "--scratch", "--optional-prefetch", "patient"])
    assert refused.exit_code == 2
    assert "Name all, a group (conditions, statements," in refused.output


# A server that does not hold a type of resource, and one that failed

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-supported"}]}
OTHER = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}


def capable(*types: str) -> Answering:
    rest = [{"mode": "server", "resource": [{"type": each} for each in types]}]
    return answering({"resourceType": "CapabilityStatement", "rest": rest})


WITHOUT, WITH = capable("Patient", "Condition", "Observation"), capable("Patient", "MedicationStatement")
ABSENT: dict[str, dict[str, Answering]] = {
    "not found": {"/MedicationStatement": answering(b"", 404)},
    "not found, and said so": {"/MedicationStatement": answering(OUTCOME, 404), "/metadata": WITHOUT},
    "not supported": {"/MedicationStatement": answering(OUTCOME, 400)},
    "not implemented": {"/MedicationStatement": answering(OUTCOME, 501)},
    "not supported, in a good answer": {"/MedicationStatement": answering(OUTCOME)},
    "forbidden, and not listed": {"/MedicationStatement": answering(OTHER, 403), "/metadata": WITHOUT},
    "bad, and not listed": {"/MedicationStatement": answering(b"", 400), "/metadata": WITHOUT},
}
FAILED: dict[str, tuple[dict[str, Answering], str]] = {
    "at fault": ({"/MedicationStatement": answering(b"", 500)}, "it answered 500"),
    "unavailable": ({"/MedicationStatement": answering(OTHER, 503)}, "it answered 503"),
    "forbidden": ({"/MedicationStatement": answering(OTHER, 403)}, "it answered 403"),
    "forbidden, but listed": ({"/MedicationStatement": answering(OTHER, 403), "/metadata": WITH}, "it answered 403"),
    "a parameter is not supported": (
        {"/MedicationStatement": answering(OUTCOME, 400), "/metadata": WITH},
        "it answered 400",
    ),
    "no statement of what it holds": (
        {"/MedicationStatement": answering(OTHER, 403), "/metadata": answering({"resourceType": "Basic"})},
        "it answered 403",
    ),
    "in an answer": ({"/MedicationStatement": answering(OTHER)}, "it reported an error"),
}


@pytest.mark.parametrize("case", ABSENT)
def test_a_server_without_a_type_of_resource_is_answered_and_the_section_open(
    serving: Callable[..., FlaskClient], server: FhirServer, case: str
) -> None:
    server.misbehaving = ABSENT[case]
    [card] = cards(serving(), asking(server))
    assert card["summary"].startswith("Osteoporosis: treatment imperative")
    assert line(card, NOT_SERVED, "statements")
    assert line(card, "Treatment history: ", "(MedicationStatement)")
    [french] = cards(serving(), asking(server), "fr")
    assert line(french, "Non détenu par le serveur", "statements")


@pytest.mark.parametrize("case", FAILED)
def test_a_server_that_failed_is_told_as_one(
    serving: Callable[..., FlaskClient], server: FhirServer, case: str
) -> None:
    server.misbehaving, why = FAILED[case]
    refused = posted(serving(), asking(server))
    assert refused.status_code == 412
    assert f"statements ({why})" in refused.get_json()["detail"]
    [card] = cards(serving("statements"), asking(server))
    assert line(card, NOT_ANSWERED, "statements")
    assert line(card, "Treatment history: ", "(MedicationStatement)")


def test_a_client_may_hand_on_that_a_type_is_not_supported(cds: FlaskClient, templates: dict[str, str]) -> None:
    sent = {**prefetched(templates, POSTMENOPAUSAL, HIP, SPINE), "administrations": OUTCOME}
    [card] = cards(cds, hook(prefetch=sent))
    assert line(card, NOT_SERVED, "administrations")


def test_a_patient_who_is_not_there_is_no_type_that_is_not_held(
    serving: Callable[..., FlaskClient], server: FhirServer
) -> None:
    server.misbehaving = {"/Patient": answering(OUTCOME, 404)}
    refused = posted(serving("all"), asking(server))
    assert refused.status_code == 412
    assert "patient (it answered 404)" in refused.get_json()["detail"]


# Pages


CUT = searchset([POSTMENOPAUSAL], link=[{"relation": "next", "url": "https://elsewhere.example/?page=2"}])


@pytest.mark.parametrize("cut", [CUT, searchset([POSTMENOPAUSAL], total=2)], ids=["next", "total"])
def test_a_page_without_the_next_is_read_and_leaves_the_section_open(
    cds: FlaskClient, templates: dict[str, str], cut: Resource
) -> None:
    sent = prefetched(templates, *WELL)
    [whole] = cards(cds, hook(prefetch=sent))
    assert whole["summary"].startswith("Osteoporosis: drug treatment not recommended")
    [card] = cards(cds, hook(prefetch={**sent, "conditions": cut}))
    assert "information missing: fracture history" in card["summary"]
    assert line(card, "Further page not sent: ", "conditions")


def test_the_pages_after_one_that_was_sent_are_followed(
    serving: Callable[..., FlaskClient], server: FhirServer, templates: dict[str, str]
) -> None:
    server.misbehaving = {"page=2": answering(searchset([HIP]))}
    next_page = [{"relation": "next", "url": f"{server.url}/Condition?page=2"}]
    sent = {**prefetched(templates, SPINE, *EVERY_YES), "conditions": searchset([POSTMENOPAUSAL], link=next_page)}
    [card] = cards(serving(), asking(server, sent))
    assert card["summary"].startswith("Osteoporosis: treatment imperative")
    assert [path for path, _ in server.asked] == ["/r4/Condition?page=2"]


def test_where_the_pages_end_in_nothing_the_whole_is_asked_again_or_the_section_is_open(
    serving: Callable[..., FlaskClient], server: FhirServer, templates: dict[str, str]
) -> None:
    next_page = [{"relation": "next", "url": f"{server.url}/Condition?page=2"}]
    sent = {**prefetched(templates, SPINE, *EVERY_YES), "conditions": searchset([POSTMENOPAUSAL], link=next_page)}
    server.misbehaving = {"page=2": answering(b"", 410)}
    [card] = cards(serving(), asking(server, sent))
    assert card["summary"].startswith("Osteoporosis: treatment imperative")
    assert not line(card, "Further page not sent: ")
    server.misbehaving = {"/Condition": answering(b"", 500)}
    [card] = cards(serving(), asking(server, sent))
    assert line(card, "Further page not sent: ", "conditions")


# What is asked for


def test_a_score_in_a_panel_decides(cds: FlaskClient, templates: dict[str, str]) -> None:
    panel = {
        "resourceType": "Observation", "id": "p", "status": "final", "subject": HER, "effectiveDateTime": "2026-03-01",
        "code": coded((LOINC, "83311-1")),
        "component": [{"code": coded((LOINC, "38267-1")), "valueQuantity": {"value": -3.4, "unit": "{T-score}"}}],
    }  # fmt: skip
    card = view(cds, templates, panel, *EVERY_YES)
    assert card["summary"].startswith("Osteoporosis: start treatment")


def test_a_menopause_that_was_observed_counts(cds: FlaskClient, templates: dict[str, str]) -> None:
    observed = {
        "resourceType": "Observation", "id": "m", "status": "final", "subject": HER,
        "code": coded((SNOMED, "161712005")), "valueCodeableConcept": coded((SNOMED, "76498008")),
    }  # fmt: skip
    [card] = cards(cds, hook(prefetch=prefetched(templates, observed, HIP, SPINE)))
    assert card["summary"].startswith("Osteoporosis: treatment imperative")


def test_the_members_of_a_panel_are_asked_for(serving: Callable[..., FlaskClient], server: FhirServer) -> None:
    """And a member elsewhere is not."""
    members = [{"reference": each} for each in ("Observation/m1", "https://elsewhere.example/Observation/m2")]
    panel = {"resourceType": "Observation", "id": "p", "status": "final", "subject": HER, "hasMember": members}
    panel |= {"code": coded((LOINC, "83311-1"))}
    member = {
        **t_score("38267-1", -3.9),
        "id": "m1",
        "code": coded((OWN, "tScore")),
        "bodySite": coded((OWN, "TotalHip")),
    }
    server.misbehaving = {
        "/Observation/m1": answering(member),
        "83311-1": answering(searchset([panel])),
    }
    [card] = cards(serving(), asking(server))
    assert [path for path, _ in server.asked if "/Observation/" in path] == ["/r4/Observation/m1"]
    assert line(card, "T-score total hip: -3.9")


def test_drugs_and_conditions_of_every_system_are_asked_for_at_once(templates: dict[str, str]) -> None:
    """No system, status or category is asked for: servers differ in all of them."""
    for key in ("conditions", "statements", "requests", "administrations", "dispenses", "allergies"):
        assert templates[key].partition("?")[2] == "patient={{context.patientId}}&_count=1000"


def test_a_treatment_under_another_key_still_counts(serving: Callable[..., FlaskClient], server: FhirServer) -> None:
    """What a server holds as requests is read where it has no statements."""
    failed = medication("MedicationRequest", "stopped", "http://www.whocc.no/atc", "M05BA04")
    failed |= {"intent": "order", "statusReason": coded((OWN, "Failure"))}
    server.misbehaving = {
        "/MedicationStatement": answering(OUTCOME, 404),
        "/MedicationRequest": answering(searchset([failed])),
    }
    [card] = cards(serving(), asking(server))
    assert line(card, "alendronate", "a failure or an intolerance is recorded")
