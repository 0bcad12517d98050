"""Parquet: columns are read as they are, and a row by itself as the flat record that it is."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case import FIELDS, SCORES, Case, Field, of_kind, record_case
from osteo_kg.case.tables import ValueReader
from osteo_kg.cohort.abstraction import columns
from osteo_kg.cohort.engines import CohortEngine
from osteo_kg.cohort.sources import mapping
from osteo_kg.cohort.sources.base import Source, Wanted
from osteo_kg.errors import UnreadableCaseError

_DAYS = tuple(field.key for field in of_kind("day"))


class ParquetSource(Source):
    """Parquet files of flat records."""

    def flat(self, engine: CohortEngine) -> ir.Table:
        """Give the records as a table, its columns under the names of the keys."""
        otherwise = {key: column for path in self.files for key, column in self._check(path).items()}
        table = self._tidy(self._raw(engine, self.files))
        if not otherwise:
            return table
        values = self.tables.values
        found = mapping.mapped(table, otherwise, values, engine, _record)
        laid = self.reading.scratch / "ParquetSource.parquet"
        return mapping.laid_down(table, self._columns, values, engine, _record, laid) if found is None else found

    def cases(self, engine: CohortEngine, wanted: Wanted) -> Iterator[tuple[str, int, Case]]:
        """Read some rows as cases."""
        values = ValueReader(self.reading.profile, self.reading.terms)  # what was read as what is told once
        for file, numbers in wanted.items():
            path = Path(file)
            rows = self._tidy(self._raw(engine, [path]))
            chosen = rows.semi_join(engine.small(pa.table({"wanted": sorted(numbers)})), [("number", "wanted")])
            for batch in engine.batches(chosen.order_by("number")):
                for row in batch.to_pylist():
                    number = row.pop("number")
                    row.pop("file")
                    record = mapping.record_of(_record(row), self._columns, values)
                    yield file, number, record_case(record, f"{path.name}#{number}", self.reading.terms)

    def _raw(self, engine: CohortEngine, files: Sequence[Path]) -> ir.Table:
        table = engine.parquet([str(path) for path in files])
        kept = {key: column for key, column in self._columns.items() if column in table.columns}
        return table.select(file="_file", number="_number", **kept)

    @functools.cached_property
    def _columns(self) -> Mapping[str, str]:
        """The column that each key is read from."""
        read = (each.read for path in self.files for each in [self.tables.columns(_schema(path).names, path.name)])
        return {key: column for each in read for column, key in each.items()}

    @staticmethod
    def _tidy(table: ir.Table) -> ir.Table:
        """Give moments as days, short floats as the digits that they show, and numbers of patients as text."""
        short = {key: columns.number(table[key]) for key in SCORES if _is(table, key, "float32")}
        days = {key: columns.day(table[key]) for key in _DAYS if _is(table, key, "timestamp")}
        names = {"patient": table.patient.cast("string")} if _is(table, "patient", "integer") else {}
        return table.mutate(**short, **days, **names) if short or days or names else table

    def _check(self, path: Path) -> Mapping[str, str]:
        """Give the columns that are read otherwise than as they stand, by their keys.

        Raises:
            UnreadableCaseError: the file is not Parquet, or a column is of a type that its key cannot have.
        """
        otherwise = {}
        columns = {column: key for key, column in self._columns.items()}
        for column in _schema(path):
            key = columns.get(column.name)
            if key is None:
                continue
            field = FIELDS[key]
            if mapping.is_read_otherwise(field, column.name, column.type, self.tables.values):
                otherwise[key] = column.name
            elif not _fits(field, column.type):
                raise UnreadableCaseError(
                    f"{path.name}: the column {column.name!r} is of type {column.type}, which {key} cannot have.",
                    advice=f"Write it as {_WANTED[field.kind]}, or say in a profile (--profile) how it is read.",
                )
        return otherwise


def _schema(path: Path) -> pa.Schema:
    try:
        return pq.read_schema(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise UnreadableCaseError(
            f"{path.name} cannot be read as Parquet: {error}.", advice="Write it anew."
        ) from error


def _is(table: ir.Table, key: str, kind: str) -> bool:
    return key in table.columns and bool(getattr(table[key].type(), f"is_{kind}")())


def _fits(field: Field, kind: pa.DataType) -> bool:
    """Whether a column may be of a type: one of nothing but nulls may be of any."""
    types = pa.types
    if types.is_dictionary(kind):
        return _fits(field, kind.value_type)
    if types.is_null(kind):
        return True
    if field.kind == "list":
        is_list = types.is_list(kind) or types.is_large_list(kind)
        return bool(is_list) and _entry_fits(field, kind.value_type)
    if field.kind == "text" and types.is_integer(kind):
        return True  # the number of a patient
    return any(getattr(types, f"is_{name}")(kind) for name in _ALLOWED[field.kind])


def _entry_fits(field: Field, kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind):
        return bool(pa.types.is_null(kind)) or any(getattr(pa.types, f"is_{name}")(kind) for name in _ALLOWED["text"])
    fields = {each.key: each for each in field.entry}
    return all(each.name in fields and _field_fits(fields[each.name], each.type) for each in kind)


def _field_fits(field: Field, kind: pa.DataType) -> bool:
    """Whether the field of an entry may be of a type: a count is whole, a day has no time."""
    if field.kind == "whole":
        return bool(pa.types.is_integer(kind) or pa.types.is_null(kind))
    return _fits(field, kind) and not pa.types.is_timestamp(kind)


def _record(value: Any) -> Any:
    """Give a row as JSON would have it: exact decimals, days as text."""
    if isinstance(value, dict):
        return {key: _record(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_record(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        return Decimal(repr(value)) if value - value == 0 else str(value)
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, Decimal):
        return value.normalize() + 0 if value else Decimal(0)
    return value.isoformat() if isinstance(value, datetime.date) else value


_ALLOWED = {
    **dict.fromkeys(("text", "coded"), ("string", "large_string")),
    **dict.fromkeys(("whole", "decimal"), ("floating", "integer", "decimal")),
    "day": ("date", "timestamp", "string", "large_string"),
    "truth": ("boolean",),
}
_WANTED = {
    **dict.fromkeys(("text", "coded"), "text"),
    **dict.fromkeys(("whole", "decimal"), "numbers"),
    "day": "days",
    "truth": "booleans",
    "list": "lists of keys, or of records with the fields that the flat record knows",
}
