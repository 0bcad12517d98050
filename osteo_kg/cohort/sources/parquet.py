"""Parquet: columns are read as they are, and a row by itself as the flat record that it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case import KEYS, SCORES, Case, of_kind, record_case
from osteo_kg.case.record_columns import IGNORE_OPTION, check_columns, not_parquet, record_of_row
from osteo_kg.cohort.abstraction import columns
from osteo_kg.cohort.engines import CohortEngine
from osteo_kg.cohort.sources.base import Source, Wanted

_DAYS = tuple(field.key for field in of_kind("day"))


class ParquetSource(Source):
    """Parquet files of flat records."""

    ignoring = IGNORE_OPTION

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
                    yield file, number, record_case(record_of_row(row), f"{path.name}#{number}", self.reading.terms)

    def _raw(self, engine: CohortEngine, files: Sequence[Path]) -> ir.Table:
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
            raise not_parquet(path.name, error) from error
        check_columns(schema, path.name, self.reading.ignore, self.reading.renamed, self.ignoring)


def _is(table: ir.Table, key: str, kind: str) -> bool:
    return key in table.columns and bool(getattr(table[key].type(), f"is_{kind}")())
