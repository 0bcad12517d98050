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

from osteo_kg.case.model import Case
from osteo_kg.case.record import (
    CODED,
    FRACTURE_KEYS,
    KEYS,
    NUMBERS,
    SCORES,
    STATEMENTS,
    TREATMENT_KEYS,
    nearest,
    record_case,
)
from osteo_kg.cohort.abstraction import columns
from osteo_kg.cohort.engines import Engine
from osteo_kg.cohort.sources.base import Source, Wanted
from osteo_kg.errors import UnreadableCaseError

_ENTRIES = {"fractures": FRACTURE_KEYS, "treatment_history": TREATMENT_KEYS, "conditions": ()}
_DAYS = ("birth_date", "densitometry_date", "renal_function_date")
_TEXTS = ("patient", *CODED)


class ParquetSource(Source):
    """Parquet files of flat records."""

    def flat(self, engine: Engine) -> ir.Table:
        """Give the records as a table, its columns under the names of the keys."""
        for path in self.files:
            self._check(path)
        return self._tidy(self._raw(engine, self.files))

    def cases(self, engine: Engine, wanted: Wanted) -> Iterator[tuple[str, int, Case]]:
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

    def _raw(self, engine: Engine, files: Sequence[Path]) -> ir.Table:
        table = engine.parquet([str(path) for path in files])
        kept = {self._key(name): name for name in table.columns if self._key(name) in KEYS}
        return table.select(file="_file", number="_number", **kept)

    @staticmethod
    def _tidy(table: ir.Table) -> ir.Table:
        """Give moments as days, short floats as the digits that they show, and numbers of patients as text."""
        short = {key: columns.number(table[key]) for key in SCORES if _is(table, key, "float32")}
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
            if not (pa.types.is_null(column.type) or _fits(key, column.type)):
                raise UnreadableCaseError(
                    f"{path.name}: the column {column.name!r} is of type {column.type}, which {key} cannot have.",
                    advice=f"Write it as {_WANTED[key]}.",
                )


def _is(table: ir.Table, key: str, kind: str) -> bool:
    return key in table.columns and bool(getattr(table[key].type(), f"is_{kind}")())


def _fits(key: str, kind: pa.DataType) -> bool:
    types = pa.types
    if pa.types.is_dictionary(kind):
        return _fits(key, kind.value_type)
    if key in NUMBERS:
        return bool(types.is_floating(kind) or types.is_integer(kind) or types.is_decimal(kind))
    if key in _DAYS:
        return bool(types.is_date(kind) or types.is_timestamp(kind) or _is_text(kind))
    if key in STATEMENTS:
        return bool(types.is_boolean(kind))
    if key == "patient" and types.is_integer(kind):
        return True
    if key in _ENTRIES:
        return bool(types.is_list(kind) or types.is_large_list(kind)) and _entry_fits(key, kind.value_type)
    return _is_text(kind)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _entry_fits(key: str, kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind):
        return _is_text(kind) or bool(pa.types.is_null(kind))
    fields = {field.name: field.type for field in kind}
    return bool(fields.keys() <= set(_ENTRIES[key])) and all(_field_fits(n, each) for n, each in fields.items())


def _field_fits(name: str, kind: pa.DataType) -> bool:
    if name == "count":
        return bool(pa.types.is_integer(kind) or pa.types.is_null(kind))
    if name == "date":
        return bool(pa.types.is_date(kind) or _is_text(kind) or pa.types.is_null(kind))
    return _is_text(kind) or bool(pa.types.is_null(kind))


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


_WANTED = {
    **dict.fromkeys(_TEXTS, "text"),
    **dict.fromkeys(NUMBERS, "numbers"),
    **dict.fromkeys(_DAYS, "days"),
    **dict.fromkeys(STATEMENTS, "booleans"),
    **dict.fromkeys(_ENTRIES, "lists of keys, or of records with the fields that the flat record knows"),
}
