"""What every store offers: queries, updates and graphs, with the limits and the errors of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import pyoxigraph as ox

from osteo_kg.rdf import ResultKind

DEFAULT_GRAPH = ""  # the name of the graph that has none
WHOLE = 4 << 20  # bytes of a result that is sent whole, with its length, and can still turn into an error


@dataclass(frozen=True, slots=True)
class Query:
    """A query as the protocol has it (SPARQL 1.1 Protocol section 2.1).

    Attributes:
        text: the query.
        formats: for each kind of result the format wanted; a kind that is not in it is not accepted.
        default_graphs: graphs of its default graph, in the place of its own clauses; None for no such wish.
        named_graphs: its named graphs, likewise.
        seconds: its deadline.
        base: the IRI that relative IRIs are resolved against.
        first: the row that a page begins with, counted from 0.
    """

    text: str
    formats: Mapping[str, str]
    default_graphs: tuple[str, ...] | None
    named_graphs: tuple[str, ...] | None
    seconds: float
    base: str
    first: int = 0


@dataclass(frozen=True, slots=True)
class Update:
    """An update as the protocol has it (SPARQL 1.1 Protocol section 2.2), its graphs already in its text.

    Attributes:
        text: the update.
        seconds: its deadline.
        base: the IRI that relative IRIs are resolved against.
    """

    text: str
    seconds: float
    base: str


@dataclass(frozen=True, slots=True)
class Load:
    """How much of what evaluates is taken.

    Attributes:
        in_use: workers that are at a query or an update.
        idle: workers that wait for one.
    """

    in_use: int
    idle: int


@dataclass(frozen=True, slots=True)
class StoreAnswer:
    """The result of a query in the format wanted: whole in `body`, or bit by bit in `chunks`.

    Chunks that are not all of the result end with an error.

    Attributes:
        kind: what kind of result it is.
        form: the format it is written in.
        body: the whole result, where it is small enough.
        chunks: the result bit by bit, where it is not.
        close: lets go of what the chunks come from, be they taken or not.
        generation: the content that it was found in; None where that is not known.
    """

    kind: ResultKind
    format_name: str
    body: bytes | None
    chunks: Iterator[bytes] = field(default_factory=lambda: iter(()))
    close: Callable[[], None] = lambda: None
    generation: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A write to whole graphs and statements, done all or not at all.

    Attributes:
        cleared: graphs to empty first; they stay, if empty, where they are also in `created`. What the knowledge
            states stays.
        removed: statements to take away, by graph.
        added: statements to add, by graph, as they are written.
        created: graphs that are there afterwards, be they empty.
    """

    cleared: frozenset[str] = frozenset()
    removed: Mapping[str, Iterable[ox.Triple]] = field(default_factory=dict)
    added: Mapping[str, Iterable[ox.Triple]] = field(default_factory=dict)
    created: frozenset[str] = frozenset()

    @property
    def graphs(self) -> set[str]:
        """Every graph that is written to."""
        return {*self.cleared, *self.removed, *self.added, *self.created}


class Queries(Protocol):
    """A dataset that answers SPARQL."""

    @property
    def generation(self) -> str:
        """Name the present content: another name after every write, and never one given before."""

    def query(self, query: Query) -> StoreAnswer:
        """Answer a query.

        Raises:
            QueryError: the query is not SPARQL, or reaches outside.
            NotOfferedError: the result has none of the formats accepted.
            DeadlineError: it took too long.
            TooLargeError: text, result or memory are too large.
            BusyError: there was no worker for it.
        """


class Store(Queries, Protocol):
    """A dataset that answers SPARQL and can be written to. Its methods may be called from several threads."""

    @property
    def union(self) -> bool:
        """Say whether the default graph of a query is the union of all graphs."""

    @property
    def protected(self) -> frozenset[str]:
        """Give the graphs that a client cannot change."""

    @property
    def load(self) -> Load:
        """Say how much of what evaluates is taken."""

    def check(self) -> None:
        """Pass where queries are answered; a store that is only busy does answer.

        Raises:
            BusyError: it is being built, or was while this waited.
            StoreUnavailableError: it does not answer.
        """

    def names(self) -> list[str]:
        """Give the names of the graphs that are there, the one without a name left out, sorted."""

    def exists(self, graph: str) -> bool:
        """Say whether there is such a graph."""

    def size(self, graph: str) -> int:
        """Give the number of triples of a graph."""

    def sizes(self) -> dict[str, int]:
        """Give the number of triples of every graph, the one without a name included."""

    def triples(self, graph: str) -> Iterator[ox.Triple]:
        """Give the triples of a graph as they were written."""

    def update(self, update: Update) -> None:
        """Carry out an update: whole, or not at all.

        Raises:
            QueryError: the update is not SPARQL, or reaches outside.
            ProtectedError: it would change a graph that is read only.
            DeadlineError: it took too long.
            TooLargeError: text or memory are too large.
            BusyError: there was no worker for it.
        """

    def change(self, decide: Callable[[], Change], *, trusted: bool = False) -> None:
        """Write what `decide` says while nobody else writes; `trusted` for what the service itself writes.

        Raises:
            ProtectedError: the change is not trusted and touches a graph that is read only.
        """

    def note(self, name: str) -> str | None:
        """Give what was noted under a name, beside the graphs."""

    def set_note(self, name: str, text: str) -> None:
        """Note a text under a name, beside the graphs."""

    def close(self) -> None:
        """Let go of files and processes."""
