"""Those who trickle, take nothing or break off stand in nobody's way."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from http.client import HTTPResponse
from urllib.parse import quote, urlsplit

import pytest

from benchmarks.crowd import crowd
from tests.support.processes import eventually
from tests.support.results import problem
from tests.support.serving import SPARQL, Answer, Server, serving

pytestmark = [pytest.mark.server, pytest.mark.slow]

WORKERS = 2
THOUSAND = " ".join(map(str, range(1000)))
MILLION = f"SELECT * {{ VALUES ?a {{ {THOUSAND} }} VALUES ?b {{ {THOUSAND} }} }}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--scratch", "--max-queries", str(WORKERS), "--timeout", "60") as running:
        yield running


def _connected(server: Server) -> socket.socket:
    address = urlsplit(server.address)
    return socket.create_connection((address.hostname, address.port), timeout=60)


def _said(server: Server, raw: bytes, *, half_closed: bool = False) -> bytes:
    """Send bytes and give all that comes back until the server hangs up."""
    with _connected(server) as client:
        client.sendall(raw)
        if half_closed:
            with suppress(OSError):  # the server may have ended its side, too
                client.shutdown(socket.SHUT_WR)
        parts = iter(lambda: client.recv(1 << 16), b"")
        return b"".join(parts)


def _answer(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return Answer(int(first.split()[1]), headers, body)


def test_500_clients_that_trickle_their_headers_cost_200_others_no_answer(server: Server) -> None:
    waits = asyncio.run(crowd(server.address + SPARQL, ["ASK {}"], ordinary=200, trickling=500, seconds=5))
    assert waits.lost == []
    assert len(waits.seconds) >= 200


def test_clients_that_take_nothing_give_their_workers_back_to_those_who_wait(server: Server) -> None:
    """As many as there are workers ask for a large result and read none of it; the deadline is far away."""
    request = f"GET {SPARQL}?query={quote(MILLION)} HTTP/1.1\r\nHost: x\r\nAccept: text/csv\r\n\r\n".encode()
    with ExitStack() as held:
        for _ in range(WORKERS):
            client = held.enter_context(_connected(server))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.sendall(request)
        time.sleep(2)
        assert eventually(lambda: server.query("ASK {}").status == 200, 30)


def test_what_a_worker_has_found_does_not_wait_for_those_who_wait_for_a_worker(server: Server) -> None:
    """Both workers are at answers too long for one message of theirs, and more clients wait than there are threads."""
    ten = " ".join(map(str, range(10)))
    names = "abcde"
    values = " ".join(f"VALUES ?{name} {{ {ten} }}" for name in names)
    slow = f"SELECT * {{ {values} }} ORDER BY {' '.join(f'DESC(?{name})' for name in names)} LIMIT 2000"
    with ThreadPoolExecutor(40) as clients:
        found = [clients.submit(server.get, slow) for _ in range(WORKERS)]
        time.sleep(0.1)
        found += [clients.submit(server.get, "ASK {}") for _ in range(35)]
        assert {each.result().status for each in found} == {200}


def test_a_client_of_http_1_0_gets_a_long_result_without_chunks(server: Server) -> None:
    request = f"GET {SPARQL}?query={quote(MILLION)} HTTP/1.0\r\nAccept: text/csv\r\n\r\n".encode()
    answer = _answer(_said(server, request))
    assert answer.status == 200
    assert "transfer-encoding" not in answer.headers
    assert answer.body.count(b"\r\n") == 1_000_001
    assert answer.body.endswith(b"0,999\r\n")


def test_a_client_that_ends_its_side_is_still_answered(server: Server) -> None:
    assert b'"alive"' in _said(server, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n", half_closed=True)


def test_a_query_that_offers_another_protocol_is_read_with_its_body(server: Server) -> None:
    """As Java's client does with every POST, and so Jena."""
    head = (
        f"POST {SPARQL} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        "HTTP2-Settings: AAMAAABkAAQ\r\nContent-Type: application/sparql-query\r\nContent-Length: 6\r\n\r\n"
    )
    answer = _answer(_said(server, head.encode() + b"ASK {}", half_closed=True))
    assert answer.status == 200
    assert answer.json()["boolean"] is True


def test_requests_that_are_sent_together_are_answered_one_by_one(server: Server) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    assert _said(server, request * 5, half_closed=True).count(b'"alive"') == 5


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 400_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 400_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        (b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 400),
    ],
)
def test_what_the_server_in_front_refuses_is_told_as_a_problem(server: Server, raw: bytes, status: int) -> None:
    answer = _answer(_said(server, raw, half_closed=True))
    problem(answer, status)
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_browser_reads_a_page_of_what_the_server_in_front_refuses(server: Server) -> None:
    raw = b"GET /health HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nX: " + b"a" * 400_000 + b"\r\n\r\n"
    answer = _answer(_said(server, raw, half_closed=True))
    assert (answer.status, answer.media) == (431, "text/html")


@pytest.mark.parametrize("framed", [b"Content-Length: 200000000", b"Transfer-Encoding: chunked"])
def test_a_body_that_is_too_large_is_refused_with_a_problem_while_it_is_sent(server: Server, framed: bytes) -> None:
    head = b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\n" + framed + b"\r\n\r\n"
    part = b" " * (1 << 20)
    chunk = b"%x\r\n%s\r\n" % (len(part), part) if b"chunked" in framed else part
    with _connected(server) as client:
        client.sendall(head)
        for _ in range(70):  # MiB; the limit is 64
            client.sendall(chunk)
        refusal = HTTPResponse(client)
        refusal.begin()
        headers = {name.lower(): value for name, value in refusal.getheaders()}
        problem(Answer(refusal.status, headers, refusal.read()), 413)
