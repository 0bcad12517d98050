"""SPARQL for those who write it by hand: errors in words, results as pages, formats by name, and who may read them."""

from __future__ import annotations

import contextlib
import http.client
import re
import xml.etree.ElementTree as ET

import pytest
from flask.testing import FlaskClient

import osteo_kg_server
from osteo_kg import Dataset, KnowledgeBase
from osteo_kg.dataset import build_dataset
from osteo_kg_server import Settings
from tests.support.service import BASE, CONSTRUCT, PREFIX, SELECT, is_problem
from tests.support.serving import serving

pytestmark = pytest.mark.server

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
ORIGIN = {"Origin": "https://elsewhere.example"}
STATEMENT = "<http://e/s> <http://e/p>"


def ask(client: FlaskClient, query: str, headers: dict[str, str] | None = None, **more: str):  # type: ignore[no-untyped-def]
    return client.get("/sparql", query_string={"query": query, **more}, headers=headers or {})


# Errors


@pytest.mark.parametrize(
    ("query", "line", "column", "told"),
    [
        ("SELECT ?x\nWHERE { ?x a osteo:Patient }", 2, 14, f"PREFIX osteo: <{BASE}ns/>"),
        ("ASK { ostoe:a ?p 1 }", 1, 7, "The nearest known one is osteo:"),
        ("SELECT ?x WHERE { ?x ", 1, 21, "a property was expected"),
        ("SELECT * {\n  ?s ?p ?o\n  FILTR(?o > 3)\n}", 3, 3, "The nearest keyword is FILTER."),
        ("SELECT * { ?s ?p ?o FILTER(?s = ) }", 1, 33, "an expression was expected"),
        ("ASK { ?s ?p 'open }", 1, 13, "not closed"),
        ("ASK { ?s ?p ?o } }", 1, 18, "the end was expected"),
        ("SELECT * {?s ?p <http://a b>}", 1, 17, "an IRI begins here and is not closed, or holds what no IRI can"),
        (r'ASK { ?s ?p "a\n\q" }', 1, 17, r"\q is no escape of a text in quotes"),
        ("ASK { ?s ?p ?o FILTER regex(?o) }", 1, 34, "too few or too many arguments"),
        ("SELECT ?x { ?x <p> 1 } GROUP BY ?y", 1, 35, "a variable that is unbound"),
        ("INSERT DATA { <a> <b> 1 }", 1, 1, "An update is sent as one"),
        ("", 1, 1, "SELECT, ASK, CONSTRUCT or DESCRIBE was expected"),
    ],
)
def test_an_error_says_where_and_in_words_what_was_expected(
    client: FlaskClient, query: str, line: int, column: int, told: str
) -> None:
    document = is_problem(ask(client, query), 400)
    assert (document["line"], document["column"]) == (line, column)
    shown, caret = document["detail"].splitlines()[1:3]
    assert told in document["detail"]
    assert shown.strip() == (query.splitlines() or [""])[line - 1].strip()
    assert caret.rstrip() == " " * (column + 1) + "^"


def test_a_character_that_nobody_sees_is_told_by_its_number(client: FlaskClient) -> None:
    assert "U+0000 stands where" in is_problem(ask(client, "ASK { ?s ?p ?o \0 }"), 400)["detail"]


@pytest.mark.parametrize(("accept", "media"), [(BROWSER["Accept"], "text/html"), ("*/*", "application/problem+json")])
def test_an_error_comes_in_the_form_asked_for(client: FlaskClient, accept: str, media: str) -> None:
    for path in ("/sparql?query=ASK", "/ns/NoSuchTerm", "/nowhere", "/cases/nobody"):
        response = client.get(path, headers={"Accept": accept})
        assert response.status_code in (400, 404)
        assert response.mimetype == media
    assert ask(client, "ASK", format="html").mimetype == "text/html"


