"""What a worker answers by itself is what the service would have answered, and all else is left to the service."""

from __future__ import annotations

import gzip
import http.client
import json
import pickle
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

import osteo_kg_server
from osteo_kg import KnowledgeBase, build_dataset
from osteo_kg_server.errors import BusyError, DeadlineError
from osteo_kg_server.service import of
from osteo_kg_server.serving import query_app
from osteo_kg_server.serving.query_app import QueryApp, choice
from osteo_kg_server.store import LocalStore, Query, Update
from osteo_kg_server.store.worker_request import Begun, HttpAnswer
from osteo_kg_server.wsgi import served
from tests.support.processes import eventually
from tests.support.service import PREFIX

pytestmark = pytest.mark.server

JSON = "application/sparql-results+json"
TOKEN = "a-secret-of-the-service"
KNOWLEDGE = "https://w3id.org/osteo-kg/graph/ontology"
FOUND = PREFIX + "SELECT ?rule { ?rule a osteo:Rule } ORDER BY ?rule"
LONG = "SELECT ?a ?b ?c { ?a ?b ?c . ?d ?e ?f } LIMIT 60000"  # more than is sent whole
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
#: Queries with what else stands in the address: answered, warned of, refused, long, and of every kind of result.
ASKED: tuple[dict[str, str], ...] = (
    {"query": FOUND},
    {"query": "ASK {}"},
    {"query": PREFIX + "CONSTRUCT { ?r a osteo:Rule } WHERE { ?r a osteo:Rule }"},
    {"query": PREFIX + "DESCRIBE osteo:Drug"},
    {"query": PREFIX + "SELECT ?x { ?x a osteo:Drugg }"},
    {"query": "SELECT (NOW() AS ?now) {} LIMIT 0"},
    {"query": FOUND, "format": "csv"},
    {"query": FOUND, "format": "html"},
    {"query": FOUND, "output": "xml"},
    {"query": FOUND, "format": "papyrus"},
    {"query": FOUND, "timeout": "5"},
    {"query": FOUND, "timeout": "soon"},
    {"query": FOUND, "default-graph-uri": KNOWLEDGE},
    {"query": FOUND, "default-graph-uri": "urn:nowhere"},
    {"query": FOUND.replace("{", f"FROM <{KNOWLEDGE}> {{", 1)},
    {"query": "SELECT ?x { ?x a osteo:Drug "},
    {"query": "SELECT ?x { SERVICE <http://example.org/> { ?x ?y ?z } }"},
    {"query": FOUND, "update": "CLEAR ALL"},
    {"query": 'SELECT ("\\u0007" AS ?bell) {}', "format": "xml"},
    {"query": LONG},
    {"query": "SELECT ?s { ?s ?p ?o } LIMIT 3000", "format": "csv"},
)
HEADERS: tuple[dict[str, str], ...] = (
    {"Accept": JSON},
    {},
    {"Accept": "text/csv;q=0.5, application/sparql-results+xml, text/turtle"},
    {"Accept": "image/png"},
    {"Accept": "text/html"},
    {"Accept": JSON, "Accept-Encoding": "gzip"},
    {"Accept": JSON, "Accept-Language": "fr", "Origin": "https://example.org"},
    {"Accept": JSON, "Origin": "https://elsewhere.example"},
    {"Accept": JSON, "Host": "elsewhere.example"},
    {"Accept": JSON, "If-None-Match": "*"},
)
Asking = Callable[..., Any]  # gives what a worker has begun
Headers = dict[str, str]


def _app(knowledge_base: KnowledgeBase, **settings: Any) -> Flask:
    limits = osteo_kg_server.Limits(seconds=20, workers=2, wait_seconds=1)
    return osteo_kg_server.create_app(
        knowledge_base,
        build_dataset(knowledge_base, ()),
        osteo_kg_server.Settings(limits=limits, update_token=TOKEN, cors_origins=("https://example.org",), **settings),
    )


@pytest.fixture(scope="module")
def app(knowledge_base: KnowledgeBase) -> Iterator[Flask]:
    made = _app(knowledge_base)
    yield made
    of(made).store.close()


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    with served(app) as address:
        yield address


