"""How fast a cohort is decided: `python -m benchmarks.cohort [PATIENTS]`, every peer on the same patients in one run.

Needs `pip install '.[bench]'`. Every figure stands beside its ratio to the first row, a plain copy of the file by
DuckDB or a bare parse of it: by the clock, which a user waits for, and in processor seconds, which depend less on what
else a machine does; how much that is, is told by its load. What takes little is done three times, in turns with what
it is compared with, and medians count, those of the ratios too. A peer that would take hours is asked of the first
patients only, and its time is multiplied.
"""

from __future__ import annotations

import itertools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pyoxigraph as ox
from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import empty_cache
from benchmarks.cohort_peers import PEERS, dispositions
from benchmarks.population import ON, write_parquet, write_triples
from osteo_kg import package_data
from osteo_kg.cohort import assess_cohort
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import OSTEO

_ROUNDS = 3
_ONE_BY_ONE = 300  # patients
_TRIPLES = 100_000  # patients at most whose triples are written
_A_PATIENT = f"{OSTEO.Patient} .\n"  # how the first statement of a patient ends


@dataclass(frozen=True)
class Measured:
    """What some work took.

    Attributes:
        work: what was done.
        patients: to how many.
        computed: processor seconds.
        clock: seconds by the clock.
        decided: for how many of the patients it said what the cohort says, where it decides.
        by_clock: how many times it took what the first row took, for as many patients.
        by_processor: likewise in processor seconds.
        load: how many processes wanted a processor in the last minute.
    """

    work: str
    patients: int
    computed: float
    clock: float
    decided: int | None = None
    by_clock: float = 1
    by_processor: float = 1
    load: float = 0

    def beside(self, first: Measured) -> Measured:
        """Compare with the work of the first row."""
        fewer = first.patients / self.patients
        return replace(
            self, by_clock=fewer * self.clock / first.clock, by_processor=fewer * self.computed / first.computed
        )


