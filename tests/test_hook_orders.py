"""Cards about orders: which are let pass, and what is said of the others."""

from __future__ import annotations

from flask.testing import FlaskClient

from bundles import (
    HER,
    POSTMENOPAUSAL,
    RENAL,
    RXNORM,
    coded,
    t_score,
)
from hooks import (
    EVERY_YES,
    HIP,
    NOTHING,
    Resource,
    cards,
    draft_of,
    hook,
    ordered,
    prefetched,
    searchset,
)

# Orders


def test_an_order_of_an_option_is_let_pass(cds: FlaskClient, templates: dict[str, str]) -> None:
    assert ordered(cds, templates, draft_of(RXNORM, "46041"), t_score("38267-1", -3.4), *EVERY_YES) == []


def test_an_order_that_is_not_ours_is_let_pass(cds: FlaskClient, templates: dict[str, str]) -> None:
    assert ordered(cds, templates, draft_of(RXNORM, "6809"), HIP) == []


def test_an_order_outside_the_options_is_warned_of(cds: FlaskClient, templates: dict[str, str]) -> None:
    [card] = ordered(cds, templates, draft_of(RXNORM, "32915"), t_score("38267-1", -3.4), *EVERY_YES)
    assert card["indicator"] == "warning"
    assert card["summary"].startswith("teriparatide: not an option")
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
    assert (card["indicator"], card["summary"]) == ("warning", "alendronate: renal function is not known")


def test_an_order_of_what_was_not_tolerated_is_warned_of(cds: FlaskClient, templates: dict[str, str]) -> None:
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "patient": HER, "code": coded((RXNORM, "46041"))}
    [card] = ordered(cds, templates, draft_of(RXNORM, "46041"), t_score("38267-1", -3.4), *EVERY_YES, allergy)
    assert (card["indicator"], "failure" in card["summary"]) == ("warning", True)


def test_an_order_that_is_left_open_is_told(cds: FlaskClient, templates: dict[str, str]) -> None:
    [card] = ordered(cds, templates, draft_of(RXNORM, "72143"), t_score("38267-1", -3.4), *EVERY_YES)
    assert (card["indicator"], "leaves it open" in card["summary"]) == ("info", True)
    [unknown] = ordered(cds, templates, draft_of(RXNORM, "72143"), t_score("38267-1", -2.5))
    assert unknown["indicator"] == "info"


def test_a_draft_may_refer_to_its_medication(cds: FlaskClient, templates: dict[str, str]) -> None:
    product = {"resourceType": "Medication", "id": "p", "code": coded((RXNORM, "32915"))}
    draft: Resource = {"resourceType": "MedicationRequest", "id": "d", "status": "draft", "intent": "order"}
    draft |= {"subject": HER, "medicationReference": {"reference": "Medication/p"}}
    body = hook("order-sign", prefetched(templates, POSTMENOPAUSAL, HIP), draftOrders=searchset([draft, product]))
    assert len(cards(cds, body)) == 1
