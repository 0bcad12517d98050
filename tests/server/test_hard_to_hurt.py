"""No request stops the server, slows others to a halt or makes it keep memory: each is refused or ends at its limit."""

from __future__ import annotations

import gzip
import http.client
import socket
import statistics
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.processes import eventually, family, memory
from tests.support.results import CSV, JSON_RESULTS, TSV, XML_RESULTS, problem
from tests.support.serving import SPARQL, STORE, UPDATE, WRITER, Answer, Server, kill, serving

pytestmark = pytest.mark.server


CLIENTS = 8
MEGABYTE = 1 << 20
#: What the processes may hold together after an attack beyond what they held before.
KEPT = 200 * MEGABYTE
THOUSAND = " ".join(map(str, range(1000)))
CUBE = " ".join(f"VALUES ?{name} {{ {THOUSAND} }}" for name in "abc")  # a thousand million rows
COUNT = f"SELECT (COUNT(*) AS ?n) {{ {CUBE} FILTER (?a + ?b + ?c > 1) }}"
POINT = "SELECT ?name { <http://e/person/7> <http://e/name> ?name }"
PEOPLE = "".join(f'<http://e/person/{n}> <http://e/name> "person {n}" .\n' for n in range(1000))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--scratch", "--timeout", "3") as running:
        assert running.send("PUT", f"{STORE}?default", PEOPLE, {"Content-Type": "text/turtle", **WRITER}).status < 300
        yield running


@pytest.fixture(autouse=True)
def unhurt(server: Server) -> Iterator[None]:
    """After each test the server runs, answers, and holds no more memory than before, but for what it may keep."""
    before = _held(server)
    yield
    assert server.process.poll() is None
    assert _answers(server)
    if before is not None:
        assert eventually(lambda: (_held(server) or 0) < before + KEPT, 10), (before, _held(server))


def _held(server: Server) -> int | None:
    if not sys.platform.startswith("linux"):
        return None  # only Linux tells what processes hold together
    return memory(family(server.process.pid))


def _answers(server: Server) -> bool:
    return server.rows(POINT) == [("person 7",)]


# Heavy queries


