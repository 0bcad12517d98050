"""The rows of patients whose resources say what those of others said: read once, and filled in for each.

What a resource of a shape bears on is found out once, and one that decides nothing is only told of. The others are
read in groups that have no part of a case in common. A group is read as the library reads it; the next one of the same
shapes, with days and numbers that stand in the same order, gets the same row with its own days and numbers.

Whatever cannot be told so is read whole: several lines of one id, what a resource says of others, deletions, dates
that are none, and lines of no shape.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from osteo_kg.case import Case
from osteo_kg.case.fhir.bundles import Input, gather
from osteo_kg.case.fhir.reach import DATED, FRACTURES, MEASUREMENTS, Reach, reach_of
from osteo_kg.case.fhir.reader import Reader
from osteo_kg.cohort.abstraction.measurements import lie_apart
from osteo_kg.cohort.sources.fhir_files import parsed
from osteo_kg.cohort.sources.fhir_partitions import ResourceLine
from osteo_kg.cohort.sources.fhir_shapes import Shape
from osteo_kg.cohort.sources.fhir_templates import (
    NOT_HELD,
    NotHeld,
    OnlyAsItIs,
    Row,
    Template,
    filled,
    merged,
    template_of,
)
from osteo_kg.rdf import is_a_day

_MOST = 50_000  # things that are remembered of a kind
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-3]):[0-5]\d))?", re.ASCII
)
_DIGIT = re.compile(r"\d")
_A_PART_OF_A_DATE = re.compile(rb'"\d{4}(-\d\d)?["T -]')
_DAY = 10  # characters


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """What is known of the lines of one shape, and of one dose where it is of a medication.

    Attributes:
        reach: on what its reading bears.
        days: the holes of days that may be looked at.
        stored: the holes of days that are not.
        numbers: the holes of numbers.
        exact: whether a date stands in the shape itself, so that days in the holes do not tell all of the order.
        changes: what it alone changes in the row of any patient, whatever stands in its holes; None where that differs.
        says_the_same: whether this is what it changes, whatever else is said of her.
    """

    reach: Reach
    shape: Shape
    days: tuple[int, ...]
    stored: tuple[int, ...]
    numbers: tuple[int, ...]
    exact: bool
    changes: Row | None
    says_the_same: bool


#: A line of a group: its place among those of the patient, and what stands in its holes.
_Member = tuple[int, _Kind, list[bytes]]


_OF_MEASUREMENTS, _OF_FRACTURES = frozenset((MEASUREMENTS,)), frozenset((FRACTURES,))
_Remembered = Template | NotHeld
_Way = tuple[Hashable, Sequence[float]]  # a key of what is remembered, and the numbers that are filled in


class Screening:
    """Gives rows without reading every resource.

    Args:
        reader: the reader of FHIR.
        row: what gives the row of a case; None where columns cannot hold it.
        months_apart: how many months may lie between measurements that count without a word; None for any number.
    """

    def __init__(self, reader: Reader, row: Callable[[Case], Row | None], months_apart: int | None) -> None:
        self._reader, self._row, self._months_apart = reader, row, months_apart
        self._kinds: dict[Hashable, _Kind] = {}
        self._groups: dict[Hashable, _Remembered] = {}
        self._days: dict[bytes, tuple[str, str] | None] = {}
        self._numbers: dict[bytes, tuple[Hashable, float]] = {}
        self._alike: dict[frozenset[_Kind], Row | None] = {}
        self._empty: Row | None = None

    def row(self, lines: Sequence[ResourceLine]) -> tuple[Row, ResourceLine] | None:
        """Give the row of the only patient of some lines, and the line of her resource; None where it has to be read.

        Args:
            lines: those of one patient, in the order of the input.
        """
        groups, hers = _Groups(), None
        told: set[_Kind] = set()
        names: list[tuple[str, bytes]] = []
        for place, line in enumerate(lines):
            shape = line.shape
            if shape is None:
                return None
            kind = self._kinds.get(shape) or self._kind(shape, line)
            if kind.says_the_same:
                told.add(kind)
                continue
            if not kind.reach.alone:
                return None
            held = line.in_holes
            if shape.own is not None:
                names.append((shape.kind, held[shape.own]))
            if shape.kind == "Patient":
                if hers is not None:
                    return None
                hers = line
            groups.add((place, kind, held))
        if hers is None or hers.shape is None or hers.shape.own is None or len(names) != len(set(names)):
            return None
        own = hers.in_holes[hers.shape.own].decode()
        alike = self._said_alike(frozenset(told))
        if alike is None:
            return None
        changes = []
        for group in groups:
            for part in _divided(group):
                found = self._read(part, own)
                if found is None:
                    return None
                changes.append(found)
        row = merged({**alike, "patient": own}, changes)
        return None if row is None else (row, hers)

    def _said_alike(self, told: frozenset[_Kind]) -> Row | None:
        """Give the row of a patient of whom nothing is known but what lines of these kinds say of anybody."""
        if told not in self._alike:
            if len(self._alike) >= _MOST:
                self._alike.clear()
            changes = [kind.changes for kind in told if kind.changes is not None]
            self._alike[told] = merged(dict(self._nothing()), changes)
        return self._alike[told]

    def _nothing(self) -> Row:
        """Give the row of a patient of whom nothing is known."""
        if self._empty is None:
            row = self._row(self._case([{"resourceType": "Patient", "id": "nobody"}]))
            assert row is not None  # columns hold nothing
            self._empty = {key: value for key, value in row.items() if key != "patient"}
        return self._empty

    def _case(self, documents: list[Any]) -> Case:
        found = gather(documents)
        [person] = found.patients
        return self._reader.case(person, "", Input((person,), (), {}))

    # What a shape bears on

    def _kind(self, shape: Shape, line: ResourceLine) -> _Kind:
        key: Hashable = shape
        if shape.kind.startswith("Medication") and "number" in shape.holes:
            held = line.in_holes
            key = (shape, *(held[place] for place, hole in enumerate(shape.holes) if hole == "number"))
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= _MOST:
                self._kinds.clear()
            kind = self._kinds[key] = self._told(shape, line)
        return kind

    def _told(self, shape: Shape, line: ResourceLine) -> _Kind:
        document = parsed(line.text, "")
        reach = reach_of(document, self._reader)
        places: dict[str, list[int]] = defaultdict(list)
        for place, hole in enumerate(shape.holes):
            places[hole].append(place)
        exact = any(_A_PART_OF_A_DATE.search(piece) for piece in shape.pieces)
        days, stored = places["day"], places["moment of storage"]
        if reach.parts.isdisjoint(DATED):
            days, stored = [], [*days, *stored]
        if not reach.is_checked and not reach.says:
            stored = []  # nothing is told of them
        changes = None
        if reach.alone and not (days or stored or (places["number"] and reach.says)):
            changes = self._changes([document], _patient_of(line, shape))
        same = changes is not None and not reach.parts
        return _Kind(reach, shape, tuple(days), tuple(stored), tuple(places["number"]), exact, changes, same)

    # The rows of groups

    def _changes(self, documents: list[Any], name: str) -> Row | None:
        """Give what the resources of one group change in the row of a patient; None where columns cannot hold it."""
        if not any(each["resourceType"] == "Patient" for each in documents):
            documents = [{"resourceType": "Patient", "id": name}, *documents]
        row = self._row(self._case(documents))
        if row is None or row["patient"] != name:
            return None
        nothing = self._nothing()
        return {
            key: value
            for key, value in row.items()
            if key != "patient" and (key not in nothing or value != nothing[key])
        }

    def _read(self, group: list[_Member], name: str) -> Row | None:
        """Give what a group changes in the row of a patient, as it was remembered or as it is read."""
        if len(group) == 1 and group[0][1].changes is not None:
            return group[0][1].changes
        days, forms = [], []
        literal = []
        for _, kind, held in group:
            for place in kind.days:
                if (found := self._day(held[place])) is None:
                    return self._as_it_is(group, name)
                forms.append(found[0])
                days.append(found[1])
            for place in kind.stored:
                if (found := self._day(held[place])) is None:
                    return self._as_it_is(group, name)
                forms.append(found[0])
            for place in kind.numbers:
                literal.append(held[place])
            if kind.exact and (kind.days or len(group) > 1):
                return self._as_it_is(group, name)
        shapes, parts = tuple([kind.shape for _, kind, _ in group]), {kind.reach.parts for _, kind, _ in group}
        order = _order(days) if parts != {_OF_FRACTURES} else _equal(days)
        said = shapes, tuple(forms), order, self._extra(group, days)
        ways: list[_Way] = [((said, tuple(literal)), ())]
        if parts == {_OF_MEASUREMENTS} and (numbers := self._in_order(literal)) is not None:
            ways.insert(0, ((said, numbers[0]), numbers[1]))
        for key, values in ways:
            known = self._groups.get(key)
            if isinstance(known, Template):
                return filled(known, days, values)
            if isinstance(known, NotHeld):
                return None
        return self._remembered(ways, group, name, days)

    def _as_it_is(self, group: list[_Member], name: str) -> Row | None:
        return self._changes([parsed(kind.shape.whole(held), "") for _, kind, held in group], name)

    def _remembered(self, ways: list[_Way], group: list[_Member], name: str, days: Sequence[str]) -> Row | None:
        """Read a group as it is, and remember it in the first way that tells its days and numbers from all else.

        A number of one patient may be equal to what stands in her row for everyone: the next one may tell them apart.
        """
        changes = self._as_it_is(group, name)
        unseen = [held[place].decode()[:_DAY] for _, kind, held in group for place in kind.stored]
        for key, values in ways:
            found = NOT_HELD if changes is None else template_of(changes, days, values, set(unseen) - set(days))
            if isinstance(found, OnlyAsItIs):
                continue
            if len(self._groups) >= _MOST:
                self._groups.clear()
            self._groups[key] = found
            break
        return changes

    def _extra(self, group: list[_Member], days: Sequence[str]) -> Hashable:
        """Give what else of days decides: how far measurements lie apart, and her birth, where an age is assumed."""
        apart: tuple[bool, ...] = ()
        if any(MEASUREMENTS in kind.reach.parts for _, kind, _ in group):
            pairs = itertools.combinations(sorted(set(days)), 2)
            apart = tuple(lie_apart(first, last, self._months_apart) for first, last in pairs)
        assumed = self._reader.postmenopausal
        if assumed is None or not any(kind.shape.kind == "Patient" for _, kind, _ in group):
            return apart
        latest = f"{assumed.on.year - assumed.least_age:04}{assumed.on.isoformat()[4:]}"
        return (apart, tuple(day <= latest for day in days))

    def _day(self, written: bytes) -> tuple[str, str] | None:
        """Give the form of a date and its day; None where it is not one."""
        if written in self._days:
            return self._days[written]
        text = written.decode()
        is_one = _MOMENT.fullmatch(text) is not None and is_a_day(text[:_DAY])
        if len(self._days) >= _MOST:
            self._days.clear()
        found = self._days[written] = (_DIGIT.sub("0", text), text[:_DAY]) if is_one else None
        return found

    def _in_order(self, literal: Iterable[bytes]) -> tuple[Hashable, list[float]] | None:
        """Give numbers by their forms and their order; None where noughts with and without a sign are told apart."""
        found = []
        for written in literal:
            if written not in self._numbers:
                if len(self._numbers) >= _MOST:
                    self._numbers.clear()
                self._numbers[written] = _number(written.decode())
            found.append(self._numbers[written])
        values = [value for _, value in found]
        if len({form for form, value in found if not value}) > 1:
            return None
        return (tuple([form for form, _ in found]), _order(values)), values


def _patient_of(line: ResourceLine, shape: Shape) -> str:
    return shape.owner_of(line.in_holes).decode().partition("/")[2]


def _number(written: str) -> tuple[Hashable, float]:
    """Give the form of a number, which is all that decides how a column holds it, and the number."""
    value = Decimal(written)
    return (value.is_signed(), not value and value.is_signed(), value.as_tuple().exponent), float(value)


def _order(found: Sequence[Any]) -> Hashable:
    """Give in which order things are, and which are equal."""
    if len(found) <= 1 or found.count(found[0]) == len(found):
        return len(found)
    ranks = {each: rank for rank, each in enumerate(sorted(set(found)))}
    return tuple(ranks[each] for each in found)


def _equal(found: Sequence[Any]) -> Hashable:
    """Give which things are equal; two fractures are one where they are of one day, and neither is the newer."""
    return tuple([found.index(each) for each in found])


def _divided(group: list[_Member]) -> list[list[_Member]]:
    """Divide a group where none of its lines bears on how another one is read."""
    return [[each] for each in group] if len(group) > 1 and _are_apart(group) else [group]


def _are_apart(group: list[_Member]) -> bool:
    if all(kind.reach.stands_for_itself for _, kind, _ in group):
        return True
    shared: list[Hashable] = []
    for _, kind, held in group:
        if kind.reach.marks is None or kind.exact:
            return False
        shared += [*kind.reach.marks, *{held[place][:_DAY] for place in kind.days}]
    return len(shared) == len(set(shared))


class _Groups:
    """The lines of a patient in groups that have no part of her case in common."""

    def __init__(self) -> None:
        self._by_part: dict[str, list[_Member]] = {}
        self._apart: list[list[_Member]] = []

    def add(self, member: _Member) -> None:
        """Add a line to the group of its parts."""
        parts = member[1].reach.parts
        if not parts:
            self._apart.append([member])
            return
        if len(parts) == 1:
            [part] = parts
            self._by_part.setdefault(part, []).append(member)
            return
        group = [member]
        for joined in {id(found): found for part in parts if (found := self._by_part.get(part)) is not None}.values():
            group = [*joined, *group]
        if len(group) > 1:
            group.sort(key=lambda each: each[0])
            before = {id(each) for each in group}
            parts = frozenset((*parts, *(part for part, held in self._by_part.items() if id(held[0]) in before)))
        for part in parts:
            self._by_part[part] = group

    def __iter__(self) -> Iterator[list[_Member]]:
        yield from {id(group): group for group in self._by_part.values()}.values()
        yield from self._apart
