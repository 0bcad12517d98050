"""Results written so that they read back, and with their columns in the order in which people wrote them.

The engine does neither by itself. Text is never rewritten for that: what the engine writes is put right on its way out.
"""

from __future__ import annotations

import io
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, Any, Literal

import pyoxigraph as ox

from osteo_kg.errors import UnwritableError
from osteo_kg.rdf.terms import RDF, XSD

ResultKind = Literal["solutions", "boolean", "graph"]
#: Formats of solutions, by the names used here.
SOLUTION_FORMATS = {
    "json": ox.QueryResultsFormat.JSON,
    "xml": ox.QueryResultsFormat.XML,
    "csv": ox.QueryResultsFormat.CSV,
    "tsv": ox.QueryResultsFormat.TSV,
}
#: Formats of graphs, by the names used here.
GRAPH_FORMATS = {
    "turtle": ox.RdfFormat.TURTLE,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "rdfxml": ox.RdfFormat.RDF_XML,
    "jsonld": ox.RdfFormat.JSON_LD,
    "nquads": ox.RdfFormat.N_QUADS,
    "trig": ox.RdfFormat.TRIG,
}
_ROWS_OF_A_PAGE = 1000
_COUNTED = 20_000  # rows beside those of a page, which are counted for it
_CELL = re.compile(rb'(?:"(?:[^"]|"")*"|[^,"])*')
_HEAD_ENDS = {"json": b"]", "xml": b"</head>"}


_NOT_IN_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")  # XML 1.0 section 2.2
_CUT_OFF = re.compile(rb"\xef\xbf?\Z")
_STARTS_A_NAME = (  # Namespaces in XML 1.0 section 3, XML 1.0 section 2.3
    "A-Z_a-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d\u2070-\u218f"
    "\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff"
)
_ENDS_WITH_A_NAME = re.compile(rf"[{_STARTS_A_NAME}][{_STARTS_A_NAME}0-9.\u00b7\u0300-\u036f\u203f\u2040-]*\Z")
#: Names that mean something else in RDF/XML than a predicate of this IRI (RDF 1.1 XML Syntax section 5.1).
_SYNTAX_OF_XML = re.compile(
    re.escape(RDF.iri) + "(RDF|ID|about|parseType|resource|nodeID|datatype|Description|li|aboutEach(Prefix)?|bagID)"
)


def write_result(
    found: ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples,
    stream: IO[bytes],
    format_name: str,
    columns: Sequence[str] = (),
    first: int = 0,
) -> None:
    """Write a result.

    Args:
        found: the result.
        stream: where to.
        format_name: a key of `GRAPH_FORMATS` where it is a graph, else of `SOLUTION_FORMATS`; or `html`, which gives
            what a page shows of the result (`page_of`) as JSON.
        columns: names of variables in the order wanted; solutions of other variables are written as they come.
        first: the row that a page begins with, counted from 0.

    Raises:
        UnwritableError: the result holds what the format cannot.
    """
    if format_name == "html":
        stream.write(json.dumps(page_of(found, columns, first), ensure_ascii=False).encode())
        return
    if isinstance(found, ox.QueryTriples):
        if format_name == "rdfxml":
            write_graph(found, stream, format_name)
        else:
            found.serialize(stream, format=GRAPH_FORMATS[format_name])
        return
    buffered = _buffered(stream, format_name)
    if isinstance(found, ox.QuerySolutions):
        _write_solutions(found, buffered, format_name, columns)
    else:
        found.serialize(buffered, format=SOLUTION_FORMATS[format_name])
    buffered.flush()


