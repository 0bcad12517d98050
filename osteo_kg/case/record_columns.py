"""Flat records as columns of Arrow: Parquet, and tables in memory (docs/reference/contracts.md, section 3).

The only module below cohorts that loads pyarrow; it is imported when the first Parquet is read.
"""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from osteo_kg.case.fields import FIELDS, Field
from osteo_kg.case.model import Case
from osteo_kg.case.record import record_case
from osteo_kg.case.tables import TableReader, ValueReader
from osteo_kg.case.tables.columns import COMMAND_LINE, Asking
from osteo_kg.errors import UnreadableCaseError

_DECIMALS_KEPT = 38  # digits of a decimal that DuckDB and Spark know


def read_parquet(data: bytes, name: str, reader: TableReader) -> tuple[Case, ...]:
    """Read one flat record a row.

    Args:
        data: the whole file.
        name: what to call it in messages.
        reader: what reads its columns and values.

    Raises:
        UnreadableCaseError: it is not Parquet, a column is unknown or of a type that its key cannot have, or it holds
            no row.
    """
    try:
        table = pq.ParquetFile(io.BytesIO(data)).read()
    except (OSError, pa.ArrowException) as error:
        raise not_parquet(name, error) from error
    wanted = reader.columns(table.schema.names, name).read
    check_types(table.schema, wanted, name, reader.values)
    if not table.num_rows:
        raise UnreadableCaseError(f"{name} holds no patient.", advice="Write one row at least.")
    columns = {key: column for column, key in wanted.items()}
    rows = _rows(table.select(list(wanted)).rename_columns(list(wanted.values())), name)
    records = (reader.values.record(record_of_row(row), columns) for row in rows)
    return tuple(record_case(record, f"{name}#{number}", reader.terms) for number, record in enumerate(records, 1))


def _rows(table: pa.Table, name: str) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches():
        columns = {key: plain(batch.column(key), name) for key in batch.schema.names}
        yield from pa.table(columns).to_pylist() if columns else ({} for _ in range(batch.num_rows))


def from_zstd(data: bytes) -> bytes:
    """Unpack what zstd compressed; what it raises where that is damaged is an OSError or a ValueError."""
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        return bytes(stream.read())


def not_parquet(name: str, error: Exception) -> UnreadableCaseError:
    """Give the error of a file that is no Parquet, or is damaged."""
    return UnreadableCaseError(f"{name} cannot be read as Parquet: {str(error).rstrip('.')}.", advice="Write it anew.")


def check_types(
    schema: pa.Schema, wanted: Mapping[str, str], name: str, values: ValueReader, asking: Asking = COMMAND_LINE
) -> None:
    """See that the columns of a table are of types that their keys can have.

    Args:
        schema: the columns and their types.
        wanted: the key of each column that is used, by its name.
        name: what to call the table in messages.
        values: what reads their values; where it reads them otherwise than as they stand, any type will do.
        asking: how advice says that a profile is named.

    Raises:
        UnreadableCaseError: one is not.
    """
    otherwise = read_otherwise(schema, wanted, values)
    for column in schema:
        key = wanted.get(column.name)
        if key is not None and key not in otherwise and not fits(FIELDS[key], column.type):
            raise UnreadableCaseError(
                f"{name}: the column {column.name!r} is of type {column.type}, which {key} cannot have.",
                advice=f"Write it as {_WANTED[FIELDS[key].kind]}, or say in a profile ({asking.profile}) how it is "
                "read.",
            )


def read_otherwise(schema: pa.Schema, wanted: Mapping[str, str], values: ValueReader) -> dict[str, str]:
    """Give the columns whose values may be read otherwise than as they stand, by their keys."""
    return {
        key: column
        for column, key in wanted.items()
        if _is_read_otherwise(FIELDS[key], column, schema.field(column).type, values)
    }


def _is_read_otherwise(field: Field, column: str, kind: pa.DataType, values: ValueReader) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_read_otherwise(field, column, kind.value_type, values)
    if values.words(field, column).exact:
        return True
    is_text = _is(kind, "text")
    if field.kind in ("whole", "decimal"):
        return is_text and values.reads_numbers
    if field.kind == "list":
        return (is_text and values.changes) or any(_entry_is(each, column, values) for each in field.entry)
    return field.kind == "day" and is_text and values.order(field, column) is not None


def _entry_is(field: Field, column: str, values: ValueReader) -> bool:
    return bool(values.words(field, column).exact) or (field.kind == "day" and values.order(field, column) is not None)


def fits(field: Field, kind: pa.DataType) -> bool:
    """Whether a column may be of a type: one of nothing but nulls may be of any."""
    types = pa.types
    if types.is_dictionary(kind):
        return fits(field, kind.value_type)
    if types.is_null(kind):
        return True
    if field.kind == "list":
        return is_list(kind) and _entry_fits(field, kind.value_type)
    if field.kind == "text" and types.is_integer(kind):
        return True  # the number of a patient
    return _is(kind, field.kind)


def is_list(kind: pa.DataType) -> bool:
    """Whether a type is one of lists."""
    return any(getattr(pa.types, f"is_{name}")(kind) for name in _LISTS)


