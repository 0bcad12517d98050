"""Files of FHIR: is it FHIR, and where do its documents stand in it?

A file holds one document a line, as a bulk export does, or one document over many lines.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from osteo_kg.errors import UnreadableCaseError
from osteo_kg.flat_formats import parse_json

COMPRESSIONS = ("gz", "zst")
_MARK = "\ufeff".encode()  # a byte order mark
_WORD = b'"resourceType"'
_PIECE = 32 << 20  # bytes of a file that are read in one go
_LOOK = 1 << 20


@dataclass(frozen=True)
class Piece:
    """The lines of a file that begin between two places in it.

    Attributes:
        file: the number of the file among those of the run.
        path: the file.
        start: the first byte.
        end: the byte after the last; None for the end of the file.
    """

    file: int
    path: Path
    start: int = 0
    end: int | None = None

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Give each line that is not blank, and where it begins."""
        with opened(self.path) as file:
            offset = self.start
            if offset:
                file.seek(offset - 1)  # one that began before is another piece's
                offset += len(file.readline()) - 1
            for line in file:
                if self.end is not None and offset >= self.end:
                    return
                bare = line.removeprefix(_MARK).strip() if not offset else line.strip()
                if bare:
                    yield offset, bare
                offset += len(line)

    def name(self, offset: int) -> str:
        """Name the line that begins at a place, as a person counts lines."""
        with opened(self.path) as file:
            return f"{self.path.name}, line {file.read(offset).count(10) + 1}"


def pieces(number: int, path: Path) -> list[Piece]:
    """Divide a file, unless it is compressed."""
    size = path.stat().st_size
    if path.suffix.removeprefix(".") in COMPRESSIONS or size <= _PIECE:
        return [Piece(number, path)]
    return [Piece(number, path, start, start + _PIECE) for start in range(0, size, _PIECE)]


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, compressed or not.

    Raises:
        UnreadableCaseError: the file cannot be read.
    """
    try:
        if path.suffix.removeprefix(".") in COMPRESSIONS:
            with io.BufferedReader(pa.input_stream(str(path)), _LOOK) as file:
                yield file
        else:
            with path.open("rb") as file:
                yield file
    except OSError as error:
        raise UnreadableCaseError(f"{path.name} cannot be read: {error}.", advice="Check the file.") from error


def is_fhir(path: Path, *, by_line: bool) -> bool:
    """Whether a file is FHIR: its first line, or its only object, has a resource type."""
    if by_line:
        with contextlib.suppress(ValueError):
            document = json.loads(first_line(path))
            return isinstance(document, dict) and "resourceType" in document
        return False
    before = b""
    with opened(path) as file:
        while part := file.read(_LOOK):
            if _WORD in before + part:
                return True
            before = part[-len(_WORD) :]
    return False


def has_lines(path: Path) -> bool:
    """Whether each line of a file is a document: its first one is whole JSON."""
    try:
        json.loads(first_line(path))
    except ValueError:
        return False
    return True


def first_line(path: Path) -> bytes:
    """Give the first line that is not blank; empty where there is none."""
    return next((line for _, line in Piece(0, path).lines()), b"")


def whole(path: Path) -> dict[str, Any]:
    """Read a file that is one document.

    Raises:
        UnreadableCaseError: it is not FHIR.
    """
    with opened(path) as file:
        return parsed(file.read().removeprefix(_MARK), path.name)


def document_at(piece: Piece, offset: int, line: bytes) -> dict[str, Any]:
    """Read a line of a file as a document.

    Raises:
        UnreadableCaseError: it is not FHIR.
    """
    try:
        return parsed(line, "")
    except UnreadableCaseError:
        return parsed(line, piece.name(offset))  # to count lines takes time


def parsed(text: bytes, name: str) -> dict[str, Any]:
    """Read a document, with exact decimals.

    Raises:
        UnreadableCaseError: it is not FHIR.
    """
    try:
        document = parse_json(text.decode(), name)
    except UnicodeDecodeError as error:
        raise UnreadableCaseError(f"{name} is not text in UTF-8.", advice="Save it as UTF-8.") from error
    if isinstance(document, dict) and isinstance(document.get("resourceType"), str):
        return document
    raise UnreadableCaseError(
        f"{name} is not FHIR: it is no object with a resourceType.", advice="Send a Bundle, or one resource a line."
    )
