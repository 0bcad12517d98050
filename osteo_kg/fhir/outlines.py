"""The outline of a resource: all of it but what differs from one patient to the next, such as ids, days and scores.

Models look at an id, a day or a decimal number by its form alone, so that resources of one outline are alike to them.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from decimal import Decimal
from typing import Any

from osteo_kg.cases import is_a_day

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_REFERENCE = re.compile(r"[A-Za-z0-9\-._:/]+", re.ASCII)
_DAY = len("2026-11-22")
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-3]):[0-5]\d))?", re.ASCII
)
_DIGIT = re.compile(r"\d")
_FORMS = {"id": _ID, "reference": _REFERENCE}


def outline(resource: dict[str, Any]) -> Hashable:
    """Give the outline of a resource.

    >>> one = {"resourceType": "Observation", "id": "a", "effectiveDateTime": "2024-02-29", "status": "final"}
    >>> outline(one) == outline({**one, "id": "b", "effectiveDateTime": "2025-01-31"})
    True
    >>> outline(one) == outline({**one, "effectiveDateTime": "2025-02-29"})
    False
    """
    return tuple((key, _of(key, value)) for key, value in resource.items())


def _of(key: str, value: Any) -> Hashable:
    if isinstance(value, str):
        return _of_text(key, value)
    if isinstance(value, dict):
        return outline(value)
    if isinstance(value, list):
        return ("list", *(_of(key, each) for each in value))
    if isinstance(value, Decimal) and key == "value":
        return Decimal
    return type(value), f"{value}"  # 1, true and 1.0 are equal in Python


def _of_text(key: str, value: str) -> Hashable:
    form = _FORMS.get(key)
    if form is not None:
        return form if form.fullmatch(value) else value
    if value[:1].isdigit() and _MOMENT.fullmatch(value) and is_a_day(value[:_DAY]):
        return _MOMENT, _DIGIT.sub("0", value)
    return value
