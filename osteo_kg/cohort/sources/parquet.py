"""Parquet: columns are read as they are, and a row by itself as the flat record that it is."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case import Case, folders, of_kind, record_case
from osteo_kg.case.record_columns import check_types, days_as_text, not_parquet, read_otherwise, record_of_row
from osteo_kg.case.tables import ValueReader
from osteo_kg.cohort.abstraction import columns
from osteo_kg.cohort.engines import CohortEngine
from osteo_kg.cohort.sources import mapping
from osteo_kg.cohort.sources.base import Source, Wanted
from osteo_kg.cohort.sources.parquet_copies import ParquetFile

_DAYS = tuple(field.key for field in of_kind("day"))
_NUMBERS = tuple(field.key for field in of_kind("whole", "decimal"))
_LONG = 8  # bytes of a whole number from which on it may be more


class ParquetSource(Source):
    """Parquet files of flat records."""

    def flat(self, engine: CohortEngine) -> ir.Table:
        """Give the records as a table, its columns under the names of the keys."""
        table = _held(self._tidy(self._raw(engine, self.files)))
        if not self._otherwise:
            return table
        values = self.tables.values
        found = mapping.mapped(table, self._otherwise, values, engine)
        laid = self.reading.scratch / f"{type(self).__name__}.parquet"
        return mapping.laid_down(table, self._columns, values, engine, laid) if found is None else found

    @functools.cached_property
    def _read(self) -> dict[Path, ParquetFile]:
        """The files, checked, with how each is to be read."""
        read = {path: self._check(path) for path in self.files}
        for each in read.values():  # an engine puts lists of words and lists of entries together in no way
            each.as_entries = frozenset[str]().union(*(other.has_entries for other in read.values()))
        return read

    @property
    def _columns(self) -> Mapping[str, str]:
        """The column that each key is read from."""
        return {key: column for read in self._read.values() for column, key in read.wanted.items()}

    @property
    def _otherwise(self) -> Mapping[str, str]:
        """The columns whose values may be read otherwise than as they stand, by their keys."""
        values = self.tables.values
        found = (read_otherwise(read.schema, read.wanted, values) for read in self._read.values())
        return {key: column for each in found for key, column in each.items()}

    @functools.cached_property
    def _copies(self) -> dict[Path, Path]:
        """The copies of the files that an engine would misread; of all where some are, and columns are renamed."""
        odd = {path: read for path, read in self._read.items() if read.is_odd}
        if odd and self.reading.profile.columns:
            odd = self._read
        copies = {path: self.reading.scratch.resolve() / f"copy-{place}.parquet" for place, path in enumerate(odd)}
        for path, copy in copies.items():
            odd[path].copy(copy)
        return copies

    def cases(self, engine: CohortEngine, wanted: Wanted) -> Iterator[tuple[str, int, Case]]:
        """Read some rows as cases."""
        values = ValueReader(self.reading.profile, self.reading.terms)  # what was read as what is told once
        for file, numbers in wanted.items():
            path = Path(file)
            rows = self._tidy(self._raw(engine, [path]))
            chosen = rows.semi_join(engine.small(pa.table({"wanted": sorted(numbers)})), [("number", "wanted")])
            for batch in engine.batches(chosen.order_by("number")):
                texts = {name: days_as_text(batch.column(name)) for name in batch.schema.names}
                for row in pa.table(texts).to_pylist():
                    number = row.pop("number")
                    row.pop("file")
                    record = values.record(record_of_row(row), self._columns)
                    yield file, number, record_case(record, f"{path.name}#{number}", self.reading.terms)

    def _raw(self, engine: CohortEngine, files: Sequence[Path]) -> ir.Table:
        table = engine.parquet([str(self._copies.get(path, path)) for path in files])
        copies = [(str(copy), str(path)) for path, copy in self._copies.items() if path in files]
        file = table["_file"].cases(*copies, else_=table["_file"]) if copies else table["_file"]
        wanted = {key: key if copies else column for key, column in self._columns.items()}
        in_folders = {key: key for read in self._read.values() for key in read.in_folders} if copies else {}
        kept = {key: column for key, column in (in_folders | wanted).items() if column in table.columns}
        return table.select(file=file, number="_number", **kept)

    @staticmethod
    def _tidy(table: ir.Table) -> ir.Table:
        """Give moments as days, short floats as the digits that they show, and numbers of patients as text."""
        short = {key: columns.number(table[key]) for key in _NUMBERS if _is(table, key, "float32")}
        days = {key: columns.day(table[key]) for key in _DAYS if _is(table, key, "timestamp")}
        names = {"patient": table.patient.cast("string")} if _is(table, "patient", "integer") else {}
        return table.mutate(**short, **days, **names) if short or days or names else table

    def _check(self, path: Path) -> ParquetFile:
        """Refuse a file that is not Parquet, or with a column that is no key or of a type that its key cannot have."""
        try:
            schema = pq.read_schema(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise not_parquet(path.name, error) from error
        profile = self.reading.profile
        in_folders = folders.stated(self.named[path], profile.columns, profile.ignore)
        of_folders = [name for name, key in profile.columns.items() if key in in_folders and name not in schema.names]
        read = self.tables.columns([*schema.names, *of_folders], path.name).read
        wanted = {column: key for column, key in read.items() if column in schema.names}
        check_types(schema, wanted, path.name, self.tables.values)
        return ParquetFile(path, wanted, in_folders)


def _held(table: ir.Table) -> ir.Table:
    """Mark the rows with a number that a column of numbers cannot hold: none, without end, or far beyond any other."""
    numbers = {key: table[key] for key in _NUMBERS if key in table.columns and table[key].type().is_numeric()}
    held = {
        key: _is_held(columns.number(column))
        for key, column in numbers.items()
        if not (column.type().is_integer() and column.type().nbytes < _LONG)
    }
    if not held:
        return table
    kept = {key: ibis.ifelse(is_held, table[key], ibis.null(table[key].type())) for key, is_held in held.items()}
    return table.mutate(readable=functools.reduce(operator.and_, held.values()), **kept)


def _is_held(number: Any) -> Any:
    """Say where a number is one, and not beyond all others.

    It is tried as a whole number, whose failure DuckDB sees row by row: whether a value lies between two others, or is
    no number, it concludes from the statistics of the file, which leave out those that are none.
    """
    return number.isnull() | number.try_cast("int32").notnull()


def _is(table: ir.Table, key: str, kind: str) -> bool:
    return key in table.columns and bool(getattr(table[key].type(), f"is_{kind}")())