def main() -> None:
    """Measure, and print a table for each kind of input."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else _TRIPLES
    with empty_cache(), tempfile.TemporaryDirectory() as folder:
        knowledge_base = KnowledgeBase()
        console = Console(width=130)
        console.print(_table("Parquet", size, list(from_parquet(knowledge_base, Path(folder), size))))
        fewer = min(size, _TRIPLES)
        console.print(_table("N-Triples", fewer, list(from_triples(knowledge_base, Path(folder), fewer))))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"peak memory of the whole command {peak:.2f} GB")


def _table(title: str, size: int, rows: list[Measured]) -> Table:
    """Draw what was measured."""
    table = Table(title=f"{size:,} patients from {title}, {os.cpu_count()} processors; ratios to the first row")
    for name in ("work", "patients", "clock s", "processor s", "ratio by clock", "by processor", "load", "alike"):
        table.add_column(name, justify="left" if name == "work" else "right")
    for row in rows:
        alike = "" if row.decided is None else f"{row.decided:,}"
        ratios = (f"{row.by_clock:,.2f}", f"{row.by_processor:,.2f}", f"{row.load:.1f}")
        table.add_row(row.work, f"{row.patients:,}", f"{row.clock:,.2f}", f"{row.computed:,.2f}", *ratios, alike)
    return table


def from_parquet(knowledge_base: KnowledgeBase, folder: Path, size: int) -> Iterator[Measured]:
    """Measure a plain copy of the file, the cohort in a warm process, the whole command, and the first run of all."""
    source, result = folder / "women.parquet", folder / "decided.parquet"
    write_parquet(source, size)
    command = _command(source, result)
    first = measured("the whole command, the first run of all", size, command)
    _cohort(knowledge_base, source, result)()  # the process is warm
    rows = in_turns(
        size,
        {
            "a plain copy of the file by DuckDB": lambda: _copy(source, folder / "copy.parquet"),
            "decided in a warm process": _cohort(knowledge_base, source, result),
            "the whole command, warm cache": command,
        },
    )
    yield from rows
    yield first.beside(rows[0])


def from_triples(knowledge_base: KnowledgeBase, folder: Path, size: int) -> Iterator[Measured]:
    """Measure the cohort from N-Triples, a bare parse of the file, and what decides patients otherwise."""
    source, result = folder / "women.nt", folder / "decided.parquet"
    write_triples(source, size)
    _cohort(knowledge_base, source, result)()  # every situation is remembered
    rows = in_turns(
        size,
        {
            "a bare parse of the file by pyoxigraph": lambda: _parsed(source),
            "decided in a warm process": _cohort(knowledge_base, source, result),
        },
    )
    yield from rows
    table = pq.read_table(result, columns=["patient", "disposition"]).to_pydict()
    ours = dict(zip(table["patient"], table["disposition"], strict=True))
    _first(source, folder / "few.nt", min(size, _ONE_BY_ONE))
    yield _one_by_one(knowledge_base, folder / "few.nt").beside(rows[0])
    for name, (close, most) in PEERS.items():
        few = min(size, most)
        _first(source, folder / "few.nt", few)
        found: dict[str, str] = {}
        row = measured(name, few, lambda: found.update(dispositions(knowledge_base, folder / "few.nt", ON, close)))  # noqa: B023
        wrong = {patient: said for patient, said in found.items() if ours[patient] != said}
        assert not wrong, f"{name} decides otherwise: {dict(itertools.islice(wrong.items(), 5))}"
        yield replace(row, decided=len(found)).beside(rows[0])


def _first(source: Path, target: Path, patients: int) -> None:
    """Copy the statements of the first patients."""
    begun = 0
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8") as file:
        for line in lines:
            begun += line.endswith(_A_PATIENT)
            if begun > patients:
                break
            file.write(line)


def _one_by_one(knowledge_base: KnowledgeBase, few: Path) -> Measured:
    cases = knowledge_base.read(few.read_bytes(), "nt")
    return measured("osteo-kg assess, one by one", len(cases), lambda: list(knowledge_base.assess_all(cases, on=ON)))


def measured(work: str, patients: int, done: Callable[[], object]) -> Measured:
    """Measure some work once, with that of the processes that it starts."""
    clock, computed = time.perf_counter(), _processor_seconds()
    done()
    taken = time.perf_counter() - clock
    return Measured(work, patients, _processor_seconds() - computed, taken, load=os.getloadavg()[0])


def _processor_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def in_turns(patients: int, works: dict[str, Callable[[], object]]) -> list[Measured]:
    """Measure several works some times in turns; give the median of each, and of its ratios to the first."""
    rounds = [[measured(name, patients, done) for name, done in works.items()] for _ in range(_ROUNDS)]
    beside = [[each.beside(turn[0]) for each in turn] for turn in rounds]
    return [_median(list(each)) for each in zip(*beside, strict=True)]


def _median(found: list[Measured]) -> Measured:
    names = ("computed", "clock", "by_clock", "by_processor", "load")
    return replace(found[0], **{name: statistics.median(getattr(each, name) for each in found) for name in names})


def _cohort(knowledge_base: KnowledgeBase, source: Path, result: Path) -> Callable[[], object]:
    return lambda: assess_cohort([source], result, on=ON, knowledge_base=knowledge_base)


def _command(source: Path, result: Path) -> Callable[[], object]:
    """Give the command as it is installed: with bytecode, which some surroundings keep Python from writing."""
    words = [sys.executable, "-m", "osteo_kg", "cohort", str(source), "--on", ON.isoformat(), "--output", str(result)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", str(Path(package_data.__file__).parent)], check=True, env=environment
    )
    return lambda: subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=environment)


def _copy(source: Path, target: Path) -> None:
    duckdb.sql(f"COPY (FROM '{source}') TO '{target}' (FORMAT parquet)")


def _parsed(source: Path) -> int:
    return sum(1 for _ in ox.parse(path=str(source), format=ox.RdfFormat.N_TRIPLES))


if __name__ == "__main__":
    main()
