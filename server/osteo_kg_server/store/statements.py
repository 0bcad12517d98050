"""The statements of the graphs that can be written, as they were written, in SQLite: in memory, or on disk.

The index rewrites literals (`"1.50"` becomes `1.5`), so each statement is kept in both forms: what is removed is found
by the form of the index, and what is handed out is the form that was written. SQLite makes a write whole or not at
all, and a commit outlives the process.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from pathlib import Path

import pyoxigraph as ox

from osteo_kg_server.errors import StoreUnavailableError

_FILE, _FORMAT = "statements.sqlite", 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS graph (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS statement (
    graph TEXT NOT NULL, indexed TEXT NOT NULL, written TEXT NOT NULL, PRIMARY KEY (graph, indexed, written)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
"""
_ANY, _STRING = ox.NamedNode("urn:any"), ox.NamedNode("http://www.w3.org/2001/XMLSchema#string")
_PAGE = 10_000  # statements read at a time


class Statements:
    """Graphs and their statements, written by one thread at a time.

    Args:
        folder: where to keep them; None for memory only.

    Raises:
        StoreUnavailableError: another process has them, or they cannot be read.
    """

    def __init__(self, folder: Path | None) -> None:
        self._lock = threading.RLock()
        self._database = _opened(folder)

    @contextmanager
    def write(self) -> Iterator[None]:
        """Make what is written within one transaction, which is on disk when this ends."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def graphs(self) -> list[str]:
        """Give the graphs that are there, be they empty."""
        return [name for (name,) in self._rows("SELECT name FROM graph ORDER BY name")]

    def has(self, graph: str) -> bool:
        """Say whether there is such a graph."""
        return bool(self._rows("SELECT 1 FROM graph WHERE name = ?", (graph,)))

    def lines(self, graph: str) -> Iterator[tuple[str, str]]:
        """Give the statements of a graph, each as the index has it and as it was written."""
        indexed, written = "", ""
        while rows := self._rows(
            "SELECT indexed, written FROM statement WHERE graph = ? AND (indexed, written) > (?, ?) LIMIT ?",
            (graph, indexed, written, _PAGE),
        ):
            yield from ((line, other or line) for line, other in rows)
            indexed, written = rows[-1]

    def size(self, graph: str) -> int:
        """Give the number of statements of a graph."""
        [(count,)] = self._rows("SELECT COUNT(*) FROM statement WHERE graph = ?", (graph,))
        return int(count)

    def sizes(self) -> dict[str, int]:
        """Give the number of statements of every graph that has some."""
        return {name: int(count) for name, count in self._rows("SELECT graph, COUNT(*) FROM statement GROUP BY graph")}

    def clear(self, graph: str) -> None:
        """Take all statements of a graph away."""
        self._database.execute("DELETE FROM statement WHERE graph = ?", (graph,))

    def drop(self, graph: str) -> None:
        """Take a graph away."""
        self.clear(graph)
        self._database.execute("DELETE FROM graph WHERE name = ?", (graph,))

    def create(self, graph: str) -> None:
        """Have a graph, be it empty."""
        if graph:
            self._database.execute("INSERT OR IGNORE INTO graph VALUES (?)", (graph,))

    def add(self, graph: str, lines: Iterable[tuple[str, str]]) -> None:
        """Add statements, each as the index has it and as it was written."""
        self.create(graph)
        self._database.executemany(
            "INSERT OR IGNORE INTO statement VALUES (?, ?, ?)",
            ((graph, indexed, "" if written == indexed else written) for indexed, written in lines),
        )

    def remove(self, graph: str, indexed: Iterable[str]) -> None:
        """Take statements away, however they were written."""
        self._database.executemany(
            "DELETE FROM statement WHERE graph = ? AND indexed = ?", ((graph, line) for line in indexed)
        )

    def note(self, name: str) -> str | None:
        """Give what was noted under a name."""
        rows = self._rows("SELECT text FROM note WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def set_note(self, name: str, text: str) -> None:
        """Note a text under a name."""
        self._database.execute("INSERT OR REPLACE INTO note VALUES (?, ?)", (name, text))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._database.close()

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[str, ...]]:
        with self._lock:
            return self._database.execute(query, values).fetchall()


def both_forms(triple: ox.Triple) -> tuple[str, str]:
    """Give a statement as the index has it, and as it is written."""
    written = str(triple)
    value = triple.object
    if isinstance(value, ox.Literal) and (value.datatype != _STRING or value.language):
        return str(ox.Triple(triple.subject, triple.predicate, _in_index(value))), written
    return (str(_through_index(triple)) if isinstance(value, ox.Triple) else written), written


@lru_cache(100_000)
def _in_index(literal: ox.Literal) -> ox.Literal:
    found = _through_index(ox.Triple(_ANY, _ANY, literal)).object
    assert isinstance(found, ox.Literal)
    return found


def _through_index(triple: ox.Triple) -> ox.Triple:
    index = ox.Store()
    index.add(ox.Quad(triple.subject, triple.predicate, triple.object))
    [quad] = index
    found: ox.Triple = quad.triple
    return found


def document(lines: Iterable[str]) -> str:
    """Write statements as N-Triples."""
    return "".join(chain.from_iterable((line, " .\n") for line in lines))


def triples_of(lines: str) -> Iterator[ox.Triple]:
    """Read N-Triples."""
    for quad in ox.parse(lines, format=ox.RdfFormat.N_TRIPLES):
        yield quad.triple


def triple_of(line: str) -> ox.Triple:
    """Read one statement."""
    [triple] = triples_of(line + " .")
    return triple


def _opened(folder: Path | None) -> sqlite3.Connection:
    if folder is None:
        database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        database.executescript(_SCHEMA)
        return database
    try:
        folder.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(folder / _FILE, isolation_level=None, check_same_thread=False, timeout=0)
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("BEGIN EXCLUSIVE")
        database.execute("COMMIT")
        database.executescript(_SCHEMA)
        database.execute(f"PRAGMA user_version = {_FORMAT}")
    except (sqlite3.Error, OSError) as error:
        raise StoreUnavailableError(
            f"The store {folder} cannot be opened: {error}.",
            advice="Another service may have it: stop that one, or name another folder.",
        ) from error
    return database
