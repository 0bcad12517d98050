"""A worker answers short queries by itself; all else is left to the service, which goes on from what has begun."""

from __future__ import annotations

import gzip
import pickle
import select
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask

from osteo_kg import KnowledgeBase
from osteo_kg_server.errors import BusyError, DeadlineError
from osteo_kg_server.service import of
from osteo_kg_server.serving.query_app import QueryApp, choice
from osteo_kg_server.store import LocalStore, Query, Update
from osteo_kg_server.store.worker_request import Begun, HttpAnswer
from tests.support.answering import ASKED, ENDLESS, FOUND, HEADERS, JSON, KNOWLEDGE, LONG, TOKEN, Headers, app_with
from tests.support.processes import eventually
from tests.support.service import PREFIX

pytestmark = pytest.mark.server
Asking = Callable[..., Any]  # gives what a worker has begun


@pytest.fixture(scope="module")
def app(knowledge_base: KnowledgeBase) -> Iterator[Flask]:
    made = app_with(knowledge_base)
    yield made
    of(made).store.close()


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
    app = app_with(knowledge_base, **settings)
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


def test_an_index_that_died_has_the_app_again(knowledge_base: KnowledgeBase) -> None:
    app = app_with(knowledge_base)
    store = _local(app)
    chosen = choice(of(app))(_scope({"query": "ASK {}"}), b"")
    assert chosen is not None
    store._workers.index.close()
    assert chosen.answered(None, pytest.fail) is not None
    store.close()
