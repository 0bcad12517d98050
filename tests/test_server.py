"""The service: every path in every format, every refusal as a problem document, and no patient in any log."""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
import re
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

import pyoxigraph as ox
import pytest
import waitress
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from rdflib import OWL, RDF, Graph
from SPARQLWrapper import JSON, TURTLE, SPARQLWrapper
from werkzeug.test import TestResponse

import osteo_kg_server
from helpers import ON, ROOT
from osteo_kg.cli.main import main
from osteo_kg.dataset import GRAPH, Dataset, build_dataset
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import DCTERMS, RDFS, SKOS
from osteo_kg_server.http.negotiation import GRAPHS
from osteo_kg_server.views.assessments import MOST_BYTES
from osteo_kg_server.wsgi import options

EXAMPLE = (ROOT / "examples" / "hip-fracture.ttl").read_bytes()
OIC = "oic-128-08-b"
BASE = "https://w3id.org/osteo-kg/"
PREFIX = "PREFIX osteo: <https://w3id.org/osteo-kg/ns/> "
SELECT = PREFIX + "SELECT ?d { ?a osteo:assesses <urn:case:hip-fracture> ; osteo:hasDisposition ?d }"
CONSTRUCT = PREFIX + "CONSTRUCT { ?r a osteo:Rule } WHERE { ?r a osteo:Rule }"
PATIENT, SECRET = "urn:case:secret-anna", "urn:drug:secret-remedy"
RECORD = {
    "patient": PATIENT,
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 71,
    "t_score_total_hip": -3.14159,
    "fractures": [],
    "treatment_history": [],
}
REFUSED = {**RECORD, "sex": "male"}
DAY = f"?on={ON.isoformat()}"
FORMATS = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
    "application/ld+json": ox.RdfFormat.JSON_LD,
    "application/n-quads": ox.RdfFormat.N_QUADS,
    "application/trig": ox.RdfFormat.TRIG,
}


@pytest.fixture(scope="module")
def dataset(knowledge_base: KnowledgeBase) -> Dataset:
    return build_dataset(knowledge_base, knowledge_base.read(EXAMPLE, "ttl"), on=ON)


@pytest.fixture(scope="module")
def app(knowledge_base: KnowledgeBase, dataset: Dataset) -> Flask:
    return osteo_kg_server.create_app(knowledge_base, dataset)


@pytest.fixture(scope="module")
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def situation(knowledge_base: KnowledgeBase) -> str:
    """The path of the situation that the example is in."""
    [case] = knowledge_base.read(EXAMPLE, "ttl")
    return "/" + knowledge_base.assess(case, on=ON).situation.removeprefix(BASE)


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    """The address of a real server on a free port."""
    server = waitress.create_server(app, host="127.0.0.1", port=0, **options(app))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(timeout=5)


def _post(client: FlaskClient, path: str, record: Any, **headers: str) -> TestResponse:
    return client.post(path, data=json.dumps(record), content_type="application/json", headers=headers)


def _media(response: TestResponse) -> str:
    return response.mimetype or ""


def _triples(response: TestResponse) -> set[ox.Triple]:
    return {quad.triple for quad in ox.parse(response.data, format=FORMATS[_media(response)])}


