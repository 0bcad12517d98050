"""The SPARQL service as a client sees it: what it answers in which form, what it refuses, and what it never does."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support import results
from tests.support.results import CSV, JSON_RESULTS, XML_RESULTS, problem
from tests.support.serving import SPARQL, STORE, TOKEN, UPDATE, WRITER, Answer, Server, graph_path, serving

pytestmark = pytest.mark.server


BOOLEAN = f"{JSON_RESULTS}, {XML_RESULTS};q=0.9"
SELECT = 'SELECT ?x ?y WHERE { VALUES (?x ?y) { (1 "a,b\\"c\\n") (<http://e/é> "z"@en) (UNDEF "u") } }'
CONSTRUCT = 'CONSTRUCT { <http://e/s> <http://e/p> 1, "é" } WHERE {}'
ORIGIN = "https://a-page-elsewhere.example"
THOUSAND = " ".join(map(str, range(1000)))
BILLION = (
    f"SELECT (COUNT(*) AS ?n) {{ VALUES ?a {{ {THOUSAND} }} VALUES ?b {{ {THOUSAND} }} VALUES ?c {{ {THOUSAND} }}"
    " FILTER (?a + ?b + ?c > 1) }"
)
INSERT = "INSERT DATA { <http://e/s> <http://e/p> 1 }"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--scratch") as running:
        yield running


@pytest.fixture(autouse=True)
def empty(server: Server) -> None:
    assert server.update("DROP ALL").status in {200, 204}


@contextmanager
def nobody_called() -> Iterator[str]:
    """Give an address of this machine; a connection to it is a failure."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/x"
        with pytest.raises(BlockingIOError):
            listening.accept()


# What is answered, and in which form


@pytest.mark.parametrize("media", results.TABLES)
def test_solutions_come_in_the_format_asked_for(server: Server, media: str) -> None:
    answer = server.get(SELECT, {"Accept": media})
    assert (answer.status, answer.media) == (200, media)
    names, rows = results.table(answer)
    assert names == ["x", "y"]
    assert len(rows) == 3
    assert rows[0][0] == "1"
    assert "http://e/é" in rows[1][0]


@pytest.mark.parametrize("media", [JSON_RESULTS, XML_RESULTS])
@pytest.mark.parametrize(("query", "truth"), [("ASK {}", True), ("ASK { FILTER (1 > 2) }", False)])
def test_a_boolean_comes_in_the_format_asked_for(server: Server, media: str, query: str, truth: bool) -> None:
    answer = server.get(query, {"Accept": media})
    assert (answer.status, answer.media) == (200, media)
    assert results.boolean(answer) is truth


@pytest.mark.parametrize("media", results.GRAPHS)
def test_a_graph_comes_in_the_format_asked_for(server: Server, media: str) -> None:
    answer = server.get(CONSTRUCT, {"Accept": media})
    assert (answer.status, answer.media) == (200, media)
    assert len(results.graph(answer, server.address)) == 2


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (f"{CSV};q=0.2, {XML_RESULTS};q=0.4, {JSON_RESULTS};q=0.9", JSON_RESULTS),
        (f"{JSON_RESULTS};q=0.1, {CSV};q=0.9", CSV),
        (f"{JSON_RESULTS};q=0, application/json;q=0, {XML_RESULTS};q=0, application/xml;q=0, text/*;q=0.1", CSV),
        (f"image/png, {XML_RESULTS};q=0.001", XML_RESULTS),
    ],
)
def test_the_format_liked_best_is_sent(server: Server, accept: str, media: str) -> None:
    answer = server.get(SELECT, {"Accept": accept})
    assert (answer.status, answer.media) == (200, media)
    assert len(results.table(answer)[1]) == 3


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}, {"Accept": "application/*"}])
def test_a_client_without_wishes_is_answered(server: Server, headers: dict[str, str]) -> None:
    answer = server.get(SELECT, headers)
    assert answer.status == 200
    assert len(results.table(answer)[1]) == 3


def test_plain_json_is_understood_as_json_results(server: Server) -> None:
    answer = server.get(SELECT, {"Accept": "application/json"})
    assert answer.status == 200
    assert "json" in answer.media
    assert answer.json()["head"]["vars"] == ["x", "y"]


