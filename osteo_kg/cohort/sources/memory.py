"""Tables in memory: laid down as Parquet in the scratch folder, and read as such (the contracts, section 8).

A reader of batches can be read once and may hold more than the memory does, and Spark reads files; so every table goes
the same way. A row that columns cannot hold exactly stays in memory, and is read by itself.
"""

from __future__ import annotations

import contextlib
import functools
import heapq
import operator
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case import KEYS, Case, case_of
from osteo_kg.case.record_columns import check_types, plain, read_otherwise
from osteo_kg.case.tables import IN_PYTHON, TableReader, ValueReader
from osteo_kg.cohort.engines import CohortEngine, EngineError
from osteo_kg.cohort.sources import pandas_frames
from osteo_kg.cohort.sources.base import InputFile, Reading, Wanted
from osteo_kg.cohort.sources.parquet import ParquetSource
from osteo_kg.cohort.sources.text import SCHEMA
from osteo_kg.errors import UnreadableCaseError, UsageError

#: What a table is called: `table#3` is its third row.
TABLE = "table"
_TEXTS = pa.list_(pa.string())  # what lists are laid down as of which none has an entry
_PIECE = 100_000  # rows laid down at a time


def is_table(source: object) -> bool:
    """Whether something is a table in memory, or can be made one."""
    speaks_arrow = any(hasattr(source, name) for name in ("__arrow_c_stream__", "__arrow_c_array__"))
    return speaks_arrow or _is_lazy(source) or pandas_frames.is_frame(source)


def _is_lazy(source: object) -> bool:
    """Whether something is a plan of polars, of which the table is yet to be made."""
    kind = type(source)
    return kind.__module__.partition(".")[0] == "polars" and kind.__name__ == "LazyFrame"


class TableSource(ParquetSource):
    """A table in memory.

    Args:
        table: the table; a reader of batches is read to its end.
        reading: how its records are read.
    """

    def __init__(self, table: Any, reading: Reading) -> None:
        super().__init__([InputFile(Path(TABLE), "parquet", Path())], reading)
        self._table = table
        self._laid = reading.scratch / TABLE
        self._wanted: Mapping[str, str] = {}  # the key of each column that is used
        self._schema = pa.schema([])
        self._apart: dict[int, dict[str, Any]] = {}  # records that columns do not hold, by their numbers
        self.tables = TableReader(reading.profile, reading.terms, IN_PYTHON)

    def flat(self, engine: CohortEngine) -> ir.Table:
        """Lay the table down, and give it with the names of the keys."""
        self._lay_down()
        rows = super().flat(engine)
        if not self._apart:
            return rows
        apart = engine.small(pa.table({"apart": pa.array(list(self._apart), pa.int64())}))
        joined = rows.left_join(apart, rows.number == apart.apart)
        is_held = joined.apart.isnull() & (joined.readable if "readable" in rows.columns else True)
        return joined.mutate(readable=is_held).drop("apart")

    def cases(self, engine: CohortEngine, wanted: Wanted) -> Iterator[tuple[str, int, Case]]:
        """Read some rows as cases."""
        numbers = wanted[TABLE]
        laid = super().cases(engine, {TABLE: numbers - self._apart.keys()})
        values = ValueReader(self.reading.profile, self.reading.terms)  # what was read as what is told once
        records = ((n, values.record(self._apart[n], self._columns)) for n in sorted(numbers & self._apart.keys()))
        apart = ((TABLE, n, case_of(record, f"{TABLE}#{n}", self.reading.terms)) for n, record in records)
        yield from heapq.merge(laid, apart, key=operator.itemgetter(1))

    def _key(self, column: str) -> str:
        return self._wanted.get(column, "")

    @property
    def _columns(self) -> Mapping[str, str]:
        return {key: column for column, key in self._wanted.items()}

    @property
    def _otherwise(self) -> Mapping[str, str]:
        return read_otherwise(self._schema, self._wanted, self.tables.values)

    @functools.cached_property
    def _copies(self) -> dict[Path, Path]:
        """None: it is laid down in types that every engine reads alike."""
        return {}

    def _raw(self, engine: CohortEngine, files: Sequence[Path]) -> ir.Table:
        return super()._raw(engine, [self._laid]).mutate(file=ibis.literal(TABLE))

    def _lay_down(self) -> None:
        """Write what the keys of the record are in as Parquet, and remember what it cannot hold.

        Raises:
            UnreadableCaseError: it is no table of columns that records have, or holds no row.
            UsageError: it is no table.
        """
        rows, self._apart = self._opened()
        check_types(rows.schema, self._wanted, TABLE, self.tables.values, IN_PYTHON)
        self._schema = rows.schema
        kinds = [self._laid_type(each) for each in rows.schema]
        schema = pa.schema(list(zip(rows.schema.names, kinds, strict=True)))
        number = 0
        with pq.ParquetWriter(self._laid, schema) as writer:
            for piece in _pieces(rows):
                columns = [self._laid_column(piece, place, kind) for place, kind in enumerate(kinds)]
                writer.write_batch(pa.record_batch(columns, schema))
                number += piece.num_rows
        if not number:
            raise UnreadableCaseError(
                f"The {TABLE} holds no patient.", advice="Give one row at least; a reader can be read only once."
            )

    def _opened(self) -> tuple[pa.RecordBatchReader, dict[int, dict[str, Any]]]:
        """Give the table batch by batch, and those records of it that no batch holds."""
        if pandas_frames.is_frame(self._table):
            self._wanted = self.tables.columns(pandas_frames.names(self._table), TABLE).read
            return pandas_frames.opened(self._table, self._key)
        rows = _stream(_collected(self._table) if _is_lazy(self._table) else self._table)
        self._wanted = self.tables.columns(rows.schema.names, TABLE).read
        return rows, {}

    def _laid_type(self, column: pa.Field) -> pa.DataType:
        key = self._key(column.name)
        if key not in KEYS:
            return pa.bool_()  # its name is told, its values are not read
        kind = plain(pa.nulls(0, column.type), TABLE).type
        if pa.types.is_list(kind) and pa.types.is_null(kind.value_type):
            return _TEXTS
        if not pa.types.is_null(kind):
            return kind
        return SCHEMA.field(key).type if key in SCHEMA.names else pa.string()

    def _laid_column(self, piece: pa.RecordBatch, place: int, kind: pa.DataType) -> pa.Array:
        name = piece.schema.names[place]
        if self._key(name) not in KEYS or pa.types.is_null(piece.schema.types[place]):
            return pa.nulls(piece.num_rows, kind)
        column = plain(piece.column(place), TABLE)
        return column.cast(kind) if kind == _TEXTS else column


