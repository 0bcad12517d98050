"""Counts rows and bytes of a result while it is written, whatever its format, and stops it at its limit."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from osteo_kg_server.errors import TooLargeError

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
        data = bytes(chunk)
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
