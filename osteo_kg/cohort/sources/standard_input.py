"""Standard input: kept in the scratch folder, since a cohort looks at its input more than once."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from osteo_kg.case.files import compression
from osteo_kg.cohort.sources.base import InputFile
from osteo_kg.errors import UnreadableCaseError

_WAYS = {"gz": "gzip", "zst": "zstd"}  # how Arrow calls them


def laid_down(given: InputFile, scratch: Path) -> InputFile:
    """Give standard input as a file of the scratch folder under its own name, unpacked where it is compressed.

    Raises:
        UnreadableCaseError: it is empty, or cannot be unpacked.
    """
    path, packed = scratch / given.path.name, scratch / f"{given.path.name}packed"
    with packed.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    if not packed.stat().st_size:
        raise UnreadableCaseError("Standard input is empty.", advice="Send the patients to it.")
    way = compression(packed)
    if way is None:
        packed.rename(path)
    else:
        _unpack(packed, path, _WAYS[way])
    return replace(given, path=path, home=scratch)


def _unpack(packed: Path, path: Path, way: str) -> None:
    try:
        with pa.input_stream(str(packed), compression=way) as stream, path.open("wb") as file:
            shutil.copyfileobj(stream, file)
    except (OSError, pa.ArrowException) as error:
        raise UnreadableCaseError(
            f"Standard input cannot be unpacked: {error}.", advice="Check what is sent to it."
        ) from error
    packed.unlink()
