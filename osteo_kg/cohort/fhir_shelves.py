"""Sorting single resources by patient: lines go to the shelf of their patient, and a shelf fits in memory.

What a line belongs to is told by the reader of FHIR; which shelf that is, by a checksum of it. A shelf is a file, or
as many as there are processes that sort.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from osteo_kg.cohort.fhir_lines import Piece, document_at
from osteo_kg.fhir.bundles import kinship, names_of, subject_of

_MEDICATIONS = "medications"


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """A line on a shelf: whose it is, and where it came from."""

    owner: bytes
    file: int
    offset: int
    text: bytes


class Shelves:
    """The shelves of a run.

    Args:
        folder: where they stand.
        count: how many there are.
    """

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count

    def sort(self, piece: Piece, home: str, sorter: int) -> Counter[str]:
        """Put every line of a piece on its shelf; give the resources that speak of no patient, counted by type.

        Args:
            piece: the piece of a file.
            home: the export that the file is part of; an id means something within one alone.
            sorter: the number of the process.
        """
        strays: Counter[str] = Counter()
        with contextlib.ExitStack() as stack:
            files: dict[str, BinaryIO] = {}
            for offset, line in piece.lines():
                document = _glanced(line, piece, offset)
                owner = _owner(document)
                if owner is None:
                    strays[document["resourceType"]] += 1
                    continue
                key = json.dumps([home, owner] if owner else [str(piece.path), offset]).encode()
                is_medication = document["resourceType"] == "Medication"
                shelf = _MEDICATIONS if is_medication else str(zlib.crc32(key) % self.count)
                if shelf not in files:
                    files[shelf] = stack.enter_context(self._part(shelf, sorter).open("ab"))
                files[shelf].write(b"%s\t%d\t%d\t%s\n" % (key, piece.file, offset, line))
        return strays

    def owners(self, shelf: int) -> Iterator[tuple[bytes, list[Line]]]:
        """Give the lines of each owner on a shelf, in the order of the input."""
        for owner, lines in itertools.groupby(sorted(self._lines(str(shelf))), lambda line: line.owner):
            yield owner, list(lines)

    def medications(self) -> Iterable[Line]:
        """Give the Medication resources, in the order of the input."""
        return sorted(self._lines(_MEDICATIONS), key=lambda line: (line.file, line.offset))

    def _lines(self, shelf: str) -> Iterator[Line]:
        for path in self.folder.glob(f"shelf-{shelf}.*"):
            with path.open("rb") as file:
                for row in file:
                    owner, number, offset, text = row.split(b"\t", 3)
                    yield Line(owner, int(number), int(offset), text)

    def _part(self, shelf: str, sorter: int) -> Path:
        return self.folder / f"shelf-{shelf}.{sorter}"


def _glanced(line: bytes, piece: Piece, offset: int) -> dict[str, Any]:
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
