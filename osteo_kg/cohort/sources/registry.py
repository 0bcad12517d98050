"""Which files are read how."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from osteo_kg.case.files import compression
from osteo_kg.cohort.sources.base import STANDARD_INPUT, InputFile, Reading, Source
from osteo_kg.cohort.sources.fhir import FhirSource
from osteo_kg.cohort.sources.json_files import WAYS
from osteo_kg.cohort.sources.memory import TableSource
from osteo_kg.cohort.sources.ntriples import QuadsSource, TriplesSource
from osteo_kg.cohort.sources.parquet import ParquetSource
from osteo_kg.cohort.sources.text import CsvSource, JsonLinesSource, JsonSource, WorkbookSource
from osteo_kg.errors import UnreadableCaseError, UsageError

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
    for each in (_laid_down(each, reading.scratch) if _flows(each.path) else each for each in files):
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


# What can be read once lies in the scratch folder, since a cohort looks at its input more than once.


def _flows(path: Path) -> bool:
    """Whether something can be read once: standard input, or a pipe with a name."""
    return path == STANDARD_INPUT or path.is_fifo()


def _laid_down(given: InputFile, scratch: Path) -> InputFile:
    """Give what flows as a file of the scratch folder under its own name, unpacked where it is compressed.

    Raises:
        UnreadableCaseError: it is empty, or cannot be unpacked.
    """
    path, packed = scratch / given.path.name, scratch / f"{given.path.name}packed"
    called = "Standard input" if given.path == STANDARD_INPUT else path.name
    with packed.open("wb") as file, contextlib.ExitStack() as opened:
        flow = sys.stdin.buffer if given.path == STANDARD_INPUT else opened.enter_context(given.path.open("rb"))
        shutil.copyfileobj(flow, file)
    if not packed.stat().st_size:
        raise UnreadableCaseError(f"{called} is empty.", advice="Send the patients to it.")
    way = compression(packed)
    if way is None:
        packed.rename(path)
    else:
        _unpack(packed, path, WAYS[way], called)
    return replace(given, path=path, home=scratch, named=None)


def _unpack(packed: Path, path: Path, way: str, called: str) -> None:
    try:
        with pa.input_stream(str(packed), compression=way) as stream, path.open("wb") as file:
            shutil.copyfileobj(stream, file)
    except (OSError, pa.ArrowException) as error:
        raise UnreadableCaseError(
            f"{called} cannot be unpacked: {error}.", advice="Check what is sent to it."
        ) from error
    packed.unlink()
