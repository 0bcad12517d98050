"""Cuts through numbers and days: columns say between which two a value lies, the library says what that means."""

from __future__ import annotations

import calendar
import datetime
import itertools
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.rdf.terms import OSTEO

Value = TypeVar("Value")
_LIMITS = (OSTEO.above, OSTEO.atLeast, OSTEO.atMost)
_MONTHS = 12


@dataclass(frozen=True)
class Cuts(Generic[Value]):
    """Values at which something may change.

    A value has the place of the cut on which it lies, or of the gap between two: even places are gaps.
    """

    values: tuple[Value, ...]

    def place(self, column: Any) -> Any:
        """Give the place of every value of a column, and one past the last for none."""
        place = 0
        for value in self.values:
            at = float(value) if isinstance(value, Decimal) else value
            place = place + (column > at).cast("int64") + (column >= at).cast("int64")
        return (column.isnull().cast("int64") * 0 + place).fill_null(self.none)

    @property
    def none(self) -> int:
        """The place of what has no value."""
        return 2 * len(self.values) + 1

    def examples(self, less: Value, more: Value) -> list[Value]:
        """Give one value for each place; `less` and `more` lie outside all cuts."""
        edges: tuple[Any, ...] = (less, *self.values, more)
        gaps = [low + (high - low) / 2 for low, high in itertools.pairwise(edges)]
        return [each for pair in zip(gaps, (*self.values, more), strict=True) for each in pair][:-1]


def number_cuts(parts: LibraryProbe, predicate: str) -> Cuts[Decimal]:
    """Give every number at which a criterion, or a notice about the number, changes its mind."""
    criteria = [each for each in parts.engine.guideline.criteria.values() if each.tested == predicate]
    bounds = {value for each in criteria for _, value in each.bounds}
    triples = parts.knowledge_base.knowledge.triples
    notices = [kind.iri for kind in parts.knowledge_base.notices.kinds]
    limits = {Decimal(v) for iri in notices for name in _LIMITS for v in triples.objects(iri, name)}
    near = {Decimal(v) for iri in notices for v in triples.objects(iri, OSTEO.tolerance)}
    return Cuts(tuple(sorted(bounds | limits | {bound + each for bound in bounds for each in near})))


def day_cuts(parts: LibraryProbe) -> Cuts[datetime.date]:
    """Give every day before the assessment at which a notice counts a measurement as old."""
    triples = parts.knowledge_base.knowledge.triples
    months = {int(v) for k in parts.knowledge_base.notices.kinds for v in triples.objects(k.iri, OSTEO.monthsAllowed)}
    return Cuts(tuple(sorted(months_before(parts.on, each) for each in months)))


def months_before(day: datetime.date, months: int) -> datetime.date:
    """Give the same day some months before, or the last of its month where there is none.

    >>> months_before(datetime.date(2024, 2, 29), 36)
    datetime.date(2021, 2, 28)
    """
    year, month = divmod(day.year * _MONTHS + day.month - 1 - months, _MONTHS)
    return datetime.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