def page_of(
    found: ox.QuerySolutions | ox.QueryBoolean | Iterable[ox.Triple], columns: Sequence[str], first: int = 0
) -> dict[str, Any]:
    """Give what one page shows of a result: `boolean`, or `names` and `rows` of terms.

    Beside the rows stand the place of the first of them (`first`, from 0), how many rows were counted (`total`),
    whether these are all (`is_total`), how many one page shows at most (`size`), and whether rows follow (`more`).

    Args:
        found: the result.
        columns: names of variables in the order wanted.
        first: the row to begin with, counted from 0.
    """
    if isinstance(found, ox.QueryBoolean):
        return {"boolean": bool(found)}
    if isinstance(found, ox.QuerySolutions):
        given = [variable.value for variable in found.variables]
        names = [name for name in columns if name in given] if set(given) <= set(columns) else given
        rows = ([solution[name] for name in names] for solution in found)
    else:
        names = ["subject", "predicate", "object"]
        rows = ([each.subject, each.predicate, each.object] for each in found)
    before = _passed(rows, first)
    shown = [[_shown(term) for term in row] for row in itertools.islice(rows, _ROWS_OF_A_PAGE)]
    after = _passed(rows, _COUNTED)
    return {
        "names": names,
        "rows": shown,
        "first": before,
        "size": _ROWS_OF_A_PAGE,
        "total": before + len(shown) + after,
        "is_total": after < _COUNTED or next(rows, None) is None,
        "more": after > 0,
    }


def _passed(rows: Iterator[Any], most: int) -> int:
    """Pass over so many rows, and give how many there were."""
    return sum(1 for _ in itertools.islice(rows, most))


def _shown(term: Any) -> dict[str, str | None] | None:
    if isinstance(term, ox.Literal):
        is_plain = term.language or term.datatype == XSD.string
        return {"text": term.value, "language": term.language, "type": None if is_plain else term.datatype.value}
    if isinstance(term, ox.NamedNode):
        return {"iri": term.value}
    return None if term is None else {"text": str(term)}


def write_graph(
    triples: Iterable[ox.Triple], stream: IO[bytes], format_name: str, prefixes: Mapping[str, str] | None = None
) -> None:
    """Write triples in one of `GRAPH_FORMATS`.

    Raises:
        UnwritableError: the format cannot hold one of them.
    """
    kept = map(_checked, triples) if format_name == "rdfxml" else triples
    buffered = _buffered(stream, format_name)
    ox.serialize(kept, buffered, format=GRAPH_FORMATS[format_name], prefixes=dict(prefixes or {}))
    buffered.flush()


def graph_bytes(triples: Iterable[ox.Triple], format_name: str, prefixes: Mapping[str, str] | None = None) -> bytes:
    """Give triples written in one of `GRAPH_FORMATS`; see `write_graph`."""
    stream = io.BytesIO()
    write_graph(triples, stream, format_name, prefixes)
    return stream.getvalue()


def _checked(triple: ox.Triple) -> ox.Triple:
    predicate = triple.predicate
    if not _ENDS_WITH_A_NAME.search(predicate.value) or _SYNTAX_OF_XML.fullmatch(predicate.value):
        raise UnwritableError(
            f"RDF/XML cannot write the predicate {predicate}: it does not end with a name of XML.",
            advice="Ask for Turtle or N-Triples, which can.",
        )
    return triple


def _buffered(stream: IO[bytes], format_name: str) -> IO[bytes]:
    is_xml = format_name in ("xml", "rdfxml")
    return io.BufferedWriter(XmlWriter(stream.write)) if is_xml else stream


class XmlWriter(io.RawIOBase):
    """Hands on XML in UTF-8 that reads back: a carriage return, which a reader would drop, as a reference to it.

    Args:
        send: gets every chunk.
    """

    def __init__(self, send: Callable[[bytes], object]) -> None:
        self._send, self._waiting = send, b""

    def writable(self) -> bool:
        """Say that this is for writing."""
        return True

    def write(self, chunk: Any) -> int:
        """Hand on a chunk.

        Raises:
            UnwritableError: it holds a character that XML 1.0 has not.
        """
        data = self._waiting + bytes(chunk)
        cut = _CUT_OFF.search(data)
        data, self._waiting = (data[: cut.start()], cut.group()) if cut else (data, b"")
        if found := _NOT_IN_XML.search(data):
            raise UnwritableError(
                f"The result holds the character U+{ord(found.group().decode()):04X}, which XML 1.0 has not.",
                advice="Ask for JSON (application/sparql-results+json), or for a graph as Turtle: both can carry it.",
            )
        self._send(data.replace(b"\r", b"&#xD;"))
        return len(chunk)


