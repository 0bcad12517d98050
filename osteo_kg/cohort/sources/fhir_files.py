"""Files of FHIR: is it FHIR, and where do its documents stand in it?

A file holds one document a line, as a bulk export does, or documents that are spread over many lines.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import pyarrow as pa

from osteo_kg.case import KEYS, files, json_documents, parse_json
from osteo_kg.errors import UnreadableCaseError

_MARK = "\ufeff".encode()  # a byte order mark
_WORD = b'"resourceType"'
_PIECE = 32 << 20  # bytes of a file that are read in one go
_LOOK = 1 << 20
_LINES_LOOKED_AT = 8


@dataclass(frozen=True)
class FilePart:
    """The documents of a file that begin between two places in it.

    Attributes:
        file: the number of the file among those of the run.
        path: the file.
        start: the first byte.
        end: the byte after the last; None for the end of the file.
        spread: whether documents may be spread over lines: the part is the whole file, and a place in it the number of
            a document.
    """

    file: int
    path: Path
    start: int = 0
    end: int | None = None
    spread: bool = False

    def documents(self) -> Iterator[tuple[int, bytes]]:
        """Give each document as one line, and where it begins.

        Raises:
            UnreadableCaseError: a document that is spread over lines is not JSON.
        """
        if not self.spread:
            yield from self.lines()
            return
        for number, (written, _) in enumerate(json_documents(self._text(), self.path.name)):
            yield number, written.encode().replace(b"\r", b" ").replace(b"\n", b" ")

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
                bare = line.strip().removeprefix(_MARK).strip()  # files with a mark may have been put together
                if bare:
                    yield offset, bare
                offset += len(line)

    def name(self, offset: int) -> str:
        """Name the document that begins at a place, as a person counts lines."""
        if self.spread:
            return self.path.name
        with opened(self.path) as file:
            return f"{self.path.name}, line {file.read(offset).count(10) + 1}"

    def _text(self) -> str:
        with opened(self.path) as file:
            return _decoded(file.read(), self.path.name)


def pieces(number: int, path: Path) -> list[FilePart]:
    """Divide a file, unless it is compressed or its documents are spread over lines."""
    size = path.stat().st_size
    if not has_lines(path):
        return [FilePart(number, path, spread=True)]
    if size <= _PIECE or files.compression(path):
        return [FilePart(number, path)]
    return [FilePart(number, path, start, start + _PIECE) for start in range(0, size, _PIECE)]


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file, compressed or not.

    Raises:
        UnreadableCaseError: the file cannot be read.
    """
    with files.opened(path, {"gz": _unpacked("gzip"), "zst": _unpacked("zstd")}) as file:
        yield file


def _unpacked(way: str) -> files.Unpacking:
    def unpacked(path: Path) -> contextlib.AbstractContextManager[BinaryIO]:
        return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(path)), way), _LOOK)

    return unpacked


Held = Literal["fhir", "flat", "nothing", "unknown"]


def held_in(path: Path) -> Held:
    """Say what a file of JSON holds: FHIR, flat records, nothing, or what cannot be told."""
    line = first_line(path)
    if not line:
        return "nothing"
    if _WORD in line:
        return "fhir"
    with contextlib.suppress(ValueError, RecursionError):
        document = json.loads(line)
        if isinstance(document, dict) and not document.keys().isdisjoint(KEYS):
            return "flat"
    before = b""
    with opened(path) as file:
        while part := file.read(_LOOK):
            if _WORD in before + part:
                return "fhir"
            before = part[-len(_WORD) :]
    return "unknown"


def has_lines(path: Path) -> bool:
    """Whether each line of a file is a document, as far as one looks: an object in whole."""
    for _, line in itertools.islice(FilePart(0, path).lines(), _LINES_LOOKED_AT):
        try:
            if not isinstance(json.loads(line), dict):
                return False
        except (ValueError, RecursionError):
            return False
    return True


def first_line(path: Path) -> bytes:
    """Give the first line that is not blank; empty where there is none."""
    return next((line for _, line in FilePart(0, path).lines()), b"")


def document_at(piece: FilePart, offset: int, line: bytes) -> Any:
    """Read a line of a file as a document.

    Raises:
        UnreadableCaseError: it is not JSON.
    """
    try:
        return parsed(line, "")
    except UnreadableCaseError:
        return parsed(line, piece.name(offset))  # to count lines takes time


def parsed(document: bytes, name: str) -> Any:
    """Read a document, with exact decimals.

    Raises:
        UnreadableCaseError: it is not JSON.
    """
    return parse_json(_decoded(document, name), name)


def _decoded(text: bytes, name: str) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise files.not_utf8(name) from error


# Medication resources of an export, on disk: every patient may refer to them, and there may be many.

_REMEMBERED = 10_000


def keep(found: Iterable[tuple[bytes, bytes]], path: Path, deleted: Collection[bytes] = ()) -> None:
    """Write Medication resources, each after its owner, to a file, unless deleted; of one name the last one counts."""
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE medication (owner BLOB PRIMARY KEY, text BLOB) WITHOUT ROWID")
        store.executemany(
            "INSERT OR REPLACE INTO medication VALUES (?, ?)",
            ((owner, text) for owner, text in found if owner not in deleted),
        )
    store.close()


class Medications(Mapping[str, dict[str, Any]]):
    """The Medication resources of one export, by the ways to refer to them.

    Args:
        path: the file to which they were written.
        home: the export.
    """

    def __init__(self, path: Path, home: str) -> None:
        self._store = sqlite3.connect(path, check_same_thread=False)  # a reader works in one thread at a time
        self._home = home
        self._found = functools.lru_cache(_REMEMBERED)(self._find)

    def __getitem__(self, name: str) -> dict[str, Any]:
        found = self._found(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._found(name) is not None

    def _find(self, name: str) -> dict[str, Any] | None:
        owner = json.dumps([self._home, name]).encode()
        row = self._store.execute("SELECT text FROM medication WHERE owner = ?", (owner,)).fetchone()
        return parsed(row[0], name) if row else None

    def __iter__(self) -> Iterator[str]:
        for (owner,) in self._store.execute("SELECT owner FROM medication ORDER BY owner"):
            home, name = json.loads(owner)
            if home == self._home:
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)