def test_a_format_that_is_not_offered_is_refused(server: Server) -> None:
    problem(server.get("ASK {}", {"Accept": "image/png"}), 406)


def test_caches_are_told_that_the_format_depends_on_the_request(server: Server) -> None:
    assert "accept" in server.get("ASK {}", {"Accept": JSON_RESULTS}).headers["vary"].lower()


def test_a_page_of_any_site_may_ask(server: Server) -> None:
    allowed = {"*", ORIGIN}
    assert server.get("ASK {}", {"Origin": ORIGIN}).headers["access-control-allow-origin"] in allowed
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    answer = server.send("OPTIONS", SPARQL, None, asked)
    assert answer.status in {200, 204}
    assert answer.headers["access-control-allow-origin"] in allowed
    assert "content-type" in answer.headers["access-control-allow-headers"].lower()
    assert "POST" in answer.headers["access-control-allow-methods"]


def test_a_page_of_any_site_can_read_a_refusal(server: Server) -> None:
    answer = server.get("ASK {", {"Origin": ORIGIN})
    assert answer.status == 400
    assert answer.headers["access-control-allow-origin"] in {"*", ORIGIN}


def test_head_tells_what_get_would_without_the_body(server: Server) -> None:
    path = f"{SPARQL}?{urlencode({'query': SELECT})}"
    head, get = server.send("HEAD", path), server.send("GET", path)
    assert (head.status, head.body) == (200, b"")
    assert head.media == get.media


