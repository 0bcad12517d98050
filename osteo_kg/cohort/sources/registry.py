"""Which files are read how."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from osteo_kg.cohort.sources.base import STANDARD_INPUT, InputFile, Reading, Source
from osteo_kg.cohort.sources.fhir import FhirSource
from osteo_kg.cohort.sources.json_arrays import JsonSource
from osteo_kg.cohort.sources.memory import TableSource
from osteo_kg.cohort.sources.ntriples import QuadsSource, TriplesSource
from osteo_kg.cohort.sources.parquet import ParquetSource
from osteo_kg.cohort.sources.standard_input import laid_down
from osteo_kg.cohort.sources.text import CsvSource, JsonLinesSource, WorkbookSource
from osteo_kg.errors import UsageError

_SOURCES: dict[str, type[Source]] = {
    "parquet": ParquetSource,
    "csv": CsvSource,
    "jsonl": JsonLinesSource,
    "json": JsonSource,
    "xlsx": WorkbookSource,
    "ntriples": TriplesSource,
    "nquads": QuadsSource,
    "fhir": FhirSource,
}


def sources(files: Iterable[InputFile], reading: Reading, table: Any = None) -> list[Source]:
    """Give what reads the files, those of one format together, or a table in memory.

    Raises:
        UsageError: a cohort is not read from this format, or columns are mapped that are none.
    """
    by_format: dict[str, list[InputFile]] = {}
    for each in (laid_down(each, reading.scratch) if each.path == STANDARD_INPUT else each for each in files):
        if each.format_name not in _SOURCES:
            raise UsageError(
                f"A cohort is not read from {each.format_name}: {each.path.name}.",
                advice=f"Use one of {', '.join(_SOURCES)}.",
            )
        by_format.setdefault(each.format_name, []).append(each)
    if reading.profile.columns and "fhir" in by_format:
        raise UsageError(
            "FHIR has no columns to map.",
            advice="Leave out --map and --profile, or assess the FHIR files by themselves.",
        )
    read: list[Source] = [_SOURCES[format_name](found, reading) for format_name, found in by_format.items()]
    return read if table is None else [*read, TableSource(table, reading)]
