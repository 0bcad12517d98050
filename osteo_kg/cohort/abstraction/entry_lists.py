"""Lists of entries, read once each: a fracture is a fracture, whichever woman's it is.

Columns give every list as a text without its dates. The different entries are read by the library, one at a time;
the different lists are then put together from what was read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from osteo_kg.case import FIELDS, SECTIONS, Atom, Entry
from osteo_kg.cohort.abstraction.probes import ConditionalNotice, LibraryProbe
from osteo_kg.reasoning import UNKNOWN

#: How a list is written as text: entries between `BETWEEN`, the fields of an entry between `WITHIN`.
#: `DATED` stands before entries that have their days as last fields; `COMPLETE` before those of which the record itself
#: says that there are no others; `OPEN` before all else where something in the section could not be read.
NOT_STATED, EMPTY, COMPLETE, BETWEEN, WITHIN, OPEN, DATED = "\x1d", "\x1c", "\x1a", "\x1e", "\x1f", "\x19", "\x18"


def text_fields(key: str) -> tuple[str, ...]:
    """Give the fields of an entry that its text holds, in order: all but days; a coded entry is its own text."""
    return tuple(field.key for field in FIELDS[key].entry if field.kind != "day")


def day_key(key: str) -> str | None:
    """Give the field that dates an entry of a list."""
    return next((field.key for field in FIELDS[key].entry if field.kind == "day"), None)


class ListText(NamedTuple):
    """A list of entries, taken out of its text.

    Attributes:
        stated: whether the record states the list.
        entries: the texts of the entries, without their days.
        days: the days of the entries; none where no day matters.
        complete: whether the record itself says that there are no others.
        is_open: whether something in the section could not be read.
    """

    stated: bool
    entries: tuple[str, ...]
    days: tuple[str, ...]
    complete: bool
    is_open: bool

    @classmethod
    def of(cls, text: str) -> ListText:
        """Take a list out of its text."""
        listed, is_open = text.removeprefix(OPEN), text.startswith(OPEN)
        if listed in (NOT_STATED, EMPTY):
            return cls(listed == EMPTY, (), (), False, is_open)
        rest, complete = listed.removeprefix(COMPLETE), listed.startswith(COMPLETE)
        entries = rest.removeprefix(DATED).split(BETWEEN)
        if not rest.startswith(DATED):
            return cls(True, tuple(entries), (), complete, is_open)
        divided = [entry.rpartition(WITHIN) for entry in entries]
        return cls(True, tuple(e for e, _, _ in divided), tuple(day for _, _, day in divided), complete, is_open)

    def groups(self, fewest: int) -> tuple[tuple[str, ...], ...]:
        """Give the entries of each day that has so many of them, in order."""
        of_day: dict[str, list[str]] = defaultdict(list)
        for entry, day in zip(self.entries, self.days, strict=False):
            of_day[day].append(entry)
        of_day.pop(NOT_STATED, None)
        return tuple(sorted(tuple(sorted(each)) for each in of_day.values() if len(each) >= fewest))


@dataclass(frozen=True, slots=True)
class GroupRead:
    """What entries of one day are together beyond what each of them is.

    Attributes:
        perhaps: what may be there beside them.
        marks: the notices that they raise together.
        beside: for each companion of the section, those that they raise beside that statement.
    """

    perhaps: tuple[Atom, ...]
    marks: frozenset[ConditionalNotice]
    beside: tuple[frozenset[ConditionalNotice], ...]

    @property
    def says_nothing(self) -> bool:
        """Whether they are nothing more together."""
        return not (self.perhaps or self.marks or any(self.beside))


@dataclass(frozen=True, slots=True)
class EntryRead:
    """What the library reads in one entry alone.

    Attributes:
        entry: the entry, as one that the dimension cannot tell from it.
        marks: the notices that it raises.
        beside: for each companion of the section, those that it raises beside that statement.
    """

    entry: Entry
    marks: frozenset[ConditionalNotice]
    beside: tuple[frozenset[ConditionalNotice], ...]

    def to_json(self) -> list[Any]:
        """Give what was read as JSON has it."""
        entry, atom = self.entry, self.entry.atom
        stated = [atom.property, atom.value, atom.outcome, entry.counts, entry.vertebrae, entry.at_most]
        return [
            stated,
            *(sorted((notice.to_json() for notice in each), key=str) for each in (self.marks, *self.beside)),
        ]

    @classmethod
    def of(cls, value: list[Any]) -> EntryRead:
        """Take back what was read."""
        (property_, coded, outcome, counts, vertebrae, at_most), *told = value
        marks, *beside = (frozenset(map(ConditionalNotice.of, each)) for each in told)
        return cls(Entry(Atom(property_, coded, outcome), counts, vertebrae, {}, at_most), marks, tuple(beside))


@dataclass(frozen=True, slots=True)
class ListRead:
    """What a list of entries amounts to.

    Attributes:
        plain: whether every entry is one that the shapes let pass.
        value: the place of its value among those of the dimension.
        marks: the bits of the notices that it raises.
        beside: for each companion of the section, the bits of those that it raises beside that statement.
    """

    plain: bool
    value: int = 0
    marks: int = 0
    beside: tuple[int, ...] = ()


class SectionReader:
    """Reads the lists of one section.

    Args:
        key: the key of the section in a flat record.
        parts: what reads parts of records.
    """

    def __init__(self, key: str, parts: LibraryProbe) -> None:
        self.key = key
        self.fact = SECTIONS[key].value
        self.companions = parts.companions(self.fact)
        self._parts = parts
        self._numbers = {field.key for field in FIELDS[key].entry if field.kind == "whole"}
        self._dimension = parts.section(self.fact)
        self.values = self._dimension.values if self._dimension else (UNKNOWN,)
        self._is_asked = self.fact in parts.asked
        self._is_taken = parts.knowledge_base.is_complete_with_entries(self.fact)
        self._stands: dict[str, Atom] = {}
        self._kinds: dict[tuple[object, ...], int] = {}
        self._read: list[EntryRead] = []
        self._entries: dict[str, int | None] = {}
        self._lists: dict[tuple[bool, bool, tuple[int, ...], tuple[GroupRead, ...]], ListRead] = {}
        self._groups: dict[tuple[str, ...], GroupRead] = {}

    def read(self, texts: Iterable[str]) -> list[ListRead]:
        """Read lists, all their new entries in one batch."""
        asked = [ListText.of(text) for text in texts]
        self._learn({entry for each in asked for entry in each.entries} - self._entries.keys())
        return [self._list(each) if each.stated or each.is_open else self._not_stated() for each in asked]

    def known(self) -> dict[str, list[Any]]:
        """Give every entry that passes and was met, by its text, as JSON has it."""
        return {text: self._read[number].to_json() for text, number in self._entries.items() if number is not None}

    def recall(self, entries: Mapping[str, list[Any]]) -> None:
        """Take back entries that were read for the same knowledge, guideline and day."""
        self._entries |= {text: self._number(EntryRead.of(value)) for text, value in entries.items()}

    def forget_refused(self) -> None:
        """Keep nothing of the entries that do not pass: whatever a patient's record says may stand in them."""
        self._entries = {text: number for text, number in self._entries.items() if number is not None}

    def _learn(self, new: Iterable[str]) -> None:
        """Read entries that were not met before: all are shown to the shapes at once, and apart if one is refused."""
        records = {text: self._record(text) for text in sorted(new)}
        sound = bool(records) and self._parts.conforms({self.key: list(records.values())})
        for text, record in records.items():
            passes = sound or self._parts.conforms({self.key: [record]})
            self._entries[text] = self._number(self._entry(record)) if passes else None

    def _record(self, text: str) -> Any:
        """Give the entry that a text stands for, as a flat record has it."""
        names = text_fields(self.key)
        if not names:
            return text
        fields = zip(names, text.split(WITHIN), strict=False)
        return {name: Decimal(part) if name in self._numbers else part for name, part in fields if part != NOT_STATED}

    def _entry(self, record: Any) -> EntryRead:
        case_facts = self._parts.case_facts({self.key: [record]})
        [entry] = case_facts.sections[self.fact]
        own = self._parts.raised(case_facts)
        return EntryRead(self._same(entry), frozenset(own), self._beside([record], own))

    def _beside(self, entries: list[Any], own: set[ConditionalNotice]) -> tuple[frozenset[ConditionalNotice], ...]:
        record = {self.key: entries}
        return tuple(frozenset(self._parts.raised_beside(record, *each) - own) for each in self.companions)

    def _group(self, texts: tuple[str, ...]) -> GroupRead:
        """Read entries of one day together: those alone that say something in the company of their like."""
        telling = tuple(text for text in texts if not self._together_at_day((text,) * self._parts.fewest).says_nothing)
        return self._together_at_day(telling if len(telling) >= self._parts.fewest else ())

    def _together_at_day(self, texts: tuple[str, ...]) -> GroupRead:
        if texts not in self._groups:
            undated = [self._record(text) for text in texts]
            day = {str(day_key(self.key)): str(self._parts.on)}
            apart, together = (self._of_entries(each) for each in (undated, [each | day for each in undated]))
            beside = tuple(new - old for new, old in zip(together.beside, apart.beside, strict=True))
            self._groups[texts] = GroupRead(together.perhaps, together.marks - apart.marks, beside)
        return self._groups[texts]

    def _of_entries(self, records: list[Any]) -> GroupRead:
        case_facts = self._parts.case_facts({self.key: records})
        own = self._parts.raised(case_facts)
        return GroupRead(case_facts.perhaps.get(self.fact, ()), frozenset(own), self._beside(records, own))

    def _same(self, entry: Entry) -> Entry:
        """Give one entry for all that the dimension cannot tell apart, so that their lists are put together once."""
        if self._dimension is None or not entry.counts:
            return Entry(self._stands.setdefault("not counted", entry.atom), entry.counts, None, {})
        name = self._dimension.name_of(entry) or ""
        most = max((cap for _, cap in self._dimension.kinds.values()), default=1)
        vertebrae = None if entry.vertebrae is None else min(entry.vertebrae, most)
        more = max((entry.at_most or 0) - (entry.vertebrae or 1), 0)
        at_most = (vertebrae or 1) + min(more, most) if more else None
        return Entry(self._stands.setdefault(name, entry.atom), True, vertebrae, {}, at_most)

    def _number(self, read: EntryRead) -> int:
        entry = read.entry
        kind = (entry.atom, entry.counts, entry.vertebrae, entry.at_most, read.marks, read.beside)
        if kind not in self._kinds:
            self._kinds[kind] = len(self._read)
            self._read.append(read)
        return self._kinds[kind]

    def _list(self, listed: ListText) -> ListRead:
        numbers = [number for text in listed.entries if (number := self._entries[text]) is not None]
        if len(numbers) < len(listed.entries):
            return ListRead(plain=False)
        groups = tuple(map(self._group, listed.groups(self._parts.fewest))) if listed.days else ()
        telling = tuple(each for each in groups if not each.says_nothing)
        together = (listed.complete, listed.is_open, tuple(sorted(numbers)), telling)
        if together not in self._lists:
            self._lists[together] = self._together(*together)
        return self._lists[together]

    def _together(
        self, complete: bool, is_open: bool, numbers: tuple[int, ...], groups: tuple[GroupRead, ...]
    ) -> ListRead:
        read: list[EntryRead | GroupRead] = [*(self._read[number] for number in numbers), *groups]
        entries = [self._read[number].entry for number in numbers]
        is_open = is_open or not (complete or self._is_taken or self._is_asked or not entries)
        marks = {mark for each in read for mark in each.marks}.union(self._of_the_whole(entries, complete, is_open))
        beside = [{mark for each in read for mark in each.beside[n]} for n in range(len(self.companions))]
        perhaps = [atom for each in groups for atom in each.perhaps]
        value = self._dimension.value_of(entries, not is_open, is_open, perhaps) if self._dimension else UNKNOWN
        mask = self._parts.marks.mask
        return ListRead(True, self.values.index(value), mask(marks), tuple(map(mask, beside)))

    def _of_the_whole(self, entries: list[Entry], complete: bool, is_open: bool) -> Iterable[ConditionalNotice]:
        """Give the notices about a list as a whole: it was taken as complete, a count in it was assumed."""
        if self._dimension is None or not entries:
            return
        if not complete and not is_open and not self._is_taken:
            yield from self._parts.told_of_section("assumedCompleteFor", self.fact)
        elif not complete and not is_open and not self._dimension.is_exhausted(entries):
            yield from self._parts.told_of_section("takenAsCompleteFor", self.fact)
        more = self._dimension.with_more(entries, is_open)
        if more is not None:
            yield from self._parts.count_decides(self.fact, more)

    def _not_stated(self) -> ListRead:
        """Read a list that is not stated: unknown, or none where the caller asked for it."""
        if not self._is_asked:
            return ListRead(True, self.values.index(UNKNOWN))
        asked = self._parts.told_of_section("assumedCompleteFor", self.fact)
        return replace(self._list(ListText.of(EMPTY)), marks=self._parts.marks.mask(asked))
