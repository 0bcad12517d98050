"""Queries over HTTP: every way of asking, every format, every refusal."""

from __future__ import annotations

import csv
import io
import json
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from osteo_kg.dataset import GRAPH
from osteo_kg_server.http.negotiation import GRAPHS
from tests.support.service import (
    BASE,
    CONSTRUCT,
    RECORD,
    SELECT,
    is_problem,
    media_type,
    post,
    triples,
)

pytestmark = pytest.mark.server


# SPARQL


def test_a_query_is_answered_by_get_by_form_and_by_body(client: FlaskClient) -> None:
    answers = [
        client.get("/sparql", query_string={"query": SELECT}),
        client.post("/sparql", data={"query": SELECT}),
        client.post("/sparql", data=SELECT, content_type="application/sparql-query"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert {answer.text for answer in answers} == {answers[0].text}
    [row] = json.loads(answers[0].text)["results"]["bindings"]
    assert row["d"]["value"] == "https://w3id.org/osteo-kg/ns/Treat"
    assert answers[0].mimetype == "application/sparql-results+json"


def value(response: TestResponse) -> str | None:
    media = media_type(response)
    if "json" in media:
        return str(json.loads(response.data)["results"]["bindings"][0]["d"]["value"])
    if "xml" in media:
        return ElementTree.fromstring(response.data).findtext(".//{*}uri")
    return list(csv.reader(io.StringIO(response.text), delimiter="\t" if "tab" in media else ","))[1][0]


@pytest.mark.parametrize(
    "media",
    [
        "application/sparql-results+json",
        "application/json",
        "application/sparql-results+xml",
        "application/xml",
        "text/csv",
        "text/tab-separated-values",
    ],
)
def test_solutions_come_in_every_format(client: FlaskClient, media: str) -> None:
    response = client.get("/sparql", query_string={"query": SELECT}, headers={"Accept": media})
    assert response.mimetype == media
    assert str(value(response)).strip("<>") == "https://w3id.org/osteo-kg/ns/Treat"


@pytest.mark.parametrize("media", ["application/sparql-results+json", "application/sparql-results+xml"])
def test_a_boolean_comes_in_both_its_formats(client: FlaskClient, media: str) -> None:
    response = client.get("/sparql", query_string={"query": "ASK { }"}, headers={"Accept": media})
    assert response.mimetype == media
    assert b"true" in response.data


@pytest.mark.parametrize("media", GRAPHS)
@pytest.mark.parametrize("query", [CONSTRUCT, f"DESCRIBE <{BASE}ns/Treat>"], ids=["construct", "describe"])
def test_a_graph_comes_in_every_format(client: FlaskClient, query: str, media: str) -> None:
    response = client.get("/sparql", query_string={"query": query}, headers={"Accept": media})
    assert response.mimetype == media
    assert triples(response)


def test_a_browser_and_a_parameterised_type_are_understood(client: FlaskClient) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    assert client.get("/sparql", query_string={"query": SELECT}, headers={"Accept": accept}).status_code == 200
    accept = 'application/ld+json;profile="http://www.w3.org/ns/json-ld#compacted"'
    assert client.get("/ns/Treat", headers={"Accept": accept}, follow_redirects=True).mimetype == "application/ld+json"
    accept = "text/html;q=0, */*"
    assert client.get("/ns/Treat", headers={"Accept": accept}, follow_redirects=True).mimetype == "text/turtle"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "SELECT * { service silent <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "LOAD <http://127.0.0.1:9/>",
        "SELECT * FROM <http://127.0.0.1:9/> { ?s ?p ?o }",
        "SELECT * FROM NAMED <file:///etc/hostname> { GRAPH ?g { ?s ?p ?o } }",
        "DELETE WHERE { ?s ?p ?o }",
        "SELECT *",
        "",
    ],
)
def test_what_reaches_outside_or_is_no_query_is_refused(client: FlaskClient, query: str) -> None:
    is_problem(client.get("/sparql", query_string={"query": query}), 400)
    is_problem(client.post("/sparql", data=query, content_type="application/sparql-query"), 400)


@pytest.mark.parametrize("name", ["default-graph-uri", "named-graph-uri"])
def test_a_graph_outside_is_refused_however_it_is_named(client: FlaskClient, name: str) -> None:
    asked = {"query": "ASK { ?s ?p ?o }", name: "http://127.0.0.1:9/"}
    is_problem(client.get("/sparql", query_string=asked), 400)
    is_problem(client.post("/sparql", data=asked), 400)


def test_the_graphs_of_the_protocol_are_the_dataset(client: FlaskClient) -> None:
    count = "SELECT (COUNT(*) AS ?d) { ?s ?p ?o }"
    whole = client.get("/sparql", query_string={"query": count})
    part = client.get("/sparql", query_string={"query": count, "default-graph-uri": GRAPH + "inferred"})
    assert 0 < int(str(value(part))) < int(str(value(whole)))


@pytest.mark.parametrize(
    "given",
    ["timeout=1", "query=ASK%7B%7D&query=ASK%7B%7D", "query=ASK%7B%7D&update=CLEAR%20ALL"],
    ids=["none", "two", "an update"],
)
def test_one_query_and_no_update_is_wanted(client: FlaskClient, given: str) -> None:
    is_problem(client.get("/sparql?" + given), 400)
    is_problem(client.post("/sparql", data=given, content_type="application/x-www-form-urlencoded"), 400)


def test_a_query_that_is_not_text_is_refused(client: FlaskClient) -> None:
    is_problem(client.post("/sparql", data=b"\xff", content_type="application/sparql-query"), 400)
    is_problem(client.post("/sparql?query=ASK%7B%7D", data={"query": "ASK {}"}), 400)


def test_pages_of_any_site_may_ask(client: FlaskClient) -> None:
    preflight = client.options("/sparql", headers={"Origin": "https://x.example"})
    assert preflight.status_code == 200
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    for response in (preflight, client.get("/sparql?query=ASK%7B%7D"), client.get("/sparql"), client.put("/sparql")):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in post(client, "/assessments", RECORD).headers
