"""The cells of a table of text: each as the value that a JSON record would have."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from osteo_kg.case.fields import Field
from osteo_kg.knowledge import FALSE, NONE, TRUE
from osteo_kg.rdf import decimal_text

_NUMBERS = ("whole", "decimal")
_UNSEEN = "\ufeff\u200b\u200c\u200d\u2060"  # signs that take no room; a mark of UTF-8 stays where files are joined


def bare(text: str) -> str:
    r"""Give the text of a cell, or the name of a column, without space and signs that nobody sees around it.

    >>> bare(" \ufeffanna\u00a0")
    'anna'
    """
    return text.strip().strip(_UNSEEN).strip()


def cell_value(field: Field, text: str) -> Any:
    """Give the value of a cell; what does not fit stays text, for the shapes to refuse."""
    if field.kind in _NUMBERS:
        number = decimal_text(text)
        return text if number is None else Decimal(number)
    if field.kind == "truth":
        return {TRUE: True, FALSE: False}.get(text, text)
    if field.kind == "list":
        entries = [] if text == NONE else [part.strip() for part in text.split(";")]
        return [_entry(field, entry) for entry in entries] if field.entry else entries
    return text


def _entry(field: Field, text: str) -> dict[str, Any]:
    """Read an entry, such as `vertebra:low-energy:2026-02-01:x2`: a number has an x, a day begins with a digit.

    `x1-3` is a range: one at least, and three at most.
    """
    main, *others = field.entry
    keys = {each.kind: each.key for each in reversed(others)}
    most = [each.key for each in others if each.kind == "whole"][-1:]
    stated, *parts = text.split(":")
    entry: dict[str, Any] = {main.key: stated}
    for part in filter(None, parts):
        number = re.fullmatch(r"x(-?\d+)(?:-(\d+))?", part, re.ASCII) if "whole" in keys else None
        day = re.match(r"\d", part) if "day" in keys else None
        key = keys["whole"] if number else keys["day"] if day else keys["coded"]
        value = Decimal(number.group(1)) if number else part
        if number and number.group(2):
            entry |= {each: Decimal(number.group(2)) for each in most}
        entry[key] = f"{entry[key]}:{part}" if key in entry else value  # two values are refused, not one of them lost
    return entry