@dataclass
class Others:
    """Clients that go on asking a small question, and what became of it."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def ask(self, server: Server, done: threading.Event) -> None:
        """Ask until told to stop."""
        while not done.is_set():
            start = time.perf_counter()
            answer = server.query(POINT)
            self.seconds.append(time.perf_counter() - start)
            if answer.status != 200 or b'"person 7"' not in answer.body:
                self.wrong.append(f"{answer.status} {answer.body[:200]!r}")

    def __str__(self) -> str:
        slowest, median = max(self.seconds), statistics.median(self.seconds)
        return f"{len(self.seconds)} answers, median {median * 1000:.1f} ms, slowest {slowest * 1000:.1f} ms"


@contextmanager
def others_asking(server: Server) -> Iterator[Others]:
    """Let eight clients ask while the block runs."""
    others, done = Others(), threading.Event()
    threads = [threading.Thread(target=others.ask, args=(server, done)) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield others
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _billion(server: Server) -> Answer:
    return server.query(COUNT)


def _sorted_billion(server: Server) -> Answer:
    return server.query(f"SELECT * {{ {CUBE} }} ORDER BY DESC(?c) ?b ?a LIMIT 1")


def _concatenated_million(server: Server) -> Answer:
    return server.query(f"SELECT (GROUP_CONCAT(CONCAT('{'x' * 1000}', STR(?a))) AS ?all) {{ {CUBE} }}")


def _regular_expressions(server: Server) -> Answer:
    long = f"CONCAT('{'a' * 5000}', STR(?a), STR(?b), STR(?c))"
    return server.query(f"SELECT (COUNT(*) AS ?n) {{ {CUBE} FILTER regex({long}, '((a+)+)+(.*a){{12}}$') }}")


def _path(server: Server) -> Answer:
    chain = " ".join(f"(<http://e/{n}> <http://e/{(n * 7 + 1) % 1000}>)" for n in range(1000))
    step = f"VALUES (?x ?y) {{ {chain} }}"
    return server.query(
        f"SELECT (COUNT(*) AS ?n) {{ {step} {{ ?a (<http://e/name>|!<http://e/no>)* ?b }} "
        f"{{ ?c (<http://e/name>|!<http://e/no>)* ?d }} {{ ?e ?f ?g }} }}"
    )


def _heavy_update(server: Server) -> Answer:
    return server.update(f"INSERT {{ <http://e/s> <http://e/p> ?n }} WHERE {{ {COUNT} }}")


@pytest.mark.parametrize("heavy", [_billion, _sorted_billion, _concatenated_million, _regular_expressions, _path])
def test_a_query_without_end_is_stopped_while_others_are_answered(
    server: Server, heavy: Callable[[Server], Answer]
) -> None:
    with others_asking(server) as usual:
        time.sleep(0.5)
    with others_asking(server) as meanwhile:
        answer = heavy(server)
    print(f"\n{heavy.__name__}: {answer.status}; usually {usual}; meanwhile {meanwhile}")
    problem(answer, 503, 413)
    assert usual.wrong == meanwhile.wrong == []
    assert len(meanwhile.seconds) >= CLIENTS


def test_an_update_without_end_is_stopped_and_changes_nothing(server: Server) -> None:
    problem(_heavy_update(server), 503)
    assert not server.asks("ASK { <http://e/s> <http://e/p> ?n }")


def test_more_heavy_queries_than_there_are_workers_end_too(server: Server) -> None:
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(_billion(server))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 6
    for answer in answers:
        problem(answer, 503, 413)


def test_a_server_that_is_busy_says_when_to_come_back() -> None:
    limits = {"OSTEO_KG_TIMEOUT": "12", "OSTEO_KG_MAX_QUERIES": "1"}
    with serving("--scratch", environment=limits) as busy, ThreadPoolExecutor(1) as other:
        heavy = other.submit(busy.query, COUNT)
        time.sleep(0.5)
        answer = busy.query("ASK {}")
        problem(answer, 503)
        assert int(answer.headers["retry-after"]) > 0
        assert not heavy.done()
        kill(busy.process)
        with pytest.raises((OSError, http.client.HTTPException)):
            heavy.result()


# Large and deep


@pytest.mark.parametrize(
    "query",
    [
        "ASK " + "{" * 200 + "}" * 200,
        "ASK { FILTER (" + "(" * 200 + "1" + ")" * 200 + ") }",
        "ASK { ?s " + "(" * 200 + "<http://e/p>" + ")" * 200 + " ?o }",
        "SELECT * " + "{ SELECT * " * 200 + "{}" + "}" * 200,
        "ASK { ?s <http://e/p> " + "[ <http://e/p> " * 200 + "1" + " ]" * 200 + " }",
        "ASK { ?s <http://e/p> " + "(" * 5000 + ")" * 5000 + " }",
    ],
    ids=["groups", "parentheses", "paths", "subqueries", "nodes", "lists"],
)
def test_what_is_nested_200_levels_is_refused(server: Server, query: str) -> None:
    with others_asking(server) as meanwhile:
        problem(server.query(query), 400)
        problem(server.update(f"INSERT {{}} WHERE {{ {query.partition('{')[2]}"), 400)
    assert meanwhile.wrong == []


@pytest.mark.parametrize(
    "query",
    ["ASK { FILTER (" + "!" * 20_000 + "true) }", "ASK { FILTER (" + "1 + " * 20_000 + "1 > 0) }"],
    ids=["negations", "sum"],
)
def test_a_chain_of_20000_operators_is_answered_or_refused(server: Server, query: str) -> None:
    answer = server.query(query)
    if answer.status == 200:
        assert answer.json()["boolean"] is True
    else:
        problem(answer, 400, 413)


def test_a_query_of_ten_megabytes_is_refused_while_others_are_answered(server: Server) -> None:
    values = " ".join(f'"{number:07}"' for number in range(10 * MEGABYTE // 10))
    with others_asking(server) as meanwhile:
        answer = server.query(f"ASK {{ VALUES ?x {{ {values} }} }}")
    print(f"\nmeanwhile {meanwhile}")
    problem(answer, 413)
    assert meanwhile.wrong == []


@pytest.mark.parametrize("accept", [JSON_RESULTS, XML_RESULTS, CSV, TSV])
def test_an_answer_without_end_is_never_taken_for_a_whole_one(server: Server, accept: str) -> None:
    """What was begun is broken off without its last chunk, which every client takes for an error."""
    try:
        answer = server.query(f"SELECT * {{ {CUBE} }}", accept, {"timeout": "1"})
    except http.client.IncompleteRead:
        return
    problem(answer, 413, 503)


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """A megabyte that unpacks to a gigabyte."""
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(b" " * MEGABYTE) for _ in range(1024)) + packer.flush()


@pytest.mark.parametrize(
    ("path", "media"),
    [
        (SPARQL, "application/sparql-query"),
        (SPARQL, "application/x-www-form-urlencoded"),
        (UPDATE, "application/sparql-update"),
        (f"{STORE}?default", "text/turtle"),
        (f"{STORE}?default", "multipart/form-data; boundary=b"),
        ("/assessments", "text/turtle"),
    ],
)
def test_a_small_body_that_unpacks_to_a_gigabyte_is_refused(server: Server, bomb: bytes, path: str, media: str) -> None:
    headers = {"Content-Type": media, "Content-Encoding": "gzip", **WRITER}
    problem(server.send("POST", path, bomb, headers), 413, 415)


def test_a_body_larger_than_any_limit_is_refused_before_it_is_read(server: Server) -> None:
    connection = server.connection()
    connection.putrequest("PUT", f"{STORE}?default")
    headers = {"Content-Type": "text/turtle", "Content-Length": str(1 << 40), **WRITER}
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders(b"<http://e/s>")
    assert connection.getresponse().status == 413
    connection.close()


NESTED = 80_000
DEEP_DOCUMENTS = {
    "text/turtle": "<http://e/s> <http://e/p> " + "(" * 320_000,
    "application/ld+json": '{"http://e/p":' * NESTED,
    "application/rdf+xml": '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="http://e/">'
    + "<x:a><x:b>" * NESTED,
}


@pytest.mark.parametrize("media", DEEP_DOCUMENTS)
def test_documents_nested_without_end_do_not_occupy_the_server(media: str) -> None:
    """Anybody may send a case: twice as many of these as the server has threads leave it free for others."""
    with serving("--scratch") as server, ThreadPoolExecutor(16) as clients:
        headers = {"Content-Type": media}
        document = DEEP_DOCUMENTS[media]
        sent = [clients.submit(server.send, "POST", "/assessments", document, headers, timeout=20) for _ in range(16)]
        time.sleep(1)
        assert server.query("ASK {}", timeout=20).status == 200
        for each in sent:
            problem(each.result(), 400, 413, 422)


def test_a_literal_of_twenty_megabytes_is_kept_or_refused(server: Server) -> None:
    answer = server.put("http://e/literal", f'<http://e/s> <http://e/p> "{"x" * 20 * MEGABYTE}" .')
    if answer.status == 201:
        assert server.rows("SELECT (STRLEN(?o) AS ?n) { GRAPH ?g { ?s ?p ?o } }") == [(str(20 * MEGABYTE),)]
        assert server.update("DROP GRAPH <http://e/literal>").status == 204
    else:
        problem(answer, 400, 413)


# Slow


def test_clients_that_send_a_byte_a_second_do_not_keep_others_waiting(server: Server) -> None:
    parts = urlsplit(server.address)
    head = (
        f"POST {SPARQL} HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\nContent-Length: 1000\r\n\r\n"
    )
    slow = [socket.create_connection((parts.hostname, parts.port)) for _ in range(64)]
    for number, each in enumerate(slow):
        each.sendall(head.encode() if number % 2 else head[:30].encode())
    try:
        with others_asking(server) as meanwhile:
            for _ in range(3):
                time.sleep(1)
                for each in slow:
                    each.sendall(b" ")
    finally:
        for each in slow:
            each.close()
    print(f"\nmeanwhile {meanwhile}")
    assert meanwhile.wrong == []
    assert len(meanwhile.seconds) >= CLIENTS


def test_a_client_that_goes_away_leaves_nothing_running(server: Server) -> None:
    parts = urlsplit(server.address)
    query = urlencode({"query": COUNT})
    for _ in range(4):
        with socket.create_connection((parts.hostname, parts.port)) as gone:
            body = query.encode()
            head = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
            gone.sendall(f"POST {SPARQL} HTTP/1.1\r\nHost: x\r\n{head}".encode() + body)
            time.sleep(0.2)
    assert eventually(lambda: server.query(POINT).status == 200, 15)


# Malformed


PATHS = [
    *(SPARQL, UPDATE, STORE, f"{STORE}?default", f"{STORE}?graph=http://e/g", f"{STORE}/a/b", "/", "/health"),
    *("/ready", "/metrics", "/openapi.json", "/.well-known/void", "/assessments", "/validations", "/cases"),
    *("/cases/x", "/ns/Treat", "/ontology/core", "/guideline/x", "/situation/x/y", "/cds-services", "/%00", "/%ff"),
]
MEDIA = [
    *("application/sparql-query", "application/sparql-update", "application/x-www-form-urlencoded", "text/turtle"),
    *("application/n-triples", "application/n-quads", "application/trig", "application/ld+json", "text/csv"),
    *(
        "application/rdf+xml",
        "application/json",
        "multipart/form-data; boundary=b",
        "multipart/form-data",
        "text/plain",
    ),
    *("application/sparql-query; charset=utf-16", "*/*", ";", "a/b/c", "application/sparql-results+json"),
]
FRAGMENTS = [
    *("SELECT * { ?s ?p ?o }", "ASK {", "}", "INSERT DATA { <a> <b> 1 }", "CLEAR ALL", "LOAD <file:///etc/passwd>"),
    *("CONSTRUCT WHERE { ?s ?p ?o }", "DESCRIBE <http://e/person/7>", "SERVICE <http://127.0.0.1:1/> {}", "\\u0000"),
    *("PREFIX : <", "BASE <http://[>", '"""', "'''", "#", "FILTER regex(?o, '(')", "VALUES ?x { UNDEF }", "\x00"),
    *("<http://e/s> <http://e/p> 1 .", "@prefix : <http://e/> .", "[[[[", '{"@context": {"@vocab": "x"}}', "<r:RDF/>"),
    *(
        "--b\r\nContent-Disposition: form-data; name=x\r\n\r\n<a> <b> <c> .\r\n--b--\r\n",
        "query=ASK%20%7B%7D&query=%ff",
    ),
    *("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY a 'b'>]><a>&a;</a>", "9" * 400, "-1e99999", "'\ud7ff'@en--x"),
]
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=20), max_size=6).map(" ".join)
DEEP = st.integers(1, 20_000).flatmap(
    lambda depth: st.sampled_from(["[" * depth, '{"a":' * depth, "[" * depth + "]" * depth, "<a>" * depth, "(" * depth])
)
HUGE = st.integers(1, 200_000).map(lambda size: f'<http://e/s> <http://e/p> "{"x" * size}"@en .')
BODIES = st.one_of(
    st.binary(max_size=200),
    TEXTS.map(lambda text: text.encode("utf-8", "surrogatepass")),
    TEXTS.map(lambda text: urlencode({"query": text}).encode()),
    DEEP.map(str.encode),
    HUGE.map(str.encode),
    st.binary(max_size=200).map(lambda data: gzip.compress(data)[:-5]),
    st.just(b"ASK { FILTER('\xc3\x28' = '\xff') }"),
)
TOKENS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ-", min_size=1, max_size=12)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"]) | TOKENS
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(MEDIA) | VALUES,
        "Content-Encoding": st.sampled_from(["gzip", "deflate", "br", "identity", "gzip, gzip"]) | VALUES,
        "Accept": st.sampled_from([*MEDIA, "text/html", "*/*;q=2", "text/turtle;q=x", ",,,", "a" * 5000]) | VALUES,
        "Accept-Encoding": st.sampled_from(["gzip", "gzip;q=0", "*", "br;q=1.0"]) | VALUES,
        "Accept-Language": st.sampled_from(["fr", "en;q=x", "*"]) | VALUES,
        "Authorization": st.sampled_from([WRITER["Authorization"], "Bearer", "Basic eDp5"]) | VALUES,
        "If-None-Match": st.sampled_from(["*", '"', 'W/"x"']) | VALUES,
        "If-Modified-Since": VALUES,
        "Range": st.sampled_from(["bytes=0-1", "bytes=9-1"]) | VALUES,
        "Origin": VALUES,
        "Slug": VALUES,
        "X-Request-Id": VALUES,
        "X-Forwarded-For": VALUES,
        "Host": st.sampled_from(["x", "[::1", "a b", "evil.example:99999"]) | VALUES,
    },
)
PARAMETERS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "query",
                "update",
                "default-graph-uri",
                "named-graph-uri",
                "using-graph-uri",
                "graph",
                "default",
                "timeout",
            ]
        )
        | st.sampled_from(["on", "language", "guideline", "assume-complete"]),
        TEXTS | st.sampled_from(["http://e/g", "not an IRI", "http://[", "", "1e9", "\x00"]),
    ),
    max_size=4,
)
BROKEN_ESCAPES = st.sampled_from(["", "%", "%f", "%ff%fe", "&&==&", "%00", "%ed%a0%80"])


