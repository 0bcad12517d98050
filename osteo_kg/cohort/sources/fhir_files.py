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
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import pyarrow as pa

from osteo_kg.case import KEYS, files, json_documents, parse_json
from osteo_kg.case.fhir.bundles import kinship, names_of, subject_of
from osteo_kg.case.fhir.elements import each, text
from osteo_kg.case.fhir.exports import Beside, standing
from osteo_kg.errors import UnreadableCaseError

_MARK = "\ufeff".encode()  # a byte order mark
_WORD = b'"resourceType"'
_PIECE = 32 << 20  # bytes of a file that are read in one go
_LOOK = 1 << 20
_LINES_LOOKED_AT = 8
_SEVERAL = 2


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


# Sorting single resources by patient: lines go to the partition of their patient, and a partition fits in memory.

_MEDICATIONS, _DELETED, _OF_NOBODY, _ALONE = "medications", "deleted", "nobody", "alone"


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

    def sort(self, piece: FilePart, home: str, sorter: int) -> Beside:
        """Put every document of a piece on its partition; give what is of no patient, counted.

        Args:
            piece: the piece of a file.
            home: the export that the file is part of; an id means something within one alone.
            sorter: the number of the process.
        """
        beside = Beside()
        with contextlib.ExitStack() as stack:
            open_files: dict[str, BinaryIO] = {}
            seen: set[bytes] = set()  # patients, as far as tells one from several

            def put(partition: str, key: bytes, offset: int, line: bytes) -> None:
                if partition not in open_files:
                    open_files[partition] = stack.enter_context(self._part(partition, sorter).open("ab"))
                open_files[partition].write(b"%s\t%d\t%d\t%s\n" % (key, piece.file, offset, line))

            for offset, line in piece.documents():
                document = _glanced(line, piece, offset)
                stands = standing(document)
                if beside.count(stands, piece.path.name):
                    continue
                if stands == "deletion":
                    for name, entry in _deletions(document):
                        put(_DELETED, _key(home, name), offset, json.dumps(entry).encode())
                elif (owner := "" if stands == "whole" else _owner(document)) is None:
                    beside.of_nobody[document["resourceType"]] += 1
                    put(_OF_NOBODY, _key(home, ""), offset, line)
                else:
                    key = _key(home, owner) if owner else _key(str(piece.path), offset)
                    if document["resourceType"] == "Patient" and len(seen) < _SEVERAL and key not in seen:
                        seen.add(key)
                        put(_ALONE, _key(home, ""), offset, key)
                    is_medication = document["resourceType"] == "Medication"
                    put(_MEDICATIONS if is_medication else str(zlib.crc32(key) % self.count), key, offset, line)
        return beside

    def owners(self, partition: int) -> Iterator[tuple[bytes, list[ResourceLine]]]:
        """Give the lines of each owner on a partition, in the order of the input."""
        for owner, lines in itertools.groupby(sorted(self._lines(str(partition))), lambda line: line.owner):
            yield owner, list(lines)

    def medications(self) -> Iterable[ResourceLine]:
        """Give the Medication resources, in the order of the input."""
        return sorted(self._lines(_MEDICATIONS), key=lambda line: (line.file, line.offset))

    def deleted(self) -> Mapping[bytes, Any]:
        """Give what the exports say was deleted: entries of bundles, by export and name of the resource."""
        return {each.owner: json.loads(each.text) for each in self._lines(_DELETED)}

    def of_nobody(self) -> Mapping[bytes, list[ResourceLine]]:
        """Give the resources that speak of no patient, where their export has one patient only, by her key."""
        people: dict[bytes, set[bytes]] = {}
        for line in self._lines(_ALONE):
            people.setdefault(line.owner, set()).add(line.text.rstrip())
        alone = {export: next(iter(found)) for export, found in people.items() if len(found) == 1}
        given: dict[bytes, list[ResourceLine]] = {}
        for line in self._lines(_OF_NOBODY) if alone else ():
            if line.owner in alone:
                given.setdefault(alone[line.owner], []).append(line)
        return {owner: sorted(lines) for owner, lines in given.items()}

    def _lines(self, partition: str) -> Iterator[ResourceLine]:
        for path in self.folder.glob(f"partition-{partition}.*"):
            with path.open("rb") as file:
                for row in file:
                    owner, number, offset, text = row.split(b"\t", 3)
                    yield ResourceLine(owner, int(number), int(offset), text)

    def _part(self, partition: str, sorter: int) -> Path:
        return self.folder / f"partition-{partition}.{sorter}"


def _key(home: str, name: str | int) -> bytes:
    return json.dumps([home, name]).encode()


def deleted_of(documents: Iterable[Any], home: str, deleted: Mapping[bytes, Any]) -> Iterator[Any]:
    """Give what an export says was deleted of the resources of some documents, as the Bundle that says so."""
    for document in documents if deleted else ():
        for resource in (document, *each(document, "entry", "resource")):
            names = names_of(resource) if standing(resource) == "single" else []
            entries = [deleted[key] for name in names if (key := _key(home, name)) in deleted]
            if entries:
                yield {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _deletions(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give every deletion of a Bundle with the name of the resource, and when it was, where the Bundle says so."""
    moment = text(document, "timestamp") or text(document, "meta", "lastUpdated")
    for entry in each(document, "entry"):
        if name := kinship(text(entry, "request", "url")):
            yield name, {"response": {"lastModified": moment}, **entry}


def _glanced(line: bytes, piece: FilePart, offset: int) -> Any:
    """Read a line as far as sorting needs it: numbers need not be exact."""
    try:
        return json.loads(line, parse_int=float)
    except (ValueError, RecursionError):
        return document_at(piece, offset, line)  # which says what is wrong with it


def _owner(document: dict[str, Any]) -> str | None:
    """Give whose a document is: empty where it stands for itself, None where it speaks of no patient."""
    kind = document["resourceType"]
    if kind == "Medication":
        return "".join(names_of(document))
    return kinship("".join(names_of(document))) if kind == "Patient" else kinship(subject_of(document)) or None


# Medication resources of an export, on disk: every patient may refer to them, and there may be many.

_REMEMBERED = 10_000


def keep(lines: Iterable[ResourceLine], path: Path, deleted: Collection[bytes] = ()) -> None:
    """Write Medication resources to a file, unless they are deleted; of those of one name the last one counts."""
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE medication (owner BLOB PRIMARY KEY, text BLOB) WITHOUT ROWID")
        store.executemany(
            "INSERT OR REPLACE INTO medication VALUES (?, ?)",
            ((line.owner, line.text) for line in lines if line.owner not in deleted),
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
