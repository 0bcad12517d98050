"""How fast SPARQL is answered beside other servers: `python -m benchmarks.service`, after `pip install '.[bench]'`.

Every server holds the same 100,000 triples and is asked in turn, round after round, so that what else the machine does
falls on all of them alike; the median of the rounds counts, and only ratios mean something. The report is Markdown.
"""

from __future__ import annotations

import os
import random
import statistics
import threading
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import click

from benchmarks.load import Rate, load
from benchmarks.peers import SERVERS, Running, all_running, ask

PERSONS = 10_000
CONNECTIONS = 8
_JSON, _CSV = "application/sparql-results+json", "text/csv"
_MEBIBYTE = 1 << 20
_PREFIX = "PREFIX x: <http://example.org/> "
_SAMPLE = random.Random(1).sample(range(PERSONS), 1000)
#: Queries of each kind; the servers are to agree on the number of rows of the first.
WORKLOADS = {
    "point": [f"SELECT ?p ?o {{ <http://example.org/person/{n}> ?p ?o }}" for n in _SAMPLE],
    "aggregate": [
        _PREFIX + "SELECT ?d (COUNT(?s) AS ?n) (AVG(?age) AS ?mean) { ?s x:department ?d ; x:age ?age } GROUP BY ?d"
    ],
    "join": [
        _PREFIX + f"SELECT ?name {{ <http://example.org/person/{n}> x:knows ?a . ?a x:knows ?b ."
        " ?b x:name ?name ; x:age ?age FILTER (?age > 40) } LIMIT 50"
        for n in _SAMPLE
    ],
    "10,000 rows": [_PREFIX + "SELECT ?s ?name { ?s x:name ?name } LIMIT 10000"],
}
_MILLION = _PREFIX + (
    "SELECT ?a ?b { { SELECT ?a { ?a a x:Person } LIMIT 100 } { SELECT ?b { ?b a x:Person } LIMIT 10000 } }"
)
Measured = dict[tuple[str, str], list["Figure"]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement: what was answered, and what the server computed for it."""

    rate: Rate
    cpu_seconds: float

    @property
    def milliseconds(self) -> float:
        """Milliseconds of a processor for each answer."""
        return 1000 * self.cpu_seconds / max(self.rate.answers, 1)


@dataclass(frozen=True, slots=True)
class Large:
    """How a large result came: when it began and ended, how much it was, and what the server took for it."""

    first: float
    last: float
    mebibytes: float
    lines: int
    memory: float


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Rounds; their median counts.")
@click.option("--seconds", default=2.0, show_default=True, help="Seconds of one measurement.")
@click.option("--server", "servers", type=click.Choice(list(SERVERS)), multiple=True, help="Only these servers.")
def main(rounds: int, seconds: float, servers: tuple[str, ...]) -> None:
    """Measure, and print the report."""
    with all_running("\n".join(triples()) + "\n", servers or tuple(SERVERS)) as running:
        check(running)
        measured = measure(running, rounds, seconds)
        for line in throughput(running, measured):
            click.echo(line)
        for line in large_results(running):
            click.echo(line)


def triples() -> Iterator[str]:
    """Write 10,000 persons with ten triples each as N-Triples."""
    chance, base, integer = random.Random(0), "http://example.org/", "http://www.w3.org/2001/XMLSchema#integer"
    for number in range(PERSONS):
        person = f"<{base}person/{number}>"
        yield f"{person} <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{base}Person> ."
        yield f'{person} <{base}name> "Person {number}" .'
        yield f'{person} <{base}mail> "person{number}@example.org" .'
        yield f'{person} <{base}age> "{chance.randrange(18, 90)}"^^<{integer}> .'
        yield f'{person} <{base}salary> "{chance.randrange(1000, 9000)}"^^<{integer}> .'
        yield f"{person} <{base}department> <{base}department/{number % 50}> ."
        yield f"{person} <{base}city> <{base}city/{chance.randrange(200)}> ."
        for known in chance.sample(range(PERSONS), 3):
            yield f"{person} <{base}knows> <{base}person/{known}> ."


def check(running: list[Running]) -> None:
    """See that all servers answer the same number of rows."""
    for name, queries in WORKLOADS.items():
        counts = {server.name: ask(server.url, queries[0], _CSV).count(b"\n") for server in running}
        if len(set(counts.values())) != 1:
            raise SystemExit(f"The servers do not agree on {name}: {counts}.")


def measure(running: list[Running], rounds: int, seconds: float) -> Measured:
    """Ask every server in turn, round after round."""
    measured: Measured = defaultdict(list)
    for _ in range(rounds):
        for name, queries in WORKLOADS.items():
            for server in running:
                before = server.cpu()
                rate = load(server.url, queries, seconds=seconds, connections=CONNECTIONS)
                measured[server.name, name].append(Figure(rate, server.cpu() - before))
    return measured


def throughput(running: list[Running], measured: Measured) -> Iterator[str]:
    """Tell the answers a second, the ratio to each peer, and what was computed."""
    yield f"{PERSONS * 10:,} triples, {CONNECTIONS} connections, {os.cpu_count()} processors; answers a second, in"
    yield "brackets the milliseconds of processor an answer took the server, and the share of one the client took."
    yield ""
    yield from _table(
        ["server", *WORKLOADS, "MiB"],
        [
            [server.name, *(_figure(measured[server.name, name]) for name in WORKLOADS), f"{server.memory():.0f}"]
            for server in running
        ],
    )
    names = [server.name for server in running]
    pairs = [(one, other) for one in names if "osteo-kg" in one for other in names if "osteo-kg" not in other]
    yield from _table(
        ["ratio", *WORKLOADS],
        [[f"{one} to {other}", *(_ratio(measured, one, other, name) for name in WORKLOADS)] for one, other in pairs],
    )


def large_results(running: list[Running]) -> Iterator[str]:
    """Tell how a result of 1,000,000 rows comes from each server."""
    rows = []
    for server in running:
        try:
            found = large(server)
        except (OSError, urllib.error.URLError) as error:
            rows.append([server.name, f"none: {error}", "", "", "", ""])
            continue
        whole = "whole" if found.lines == 1_000_001 else f"{found.lines - 1:,} rows only"
        figures = (f"{found.first:.2f} s", f"{found.last:.1f} s", f"{found.mebibytes:.0f}", f"{found.memory:+.0f}")
        rows.append([server.name, whole, *figures])
    yield from _table(["1,000,000 rows (CSV)", "", "first byte", "last byte", "MiB sent", "MiB at most beside"], rows)


def large(server: Running) -> Large:
    """Read a large result as fast as it comes, and look at the server's memory meanwhile."""
    request = urllib.request.Request(f"{server.url}?{urlencode({'query': _MILLION})}", headers={"Accept": _CSV})
    before, first, size, lines = server.memory(), 0.0, 0, 0
    start = time.perf_counter()
    with memory_watched(server) as most, urllib.request.urlopen(request, timeout=300) as response:
        while piece := response.read1(_MEBIBYTE):
            first = first or time.perf_counter() - start
            size += len(piece)
            lines += piece.count(b"\n")
        last = time.perf_counter() - start
    return Large(first, last, size / _MEBIBYTE, lines, max(most, default=before) - before)


@contextmanager
def memory_watched(server: Running) -> Iterator[list[float]]:
    """Collect what a server holds while the block runs."""
    seen: list[float] = []
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            seen.append(server.memory())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def _figure(figures: list[Figure]) -> str:
    own = statistics.median(each.rate.own_share for each in figures)
    return f"{_median(figures):,.3g} ({statistics.median(each.milliseconds for each in figures):.2g}; {own:.0%})"


def _ratio(measured: Measured, one: str, other: str, name: str) -> str:
    return f"{_median(measured[one, name]) / _median(measured[other, name]):.2g}"


def _median(figures: list[Figure]) -> float:
    return statistics.median(each.rate.per_second for each in figures)


def _table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    for cells in (head, ["---"] * len(head), *rows):
        yield f"| {' | '.join(cells)} |"
    yield ""


if __name__ == "__main__":
    main()
