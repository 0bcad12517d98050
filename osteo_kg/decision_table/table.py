"""The decision table: every situation with its answer, and the same on one page that a clinician can sign.

In the minimised table a row stands for all the settled situations that it covers, and a cell says under which
condition an option is open. Unknown facts need no rows: reading.md R8 says what follows from the rows of every way
they could turn out.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from osteo_kg.bilingual import BilingualText, Language, shown_number
from osteo_kg.rdf import OSTEO
from osteo_kg.reasoning import (
    MET,
    NONE,
    NOT_APPLICABLE,
    Answer,
    Band,
    BandDimension,
    CodedDimension,
    Dimension,
    Engine,
    Key,
    Outcome,
    SectionDimension,
)

_WORDS = {
    "any": BilingualText("any", "–"),
    "or": BilingualText("or", "ou"),
    "and": BilingualText("and", "et"),
    "no": BilingualText("no", "sans"),
    NONE: BilingualText("none", "aucune fracture"),
    NOT_APPLICABLE: BilingualText("not applicable", "sans objet"),
    "measured": BilingualText("measured", "mesuré"),
    "not-measured": BilingualText("not measured", "non mesuré"),
}
#: What a row says of one option: its line and the criteria that reserve it; None where it is not listed.
Cell = tuple[str | None, tuple[str, ...]] | None
Box = tuple[frozenset[str], ...]
Told = TypeVar("Told", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all situations of a row have in common."""

    disposition: str
    strength: str | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the minimised table: the values it covers in each dimension, and the verdict."""

    values: Box
    verdict: Verdict

    def covers(self, key: Key) -> bool:
        """Whether a settled situation belongs to this row."""
        return all(value in allowed for value, allowed in zip(key, self.values, strict=True))


def settled_keys(engine: Engine) -> list[Key]:
    """Give every situation in which nothing is unknown."""
    settled = [
        [value for value in each.values if each.completions(value) == (value,)] for each in engine.space.dimensions
    ]
    return list(dict.fromkeys(engine.space.canonical(key) for key in itertools.product(*settled)))


def minimised(engine: Engine) -> list[Row]:
    """Merge the settled situations into as few rows as box by box merging gives; the rows do not overlap."""
    outcomes = engine.settled(settled_keys(engine))
    found = [Row(*each) for each in merged({key: _verdict(engine, each) for key, each in outcomes.items()})]
    return sorted(found, key=lambda row: min(_rank(each) for key, each in outcomes.items() if row.covers(key)))


def _rank(outcome: Outcome) -> tuple[int, ...]:
    """Order rows as the rules of the guideline stand, and within a rule by the options listed."""
    return outcome.rules.index(MET), *(listing is not None for _, listing in outcome.options)


def merged(verdicts: Mapping[Key, Told]) -> list[tuple[Box, Told]]:
    """Merge situations of which the same is told into boxes that do not overlap, as few as this way gives."""
    rows = [(tuple(frozenset({value}) for value in key), verdict) for key, verdict in verdicts.items()]
    while True:
        before = len(rows)
        for place in range(len(rows[0][0]) if rows else 0):
            rows = _merged(rows, place)
        if len(rows) == before:
            return rows


def _merged(rows: Iterable[tuple[Box, Told]], place: int) -> list[tuple[Box, Told]]:
    groups: dict[tuple[Box, Told], frozenset[str]] = defaultdict(frozenset)
    for box, verdict in rows:
        groups[(*box[:place], *box[place + 1 :]), verdict] |= box[place]
    return [((*rest[:place], values, *rest[place:]), verdict) for (rest, verdict), values in groups.items()]


def _verdict(engine: Engine, outcome: Outcome) -> Verdict:
    def cell(listing: str | None) -> Cell:
        if listing is None:
            return None
        found = engine.guideline.listings[listing]
        return found.line, found.reserved_by

    return Verdict(outcome.disposition, outcome.strength, tuple(cell(listing) for _, listing in outcome.options))


def shown_values(engine: Engine, row: Row, language: Language) -> list[str]:
    """Write the values of a row: bands as intervals, entries by what must and what must not be there."""
    every = [frozenset(values) for values in zip(*settled_keys(engine), strict=True)]
    shown = _Shown(engine, language)
    return [
        shown.values(dimension, values, full)
        for dimension, values, full in zip(engine.space.dimensions, row.values, every, strict=True)
    ]


class _Shown:
    """Writes sets of values of a dimension in one language."""

    def __init__(self, engine: Engine, language: Language) -> None:
        self._knowledge = engine.knowledge
        self._language = language

    def values(self, dimension: Dimension, values: frozenset[str], full: frozenset[str]) -> str:
        if values == full or values == full - {NOT_APPLICABLE}:
            return self._word("any")
        if isinstance(dimension, BandDimension):
            return self._or(self._intervals(dimension, values))
        if isinstance(dimension, SectionDimension):
            return self._profiles(dimension, values)
        if isinstance(dimension, CodedDimension):
            label = self._knowledge.terms.label
            return self._or(
                self._word(value) if value == NOT_APPLICABLE else label(dimension.iris[value]).get(self._language)
                for value in sorted(values)
            )
        return self._or(sorted(values))

    def _word(self, name: str) -> str:
        return _WORDS[name].get(self._language)

    def _or(self, parts: Iterable[str]) -> str:
        return f" {self._word('or')} ".join(parts)

    def _intervals(self, dimension: BandDimension, values: frozenset[str]) -> Iterator[str]:
        run: list[Band] = []
        for band in (*dimension.bands, None):
            if band is not None and band.name in values:
                run.append(band)
            elif run:
                yield self._interval(run[0], run[-1])
                run = []
        if NONE in values:
            yield self._word("not-measured")

    def _interval(self, first: Band, last: Band) -> str:
        low = f"{'≥' if first.low_included else '>'} {self._number(first.low)}" if first.low is not None else ""
        high = f"{'≤' if last.high_included else '<'} {self._number(last.high)}" if last.high is not None else ""
        return f" {self._word('and')} ".join(part for part in (low, high) if part) or self._word("measured")

    def _number(self, value: Decimal) -> str:
        return shown_number(f"{value.normalize():f}").get(self._language)

    def _profiles(self, dimension: SectionDimension, values: frozenset[str]) -> str:
        if values == {NONE}:
            return self._word(NONE)
        profiles = [dict(dimension.states[value][0]) for value in values]
        allowed = {name: sorted({profile.get(name, 0) for profile in profiles}) for name in dimension.kinds}
        if math.prod(len(counts) for counts in allowed.values()) != len(values):
            kinds = _of_which_one(dimension, values)
            return self._or(self._named(name) for name in kinds) if kinds else self._or(sorted(values))
        said = [self._count(name, counts, dimension.kinds[name][1]) for name, counts in allowed.items()]
        return ", ".join(sorted((part for part in said if part), key=lambda part: part.startswith(self._word("no"))))

    def _count(self, name: str, counts: list[int], most: int) -> str:
        if counts == list(range(most + 1)):
            return ""
        if counts == [0]:
            return f"{self._word('no')} {self._named(name)}"
        if counts == list(range(1, most + 1)):
            return self._named(name)
        return f"{self._named(name)} × {self._or(str(count) for count in counts)}"

    def _named(self, name: str) -> str:
        """Name a kind of entry by the short label of the class of patients that it leads to."""
        for iri, known in self._knowledge.triples.pairs(OSTEO.situationName):
            if known == name and (text := self._knowledge.triples.text(iri, OSTEO.shortLabel)):
                return text.get(self._language)
        return name


def _of_which_one(dimension: SectionDimension, values: frozenset[str]) -> tuple[str, ...]:
    """Name the kinds of entries of which these profiles, and no others, hold at least one."""
    settled = [value for value in dimension.values if len(dimension.states[value]) == 1]
    for size in range(2, len(dimension.kinds) + 1):
        for kinds in itertools.combinations(dimension.kinds, size):
            if values == {v for v in settled if any(name in kinds for name, _ in dimension.states[v][0])}:
                return kinds
    return ()


def expanded(engine: Engine, rows: Iterable[Row], key: Key) -> dict[Key, Verdict]:
    """Give the verdicts that the minimised table holds for every way of one situation."""
    space = engine.space
    completions = dict.fromkeys(space.canonical(way) for way in space.completions(key))
    return {way: next(row.verdict for row in rows if row.covers(way)) for way in completions}


def every_answer(engine: Engine) -> Iterator[tuple[Key, Answer]]:
    """Give every situation with its answer, in a fixed order."""
    keys = list(engine.space.all_keys())
    engine.prepare(keys)
    for key in keys:
        yield key, engine.answer(key)
