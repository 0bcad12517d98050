"""Sorting single resources by patient: lines go to the partition of their patient, and a partition fits in memory."""

from __future__ import annotations

import json
import operator
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from osteo_kg.case.fhir.bundles import kinship, names_of, subject_of
from osteo_kg.case.fhir.elements import each, text
from osteo_kg.case.fhir.exports import Beside, standing
from osteo_kg.cohort.sources.fhir_files import FilePart, document_at, parsed
from osteo_kg.cohort.sources.fhir_shapes import Shape, Shapes, kept

_MEDICATIONS, _DELETED, _OF_NOBODY, _ALONE = "medications", "deleted", "nobody", "alone"
_SEVERAL = 2
_NO_SHAPE = b"-"
_APART = b" "  # what stands in holes has no blank
_DIGITS = 15  # of the number of a file, and of a place in it: written so, places are in order
_ROW = b"%%s\t%%0%dd%%0%dd\t%%s\t%%s\n" % (_DIGITS, _DIGITS)
_PLACE = operator.attrgetter("place")
_REMEMBERED = 10_000  # names of patients
_AT_ONCE = 16 << 20  # bytes of text that are sorted before they are written


class ResourceLine(NamedTuple):
    """A line on a partition: whose it is, where it stands, and its text, or its shape with what is in the holes."""

    owner: bytes
    place: bytes
    held: bytes
    shape: Shape | None = None

    @property
    def file(self) -> int:
        """The number of the file in which it stands."""
        return int(self.place[:_DIGITS])

    @property
    def offset(self) -> int:
        """Where it begins in the file."""
        return int(self.place[_DIGITS:])

    @property
    def text(self) -> bytes:
        """The line as it stands in its file."""
        return self.held if self.shape is None else self.shape.whole(self.in_holes)

    @property
    def name(self) -> str:
        """Its type and id; empty where it has none, or no shape."""
        if self.shape is None or self.shape.own is None:
            return ""
        return f"{self.shape.kind}/{self.in_holes[self.shape.own].decode()}"

    @property
    def in_holes(self) -> list[bytes]:
        """What stands in the holes of its shape."""
        return self.held.split(_APART)


