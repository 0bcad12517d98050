"""Which files are read how."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from osteo_kg.cohort.flat_text import CsvSource, JsonLinesSource
from osteo_kg.cohort.inputs import Reading, Source
from osteo_kg.cohort.parquet import ParquetSource
from osteo_kg.cohort.triples import QuadsSource, TriplesSource
from osteo_kg.errors import UsageError

_SOURCES: dict[str, type[Source]] = {
    "parquet": ParquetSource,
    "csv": CsvSource,
    "jsonl": JsonLinesSource,
    "ntriples": TriplesSource,
    "nquads": QuadsSource,
}


def sources(files: Iterable[tuple[Path, str]], reading: Reading) -> list[Source]:
    """Give what reads the files, those of one format together.

    Raises:
        UsageError: a cohort is not read from this format.
    """
    by_format: dict[str, list[Path]] = {}
    for path, form in files:
        if form not in _SOURCES:
            raise UsageError(f"A cohort is not read from {form}.", advice=f"Use one of {', '.join(_SOURCES)}.")
        by_format.setdefault(form, []).append(path)
    return [_SOURCES[form](paths, reading) for form, paths in by_format.items()]