def test_a_long_answer_is_compressed_for_a_client_that_can_read_it(server: Server) -> None:
    sixty = " ".join(map(str, range(60)))
    query = f"SELECT ?a ?b {{ VALUES ?a {{ {sixty} }} VALUES ?b {{ {sixty} }} }}"
    answer = server.get(query, {"Accept": JSON_RESULTS, "Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in answer.headers["vary"].lower()
    plain = server.get(query, {"Accept": JSON_RESULTS, "Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert json.loads(gzip.decompress(answer.body)) == plain.json()
    assert len(plain.json()["results"]["bindings"]) == 3600


def test_any_script_is_read_and_counted_in_characters(server: Server) -> None:
    query = 'ASK { FILTER ("żółć – 食べ物 𝒳" = "żółć – 食べ物 𝒳" && STRLEN("𝒳") = 1) }'
    assert results.boolean(server.get(query, {"Accept": BOOLEAN})) is True
    assert results.boolean(server.query(query, BOOLEAN)) is True


@pytest.mark.parametrize(
    ("media", "body"),
    [
        ("application/sparql-query; charset=UTF-8", "ASK {}"),
        ("application/x-www-form-urlencoded; charset=UTF-8", urlencode({"query": "ASK {}"})),
    ],
)
def test_a_media_type_may_name_its_charset(server: Server, media: str, body: str) -> None:
    answer = server.send("POST", SPARQL, body, {"Content-Type": media, "Accept": BOOLEAN})
    assert answer.status == 200
    assert results.boolean(answer) is True


def test_a_query_of_180_kilobytes_is_answered(server: Server) -> None:
    values = " ".join(f'"{number:06}"' for number in range(20_000))
    assert results.boolean(server.query(f"ASK {{ VALUES ?x {{ {values} }} }}", BOOLEAN)) is True


def test_an_address_of_6_kilobytes_is_answered(server: Server) -> None:
    values = " ".join(f'"{number:06}"' for number in range(500))
    assert results.boolean(server.get(f"ASK {{ VALUES ?x {{ {values} }} }}", {"Accept": BOOLEAN})) is True


def test_columns_stand_in_the_order_in_which_they_are_written(server: Server) -> None:
    names, _ = results.table(server.get("SELECT * { VALUES (?zebra ?apple ?mango) { (1 2 3) } }"))
    assert names == ["zebra", "apple", "mango"]


# What is refused, and how


@pytest.mark.parametrize("query", ["SELECT ?x WHERE { ?x ", "", "SELECT ?x { ?x <p> 1 } GROUP BY ?y"])
def test_a_query_that_cannot_be_read_is_explained(server: Server, query: str) -> None:
    problem(server.query(query), 400)


def test_an_update_is_refused_where_queries_are_asked(server: Server) -> None:
    problem(server.get(INSERT), 400)
    problem(server.query(INSERT), 400)
    assert not server.asks("ASK { ?s ?p ?o }")


def _sent_by_get(server: Server, query: str, parameters: dict[str, str]) -> Answer:
    return server.get(query, {"Accept": BOOLEAN}, parameters)


def _sent_by_post(server: Server, query: str, parameters: dict[str, str]) -> Answer:
    return server.query(query, BOOLEAN, parameters)


@pytest.mark.parametrize("send", [_sent_by_get, _sent_by_post])
def test_a_default_graph_that_does_not_exist_is_empty(server: Server, send: Any) -> None:
    server.update("INSERT DATA { <http://e/d> <http://e/p> 0 . GRAPH <http://e/g> { <http://e/s> <http://e/p> 1 } }")
    answer = send(server, "ASK { ?s ?p ?o }", {"default-graph-uri": "http://example.org/no-such-graph"})
    assert answer.status == 200
    assert results.boolean(answer) is False


def test_the_default_graph_of_a_scratch_service_is_not_the_union(server: Server) -> None:
    server.update("INSERT DATA { GRAPH <http://e/g> { <http://e/s> <http://e/p> 1 } }")
    assert not server.asks("ASK { ?s ?p ?o }")
    assert server.asks("ASK { GRAPH ?g { ?s ?p ?o } }")


TWICE = "http://e/g1", "http://e/g2"
HELD_TWICE = "".join(f"GRAPH <{name}> {{ <http://e/s> <http://e/p> 1 }} " for name in TWICE)


@pytest.mark.parametrize(
    ("dataset", "pattern"),
    [
        ("FROM <http://e/g1> FROM <http://e/g2>", "?s ?p ?o"),
        ("FROM <http://e/g1> FROM <http://e/g1>", "?s ?p ?o"),
        ("FROM NAMED <http://e/g1> FROM NAMED <http://e/g1>", "GRAPH ?g { ?s ?p ?o }"),
        ("FROM <http://e/g1> FROM <http://e/g2> FROM NAMED <http://e/g1>", "?s ?p ?o . GRAPH ?g { ?s ?p ?o }"),
    ],
)
def test_a_statement_of_several_graphs_gives_its_rows_once(server: Server, dataset: str, pattern: str) -> None:
    server.update(f"INSERT DATA {{ {HELD_TWICE} }}")
    assert server.rows(f"SELECT ?s {dataset} {{ {pattern} }}") == [("http://e/s",)]


def test_a_statement_of_several_graphs_of_the_address_gives_its_rows_once(server: Server) -> None:
    server.update(f"INSERT DATA {{ {HELD_TWICE} }}")
    named = urlencode([("query", "SELECT ?o { ?s ?p ?o }"), *(("default-graph-uri", each) for each in TWICE)])
    answer = server.send("GET", f"{SPARQL}?{named}", None, {"Accept": CSV})
    assert answer.text.split() == ["o", "1"]


# Who may write


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", f"Basic {TOKEN}", "Bearer", f"Bearer {TOKEN}é"])
@pytest.mark.parametrize(
    ("method", "path", "media", "body"),
    [
        ("POST", UPDATE, "application/sparql-update", INSERT),
        ("POST", UPDATE, "application/x-www-form-urlencoded", urlencode({"update": INSERT})),
        ("PUT", f"{STORE}?default", "text/turtle", "<http://e/s> <http://e/p> 1 ."),
        ("POST", f"{STORE}?default", "text/turtle", "<http://e/s> <http://e/p> 1 ."),
        ("DELETE", f"{STORE}?default", "text/turtle", ""),
    ],
)
def test_nothing_is_written_without_the_right_token(
    server: Server, authorization: str | None, method: str, path: str, media: str, body: str
) -> None:
    kept = "<http://e/kept> <http://e/p> 0"
    server.update(f"INSERT DATA {{ {kept} }}")
    given = {} if authorization is None else {"Authorization": authorization.encode().decode("latin-1")}
    answer = server.send(method, path, body, {"Content-Type": media, **given})
    problem(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert server.rows("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }") == [("1",)]
    assert server.asks(f"ASK {{ {kept} }}")


# What is never done


@pytest.mark.parametrize(
    "pattern",
    [
        "SELECT * {{ SERVICE <{url}> {{ ?s ?p ?o }} }}",
        "SELECT * {{ SERVICE SILENT <{url}> {{ ?s ?p ?o }} }}",
        "SELECT * {{ BIND (<{url}> AS ?u) SERVICE ?u {{ ?s ?p ?o }} }}",
        "SELECT * {{ SERVICE/**/<{url}> {{ ?s ?p ?o }} }}",
        "SELECT * {{ {{ SELECT * {{ sErViCe <{url}> {{ ?s ?p ?o }} }} }} }}",
        "SELECT * FROM <{url}> {{ ?s ?p ?o }}",
        "SELECT * FROM NAMED <{url}> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
    ],
)
def test_no_query_makes_the_service_call_another(server: Server, pattern: str) -> None:
    with nobody_called() as url:
        answer = server.query(pattern.format(url=url))
        if answer.status == 200:
            assert results.table(answer)[1] in ([], [["", "", ""]])
        else:
            problem(answer, 400, 403)


@pytest.mark.parametrize("parameter", ["default-graph-uri", "named-graph-uri"])
def test_no_parameter_makes_the_service_call_another(server: Server, parameter: str) -> None:
    with nobody_called() as url:
        server.get("SELECT * { ?s ?p ?o }", None, {parameter: url})


@pytest.mark.parametrize(
    "pattern",
    [
        "LOAD <{url}>",
        "LOAD <{url}> INTO GRAPH <http://e/load>",
        "LOAD SILENT <{url}> INTO GRAPH <http://e/load>",
        "INSERT {{ ?s ?p ?o }} WHERE {{ SERVICE <{url}> {{ ?s ?p ?o }} }}",
        "INSERT {{ ?s ?p ?o }} USING <{url}> WHERE {{ ?s ?p ?o }}",
    ],
)
def test_no_update_makes_the_service_call_another(server: Server, pattern: str) -> None:
    with nobody_called() as url:
        server.update(pattern.format(url=url))
    assert not server.asks("ASK { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }")


@pytest.mark.parametrize(
    ("media", "document"),
    [
        ("application/ld+json", '{{"@context": "{url}", "@id": "http://e/s", "http://e/p": 1}}'),
        ("application/ld+json", '{{"@context": [{{"@import": "{url}"}}], "@id": "http://e/s", "http://e/p": 1}}'),
        (
            "application/rdf+xml",
            '<!DOCTYPE r [<!ENTITY e SYSTEM "{url}">]>'
            '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="http://e/">'
            '<r:Description r:about="http://e/s"><x:p>&e;</x:p></r:Description></r:RDF>',
        ),
    ],
)
def test_no_document_makes_the_service_call_another(server: Server, media: str, document: str) -> None:
    with nobody_called() as url:
        problem(server.put("http://e/g", document.format(url=url), media), 400, 422)


@pytest.mark.parametrize("silent", ["", "SILENT "])
def test_no_file_of_the_machine_is_loaded(server: Server, silent: str) -> None:
    answer = server.update(f"LOAD {silent}<file:///etc/hostname> INTO GRAPH <http://e/file>")
    problem(answer, 400, 403)
    assert not server.asks("ASK { GRAPH ?g { ?s ?p ?o } }")


def test_an_update_that_fails_leaves_nothing_behind(server: Server) -> None:
    assert server.update("INSERT DATA { <http://e/a> <http://e/p> 1 }").status in {200, 204}
    answer = server.update("INSERT DATA { <http://e/b> <http://e/p> 2 } ; LOAD <http://invalid.invalid/x>")
    problem(answer, 400, 403)
    answer = server.update(
        "INSERT DATA { <http://e/c> <http://e/p> 3 } ; CREATE GRAPH <http://e/g> ; CREATE GRAPH <http://e/g>"
    )
    problem(answer, 400, 409)
    assert server.rows("SELECT ?s { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }") == [("http://e/a",)]


# The deadline


def test_a_query_past_its_deadline_is_stopped_while_others_are_answered(server: Server) -> None:
    with ThreadPoolExecutor(1) as other:
        heavy = other.submit(server.query, BILLION, JSON_RESULTS, {"timeout": "3"})
        time.sleep(1)
        assert server.asks("ASK {}")
        assert not heavy.done()
        problem(heavy.result(), 503)
    assert server.asks("ASK {}")


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "1e999", "nan"])
def test_a_deadline_that_is_none_is_refused(server: Server, seconds: str) -> None:
    problem(server.query("ASK {}", JSON_RESULTS, {"timeout": seconds}), 400)


# The graph store


def test_a_graph_is_written_read_and_deleted(server: Server) -> None:
    assert server.put("http://e/g", "<http://e/s> <http://e/p> 1 .").status == 201
    assert server.put("http://e/g", "<http://e/s> <http://e/p> 2 .").status in {200, 204}
    found = server.send("GET", graph_path("http://e/g"), None, {"Accept": "application/n-triples"})
    assert found.text.split() == [
        "<http://e/s>",
        "<http://e/p>",
        '"2"^^<http://www.w3.org/2001/XMLSchema#integer>',
        ".",
    ]
    assert server.send("DELETE", graph_path("http://e/g"), None, WRITER).status in {200, 204}
    problem(server.send("GET", graph_path("http://e/g")), 404)


def test_a_graph_is_written_only_where_it_is_what_the_client_takes_it_for(server: Server) -> None:
    path, turtle = graph_path("http://e/g"), {"Content-Type": "text/turtle", **WRITER}

    def put(number: int, **condition: str) -> int:
        headers = turtle | {name.replace("_", "-"): value for name, value in condition.items()}
        return server.send("PUT", path, f"<http://e/s> <http://e/p> {number} .", headers).status

    assert put(1, If_Match="*") == 412
    assert put(1, If_None_Match="*") == 201
    assert put(2, If_None_Match="*") == 412
    tag = server.send("GET", path, None, {"Accept": "text/turtle"}).headers["etag"]
    assert put(3, If_Match='"another"') == 412
    assert put(3, If_Match=tag) == 204
    assert put(4, If_Match=tag) == 412
    problem(server.send("DELETE", path, None, {**WRITER, "If-Match": tag}), 412)
    assert server.rows("SELECT ?o { GRAPH <http://e/g> { ?s ?p ?o } }") == [("3",)]


def test_a_document_that_cannot_be_read_changes_nothing(server: Server) -> None:
    server.put("http://e/g", "<http://e/s> <http://e/p> 1 .")
    problem(server.put("http://e/g", "<http://e/s> <http://e/p> 2 . <http://e/broken"), 400)
    assert server.rows("SELECT ?o { GRAPH <http://e/g> { ?s ?p ?o } }") == [("1",)]


@pytest.mark.parametrize(
    ("media", "document"),
    [
        ("text/turtle", "<http://e/s> <http://e/p> 2 ; <http://e/q>"),
        ("application/n-triples", "<http://e/s> <http://e/p> <http://e/o> .\n<http://e/s> <http://e/p>"),
        ("application/ld+json", '{"@id": "http://e/s", "http://e/p": 2'),
        (
            "application/rdf+xml",
            '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="http://e/">'
            '<r:Description r:about="http://e/s"><x:p>2</x:p></r:Description><r:Description r:about="http://e/t">',
        ),
    ],
)
def test_a_document_that_is_cut_off_is_refused(server: Server, media: str, document: str) -> None:
    server.put("http://e/g", "<http://e/s> <http://e/p> 1 .")
    problem(server.put("http://e/g", document, media), 400)
    assert server.rows("SELECT ?o { GRAPH <http://e/g> { ?s ?p ?o } }") == [("1",)]


MULTIPART = """--b\r
Content-Disposition: form-data; name="g.ttl"; filename="g.ttl"\r
Content-Type: text/turtle\r
\r
<http://e/s> <http://e/p> 1 .\r
--b--\r
"""


@pytest.mark.parametrize(
    ("media", "document"),
    [("text/turtle", "<http://e/s> <http://e/p> 1 ."), ("multipart/form-data; boundary=b", MULTIPART)],
)
def test_a_compressed_document_is_read_or_refused_and_never_lost(server: Server, media: str, document: str) -> None:
    headers = {"Content-Type": media, "Content-Encoding": "gzip", **WRITER}
    answer = server.send("POST", graph_path("http://e/g"), gzip.compress(document.encode()), headers)
    if answer.status < 300:
        assert server.rows("SELECT ?o { GRAPH <http://e/g> { ?s ?p ?o } }") == [("1",)]
    else:
        problem(answer, 415)


@pytest.mark.parametrize(
    "body",
    [b"", b"\x1f\x8b\x08", gzip.compress(b"<http://e/s> <http://e/p> 1 .")[:-6], b"plain"],
    ids=["empty", "its head alone", "cut off", "no gzip"],
)
def test_a_damaged_compressed_document_is_refused(server: Server, body: bytes) -> None:
    headers = {"Content-Type": "text/turtle", "Content-Encoding": "gzip", **WRITER}
    problem(server.send("POST", graph_path("http://e/g"), body, headers), 400, 415)
    assert not server.asks("ASK { GRAPH ?g { ?s ?p ?o } }")


def test_a_multipart_document_without_a_graph_is_refused(server: Server) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b", **WRITER}
    problem(server.send("POST", graph_path("http://e/g"), "this is no multipart document", headers), 400)


# The knowledge


@pytest.fixture(scope="module")
def knowing() -> Iterator[Server]:
    """A server of the knowledge and the examples."""
    with serving() as running:
        yield running


RULES = "SELECT (COUNT(*) AS ?n) { ?rule a <https://w3id.org/osteo-kg/ns/Rule> }"
ONTOLOGY = "https://w3id.org/osteo-kg/graph/ontology"


@pytest.mark.parametrize(
    "update",
    [
        "CLEAR ALL",
        "DROP ALL",
        "DROP NAMED",
        f"DROP SILENT GRAPH <{ONTOLOGY}>",
        f"INSERT DATA {{ GRAPH <{ONTOLOGY}> {{ <http://e/s> <http://e/p> 1 }} }}",
        f"COPY DEFAULT TO <{ONTOLOGY}>",
        f"MOVE <{ONTOLOGY}> TO <http://e/g>",
        f"WITH <{ONTOLOGY}> DELETE {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o }}",
        "DELETE { GRAPH ?g { ?s ?p ?o } } WHERE { GRAPH ?g { ?s ?p ?o } }",
        f"INSERT DATA {{ GRAPH <http://e/mine> {{ <http://e/s> <http://e/p> 1 }} }} ; CLEAR GRAPH <{ONTOLOGY}>",
    ],
)
def test_an_update_that_would_touch_the_knowledge_is_refused_whole(knowing: Server, update: str) -> None:
    [(before,)] = knowing.rows(RULES)
    problem(knowing.update(update), 403)
    assert knowing.rows(RULES) == [(before,)]
    assert int(before or 0) > 0
    assert not knowing.asks("ASK { GRAPH <http://e/mine> { ?s ?p ?o } }")


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_the_graph_store_does_not_touch_the_knowledge(knowing: Server, method: str) -> None:
    headers = {"Content-Type": "text/turtle", **WRITER}
    problem(knowing.send(method, graph_path(ONTOLOGY), "<http://e/s> <http://e/p> 1 .", headers), 403)
    assert int(knowing.rows(RULES)[0][0] or 0) > 0


def test_what_is_written_beside_the_knowledge_is_found_by_a_query_that_names_no_graph(knowing: Server) -> None:
    assert knowing.update("INSERT DATA { GRAPH <http://e/own> { <http://e/own> <http://e/p> 1 } }").status in {200, 204}
    assert knowing.asks("ASK { <http://e/own> <http://e/p> 1 . ?rule a <https://w3id.org/osteo-kg/ns/Rule> }")
    assert knowing.update("DROP GRAPH <http://e/own>").status in {200, 204}
    assert not knowing.asks("ASK { <http://e/own> ?p ?o }")


def test_a_statement_of_several_graphs_stands_once_in_their_union(knowing: Server) -> None:
    assert knowing.update(f"INSERT DATA {{ {HELD_TWICE} }}").status in {200, 204}
    try:
        assert knowing.rows("SELECT ?o { <http://e/s> ?p ?o }") == [("1",)]
        both = knowing.rows("SELECT ?g { <http://e/s> ?p ?o . GRAPH ?g { <http://e/s> ?p ?o } } ORDER BY ?g")
        assert both == [(name,) for name in TWICE]
        assert knowing.rows(RULES) == [("10",)]
        knowing.update(f"DROP GRAPH <{TWICE[0]}>")
        assert knowing.rows("SELECT ?o { <http://e/s> ?p ?o }") == [("1",)]
    finally:
        knowing.update("; ".join(f"DROP SILENT GRAPH <{name}>" for name in TWICE))
