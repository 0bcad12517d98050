"""Files of JSON that hold flat records: an array of them, or one; read a piece at a time.

The decoder is that of the library, so that a record is the same wherever it is read: a key that stands twice is
noticed, and so is a number that is none, which readers of streams refuse together with the whole file.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from osteo_kg.case import KEYS
from osteo_kg.case.files import not_utf8, packing, start_of
from osteo_kg.case.json_stream import json_members
from osteo_kg.errors import OsteoError, UnreadableCaseError

#: How Arrow calls the ways in which files are compressed.
WAYS = {"gz": "gzip", "zst": "zstd"}


def unpacked(path: Path) -> Any:
    """Open a file for its bytes, compressed or not, whatever its name says."""
    way = packing(start_of(path))
    return pa.input_stream(str(path), compression=None if way is None else WAYS[way])


def records_in(path: Path) -> Iterator[Any]:
    """Give each record of a file, compressed or not.

    Raises:
        UnreadableCaseError: the file cannot be opened, is not UTF-8, or is not JSON from its beginning to its end.
    """
    with _opened(path) as file:
        yield from json_members(file, path.name)


def holds_records(path: Path) -> bool:
    """Whether a file begins with a flat record, or with an array of them."""
    with contextlib.suppress(OsteoError):
        first = next(records_in(path), None)
        return isinstance(first, dict) and "resourceType" not in first and not first.keys().isdisjoint(KEYS)
    return False


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        with io.TextIOWrapper(unpacked(path), encoding="utf-8-sig", newline="") as file:
            yield file
    except UnicodeError as error:
        raise not_utf8(path.name) from error
    except OSError as error:
        raise UnreadableCaseError(f"{path.name} cannot be read: {error}.", advice="Check the file.") from error