@settings(max_examples=1000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(METHODS, st.sampled_from(PATHS), PARAMETERS, BROKEN_ESCAPES, HEADERS, BODIES)
@example("POST", STORE, [], "", {"Content-Type": "application/ld+json", **WRITER}, b"[" * 100_000)
@example(
    "POST", SPARQL, [], "", {"Content-Type": "application/sparql-query", "Content-Encoding": "gzip"}, b"\x1f\x8b\x08"
)
def test_no_malformed_request_is_an_error_of_the_server(
    server: Server,
    method: str,
    path: str,
    parameters: list[tuple[str, str]],
    broken: str,
    headers: dict[str, str],
    body: bytes,
) -> None:
    query = urlencode(parameters, errors="surrogatepass") + broken
    target = path + ("&" if "?" in path else "?") + query if query else path
    answer = _sent(server, method, target, headers, body)
    assert answer.status < 500 or answer.status in {501, 503, 505}, answer
    assert b"Traceback" not in answer.body


def _sent(server: Server, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
    """Send a request whose framing alone is right."""
    given = {"Host": "x", **headers, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    parts = urlsplit(server.address)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as sender:
        sender.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        response = http.client.HTTPResponse(sender, method=method)
        response.begin()
        return Answer(response.status, dict(response.getheaders()), response.read())


@pytest.mark.parametrize(
    "raw",
    [
        b"\r\n\r\n",
        b"\x00\xff\xfe\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /sparql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /sparql HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"GET /sparql HTTP/1.1\r\nHost: x\r\nBroken\r\n\r\n",
        b"GET /" + b"a" * 500_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
    ],
)
def test_what_is_no_http_is_answered_with_a_refusal_or_closed(server: Server, raw: bytes) -> None:
    parts = urlsplit(server.address)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as sender:
        try:
            sender.sendall(raw)
            sender.shutdown(socket.SHUT_WR)
            said = sender.recv(1000)
        except OSError:
            return  # closed before it was read to its end
    assert not said or b" 500 " not in said.split(b"\r\n")[0]


def test_names_of_graphs_may_be_anything_that_is_an_iri_and_nothing_else(server: Server) -> None:
    headers = {"Content-Type": "text/turtle", **WRITER}
    for name in ("not an IRI", "http://e/ space", "http://e/<>", "relative", "", "http://e/\n"):
        answer = server.send("PUT", f"{STORE}?graph={quote(name)}", "<http://e/s> <http://e/p> 1 .", headers)
        if name != "relative" or answer.status >= 300:  # may be read against the address of the store
            problem(answer, 400)