def _write_solutions(found: ox.QuerySolutions, stream: IO[bytes], format_name: str, columns: Sequence[str]) -> None:
    if not columns:
        found.serialize(stream, format=SOLUTION_FORMATS[format_name])
        return
    given = [variable.value for variable in found.variables]
    wanted = [name for name in columns if name in given]
    if len(wanted) < len(given) or wanted == given:
        found.serialize(stream, format=SOLUTION_FORMATS[format_name])
        return
    ordered = _Ordered(stream.write, format_name, wanted, [given.index(name) for name in wanted])
    buffered = io.BufferedWriter(ordered)
    found.serialize(buffered, format=SOLUTION_FORMATS[format_name])
    buffered.flush()
    ordered.finish()


class _Ordered(io.RawIOBase):
    """Puts columns in order on their way: in JSON and XML in the head, in CSV and TSV in every row."""

    def __init__(
        self, send: Callable[[bytes], object], format_name: str, names: Sequence[str], places: Sequence[int]
    ) -> None:
        self._send, self._names, self._places = send, names, places
        self._format_name, self._pending = format_name, b""
        self._head_end = _HEAD_ENDS.get(format_name)

    def writable(self) -> bool:
        """Say that this is for writing."""
        return True

    def write(self, chunk: Any) -> int:
        """Hand on what can be put in order; the rest waits."""
        data = bytes(chunk)
        self._pending += data
        if self._format_name in ("csv", "tsv"):
            self._rows()
        elif self._head_end is None:
            self._hand_on(self._pending, b"")
        elif self._head_end in self._pending:
            head, _, rest = self._pending.partition(self._head_end)
            self._hand_on(self._head(head) + self._head_end + rest, b"")
            self._head_end = None
        return len(data)

    def finish(self) -> None:
        """Hand on what waits."""
        self._hand_on(self._pending, b"")

    def _hand_on(self, ready: bytes, pending: bytes) -> None:
        self._pending = pending
        if ready:
            self._send(ready)

    def _head(self, head: bytes) -> bytes:
        """Give the head of a result with the variables in order."""
        if self._format_name == "json":
            before, _, _ = head.partition(b"[")
            return before + b"[" + ",".join(json.dumps(name, ensure_ascii=False) for name in self._names).encode()
        before, _, _ = head.partition(b"<variable")
        return before + "".join(f'<variable name="{name}"/>' for name in self._names).encode()

    def _rows(self) -> None:
        """Put the rows in order that are whole; a line end between quotes ends none."""
        rows, row, quoted = [], b"", self._format_name == "csv"
        for line in self._pending.splitlines(keepends=True):
            row += line
            if row.endswith(b"\n") and not (quoted and row.count(b'"') % 2):
                rows.append(self._row(row))
                row = b""
        self._hand_on(b"".join(rows), row)

    def _row(self, row: bytes) -> bytes:
        content = row.rstrip(b"\r\n")
        if self._format_name == "tsv":
            cells, between = content.split(b"\t"), b"\t"
        else:
            cells, between = _cells(content), b","
        return between.join(cells[place] for place in self._places) + row[len(content) :]


def _cells(row: bytes) -> list[bytes]:
    """Give the cells of a row of CSV as they are written."""
    cells, at = [], 0
    while True:
        found = _CELL.match(row, at)
        assert found is not None  # it matches nothing at least
        cells.append(found.group())
        at = found.end() + 1
        if at > len(row):
            return cells
