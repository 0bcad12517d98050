"""What ends a run from outside, as sentences: no room, no right, no memory, an engine that cannot go on."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

from osteo_kg.cohort.engines import EngineError, EngineFileError, EngineMemoryError
from osteo_kg.errors import UnfinishedRunError
from osteo_kg.stopping import was_stopped

_NO_ROOM = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
_NO_RIGHT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_SAID_OF_ROOM = ("no space left", "file too large", "disk quota", "could not write")
_SPARK = ("py4j", "pyspark")
_MAKE_ROOM = (
    "Make room, or name an output elsewhere: what a run needs on the way lies beside it, as large as its input."
)
_SPARE_MEMORY = "Give the run more memory, or divide its input."


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn what a place or an engine raises into a sentence.

    Raises:
        UnfinishedRunError: the run could not go on.
        Stopped: an engine was interrupted by a signal.
    """
    try:
        yield
    except (OSError, EngineError, MemoryError) as error:
        raise was_stopped() or _as_told(error) from error
    except Exception as error:
        if not type(error).__module__.startswith(_SPARK):
            raise
        raise was_stopped() or _engine_failed("Spark", error) from error


def _as_told(error: Exception) -> UnfinishedRunError:
    if isinstance(error, MemoryError | EngineMemoryError) and not _is_of_room(error):
        return UnfinishedRunError(f"The memory does not suffice: {_first_line(error)}.", advice=_SPARE_MEMORY)
    if isinstance(error, OSError):
        return _place_failed(error)
    if isinstance(error, EngineFileError | EngineMemoryError) and _is_of_room(error):
        return UnfinishedRunError(f"There is no room left: {_first_line(error)}.", advice=_MAKE_ROOM)
    return _engine_failed("DuckDB", error)


def _place_failed(error: OSError) -> UnfinishedRunError:
    place = error.filename or "A file"
    if error.errno in _NO_ROOM or _is_of_room(error):
        where = f" for {error.filename}" if error.filename else ""
        return UnfinishedRunError(f"There is no room left{where}: {error.strerror or error}.", advice=_MAKE_ROOM)
    if error.errno in _NO_RIGHT:
        what = f"{place} may not be read or written: {error.strerror or error}."
        return UnfinishedRunError(what, advice="Check the rights of the file and of its folder, or name another place.")
    return UnfinishedRunError(
        f"{place} cannot be read or written: {error.strerror or error}.", advice="Check the place."
    )


def _engine_failed(name: str, error: Exception) -> UnfinishedRunError:
    return UnfinishedRunError(
        f"{name} could not go on: {_first_line(error)}.",
        advice="Check that the input is whole; report it with the format of the input if it is.",
    )


def _is_of_room(error: Exception) -> bool:
    return any(said in str(error).lower() for said in _SAID_OF_ROOM)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "").rstrip(".") or type(error).__name__
