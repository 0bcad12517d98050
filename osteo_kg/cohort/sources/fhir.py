"""FHIR: a bulk export of any split, files of bundles, folders of them.

Single resources are sorted by patient on disk; a Bundle is an input by itself. Each patient is read by the reader of
FHIR, or has the row that it gave others of whom the same was said. What a flat record can say, and notices beside it,
goes into columns; every other patient is assessed by herself.
"""

from __future__ import annotations

import contextlib
import functools
import os
import pickle
import queue
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

import ibis
import ibis.expr.types as ir
import pyarrow.parquet as pq

from osteo_kg.bilingual import Language
from osteo_kg.case import Case
from osteo_kg.case.fhir.exports import Beside
from osteo_kg.case.files import compression
from osteo_kg.cohort.abstraction.extra_facts import MeasuredEntries, part
from osteo_kg.cohort.engines import CohortEngine, duckdb
from osteo_kg.cohort.sources import fhir_files
from osteo_kg.cohort.sources.base import InputFile, Reading, Source, Wanted
from osteo_kg.cohort.sources.fhir_files import first_line, pieces
from osteo_kg.cohort.sources.fhir_partitions import Partitions
from osteo_kg.cohort.sources.fhir_rows import PatientReader, Plan
from osteo_kg.errors import KnowledgeError, OsteoError, UnreadableCaseError

_PARTITION = 16 << 20  # bytes of text that a process holds at a time
_MOST_PARTITIONS = 400  # files that a process holds open
_UNPACKED = 10  # times as large as its file is text that was compressed, or more
_WORTH_HELP = 128 << 20  # bytes from which on helpers are started: what they do in the time that starting them takes
_HELPERS = os.cpu_count() or 1
_MOST_SPARED = 2_000  # different entries that the shapes are asked about
_SPARED = ("spared", "spared_numbers", "last_spared")
_PLACES = ("partition", "owner", "position", "place")


