"""Dates in the order in which a source writes them."""

from __future__ import annotations

import datetime
import re

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
