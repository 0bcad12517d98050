"""What a cohort is written to: nothing stands under its name before everything is written."""

from __future__ import annotations

import contextlib
import datetime
import glob
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

import filelock
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pyoxigraph as ox

from osteo_kg.assessment.rdf import AssessmentGraph
from osteo_kg.case import patient_iri
from osteo_kg.cohort.engines import CohortEngine, DuckDBEngine
from osteo_kg.cohort.results.decisions import Decisions
from osteo_kg.cohort.results.metadata import KEY, ResultMetadata
from osteo_kg.dataset import graph_iri
from osteo_kg.errors import UnfinishedRunError, UsageError
from osteo_kg.rdf import DCTERMS, OSTEO, RDF
from osteo_kg.stopping import done_whole, unstoppable

BETWEEN = ";"  # between the words of a list in a CSV cell
LISTS = ("possible", "missing", "warnings", "assumptions")
GRAPHS = ("nt", "nq")
_UNFINISHED = ".unfinished"
_COMPRESSION = "zstd"


class Together:
    """Files that are written under other names, and get their own names all at the end."""

    def __init__(self) -> None:
        self._files: dict[Path, Path] = {}

    def path(self, final: Path) -> Path:
        """Give the name under which a file is written."""
        self._files[final] = final.with_name(f".{final.name}{_UNFINISHED}")
        return self._files[final]

    @contextlib.contextmanager
    def text(self, final: Path) -> Iterator[TextIO]:
        """Open a file to write text to."""
        with self.path(final).open("w", encoding="utf-8") as file:
            yield file

    def finish(self) -> None:
        """Give every file its own name, the first one last: where it stands, everything stands that belongs to it.

        Files of an earlier run go before: of two runs nothing stands side by side, whenever this one is killed.
        """
        if len(self._files) > 1:
            for final in self._files:
                final.unlink(missing_ok=True)
        named: list[Path] = []
        try:
            for final, written in reversed(self._files.items()):
                os.replace(written, final)
                named.append(final)
        except BaseException:
            _remove(named)
            raise

    def discard(self) -> None:
        """Remove what was not finished."""
        _remove(self._files.values())


def _remove(paths: Iterable[Path]) -> None:
    """Remove files as far as that is possible: what ended a run is not to hide behind what did not go away."""
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
@done_whole
def together() -> Iterator[Together]:
    """Write files that appear together, or not at all."""
    files = Together()
    try:
        yield files
        with unstoppable():
            files.finish()
    finally:
        files.discard()


@contextlib.contextmanager
@done_whole
def locked(outputs: Iterable[Path]) -> Iterator[None]:
    """Keep other runs from the same outputs; the lock of a run that was killed is none.

    Raises:
        UnfinishedRunError: another run writes one of them, or nothing there tells whether one does.
    """
    with contextlib.ExitStack() as held:
        for output in sorted(outputs):
            real = output.resolve()
            path = real.with_name(f".{real.name}{_UNFINISHED}.lock")
            try:
                held.enter_context(_lock(path))
            except filelock.Timeout as error:
                raise UnfinishedRunError(
                    f"Another run is writing {output}.", advice="Wait for its end, or name another output."
                ) from error
            except NotImplementedError as error:  # what a file system without locks raises
                raise UnfinishedRunError(
                    f"The place of {output} cannot keep two runs apart: its file system has no locks.",
                    advice="Name an output on another disk, and copy it there when it is done.",
                ) from error
        yield