class FhirSource(Source):
    """Files of FHIR R4."""

    def __init__(self, found: list[InputFile], reading: Reading) -> None:
        super().__init__(found, reading)
        sizes = [_size(each.path) for each in found]
        folder = reading.scratch / "fhir"
        self._laid = folder / "patients.parquet"
        self._size = sum(sizes)
        self._beside = Beside()
        self._plan = Plan(
            tuple(self.files),
            tuple(map(str, self.homes)),
            folder,
            min(_MOST_PARTITIONS, self._size // _PARTITION + 1),
            MeasuredEntries(reading.terms, reading.parts.months_apart),
            reading.postmenopausal,
        )

    def flat(self, engine: CohortEngine) -> ir.Table:
        """Sort and read the patients, lay them down as columns, and give them as a table."""
        self._plan.folder.mkdir()
        helpers = _HELPERS if self._size > _WORTH_HELP else 1
        with working(self._plan, helpers) as work:
            self._sort(work)
            laid = self._lay(work)
        with duckdb(self.reading.scratch) as reader:
            rows = reader.parquet(laid).drop("_file", "_number")
            rows = rows.mutate(readable=rows.readable & self._spared_pass(rows, reader))
            place = ibis.row_number().over(group_by="file", order_by=["position", "place"])
            reader.write_parquet(rows.mutate(number=place + 1), self._laid, "uncompressed", {})
        return engine.parquet([str(self._laid)]).drop("_file", "_number", *_PLACES, *_SPARED)

    def _spared_pass(self, rows: ir.Table, reader: CohortEngine) -> Any:
        """Say where the shapes let every entry pass that was taken out; of many different ones the rare stay open."""
        parts = self.reading.parts
        texts = rows.select(text=rows.spared.unnest()).value_counts(name="times")
        often = texts.order_by(ibis.desc("times"), "text").limit(_MOST_SPARED)
        passing = [text for text in reader.arrow(often)["text"].to_pylist() if parts.passes(part(text, parts.on))]
        others = rows.spared.filter(lambda text: ~text.isin(passing)) if passing else rows.spared
        in_time = (rows.last_spared <= parts.on.isoformat()).fill_null(True)
        return in_time & (others.length() == 0).fill_null(True) & self._numbers_pass(rows, reader)

    def _numbers_pass(self, rows: ir.Table, reader: CohortEngine) -> Any:
        """Say where the shapes let every number of a measurement pass."""
        texts = rows.select(text=rows.spared_numbers.unnest()).distinct()
        refused = list(self.reading.parts.screen.refused_numbers(reader.arrow(texts)["text"].to_pylist()))
        if not refused:
            return ibis.literal(True)
        return (rows.spared_numbers.filter(lambda text: text.isin(refused)).length() == 0).fill_null(True)

    def _sort(self, work: Work) -> None:
        for path in self.files:
            if not first_line(path):
                self._beside.empty[path.name] += 1
        divided = [piece for number, path in enumerate(self.files) for piece in pieces(number, path)]
        for beside in work("sort", [(piece,) for piece in divided]):
            self._beside += beside
        sorted_ = Partitions(self._plan.folder, 0)
        fhir_files.keep(sorted_.medications(), self._plan.medications, sorted_.deleted())

    def _lay(self, work: Work) -> list[str]:
        laid = []
        for path, patients, beside in work("lay", [(number,) for number in range(self._plan.partitions)]):
            self._beside += beside
            if patients:
                laid.append(path)
        if not laid:
            raise UnreadableCaseError(
                "The FHIR files hold no Patient resource.",
                advice="Name the files of the patients beside those of their resources.",
            )
        return laid

    def cases(self, engine: CohortEngine, wanted: Wanted) -> Iterator[tuple[str, int, Case]]:
        """Read some patients as cases."""
        reader = PatientReader(self._plan)
        numbers = self._numbers(wanted)
        for partition, people in sorted(numbers.items()):
            for person in reader.people(partition, Beside(), {owner for owner, _, _, _ in people}):
                path = self.files[person.file]
                number = people.get((person.owner, str(path), person.position, person.place))
                if number is not None:
                    yield str(path), number, reader.case(person, f"{path.name}#{number}")

    def _numbers(self, wanted: Wanted) -> dict[int, dict[tuple[bytes, str, int, int], int]]:
        """Give the numbers of some patients by the partitions and the places where they are found."""
        found: dict[int, dict[tuple[bytes, str, int, int], int]] = defaultdict(dict)
        for batch in pq.ParquetFile(self._laid).iter_batches(columns=["file", "number", *_PLACES]):
            for row in batch.to_pylist():
                if row["number"] in wanted.get(row["file"], ()):
                    place = (row["owner"], row["file"], row["position"], row["place"])
                    found[row["partition"]][place] = row["number"]
        return found

    def remarks(self, language: Language) -> Iterable[str]:
        """Say what is no resource of a patient who is there."""
        yield from self._beside.sentences(language)


def _size(path: Any) -> int:
    return int(path.stat().st_size) * (_UNPACKED if compression(path) else 1)


# Helper processes: the same work on several processors, each process with a reader of its own.

_START = f"import sys; sys.path[:] = {{path!r}}; from {__name__} import answer; answer()"
Work = Callable[[str, Iterable[tuple[Any, ...]]], Iterator[Any]]  # a method of the reader, on each of some arguments


@contextlib.contextmanager
def working(plan: Plan, count: int) -> Iterator[Work]:
    """Give what does the work of a reader in so many processes: this one, and helpers beside it."""
    reader = PatientReader(plan)

    def here(method: str, task: tuple[Any, ...]) -> Any:
        return getattr(reader, method)(*task)

    if count == 1:
        yield lambda method, tasks: (here(method, task) for task in tasks)
        return
    with contextlib.ExitStack() as stack:
        helpers = [stack.enter_context(_helper(plan)) for _ in range(count - 1)]
        threads = ThreadPoolExecutor(count)
        stack.callback(threads.shutdown, cancel_futures=True)
        free: queue.SimpleQueue[Callable[[str, tuple[Any, ...]], Any]] = queue.SimpleQueue()
        free.put(here)
        for helper in helpers:
            free.put(functools.partial(_asked, helper))

        def done(method: str, task: tuple[Any, ...]) -> Any:
            doing = free.get()
            try:
                return doing(method, task)
            finally:
                free.put(doing)

        yield lambda method, tasks: threads.map(lambda task: done(method, task), tasks)


@contextlib.contextmanager
def _helper(plan: Plan) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", _START.format(path=sys.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            _send(process.stdin, plan)
            yield process
        finally:
            process.terminate()


def _asked(process: subprocess.Popen[bytes], method: str, task: tuple[Any, ...]) -> Any:
    try:
        _send(process.stdin, (method, task))
        assert process.stdout is not None  # it is a pipe
        answer = pickle.load(process.stdout)
    except (EOFError, OSError) as error:
        raise KnowledgeError(
            "A helper process ended before its work was done.", advice="See whether there is memory left."
        ) from error
    if isinstance(answer, OsteoError):
        raise answer
    return answer


def _send(file: BinaryIO | Any, content: Any) -> None:
    pickle.dump(content, file)
    file.flush()


def answer() -> None:
    """Work as a helper: read a plan and then questions from standard input, and write each answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks is told, and ends its helpers
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    reader = PatientReader(pickle.load(sys.stdin.buffer))
    with contextlib.suppress(EOFError):
        while True:
            method, task = pickle.load(sys.stdin.buffer)
            try:
                found = getattr(reader, method)(*task)
            except OsteoError as error:
                found = error
            _send(answers, found)
