"""The shape of a line of FHIR: its text without the ids, references, days and numbers that stand in it.

An export says the same of many patients. A line is divided by one pattern; what its shape means is found out once, by
parsing it whole. Shape and holes together are the line again, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from osteo_kg.case.fhir.bundles import kinship, names_of, subject_of
from osteo_kg.case.fhir.exports import standing
from osteo_kg.errors import UnreadableCaseError

Hole = Literal["id", "reference", "day", "moment of storage", "number"]

_IN_HOLES: dict[Hole, bytes] = {
    "id": rb"[A-Za-z0-9\-.]{1,64}",
    "reference": rb"(?!urn:)[A-Za-z0-9\-._:/]+",
    "day": rb"\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?",
    "number": rb"-?(?:0|[1-9]\d{0,8})(?:\.\d{1,12})?",
}
_IN_HOLES["moment of storage"] = _IN_HOLES["day"]
_AFTER_A_NUMBER = rb"(?=[,}\s])"
#: What stands before a hole, and the hole: each is the whole of a JSON string, or a number that is written plainly.
_HOLE = re.compile(
    rb'("(?=[irv\d])(?:id": ?"(?=%(id)s")|reference": ?"(?=%(reference)s")|(?=%(day)s")'
    rb'|value": ?(?=%(number)s%(after)s)))([A-Za-z0-9\-._:/+]*)'
    % {**{name.encode(): pattern for name, pattern in _IN_HOLES.items()}, b"after": _AFTER_A_NUMBER}
)
_A_DAY = re.compile(
    rb'"(?:[A-Za-z]*(?:[Dd]ate|DateTime|Instant|Time)|start|end|issued|recorded|created|authoredOn|dateAsserted'
    rb'|(?P<stored>lastUpdated))": ?"$'
)
_OFTEN = 100  # times that a line is divided, from which on lines are compared with it first
_FOLLOWING = 3  # shapes that a line is compared with
_LONGEST = 8_192  # bytes of a line that is divided
_FEW = 1_000  # shapes that are kept when they are met for the first time; more are kept at the second time
_MOST, _MOST_MET = 50_000, 1_000_000
_BETWEEN = b"\0"  # in no line that is JSON
_MARK = "\ue000"
_NUMBER = b"0"
_ONE_SLASH = 1


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """What many lines have in common: a single resource of a patient.

    Attributes:
        pieces: the text before, between and after the holes.
        holes: what each hole is.
        kind: the type of the resource.
        owner: the hole that names her: the reference to her, or the id of her own resource.
        own: the hole of the id of the resource; None where it has none.
    """

    pieces: tuple[bytes, ...]
    holes: tuple[Hole, ...]
    kind: str
    owner: int
    own: int | None

    def owner_of(self, held: Sequence[bytes]) -> bytes:
        """Give the name of the patient of a line by what stands in its holes."""
        name = held[self.owner]
        if self.kind == "Patient":
            return b"Patient/" + name
        return name if name.count(b"/") == _ONE_SLASH else kinship(name.decode()).encode()

    def pattern(self) -> re.Pattern[bytes]:
        """Give the pattern of the lines of this shape, with a group for each hole."""
        holes = (b"(%s)%s" % (_IN_HOLES[hole], _AFTER_A_NUMBER if hole == "number" else b"") for hole in self.holes)
        return re.compile(
            b"".join(part for pair in zip(map(re.escape, self.pieces), (*holes, b""), strict=True) for part in pair)
        )

    def whole(self, held: Sequence[bytes]) -> bytes:
        """Give the line."""
        return b"".join(part for pair in zip(self.pieces, (*held, b""), strict=True) for part in pair)


@dataclass(slots=True, eq=False)
class _Known:
    """A shape with its number, how often it was looked up, and those of lines that followed one of it.

    Attributes:
        number: the number.
        shape: the shape.
        met: how many lines of it were looked up.
        match: what compares a line with it; None where it was met seldom.
        next: the shapes of lines that followed, the last one first.
    """

    number: int
    shape: Shape
    met: int = 0
    match: Callable[[bytes], re.Match[bytes] | None] | None = None
    next: tuple[_Known, ...] = ()


class Shapes:
    """The shapes of the lines that one process divides.

    Args:
        path: the file to which they are written, one a line.
        parsed: what reads a line of JSON, with exact decimals.
    """

    def __init__(self, path: Path, parsed: Callable[[bytes, str], Any]) -> None:
        self._path, self._parsed = path, parsed
        self._known: dict[bytes, _Known | None] = {}
        self._last: _Known | None = None
        self._met: set[int] = set()
        self._count = self._numbered = 0
        self._waiting: list[bytes] = []

    def divided(self, line: bytes) -> tuple[int, Shape, list[bytes]] | None:
        """Give the number of the shape of a line, the shape, and what stands in its holes.

        None where the line is no single resource of one patient, or is like no other.
        """
        last = self._last
        for following in last.next if last is not None else ():
            assert following.match is not None  # it was met often
            if (found := following.match(line)) is not None:
                self._last = following
                return following.number, following.shape, list(found.groups())
        return self._looked_up(line)

    def _looked_up(self, line: bytes) -> tuple[int, Shape, list[bytes]] | None:
        if len(line) > _LONGEST or _BETWEEN in line:
            return None
        parts = _HOLE.split(line)
        held = parts[2::3]
        del parts[2::3]
        key = _BETWEEN.join(parts)
        found = self._known.get(key)
        if found is None and key not in self._known:
            found = self._added(key)
        if found is None:
            return None
        found.met += 1
        if found.met >= _OFTEN:
            found.match = found.match or found.shape.pattern().fullmatch
            if self._last is not None:
                self._last.next = (found, *self._last.next[: _FOLLOWING - 1])
            self._last = found
        return found.number, found.shape, held

    def _added(self, key: bytes) -> _Known | None:
        if self._count >= _FEW:
            known = hash(key)
            if known not in self._met or len(self._known) >= _MOST:
                if len(self._met) >= _MOST_MET:
                    self._met.clear()
                self._met.add(known)
                return None
        self._count += 1
        shape = shape_of(key, self._parsed)
        if shape is None:
            self._known[key] = None
            return None
        self._known[key] = _Known(self._numbered, shape)
        self._numbered += 1
        self._waiting.append(key)
        return self._known[key]

    def keep(self) -> None:
        """Write the shapes that are new since the last time."""
        with self._path.open("ab") as file:
            file.writelines(key + b"\n" for key in self._waiting)
        self._waiting.clear()


def kept(path: Path, parsed: Callable[[bytes, str], Any], known: dict[bytes, Shape]) -> list[Shape]:
    """Give the shapes that a process wrote, by their numbers; one that another process wrote too is the same."""
    with path.open("rb") as file:
        keys = [line.removesuffix(b"\n") for line in file]
    for key in keys:
        if key not in known and (shape := shape_of(key, parsed)) is not None:
            known[key] = shape
    return [known[key] for key in keys]


def shape_of(key: bytes, parsed: Callable[[bytes, str], Any]) -> Shape | None:
    """Give a shape by its text; None where it is not that of a single resource that names one patient."""
    texts = key.split(_BETWEEN)
    pieces = tuple(b"".join(texts[place : place + 2]) for place in range(0, len(texts), 2))
    holes = tuple(map(_hole, pieces[:-1]))
    if len(texts) % 2 == 0 or None in holes:
        return None
    marks = [f"{_MARK}{place}" for place in range(len(holes))]
    marked = (_NUMBER if hole == "number" else mark.encode() for hole, mark in zip(holes, marks, strict=True))
    try:
        document = parsed(b"".join(part for pair in zip(pieces, (*marked, b""), strict=True) for part in pair), "")
    except UnreadableCaseError:  # the whole line says what is wrong with it
        return None
    if standing(document) != "single" or document["resourceType"] == "Medication":
        return None
    own = document["id"] if names_of(document) else None
    named = own if document["resourceType"] == "Patient" else subject_of(document)
    if named not in marks or own not in (None, *marks):
        return None
    return Shape(
        pieces,
        tuple(hole for hole in holes if hole is not None),
        document["resourceType"],
        marks.index(named),
        None if own is None else marks.index(own),
    )


def _hole(before: bytes) -> Hole | None:
    """Say what stands in a hole, by the text before it; None where that is not known."""
    if before.endswith((b'"value": ', b'"value":')):
        return "number"
    if before.endswith((b'"id": "', b'"id":"')):
        return "id"
    if before.endswith((b'"reference": "', b'"reference":"')):
        return "reference"
    found = _A_DAY.search(before)
    return None if found is None else "moment of storage" if found["stored"] else "day"
