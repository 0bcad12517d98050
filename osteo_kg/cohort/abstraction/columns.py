"""The columns of a flat record as expressions, and where a value stands in them that may be read off at once."""

from __future__ import annotations

import calendar
import datetime
import functools
import itertools
import math
import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

import ibis
import ibis.expr.types as ir

from osteo_kg.case import FIELDS, LISTS, SCORES
from osteo_kg.cohort.abstraction.entry_lists import (
    BETWEEN,
    COMPLETE,
    DATED,
    EMPTY,
    NOT_STATED,
    OPEN,
    WITHIN,
    day_key,
    text_fields,
)
from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.cohort.abstraction.shape_conditions import is_rounded
from osteo_kg.rdf import DATE, OSTEO

#: The key of the list of those sections of which something could not be read.
OPEN_SECTIONS = next(field.key for field in LISTS if field.property == OSTEO.isOpenFor)
_TYPES = {
    "text": "string",
    "coded": "string",
    "day": "string",
    "whole": "float64",
    "decimal": "float64",
    "truth": "boolean",
}
_A_DAY = f"^(?:{DATE.pattern})$"
_BEGINNINGS = {r"^[0-9]{4}-[0-9]{2}$": "-01", r"^[0-9]{4}$": "-01-01"}  # of a month and of a year
_FIRST_DAY = datetime.date.min
_BOTH = 2  # entries of a list that are put in order without sorting it


def day(column: Any) -> Any:
    """Give a column as days; what is none is null."""
    if column.type().is_string():
        return column.re_extract(_A_DAY, 1).nullif("").try_cast("date")
    return column.cast("date")


def beginning(column: Any) -> Any:
    """Give a column of days, months and years as the first day of each; what is none is null."""
    if not column.type().is_string():
        return day(column)
    whole = ((column.re_search(period), column.concat(rest)) for period, rest in _BEGINNINGS.items())
    return day(ibis.cases(*whole, else_=column))


def is_day_until(column: Any, last: datetime.date, read: Callable[[Any], Any] = day) -> Any:
    """Say where a column holds nothing, or what is read as a day that is not after another."""
    found = read(column)
    return column.isnull() | (found.notnull() & (found >= _FIRST_DAY) & (found <= last)).fill_null(False)


def number(column: Any) -> Any:
    """Give a column as numbers; of a short float the digits that it shows."""
    if column.type().is_float32():
        return column.cast("string").cast("float64")
    return column.cast("float64")


def is_exact(column: Any) -> Any:
    """Say where a number is the one whose digits its float shows."""
    if column.type().is_decimal():
        shown = column.cast("float64").cast("string").try_cast(column.type())
        return column.isnull() | (shown == column).fill_null(False)
    return ibis.literal(True)


def decimals_key(key: str) -> str:
    """Name the column of how many decimals a number was written with, where its digits do not show it."""
    return f"decimals_{key}"


def shows_decimals(column: Any, least: int) -> Any:
    """Say where a number has so many decimals in its digits."""
    return (~is_rounded(column, least - 1)).fill_null(False)


def least(flat: ir.Table) -> Any:
    """Give the lowest of the T-scores."""
    return ibis.least(*(number(flat[key]) for key in SCORES))


def years(flat: ir.Table, on: datetime.date) -> tuple[Any, Any]:
    """Give the age by the birth date in completed years, and the age by it or as stated."""
    birth = day(flat["birth_date"])
    to_come = (birth.month() > on.month) | ((birth.month() == on.month) & (birth.day() > on.day))
    born = (on.year - birth.year() - to_come.cast("int32")).cast("float64")
    return born, ibis.coalesce(born, number(flat["age_years"]))


def is_open(flat: ir.Table, section: str) -> Any:
    """Say of which records something in a section, by its key, could not be read."""
    return flat[OPEN_SECTIONS].contains(section).fill_null(False)


def open_sections_plain(flat: ir.Table, known: Iterable[str]) -> Any:
    """Say which records name known sections only."""
    names = list(known)
    others = flat[OPEN_SECTIONS].filter(lambda name: ~name.isin(names).fill_null(False))
    return (others.length() == 0).fill_null(True)


def list_text(flat: ir.Table, key: str, is_open: Any, fewest: int) -> Any:
    """Give a list of entries as a text, its entries in order; it says where the section is open.

    It is without days unless `fewest` entries of it may share one. What most lists are is asked first, and each entry
    of a short list by its place.
    """
    column, stated = flat[key], f"complete_{key}"
    length, text = column.length(), functools.partial(_entry_text, key=key)
    short = [each for each in _short_texts(column, text) if each[0] < fewest]
    whole: Any = _joined(column, text)
    if _is_dated(column, key):
        dated = _joined(column, lambda entry: _entry_text(entry, key) + WITHIN + _day_text(entry[day_key(key)]))
        whole = ibis.ifelse(_may_share_a_day(column, key, fewest), DATED + dated, whole)
    texts = [each for _, each in short] + [whole]
    if stated in flat.columns:
        texts = [ibis.ifelse(flat[stated], COMPLETE, "") + each for each in texts]
    of_length = [(length == many, each) for (many, _), each in zip(short, texts, strict=False)]
    listed = ibis.cases((column.isnull(), NOT_STATED), (length == 0, EMPTY), *of_length, else_=texts[-1])
    return ibis.ifelse(is_open, OPEN + listed, listed)


def _short_texts(column: Any, text: Callable[[Any], Any]) -> list[tuple[int, Any]]:
    """Give the texts of the lists of one entry and of two, which are put in order without sorting them."""
    first, second = text(column[0]), text(column[1])
    both = ibis.literal(BETWEEN).join([ibis.least(first, second), ibis.greatest(first, second)])
    return [(1, first), (_BOTH, both)]


