"""What runs the expression: DuckDB here, or Spark; both are asked for by the same few methods."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import re
import sys
import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
from duckdb import Error as EngineError
from duckdb import IOException as EngineFileError
from duckdb import OutOfMemoryException as EngineMemoryError
from ibis.backends import BaseBackend

import osteo_kg.cohort.ibis_compilers  # noqa: F401
from osteo_kg.errors import UsageError
from osteo_kg.stopping import interrupted_by

__all__ = [
    "RESERVED",
    "CohortEngine",
    "DuckDBEngine",
    "EngineError",
    "EngineFileError",
    "EngineMemoryError",
    "SparkEngine",
    "duckdb",
    "opened",
]

_BATCH = 100_000  # rows
_GLOBS = re.compile(r"[*?\[\]{}\\]")  # what stands for other letters in the name of a file that Spark is given
_LOOK = 0.25  # seconds between two looks at a running query
_FILE, _ROW = "_osteo_kg_file", "file_row_number"  # what DuckDB calls the file of a row, and its number there from 0
#: Names of columns, in lower case, that engines give themselves, or that are given to them here.
RESERVED = frozenset({_FILE, _ROW, "filename", "file_index", "_file", "_number", "_metadata"})
_PARTITIONS = 2  # of a shuffle on this machine, for each processor
_MEMORY = "2GB"  # what DuckDB may hold before it writes to the scratch folder


class CohortEngine(ABC):
    """Runs expressions of Ibis."""

    backend: BaseBackend

    @abstractmethod
    def kept(self, table: ir.Table, name: str) -> ir.Table:
        """Run an expression and keep what comes out."""

    @abstractmethod
    def named(self, table: ir.Table, name: str) -> ir.Table:
        """Give an expression a name, by which others read it whatever it is."""

    @abstractmethod
    def planned(
        self, name: str, build: Callable[[], ir.Table], read: Iterable[ir.Table], schema: pa.Schema | None = None
    ) -> ir.Table:
        """Name an expression over named tables; it is built only where it was not yet compiled for their columns."""

    @abstractmethod
    def computed(self, name: str, build: Callable[[], ir.Table], read: Iterable[ir.Table]) -> ir.Table:
        """Run an expression over named tables, and keep what comes out; it is built as by `planned`."""

    @abstractmethod
    def small(self, table: pa.Table) -> ir.Table:
        """Bring a small table to the engine."""

    def lookup(self, table: pa.Table, name: str, *, coded: bool = False) -> ir.Table:
        """Bring a small table to the engine under a name; where its texts are coded, many rows share each cheaply."""
        return self.small(table)

    @abstractmethod
    def parquet(self, paths: Sequence[str]) -> ir.Table:
        """Read Parquet files, each row with its file and its number there (`_file`, `_number`)."""

    @abstractmethod
    def arrow(self, table: ir.Table) -> pa.Table:
        """Give a small result."""

    def fetched(self, name: str, build: Callable[[], ir.Table], read: Iterable[ir.Table]) -> pa.Table:
        """Give the small result of an expression over named tables; it is built as by `planned`."""
        return self.arrow(build())

    @abstractmethod
    def batches(self, table: ir.Table) -> Iterator[pa.RecordBatch]:
        """Give a result piece by piece, in order."""

    def watched(self, tell: Callable[[float], None]) -> contextlib.AbstractContextManager[None]:
        """Tell now and then which share of a long query is done, where the engine knows it."""
        return contextlib.nullcontext()


class DuckDBEngine(CohortEngine):
    """DuckDB in this process; what does not fit in memory goes to the scratch folder.

    Args:
        scratch: the folder.
        queries: the compiled queries of earlier runs, by name and the columns that they read; new ones are put there.
    """

    def __init__(self, scratch: Path, queries: MutableMapping[str, str] | None = None) -> None:
        self._queries = {} if queries is None else queries
        self.backend: Any = ibis.duckdb.connect(memory_limit=_MEMORY, temp_directory=str(scratch / "duckdb"))
        self.backend.con.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")

    def kept(self, table: ir.Table, name: str) -> ir.Table:
        """Run an expression into a temporary table."""
        return self.backend.create_table(name, table, temp=True)

    def named(self, table: ir.Table, name: str) -> ir.Table:
        """Make a view of an expression."""
        self.backend._run_pre_execute_hooks(table)
        return self._made("VIEW", name, self.backend.compile(table))

    def planned(
        self, name: str, build: Callable[[], ir.Table], read: Iterable[ir.Table], schema: pa.Schema | None = None
    ) -> ir.Table:
        """Make a view of an expression over named tables."""
        return self._made("VIEW", name, self._query(name, build, read), schema)

    def computed(self, name: str, build: Callable[[], ir.Table], read: Iterable[ir.Table]) -> ir.Table:
        """Run an expression over named tables into a temporary table."""
        return self._made("TABLE", name, self._query(name, build, read))

    def _query(self, name: str, build: Callable[[], ir.Table], read: Iterable[ir.Table]) -> str:
        columns = "; ".join(f"{each.get_name()}: {each.schema()!r}" for each in read)
        known = f"{name} of {hashlib.sha256(columns.encode()).hexdigest()}"
        if known not in self._queries:
            self._queries[known] = self.backend.compile(build())
        return self._queries[known]

    def _made(self, kind: str, name: str, query: str, schema: pa.Schema | None = None) -> ir.Table:
        self.backend.con.execute(f'CREATE TEMP {kind} "{name}" AS {query}')
        if schema is None:
            return self.backend.table(name)
        columns = ibis.schema(schema)  # asked of DuckDB, every text of an enumeration would come back with it
        return ops.DatabaseTable(name, schema=columns, source=self.backend, namespace=ops.Namespace()).to_expr()

    def small(self, table: pa.Table) -> ir.Table:
        """Bring a small table to DuckDB."""
        return ibis.memtable(table)

    def lookup(self, table: pa.Table, name: str, *, coded: bool = False) -> ir.Table:
        """Make a temporary table; coded texts are enumerations, whose codes Parquet takes as they are."""
        with self._registered(table, f"{name}_given") as given:
            names = table.column_names if coded else []
            kinds = {column: self._enumeration(given, name, column, table) for column in names}
            columns = [
                f'"{each}"::{kinds[each]} AS "{each}"' if kinds.get(each) else f'"{each}"'
                for each in table.column_names
            ]
            return self._made("TABLE", name, f'SELECT {", ".join(columns)} FROM "{given}"', table.schema)

    @contextlib.contextmanager
    def _registered(self, table: pa.Table, name: str) -> Iterator[str]:
        self.backend.con.register(name, table)
        try:
            yield name
        finally:
            self.backend.con.unregister(name)

    def _enumeration(self, given: str, name: str, column: str, table: pa.Table) -> str | None:
        """Make the type of the different texts of a column, or of its lists; None where it has none."""
        values = table[column]
        is_list = pa.types.is_list(values.type)
        held = pc.list_flatten(values) if is_list else values
        if not pa.types.is_string(held.type) or held.null_count == len(held):
            return None
        text = f'unnest("{column}")' if is_list else f'"{column}"'
        texts = f'SELECT DISTINCT text FROM (SELECT {text} AS text FROM "{given}") WHERE text IS NOT NULL ORDER BY text'
        kind = f'"{name}_{column}_code"'
        self.backend.con.execute(f"CREATE TYPE {kind} AS ENUM ({texts})")
        return f"{kind}[]" if is_list else kind

    def parquet(self, paths: Sequence[str]) -> ir.Table:
        """Read Parquet files."""
        options = {_ROW: True, "filename": _FILE, "union_by_name": len(paths) > 1, "hive_partitioning": False}
        table = self.backend.read_parquet([glob.escape(path) for path in paths], **options)
        return table.mutate(_file=_FILE, _number=table[_ROW] + 1).drop(_FILE, _ROW)

    def write_parquet(self, table: ir.Table, path: Path, compression: str, told: Mapping[str, str]) -> None:
        """Write a result as Parquet, with metadata."""
        self.backend._run_pre_execute_hooks(table)
        pairs = ", ".join(f"{_quoted(name)}: {_quoted(value)}" for name, value in told.items())
        options = f"FORMAT parquet, COMPRESSION {compression}" + (f", KV_METADATA {{{pairs}}}" if told else "")
        self.backend.con.execute(f"COPY ({self.backend.compile(table)}) TO {_quoted(str(path))} ({options})")

    def arrow(self, table: ir.Table) -> pa.Table:
        """Give a small result."""
        return self._relation(table).to_arrow_table()

    def fetched(self, name: str, build: Callable[[], ir.Table], read: Iterable[ir.Table]) -> pa.Table:
        """Give the small result of an expression over named tables."""
        return self.backend.con.sql(self._query(name, build, read)).to_arrow_table()

    def batches(self, table: ir.Table) -> Iterator[pa.RecordBatch]:
        """Give a result piece by piece."""
        yield from self._relation(table).to_arrow_reader(_BATCH)

    @contextlib.contextmanager
    def watched(self, tell: Callable[[float], None]) -> Iterator[None]:
        """Tell now and then which share of a long query is done, as DuckDB estimates it."""
        done = threading.Event()

        def look() -> None:
            with contextlib.suppress(EngineError):  # a run that is stopped closes the connection
                while not done.wait(_LOOK):
                    percent = self.backend.con.query_progress()
                    if percent >= 0:  # a query is running
                        tell(percent / 100)

        watching = threading.Thread(target=look, daemon=True)
        watching.start()
        try:
            yield
        finally:
            done.set()
            watching.join()

    def _relation(self, table: ir.Table) -> Any:
        """Compile an expression: DuckDB 2 hands its results over otherwise than Ibis 12 asks for."""
        self.backend._run_pre_execute_hooks(table)
        return self.backend.con.sql(self.backend.compile(table))


class SparkEngine(CohortEngine):
    """Spark, in a session of its own or beside the one that is running."""

    def __init__(self, session: Any) -> None:
        self.backend: Any = ibis.pyspark.connect(session)
        self._session = session
        self._kept: list[Any] = []

    def kept(self, table: ir.Table, name: str) -> ir.Table:
        """Run an expression once, and let Spark remember what comes out."""
        self._kept.append(table.cache())
        return self._kept[-1]

    def named(self, table: ir.Table, name: str) -> ir.Table:
        """Leave an expression as it is."""
        return table

    def planned(
        self, name: str, build: Callable[[], ir.Table], read: Iterable[ir.Table], schema: pa.Schema | None = None
    ) -> ir.Table:
        """Build an expression."""
        return build()

    def computed(self, name: str, build: Callable[[], ir.Table], read: Iterable[ir.Table]) -> ir.Table:
        """Build an expression, and run it once."""
        return self.kept(build(), name)

    def close(self) -> None:
        """Let Spark forget what it remembered for this run."""
        for table in reversed(self._kept):
            table.release()

    def small(self, table: pa.Table) -> ir.Table:
        """Bring a small table to Spark."""
        return self._table(self._session.createDataFrame(table))

    def parquet(self, paths: Sequence[str]) -> ir.Table:
        """Read Parquet files."""
        named = [_GLOBS.sub(r"\\\g<0>", path) for path in paths]
        frame = self._session.read.option("mergeSchema", len(paths) > 1).parquet(*named)
        written = r"replace(regexp_replace(_metadata.file_path, '^file:/+', '/'), '+', '%2B')"  # Spark gives an IRI
        file = f"url_decode({written}) AS _file"
        return self._table(frame.selectExpr("*", file, "_metadata.row_index + 1 AS _number"))

    def arrow(self, table: ir.Table) -> pa.Table:
        """Give a small result, past pandas, which would take nulls for numbers."""
        return self._frame(table).toArrow()

    def batches(self, table: ir.Table) -> Iterator[pa.RecordBatch]:
        """Give a result, a partition of it at a time in the memory of the driver, wherever Spark runs."""

        def packed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:  # runs where osteo-kg need not be
            for batch in batches:
                sink = pa.BufferOutputStream()
                with pa.ipc.new_stream(sink, batch.schema) as stream:
                    stream.write_batch(batch)
                yield pa.record_batch({"packed": [sink.getvalue().to_pybytes()]})

        for row in self._frame(table).mapInArrow(packed, "packed binary").toLocalIterator():
            yield from pa.ipc.open_stream(row.packed)

    def _frame(self, table: ir.Table) -> Any:
        return self._session.sql(self.backend.compile(table))

    def _table(self, frame: Any) -> ir.Table:
        name = f"cohort_{uuid.uuid4().hex}"
        frame.createOrReplaceTempView(name)
        return self.backend.table(name)


@contextlib.contextmanager
def duckdb(scratch: Path, queries: MutableMapping[str, str] | None = None) -> Iterator[DuckDBEngine]:
    """Open a DuckDB of its own, and close it."""
    engine = DuckDBEngine(scratch, queries)
    with contextlib.closing(engine.backend.con), interrupted_by(engine.backend.con.interrupt):
        yield engine


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@contextlib.contextmanager
def opened(name: str, master: str, scratch: Path, queries: MutableMapping[str, str]) -> Iterator[CohortEngine]:
    """Open an engine by its name, and close it; DuckDB with the queries that were compiled before.

    Raises:
        UsageError: there is no such engine, or it is not installed.
    """
    if name == "duckdb":
        with duckdb(scratch, queries) as engine:
            yield engine
    elif name == "spark":
        with (
            _session(master, scratch) as session,
            _own_python(session),
            contextlib.closing(SparkEngine(session)) as own,
        ):
            yield own
    else:
        raise UsageError(f"There is no engine {name!r}.", advice="Name duckdb or spark.")


@contextlib.contextmanager
def _session(master: str, scratch: Path) -> Iterator[Any]:
    """Give a session beside the one that is running, which goes on, or one that ends with the run."""
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise UsageError("Spark is not installed.", advice="Run: pip install 'osteo-kg[spark]'.") from error
    running = _running(SparkSession)
    if running is not None:
        yield running.newSession()  # settings and views of its own
        return
    builder = SparkSession.builder.master(master).appName("osteo-kg").config("spark.ui.enabled", "false")
    if master.startswith("local"):  # Spark's 200 are for clusters: here a few for each processor keep all of them busy
        builder = builder.config("spark.sql.shuffle.partitions", str(_PARTITIONS * (os.cpu_count() or 1)))
    session = _started(builder.config("spark.sql.warehouse.dir", str(scratch / "warehouse")))
    try:
        yield session
    finally:
        session.stop()


@contextlib.contextmanager
def _own_python(session: Any) -> Iterator[None]:
    """Let workers on this machine run the Python that runs here, which has pyarrow, and not the first on the path."""
    context = session.sparkContext
    before = context.pythonExec
    if context.master.startswith("local"):
        context.pythonExec = sys.executable
    try:
        yield
    finally:
        context.pythonExec = before


def _started(builder: Any) -> Any:
    """Start a session.

    Raises:
        UsageError: Spark does not start, most often for want of Java.
    """
    from pyspark.errors import PySparkRuntimeError

    try:
        return builder.getOrCreate()
    except PySparkRuntimeError as error:
        raise UsageError(
            f"Spark does not start: {error}", advice="Install Java 17 or later, or name its folder in JAVA_HOME."
        ) from error


def _running(sessions: Any) -> Any:
    """Give the session that is running, in whichever thread it was started; None where there is none."""
    from pyspark.errors import PySparkRuntimeError

    try:
        return sessions.active()
    except PySparkRuntimeError:
        return None
