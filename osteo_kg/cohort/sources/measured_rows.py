"""Rows of what columns hold of several measurements of one patient."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa

from osteo_kg.case import DENSITOMETRY, RENAL_FUNCTION, SCORES, Case, day_field, measured
from osteo_kg.cohort.abstraction.columns import decimals_key
from osteo_kg.cohort.abstraction.extra_facts import MEASURED, READ_AS, MeasuredEntries, ReducedCase, passing
from osteo_kg.cohort.abstraction.measurements import COLUMNS
from osteo_kg.cohort.sources.base import Reading
from osteo_kg.cohort.sources.text import held_scores, row_of

_NUMBERS = tuple(field.key for field in measured(RENAL_FUNCTION))
#: The columns of measurements that a record states each of a site, all of one day.
SIMPLE = (*SCORES, *map(decimals_key, SCORES), day_field(DENSITOMETRY).key)
#: The columns of those that stand there otherwise, by patient.
SEVERAL = pa.schema(
    {
        "owner": pa.string(),
        **dict.fromkeys((*SCORES, *_NUMBERS), pa.float64()),
        **dict.fromkeys(map(decimals_key, SCORES), pa.int64()),
        day_field(DENSITOMETRY).key: pa.string(),
        **COLUMNS,
        **dict.fromkeys((MEASURED, READ_AS), pa.bool_()),
    }.items()
)


def beside(reduced: ReducedCase) -> dict[str, Any] | None:
    """Give what stands beside the flat record as columns hold it; None where they would lose something of it."""
    scores = held_scores({key: each for key, each in reduced.beside.items() if isinstance(each, Decimal)})
    truths = {key: each for key, each in reduced.beside.items() if isinstance(each, bool)}
    return None if scores is None else scores | truths | dict.fromkeys(reduced.told, True)


def rows_of(cases: Iterable[Case], reading: Reading) -> Iterator[dict[str, Any]]:
    """Give the rows of those cases, of measurements alone, that columns hold and no shape refuses, by patient."""
    entries = MeasuredEntries(reading.terms, reading.parts.months_apart)
    read = ((case, entries.reduced(case)) for case in cases if not case.findings and not case.ignored)
    found = [(case, reduced) for case, reduced in read if reduced is not None]
    sound = passing([reduced for _, reduced in found], reading.parts)
    for case, reduced in found:
        row, more = row_of(dict(reduced.record)), beside(reduced)
        if sound(reduced) and row is not None and more is not None:
            yield row | more | {"owner": f"<{case.iri}>"}
