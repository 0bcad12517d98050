"""Solutions written with their columns in the order in which people wrote them, which the engine does not keep.

Text is never rewritten for that: what the engine writes is put in order on its way out.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from typing import IO, Any, Literal

import pyoxigraph as ox

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
_CELL = re.compile(rb'(?:"(?:[^"]|"")*"|[^,"])*')
_HEAD_ENDS = {"json": b"]", "xml": b"</head>"}


def write_solutions(found: ox.QuerySolutions, stream: IO[bytes], format_name: str, columns: Sequence[str]) -> None:
    """Write solutions.

    Args:
        found: the solutions.
        stream: where to.
        format_name: a key of `SOLUTION_FORMATS`.
        columns: names of variables in the order wanted; solutions of other variables are written as they come.
    """
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
