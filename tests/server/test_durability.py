"""What a server on disk acknowledged is there after any crash; what it did not is there whole or not at all."""

from __future__ import annotations

import http.client
import itertools
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyoxigraph as ox
import pytest

from tests.support.processes import eventually, family, living, needs_proc
from tests.support.serving import Server, graph_path, kill, refused, serving

pytestmark = pytest.mark.server


ROUNDS = 10
XSD = "http://www.w3.org/2001/XMLSchema#"
#: Literals that some stores write anew in another form, as they were written.
LITERALS = (
    ("1.50", "decimal"),
    ("007", "integer"),
    ("1", "nonNegativeInteger"),
    ("+1", "long"),
    ("1.0E0", "double"),
    ("PT60S", "dayTimeDuration"),
    ("2026-11-22T24:00:00", "dateTime"),
    ("2026-11-22T00:00:00Z", "dateTimeStamp"),
    ("1", "boolean"),
    ("half", "decimal"),
)
FAITHFUL = "".join(f'<http://e/s> <http://e/p> "{text}"^^<{XSD}{kind}> .\n' for text, kind in LITERALS)


@dataclass
class Written:
    """What one writer sent, and what of it was acknowledged."""

    write: Callable[[Server, int], int]
    sent: set[int] = field(default_factory=set)
    acknowledged: set[int] = field(default_factory=set)

    def run(self, server: Server, numbers: Iterator[int], done: threading.Event) -> None:
        """Write one number after the other until the server is gone."""
        with suppress(OSError, http.client.HTTPException):
            while not done.is_set():
                number = next(numbers)
                self.sent.add(number)
                status = self.write(server, number)
                assert status < 300, status
                self.acknowledged.add(number)


def _insert_a_pair(server: Server, number: int) -> int:
    node = f"<http://e/pair/{number}>"
    return server.update(
        f"INSERT DATA {{ {node} <http://e/first> {number} . {node} <http://e/second> {number} }}"
    ).status


def _replace_a_graph(server: Server, number: int) -> int:
    return server.put(
        "http://e/replaced", f"<http://e/a> <http://e/p> {number} . <http://e/b> <http://e/p> {number} ."
    ).status


def _move_two_counters(server: Server, number: int) -> int:
    return server.update(
        "DELETE { ?counter <http://e/count> ?before }"
        f" INSERT {{ <http://e/left> <http://e/count> {number} . <http://e/right> <http://e/count> {number} }}"
        " WHERE { OPTIONAL { ?counter <http://e/count> ?before } }"
    ).status


