"""From a case that came as FHIR to a row: its flat record, and what is said beyond it as columns of truth values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa

from osteo_kg.cases import Case
from osteo_kg.cohort import beyond
from osteo_kg.cohort.flat_text import SCHEMA, row_of
from osteo_kg.cohort.spared import Sparing
from osteo_kg.errors import UsageError
from osteo_kg.flatten import record_of
from osteo_kg.records import SECTIONS
from osteo_kg.vocabulary import OSTEO

_TRUTHS = (*beyond.COLUMNS, *(f"complete_{key}" for key in SECTIONS))
#: Where a patient stands: the task that reads her and the owner of her resources, her place in file and document.
_PLACE = {"task": pa.int64(), "owner": pa.binary(), "position": pa.int64(), "place": pa.int64()}
#: The entries that were taken out of a case, and the newest day of them.
_SPARED = {"spared": pa.list_(pa.string()), "last_spared": pa.string()}
COLUMNS = pa.schema(
    {name: SCHEMA.field(name).type for name in SCHEMA.names} | dict.fromkeys(_TRUTHS, pa.bool_()) | _SPARED | _PLACE
)
_COLUMN_OF = {remark.kind: column for column, remark in beyond.REMARKED.items()}


def flat_row(case: Case, sparing: Sparing) -> Mapping[str, Any] | None:
    """Give a case as columns hold it; None where they would lose something of it."""
    if case.born_between is not None:
        return None
    left = sparing.spared(case)
    kept = tuple(t for t in left.case.triples if t.predicate.value not in beyond.STATED.values())
    try:
        record = record_of(replace(left.case, triples=kept), sparing.terms)
    except UsageError:
        return None
    row = row_of(_exact(record) | {"patient": case.patient})
    if row is None:
        return None
    told = dict.fromkeys(_TRUTHS, False) | dict.fromkeys((*_told(case), *left.told), True)
    return row | told | _complete(case) | {"spared": left.texts, "last_spared": left.last}


def _told(case: Case) -> Iterator[str]:
    """Give the columns of what a case says beyond a flat record."""
    yield from (_COLUMN_OF[each.kind] for each in case.remarks)
    yield from (column for column, property_ in beyond.STATED.items() if _says(case, property_))
    if case.ignored:
        yield beyond.IGNORED


def _complete(case: Case) -> dict[str, bool]:
    stated = {getattr(t.object, "value", "") for t in case.triples if t.predicate.value == str(OSTEO.isCompleteFor)}
    return {f"complete_{key}": str(section) in stated for key, section in SECTIONS.items()}


def _says(case: Case, property_: str) -> bool:
    """Whether a case says that a property is true; that it is false would say nothing."""
    return any(t.predicate.value == property_ and getattr(t.object, "value", "") == "true" for t in case.triples)


def _exact(value: Any) -> Any:
    """Give a record with numbers as its reader has them."""
    if isinstance(value, dict):
        return {key: _exact(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_exact(each) for each in value]
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