def test_what_the_server_refuses_before_the_app_comes_in_the_form_asked_for() -> None:
    with serving("--scratch") as server:
        for length, status in (("999999999", 413), ("two", 400)):
            for accept, media in (("text/html", "text/html"), ("*/*", "application/problem+json")):
                sent = f"POST /assessments HTTP/1.1\r\nHost: h\r\nAccept: {accept}\r\nContent-Length: {length}\r\n\r\n"
                with contextlib.closing(server.connection(20)) as connection:
                    connection.connect()
                    connection.sock.sendall(sent.encode())
                    with http.client.HTTPResponse(connection.sock) as response:
                        response.begin()
                        page = response.read().decode()
                assert (response.status, response.headers.get_content_type()) == (status, media)
                assert ("<h1>" in page) == (accept == "text/html")


@pytest.mark.parametrize("chunk", ["zz\r\nASK {}\r\n", "3\r\nASK {}\r\n", f"{'f' * 18}\r\nASK {{}}\r\n"])
def test_a_body_whose_chunks_are_none_is_refused_at_once(chunk: str) -> None:
    head = "POST /sparql HTTP/1.1\r\nHost: h\r\nContent-Type: application/sparql-query\r\nTransfer-Encoding: chunked"
    with serving("--scratch") as server, contextlib.closing(server.connection(10)) as connection:
        connection.connect()
        connection.sock.sendall(f"{head}\r\n\r\n{chunk}0\r\n\r\n".encode())
        with http.client.HTTPResponse(connection.sock) as response:
            response.begin()
            assert response.status == 400
            assert "not HTTP" in response.read().decode()


# Terms that there are not


def test_a_term_that_the_ontology_does_not_have_is_answered_and_warned_of(client: FlaskClient) -> None:
    query = PREFIX + "SELECT ?x { ?x a osteo:TreatementOption , <https://w3id.org/osteo-kg/ns/Patient> }"
    response = ask(client, query)
    assert response.status_code == 200
    assert response.headers.getlist("Warning") == [
        '299 - "osteo:TreatementOption is no term of the ontology; the nearest is osteo:TreatmentOption."'
    ]
    page = ask(client, query, BROWSER)
    assert re.search(r"<strong>Warning</strong>: osteo:TreatementOption .* osteo:TreatmentOption\.", page.text)
    assert "Warning" not in ask(client, SELECT).headers


@pytest.mark.parametrize(
    ("query", "warned"),
    [
        ("SELECT * { ?s osteo:hasFractur/osteo:hasMechanism ?o }", ["hasFractur"]),
        ("SELECT * { ?s (osteo:hasFracture|^osteo:isDrugOff)+ ?o }", ["isDrugOff"]),
        ("SELECT * { ?s !(osteo:hasSexx) ?o }", ["hasSexx"]),
        ("CONSTRUCT { ?s osteo:hasSexx ?o } { ?s osteo:hasSex ?o }", ["hasSexx"]),
        ("BASE <https://w3id.org/osteo-kg/> SELECT * { ?s <ns/hasSexx> ?o }", ["hasSexx"]),
        ("SELECT * { ?s ?p 'osteo:hasSexx' } # osteo:hasSexx", []),
    ],
)
def test_a_term_is_warned_of_wherever_in_a_query_it_stands(client: FlaskClient, query: str, warned: list[str]) -> None:
    told = ask(client, PREFIX + query).headers.getlist("Warning")
    assert [each.split()[2].strip('"') for each in told] == [f"osteo:{name}" for name in warned]


def test_an_update_warns_of_a_term_and_a_term_that_what_is_loaded_names_is_none_to_warn_of(
    knowledge_base: KnowledgeBase,
) -> None:
    settings = Settings(update_token="a-long-secret")
    client = osteo_kg_server.create_app(knowledge_base, build_dataset(knowledge_base), settings).test_client()

    def warnings(text: str, path: str = "/update") -> list[str]:
        form = {path.strip("/").replace("sparql", "query"): PREFIX + text}
        response = client.post(path, data=form, headers={"Authorization": "Bearer a-long-secret"})
        assert response.status_code in (200, 204), response.text
        return list(response.headers.getlist("Warning"))

    try:
        assert "nearest is osteo:hasSex" in warnings("DELETE WHERE { ?s osteo:hasSexx ?o }")[0]
        assert "nearest is osteo:hasSex" in warnings("INSERT { ?s osteo:hasAge 1 } WHERE { ?s osteo:hasSexx ?o }")[-1]
        declared = "osteo:OurTerm a <http://www.w3.org/2002/07/owl#Class>"
        assert not warnings(f"INSERT DATA {{ GRAPH <urn:g> {{ {declared} }} }}")
        assert warnings("INSERT DATA { GRAPH <urn:g> { <urn:s> osteo:ourProperty 1 } }")
        for query in ("SELECT * { ?s osteo:ourProperty ?o }", "ASK { ?s a osteo:OurTerm }"):
            assert not warnings(query, "/sparql")
        assert "is no term" in warnings("SELECT * { ?s osteo:ourPropertty ?o }", "/sparql")[0]
    finally:
        client.application.extensions["osteo_kg"].store.close()


