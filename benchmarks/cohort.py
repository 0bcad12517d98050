"""How fast a cohort is decided: `python -m benchmarks.cohort [PATIENTS]`, every peer on the same patients in one run.

Needs `pip install '.[bench]'`. A peer that would take hours is asked of the first patients only, and its time is
multiplied. Seconds are those of the processors, which do not depend on what else a machine does; those of the clock
stand beside them. What takes little is done three times, in turns, and the median counts.
"""

from __future__ import annotations

import itertools
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pyoxigraph as ox
from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import empty_cache
from benchmarks.cohort_peers import PEERS, dispositions
from benchmarks.population import ON, write_parquet, write_triples
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
    """

    work: str
    patients: int
    computed: float
    clock: float
    decided: int | None = None


def main() -> None:
    """Measure, and print a table for each kind of input."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else _TRIPLES
    with empty_cache(), tempfile.TemporaryDirectory() as folder:
        knowledge_base = KnowledgeBase()
        console = Console(width=130)
        console.print(_table("Parquet", size, list(from_parquet(knowledge_base, Path(folder), size))))
        fewer = min(size, _TRIPLES)
        console.print(_table("N-Triples", fewer, list(from_triples(knowledge_base, Path(folder), fewer))))
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


def _table(title: str, size: int, rows: list[Measured]) -> Table:
    """Draw what was measured; the first row is what the others are compared with."""
    ours = rows[0].computed / rows[0].patients
    table = Table(title=f"{size:,} patients from {title}; ratios of processor seconds to the first row")
    for name in ("work", "patients", "processor s", "clock s", f"processor s for {size:,}", "ratio", "decided alike"):
        table.add_column(name, justify="left" if name == "work" else "right")
    for row in rows:
        each = row.computed / row.patients
        alike = "" if row.decided is None else f"{row.decided:,}"
        figures = (f"{row.computed:,.2f}", f"{row.clock:,.2f}", f"{each * size:,.1f}", f"{each / ours:,.2f}")
        table.add_row(row.work, f"{row.patients:,}", *figures, alike)
    return table


def from_parquet(knowledge_base: KnowledgeBase, folder: Path, size: int) -> Iterator[Measured]:
    """Measure the cohort from Parquet, and a plain copy of the file."""
    source, result = folder / "women.parquet", folder / "decided.parquet"
    write_parquet(source, size)
    first = measured("the same with no situation remembered", size, _cohort(knowledge_base, source, result))
    yield from in_turns(
        size,
        {
            "decided by situation": _cohort(knowledge_base, source, result),
            "a plain copy of the file by DuckDB": lambda: _copy(source, folder / "copy.parquet"),
        },
    )
    yield first


def from_triples(knowledge_base: KnowledgeBase, folder: Path, size: int) -> Iterator[Measured]:
    """Measure the cohort from N-Triples, a bare parse of the file, and what decides patients otherwise."""
    source, result = folder / "women.nt", folder / "decided.parquet"
    write_triples(source, size)
    _cohort(knowledge_base, source, result)()  # every situation is remembered
    yield from in_turns(
        size,
        {
            "decided by situation": _cohort(knowledge_base, source, result),
            "a bare parse of the file by pyoxigraph": lambda: _parsed(source),
        },
    )
    table = pq.read_table(result, columns=["patient", "disposition"]).to_pydict()
    ours = dict(zip(table["patient"], table["disposition"], strict=True))
    _first(source, folder / "few.nt", min(size, _ONE_BY_ONE))
    yield _one_by_one(knowledge_base, folder / "few.nt")
    for name, (close, most) in PEERS.items():
        few = min(size, most)
        _first(source, folder / "few.nt", few)
        found: dict[str, str] = {}
        row = measured(name, few, lambda: found.update(dispositions(knowledge_base, folder / "few.nt", ON, close)))  # noqa: B023
        wrong = {patient: said for patient, said in found.items() if ours[patient] != said}
        assert not wrong, f"{name} decides otherwise: {dict(itertools.islice(wrong.items(), 5))}"
        yield Measured(row.work, few, row.computed, row.clock, len(found))


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
    """Measure some work once."""
    clock, computed = time.perf_counter(), time.process_time()
    done()
    return Measured(work, patients, time.process_time() - computed, time.perf_counter() - clock)


def in_turns(patients: int, works: dict[str, Callable[[], object]]) -> list[Measured]:
    """Measure several works some times in turns; give the median of each."""
    rounds = [[measured(name, patients, done) for name, done in works.items()] for _ in range(_ROUNDS)]
    return [_median(list(each)) for each in zip(*rounds, strict=True)]


def _median(found: list[Measured]) -> Measured:
    computed, clock = ([getattr(each, name) for each in found] for name in ("computed", "clock"))
    return Measured(found[0].work, found[0].patients, statistics.median(computed), statistics.median(clock))


def _cohort(knowledge_base: KnowledgeBase, source: Path, result: Path) -> Callable[[], object]:
    return lambda: assess_cohort([source], result, on=ON, knowledge_base=knowledge_base)


def _copy(source: Path, target: Path) -> None:
    duckdb.sql(f"COPY (FROM '{source}') TO '{target}' (FORMAT parquet)")


def _parsed(source: Path) -> int:
    return sum(1 for _ in ox.parse(path=str(source), format=ox.RdfFormat.N_TRIPLES))


if __name__ == "__main__":
    main()
