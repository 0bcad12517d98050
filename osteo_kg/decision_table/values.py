"""The values of the facts of situations in words: bands as intervals, sections by what they hold."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Iterator
from decimal import Decimal

from osteo_kg.bilingual import BilingualText, Language, shown_number
from osteo_kg.rdf import OSTEO
from osteo_kg.reasoning import (
    AT_LEAST,
    NONE,
    NOT_APPLICABLE,
    UNKNOWN,
    Band,
    BandDimension,
    CodedDimension,
    Dimension,
    Engine,
    SectionDimension,
    StatementDimension,
)

_WORDS = {
    "any": BilingualText("any", "–"),
    "or": BilingualText("or", "ou"),
    "and": BilingualText("and", "et"),
    "no": BilingualText("no", "sans"),
    NONE: BilingualText("none", "aucune fracture"),
    NOT_APPLICABLE: BilingualText("not applicable", "sans objet"),
    UNKNOWN: BilingualText("not recorded", "non renseigné"),
    "nothing": BilingualText("none that counts here", "aucun élément pris en compte"),
    "or-more": BilingualText("or more", "ou plus"),
    "true": BilingualText("yes", "oui"),
    "false": BilingualText("no", "non"),
    "or-lower": BilingualText("a lower one may exist", "un plus bas est possible"),
    "at-least": BilingualText("at least: ", "au moins : "),
    "perhaps": BilingualText("perhaps one more: ", "peut-être en plus : "),
    "measured": BilingualText("measured", "mesuré"),
    "not-measured": BilingualText("not measured", "non mesuré"),
}


class ValueWords:
    """Writes values of the facts of situations in one language."""

    def __init__(self, engine: Engine, language: Language) -> None:
        self._knowledge = engine.knowledge
        self._language = language

    def value(self, dimension: Dimension, value: str) -> str:
        """Write one value, settled or not."""
        if value == UNKNOWN:
            return self._word(UNKNOWN)
        if isinstance(dimension, StatementDimension):
            return self._word(value)
        if isinstance(dimension, SectionDimension):
            return self._section(dimension, value)
        settled = dimension.completions(value) if value != NOT_APPLICABLE else (value,)
        said = self.values(dimension, frozenset(settled), frozenset())
        return said if settled == (value,) else f"{said} ({self._word('or-lower')})"

    def values(self, dimension: Dimension, values: frozenset[str], full: frozenset[str]) -> str:
        """Write values that stand for one another in a row, out of all that there are."""
        if values == full or values == full - {NOT_APPLICABLE}:
            return self._word("any")
        if isinstance(dimension, BandDimension):
            return self._or(self._intervals(dimension, values))
        if isinstance(dimension, SectionDimension):
            return self._word(NONE) if values == {NONE} else self._profiles(dimension, values)
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

    def _section(self, dimension: SectionDimension, value: str) -> str:
        """Write what is known of a section: its entries, those that may be there, and whether it may hold more."""
        if value == NONE:
            return self._word("nothing")
        if len(dimension.states[value]) == len(value[:1]):
            return self._profiles(dimension, frozenset({value}))
        names = value.removeprefix(AT_LEAST)
        said = ", ".join(self._entry(dimension, *each.partition(":")[::2]) for each in names.split(","))
        return f"{self._word('at-least')}{said}" if names != value else said

    def _entry(self, dimension: SectionDimension, name: str, count: str) -> str:
        """Write one kind of entry of a section that is not settled, and how many there are."""
        may_be = dimension.doubts.get(name, frozenset({name}))
        said = self._or(self._named(each) for each in sorted(each for each in may_be if each))
        if name in dimension.doubts and self._named(name) != name:
            said = self._named(name)
        if None in may_be:
            said = f"{self._word('perhaps')}{said}"
        most = dimension.kinds[name][1] if name in dimension.kinds else None
        return f"{said} × {self._at_most(int(count), most)}" if count else said

    def _at_most(self, count: int, most: int | None) -> str:
        """Write a count; the highest that the guideline tells apart stands for all higher ones."""
        return f"{count} {self._word('or-more')}" if count == most else f"{count}"

    def _profiles(self, dimension: SectionDimension, values: frozenset[str]) -> str:
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
        return f"{self._named(name)} × {self._or(self._at_most(count, most) for count in counts)}"

    def _named(self, name: str) -> str:
        """Name a kind of entry by the short label of the class of patients that it leads to."""
        if name in self._short_labels:
            return self._short_labels[name]
        return f" {self._word('and')} ".join(self._named(each) for each in name.split("+")) if "+" in name else name

    @functools.cached_property
    def _short_labels(self) -> dict[str, str]:
        triples = self._knowledge.triples
        labels = ((name, triples.text(iri, OSTEO.shortLabel)) for iri, name in triples.pairs(OSTEO.situationName))
        return {name: text.get(self._language) for name, text in labels if text}


def _of_which_one(dimension: SectionDimension, values: frozenset[str]) -> tuple[str, ...]:
    """Name the kinds of entries of which these profiles, and no others, hold at least one."""
    settled = [value for value in dimension.values if len(dimension.states[value]) == 1]
    for size in range(2, len(dimension.kinds) + 1):
        for kinds in itertools.combinations(dimension.kinds, size):
            if values == {v for v in settled if any(name in kinds for name, _ in dimension.states[v][0])}:
                return kinds
    return ()
