"""How fast a FHIR bulk export is decided: `python -m benchmarks.fhir_cohort [PATIENTS]`.

The same patients stand beside as flat records in Parquet, CSV and JSON Lines, decided in the same run.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from benchmarks.__main__ import empty_cache, once, seconds
from benchmarks.population import ON, records, write_fhir, write_parquet
from osteo_kg.cohort import assess_cohort
from osteo_kg.knowledge_base import KnowledgeBase


def main() -> None:
    """Measure, and print a table."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    table = Table(title=f"{size:,} patients")
    for name in ("input", "size", "time", "processor time", "patients a second", "patients a processor second"):
        table.add_column(name, justify="right")
    with empty_cache(), tempfile.TemporaryDirectory() as folder:
        for what, weight, taken, computed in measured(Path(folder), size):
            times = (seconds(taken), seconds(computed), f"{size / taken:,.0f}", f"{size / computed:,.0f}")
            table.add_row(what, f"{weight / 1e6:,.0f} MB", *times)
    Console(width=130).print(table)
    print("load of the last minute, five and fifteen:", *(f"{each:.1f}" for each in os.getloadavg()))
    here, there = (resource.getrusage(who).ru_maxrss / 1e6 for who in _WHO)
    print(f"peak memory {here:.2f} GB, of the largest helper {there:.2f} GB")


_WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def measured(folder: Path, size: int) -> Iterator[tuple[str, int, float, float]]:
    """Decide the same patients in every form: what was read, its bytes, the time, and that of all processors."""
    inputs = written(folder, size)
    knowledge_base = KnowledgeBase()
    decided: list[list[str]] = []
    for what, path in {"warming up": inputs["Parquet"], **inputs}.items():
        result = folder / "decided.parquet"
        before = processor_time()
        taken = once(lambda: assess_cohort([path], result, on=ON, knowledge_base=knowledge_base))  # noqa: B023  # called at once
        computed = processor_time() - before
        decided.append(
            sorted(map(str, pq.read_table(result, columns=["patient", "disposition", "strength"]).to_pylist()))
        )
        if what != "warming up":
            weight = sum(each.stat().st_size for each in (path.iterdir() if path.is_dir() else [path]))
            yield what, weight, taken, computed
    assert all(each == decided[0] for each in decided), "every form is decided alike"


def processor_time() -> float:
    """Give the seconds that this process and those that it started have computed."""
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, _WHO))


def written(folder: Path, size: int) -> dict[str, Path]:
    """Write the patients in every form."""
    names = {"Parquet": "women.parquet", "CSV": "women.csv", "JSON Lines": "women.jsonl", "FHIR": "export"}
    paths = {form: folder / name for form, name in names.items()}
    write_parquet(paths["Parquet"], size)
    write_fhir(paths["FHIR"], size)
    with paths["JSON Lines"].open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(record, default=float) + "\n" for record in records(size))
    with paths["CSV"].open("w", encoding="utf-8", newline="") as rows:
        columns = pq.read_schema(paths["Parquet"]).names
        writer = csv.DictWriter(rows, columns)
        writer.writeheader()
        writer.writerows({key: cell(value) for key, value in record.items()} for record in records(size))
    return paths


def cell(value: Any) -> str:
    """Write a value as a cell of CSV."""
    if isinstance(value, list):
        return ";".join(map(entry, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def entry(value: Any) -> str:
    """Write an entry of a list as part of a cell."""
    if isinstance(value, str):
        return value
    parts: Iterable[str] = (f"x{each}" if key == "count" else str(each) for key, each in value.items())
    return ":".join(parts)


if __name__ == "__main__":
    main()
