"""Several measurements of one patient, brought to what columns hold: those that count, and what is told of the others.

Which of them count is what lifting says (`queries/lift`): of each place, and of each measure of renal function, those
that no later one supersedes.
"""

from __future__ import annotations

import datetime
import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from osteo_kg.case import DENSITOMETRY, day_field
from osteo_kg.cohort.abstraction.columns import decimals_key, months_before
from osteo_kg.rdf import period_text

FURTHER = tuple(f"further_score_{number}" for number in range(1, 5))
SUPERSEDED, APART, ORDER_OPEN, UNDATED = (
    "superseded_score",
    "has_sites_apart",
    "has_open_order",
    "has_undated_deciding_score",
)
#: What stands in columns beside the flat record: current scores of a place that is held already, the lowest score that
#: a later one supersedes where it is lower than all that count, and what is so of all that count together.
COLUMNS: Mapping[str, pa.DataType] = {
    **dict.fromkeys(FURTHER, pa.float64()),
    **dict.fromkeys(map(decimals_key, FURTHER), pa.int64()),
    SUPERSEDED: pa.float64(),
    **dict.fromkeys((APART, ORDER_OPEN, UNDATED), pa.bool_()),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One number that was measured.

    Attributes:
        entry: the entry that states it.
        place: what its later ones supersede: the key of the site as it is read, or of a measure.
        number: the number, its digits as written.
        first: the first day on which it may have been measured; empty where there is none.
        last: the last such day.
        side: the side of the body; empty where it is not stated.
    """

    entry: Any
    place: str
    number: Decimal
    first: str = ""
    last: str = ""
    side: str = ""

    @property
    def is_of_a_day(self) -> bool:
        """Whether the day is known."""
        return bool(self.first) and self.first == self.last

    def is_later_than(self, other: Measured) -> bool:
        """Whether its whole period lies after that of another."""
        return bool(self.first and other.last) and self.first > other.last

    def may_be_of_side(self, other: Measured) -> bool:
        """Whether it may be of the same side as another."""
        return not self.side or not other.side or self.side == other.side


def counting(measured: Iterable[Measured]) -> list[Measured]:
    """Give those that no later one supersedes."""
    of_place: dict[str, list[Measured]] = defaultdict(list)
    for each in measured:
        of_place[each.place].append(each)
    return [
        each
        for together in of_place.values()
        for each in together
        if not any(other.is_later_than(each) and other.may_be_of_side(each) for other in together)
    ]


def contradict(measured: Iterable[Measured]) -> bool:
    """Whether two of one place and one day differ, of one side or both of none."""
    return any(
        one.place == other.place
        and one.number != other.number
        and one.is_of_a_day
        and other.is_of_a_day
        and one.first == other.first
        and one.side == other.side
        for one, other in itertools.combinations(measured, 2)
    )


def columns_of(measured: Iterable[Measured], months_apart: int | None) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Give what columns hold of scores of axial sites: the keys of a flat record, and what stands beside them.

    Args:
        measured: the scores; no two of them contradict each other.
        months_apart: how many months may lie between those that count without a word; None for any number.

    Returns:
        None where columns do not hold them all.
    """
    scores = list(measured)
    current = counting(scores)
    by_score = sorted(current, key=lambda each: (each.number, each.number.as_tuple().exponent))
    held = {each.place: each.number for each in reversed(by_score)}
    further = list(dict.fromkeys(str(e.number) for e in by_score if str(held[e.place]) != str(e.number)))
    if len(further) > len(FURTHER):
        return None
    if not current:
        return {}, {}
    lowest = by_score[0].number
    alike = [each for each in current if each.number == lowest]
    deciding = [each for each in alike if not any(other.is_later_than(each) for other in alike)]
    days = [each.first for each in deciding if each.first]
    older = min((each.number for each in scores if each not in current), default=lowest)
    beside = {
        **dict(zip(FURTHER, map(Decimal, further), strict=False)),
        SUPERSEDED: older if older < lowest else None,
        APART: _are_apart(current, months_apart),
        ORDER_OPEN: _order_is_open(current),
        UNDATED: len(days) < len(deciding),
    }
    return {**held, **({day_field(DENSITOMETRY).key: max(days)} if days else {})}, beside


def lowest_of_each(measured: Iterable[Measured]) -> dict[str, Decimal]:
    """Give of each measure the lowest number that counts."""
    found: dict[str, Decimal] = {}
    for each in counting(measured):
        found[each.place] = min(found.get(each.place, each.number), each.number)
    return found


def period(day: str, first: str, last: str) -> tuple[str, str] | None:
    """Give the first and the last day of a measurement, empty where it has none; None where that is no plain period."""
    if not first and not last:
        return day, day
    return None if day or not (first and last) or period_text(first, last) is None else (first, last)


def _are_apart(current: Iterable[Measured], months: int | None) -> bool:
    dated = [each for each in current if each.first]
    return bool(dated) and lie_apart(min(e.first for e in dated), max(e.last for e in dated), months)


def lie_apart(first: str, last: str, months: int | None) -> bool:
    """Whether more months than these lie between two days; None for any number."""
    if months is None:
        return False
    try:
        return last > months_before(datetime.date.fromisoformat(first), -months).isoformat()
    except ValueError:  # so far in the future that no day comes after: the shapes refuse it
        return False


def _order_is_open(current: Iterable[Measured]) -> bool:
    """Whether two different scores of one place count, since of one of them no day is known."""
    return any(
        one.place == other.place
        and one.number != other.number
        and one.may_be_of_side(other)
        and not (one.is_of_a_day and other.is_of_a_day)
        for one, other in itertools.combinations(current, 2)
    )
