"""What is found out about a text before a store gets it: bounds for each, and more for one of somebody else's.

A remote store may understand more than SPARQL 1.1, and may do what it understands.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from osteo_kg import QueryError
from osteo_kg.dataset import check_graphs, stays_inside
from osteo_kg.rdf import Head, ResultKind, depth, has_head_to_read, head, tokens
from osteo_kg_server.errors import TooLargeError
from osteo_kg_server.settings import Limits
from osteo_kg_server.store.base import Query

_KINDS: dict[str, ResultKind] = {"SELECT": "solutions", "ASK": "boolean", "CONSTRUCT": "graph", "DESCRIBE": "graph"}
#: Beside the standard, in Virtuoso: DEFINE and OPTION fetch documents, and functions of SQL do what they like.
_BESIDE, _BESIDE_PREFIXES = ("DEFINE", "OPTION"), ("bif:", "sql:")
_LONGEST_CHARACTER = 4  # bytes of UTF-8
_ESCAPED = re.compile(r"\\u00[0-7][0-9a-f]|\\U000000[0-7][0-9a-f]", re.IGNORECASE)
_NO_IRI = re.compile(r"[<>\"{}|^`\\\x00-\x20]")
_ABSOLUTE = re.compile(r"<[A-Za-z][A-Za-z0-9+.-]*:")


def check_bounds(text: str, most: int, limits: Limits) -> None:
    """Refuse a text that is too long, too deep, or that reaches outside the dataset.

    Raises:
        TooLargeError: it is longer than so many bytes.
        QueryError: it is refused otherwise.
    """
    if len(text) > most or (len(text) * _LONGEST_CHARACTER > most and len(text.encode("utf-8")) > most):
        raise TooLargeError(f"The text is longer than {most} bytes.", advice="Send less, or bit by bit.")
    if sum(map(text.count, "{([")) > limits.depth and depth(text) > limits.depth:
        raise QueryError(f"Brackets stand more than {limits.depth} deep in one another.", advice="Write it flatter.")
    stays_inside(text)


def check_text(text: str, most: int, limits: Limits) -> None:
    """Refuse a text that is out of bounds, or that a store may read as more than SPARQL 1.1.

    Raises:
        TooLargeError: it is too long.
        QueryError: it is refused otherwise.
    """
    check_bounds(text, most, limits)
    if _ESCAPED.search(text):  # where such escapes are read first, they hide keywords and end strings
        raise QueryError("An ASCII character is written as an escape.", advice="Write it as it is.")
    for token in tokens(text):
        means = token.text.lower().lstrip("<").lstrip()
        if token.is_word(*_BESIDE) or (token.kind in ("name", "iri") and means.startswith(_BESIDE_PREFIXES)):
            raise QueryError(f"{token.text.strip('<>')} is not SPARQL 1.1.", advice="Do without it.")


def kind_of(found: Head) -> ResultKind:
    """Say what kind of result a query has.

    Raises:
        QueryError: it is no query.
    """
    if found.form is None:
        raise QueryError("This is not a query of SPARQL 1.1.", advice="Begin it with SELECT, ASK, CONSTRUCT, DESCRIBE.")
    return _KINDS[found.form]


def head_of(query: Query) -> Head:
    """Read the head of a query."""
    return head(query.text, query.base)


def dataset_and_columns(query: Query) -> Head:
    """Read the head of a query, of which the form may be left out."""
    return head_of(query) if has_head_to_read(query.text) else Head(None)


def dataset_of(query: Query, found: Head) -> tuple[Sequence[str] | None, Sequence[str] | None]:
    """Give the graphs of the default graph, and the named ones, that a request or else its query names."""
    if query.default_graphs is not None or query.named_graphs is not None:
        return query.default_graphs, query.named_graphs
    return found.graphs


def evaluation(query: Query, limits: Limits, names: Callable[[], Collection[str]] | None) -> dict[str, Any]:
    """Give what a worker is asked for a query.

    Args:
        query: the query.
        limits: what it may use.
        names: gives the graphs that there are, of which the default graph is the union and no others may be named;
            None where the default graph is one of its own, and a graph that is not there is an empty one.

    Raises:
        QueryError: the query is refused.
        TooLargeError: its text is too long.
    """
    check_bounds(query.text, limits.query_bytes, limits)
    head = dataset_and_columns(query)
    named = [*(clause.graph for clause in head.dataset), *(query.default_graphs or ()), *(query.named_graphs or ())]
    if named and names is not None:
        check_graphs(named, frozenset(names()))
    default_graphs, named_graphs = dataset_of(query, head)
    return {
        "what": "query",
        "query": query.text,
        "formats": dict(query.formats),
        "columns": head.columns,
        "first": query.first,
        "default_graphs": default_graphs,
        "named_graphs": named_graphs,
        "union": names is not None and not head.dataset,
        "base": query.base,
        "seconds": query.seconds,
        "rows": limits.rows,
        "result_bytes": limits.result_bytes,
    }


def graphs_of(query: Query, found: Head) -> Iterator[str]:
    """Give every graph that a query or its request names as its dataset.

    Raises:
        QueryError: a `FROM` names its graph by what is no IRI, or is in short for none.
    """
    if len(found.dataset) != sum(token.is_word("FROM") for token in tokens(query.text)):
        raise QueryError("A FROM names its graph by what is no IRI.", advice="Write its IRI in full, between < and >.")
    yield from (clause.graph for clause in found.dataset)
    yield from query.default_graphs or ()
    yield from query.named_graphs or ()


def with_base(text: str, base: str) -> str:
    """Have relative IRIs of a text mean what they mean here."""
    relative = any(token.kind == "iri" and not _ABSOLUTE.match(token.text) for token in tokens(text))
    return f"BASE <{base}> {text}" if relative and not _NO_IRI.search(base) else text


# Counts rows and bytes of a result while it is written, whatever its format, and stops it at its limit.

#: What begins each solution and cannot stand in a string of the format, where quotes and angle brackets are escaped.
_ROW_MARKS = {"json": b',{"', "xml": b"<result>", "tsv": b"\n", "csv": b"\n", "ntriples": b"\n", "nquads": b"\n"}
_MARKS_BESIDE_ROWS = {"json": -1, "tsv": 1, "csv": 1}  # JSON marks no first row; tables have a head


class LimitedWriter(io.RawIOBase):
    """Hands on what is written, as long as it is within the limits.

    Args:
        send: gets every chunk.
        form: the format of what is written.
        rows: the greatest number of rows.
        most: the greatest number of bytes.
    """

    def __init__(self, send: Callable[[bytes], object], format_name: str, rows: int, most: int) -> None:
        self._send, self._bytes_left = send, most
        self._rows_left = rows + _MARKS_BESIDE_ROWS.get(format_name, 0)
        self._mark, self._quoted, self._tail = _ROW_MARKS.get(format_name), format_name == "csv", b""
        self._inside = False

    def writable(self) -> bool:
        """Say that this is for writing."""
        return True

    def write(self, chunk: Any) -> int:
        """Count a chunk and hand it on.

        Raises:
            TooLargeError: the result is larger than is allowed.
        """
        data = chunk if isinstance(chunk, bytes) else bytes(chunk)
        self._bytes_left -= len(data)
        self._rows_left -= self._count(data)
        if self._rows_left < 0 or self._bytes_left < 0:
            raise TooLargeError("The result is larger than is allowed.", advice="Ask for less of it, with LIMIT.")
        self._send(data)
        return len(data)

    def _count(self, data: bytes) -> int:
        if self._mark is None:
            return 0
        if self._quoted:
            return self._unquoted(data)
        seen = self._tail + data
        self._tail = seen[max(0, len(seen) - len(self._mark) + 1) :] if len(self._mark) > 1 else b""
        return seen.count(self._mark)

    def _unquoted(self, data: bytes) -> int:
        """Count the line ends that stand outside quotes."""
        parts = data.split(b'"')
        outside = parts[1::2] if self._inside else parts[::2]
        self._inside ^= len(parts) % 2 == 0
        return sum(part.count(b"\n") for part in outside)