class Partitions:
    """The partitions of a run.

    Args:
        folder: where they stand.
        count: how many there are.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        self._shapes: Shapes | None = None
        self._known: dict[bytes, Shape] = {}
        self._written: dict[bytes, Shape | None] = {_NO_SHAPE: None}

    def sort(self, piece: FilePart, home: str, sorter: int) -> Beside:
        """Put every document of a piece on its partition; give what is of no patient, counted.

        Args:
            piece: the piece of a file.
            home: the export that the file is part of; an id means something within one alone.
            sorter: the number of the process.
        """
        if self._shapes is None:
            self._shapes = Shapes(self._shapes_of(sorter), parsed)
        sorting, waiting = _Sorting(self, piece, home, sorter), 0
        for offset, line in piece.documents():
            divided = self._shapes.divided(line)
            if divided is None:
                sorting.put_document(offset, line)
            else:
                sorting.put_shaped(offset, *divided)
            waiting += len(line)
            if waiting > _AT_ONCE:
                sorting.write()
                waiting = 0
        sorting.write()
        self._shapes.keep()
        return sorting.beside

    def owners(self, partition: int) -> Iterator[tuple[bytes, list[ResourceLine]]]:
        """Give the lines of each owner on a partition, in the order of the input."""
        found: dict[bytes, list[bytes]] = defaultdict(list)
        for row in self._rows(str(partition)):
            found[row[: row.index(b"\t")]].append(row)
        for owner in sorted(found):
            yield owner, [self._line(row) for row in sorted(found[owner])]

    def medications(self) -> Iterable[tuple[bytes, bytes]]:
        """Give the Medication resources, each after its owner, in the order of the input."""
        found = sorted(self._lines(_MEDICATIONS), key=_PLACE)
        return ((line.owner, line.text) for line in found)

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
        return {owner: sorted(lines, key=_PLACE) for owner, lines in given.items()}

    def part(self, partition: str, sorter: int) -> Path:
        """Give the file of what a process puts on a partition."""
        return self.folder / f"partition-{partition}.{sorter}"

    def _lines(self, partition: str) -> Iterator[ResourceLine]:
        return map(self._line, self._rows(partition))

    def _rows(self, partition: str) -> Iterator[bytes]:
        for path in self.folder.glob(f"partition-{partition}.*"):
            yield from path.read_bytes().split(b"\n")[:-1]

    def _line(self, row: bytes) -> ResourceLine:
        owner, place, shape, held = row.split(b"\t", 3)
        if shape not in self._written:
            sorter, _, _ = shape.decode().partition(".")
            for number, found in enumerate(kept(self._shapes_of(sorter), parsed, self._known)):
                self._written[_shape_name(sorter, number)] = found
        return ResourceLine(owner, place, held, self._written[shape])

    def _shapes_of(self, sorter: int | str) -> Path:
        return self.folder / f"shapes.{sorter}"


class _Sorting:
    """The sorting of one piece of a file.

    Attributes:
        beside: what is of no patient.
    """

    def __init__(self, partitions: Partitions, piece: FilePart, home: str, sorter: int) -> None:
        self.beside = Beside()
        self._partitions, self._piece, self._home, self._sorter = partitions, piece, home, sorter
        self._rows: dict[str, list[bytes]] = defaultdict(list)
        self._key_begins = _key(home, "").removesuffix(b'"]')
        self._places: dict[bytes, tuple[bytes, list[bytes]]] = {}
        self._seen: set[bytes] = set()  # patients, as far as tells one from several

    def put_shaped(self, offset: int, number: int, shape: Shape, held: list[bytes]) -> None:
        """Put a line that was divided on the partition of its patient."""
        named = held[shape.owner]
        place = self._places.get(named)
        if place is None or shape.kind == "Patient":
            key = b'%s%s"]' % (self._key_begins, shape.owner_of(held))
            place = key, self._rows[self._partition_of(key)]
            if shape.kind == "Patient":
                self._meet(key, offset)
            else:
                if len(self._places) >= _REMEMBERED:
                    self._places.clear()
                self._places[named] = place
        key, rows = place
        rows.append(_ROW % (key, self._piece.file, offset, _shape_name(self._sorter, number), _APART.join(held)))

    def put_document(self, offset: int, line: bytes) -> None:
        """Put a line of any kind on its partition."""
        document = _glanced(line, self._piece, offset)
        stands = standing(document)
        if self.beside.count(stands, self._piece.path.name):
            return
        if stands == "deletion":
            for name, entry in _deletions(document):
                self._put(_DELETED, _key(self._home, name), offset, json.dumps(entry).encode())
        elif (owner := "" if stands == "whole" else _owner(document)) is None:
            self.beside.of_nobody[document["resourceType"]] += 1
            self._put(_OF_NOBODY, _key(self._home, ""), offset, line)
        else:
            key = _key(self._home, owner) if owner else _key(str(self._piece.path), offset)
            if document["resourceType"] == "Patient":
                self._meet(key, offset)
            is_medication = document["resourceType"] == "Medication"
            self._put(_MEDICATIONS if is_medication else self._partition_of(key), key, offset, line)

    def _meet(self, patient: bytes, offset: int) -> None:
        if len(self._seen) < _SEVERAL and patient not in self._seen:
            self._seen.add(patient)
            self._put(_ALONE, _key(self._home, ""), offset, patient)

    def _partition_of(self, key: bytes) -> str:
        return str(zlib.crc32(key) % self._partitions.count)

    def _put(self, partition: str, key: bytes, offset: int, held: bytes) -> None:
        self._rows[partition].append(_ROW % (key, self._piece.file, offset, _NO_SHAPE, held))

    def write(self) -> None:
        """Write what was put on the partitions."""
        for partition, rows in self._rows.items():
            with self._partitions.part(partition, self._sorter).open("ab") as file:
                file.writelines(rows)
            rows.clear()


def _shape_name(sorter: int | str, number: int) -> bytes:
    return f"{sorter}.{number}".encode()


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


def is_deleted(name: str, home: str, deleted: Mapping[bytes, Any]) -> bool:
    """Whether an export says of a resource, by its type and id, that it was deleted."""
    return _key(home, name) in deleted


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