@pytest.fixture(scope="module")
def without_workers(app: Flask) -> Iterator[str]:
    with _by_itself(app) as address:
        yield address


@contextmanager
def _by_itself(app: Flask) -> Iterator[str]:
    """Serve an app without that workers answer by themselves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(query_app, "choice", lambda _: lambda *_: None)
        with served(app) as address:
            yield address


@pytest.fixture(scope="module")
def choose(app: Flask) -> Asking:
    return choice(of(app))


@pytest.fixture
def begin(app: Flask, choose: Asking) -> Iterator[Asking]:
    """Have a worker that is idle begin with a query, or with a request of which more is said."""
    all_begun = list[Begun]()

    def begun(query: str, scope: dict[str, Any] | None = None, body: bytes = b"", **more: str) -> Begun | None:
        chosen = choose({**_scope({"query": query, **more}), **(scope or {})}, body)
        of(app).store.check()  # now there is one
        found = chosen.begun_at_once() if chosen else None
        all_begun.extend([found] if found else [])
        return found

    yield begun
    for each in all_begun:
        each.close()
    workers = _local(app)._workers
    assert (workers.load.in_use, workers._free) == (0, 2)


def _scope(parameters: dict[str, str]) -> dict[str, Any]:
    return {
        "method": "GET",
        "raw_path": b"/sparql",
        "query_string": urlencode(parameters).encode(),
        "http_version": "1.1",
        "headers": [(b"host", b"localhost"), (b"accept", b"*/*")],
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 4000),
    }


def _local(app: Flask) -> LocalStore:
    store = of(app).store
    assert isinstance(store, LocalStore)
    return store


def _answer(begun: Begun | None) -> HttpAnswer | None:
    """Take what a worker says as a loop would: first without waiting, then waiting."""
    assert begun is not None
    select.select([begun], [], [], 60)
    return begun.arrived() or begun.awaited()


def _of_the_server(
    address: str, path: str, headers: Headers, body: bytes | Iterator[bytes] | None = None
) -> tuple[int, Headers, bytes]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request("GET" if body is None else "POST", path, body, headers)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, _compared(dict(response.getheaders())), body


def _compared(headers: Headers) -> Headers:
    """Leave out what differs each time."""
    lower = {name.lower(): value for name, value in headers.items()}
    assert len(lower.pop("x-request-id")) == 32
    return {name: value for name, value in lower.items() if name != "date"}


@pytest.mark.parametrize("headers", HEADERS, ids=str)
def test_a_worker_answers_as_the_service_does(address: str, without_workers: str, headers: Headers) -> None:
    for parameters in ASKED:
        path, sent = f"/sparql?{urlencode(parameters)}", {"Accept-Encoding": "identity", "Host": "localhost", **headers}
        assert _of_the_server(address, path, sent) == _of_the_server(without_workers, path, sent), parameters


@pytest.mark.parametrize(
    "settings",
    [{"scratch": True}, {"public_url": "https://kg.example", "allowed_hosts": ("elsewhere.example",)}],
    ids=str,
)
def test_a_worker_knows_the_settings_that_an_answer_depends_on(
    knowledge_base: KnowledgeBase, settings: dict[str, Any]
) -> None:
    app = _app(knowledge_base, **settings)
    with served(app) as address, _by_itself(app) as without_workers:
        for headers in ({}, {"Host": "elsewhere.example"}, {"Host": "kg.example"}, {"Origin": "https://example.org"}):
            for query in ("ASK {}", "SELECT (<here> AS ?there) {}", PREFIX + "SELECT ?x { ?x a osteo:Drugg }"):
                path, sent = f"/sparql?{urlencode({'query': query})}", {"Host": "localhost", **headers}
                expected = _of_the_server(without_workers, path, sent)
                assert _of_the_server(address, path, sent) == expected, (headers, query)
    of(app).store.close()


@pytest.mark.parametrize("headers", [HEADERS[0], HEADERS[4], HEADERS[5]], ids=str)
def test_a_worker_answers_what_is_posted_as_the_service_does(
    address: str, without_workers: str, headers: Headers
) -> None:
    ways: list[tuple[str, Callable[[dict[str, str]], tuple[dict[str, str], bytes]]]] = [
        ("application/x-www-form-urlencoded", lambda each: ({}, urlencode(each).encode())),
        (
            "application/sparql-query",
            lambda each: ({n: v for n, v in each.items() if n != "query"}, each["query"].encode()),
        ),
        ("text/plain", lambda each: ({}, each["query"].encode())),
    ]
    for media, split in ways:
        for parameters in ASKED:
            rest, body = split(parameters)
            path = f"/sparql?{urlencode(rest)}" if rest else "/sparql"
            sent = {"Accept-Encoding": "identity", "Host": "localhost", "Content-Type": media, **headers}
            expected = _of_the_server(without_workers, path, sent, body)
            assert _of_the_server(address, path, sent, body) == expected, (media, parameters)
            packed = {**sent, "Content-Encoding": "gzip"}
            assert _of_the_server(address, path, packed, gzip.compress(body)) == expected, (media, parameters)
            assert _of_the_server(address, path, sent, iter([body[:5], body[5:]])) == expected, (media, parameters)


def test_what_has_not_changed_is_not_sent_again(app: Flask, address: str) -> None:
    path = f"/sparql?{urlencode({'query': FOUND})}"
    _, headers, body = _of_the_server(address, path, {"Accept": JSON})
    status, again, nothing = _of_the_server(address, path, {"Accept": JSON, "If-None-Match": headers["etag"]})
    assert (status, again["etag"], nothing) == (304, headers["etag"], b"")
    of(app).store.update(Update("INSERT DATA { GRAPH <urn:new> { <urn:a> <urn:b> <urn:c> } }", 20, "urn:base"))
    status, later, same = _of_the_server(address, path, {"Accept": JSON, "If-None-Match": headers["etag"]})
    assert (status, same) == (200, body)
    assert later["etag"] != headers["etag"]


@pytest.mark.parametrize("parameters", ASKED[:4], ids=str)
def test_a_short_answer_is_written_by_the_worker(begin: Asking, parameters: dict[str, str]) -> None:
    answer = _answer(begin(**parameters))
    assert answer is not None
    assert answer.status == 200
    assert answer.head.startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("headers", [each for each in HEADERS if each.get("Accept") in (None, JSON)][:5], ids=str)
def test_a_worker_has_all_that_it_needs_for_an_answer(begin: Asking, headers: Headers) -> None:
    lines = {"Host": "localhost", **{name: value for name, value in headers.items() if name != "Host"}}
    scope = {"headers": [(name.lower().encode(), value.encode()) for name, value in lines.items()]}
    for parameters in ({}, {"format": "csv"}, {"output": "xml"}, {"timeout": "5"}, {"default-graph-uri": KNOWLEDGE}):
        for query in (FOUND, "SELECT (NOW() AS ?now) {}"):
            assert _answer(begin(query, {**_scope({"query": query, **parameters}), **scope})), (parameters, query)


@pytest.mark.parametrize("body", [FOUND.encode(), gzip.compress(FOUND.encode())], ids=["plain", "packed"])
def test_what_is_posted_is_answered_by_the_worker_too(begin: Asking, body: bytes) -> None:
    encoding = b"identity" if body == FOUND.encode() else b"gzip"
    headers = [(b"content-type", b"application/sparql-query"), (b"content-encoding", encoding), (b"host", b"localhost")]
    scope = {"method": "POST", "headers": headers, "query_string": b""}
    answer = _answer(begin("", scope, body))
    assert answer is not None
    assert b"osteo-kg" in answer.body.tobytes()


def test_an_answer_that_does_not_arrive_at_once_is_waited_for(begin: Asking) -> None:
    begun = begin("SELECT ?s ?p ?o { ?s ?p ?o } LIMIT 9000")
    select.select([begun], [], [], 60)
    assert begun.arrived() is None
    answer = begun.awaited()
    assert answer is not None
    assert len(answer.body) > 1 << 20


@pytest.mark.parametrize(
    ("query", "more"),
    [
        ("SELECT ?x {", {}),
        ("ASK { SERVICE <urn:x> {} }", {}),
        (FOUND, {"format": "papyrus"}),
        (FOUND, {"default-graph-uri": "urn:nowhere"}),
        (PREFIX + "SELECT ?x { ?x a osteo:Drugg }", {}),  # whether it is warned of is another query
    ],
)
def test_what_needs_the_service_is_left_to_it(begin: Asking, query: str, more: dict[str, str]) -> None:
    assert _answer(begin(query, **more)) is None


@pytest.mark.parametrize(
    "more",
    [
        {"method": "HEAD"},
        {"method": "POST"},  # without a body
        {"raw_path": b"/table"},
        {"query_string": b"format=csv"},
        {"query_string": b"query=ASK%7B%7D&x=" + b"x" * 20_000},
        {"headers": [(b"accept", b"text/html,*/*")]},
        {"headers": [(b"if-none-match", b"*")]},
        {"headers": [(b"accept", b"x" * 20_000)]},
        {"query_string": b"query=ASK%7B%7D&format=html"},
    ],
    ids=str,
)
def test_no_worker_is_asked_for_what_it_cannot_answer(begin: Asking, more: dict[str, Any]) -> None:
    assert begin("ASK {}", more) is None
    assert begin("ASK {}") is not None


@pytest.mark.parametrize("settings", [{"private": True}, {"log_queries": True}], ids=str)
def test_a_service_that_wants_tokens_or_logs_queries_answers_by_itself(
    knowledge_base: KnowledgeBase, settings: dict[str, bool]
) -> None:
    app = _app(knowledge_base, **settings)
    of(app).store.check()
    assert choice(of(app))(_scope({"query": "ASK {}"}), b"") is None
    of(app).store.close()


def test_no_secret_goes_to_a_worker(app: Flask, choose: Asking) -> None:
    assert TOKEN.encode() in pickle.dumps(of(app).settings)
    assert TOKEN.encode() not in pickle.dumps(QueryApp.of(of(app)))
    scope = _scope({"query": "ASK {}"})
    headers = [*scope["headers"], (b"authorization", f"Bearer {TOKEN}".encode())]
    chosen = choose({**scope, "headers": headers}, b"")
    assert chosen is not None
    assert TOKEN.encode() not in pickle.dumps(chosen.asked)


def test_no_worker_is_asked_while_all_are_lent(begin: Asking) -> None:
    lent = [begin(ENDLESS, timeout="3"), begin(ENDLESS, timeout="3")]
    assert None not in lent
    assert begin("ASK {}") is None
    lent[0].close()
    assert _answer(begin("ASK {}")) is not None


def test_a_service_of_which_all_workers_are_lent_says_so(app: Flask, choose: Asking, begin: Asking) -> None:
    chosen = choose(_scope({"query": "ASK {}"}), b"")
    lent = [begin(ENDLESS, timeout="3"), begin(ENDLESS, timeout="3")]
    told: list[Exception] = []

    def work() -> None:
        try:
            of(app).store.query(Query("ASK {}", {"boolean": "json"}, None, None, 5, "urn:base"))
        except BusyError as error:
            told.append(error)

    started = time.monotonic()
    assert chosen.answered(None, work) is None
    assert len(told) == 1
    assert 1 <= time.monotonic() - started < 2  # it was waited for once
    lent[0].close()
    assert chosen.answered(None, pytest.fail) is not None


def test_who_waits_for_a_worker_is_before_those_who_come(choose: Asking, begin: Asking) -> None:
    chosen = choose(_scope({"query": "ASK {}"}), b"")
    lent, got = [begin(ENDLESS, timeout="3"), begin(ENDLESS, timeout="3")], list[Begun]()
    waiting = threading.Thread(target=lambda: got.append(chosen.store.begin(chosen.asked)))
    waiting.start()
    assert eventually(lambda: len(chosen.store._workers._turns) == 1, 5)
    assert chosen.begun_at_once() is None
    lent[0].close()
    waiting.join(5)
    assert got[0].awaited() is not None


def test_the_service_goes_on_from_what_a_worker_has_begun(app: Flask, begin: Asking) -> None:
    """The content that the tag of the answer names is the one that it was found in, whatever was written since."""
    store = of(app).store
    before = store.generation
    begun = begin(LONG)
    assert _answer(begun) is None
    store.update(Update("INSERT DATA { GRAPH <urn:later> { <urn:a> <urn:b> <urn:d> } }", 20, "urn:base"))
    assert store.generation != before
    found: list[str | bytes | None] = []

    def work() -> None:
        answer = store.query(Query(LONG, {"solutions": "csv"}, None, None, 20, "urn:base"))
        found.extend((answer.generation, b"".join(answer.chunks)))
        answer.close()

    begun.carried_on(work)
    assert found[0] == before
    assert b'"bindings"' in (found[1] or b"")  # what the worker has begun in JSON is not begun again
    assert store.load.in_use == 0


def test_a_worker_that_nobody_goes_on_from_is_given_back(app: Flask, begin: Asking) -> None:
    begun = begin(LONG)
    assert _answer(begun) is None
    begun.carried_on(lambda: None)
    assert of(app).store.load.in_use == 0


def test_a_worker_that_is_stopped_at_the_deadline_is_told_of(app: Flask, begin: Asking) -> None:
    begun = begin(ENDLESS, timeout="0.5")
    started = time.monotonic()
    assert _answer(begun) is None
    assert time.monotonic() - started < 10
    told: list[Exception] = []

    def work() -> None:
        try:
            of(app).store.query(Query(ENDLESS, {"solutions": "json"}, None, None, 0.5, "urn:base"))
        except DeadlineError as error:
            told.append(error)

    thread = threading.Thread(target=begun.carried_on, args=(work,))
    thread.start()
    thread.join(5)  # it is not asked a second time
    assert len(told) == 1
    assert of(app).store.load.in_use == 0


def test_answers_of_workers_are_counted_and_logged_like_others(app: Flask, address: str) -> None:
    def counted() -> float:
        text = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        wanted = {"method": "GET", "route": "/sparql", "status": "200"}
        return sum(each.value for each in samples if each.name == "osteo_kg_requests_total" and each.labels == wanted)

    before = counted()
    for _ in range(5):
        assert _of_the_server(address, "/sparql?query=ASK%7B%7D", {"Accept": JSON})[0] == 200
    assert counted() == before + 5


def test_an_index_that_died_has_the_app_again(knowledge_base: KnowledgeBase) -> None:
    app = _app(knowledge_base)
    store = _local(app)
    chosen = choice(of(app))(_scope({"query": "ASK {}"}), b"")
    assert chosen is not None
    store._workers.index.close()
    assert chosen.answered(None, pytest.fail) is not None
    store.close()


@pytest.mark.slow
def test_a_tag_names_one_content_and_no_answer_is_older_than_what_was_acknowledged(app: Flask, address: str) -> None:
    """Clients ask, by GET and by POST, while a number is written again and again."""
    asked = "SELECT ?n { GRAPH <urn:counted> { <urn:it> <urn:is> ?n } }"
    path, posted = (
        f"/sparql?{urlencode({'query': asked})}",
        {"Accept": JSON, "Content-Type": "application/sparql-query"},
    )
    acknowledged, tagged, wrong = [0], dict[str, bytes](), list[tuple[int, bytes]]()
    until = time.monotonic() + 4

    def write() -> None:
        while time.monotonic() < until:
            number = acknowledged[0] + 1
            data = f"INSERT DATA {{ GRAPH <urn:counted> {{ <urn:it> <urn:is> {number} }} }}"
            of(app).store.update(Update(f"CLEAR SILENT GRAPH <urn:counted> ; {data}", 20, "urn:base"))
            acknowledged[0] = number
            time.sleep(0.01)

    def read(*, by_post: bool) -> None:
        while time.monotonic() < until:
            before = acknowledged[0]
            status, headers, body = (
                _of_the_server(address, "/sparql", posted, asked.encode())
                if by_post
                else _of_the_server(address, path, {"Accept": JSON})
            )
            assert status == 200, body
            rows = json.loads(body)["results"]["bindings"]
            if before > (int(rows[0]["n"]["value"]) if rows else 0):
                wrong.append((before, body))
            if not by_post and tagged.setdefault(headers["etag"], body) != body:
                wrong.append((before, body))

    clients = [threading.Thread(target=read, kwargs={"by_post": number == 0}) for number in range(4)]
    for each in (writer := threading.Thread(target=write), *clients):
        each.start()
    for each in (writer, *clients):
        each.join(60)
    assert acknowledged[0] > 5
    assert len(tagged) > 5
    assert wrong == []