def _is_problem(response: TestResponse, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    document: dict[str, Any] = response.get_json(force=True)
    assert document["status"] == status
    assert document["type"]
    assert document["title"]
    assert document["detail"].endswith(".")
    return document


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


def _value(response: TestResponse) -> str | None:
    media = _media(response)
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
    assert str(_value(response)).strip("<>") == "https://w3id.org/osteo-kg/ns/Treat"


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
    assert _triples(response)


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
    _is_problem(client.get("/sparql", query_string={"query": query}), 400)
    _is_problem(client.post("/sparql", data=query, content_type="application/sparql-query"), 400)


@pytest.mark.parametrize("name", ["default-graph-uri", "named-graph-uri"])
def test_a_graph_outside_is_refused_however_it_is_named(client: FlaskClient, name: str) -> None:
    asked = {"query": "ASK { ?s ?p ?o }", name: "http://127.0.0.1:9/"}
    _is_problem(client.get("/sparql", query_string=asked), 400)
    _is_problem(client.post("/sparql", data=asked), 400)


def test_the_graphs_of_the_protocol_are_the_dataset(client: FlaskClient) -> None:
    count = "SELECT (COUNT(*) AS ?d) { ?s ?p ?o }"
    whole = client.get("/sparql", query_string={"query": count})
    part = client.get("/sparql", query_string={"query": count, "default-graph-uri": GRAPH + "inferred"})
    assert 0 < int(str(_value(part))) < int(str(_value(whole)))


@pytest.mark.parametrize(
    "given",
    ["timeout=1", "query=ASK%7B%7D&query=ASK%7B%7D", "query=ASK%7B%7D&update=CLEAR%20ALL"],
    ids=["none", "two", "an update"],
)
def test_one_query_and_no_update_is_wanted(client: FlaskClient, given: str) -> None:
    _is_problem(client.get("/sparql?" + given), 400)
    _is_problem(client.post("/sparql", data=given, content_type="application/x-www-form-urlencoded"), 400)


def test_a_query_that_is_not_text_is_refused(client: FlaskClient) -> None:
    _is_problem(client.post("/sparql", data=b"\xff", content_type="application/sparql-query"), 400)
    _is_problem(client.post("/sparql?query=ASK%7B%7D", data={"query": "ASK {}"}), 400)


def test_pages_of_any_site_may_ask(client: FlaskClient) -> None:
    preflight = client.options("/sparql", headers={"Origin": "https://x.example"})
    assert preflight.status_code == 200
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    for response in (preflight, client.get("/sparql?query=ASK%7B%7D"), client.get("/sparql"), client.put("/sparql")):
        assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in _post(client, "/assessments", RECORD).headers


# Assessments and validations


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", json.dumps(RECORD)),
        ("text/csv; charset=utf-8", f"patient,sex,menopausal_status\n{PATIENT},female,postmenopausal\n"),
        ("text/turtle", f"<{PATIENT}> a <{BASE}ns/Patient> ; <{BASE}ns/hasSex> <{BASE}ns/Female> ."),
        (
            "application/n-triples",
            f"<{PATIENT}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{BASE}ns/Patient> .\n",
        ),
        (
            "application/ld+json",
            json.dumps({"@context": f"{BASE}ontology/context.jsonld", "@id": PATIENT, "@type": f"{BASE}ns/Patient"}),
        ),
        (
            "application/rdf+xml",
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<o:Patient xmlns:o="{BASE}ns/" rdf:about="{PATIENT}"/></rdf:RDF>',
        ),
    ],
)
def test_a_case_is_read_by_its_type(client: FlaskClient, content_type: str, body: str) -> None:
    response = client.post("/assessments" + DAY, data=body, content_type=content_type)
    assert response.status_code == 200, response.text
    assert response.get_json()["patient"] == PATIENT
    assert client.post("/validations", data=body, content_type=content_type).get_json()["conforms"] is True


