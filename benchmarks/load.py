"""A client that keeps several connections busy from one process, and tells how much of it was its own work.

One thread looks after all connections, and an answer is only looked through for its end: a client in Python would
otherwise be slower than the servers it measures.
"""

from __future__ import annotations

import itertools
import multiprocessing
import random
import selectors
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_PIECE = 1 << 18  # bytes


@dataclass(frozen=True, slots=True)
class Rate:
    """How many requests were answered in how many seconds, and the seconds the client itself computed."""

    answers: int
    seconds: float
    own_seconds: float

    @property
    def per_second(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds

    @property
    def own_share(self) -> float:
        """The part of one processor that the client took: near 1, the client is what was measured."""
        return self.own_seconds / self.seconds


class _Line:
    """One connection that is kept alive, and the answer that is on its way."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self.socket = socket.create_connection(address)
        self._received = bytearray()

    def ask(self, request: bytes) -> None:
        self._received.clear()
        self.socket.sendall(request)

    def answered(self) -> bool:
        """Take what has arrived, and tell whether the answer is whole."""
        piece = self.socket.recv(_PIECE)
        if not piece:
            raise ConnectionError(f"closed after {bytes(self._received[:200])!r}")
        self._received += piece
        head_end = self._received.find(_HEAD_END)
        if head_end < 0:
            return False
        if not self._received.startswith(b"HTTP/1.1 200"):
            raise ConnectionError(f"refused: {bytes(self._received[:300])!r}")
        head = bytes(self._received[:head_end]).lower()
        _, found, rest = head.partition(b"content-length:")
        if found:
            return len(self._received) >= head_end + len(_HEAD_END) + int(rest.split(b"\r\n")[0])
        return self._received.endswith(_LAST_CHUNK)


def load(url: str, queries: list[str], *, seconds: float, connections: int) -> Rate:
    """Ask queries in random order for so many seconds, in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_load, url, queries, seconds, connections).result()


def _load(url: str, queries: list[str], seconds: float, connections: int) -> Rate:
    parts = urlsplit(url)
    requests = _requests(parts.netloc, parts.path, queries)
    lines = [_Line((parts.hostname or "", parts.port or 80)) for _ in range(connections)]
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
            line.ask(next(requests))
        rate = _answers(selector, requests, seconds)
    for line in lines:
        line.socket.close()
    return rate


def _answers(selector: selectors.BaseSelector, requests: Iterator[bytes], seconds: float) -> Rate:
    """Ask for so many seconds, and wait for the last answers: the next server is to be measured alone."""
    answers, start, own = 0, time.perf_counter(), time.process_time()
    while selector.get_map():
        for key, _ in selector.select():
            if not key.data.answered():
                continue
            answers += 1
            if time.perf_counter() - start < seconds:
                key.data.ask(next(requests))
            else:
                selector.unregister(key.fileobj)
    return Rate(answers, time.perf_counter() - start, time.process_time() - own)


def _requests(host: str, path: str, queries: list[str]) -> Iterator[bytes]:
    shuffled = random.Random(0).sample(queries, len(queries))
    return itertools.cycle([_request(host, path, query.encode()) for query in shuffled])


def _request(host: str, path: str, query: bytes) -> bytes:
    head = (
        f"GET {path}?query={quote(query)} HTTP/1.1\r\nHost: {host}\r\nAccept: application/sparql-results+json\r\n\r\n"
    )
    return head.encode()
