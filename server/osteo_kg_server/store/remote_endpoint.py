"""Queries and updates as requests to the two addresses of a remote store, so many at once and within limits."""

from __future__ import annotations

import dataclasses
import html
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any
from urllib.parse import urlencode, urlsplit

import pyoxigraph as ox

from osteo_kg import OsteoError, QueryError, UsageError
from osteo_kg.rdf import SOLUTION_FORMATS, XmlWriter
from osteo_kg_server.errors import BusyError, DeadlineError, StoreUnavailableError, TooLargeError
from osteo_kg_server.http_client import Credentials, Reply, Transport
from osteo_kg_server.settings import Limits
from osteo_kg_server.store.base import DEFAULT_GRAPH, Change, Load
from osteo_kg_server.store.query_guard import LimitedWriter

Fields = Mapping[str, str | Sequence[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Remote:
    """Where a remote store is, and how to show oneself to it.

    Attributes:
        query: the address for queries.
        update: the address for updates; by `query` when None.
        user: a name, where the store wants one.
        password: its password.
    """

    query: str
    update: str | None = None
    user: str | None = None
    password: str | None = None

    @property
    def for_updates(self) -> str:
        """The address for updates: that of queries, `/query` at its end turned into `/update`."""
        if self.update:
            return self.update
        return self.query.removesuffix("/query") + "/update" if self.query.endswith("/query") else self.query

    @property
    def credentials(self) -> Credentials | None:
        """What the store is shown, if anything."""
        return Credentials(self.user, self.password or "") if self.user else None


class Endpoint:
    """What answers the requests of one store.

    Args:
        remote: where it is.
        limits: what a client may use.

    Attributes:
        in_use: how many requests it is at.

    Raises:
        UsageError: there is no such address.
    """

    def __init__(self, remote: Remote, limits: Limits) -> None:
        self._limits = limits
        self._query, self._update = _checked(remote.query), _checked(remote.for_updates)
        self._transport = Transport(tuple({self._query, self._update}), limits.workers, remote.credentials)
        self._free = threading.Semaphore(limits.workers)
        self.in_use = 0

    @property
    def load(self) -> Load:
        """Say how many requests are under way."""
        return Load(in_use=self.in_use, idle=self._limits.workers - self.in_use)

    @contextmanager
    def asked(self, text: str, format_name: str, fields: Fields, seconds: float | None = None) -> Iterator[Reply]:
        """Send a query, as a form, which every store reads; the reply is a result in the format."""
        body = urlencode({"query": text, **fields}, doseq=True).encode("ascii")
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": ACCEPTED[format_name]}
        with self._one_more(), self._transport.post(self._query, body, headers, self._seconds(seconds)) as reply:
            check_result(reply, format_name)
            yield reply

    def limited(self, reply: Reply, format_name: str, parts: list[bytes]) -> Iterator[int]:
        """Read a result into `parts` within the limits; give how many bytes were read so far."""
        limited, count = LimitedWriter(parts.append, format_name, self._limits.rows, self._limits.result_bytes), 0
        writer = XmlWriter(limited.write) if format_name in ("xml", "rdfxml") else limited
        for chunk in reply.chunks():
            count += writer.write(chunk)
            yield count

    def result(
        self, text: str, format_name: str, fields: Fields, seconds: float | None = None, most: int = 2 << 30
    ) -> bytes:
        """Give a whole result, of so many bytes at most."""
        parts: list[bytes] = []
        with self.asked(text, format_name, fields, seconds) as reply:
            for count in self.limited(reply, format_name, parts):
                if count > most:
                    raise TooLargeError(
                        "The result is larger than is allowed.", advice="Ask for less, or as N-Triples."
                    )
        return b"".join(parts)

    def holds(self, text: str, fields: Fields | None = None) -> bool:
        """Answer an `ASK`."""
        return b"true" in boolean(self.result(text, "json", fields or {}), "json")

    def rows(self, text: str) -> list[dict[str, str]]:
        """Answer a `SELECT`: the value of each variable in each solution."""
        return rows(self.result(text, "json", {}))

    def send(self, text: str, seconds: float | None = None) -> None:
        """Send an update, if there is anything in it."""
        if not text:
            return
        headers = {"Content-Type": "application/sparql-update", "Accept": "*/*"}
        body = text.encode("utf-8")
        with self._one_more(), self._transport.post(self._update, body, headers, self._seconds(seconds)) as reply:
            check_status(reply)
            for _ in reply.chunks():
                pass

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _seconds(self, seconds: float | None) -> float:
        return self._limits.seconds if seconds is None else seconds

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        if not self._free.acquire(timeout=self._limits.wait_seconds):
            raise BusyError("Too many queries run at this moment.", advice="Ask again in a little while.")
        self.in_use += 1
        try:
            yield
        finally:
            self.in_use -= 1
            self._free.release()


def _checked(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
        raise UsageError(
            "The address of the store cannot be used.",
            advice="Give http:// or https://, a host and a path; a name and a password have settings of their own.",
        )
    return address


# What a remote store answers, as results and errors of this service.

_JSON, _XML = "application/sparql-results+json", "application/sparql-results+xml"
#: What is asked for to have each format. Of what a query constructs, N-Triples are N-Quads and Turtle is TriG: not
#: every store offers these two.
ACCEPTED = {
    "json": _JSON,
    "xml": _XML,
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "turtle": "text/turtle",
    "trig": "text/turtle",
    "ntriples": "application/n-triples",
    "nquads": "application/n-triples",
    "rdfxml": "application/rdf+xml",
}
_ALSO = {_JSON: "application/json", _XML: "application/xml", "application/n-triples": "text/plain"}
_SENTENCE, _LONGEST = 2000, 300  # bytes of an error that are read, letters of it that are told
_TAG = re.compile(r"<(?:style|script|title)\b.*?</\w+>|<!?/?[A-Za-z][^<>]*>", re.DOTALL | re.IGNORECASE)
_CUT_OFF = ("X-SPARQL-MaxRows", "X-SQL-State", "X-SPARQL-Anytime")
_ADVICE = "Tell whoever runs this service."


def check_status(reply: Reply) -> None:
    """Turn what is no success into an error.

    Raises:
        QueryError: the store refuses the text.
        DeadlineError: it took the store too long.
        BusyError: the store has too much to do.
        TooLargeError: the store takes no such text.
        StoreUnavailableError: the store fails, or does not know the service.
    """
    if reply.status not in (200, 201, 204):
        raise _error(reply)


def check_result(reply: Reply, format_name: str) -> None:
    """Refuse a result that is not in the format asked for, or that the store says it has cut off.

    Raises:
        StoreUnavailableError: it is in another format.
        TooLargeError: it is not whole.
    """
    check_status(reply)
    wanted = ACCEPTED[format_name]
    if (
        reply.media not in (wanted, _ALSO.get(wanted))
        or reply.headers.get("Content-Encoding", "identity") != "identity"
    ):
        raise StoreUnavailableError(
            "The store behind this service answers in another format.", advice="Ask for another."
        )
    if any(name in reply.headers for name in _CUT_OFF):
        raise TooLargeError("The store would give a part of the result only.", advice="Ask for less of it, with LIMIT.")


def boolean(document: bytes, format_name: str) -> bytes:
    """Write the answer to an `ASK` anew: Virtuoso gives it as a table with one row."""
    told = read_json(document)
    found = told["boolean"] if "boolean" in told else [row for row in _rows(told) if "1" in row.values()]
    plain = json.dumps({"head": {}, "boolean": bool(found)})
    result = ox.parse_query_results(plain, format=ox.QueryResultsFormat.JSON)
    return result.serialize(format=SOLUTION_FORMATS[format_name]) or b""


def rows(document: bytes) -> list[dict[str, str]]:
    """Read the values of solutions in JSON."""
    return _rows(read_json(document))


def read_json(document: bytes) -> dict[str, Any]:
    """Read a result in JSON.

    Raises:
        StoreUnavailableError: it is none.
    """
    try:
        told = json.loads(document)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise StoreUnavailableError("The store behind this service answers what is no result.", advice=_ADVICE)
    return told


def _rows(told: dict[str, Any]) -> list[dict[str, str]]:
    try:
        return [{name: str(term["value"]) for name, term in row.items()} for row in told["results"]["bindings"]]
    except (KeyError, TypeError, AttributeError):
        raise StoreUnavailableError(
            "The store behind this service answers what is no result.", advice=_ADVICE
        ) from None


def _error(reply: Reply) -> OsteoError:
    status = reply.status
    if status in (408, 504):
        return DeadlineError("It took the store too long.", advice="Ask for less, or in smaller parts.")
    if status in (429, 503):
        return BusyError("The store behind this service has too much to do.", advice="Ask again in a little while.")
    if status in (413, 414):
        return TooLargeError("The store behind this service takes no such long text.", advice="Send less.")
    if status in (400, 422):
        return QueryError(f"The store refuses this: {_sentence(reply)}.", advice="Correct it there.")
    if status in (401, 403):
        return StoreUnavailableError("The store behind this service does not let it do that.", advice=_ADVICE)
    return StoreUnavailableError(f"The store behind this service fails, with status {status}.", advice=_ADVICE)


def _sentence(reply: Reply) -> str:
    """Give the first paragraph of an error, which tells what is wrong; stores put their stacks and the query below."""
    told = reply.start(_SENTENCE).decode("utf-8", "replace")
    if "<html" in told.lower():
        told = html.unescape(_TAG.sub(" ", told))
    first = re.split(r"\n\s*\n|\n\s*at |SPARQL query:", told.strip())[0]
    words = "".join(letter if letter.isprintable() else " " for letter in first).split()
    return " ".join(words)[:_LONGEST].rstrip(". ") or "it does not say why"


# Changes as text of SPARQL 1.1 Update, nameless nodes included.

NAMELESS = "https://w3id.org/.well-known/genid/osteo-kg/"
_AT_ONCE = 500  # statements of one operation; some stores compile each of them as a program
Triples = Iterable[ox.Triple]


def written(change: Change) -> str:
    """Write a change as one request; nothing where nothing is to be done."""
    return " ;\n".join(_operations(change))


def additions(graph: str, triples: Triples) -> Iterator[str]:
    """Write statements as operations that add them to a graph."""
    return _data("INSERT", graph, triples)


def nameless_again(triple: ox.Triple) -> ox.Triple:
    """Give a statement of the store with its nameless nodes."""
    return ox.Triple(_back(triple.subject), triple.predicate, _back(triple.object))


def _operations(change: Change) -> Iterator[str]:
    for name in sorted(change.cleared):
        what = "DROP" if name and name not in change.created else "CLEAR"
        yield f"{what} SILENT GRAPH <{name}>" if name else "CLEAR SILENT DEFAULT"
    for name, triples in change.removed.items():
        yield from _data("DELETE", name, triples)
    for name in sorted(change.created - {DEFAULT_GRAPH}):
        yield f"CREATE SILENT GRAPH <{name}>"
    for name, triples in change.added.items():
        yield from _data("INSERT", name, triples)


def _data(what: str, graph: str, triples: Triples) -> Iterator[str]:
    remaining = iter(triples)
    while part := list(islice(remaining, _AT_ONCE)):
        lines = " .\n".join(str(_named(triple)) for triple in part)
        yield f"{what} DATA {{ GRAPH <{graph}> {{ {lines} }} }}" if graph else f"{what} DATA {{ {lines} }}"


def _named(triple: ox.Triple) -> ox.Triple:
    if isinstance(triple.subject, ox.BlankNode) or isinstance(triple.object, ox.BlankNode):
        return ox.Triple(_as_iri(triple.subject), triple.predicate, _as_iri(triple.object))
    return triple


def _as_iri(node: Any) -> Any:
    return ox.NamedNode(NAMELESS + node.value) if isinstance(node, ox.BlankNode) else node


def _back(node: Any) -> Any:
    if isinstance(node, ox.NamedNode) and node.value.startswith(NAMELESS):
        return ox.BlankNode(node.value.removeprefix(NAMELESS))
    return node
