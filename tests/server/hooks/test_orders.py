"""Cards about orders: which are let pass, and what is said of the others."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.support.bundles import ATC, HER, POSTMENOPAUSAL, RENAL, RXNORM, coded, dose, patient, t_score
from tests.support.hooks import (
    EVERY_YES,
    HIP,
    NOTHING,
    Resource,
    cards,
    draft_of,
    drafted,
    hook,
    ordered,
    prefetched,
    searchset,
    view,
)

pytestmark = pytest.mark.server


# Orders


def test_an_order_of_an_option_is_let_pass(cds: FlaskClient, templates: dict[str, str]) -> None:
    assert ordered(cds, templates, draft_of(RXNORM, "46041"), t_score("38267-1", -3.4), *EVERY_YES) == []


def test_an_order_that_is_not_ours_is_let_pass(cds: FlaskClient, templates: dict[str, str]) -> None:
    assert ordered(cds, templates, draft_of(RXNORM, "6809"), HIP) == []


def test_an_order_outside_the_options_is_warned_of(cds: FlaskClient, templates: dict[str, str]) -> None:
    [card] = ordered(cds, templates, draft_of(RXNORM, "32915"), t_score("38267-1", -3.4), *EVERY_YES)
    assert card["indicator"] == "warning"
    assert card["summary"].startswith("teriparatide: not among")
    assert len(card["overrideReasons"]) > 1


def test_an_order_before_densitometry_is_warned_of(cds: FlaskClient, templates: dict[str, str]) -> None:
    [card] = ordered(cds, templates, draft_of(RXNORM, "46041"), HIP)
    assert card["indicator"] == "warning"


def test_an_order_that_is_contraindicated_is_critical(cds: FlaskClient, templates: dict[str, str]) -> None:
    low = {**RENAL, "valueQuantity": {"value": 20, "unit": "mL/min"}}
    [card] = ordered(cds, templates, draft_of(RXNORM, "77655"), t_score("38267-1", -3.4), *NOTHING, low)
    assert card["indicator"] == "critical"
    assert "contraindicated" in card["summary"]


def test_an_order_without_renal_function_is_warned_of(cds: FlaskClient, templates: dict[str, str]) -> None:
    [card] = ordered(cds, templates, draft_of(RXNORM, "46041"), t_score("38267-1", -3.4), *NOTHING)
    assert (card["indicator"], card["summary"]) == ("warning", "alendronate: renal function is not known well enough")


def test_an_order_of_what_was_not_tolerated_is_warned_of(cds: FlaskClient, templates: dict[str, str]) -> None:
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "patient": HER, "code": coded((RXNORM, "46041"))}
    [card] = ordered(cds, templates, draft_of(RXNORM, "46041"), t_score("38267-1", -3.4), *EVERY_YES, allergy)
    assert (card["indicator"], "failure" in card["summary"]) == ("warning", True)


def test_an_order_that_is_left_open_is_told(cds: FlaskClient, templates: dict[str, str]) -> None:
    [card] = ordered(cds, templates, draft_of(RXNORM, "72143"), t_score("38267-1", -3.4), *EVERY_YES)
    assert (card["indicator"], "remains to be settled" in card["summary"]) == ("info", True)
    [unknown] = ordered(cds, templates, draft_of(RXNORM, "72143"), t_score("38267-1", -2.5))
    assert unknown["indicator"] == "info"


def test_a_draft_may_refer_to_its_medication(cds: FlaskClient, templates: dict[str, str]) -> None:
    product = {"resourceType": "Medication", "id": "p", "code": coded((RXNORM, "32915"))}
    draft: Resource = {"resourceType": "MedicationRequest", "id": "d", "status": "draft", "intent": "order"}
    draft |= {"subject": HER, "medicationReference": {"reference": "Medication/p"}}
    body = hook("order-sign", prefetched(templates, POSTMENOPAUSAL, HIP), draftOrders=searchset([draft, product]))
    assert len(cards(cds, body)) == 1


# Whatever the guideline decides

LOW = {**RENAL, "valueQuantity": {"value": 20, "unit": "mL/min"}}
ZOLEDRONATE = draft_of(RXNORM, "77655")


@pytest.mark.parametrize(
    ("resources", "disposition"),
    [
        ([t_score("38267-1", 0), *NOTHING], "drug treatment not recommended"),
        ([t_score("38267-1", -2.5), *NOTHING], "specialist opinion"),
        ([t_score("38267-1", -2.5)], "undetermined"),
        ([HIP], "bone densitometry needed"),
        ([HIP, t_score("38267-1", -3.4)], "treatment imperative"),
    ],
)
def test_a_contraindicated_order_is_critical_whatever_is_decided(
    cds: FlaskClient, templates: dict[str, str], resources: list[Resource], disposition: str
) -> None:
    looked_at = view(cds, templates, *resources, LOW)
    assert disposition in looked_at["summary"]
    [card] = ordered(cds, templates, ZOLEDRONATE, *resources, LOW)
    assert card["indicator"] == "critical"
    assert card["summary"].startswith("zoledronate: contraindicated")
    assert "creatinine clearance 20 ml/min" in card["detail"].casefold()
    assert "product information of zoledronate" in card["detail"]


def test_out_of_scope_nothing_is_told_of_an_order(cds: FlaskClient, templates: dict[str, str]) -> None:
    his = {**prefetched(templates, LOW), "patient": patient(gender="male")}
    drafts = [ZOLEDRONATE, draft_of(RXNORM, "72143", id="other"), draft_of("urn:local", "7", id="unread")]
    assert cards(cds, hook("order-sign", his, draftOrders=searchset(drafts))) == []


def test_without_densitometry_what_was_not_tolerated_is_told_too(cds: FlaskClient, templates: dict[str, str]) -> None:
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "patient": HER, "code": coded((RXNORM, "46041"))}
    [card] = ordered(cds, templates, draft_of(RXNORM, "46041"), HIP, allergy)
    assert card["indicator"] == "warning"
    assert (
        "a failure or an intolerance is recorded, renal function is not known well enough, not among" in card["summary"]
    )


# What cannot be read


def request_of(**more: object) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": "d",
        "status": "draft",
        "intent": "order",
        "subject": HER,
        **more,
    }


@pytest.mark.parametrize(
    ("said", "indicator", "why"),
    [
        ({"medicationReference": {"reference": "Medication/not-here"}}, "warning", "not stated, or not sent"),
        ({"medicationReference": {"reference": "#inside"}, "contained": []}, "warning", "not stated, or not sent"),
        ({}, "warning", "not stated, or not sent"),
        ({"medicationCodeableConcept": {"text": "Doliprane 1 g"}}, "info", "no code of its drug is known"),
        ({"medicationCodeableConcept": coded(("urn:local", "7"))}, "info", "no code of its drug is known"),
        ({"medicationCodeableConcept": {"text": "Alendronate 70 mg"}}, "warning", "Perhaps: alendronate"),
        ({"medicationCodeableConcept": {"text": "Acide zolédronique 5 mg"}}, "warning", "Perhaps: zoledronate"),
        ({"medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "1", "display": "denosumab 60 MG/ML"}]}},
         "warning", "Perhaps: denosumab"),
        ({"medicationCodeableConcept": coded((ATC, "M05BA"))}, "warning", "ibandronate"),
    ],
)  # fmt: skip
def test_an_order_whose_drug_cannot_be_read_is_told(
    cds: FlaskClient, templates: dict[str, str], said: Resource, indicator: str, why: str
) -> None:
    [card] = ordered(cds, templates, request_of(**said), HIP)
    assert card["indicator"] == indicator
    assert card["summary"].startswith("The drug in an order could not be identified; nothing was checked.")
    assert "MedicationRequest/d" in card["detail"]
    assert why in card["detail"]


def test_orders_that_cannot_be_read_are_told_of_once(cds: FlaskClient, templates: dict[str, str]) -> None:
    drafts = [request_of(id=f"d{number}") for number in range(3)]
    [card] = cards(cds, hook("order-sign", prefetched(templates, HIP), draftOrders=searchset(drafts)))
    assert [f"d{number}" in card["detail"] for number in range(3)] == [True] * 3


@pytest.mark.parametrize(
    "said",
    [
        {"medicationCodeableConcept": coded((RXNORM, "6809"))},
        {"medicationCodeableConcept": coded((RXNORM, "46041")), "doNotPerform": True},
        {"medicationCodeableConcept": coded((RXNORM, "77655")), **dose(4)},
    ],
)
def test_an_order_of_nothing_of_ours_is_let_pass(cds: FlaskClient, templates: dict[str, str], said: Resource) -> None:
    """Another drug, none at all, or a product for another use."""
    assert ordered(cds, templates, request_of(**said), HIP) == []


def test_an_order_may_refer_to_what_was_sent_beside_it(cds: FlaskClient, templates: dict[str, str]) -> None:
    product = {"resourceType": "Medication", "id": "p", "code": coded((RXNORM, "77655"))}
    draft = request_of(medicationReference={"reference": "Medication/p"})
    prefetch = {**prefetched(templates, HIP, LOW), "products": product}
    [card] = cards(cds, hook("order-sign", prefetch, draftOrders=searchset([draft])))
    assert card["summary"].startswith("zoledronate: contraindicated")


def test_an_allergy_to_a_group_stands_against_each_of_its_drugs(cds: FlaskClient, templates: dict[str, str]) -> None:
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "patient": HER, "code": coded((ATC, "M05BA"))}
    eligible = (t_score("38267-1", -3.4), *EVERY_YES, allergy)
    assert drafted(view(cds, templates, *eligible)) == {"Denosumab"}
    [card] = ordered(cds, templates, draft_of(RXNORM, "73056"), *eligible)
    assert (card["indicator"], "failure or an intolerance" in card["summary"]) == ("warning", True)
