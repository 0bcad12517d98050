"""Files as they lie on disk: found in folders, opened whether they are compressed or not."""

from __future__ import annotations

import contextlib
import gzip
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, NoReturn, cast

from osteo_kg.errors import UnreadableCaseError

#: How files begin that are compressed, by the extension that they usually have.
COMPRESSIONS: Mapping[str, bytes] = {"gz": b"\x1f\x8b", "zst": b"\x28\xb5\x2f\xfd"}
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # the marks of UTF-16, and of UTF-32
Unpacking = Callable[[Path], contextlib.AbstractContextManager[BinaryIO]]


def not_utf8(name: str) -> UnreadableCaseError:
    """Give the error of a text that is in another encoding than UTF-8."""
    return UnreadableCaseError(f"{name} is not text in UTF-8.", advice="Save it as UTF-8.")


def walked(folder: Path) -> Iterator[Path]:
    """Give the files of a folder and of those inside it, links followed, in the order of their names; hidden ones not.

    A folder that is reached twice is walked once. A link to nothing is given as a file, for whoever reads it to say so.

    Raises:
        UnreadableCaseError: a folder cannot be looked into.
    """
    seen: set[str] = set()
    for at, inside, names in os.walk(folder, followlinks=True, onerror=_cannot_be_walked):
        real = os.path.realpath(at)
        if real in seen:
            inside.clear()
            continue
        seen.add(real)
        inside[:] = sorted(each for each in inside if not each.startswith("."))
        paths = (Path(at, each) for each in sorted(names) if not each.startswith("."))
        yield from (path for path in paths if path.is_file() or not path.exists())


def _cannot_be_walked(error: OSError) -> NoReturn:
    raise UnreadableCaseError(
        f"The folder {error.filename} cannot be looked into: {error.strerror}.", advice="Check its rights."
    ) from error


def unpacked_name(name: str) -> str:
    """Give the name of a file without the extension of its compression.

    >>> unpacked_name("Patient.ndjson.GZ"), unpacked_name("Patient.ndjson")
    ('Patient.ndjson', 'Patient.ndjson')
    """
    bare, _, extension = name.rpartition(".")
    return bare if bare and extension.lower() in COMPRESSIONS else name


def extension(path: Path) -> str:
    """Give the extension of a file in small letters, that of what is inside where it is compressed."""
    return unpacked_name(path.name).rpartition(".")[2].lower()


def compression(path: Path) -> str | None:
    """Give how a file is compressed, by its first bytes; None where it is not.

    Raises:
        UnreadableCaseError: the file cannot be read, or is text in another encoding than UTF-8.
    """
    with _readable(path):
        start = start_of(path)
    if start.startswith(_WIDE):
        raise not_utf8(path.name)
    return packing(start)


def start_of(path: Path) -> bytes:
    """Give the first bytes of a file, by which is told how it is compressed."""
    with path.open("rb") as file:
        return file.read(max(map(len, COMPRESSIONS.values())))


def packing(start: bytes) -> str | None:
    """Give how something is compressed, by its first bytes; None where it is not."""
    return next((name for name, mark in COMPRESSIONS.items() if start.startswith(mark)), None)


@contextlib.contextmanager
def opened(path: Path, unpacking: Mapping[str, Unpacking] | None = None) -> Iterator[BinaryIO]:
    """Open a file, compressed or not.

    Args:
        path: the file.
        unpacking: what opens files of a compression, by its extension; gzip needs none.

    Raises:
        UnreadableCaseError: the file cannot be read, is compressed in another way, or is text in another encoding.
    """
    packed = compression(path)
    ways = {"gz": _gzip, **(unpacking or {})}
    if packed is not None and packed not in ways:
        raise UnreadableCaseError(f"{path.name} is compressed (.{packed}).", advice="Unpack it, or compress it as .gz.")
    with _readable(path), (ways[packed] if packed else _plain)(path) as file:
        yield file


def _gzip(path: Path) -> contextlib.AbstractContextManager[BinaryIO]:
    return contextlib.closing(cast(BinaryIO, gzip.open(path, "rb")))


def _plain(path: Path) -> contextlib.AbstractContextManager[BinaryIO]:
    return path.open("rb")


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError) as error:
        raise UnreadableCaseError(f"{path.name} cannot be read: {error}.", advice="Check the file.") from error
