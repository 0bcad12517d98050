"""Columns of a table of another making, read by the profile of their source.

The different values of a column are read once each, as the library reads them, and joined back; where they are too
many, or an engine cannot tell them apart, the rows are read one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case import FIELDS, Field
from osteo_kg.case.tables import ValueReader
from osteo_kg.cohort.engines import CohortEngine
from osteo_kg.cohort.sources.text import LOST, SCHEMA, held, row_of

_MOST = 200_000  # different values of a column that are read before the rows are
_RAW, _VALUE, _LOST_HERE = "raw", "value", "lost"

AsJson = Callable[[Any], Any]


def is_read_otherwise(field: Field, column: str, kind: pa.DataType, values: ValueReader) -> bool:
    """Whether the values of a column may be others than those that stand in it."""
    if values.words(field, column).exact:
        return True
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if pa.types.is_dictionary(kind):
        return is_read_otherwise(field, column, kind.value_type, values)
    if field.kind in ("whole", "decimal"):
        return is_text and values.reads_numbers
    if field.kind == "list":
        return (is_text and values.changes) or any(_entry_is(each, column, values) for each in field.entry)
    return field.kind == "day" and is_text and values.order(field, column) is not None


def _entry_is(field: Field, column: str, values: ValueReader) -> bool:
    return bool(values.words(field, column).exact) or (field.kind == "day" and values.order(field, column) is not None)


def record_of(row: Mapping[str, Any], columns: Mapping[str, str], values: ValueReader) -> dict[str, Any]:
    """Give a row, its values as JSON has them, as the flat record that the profile makes of it.

    Args:
        row: the values by key.
        columns: the column that each key is read from.
        values: what reads the values.
    """
    return {key: values.value(FIELDS[key], columns[key], value) for key, value in row.items()}


def mapped(
    table: ir.Table, columns: Mapping[str, str], values: ValueReader, engine: CohortEngine, as_json: AsJson
) -> ir.Table | None:
    """Give a table with its values read by the profile, and `readable`; None where its rows have to be read singly.

    Args:
        table: `file`, `number` and the keys, each with the values of its column as they stand.
        columns: the column that each key is read from, of those whose values may be read otherwise.
        values: what reads the values.
        engine: what the table belongs to.
        as_json: gives a value of the table as JSON would have it.
    """
    readable: Any = ibis.literal(True)
    for key, column in columns.items():
        raw = engine.arrow(table.select(**{_RAW: table[key]}).distinct().limit(_MOST + 1))
        if len(raw) > _MOST or pa.types.is_nested(raw.schema.field(0).type):
            return None
        read = engine.small(_read(raw.drop_null(), FIELDS[key], column, values, as_json))
        joined = table.left_join(read, table[key] == read[_RAW])
        lost = joined[key].notnull() & joined[_LOST_HERE].fill_null(True)
        others = {name: joined[name] for name in table.columns if name not in (key, f"{_LOST_HERE}_{key}")}
        table = joined.select(**others, **{key: joined[_VALUE], f"{_LOST_HERE}_{key}": lost})
    for key in columns:
        readable = readable & ~table[f"{_LOST_HERE}_{key}"]
    return table.mutate(readable=readable).drop(*(f"{_LOST_HERE}_{key}" for key in columns))


def _read(raw: pa.Table, field: Field, column: str, values: ValueReader, as_json: AsJson) -> pa.Table:
    """Read different values of a column: what each is, and whether a column cannot hold it."""
    kinds = {each.name: each.type for each in SCHEMA}
    read = [values.value(field, column, as_json(each)) for each in raw[_RAW].to_pylist()]
    found = [each if each is None else held(field, each) for each in read]
    return pa.table(
        {
            _RAW: raw[_RAW],
            _VALUE: pa.array([None if each is LOST else each for each in found], kinds.get(field.key, pa.string())),
            _LOST_HERE: pa.array([each is LOST for each in found], pa.bool_()),
        }
    )


def laid_down(
    table: ir.Table,
    columns: Mapping[str, str],
    values: ValueReader,
    engine: CohortEngine,
    as_json: AsJson,
    place: Path,
) -> ir.Table:
    """Read a table row by row into a file at a place, and give that as a table; arguments as in `mapped`."""
    with pq.ParquetWriter(place, SCHEMA) as writer:
        for batch in engine.batches(table):
            rows = list(_rows(batch, columns, values, as_json))
            writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
    return engine.parquet([str(place)]).drop("_file", "_number")


def _rows(
    batch: pa.RecordBatch, columns: Mapping[str, str], values: ValueReader, as_json: AsJson
) -> Iterator[dict[str, Any]]:
    for row in batch.to_pylist():
        place = {"file": row.pop("file"), "number": row.pop("number")}
        found = row_of(record_of(as_json(row), columns, values))
        yield {**place, "readable": found is not None, **(found or {})}