def _joined(column: Any, text: Callable[[Any], Any]) -> Any:
    return column.map(text).sort().join(BETWEEN)


def _entry_text(entry: Any, key: str) -> Any:
    if entry.type().is_string():
        text = entry if not text_fields(key) else entry.concat((WITHIN + NOT_STATED) * (len(text_fields(key)) - 1))
        return text.fill_null(NOT_STATED + NOT_STATED)
    text = ibis.literal(WITHIN).join([_field_text(entry, name) for name in text_fields(key)])
    return ibis.ifelse(entry.isnull(), NOT_STATED + NOT_STATED, text)


def _field_text(entry: Any, name: str) -> Any:
    if name not in entry.type().names:
        return ibis.literal(NOT_STATED)
    return entry[name].cast("string").fill_null(NOT_STATED)


def _day_text(column: Any) -> Any:
    return day(column).cast("string").fill_null(NOT_STATED)


def _is_dated(column: Any, key: str) -> bool:
    kind = column.type().value_type
    return bool(kind.is_struct()) and day_key(key) in kind.names


def _may_share_a_day(column: Any, key: str, fewest: int) -> Any:
    """Say of which lists so many entries have a day that another one has that `fewest` may share one."""
    dated = column.map(lambda entry: day(entry[day_key(key)])).filter(lambda day: day.notnull())
    together = ibis.ifelse(column.length() >= fewest, dated.length() - dated.unique().length(), 0)
    return (together >= fewest - 1).fill_null(False)


def days_are_plain(column: Any, key: str, on: datetime.date) -> Any:
    """Say where the entries of a list are dated until a day."""
    if not _is_dated(column, key):
        return ibis.literal(True)
    wrong = column.filter(lambda entry: ~is_day_until(entry[day_key(key)], on)).length()
    return ibis.ifelse(column.length() == 0, True, (wrong == 0).fill_null(True))


def completed(flat: ir.Table) -> ir.Table:
    """Give the table with every key of the flat record; those that it lacks are null."""
    types = {key: _TYPES.get(field.kind, "array<string>") for key, field in FIELDS.items()}
    known = flat.columns
    absent = {key: ibis.null(kind) for key, kind in types.items() if key not in known}
    empty = {key: ibis.null(types[key]) for key in FIELDS if key in known and flat[key].type().is_null()}
    return flat.mutate(**absent, **empty)


# Cuts through numbers and days: columns say between which two a value lies, the library says what that means.

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
        return ibis.ifelse(column.isnull(), self.none, self._place(column, 0, len(self.values))).cast("int64")

    def _place(self, column: Any, first: int, last: int) -> Any:
        """Give the places of values that lie around some of the cuts, by halves: a row is asked few comparisons."""
        if first == last:
            return ibis.literal(2 * first)
        middle = (first + last) // 2
        at = _as_number(self.values[middle])
        more, less = self._place(column, middle + 1, last), self._place(column, first, middle)
        return ibis.cases((column > at, more), (column == at, 2 * middle + 1), else_=less)

    @property
    def none(self) -> int:
        """The place of what has no value."""
        return 2 * len(self.values) + 1

    def place_of(self, value: Value | None) -> int:
        """Give the place of one value."""
        values: tuple[Any, ...] = self.values
        return self.none if value is None else bisect_left(values, value) + bisect_right(values, value)

    def masks(self, column: Any, masks: Sequence[int]) -> Any:
        """Give for every value of a column the mask of its place; nought for none."""
        cases = []
        for mask, run in itertools.groupby(range(len(masks)), masks.__getitem__):
            places = list(run)
            if mask:
                cases.append((self._between(column, places[0], places[-1]), mask))
        return ibis.cases(*cases, else_=0).cast("int64") if cases else ibis.literal(0, "int64")

    def _between(self, column: Any, first: int, last: int) -> Any:
        """Say where the place of a value lies from a first one to a last one."""
        found = column.notnull()
        if first:
            at = _as_number(self.values[(first - 1) // 2])
            found = found & ((column >= at) if first % 2 else (column > at))
        if last < 2 * len(self.values):
            at = _as_number(self.values[last // 2])
            found = found & ((column <= at) if last % 2 else (column < at))
        return found

    def examples(self, less: Value, more: Value) -> list[Value]:
        """Give one value for each place; `less` and `more` lie outside all cuts."""
        edges: tuple[Any, ...] = (less, *self.values, more)
        gaps = [low + (high - low) / 2 for low, high in itertools.pairwise(edges)]
        return [each for pair in zip(gaps, (*self.values, more), strict=True) for each in pair][:-1]


class Numbering:
    """Numbers that stand for one value of each dimension, as digits do: the first dimension weighs least.

    Args:
        dimensions: the values of each, by name; none twice.

    Attributes:
        weights: what the place of a value counts, by dimension.
    """

    def __init__(self, dimensions: Mapping[str, Sequence[str]]) -> None:
        sizes = [len(values) for values in dimensions.values()]
        weights = itertools.accumulate(sizes, operator.mul, initial=1)
        self.weights = dict(zip(dimensions, weights, strict=False))
        half = len(sizes) // 2
        values = list(dimensions.values())
        self._middle = math.prod(sizes[:half])
        self._halves = [functools.cache(functools.partial(_digits, each)) for each in (values[:half], values[half:])]

    def values(self, number: int) -> tuple[str, ...]:
        """Give the values that a number stands for; many numbers have a half in common."""
        second, first = divmod(number, self._middle)
        return self._halves[0](first) + self._halves[1](second)


def _digits(dimensions: Iterable[Sequence[str]], number: int) -> tuple[str, ...]:
    found = []
    for values in dimensions:
        number, place = divmod(number, len(values))
        found.append(values[place])
    return tuple(found)


def _as_number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


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