# Formats


@pytest.mark.parametrize("parameter", ["format", "output"])
@pytest.mark.parametrize(
    ("query", "name", "media"),
    [
        (SELECT, "csv", "text/csv"),
        (SELECT, "tsv", "text/tab-separated-values"),
        (SELECT, "json", "application/sparql-results+json"),
        (SELECT, "xml", "application/sparql-results+xml"),
        (SELECT, "html", "text/html"),
        (CONSTRUCT, "turtle", "text/turtle"),
        (CONSTRUCT, "jsonld", "application/ld+json"),
        (CONSTRUCT, "json", "application/ld+json"),
        (CONSTRUCT, "nt", "application/n-triples"),
        (CONSTRUCT, "xml", "application/rdf+xml"),
        (CONSTRUCT, "html", "text/html"),
    ],
)
def test_a_format_may_be_named_in_the_address(
    client: FlaskClient, parameter: str, query: str, name: str, media: str
) -> None:
    response = ask(client, query, {"Accept": "application/sparql-results+xml"}, **{parameter: name})
    assert (response.status_code, response.mimetype) == (200, media)


def test_a_format_that_there_is_not_or_that_does_not_fit_is_refused(client: FlaskClient) -> None:
    assert "jsonld" in is_problem(ask(client, SELECT, format="excel"), 400)["detail"]
    is_problem(ask(client, CONSTRUCT, format="csv"), 406)


@pytest.mark.parametrize("path", ["/cases", "/cases?format=csv", "/assess"])
def test_what_has_one_form_heeds_what_is_accepted(client: FlaskClient, path: str) -> None:
    problem = is_problem(client.get(path, headers={"Accept": "text/csv"}), 406)
    assert "Accept" in problem["detail"]
    assert client.get("/cases", headers={"Accept": "application/json"}).mimetype == "application/json"
    assert client.get("/cases", headers=BROWSER).mimetype == "text/html"
    assert client.get("/assess", headers=BROWSER).mimetype == "text/html"


def test_a_form_is_answered_as_a_page_or_as_the_file_that_is_asked_for(client: FlaskClient) -> None:
    form = {"sex": "female"}
    refused = is_problem(client.post("/assess", data=form, headers={"Accept": "application/json"}), 406)
    assert "/assessments" in refused["detail"]
    taken = {**form, "take": "answer-json"}
    for accept, status in (("application/json", 200), ("*/*", 200), (BROWSER["Accept"], 200), ("text/turtle", 406)):
        assert client.post("/assess", data=taken, headers={"Accept": accept}).status_code == status


def test_a_method_that_is_not_allowed_is_told_with_those_that_are(client: FlaskClient) -> None:
    response = client.delete("/assessments")
    assert is_problem(response, 405)["detail"] == "DELETE is not allowed here. Use one of: OPTIONS, POST."
    assert sorted(response.allow or ()) == ["OPTIONS", "POST"]


def test_a_browser_gets_a_table_and_links_to_the_whole(client: FlaskClient) -> None:
    page = ask(client, SELECT, BROWSER)
    assert page.mimetype == "text/html"
    assert '<th scope="col">d</th>' in page.text
    assert '<a href="/ns/Treat">' in page.text
    [link] = re.findall(r'<a href="([^"]+format=csv)">', page.text)
    assert client.get(link.replace("&amp;", "&")).text.splitlines()[1].endswith("/Treat")