def _is(kind: pa.DataType, wanted: str) -> bool:
    return any(getattr(pa.types, f"is_{name}")(kind) for name in _ALLOWED[wanted])


def _entry_fits(field: Field, kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind):
        whole = kind.value_type if pa.types.is_dictionary(kind) else kind
        return bool(pa.types.is_null(whole)) or _is(whole, "text")
    fields = {each.key: each for each in field.entry}
    return all(each.name in fields and _field_fits(fields[each.name], each.type) for each in kind)


def _field_fits(field: Field, kind: pa.DataType) -> bool:
    """Whether the field of an entry may be of a type: a day has no time."""
    return fits(field, kind) and not pa.types.is_timestamp(kind)


def plain(column: pa.Array, name: str = "") -> pa.Array:
    """Give a column as one of the few types that every engine reads, its values unchanged.

    Texts and lists lose their larger and shorter kinds, a moment is the day as written in its zone, a short float has
    the digits that it shows.

    Args:
        column: the column.
        name: what to call its table in messages.

    Raises:
        UnreadableCaseError: a decimal has more digits than can be read.
    """
    try:
        return each_leaf(column, _plain)
    except pa.ArrowInvalid as error:
        raise UnreadableCaseError(
            f"{name}: a value cannot be read: {error}.", advice="Write it as a shorter number or text."
        ) from error


def each_leaf(column: pa.Array, made: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Give a column with its values, those inside lists and structs too, made anew: pyarrow casts these wrongly."""
    types, kind = pa.types, column.type
    if types.is_dictionary(kind):
        words = each_leaf(column.dictionary, made)
        return pa.DictionaryArray.from_arrays(column.indices, words).cast(words.type)
    if is_list(kind):
        ends = pc.cumulative_sum(pc.fill_null(pc.list_value_length(column), 0)).to_numpy()
        starts = pa.array(np.concatenate(([0], ends)), pa.int32())
        return pa.ListArray.from_arrays(starts, each_leaf(column.flatten(), made), mask=column.is_null())
    if types.is_struct(kind):
        names = [each.name for each in kind]
        parts = [each_leaf(each, made) for each in column.flatten()]
        return pa.StructArray.from_arrays(parts, names, mask=column.is_null())
    return made(column)


def days_as_text(column: pa.Array) -> pa.Array:
    """Give a column with its days as they are written, those too that no calendar has."""
    return each_leaf(column, lambda leaf: leaf.cast(pa.string()) if pa.types.is_date(leaf.type) else leaf)


def _plain(column: pa.Array) -> pa.Array:
    types, kind = pa.types, column.type
    if types.is_timestamp(kind):
        return (pc.local_timestamp(column) if kind.tz else column).cast(pa.date32(), safe=False)
    if types.is_float32(kind) or types.is_float16(kind):
        return _digits_shown(column)
    if types.is_decimal(kind) and not types.is_decimal128(kind):
        return column.cast(pa.decimal128(min(kind.precision, _DECIMALS_KEPT), kind.scale))
    return column.cast(pa.string()) if _is(kind, "text") else column


def _digits_shown(column: pa.Array) -> pa.Array:
    numbers = pc.fill_null(column, np.float16(0) if pa.types.is_float16(column.type) else 0).to_numpy()
    return pa.array(numbers.astype(str).astype(np.float64), mask=column.is_null().to_numpy(zero_copy_only=False))


def record_of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Give a row, by keys, as the record that JSON would have: exact decimals, days and numbers of patients as text."""
    record = {key: as_json(each) for key, each in row.items()}
    named = record.get("patient")
    return record | {"patient": f"{named:f}"} if isinstance(named, Decimal) else record


def as_json(value: Any) -> Any:
    """Give a value as JSON would have it: exact decimals, and days as text."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    made = next((make for kind, make in _MADE.items() if isinstance(value, kind)), None)
    return made(value) if made else value


def _from_float(value: float) -> Any:
    return Decimal(repr(value)) if value - value == 0 else str(value)


#: What JSON has of a value in memory, by its type; the first that fits, since a truth is a number to Python.
_MADE: Mapping[type, Callable[[Any], Any]] = {
    bool: bool,
    float: _from_float,
    int: Decimal,
    Decimal: lambda value: value.normalize() + 0 if value else Decimal(0),
    datetime.datetime: lambda value: value.date().isoformat(),
    datetime.date: datetime.date.isoformat,
}
_LISTS = ("list", "large_list", "fixed_size_list", "list_view", "large_list_view")
_ALLOWED = {
    **dict.fromkeys(("text", "coded"), ("string", "large_string", "string_view")),
    **dict.fromkeys(("whole", "decimal"), ("floating", "integer", "decimal")),
    "day": ("date", "timestamp", "string", "large_string", "string_view"),
    "truth": ("boolean",),
}
_WANTED = {
    **dict.fromkeys(("text", "coded"), "text"),
    **dict.fromkeys(("whole", "decimal"), "numbers"),
    "day": "days",
    "truth": "booleans",
    "list": "lists of keys, or of records with the fields that the flat record knows",
}
