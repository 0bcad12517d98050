"""A SPARQL 1.1 store of somebody else's: queries are passed on within the limits, writes are sent as updates."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from urllib.parse import quote

import pyoxigraph as ox

from osteo_kg.dataset import GRAPH, check_graphs
from osteo_kg.rdf import Head, page_of
from osteo_kg_server.errors import NotOfferedError, ProtectedError, StoreUnavailableError
from osteo_kg_server.settings import Limits
from osteo_kg_server.store import query_guard, remote_endpoint
from osteo_kg_server.store.base import DEFAULT_GRAPH, WHOLE, Change, Load, Query, StoreAnswer, Update
from osteo_kg_server.store.remote_endpoint import Endpoint, Fields, Remote, additions, nameless_again, written
from osteo_kg_server.store.update_targets import touched

NOTES = GRAPH + "notes"
_VALUE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#value"
_REWRITTEN = 64 << 20  # bytes of a graph that is turned into another format
_OPERATIONS = 20  # of one request that loads knowledge
#: The ways of asking a store for the union of its graphs: nothing (it is so already), and Oxigraph's parameter.
_UNIONS: tuple[dict[str, str], ...] = ({}, {"union-default-graph": "true"})


class RemoteStore:
    """A store that another service keeps.

    Args:
        fixed: graphs that are written to it at the start, and never by clients.
        remote: where it is.
        limits: what a client may use.
        scratch: serve it as it is, without graphs of our own.

    Raises:
        StoreUnavailableError: it does not answer, or cannot have the union of its graphs as default graph.
        UsageError: there is no such address.
    """

    def __init__(
        self,
        fixed: Mapping[str, Sequence[ox.Triple]],
        remote: Remote,
        *,
        limits: Limits | None = None,
        scratch: bool = False,
    ) -> None:
        self._fixed, self._scratch, self._limits = dict(fixed), scratch, limits or Limits()
        self._endpoint = Endpoint(remote, self._limits)
        self._writing = threading.Lock()
        self._union: dict[str, str] = {}
        self.protected = frozenset() if scratch else frozenset({*fixed, NOTES})
        if scratch:
            self._endpoint.holds("ASK { }")
        else:
            self._begin()

    @property
    def generation(self) -> str:
        """Name the present content: others may write to it, so that no name is given twice."""
        return uuid.uuid4().hex

    @property
    def union(self) -> bool:
        """Say whether the default graph of a query is the union of all graphs."""
        return not self._scratch

    @property
    def load(self) -> Load:
        """Say how many requests are under way."""
        return self._endpoint.load

    def check(self) -> None:
        """Pass where the store answers."""
        self._endpoint.holds("ASK { }")

    def names(self) -> list[str]:
        """Give the names of the graphs, sorted; those that are empty only where the store knows of them."""
        found = self._endpoint.rows("SELECT ?g { GRAPH ?g { } }")
        if not any(found):  # some stores bind nothing here
            found = self._endpoint.rows("SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }")
        return sorted({row["g"] for row in found if "g" in row} - {NOTES})

    def exists(self, graph: str) -> bool:
        """Say whether there is such a graph."""
        return (
            graph == DEFAULT_GRAPH
            or self._endpoint.holds(f"ASK {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}")
            or graph in self.names()
        )

    def size(self, graph: str) -> int:
        """Give the number of triples of a graph."""
        [row] = self._endpoint.rows(f"SELECT (COUNT(*) AS ?n) {{ {_of(graph)} }}")
        return int(row["n"])

    def sizes(self) -> dict[str, int]:
        """Give the number of triples of every graph, the one without a name included where it is not their union."""
        found = self._endpoint.rows("SELECT ?g (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } } GROUP BY ?g")
        sizes = {row["g"]: int(row["n"]) for row in found if "g" in row}
        return sizes if self.union else {**sizes, DEFAULT_GRAPH: self.size(DEFAULT_GRAPH)}

    def triples(self, graph: str) -> Iterator[ox.Triple]:
        """Give the triples of a graph as the store has them."""
        text = f"CONSTRUCT {{ ?s ?p ?o }} WHERE {{ {_of(graph)} }}"
        lines = self._endpoint.result(text, "ntriples", {}).decode("utf-8")
        for quad in ox.parse(lines, format=ox.RdfFormat.N_TRIPLES):
            yield nameless_again(quad.triple)

    def query(self, query: Query) -> StoreAnswer:
        """Answer a query."""
        query_guard.check_text(query.text, self._limits.query_bytes, self._limits)
        head = query_guard.head_of(query)
        kind = query_guard.kind_of(head)
        format_name = query.formats.get(kind)
        if format_name is None:
            raise NotOfferedError(kind)
        self._check_graphs(list(query_guard.graphs_of(query, head)))
        text, fields = query_guard.with_base(query.text, query.base), self._dataset(query, head)
        if kind == "boolean" and format_name != "html":
            return StoreAnswer(
                kind,
                format_name,
                remote_endpoint.boolean(self._endpoint.result(text, "json", fields, query.seconds), format_name),
            )
        if format_name == "html":
            return StoreAnswer(kind, format_name, self._as_page(text, query, head, fields))
        if format_name == "jsonld":
            return StoreAnswer(kind, format_name, self._as_json_ld(text, fields, query.seconds))
        with ExitStack() as held:
            reply = held.enter_context(self._endpoint.asked(text, format_name, fields, query.seconds))
            parts: list[bytes] = []
            coming = self._endpoint.limited(reply, format_name, parts)
            if all(count < WHOLE for count in coming):
                return StoreAnswer(kind, format_name, b"".join(parts))
            going_on = held.pop_all()
            return StoreAnswer(kind, format_name, None, _rest(parts, coming, going_on), going_on.close)

    def update(self, update: Update) -> None:
        """Carry out an update: as whole as the store makes one request."""
        query_guard.check_text(update.text, self._limits.upload_bytes, self._limits)
        if self.protected:
            self._check_touched(touched(update.text, update.base))
        with self._writing:
            self._endpoint.send(query_guard.with_base(update.text, update.base), update.seconds)

    def change(self, decide: Callable[[], Change], *, trusted: bool = False) -> None:
        """Write what `decide` says, in one request, while nobody else writes through this service."""
        with self._writing:
            change = decide()
            if not trusted:
                self._refuse_protected(change.graphs)
            self._endpoint.send(written(self._without_knowledge(change)))

    def note(self, name: str) -> str | None:
        """Give what was noted under a name."""
        found = self._endpoint.rows(f"SELECT ?text {{ GRAPH <{NOTES}> {{ <{_note(name)}> <{_VALUE}> ?text }} }}")
        return found[0]["text"] if found else None

    def set_note(self, name: str, text: str) -> None:
        """Note a text under a name, in a graph of its own."""
        with self._writing:
            self._endpoint.send(_noted(name, text))

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    def _begin(self) -> None:
        """Write the knowledge where it is not, and find out how to ask for the union of all graphs."""
        self.set_note("union", "seen")
        for name, triples in self._fixed.items():
            self._load(name, triples)
        for way in _UNIONS:
            if self._endpoint.holds(f"ASK {{ <{_note('union')}> ?p ?o }}", way):
                self._union = way
                return
        raise StoreUnavailableError(
            "The default graph of the store is not the union of its graphs.",
            advice="Configure it to be, or serve the store as it is with --scratch.",
        )

    def _load(self, name: str, triples: Sequence[ox.Triple]) -> None:
        """Write a graph of the knowledge in several requests; only after the last is it noted to be there."""
        digest = _digest(triples)
        if self.note(name) != digest:
            self._load_anew(name, triples, digest)

    def _load_anew(self, name: str, triples: Sequence[ox.Triple], digest: str) -> None:
        self._endpoint.send(f"DROP SILENT GRAPH <{name}> ;\n{_noted(name, 'being written')}")
        waiting = additions(name, triples)
        while operations := list(islice(waiting, _OPERATIONS)):
            self._endpoint.send(" ;\n".join(operations))
        self._endpoint.send(_noted(name, digest))

    def _as_json_ld(self, text: str, fields: Fields, seconds: float) -> bytes:
        """Write JSON-LD here: Virtuoso leaves languages out of its own."""
        lines = self._endpoint.result(text, "ntriples", fields, seconds, _REWRITTEN)
        return ox.serialize(ox.parse(lines, format=ox.RdfFormat.N_TRIPLES), format=ox.RdfFormat.JSON_LD) or b""

    def _as_page(self, text: str, query: Query, head: Head, fields: Fields) -> bytes:
        """Give what a page shows of a result."""
        kind = query_guard.kind_of(head)
        if kind == "graph":
            lines = self._endpoint.result(text, "ntriples", fields, query.seconds, _REWRITTEN)
            triples = (quad.triple for quad in ox.parse(lines, format=ox.RdfFormat.N_TRIPLES))
            return json.dumps(page_of(triples, (), query.first)).encode()
        found = self._endpoint.result(text, "json", fields, query.seconds, _REWRITTEN)
        whole = remote_endpoint.boolean(found, "json") if kind == "boolean" else found
        solutions = ox.parse_query_results(whole, ox.QueryResultsFormat.JSON)
        return json.dumps(page_of(solutions, head.columns, query.first)).encode()

    def _without_knowledge(self, change: Change) -> Change:
        """Have graphs of the knowledge that are to be emptied hold what it states; give the rest of a change."""
        for name in change.cleared & self._fixed.keys():
            if self.size(name) != len(set(self._fixed[name])):
                self._load_anew(name, self._fixed[name], _digest(self._fixed[name]))
        return dataclasses.replace(change, cleared=change.cleared - self._fixed.keys())

    def _check_graphs(self, names: list[str]) -> None:
        """Refuse graphs that are not there: some stores fetch them, and others look into files."""
        check_graphs(names, {name for name in names if self.exists(name)})

    def _check_touched(self, graphs: frozenset[str] | None) -> None:
        if graphs is None:
            raise ProtectedError(
                "It cannot be told from the text which graphs this update writes to, and some are read only.",
                advice="Name each of them by its IRI.",
            )
        self._refuse_protected(graphs)

    def _refuse_protected(self, names: set[str] | frozenset[str]) -> None:
        if found := sorted(names & self.protected):
            raise ProtectedError(
                f"<{found[0]}> cannot be changed, and so nothing was.",
                advice="The graphs of the knowledge are read only: write to others.",
            )

    def _dataset(self, query: Query, head: Head) -> dict[str, Sequence[str]]:
        given = {"default-graph-uri": query.default_graphs, "named-graph-uri": query.named_graphs}
        fields: dict[str, Sequence[str]] = {name: graphs for name, graphs in given.items() if graphs}
        whole = self.union and not fields and not head.dataset
        return {name: (value,) for name, value in self._union.items()} if whole else fields


def _rest(parts: list[bytes], coming: Iterator[int], held: ExitStack) -> Iterator[bytes]:
    """Give a long result bit by bit; where it cannot be ended the error goes through, and the client is cut off."""
    with held:
        yield b"".join(parts)
        parts.clear()
        for _ in coming:
            yield parts.pop()


def _of(graph: str) -> str:
    return f"GRAPH <{graph}> {{ ?s ?p ?o }}" if graph else "?s ?p ?o"


def _note(name: str) -> str:
    return f"{NOTES}#{quote(name, safe='')}"


def _noted(name: str, text: str) -> str:
    node = ox.NamedNode(_note(name))
    before = f"DELETE WHERE {{ GRAPH <{NOTES}> {{ {node} <{_VALUE}> ?text }} }}"
    return f"{before} ;\nINSERT DATA {{ GRAPH <{NOTES}> {{ {node} <{_VALUE}> {ox.Literal(text)} }} }}"


def _digest(triples: Sequence[ox.Triple]) -> str:
    """Name what a graph says, whatever its nameless nodes are called."""
    dataset = ox.Dataset(ox.Quad(each.subject, each.predicate, each.object) for each in triples)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.UNSTABLE)
    lines = sorted(str(quad) for quad in dataset)
    return hashlib.blake2b("\n".join(lines).encode("utf-8"), digest_size=16).hexdigest()