def test_an_assessment_is_the_one_of_the_library(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    response = client.post("/assessments" + DAY, data=EXAMPLE, content_type="text/turtle")
    [case] = knowledge_base.read(EXAMPLE, "ttl")
    assert response.get_json() == knowledge_base.assess(case, on=ON).to_json()
    assert response.headers["Cache-Control"] == "no-store"


def test_a_graph_of_an_assessment_is_read_back_equal(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    [case] = knowledge_base.read(EXAMPLE, "ttl")
    for media in ("text/turtle", "application/n-triples", "application/rdf+xml"):
        response = client.post(
            "/assessments" + DAY, data=EXAMPLE, content_type="text/turtle", headers={"Accept": media}
        )
        assert response.mimetype == media
        assert knowledge_base.read_assessments(_triples(response)) == (knowledge_base.assess(case, on=ON),)


@pytest.mark.parametrize("path", ["/assessments", "/validations"])
def test_an_answer_comes_as_json_ld_with_our_context_and_as_a_page(client: FlaskClient, path: str) -> None:
    linked = _post(client, path, RECORD, Accept="application/ld+json")
    assert json.loads(linked.data)["@context"] == f"{BASE}ontology/context.jsonld"
    page = _post(client, path, {**RECORD, "patient": "<b>x</b>"}, Accept="text/html")
    assert page.mimetype == "text/html"
    assert "&lt;b&gt;x&lt;/b&gt;" in page.text
    assert "<b>x</b>" not in page.text


def test_the_language_is_that_of_the_parameter_or_of_the_header(client: FlaskClient) -> None:
    french = _post(client, "/assessments?language=fr", RECORD).get_json()
    assert french != _post(client, "/assessments", RECORD).get_json()
    assert french == _post(client, "/assessments", RECORD, **{"Accept-Language": "fr-CA, en;q=0.5"}).get_json()


def test_empty_sections_are_read_as_none_where_that_is_asked(client: FlaskClient) -> None:
    sections = ("fractures", "treatment_history")
    record = {key: value for key, value in RECORD.items() if key not in sections} | {"t_score_total_hip": -2.7}
    open_, closed = (
        _post(client, f"/assessments{DAY}{more}", record).get_json()
        for more in ("", "&assume-complete=fractures,treatments")
    )
    assert open_["disposition"] == "undetermined"
    assert closed["disposition"] != "undetermined"


def test_of_several_cases_a_refused_one_has_its_report_in_place(client: FlaskClient) -> None:
    first, second, third = _post(client, "/assessments" + DAY, [RECORD, REFUSED, RECORD]).get_json()
    assert first == third
    assert "disposition" in first
    assert second["conforms"] is False
    graph = _triples(_post(client, "/assessments" + DAY, [RECORD, REFUSED], Accept="text/turtle"))
    kinds = {triple.object.value for triple in graph if isinstance(triple.object, ox.NamedNode)}
    assert kinds >= {f"{BASE}ns/Assessment", "http://www.w3.org/ns/shacl#ValidationReport"}


def test_a_refused_case_is_a_problem_with_the_members_of_its_report(client: FlaskClient) -> None:
    problem = _is_problem(_post(client, "/assessments" + DAY, REFUSED), 422)
    report = _post(client, "/validations" + DAY, REFUSED)
    assert report.status_code == 200
    assert {key: problem[key] for key in report.get_json()} == report.get_json()
    french = _is_problem(_post(client, "/assessments?language=fr", REFUSED), 422)
    assert french["results"][0]["message"] != problem["results"][0]["message"]


def test_a_report_is_a_shacl_graph(client: FlaskClient) -> None:
    graph = _triples(_post(client, "/validations", REFUSED, Accept="application/n-triples"))
    found = {(triple.predicate.value, str(triple.object)) for triple in graph}
    assert ("http://www.w3.org/ns/shacl#conforms", '"false"^^<http://www.w3.org/2001/XMLSchema#boolean>') in found
    assert ("http://www.w3.org/ns/shacl#focusNode", f"<{PATIENT}>") in found
    named = {predicate.removeprefix("http://www.w3.org/ns/shacl#") for predicate, _ in found}
    assert {"resultPath", "resultSeverity", "sourceConstraintComponent", "sourceShape"} - named == set()


@pytest.mark.parametrize("path", ["/assessments", "/validations"])
@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("application/json", b"\xff\xfe", 400),
        ("text/turtle", "<urn:x> a", 400),
        ("application/ld+json", '{"@context": "file:///etc/hostname"}', 400),
        ("application/pdf", "x", 415),
        (None, "x", 415),
        ("application/json", b" " * (MOST_BYTES + 1), 413),
    ],
    ids=["not json", "nobody", "not text", "not turtle", "a context outside", "unknown type", "no type", "too large"],
)
def test_a_body_that_cannot_be_read_is_a_problem(
    client: FlaskClient, path: str, content_type: str | None, body: str | bytes, status: int
) -> None:
    _is_problem(client.post(path, data=body, content_type=content_type), status)


def test_a_body_packed_by_gzip_is_unpacked_within_its_limit(client: FlaskClient) -> None:
    def post(data: bytes, packing: str = "gzip") -> TestResponse:
        headers = {"Content-Encoding": packing}
        return client.post("/assessments" + DAY, data=data, content_type="application/json", headers=headers)

    packed = gzip.compress(json.dumps(RECORD).encode())
    assert post(packed).get_json() == _post(client, "/assessments" + DAY, RECORD).get_json()
    _is_problem(post(json.dumps(RECORD).encode()), 400)
    _is_problem(post(packed[:-9]), 400)
    _is_problem(post(packed, "br"), 415)
    _is_problem(post(gzip.compress(b" " * (MOST_BYTES + 1))), 413)


@pytest.mark.parametrize(
    "asked",
    [
        "on=yesterday",
        "language=de",
        "assume-complete=nothing",
        "assume_complete=fractures",
        "guideline=none",
        f"guideline=x%23{OIC}",
        f"guideline=http://x.example/{OIC}",
        "on=2026-11-22&on=2026-11-23",
    ],
)
def test_a_parameter_that_is_not_understood_is_a_problem(client: FlaskClient, asked: str) -> None:
    _is_problem(_post(client, "/assessments?" + asked, RECORD), 400)