def _collected(plan: Any) -> Any:
    """Carry out a plan of polars.

    Raises:
        UnreadableCaseError: it cannot be carried out.
    """
    try:
        return plan.collect()
    except sys.modules["polars"].exceptions.PolarsError as error:
        raise UnreadableCaseError(
            f"The {TABLE} cannot be made of its plan: {_first_line(error)}.", advice="Check the plan."
        ) from error


def _stream(table: Any) -> pa.RecordBatchReader:
    """Open a table by its Arrow interface.

    Raises:
        UsageError: it has none, or is no table of columns.
    """
    try:
        if hasattr(table, "__arrow_c_stream__"):
            return pa.RecordBatchReader.from_stream(table)
        batch = pa.record_batch(table)
    except (pa.ArrowException, EngineError, TypeError, ValueError) as error:
        raise UsageError(
            f"A {type(table).__name__} is no table that can be read: {_first_line(error)}.",
            advice="Give a table of columns whose types Arrow knows, one row for each patient.",
        ) from error
    return pa.RecordBatchReader.from_batches(batch.schema, [batch])


def _pieces(rows: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Give batches of one size, whatever the size of those that come."""
    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in _read(rows):
        for start in range(0, batch.num_rows, _PIECE):
            part = batch.slice(start, _PIECE)
            if size + part.num_rows > _PIECE:
                yield from _together(waiting)
                waiting, size = [], 0
            waiting.append(part)
            size += part.num_rows
    yield from _together(waiting)


def _together(batches: list[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
    return pa.Table.from_batches(batches).combine_chunks().to_batches() if len(batches) > 1 else batches


def _read(rows: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    with contextlib.closing(rows):
        while True:
            try:
                batch = rows.read_next_batch()
            except StopIteration:
                return
            except (pa.ArrowException, EngineError, OSError) as error:
                raise UnreadableCaseError(
                    f"The {TABLE} cannot be read to its end: {_first_line(error)}.",
                    advice="Check the query that it comes from.",
                ) from error
            yield batch


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0].rstrip(".")