@contextlib.contextmanager
@done_whole
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock on a file, which goes with it; one that a run before this has just removed is no lock."""
    while True:
        with filelock.FileLock(path, timeout=0):
            if not path.exists():
                continue
            try:
                yield
            finally:
                _remove([path])
            return


@contextlib.contextmanager
@done_whole
def scratch(output: Path | None) -> Iterator[Path]:
    """Give a folder beside an output for what is written on the way; what a killed run left there goes."""
    if output is None:
        with tempfile.TemporaryDirectory(prefix="osteo-kg-") as temporary:
            yield Path(temporary)
        return
    folder = output.absolute().with_name(f".{output.name}{_UNFINISHED}.d")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


Writer = Callable[[ir.Table, Path, CohortEngine, ResultMetadata], int]  # gives the number of rows


def checked_format(path: Path) -> str:
    """Give the format of an output, and make sure that it can be written.

    Raises:
        UsageError: its format is not known.
    """
    known = (*_WRITERS, *GRAPHS)
    if _format(path) not in known:
        raise UsageError(f"The format of {path.name} is not known.", advice=f"Name it .{', .'.join(known)}.")
    return _format(path)


def check_places(written: Iterable[Path], read: Iterable[Path]) -> None:
    """Make sure that every output can stand where it is named, and over nothing that is needed.

    Raises:
        UsageError: it is a folder, its folder does not exist, or two outputs, or an output and an input, are one file.
    """
    taken = dict.fromkeys((each.resolve() for each in read), "read as an input")
    for path in written:
        if not path.absolute().parent.is_dir():
            raise UsageError(f"There is no folder {path.parent}.", advice="Make it first.")
        if path.is_dir():
            raise UsageError(f"{path} is a folder.", advice="Name a file for the output.")
        if path.resolve() in taken:
            raise UsageError(f"{path} is also {taken[path.resolve()]}.", advice="Name another file for the output.")
        taken[path.resolve()] = "named for another output"


def _format(path: Path) -> str:
    return path.suffix.removeprefix(".").lower()


def write(table: ir.Table, path: Path, format_name: str, engine: CohortEngine, told: ResultMetadata) -> int:
    """Write the decisions as a table, with what they say of themselves where it holds that; give the number of rows."""
    return _WRITERS[format_name](table, path, engine, told)


def _parquet(table: ir.Table, path: Path, engine: CohortEngine, told: ResultMetadata) -> int:
    stored = {KEY: told.to_text()}
    if isinstance(engine, DuckDBEngine):
        engine.write_parquet(table, path, _COMPRESSION, stored)
        return int(pq.read_metadata(path).num_rows)
    batches = engine.batches(table)
    first = next(batches, None)
    schema = table.schema().to_pyarrow() if first is None else first.schema
    with pq.ParquetWriter(path, schema, compression=_COMPRESSION) as writer:
        for batch in itertools.chain([first], batches) if first is not None else ():
            writer.write_batch(batch)
        writer.add_key_value_metadata(stored)
    return int(pq.read_metadata(path).num_rows)


def _csv(table: ir.Table, path: Path, engine: CohortEngine, _: ResultMetadata) -> int:
    lists = {name: table[name].join(BETWEEN).nullif("") for name, kind in table.schema().items() if kind.is_array()}
    flat = table.mutate(**lists)
    rows = 0
    with path.open("wb") as file:
        writer = pa.csv.CSVWriter(file, flat.schema().to_pyarrow(), write_options=_NEEDED)
        for batch in engine.batches(flat):
            writer.write_batch(batch)
            rows += batch.num_rows
        writer.close()
    return rows


_NEEDED = pa.csv.WriteOptions(quoting_style="needed")


def _json_lines(table: ir.Table, path: Path, engine: CohortEngine, _: ResultMetadata) -> int:
    rows = 0
    with path.open("w", encoding="utf-8") as file:
        for batch in engine.batches(table):
            rows += batch.num_rows
            for row in batch.to_pylist():
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return rows


_WRITERS: dict[str, Writer] = {"parquet": _parquet, "csv": _csv, "jsonl": _json_lines}


def read(path: Path, engine: DuckDBEngine) -> ir.Table:
    """Open what was written as a table.

    Raises:
        UsageError: it cannot be read.
    """
    readers: dict[str, Callable[..., ir.Table]] = {
        "parquet": engine.backend.read_parquet,
        "csv": engine.backend.read_csv,
        "jsonl": engine.backend.read_json,
    }
    format_name = _format(path)
    if format_name not in readers or not path.is_file():
        raise UsageError(f"{path} is not a result that can be read.", advice=f"Name a file .{', .'.join(readers)}.")
    return readers[format_name](glob.escape(str(path)), hive_partitioning=False)


# Decisions as triples: what is decided of each patient; her situation holds the explanation, once for all.

_SOMEBODY = "urn:osteo-kg:somebody"
_KINDS = {"warnings": OSTEO.Warning, "assumptions": OSTEO.Assumption}


class GraphOutput:
    """Writes decisions as N-Triples, or as N-Quads with one graph for each patient.

    Args:
        decisions: the answers.
        on: the day of assessment.
        quads: whether each patient has a graph.
    """

    def __init__(self, decisions: Decisions, on: datetime.date, quads: bool) -> None:
        parts = decisions.parts
        self._quads = quads
        self._codes = parts.knowledge_base.knowledge.terms.kinds[OSTEO.NoticeCode]
        writer = AssessmentGraph(parts.engine)
        self._said: Mapping[str, list[str]] = {
            decisions.iri(key): [
                f"{triple.subject} {triple.predicate} {triple.object}"
                for triple in writer.triples(parts.explainer.of_situation(_SOMEBODY, on, key, answer))
                if _is_plain(triple)
            ]
            for key, answer in decisions.answers.items()
        }
        self._node = next(
            str(triple.subject)
            for key, answer in decisions.answers.items()
            for triple in writer.triples(parts.explainer.of_situation(_SOMEBODY, on, key, answer))
            if triple.predicate == OSTEO.assesses
        )

    def write(self, table: ir.Table, path: Path, engine: CohortEngine) -> int:
        """Write every patient, and give their number."""
        number = 0
        with path.open("w", encoding="utf-8") as file:
            for batch in engine.batches(table):
                for row in batch.to_pylist():
                    number += 1
                    iri = patient_iri(row["patient"])
                    end = f" <{graph_iri('assessments', iri)}> .\n" if self._quads else " .\n"
                    file.writelines(line + end for line in self._lines(row, iri, number))
        return number

    def _lines(self, row: Mapping[str, Any], iri: str, number: int) -> Iterator[str]:
        for line in self._said[row["situation"]]:
            yield line.replace(_SOMEBODY, iri)
        node = self._node.replace(_SOMEBODY, iri)
        yield f"{node} {DCTERMS.identifier} {ox.Literal(row['patient'])}"
        for column, kind in _KINDS.items():
            for place, code in enumerate(row[column]):
                part = f"_:p{number}{column}{place}"
                yield f"{node} {OSTEO.hasNotice} {part}"
                yield f"{part} {RDF.type} {kind}"
                yield f"{part} {OSTEO.hasNoticeCode} <{self._codes[code]}>"


def _is_plain(triple: ox.Triple) -> bool:
    """Whether a triple is about the patient or her assessment as a whole, and not about a part of the explanation."""
    blank = isinstance(triple.subject, ox.BlankNode) or isinstance(triple.object, ox.BlankNode)
    return not blank and triple.predicate != DCTERMS.identifier
