"""Parquet: columns are read as they are, and a row by itself as the flat record that it is."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case import FIELDS, KEYS, Case, Field, nearest, of_kind, record_case
from osteo_kg.cohort.abstraction import columns
from osteo_kg.cohort.engines import CohortEngine
from osteo_kg.cohort.sources.base import Source, Wanted
from osteo_kg.errors import UnreadableCaseError

_NUMBERS = tuple(field.key for field in of_kind("decimal"))
_DAYS = tuple(field.key for field in of_kind("day"))


class ParquetSource(Source):
    """Parquet files of flat records."""

    def flat(self, engine: CohortEngine) -> ir.Table:
        """Give the records as a table, its columns under the names of the keys."""
        for path in self.files:
            self._check(path)
        return self._tidy(self._raw(engine, self.files))

    def cases(self, engine: CohortEngine, wanted: Wanted) -> Iterator[tuple[str, int, Case]]:
        """Read some rows as cases."""
        for file, numbers in wanted.items():
            path = Path(file)
            rows = self._tidy(self._raw(engine, [path]))
            chosen = rows.semi_join(engine.small(pa.table({"wanted": sorted(numbers)})), [("number", "wanted")])
            for batch in engine.batches(chosen.order_by("number")):
                for row in batch.to_pylist():
                    number = row.pop("number")
                    row.pop("file")
                    yield file, number, record_case(_record(row), f"{path.name}#{number}", self.reading.terms)

    def _raw(self, engine: CohortEngine, files: Sequence[Path]) -> ir.Table:
        table = engine.parquet([str(path) for path in files])
        kept = {self._key(name): name for name in table.columns if self._key(name) in KEYS}
        return table.select(file="_file", number="_number", **kept)

    @staticmethod
    def _tidy(table: ir.Table) -> ir.Table:
        """Give moments as days, short floats as the digits that they show, and numbers of patients as text."""
        short = {key: columns.number(table[key]) for key in _NUMBERS if _is(table, key, "float32")}
        days = {key: columns.day(table[key]) for key in _DAYS if _is(table, key, "timestamp")}
        names = {"patient": table.patient.cast("string")} if _is(table, "patient", "integer") else {}
        return table.mutate(**short, **days, **names) if short or days or names else table

    def _key(self, column: str) -> str:
        key = self.reading.renamed.get(column, column)
        return "" if column in self.reading.ignore else key

    def _check(self, path: Path) -> None:
        """Refuse a file that is not Parquet, or with a column that is no key or of a type that its key cannot have."""
        try:
            schema = pq.read_schema(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise UnreadableCaseError(
                f"{path.name} cannot be read as Parquet: {error}.", advice="Write it anew."
            ) from error
        keys = [self._key(name) for name in schema.names]
        lacking = sorted(self.reading.renamed.keys() - set(schema.names))
        if lacking:
            raise UnreadableCaseError(f"{path.name} has no column {lacking[0]!r}.", advice="Correct --map.")
        for column in schema:
            key = self.reading.renamed.get(column.name, column.name)
            if column.name in self.reading.ignore or (key not in KEYS and "all" in self.reading.ignore):
                continue
            if key not in KEYS:
                advice = f"{nearest(column.name, KEYS).en} To pass over it: --ignore-columns {column.name}."
                what = "which is not a key of the flat record"
                raise UnreadableCaseError(f"{path.name} has the column {column.name!r}, {what}.", advice=advice)
            if keys.count(key) > 1:
                raise UnreadableCaseError(
                    f"{path.name} has the key {key!r} in two columns.", advice="Keep one of them."
                )
            if not _fits(FIELDS[key], column.type):
                raise UnreadableCaseError(
                    f"{path.name}: the column {column.name!r} is of type {column.type}, which {key} cannot have.",
                    advice=f"Write it as {_WANTED[FIELDS[key].kind]}.",
                )


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
