"""`/search`: by label in either language, other name, definition, key and code; spelling does not matter much."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import OSTEO
from tests.support.service import BASE, OIC, is_problem

pytestmark = pytest.mark.server


def found(client: FlaskClient, query: str) -> list[str]:
    return [each["iri"].removeprefix(BASE) for each in _json(client, query)["results"]]


def _json(client: FlaskClient, query: str) -> dict[str, Any]:
    response = client.get(f"/search?q={quote(query)}", headers={"Accept": "application/json"})
    assert response.status_code == 200
    document: dict[str, Any] = response.get_json()
    return document


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("vertebral fracture", "ns/VertebralFracture"),
        ("FRACTURE VERTEBRALE", "ns/VertebralFracture"),
        ("fracture vertébrale", "ns/VertebralFracture"),
        ("vertbral fracure", "ns/VertebralFracture"),
        ("tériparatde", "ns/Teriparatide"),
        ("denosumab", "ns/Denosumab"),
        ("Fosamax", "ns/Alendronate"),
        ("t_score_total_hip", "ns/TotalHip"),
        ("M05BA04", "ns/Alendronate"),
        ("m05ba04", "ns/Alendronate"),
        ("391730008", "ns/Alendronate"),
        ("38263-0", "ns/UnspecifiedFemurSite"),
        ("M80.08", "ns/VertebralFracture"),
        ("M8008", "ns/VertebralFracture"),
        ("osteo:Treat", "ns/Treat"),
        (f"{BASE}ns/Treat", "ns/Treat"),
        ("I10", f"guideline/{OIC}/I10"),
        (OIC, f"guideline/{OIC}"),
    ],
)
def test_the_best_result_is_what_was_meant(client: FlaskClient, query: str, first: str) -> None:
    assert found(client, query)[:1] == [first]


def test_every_label_of_a_drug_and_every_code_of_it_finds_it(
    client: FlaskClient, knowledge_base: KnowledgeBase
) -> None:
    terms = knowledge_base.knowledge.terms
    drugs = [iri for iri in terms.kinds[OSTEO.Drug].values() if not iri.endswith("Drug")]
    assert drugs
    for iri in drugs:
        label = terms.label(iri)
        for query in (label.en, label.fr.upper(), *(code.value for code in terms.codes.of(iri))):
            assert iri.removeprefix(BASE) in found(client, query), query


def test_a_code_below_a_nesting_one_finds_what_that_stands_for(client: FlaskClient) -> None:
    assert "ns/ProximalFemurFracture" in found(client, "S72.041A")


def test_a_result_has_its_kind_and_both_labels_and_leads_to_its_page(client: FlaskClient) -> None:
    document = _json(client, "fracture vertébrale")
    best = document["results"][0]
    assert set(best) == {"iri", "path", "label", "kind", "definition", "matched"}
    assert best["label"] == {"en": "vertebral fracture", "fr": "fracture vertébrale"}
    assert best["kind"]["fr"] == "classe"
    assert client.get(best["path"], follow_redirects=True).status_code == 200
    page = client.get("/search?q=fracture+vert%C3%A9brale", headers={"Accept": "text/html"}).text
    assert 'href="/ns/VertebralFracture"' in page


@pytest.mark.parametrize("query", ["xyzzyx", "", "   ", "—", "<script>alert(1)</script>", "%", "a", "'\"", "0" * 200])
def test_whatever_is_searched_for_is_answered_and_never_run(client: FlaskClient, query: str) -> None:
    for accept in ("text/html", "application/json"):
        response = client.get("/search", query_string={"q": query}, headers={"Accept": accept})
        assert response.status_code == 200
        assert b"<script>alert" not in response.data or accept == "application/json"


def test_what_is_too_long_or_not_understood_is_a_problem(client: FlaskClient) -> None:
    is_problem(client.get("/search", query_string={"q": "a" * 201}), 400)
    is_problem(client.get("/search?query=a"), 400)
    is_problem(client.get("/search?q=a&q=b"), 400)