@pytest.mark.parametrize("path", ["/assessments", "/validations", "/sparql?query=ASK%7B%7D", "/ns/Treat"])
def test_what_is_not_acceptable_is_a_problem_that_names_what_is(client: FlaskClient, path: str) -> None:
    headers = {"Accept": "image/png"}
    by_get = path.startswith(("/sparql", "/ns"))
    response = client.get(path, headers=headers) if by_get else _post(client, path, RECORD, **headers)
    assert "text/turtle" in _is_problem(response, 406)["detail"] or "sparql-results+json" in response.text


# Linked data


@pytest.mark.parametrize("path", ["/ns/Treat", f"/guideline/{OIC}", f"/guideline/{OIC}/I1", "/ontology/core"])
def test_a_page_says_label_and_definition(client: FlaskClient, knowledge_base: KnowledgeBase, path: str) -> None:
    triples, iri = knowledge_base.knowledge.triples, BASE + path.removeprefix("/")
    for language in ("en", "fr"):
        page = client.get(f"{path}?language={language}", headers={"Accept": "text/html"}, follow_redirects=True)
        assert page.status_code == 200
        assert f'lang="{language}"' in page.text
        for names in (_LABELS, _DEFINITIONS):
            said = next(text for name in names if (text := triples.text(iri, name)))
            shown = said.fr if language == "fr" else said.en
            assert shown in _unescaped(page.text)


_LABELS = (RDFS.label, DCTERMS["title"])
_DEFINITIONS = (SKOS["definition"], DCTERMS["description"])


def _unescaped(text: str) -> str:
    for sign, name in (("'", "&#39;"), ('"', "&#34;"), ("<", "&lt;"), (">", "&gt;"), ("&", "&amp;")):
        text = text.replace(name, sign)
    return text


def test_the_page_of_every_rule_says_it_in_words(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    for rule in knowledge_base.engine().guideline.rules:
        page = client.get("/" + rule.iri.removeprefix(BASE), headers={"Accept": "text/html"}, follow_redirects=True)
        assert rule.label.en in _unescaped(page.text)
        assert rule.restates.en in _unescaped(page.text)


def test_the_page_of_a_situation_says_what_holds_and_what_follows(
    client: FlaskClient, knowledge_base: KnowledgeBase, situation: str
) -> None:
    page = client.get(situation, headers={"Accept": "text/html"}, follow_redirects=True)
    assert "menopausal status: postmenopausal" in page.text
    assert ">treat<" in page.text
    assert 'href="/ns/Treat"' in page.text
    definition = knowledge_base.knowledge.triples.text(f"{BASE}ns/Situation", _DEFINITIONS[0])
    assert definition is not None
    assert definition.en in _unescaped(page.text)


def test_the_page_of_a_module_lists_what_it_defines(client: FlaskClient) -> None:
    page = client.get("/ontology/core", headers={"Accept": "text/html"}, follow_redirects=True)
    assert 'href="/ns/Patient"' in page.text


@pytest.mark.parametrize("media", GRAPHS)
def test_every_iri_answers_in_every_format_of_graphs(client: FlaskClient, situation: str, media: str) -> None:
    for path in ("/ns/Treat", f"/guideline/{OIC}", f"/guideline/{OIC}/I1", "/ontology/drugs", situation):
        response = client.get(path, headers={"Accept": media}, follow_redirects=True)
        assert response.mimetype == media
        assert "Accept" in response.headers["Vary"]
        assert _triples(response)


def test_a_module_is_given_as_it_was_loaded(client: FlaskClient) -> None:
    for path in (ROOT / "ontology").rglob("*.ttl"):
        [header] = Graph().parse(path).subjects(RDF.type, OWL.Ontology)
        response = client.get("/" + str(header).removeprefix(BASE), headers={"Accept": "text/turtle"})
        assert response.data == path.read_bytes()


def test_the_context_that_our_json_ld_names_is_here(client: FlaskClient) -> None:
    response = client.get("/ontology/context.jsonld")
    assert response.mimetype == "application/ld+json"
    assert response.data == (ROOT / "ontology" / "context.jsonld").read_bytes()
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_every_term_of_the_ontology_answers(client: FlaskClient, dataset: Dataset) -> None:
    subjects = {triple.subject for triple in dataset.graphs[GRAPH + "ontology"]}
    ours = sorted(each.value for each in subjects if isinstance(each, ox.NamedNode) and each.value.startswith(BASE))
    assert len(ours) > 100
    missing = [
        iri for iri in ours if client.get("/" + quote(iri.removeprefix(BASE)), follow_redirects=True).status_code != 200
    ]
    assert missing == []


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/ns/Nothing",
        "/ns/%3Cscript%3E",
        "/ns/a%20b",
        "/ontology/nothing",
        "/guideline/nothing",
        f"/guideline/{OIC}/nothing",
        f"/situation/{OIC}/sex=female",
        "/situation/nothing/sex=female",
        f"/situation/x%23{OIC}/sex=female",
    ],
)
def test_what_is_not_there_is_a_problem(client: FlaskClient, path: str) -> None:
    _is_problem(client.get(path), 404)