def test_a_page_says_when_it_does_not_show_all_rows(client: FlaskClient) -> None:
    assert "first 1000 rows" in ask(client, "SELECT * { ?s ?p ?o }", BROWSER).text
    assert "<strong>Yes</strong> (true)" in ask(client, "ASK {}", BROWSER).text


# What XML cannot hold


@pytest.mark.parametrize("query", ["SELECT ?o {}", "CONSTRUCT { <urn:s> <urn:p:p> ?o } {}"])
def test_a_carriage_return_in_xml_reads_back_and_what_xml_has_not_is_refused(client: FlaskClient, query: str) -> None:
    told = ask(client, query.replace("{}", "{ BIND ('a\\rb' AS ?o) }"), format="xml")
    assert "a\rb" in {each.text for each in ET.fromstring(told.data).iter()}
    for letter in ("\\u0001", "\\uFFFE"):
        refused = query.replace("{}", f"{{ BIND ('{letter}' AS ?o) }}")
        assert "XML 1.0" in is_problem(ask(client, refused, format="xml"), 406)["detail"]
        assert ask(client, refused, format="json").status_code == 200


@pytest.mark.parametrize("predicate", ["urn:p:1", "http://www.w3.org/1999/02/22-rdf-syntax-ns#li", "http://e/"])
def test_a_predicate_that_rdf_xml_has_no_name_for_is_refused(client: FlaskClient, predicate: str) -> None:
    query = f"CONSTRUCT {{ <urn:s> <{predicate}> 1 }} {{}}"
    assert "Turtle" in is_problem(ask(client, query, format="xml"), 406)["detail"]
    assert ask(client, query, format="turtle").status_code == 200


def test_literals_are_canonical_and_their_datatype_is_that_of_the_result(client: FlaskClient) -> None:
    number = '"007"^^<http://www.w3.org/2001/XMLSchema#long>'
    [row] = ask(client, f"SELECT ?n (DATATYPE(?n) AS ?d) {{ VALUES ?n {{ {number} }} }}").get_json(force=True)[
        "results"
    ]["bindings"]
    assert (row["n"]["value"], row["n"]["datatype"]) == ("7", row["d"]["value"])


# Who may read


PATHS = ("/sparql?query=ASK%7B%7D", "/ns/Treat.ttl", "/guideline/oic-128-08-b.ttl", "/.well-known/void", "/store")


def test_pages_of_any_site_may_read_what_our_iris_lead_to(client: FlaskClient) -> None:
    for path in PATHS:
        assert client.get(path, headers=ORIGIN).headers["Access-Control-Allow-Origin"] == "*"


def test_where_patients_may_be_kept_no_other_site_reads(knowledge_base: KnowledgeBase) -> None:
    """Neither by its pages, nor by a name of its own that leads here."""
    settings = Settings(update_token="t", cors_origins=("https://named.example",), public_url="https://kg.example/")
    client = osteo_kg_server.create_app(knowledge_base, Dataset({}), settings).test_client()
    for path in PATHS:
        assert "Access-Control-Allow-Origin" not in client.get(path, headers=ORIGIN).headers
    named = client.get(PATHS[0], headers={"Origin": "https://named.example"})
    assert named.headers["Access-Control-Allow-Origin"] == "https://named.example"
    for host, status in (
        ("localhost:80", 200),
        ("127.0.0.1", 200),
        ("[::1]:8", 200),
        ("kg.example", 200),
        ("x.y", 421),
        ("[", 421),
        ("", 421),
    ):
        assert client.get(PATHS[0], headers={"Host": host}).status_code == status
    assert client.get("/health", headers={"Host": "10.0.0.7"}).status_code == 200


@pytest.mark.parametrize("settings", [{"private": True}, {"allowed_hosts": ("x.y",)}, {"scratch": True}])
def test_a_name_is_not_looked_at_where_it_is_allowed_or_something_else_protects(
    knowledge_base: KnowledgeBase, settings: dict[str, object]
) -> None:
    chosen = Settings(update_token="t", **settings)  # type: ignore[arg-type]
    client = osteo_kg_server.create_app(knowledge_base, Dataset({}), chosen).test_client()
    headers = {"Host": "x.y", "Authorization": "Bearer t"}
    assert client.get(PATHS[0], headers=headers).status_code == 200
