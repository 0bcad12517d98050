"""Files of FHIR: is it FHIR, and where do its documents stand in it?

A file holds one document a line, as a bulk export does, or one document over many lines.
"""

from __future__ import annotations

import contextlib
import functools
import io
import itertools
import json
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from osteo_kg.case import parse_json
from osteo_kg.case.fhir.bundles import kinship, names_of, subject_of
from osteo_kg.errors import UnreadableCaseError

COMPRESSIONS = ("gz", "zst")
_MARK = "\ufeff".encode()  # a byte order mark
_WORD = b'"resourceType"'
_PIECE = 32 << 20  # bytes of a file that are read in one go
_LOOK = 1 << 20


@dataclass(frozen=True)
class FilePart:
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


def pieces(number: int, path: Path) -> list[FilePart]:
    """Divide a file, unless it is compressed."""
    size = path.stat().st_size
    if path.suffix.removeprefix(".") in COMPRESSIONS or size <= _PIECE:
        return [FilePart(number, path)]
    return [FilePart(number, path, start, start + _PIECE) for start in range(0, size, _PIECE)]


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
    return next((line for _, line in FilePart(0, path).lines()), b"")


def whole(path: Path) -> dict[str, Any]:
    """Read a file that is one document.

    Raises:
        UnreadableCaseError: it is not FHIR.
    """
    with opened(path) as file:
        return parsed(file.read().removeprefix(_MARK), path.name)


def document_at(piece: FilePart, offset: int, line: bytes) -> dict[str, Any]:
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


# Sorting single resources by patient: lines go to the partition of their patient, and a partition fits in memory.

_MEDICATIONS = "medications"


@dataclass(frozen=True, slots=True, order=True)
class ResourceLine:
    """A line on a partition: whose it is, and where it came from."""

    owner: bytes
    file: int
    offset: int
    text: bytes


class Partitions:
    """The partitions of a run.

    Args:
        folder: where they stand.
        count: how many there are.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count

    def sort(self, piece: FilePart, home: str, sorter: int) -> Counter[str]:
        """Put every line of a piece on its partition; give the resources that speak of no patient, counted by type.

        Args:
            piece: the piece of a file.
            home: the export that the file is part of; an id means something within one alone.
            sorter: the number of the process.
        """
        unassigned: Counter[str] = Counter()
        with contextlib.ExitStack() as stack:
            files: dict[str, BinaryIO] = {}
            for offset, line in piece.lines():
                document = _glanced(line, piece, offset)
                owner = _owner(document)
                if owner is None:
                    unassigned[document["resourceType"]] += 1
                    continue
                key = json.dumps([home, owner] if owner else [str(piece.path), offset]).encode()
                is_medication = document["resourceType"] == "Medication"
                partition = _MEDICATIONS if is_medication else str(zlib.crc32(key) % self.count)
                if partition not in files:
                    files[partition] = stack.enter_context(self._part(partition, sorter).open("ab"))
                files[partition].write(b"%s\t%d\t%d\t%s\n" % (key, piece.file, offset, line))
        return unassigned

    def owners(self, partition: int) -> Iterator[tuple[bytes, list[ResourceLine]]]:
        """Give the lines of each owner on a partition, in the order of the input."""
        for owner, lines in itertools.groupby(sorted(self._lines(str(partition))), lambda line: line.owner):
            yield owner, list(lines)

    def medications(self) -> Iterable[ResourceLine]:
        """Give the Medication resources, in the order of the input."""
        return sorted(self._lines(_MEDICATIONS), key=lambda line: (line.file, line.offset))

    def _lines(self, partition: str) -> Iterator[ResourceLine]:
        for path in self.folder.glob(f"partition-{partition}.*"):
            with path.open("rb") as file:
                for row in file:
                    owner, number, offset, text = row.split(b"\t", 3)
                    yield ResourceLine(owner, int(number), int(offset), text)

    def _part(self, partition: str, sorter: int) -> Path:
        return self.folder / f"partition-{partition}.{sorter}"


def _glanced(line: bytes, piece: FilePart, offset: int) -> dict[str, Any]:
    """Read a line as far as sorting needs it: numbers need not be exact."""
    try:
        document = json.loads(line, parse_int=float)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict) and isinstance(document.get("resourceType"), str):
        return document
    return document_at(piece, offset, line)  # which says what is wrong with it


def _owner(document: dict[str, Any]) -> str | None:
    """Give whose a document is: empty where it stands for itself, None where it speaks of no patient."""
    kind = document["resourceType"]
    if kind == "Bundle":
        return ""
    if kind == "Medication":
        return "".join(names_of(document))
    return kinship("".join(names_of(document))) if kind == "Patient" else kinship(subject_of(document)) or None


# Medication resources of an export, on disk: every patient may refer to them, and there may be many.

_REMEMBERED = 10_000


def keep(lines: Iterable[ResourceLine], path: Path) -> None:
    """Write Medication resources to a file; of those of one name the last one counts."""
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE medication (owner BLOB PRIMARY KEY, text BLOB) WITHOUT ROWID")
        store.executemany(
            "INSERT OR REPLACE INTO medication VALUES (?, ?)", ((each.owner, each.text) for each in lines)
        )
    store.close()


class Medications(Mapping[str, dict[str, Any]]):
    """The Medication resources of one export, by the ways to refer to them.

    Args:
        path: the file to which they were written.
        home: the export.
    """

    def __init__(self, path: Path, home: str) -> None:
        self._store = sqlite3.connect(path)
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