@pytest.mark.parametrize("path", ["/assessments", "/validations"])
def test_a_method_that_is_not_offered_is_a_problem(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    _is_problem(response, 405)
    assert "POST" in response.headers["Allow"]


# Operation


def test_the_service_says_that_it_lives_and_is_ready(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    assert client.get("/health").get_json() == {"status": "alive"}
    assert client.get("/ready").get_json()["knowledge"] == knowledge_base.knowledge.digest


def test_every_route_is_described(app: Flask, client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described ^ routes == set()


def test_an_unforeseen_error_is_a_problem_that_says_nothing_of_the_case(
    knowledge_base: KnowledgeBase, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = osteo_kg_server.create_app(knowledge_base, dataset).test_client()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(PATIENT)

    monkeypatch.setattr(knowledge_base, "assess_all", fail)
    with caplog.at_level(logging.DEBUG):
        response = _post(client, "/assessments", RECORD)
    _is_problem(response, 500)
    assert PATIENT not in response.text
    assert "RuntimeError" in caplog.text
    assert PATIENT not in caplog.text


def test_no_log_of_a_whole_run_tells_a_fact_of_a_patient(
    client: FlaskClient, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = (PATIENT, "secret", "3.14159", "postmenopausal")
    with caplog.at_level(logging.DEBUG):
        for path in ("/assessments", "/validations"):
            for accept in ("application/json", "text/turtle", "application/ld+json", "text/html"):
                for record in (RECORD, REFUSED, [RECORD, REFUSED], {**RECORD, "conditions": [SECRET]}, {PATIENT: 1}):
                    _post(client, path, record, Accept=accept, **{"X-Request-Id": PATIENT})
            client.post(path, data=f"<{PATIENT}> a", content_type="text/turtle")
            client.post(path, data=EXAMPLE.replace(b"hip-fracture>", b"secret>"), content_type="text/turtle")
            client.get(f"{path}/{PATIENT}?patient={PATIENT}")
            _post(client, f"{path}?{PATIENT}={SECRET}", RECORD)
        client.get("/sparql", query_string={"query": f"ASK {{ <{PATIENT}> ?p 3.14159 }}"})
        client.get("/sparql", query_string={"query": f"ASK {{ <{PATIENT}> "})
        client.open("/health", method="SECRET")
        request = urllib.request.Request(
            f"{address}/assessments", json.dumps(RECORD).encode(), {"Content-Type": "text/csv"}
        )
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request)
    assert caplog.records
    for each in caplog.records:
        text = f"{each.getMessage()} {each.exc_info} {each.__dict__}".lower()
        assert [fact for fact in told if fact in text] == [], each.name


def test_a_log_line_says_which_request_ended_how(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="osteo_kg_server"):
        response = client.get("/ns/Treat?language=fr")
    [line] = [json.loads(record.getMessage()) for record in caplog.records if record.name == "osteo_kg_server"]
    assert line.pop("milliseconds") >= 0
    assert line == {
        "request": response.headers["X-Request-Id"],
        "method": "GET",
        "path": "/ns/<term>",
        "status": 303,
        "outcome": "answered",
    }


# A real server


def test_a_real_server_answers(address: str) -> None:
    with urllib.request.urlopen(f"{address}/sparql?{urlencode({'query': SELECT})}") as response:
        assert json.load(response)["results"]["bindings"]
        assert response.headers["Server"] is None
    request = urllib.request.Request(f"{address}/assessments{DAY}", EXAMPLE, {"Content-Type": "text/turtle"})
    with urllib.request.urlopen(request) as response:
        assert json.load(response)["disposition"] == "treat"


def test_a_real_server_refuses_a_body_that_is_too_large_with_a_problem(address: str) -> None:
    body = b" " * (MOST_BYTES + 1)
    request = urllib.request.Request(f"{address}/assessments", body, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as response:
        assert response.code == 413
        assert json.load(response)["status"] == 413


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_of_others_is_answered(address: str, method: str) -> None:
    wrapper = SPARQLWrapper(f"{address}/sparql")
    wrapper.setMethod(method)
    wrapper.setQuery(SELECT)
    wrapper.setReturnFormat(JSON)
    found = wrapper.query().convert()
    assert isinstance(found, dict)
    assert found["results"]["bindings"][0]["d"]["value"].endswith("Treat")
    wrapper.setQuery(CONSTRUCT)
    wrapper.setReturnFormat(TURTLE)
    data = wrapper.query().convert()
    assert isinstance(data, bytes)
    assert list(ox.parse(data, format=ox.RdfFormat.TURTLE))


def test_many_clients_at_once_get_the_same_answers(address: str) -> None:
    answers: list[bytes] = []

    def ask() -> None:
        request = urllib.request.Request(f"{address}/assessments{DAY}", EXAMPLE, {"Content-Type": "text/turtle"})
        for _ in range(3):
            with urllib.request.urlopen(request) as response:
                answers.append(response.read())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 12
    assert len(set(answers)) == 1


# The command


def test_the_command_serves_the_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[Flask, str, int]] = []
    monkeypatch.setattr(osteo_kg_server, "serve", lambda app, *, host, port: served.append((app, host, port)))
    result = CliRunner().invoke(main, ["serve", "--port", "8099"])
    assert result.exit_code == 0, result.output
    [(app, host, port)] = served
    assert (host, port) == ("127.0.0.1", 8099)
    response = app.test_client().get("/sparql", query_string={"query": SELECT})
    assert response.get_json(force=True)["results"]["bindings"]


def test_the_command_says_what_is_wrong_with_an_address(
    monkeypatch: pytest.MonkeyPatch, knowledge_base: KnowledgeBase, dataset: Dataset, address: str
) -> None:
    monkeypatch.setattr(KnowledgeBase, "load", lambda *_, **__: knowledge_base)
    monkeypatch.setattr("osteo_kg.cli_serve.build_dataset", lambda *_: dataset)
    monkeypatch.setattr("osteo_kg_server.logs.to_standard_error", lambda: None)
    result = CliRunner().invoke(main, ["serve", "--port", address.rsplit(":", 1)[1]])
    assert result.exit_code == 2
    assert "cannot be listened on" in result.stderr


def test_the_command_says_that_the_server_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "osteo_kg_server", None)
    result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 2
    assert "The server cannot be loaded" in result.stderr


BUNDLE = Path(__file__).parents[1] / "examples" / "fhir" / "bundle.json"


@pytest.mark.parametrize("content_type", ["application/fhir+json", "application/json"])
def test_a_fhir_bundle_is_answered(client: FlaskClient, content_type: str) -> None:
    """What is assumed of the menopause is what the caller asks."""
    body = BUNDLE.read_bytes()
    unknown = client.post("/assessments" + DAY, data=body, content_type=content_type)
    assert unknown.get_json()["disposition"] == "undetermined"
    assumed = client.post(f"/assessments{DAY}&assume-postmenopausal-from=60", data=body, content_type=content_type)
    assert assumed.get_json()["disposition"] == "treat"


@pytest.mark.parametrize("age", ["sixty", "-1", "1000", ""])
def test_an_age_that_is_none_is_refused(client: FlaskClient, age: str) -> None:
    """With a sentence."""
    answer = client.post(f"/assessments{DAY}&assume-postmenopausal-from={age}", data=BUNDLE.read_bytes())
    assert answer.status_code == 400


@pytest.mark.parametrize("body", ['{"resourceType": "Observation"}', '{"resourceType": "Bundle"}', "[]", "{"])
def test_fhir_without_a_patient_is_refused(client: FlaskClient, body: str) -> None:
    """Never with a failure of the service."""
    assert client.post("/assessments", data=body, content_type="application/fhir+json").status_code == 400
