"""What a worker answers by itself is what the service would have answered, to the last header."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from osteo_kg import KnowledgeBase
from osteo_kg_server.service import of
from osteo_kg_server.serving import query_app
from osteo_kg_server.store import Update
from osteo_kg_server.wsgi import served
from tests.support.answering import ASKED, FOUND, HEADERS, JSON, TOKEN, Headers, app_with
from tests.support.service import PREFIX

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def app(knowledge_base: KnowledgeBase) -> Iterator[Flask]:
    made = app_with(knowledge_base)
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
    app = app_with(knowledge_base, **settings)
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
