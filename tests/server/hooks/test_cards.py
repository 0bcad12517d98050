"""Cards beside a patient: as CDS Hooks has them, and no draft that could harm."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import osteo_kg_server
from osteo_kg import Dataset
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support import strategies
from tests.support.bundles import (
    ATC,
    HER,
    OWN,
    POSTMENOPAUSAL,
    RENAL,
    RXNORM,
    SNOMED,
    coded,
    condition,
    medication,
    patient,
    t_score,
)
from tests.support.hooks import (
    EVERY_YES,
    HIP,
    Resource,
    cards,
    check_answer,
    draft_of,
    drafted,
    exported,
    hook,
    posted,
    prefetched,
    searchset,
    view,
)
from tests.support.worked import exact_json

pytestmark = pytest.mark.server


# Discovery


def test_discovery_names_every_hook(cds: FlaskClient) -> None:
    services = cds.get("/cds-services").get_json()["services"]
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


def test_treat_is_a_warning_with_a_draft_for_each_drug(cds: FlaskClient, templates: dict[str, str]) -> None:
    card = view(cds, templates, t_score("38267-1", -3.4), *EVERY_YES)
    assert card["indicator"] == "warning"
    assert card["summary"].startswith("Osteoporosis: start treatment.")
    assert drafted(card) == {"Alendronate", "Risedronate", "Zoledronate"}


def test_a_draft_carries_published_codes(cds: FlaskClient, templates: dict[str, str]) -> None:
    card = view(cds, templates, t_score("38267-1", -3.4), *EVERY_YES)
    orders = [each["actions"][0]["resource"]["medicationCodeableConcept"] for each in card["suggestions"]]
    [alendronate] = [each for each in orders if each["coding"][0]["code"] == "Alendronate"]
    codes = {(each["system"], each["code"]) for each in alendronate["coding"]}
    assert codes == {(OWN, "Alendronate"), (RXNORM, "46041"), (ATC, "M05BA04"), (SNOMED, "391730008")}


def test_no_densitometry_is_a_warning_with_an_order_of_one(cds: FlaskClient, templates: dict[str, str]) -> None:
    card = view(cds, templates, HIP)
    assert card["indicator"] == "warning"
    [suggestion] = card["suggestions"]
    order = suggestion["actions"][0]["resource"]
    assert order["resourceType"] == "ServiceRequest"
    assert (SNOMED, "312681000") in {(each["system"], each["code"]) for each in order["code"]["coding"]}


def test_a_specialist_opinion_is_an_info_with_a_referral(cds: FlaskClient, templates: dict[str, str]) -> None:
    card = view(cds, templates, t_score("38267-1", -2.5), *EVERY_YES)
    assert card["indicator"] == "info"
    assert drafted(card) == {"SpecialistOpinion"}


def test_no_treatment_is_an_info_without_orders(cds: FlaskClient, templates: dict[str, str]) -> None:
    card = view(cds, templates, t_score("38267-1", 0), *EVERY_YES)
    assert (card["indicator"], drafted(card)) == ("info", set())


def test_what_is_undetermined_names_what_is_missing(cds: FlaskClient, templates: dict[str, str]) -> None:
    card = view(cds, templates, t_score("38267-1", -2.5))
    assert (card["indicator"], drafted(card)) == ("info", set())
    assert "information missing: fracture history" in card["summary"]


def test_out_of_scope_gets_no_card(cds: FlaskClient, templates: dict[str, str]) -> None:
    prefetch = {**prefetched(templates, t_score("38267-1", -4)), "patient": patient(gender="male")}
    assert cards(cds, hook(prefetch=prefetch)) == []
    draft = draft_of(RXNORM, "72143")
    assert cards(cds, hook("order-sign", prefetch, draftOrders=searchset([draft]))) == []


def test_the_detail_holds_rule_evidence_options_and_what_is_missing(
    cds: FlaskClient, templates: dict[str, str]
) -> None:
    detail = view(cds, templates, t_score("38267-1", -3.4), *EVERY_YES)["detail"]
    assert "  - \\+ oral bisphosphonate" in detail
    for said in ("Reason: Without a fracture", "-3.4", "low risk of peripheral fracture", "Missing information"):
        assert said in detail
    assert "Searched, no data" in detail


def test_the_rest_of_a_card_is_behind_a_link_that_names_nothing_of_her(
    cds: FlaskClient, templates: dict[str, str]
) -> None:
    for resources in ([HIP], [t_score("38267-1", -3.4), *EVERY_YES], [t_score("38267-1", -2.5)]):
        card = view(cds, templates, *resources)
        assert card["links"] == [
            {
                "label": "All rules, criteria and sources",
                "url": "http://localhost/guideline/oic-128-08-b",
                "type": "absolute",
            }
        ]


def test_a_detail_is_fifteen_lines_at_most(cds: FlaskClient, templates: dict[str, str]) -> None:
    bad = [{**condition("urn:local", str(number)), "id": f"c{number}"} for number in range(9)]
    ongoing = medication("MedicationRequest", "active", RXNORM, "46041", intent="order")
    for resources in ([HIP], [t_score("38267-1", -3.4), *EVERY_YES], [HIP, t_score("38267-1", -3.4), *bad, ongoing]):
        for language in ("en", "fr"):
            detail = view(cds, templates, *resources, language=language)["detail"]
            assert len(detail.splitlines()) <= 15
            assert detail.startswith("**")


def test_a_card_speaks_french(cds: FlaskClient, templates: dict[str, str]) -> None:
    card = view(cds, templates, t_score("38267-1", -3.4), *EVERY_YES, language="fr-CA,fr;q=0.9")
    assert card["summary"].startswith("Ostéoporose : traitement à débuter.")
    assert "Options thérapeutiques" in card["detail"]


def test_what_the_record_says_is_no_markdown(cds: FlaskClient, templates: dict[str, str]) -> None:
    bad = {**condition("urn:<script>", "*x*"), "id": "[link](http://x)"}
    detail = view(cds, templates, bad, t_score("38267-1", -3.4), *EVERY_YES)["detail"]
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
        ([{**RENAL, "id": "low", "effectiveDateTime": "2026-11-01", "valueQuantity": {"value": 20, "unit": "mL/min"}}],
         "Alendronate", "renal function is below this drug’s limit"),
    ],
)  # fmt: skip
def test_no_draft_of_a_drug_that_did_harm_or_would(
    cds: FlaskClient, templates: dict[str, str], against: list[Resource], spared: str, why: str
) -> None:
    card = view(cds, templates, t_score("38267-1", -3.4), *EVERY_YES, *against)
    assert spared not in drafted(card)
    assert f"{spared.lower()}: {why}" in card["detail"]


def test_no_draft_while_renal_function_is_unknown(cds: FlaskClient, templates: dict[str, str]) -> None:
    card = view(cds, templates, HIP, t_score("38267-1", -3.4))
    assert drafted(card) & {"Alendronate", "Risedronate", "Zoledronate"} == set()
    assert "alendronate: renal function is not known" in card["detail"]


def test_no_draft_beside_an_ongoing_treatment(cds: FlaskClient, templates: dict[str, str]) -> None:
    ongoing = medication("MedicationRequest", "active", RXNORM, "46041", intent="order")
    card = view(cds, templates, HIP, t_score("38267-1", -3.4), RENAL, ongoing)
    assert drafted(card) == set()
    assert "A treatment is ongoing, on hold or of unknown outcome." in card["summary"]


def test_no_draft_for_the_dead(cds: FlaskClient, templates: dict[str, str]) -> None:
    prefetch = prefetched(templates, POSTMENOPAUSAL, HIP)
    [card] = cards(cds, hook(prefetch={**prefetch, "patient": patient(deceasedBoolean=True)}))
    assert drafted(card) == set()


def test_no_draft_where_safety_is_switched_off(templates: dict[str, str]) -> None:
    app = osteo_kg_server.create_app(KnowledgeBase(safety=False), Dataset({}))
    card = view(app.test_client(), templates, t_score("38267-1", -3.4), *EVERY_YES)
    assert drafted(card) == set()
    assert "contraindications are not checked here" in card["detail"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(record=strategies.records(), language=st.sampled_from(["en", "fr"]))
def test_every_card_of_every_patient_keeps_the_rules(
    cds: FlaskClient, knowledge_base: KnowledgeBase, templates: dict[str, str], record: Resource, language: str
) -> None:
    """And drafts nothing that the record speaks against."""
    [case] = knowledge_base.read(exact_json(record), "json")
    body = hook(prefetch=exported(knowledge_base, case, templates))
    response = posted(cds, body, language)
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
