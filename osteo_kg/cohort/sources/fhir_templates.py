"""The row of a group of resources as a template: what stands in it for everyone, and where her days and numbers go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """A row of a group, with where its days and numbers come from.

    Attributes:
        fixed: what stands in it for everyone.
        days: the columns that hold a day, each with the place of the day among those of the group.
        numbers: the columns that hold a number, each with its place likewise.
        dated: the columns that hold entries: of each what stands in it for everyone, the name of its day and the place.
        written: the columns that hold texts which end in a number: of each what stands before the number, its place and
            its decimals.
    """

    fixed: Row
    days: tuple[tuple[str, int], ...] = ()
    numbers: tuple[tuple[str, int], ...] = ()
    dated: tuple[tuple[str, tuple[tuple[Mapping[str, Any], str, int | None], ...]], ...] = ()
    written: tuple[tuple[str, tuple[tuple[str, int, int], ...]], ...] = ()


class NotHeld:
    """Of a group that columns cannot hold."""


class OnlyAsItIs:
    """Of a group whose row says more of its days or numbers than that they are there."""


NOT_HELD, AS_IT_IS = NotHeld(), OnlyAsItIs()


def template_of(changes: Row, days: Sequence[str], numbers: Sequence[float], unseen: set[str]) -> Template | OnlyAsItIs:
    """Say where the days and numbers of a row come from, where they stand in it as they are and nowhere else."""
    fixed: dict[str, Any] = {}
    of_days, of_numbers, dated, written = [], [], [], []
    telling = {*days, *unseen, *(f"{number:g}" for number in numbers), *(f"{number}" for number in numbers)}
    for key, value in changes.items():
        if isinstance(value, float) and value in numbers:
            of_numbers.append((key, numbers.index(value)))
        elif isinstance(value, str) and value in days:
            of_days.append((key, days.index(value)))
        elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
            entries = tuple(_entry(each, days) for each in value)
            if any(entry is None or _tells(entry[0].values(), telling, numbers) for entry in entries):
                return AS_IT_IS
            dated.append((key, entries))
        elif (texts := _ending_in_numbers(value, numbers)) is not None:
            written.append((key, texts))
        elif _tells(value if isinstance(value, list | tuple) else [value], telling, numbers):
            return AS_IT_IS
        else:
            fixed[key] = value
    return Template(fixed, tuple(of_days), tuple(of_numbers), tuple(dated), tuple(written))  # type: ignore[arg-type]


def _entry(entry: Mapping[str, Any], days: Sequence[str]) -> tuple[Mapping[str, Any], str, int | None] | None:
    """Give an entry of a list with where its day comes from; None where it has several."""
    found = [key for key, value in entry.items() if value in days]
    if len(found) > 1:
        return None
    rest = {key: value for key, value in entry.items() if key not in found}
    return (rest, found[0], days.index(entry[found[0]])) if found else (rest, "", None)


def _ending_in_numbers(value: Any, numbers: Sequence[float]) -> tuple[tuple[str, int, int], ...] | None:
    """Say of texts what stands before the number that each ends in; None where one ends in none, or in another one."""
    if not numbers or not isinstance(value, tuple) or not value:
        return None
    found = []
    for text in value:
        before, between, number = text.rpartition(" ") if isinstance(text, str) else ("", "", "")
        decimals = len(number.partition(".")[2])
        places = [place for place, each in enumerate(numbers) if f"{each:.{decimals}f}" == number]
        if not between or not places:
            return None
        found.append((before + between, places[0], decimals))
    return tuple(found)


def _tells(values: Iterable[Any], telling: set[str], numbers: Sequence[float]) -> bool:
    """Whether a value tells a day or a number, or may do so inside."""
    for value in values:
        if isinstance(value, str):
            told = any(each in value for each in telling)
        elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            told = float(value) in numbers
        else:
            told = value is not None and not isinstance(value, bool)
        if told:
            return True
    return False


def filled(template: Template, days: Sequence[str], numbers: Sequence[float]) -> Row:
    """Give the row of a group with these days and numbers."""
    row = dict(template.fixed)
    for key, place in template.days:
        row[key] = days[place]
    for key, place in template.numbers:
        row[key] = numbers[place]
    for key, texts in template.written:
        row[key] = tuple(f"{before}{numbers[place]:.{decimals}f}" for before, place, decimals in texts)
    for key, entries in template.dated:
        row[key] = [rest if place is None else {**rest, name: days[place]} for rest, name, place in entries]
    return row


def merged(row: dict[str, Any], changes: Iterable[Row]) -> Row | None:
    """Put what groups change into a row; None where two say different things of one column.

    Each entry of a list counts, and what is told again is told once.
    """
    for change in changes:
        for key, value in change.items():
            before = row.get(key)
            if before and value and isinstance(value, list) and isinstance(value[0], Mapping):
                row[key] = [*before, *value]
            elif before is None or before is False or before == () or before == value:
                row[key] = value
            elif isinstance(value, list | tuple) and type(before) is type(value):
                row[key] = type(value)((*before, *(each for each in value if each not in before)))
            elif key == "last_spared":
                row[key] = max(before, value)
            else:
                return None
    return row
