"""Columns of a table of another making, read by the profile of their source.

The different values of a column are read once each, as the library reads them, and joined back; where they are too
many, or an engine cannot tell them apart, the rows are read one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case import FIELDS, SCORES, Field
from osteo_kg.case.record_columns import as_json, record_of_row
from osteo_kg.case.tables import ValueReader
from osteo_kg.cohort.abstraction.columns import decimals_key
from osteo_kg.cohort.engines import CohortEngine
from osteo_kg.cohort.sources.text import LOST, SCHEMA, held, held_scores, row_of

_MOST = 200_000  # different values of a column that are read before the rows are
_RAW, _VALUE, _LOST_HERE, _DECIMALS = "raw", "value", "lost", "decimals"


def mapped(table: ir.Table, columns: Mapping[str, str], values: ValueReader, engine: CohortEngine) -> ir.Table | None:
    """Give a table with its values read by the profile, and `readable`; None where its rows have to be read singly.

    Args:
        table: `file`, `number` and the keys, each with the values of its column as they stand.
        columns: the column that each key is read from, of those whose values may be read otherwise.
        values: what reads the values.
        engine: what the table belongs to.
    """
    readable: Any = table.readable if "readable" in table.columns else ibis.literal(True)
    for key, column in columns.items():
        raw = engine.arrow(table.select(**{_RAW: table[key]}).distinct().limit(_MOST + 1))
        if len(raw) > _MOST or pa.types.is_nested(raw.schema.field(0).type):
            return None
        read = engine.small(_read(raw.drop_null(), FIELDS[key], column, values))
        joined = table.left_join(read, table[key] == read[_RAW])
        lost = joined[key].notnull() & joined[_LOST_HERE].fill_null(True)
        others = {name: joined[name] for name in table.columns if name != key}
        written = {decimals_key(key): joined[_DECIMALS]} if key in SCORES else {}
        table = joined.select(**others, **written, **{key: joined[_VALUE], f"{_LOST_HERE}_{key}": lost})
    for key in columns:
        readable = readable & ~table[f"{_LOST_HERE}_{key}"]
    return table.mutate(readable=readable).drop(*(f"{_LOST_HERE}_{key}" for key in columns))


def _read(raw: pa.Table, field: Field, column: str, values: ValueReader) -> pa.Table:
    """Read different values of a column: what each is, and whether a column cannot hold it."""
    kinds = {each.name: each.type for each in SCHEMA}
    read = [values.value(field, column, as_json(each)) for each in raw[_RAW].to_pylist()]
    found = [each if each is None else held(field, each) for each in read]
    scores = [held_scores({field.key: each}) if field.key in SCORES and each is not None else {} for each in read]
    found = [LOST if score is None else each for each, score in zip(found, scores, strict=True)]
    return pa.table(
        {
            _RAW: raw[_RAW],
            _VALUE: pa.array([None if each is LOST else each for each in found], kinds.get(field.key, pa.string())),
            _LOST_HERE: pa.array([each is LOST for each in found], pa.bool_()),
            _DECIMALS: pa.array([(score or {}).get(decimals_key(field.key)) for score in scores], pa.int64()),
        }
    )


def laid_down(
    table: ir.Table,
    columns: Mapping[str, str],
    values: ValueReader,
    engine: CohortEngine,
    place: Path,
) -> ir.Table:
    """Read a table row by row into a file at a place, and give that as a table; arguments as in `mapped`."""
    with pq.ParquetWriter(place, SCHEMA) as writer:
        for batch in engine.batches(table):
            rows = list(_rows(batch, columns, values))
            writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
    return engine.parquet([str(place)]).drop("_file", "_number")


def _rows(batch: pa.RecordBatch, columns: Mapping[str, str], values: ValueReader) -> Iterator[dict[str, Any]]:
    for row in batch.to_pylist():
        place = {"file": row.pop("file"), "number": row.pop("number")}
        is_held = row.pop("readable", True)
        found = row_of(values.record(record_of_row(row), columns)) if is_held else None
        yield {**place, "readable": found is not None, **(found or {})}
