"""Lists of entries, read once each: a fracture is a fracture, whichever woman's it is.

Columns give every list as a text without its dates. The different entries are read by the library, one at a time;
the different lists are then put together from what was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from osteo_kg.case import FIELDS, SECTIONS, Atom, Entry
from osteo_kg.cohort.abstraction.probes import ConditionalNotice, LibraryProbe
from osteo_kg.reasoning import UNKNOWN

#: How a list is written as text: entries between `BETWEEN`, the fields of an entry between `WITHIN`.
#: `COMPLETE` stands before entries of which the record itself says that there are no others; `OPEN` before all else
#: where something in the section could not be read.
NOT_STATED, EMPTY, COMPLETE, BETWEEN, WITHIN, OPEN = "\x1d", "\x1c", "\x1a", "\x1e", "\x1f", "\x19"


def text_fields(key: str) -> tuple[str, ...]:
    """Give the fields of an entry that its text holds, in order: all but days; a coded entry is its own text."""
    return tuple(field.key for field in FIELDS[key].entry if field.kind != "day")


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
        self._stands: dict[str, Atom] = {}
        self._kinds: dict[tuple[object, ...], int] = {}
        self._read: list[EntryRead] = []
        self._entries: dict[str, int | None] = {}
        self._lists: dict[tuple[bool, bool, tuple[int, ...]], ListRead] = {}

    def read(self, texts: Iterable[str]) -> list[ListRead]:
        """Read lists, all their new entries in one batch."""
        asked = [(text.removeprefix(OPEN), text.startswith(OPEN)) for text in texts]
        split = [[] if text in (NOT_STATED, EMPTY) else text.removeprefix(COMPLETE).split(BETWEEN) for text, _ in asked]
        self._learn({entry for entries in split for entry in entries} - self._entries.keys())
        return [
            self._not_stated()
            if text == NOT_STATED and not is_open
            else self._list(entries, text.startswith(COMPLETE), is_open)
            for (text, is_open), entries in zip(asked, split, strict=True)
        ]

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
        beside = [self._parts.raised_beside({self.key: [record]}, *each) - own for each in self.companions]
        return EntryRead(self._same(entry), frozenset(own), tuple(map(frozenset, beside)))

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

    def _list(self, texts: list[str], complete: bool = False, is_open: bool = False) -> ListRead:
        numbers = [number for text in texts if (number := self._entries[text]) is not None]
        if len(numbers) < len(texts):
            return ListRead(plain=False)
        together = (complete, is_open, tuple(sorted(numbers)))
        if together not in self._lists:
            self._lists[together] = self._together([self._read[number] for number in together[2]], complete, is_open)
        return self._lists[together]

    def _together(self, read: list[EntryRead], complete: bool, is_open: bool) -> ListRead:
        entries = [each.entry for each in read]
        marks = {mark for each in read for mark in each.marks}.union(self._of_the_whole(entries, complete, is_open))
        beside = [{mark for each in read for mark in each.beside[n]} for n in range(len(self.companions))]
        value = self._dimension.value_of(entries, not is_open, is_open) if self._dimension else UNKNOWN
        mask = self._parts.marks.mask
        return ListRead(True, self.values.index(value), mask(marks), tuple(map(mask, beside)))

    def _of_the_whole(self, entries: list[Entry], complete: bool, is_open: bool) -> Iterable[ConditionalNotice]:
        """Give the notices about a list as a whole: it was taken as complete, a count in it was assumed."""
        if self._dimension is None or not entries:
            return
        if not complete and not is_open and not self._dimension.is_exhausted(entries):
            yield from self._parts.told_of_section("takenAsCompleteFor", self.fact)
        more = self._dimension.with_more(entries, is_open)
        if more is not None:
            yield from self._parts.count_decides(self.fact, more)

    def _not_stated(self) -> ListRead:
        """Read a list that is not stated: unknown, or none where the caller asked for it."""
        if self.fact not in self._parts.asked:
            return ListRead(True, self.values.index(UNKNOWN))
        asked = self._parts.told_of_section("assumedCompleteFor", self.fact)
        return replace(self._list([]), marks=self._parts.marks.mask(asked))
