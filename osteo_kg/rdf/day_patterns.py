"""Regular expressions that compare days as they are written, whether as a date or as a date-time, in any time zone.

SHACL compares a date with a date only, and a time without a zone with no time that has one; the day of a case is what
stands there (the reading, R2). The expressions keep to what XPath, Java, JavaScript and Python read alike.
"""

from __future__ import annotations

import datetime
import string
from collections.abc import Iterator

_NINE = string.digits[-1]


def up_to(day: datetime.date) -> str:
    """Give what matches a day, or any before it.

    >>> up_to(datetime.date(1000, 1, 1))
    '^ *([0-0]|1000-0[0-0]|1000-01-0[0-0]|1000-01-01)'
    """
    text = day.isoformat()
    return _one_of([*_before(text), text])


def born_within(least: int, greatest: int, on: datetime.date) -> tuple[str, str]:
    """Give what matches a birth date not too early, and one not too late, for an age on a day.

    Args:
        least: the least age, in completed years.
        greatest: the greatest.
        on: the day on which the age is reckoned.
    """
    earliest, latest = (_years_before(on, years) for years in (greatest + 1, least))
    return _one_of(_after(earliest)), _one_of([*_before(latest), latest])


def born_at(age: int, on: datetime.date) -> str:
    """Give what matches a birth date of an age in completed years.

    Args:
        age: the age.
        on: the day on which it is reckoned.
    """
    _, _, birthday = on.isoformat().partition("-")
    had = f"{_year(on.year - age)}-({'|'.join([*_before(birthday), birthday])})"
    to_come = "|".join(_after(birthday))
    return _one_of([had, f"{_year(on.year - age - 1)}-({to_come})"] if to_come else [had])


def _years_before(on: datetime.date, years: int) -> str:
    return _year(on.year - years) + on.isoformat().removeprefix(_year(on.year))


def _year(year: int) -> str:
    return f"{max(year, 0):04d}"  # no day is of year nought


def _before(text: str) -> Iterator[str]:
    """Give the beginnings of the texts of the same form that come before one."""
    for place, digit in enumerate(text):
        if digit.isdigit() and digit != "0":
            yield f"{text[:place]}[0-{int(digit) - 1}]"


def _after(text: str) -> Iterator[str]:
    for place, digit in enumerate(text):
        if digit.isdigit() and digit != _NINE:
            yield f"{text[:place]}[{int(digit) + 1}-9]"


def _one_of(beginnings: list[str] | Iterator[str]) -> str:
    return f"^ *({'|'.join(beginnings)})"