@contextmanager
def _writing(server: Server, writers: list[Written], numbers: Iterator[int]) -> Iterator[None]:
    done = threading.Event()
    threads = [threading.Thread(target=writer.run, args=(server, numbers, done)) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _integers(server: Server, pattern: str) -> list[tuple[int, ...]]:
    return [tuple(int(value or -1) for value in row) for row in server.rows(pattern)]


def _check_pairs(server: Server, pairs: Written) -> None:
    found = _integers(
        server,
        "SELECT ?first ?second { { ?s <http://e/first> ?first OPTIONAL { ?s <http://e/second> ?second } }"
        " UNION { ?s <http://e/second> ?second FILTER NOT EXISTS { ?s <http://e/first> ?any } } }",
    )
    assert {pair for pair in found if pair[0] != pair[1]} == set()
    numbers = {first for first, _ in found}
    assert pairs.acknowledged - numbers == set()
    assert numbers - pairs.sent == set()


def _check_last(server: Server, pattern: str, written: Written) -> None:
    """What is replaced each time holds one number: the last acknowledged, or one sent after it."""
    found = _integers(server, pattern)
    if not found:
        assert not written.acknowledged
        return
    assert len(found) == 2, found
    assert found[0] == found[1]
    [number] = found[0]
    assert number in written.sent
    assert number >= max(written.acknowledged, default=0)


def test_every_acknowledged_write_survives_ten_kills_and_none_is_there_in_part(tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    moments = random.Random(2026)
    numbers = itertools.count(1)
    writers = [Written(_insert_a_pair), Written(_replace_a_graph), Written(_move_two_counters)]
    for _ in range(ROUNDS):
        with serving("--scratch", "--store", store) as server:
            _check(server, writers)
            with _writing(server, writers, numbers):
                time.sleep(moments.uniform(0.05, 1))
                kill(server.process)
    with serving("--scratch", "--store", store) as server:
        _check(server, writers)
    assert [len(writer.acknowledged) >= ROUNDS for writer in writers] == [True] * 3
    print("acknowledged:", [len(writer.acknowledged) for writer in writers])


def _check(server: Server, writers: list[Written]) -> None:
    pairs, replaced, counters = writers
    _check_pairs(server, pairs)
    _check_last(server, "SELECT ?n { GRAPH <http://e/replaced> { ?s <http://e/p> ?n } }", replaced)
    _check_last(server, "SELECT ?n { ?counter <http://e/count> ?n }", counters)


def test_what_is_kept_is_there_after_an_orderly_end_too(tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    with serving("--scratch", "--store", store) as server:
        assert server.update("INSERT DATA { <http://e/s> <http://e/p> 'kept' }").status < 300
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=20) in {0, -signal.SIGTERM}
    with serving("--scratch", "--store", store) as server:
        assert server.asks("ASK { <http://e/s> <http://e/p> 'kept' }")


def test_a_second_server_of_the_same_store_is_refused_with_a_sentence(tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    with serving("--scratch", "--store", store) as server:
        said = refused("--scratch", "--store", store)
        assert said.returncode == 2, said.stderr
        assert store in said.stderr
        assert said.stderr.strip().endswith(".")
        assert "Traceback" not in said.stderr
        assert server.asks("ASK {}")


def _faithful(server: Server, iri: str) -> set[tuple[str, str]]:
    answer = server.send("GET", graph_path(iri), None, {"Accept": "application/n-triples"})
    assert answer.status == 200
    values = [quad.object for quad in ox.parse(answer.body, format=ox.RdfFormat.N_TRIPLES)]
    return {(value.value, value.datatype.value.removeprefix(XSD)) for value in values if isinstance(value, ox.Literal)}


@pytest.mark.parametrize("media", ["text/turtle", "application/n-triples"])
def test_literals_come_back_as_they_were_written_also_after_a_crash(tmp_path: Path, media: str) -> None:
    store = str(tmp_path / "store")
    with serving("--scratch", "--store", store) as server:
        assert server.put("http://e/g", FAITHFUL, media).status == 201
        assert _faithful(server, "http://e/g") ^ set(LITERALS) == set()
        kill(server.process)
    with serving("--scratch", "--store", store) as server:
        assert _faithful(server, "http://e/g") ^ set(LITERALS) == set()


@needs_proc
@pytest.mark.parametrize("busy", [False, True])
def test_no_process_of_a_server_outlives_it(tmp_path: Path, busy: bool) -> None:
    with serving("--scratch", "--store", str(tmp_path / "store")) as server:
        assert server.asks("ASK {}")
        others = family(server.process.pid) - {server.process.pid}
        with _asked_something_long(server) if busy else nullcontext():
            os.kill(server.process.pid, signal.SIGKILL)  # this one alone: nobody tells the others
            server.process.wait()
            assert eventually(lambda: not living(others), 5), living(others)


@contextmanager
def _asked_something_long(server: Server) -> Iterator[None]:
    values = " ".join(map(str, range(1000)))
    long = "SELECT (COUNT(*) AS ?n) { " + " ".join(f"VALUES ?{name} {{ {values} }}" for name in "abc") + " }"

    def ask() -> None:
        with suppress(OSError, http.client.HTTPException):
            server.query(long)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.5)
    yield
    thread.join()


@needs_proc
def test_the_store_is_free_as_soon_as_its_server_is_dead(tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    with serving("--scratch", "--store", store) as server:
        os.kill(server.process.pid, signal.SIGKILL)  # this one alone: a process it started may still hold the store
        server.process.wait()
        with serving("--scratch", "--store", store) as next_server:
            assert next_server.asks("ASK {}")
