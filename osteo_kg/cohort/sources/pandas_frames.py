"""Frames of pandas, in which a NaN is missing and a whole float an integer (docs/reference/contracts.md, section 8).

A column of Python objects may hold what no column of Arrow does, in some of its rows. Those are read by themselves.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from osteo_kg.case import FIELDS, KEYS, Field
from osteo_kg.case.record_columns import fits, is_list, plain, record_of_row
from osteo_kg.cohort.sources.text import SCHEMA, row_of

_WHOLE_FLOATS = 2**53  # up to which a float holds every whole number
_UNLIKE = (pa.ArrowException, TypeError, ValueError, OverflowError)  # what pyarrow raises where values differ in kind


def is_frame(source: object) -> bool:
    """Whether something is a frame of pandas; nobody has one without having loaded pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(source, pandas.DataFrame)


def opened(frame: Any, key_of: Callable[[str], str]) -> tuple[pa.RecordBatchReader, dict[int, dict[str, Any]]]:
    """Give a frame as batches, and apart by their numbers the records of those rows that columns cannot hold.

    Row labels are a column where they have a name.

    Args:
        frame: the frame.
        key_of: gives the key of a column by its name; the values of one without a key are not read.
    """
    columns = [_column(name, values, key_of(name)) for name, values in _named(frame)]
    table = pa.table([each.values for each in columns], names=[each.name for each in columns])
    lost = sorted({place for each in columns for place in each.lost})
    return table.to_reader(), {place + 1: _record(columns, place) for place in lost}


def names(frame: Any) -> list[str]:
    """Give the names of the columns of a frame, and of its row labels where they have one."""
    return [name for name, _ in _named(frame)]


@dataclass(frozen=True)
class _Column:
    """A column as Arrow has it.

    Attributes:
        name: its name.
        key: the key that it holds; empty for none.
        values: its values.
        lost: by their places, values that are not among them.
    """

    name: str
    key: str
    values: pa.Array | pa.ChunkedArray
    lost: dict[int, Any]


def _named(frame: Any) -> Iterator[tuple[str, Any]]:
    for place, name in enumerate(frame.columns):
        yield str(name), frame.iloc[:, place]
    for level, name in enumerate(frame.index.names):
        if name is not None:
            yield str(name), frame.index.get_level_values(level)


def _column(name: str, values: Any, key: str) -> _Column:
    if key not in KEYS:
        return _Column(name, "", pa.nulls(len(values)), {})
    field = FIELDS[key]
    try:
        found = pa.array(values, from_pandas=True)
        if is_list(found.type):
            found = found.cast(_with_whole_numbers(found.type))
    except _UNLIKE:
        return _Column(name, key, *_one_by_one(values, field))
    if is_list(found.type) and not fits(field, found.type):
        return _Column(name, key, *_one_by_one(values, field))
    return _Column(name, key, _as_meant(found, field), {})


def _with_whole_numbers(kind: pa.DataType) -> pa.DataType:
    """Give a type of lists with whole numbers in its entries: no entry has another number."""
    if not pa.types.is_struct(kind.value_type):
        return kind
    fields = [(each.name, pa.int64() if pa.types.is_floating(each.type) else each.type) for each in kind.value_type]
    return pa.list_(pa.struct(fields))


def _as_meant(values: Any, field: Field) -> Any:
    """Take not-a-number for missing, a column of nothing else for empty, and whole numbers of patients for whole."""
    stated = pc.if_else(pc.is_nan(values), None, values) if pa.types.is_floating(values.type) else values
    if stated.null_count == len(stated):
        return pa.nulls(len(stated))
    if not pa.types.is_floating(stated.type) or field.kind != "text":
        return stated
    numbers = stated.cast(pa.float64())
    whole = pc.and_(pc.equal(pc.round(numbers), numbers), pc.less(pc.abs(numbers), _WHOLE_FLOATS))
    return numbers.cast(pa.int64()) if pc.all(whole).as_py() else stated


def _one_by_one(values: Any, field: Field) -> tuple[pa.Array, dict[int, Any]]:
    """Give a column of Python objects as Arrow has it, and those values by their places that it cannot hold."""
    held: list[Any] = []
    lost: dict[int, Any] = {}
    for place, (value, is_missing) in enumerate(zip(values, values.isna(), strict=True)):
        made = None if is_missing else _object(value)
        record = record_of_row({field.key: made})
        row = row_of(record)
        if row is None:
            lost[place] = made
        held.append(None if row is None else row.get(field.key))
    kind = SCHEMA.field(field.key).type if field.key in SCHEMA.names else pa.string()
    return pa.array(held, kind), lost


def _object(value: Any) -> Any:
    """Give an object as Python's own types have it: not-a-number in a list is missing there, a whole float whole."""
    if isinstance(value, dict):
        return {key: made for key, each in value.items() if (made := _object(each)) is not None}
    if isinstance(value, list | tuple | np.ndarray):
        return [_object(each) for each in value]
    if isinstance(value, np.generic):
        return _object(value.item())
    if isinstance(value, float):
        return None if value != value else int(value) if value.is_integer() else value
    if isinstance(value, datetime.date):
        return None if value != value else value  # no time at all is a date to pandas
    return None if value is sys.modules["pandas"].NA else value


def _record(columns: list[_Column], place: int) -> dict[str, Any]:
    """Give a row as the record that it is."""
    row = {each.key: _cell(each, place) for each in columns if each.key}
    return record_of_row({key: value for key, value in row.items() if value is not None})


def _cell(column: _Column, place: int) -> Any:
    if place in column.lost:
        return column.lost[place]
    cell = column.values.slice(place, 1)
    [value] = plain(cell.combine_chunks() if isinstance(cell, pa.ChunkedArray) else cell).to_pylist()
    return value
