"""Dates in the order in which a source writes them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence

#: What may follow a day: the time of day, which says nothing here.
_TIME = r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
_WIDTHS = {"D": r"(?P<D>\d{%s})", "M": r"(?P<M>\d{%s})", "Y": r"(?P<Y>\d{4})"}


class DateOrder:
    """Reads dates of one order.

    Args:
        order: such as `DD/MM/YYYY`.

    >>> french = DateOrder("DD/MM/YYYY")
    >>> french.read("03/02/2026"), french.read("3/2/2026 00:00"), french.read("02/2026"), french.read("2026-02-03")
    ('2026-02-03', '2026-02-03', '2026-02', '2026-02-03')
    """

    def __init__(self, order: str) -> None:
        parts = re.findall(r"D+|M+|Y+|[^DMY]+", order)
        self._day = re.compile(_pattern(parts) + _TIME)
        months = [part for part in parts if part[0] in "MY"]
        between = next((part for part in parts if part[0] not in "DMY"), None)
        self._month = re.compile(_pattern([months[0], between, months[1]])) if between else None

    def read(self, text: str) -> str:
        """Give a date as ISO 8601 has it; what is none of this order stays as it is."""
        if found := self._day.fullmatch(text.strip()):
            day, month, year = (int(found[each]) for each in "DMY")
            try:
                return datetime.date(year, month, day).isoformat()
            except ValueError:
                return text
        if self._month and (found := self._month.fullmatch(text.strip())):
            return f"{found['Y']}-{int(found['M']):02}"
        return text


def _pattern(parts: list[str]) -> str:
    has_signs = any(part[0] not in "DMY" for part in parts)
    width = "1,2" if has_signs else "2"
    return "".join(_WIDTHS[part[0]].replace("%s", width) if part[0] in _WIDTHS else re.escape(part) for part in parts)


_DATE = re.compile(r"(\d{1,4})([-/. ])(\d{1,2})\2(\d{1,4})(?:[ T]\d{1,2}:\d{2}.*)?")
_YEAR = 4  # digits
_MONTHS = 12
_DIFFER = "some have the month first, and some the day: give each file one order"
_ALIKE = "DD/MM/YYYY or MM/DD/YYYY: every day is both"
_SHORT_YEARS = "write years with four digits"
_SERIAL = "numbers as Excel counts days: write them as dates"
_NO_DATES = "none is a date that can be read: write YYYY-MM-DD"


def order_of(words: Sequence[str]) -> tuple[str | None, str]:
    """Give the one order that dates certainly have, in which most of them are written; or None, and what is to be done.

    >>> order_of(["05/01/1960", "31/12/1960", "02/2026"]), order_of(["05/01/1960"])[1]
    (('DD/MM/YYYY', ''), 'DD/MM/YYYY or MM/DD/YYYY: every day is both')
    """
    found = [match for word in words if (match := _DATE.fullmatch(word))]
    ends = [match for match in found if len(match[4]) == _YEAR and len(match[1]) < _YEAR]
    begins = [match for match in found if len(match[1]) == _YEAR]
    if ends:
        day_first, month_first = (any(int(match[place]) > _MONTHS for match in ends) for place in (1, 3))
        if day_first == month_first:
            return None, _DIFFER if day_first else _ALIKE
        sign = max((match[2] for match in ends), key=[match[2] for match in ends].count)
        return (f"DD{sign}MM{sign}YYYY" if day_first else f"MM{sign}DD{sign}YYYY"), ""
    if begins:
        sign = begins[0][2]
        return f"YYYY{sign}MM{sign}DD", ""
    if words and all(re.fullmatch(r"(19|20)\d{6}", word) for word in words):
        return "YYYYMMDD", ""
    numbers = all(re.fullmatch(r"\d+([.,]\d+)?", word) for word in words)
    return None, _SHORT_YEARS if found else _SERIAL if numbers else _NO_DATES
