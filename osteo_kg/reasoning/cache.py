"""The cache of situations on disk: what was reasoned once is read back, by any process, for the same knowledge.

SQLite keeps concurrent writers apart and torn writes out. Where nothing can be written, or what is there is
damaged, the library does without.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import platformdirs

_WAIT = 5.0  # seconds for another process to finish its write


def cache_folder() -> Path:
    """Give the folder of the cache: `OSTEO_KG_CACHE`, else the user's cache folder."""
    named = os.environ.get("OSTEO_KG_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("osteo-kg"))


class SituationCache:
    """A table from text to JSON in one file, or nowhere.

    Args:
        path: the file; None to remember nothing on disk.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def load(self) -> dict[str, Any]:
        """Give everything remembered; nothing where there is nothing to read."""
        found: dict[str, Any] = {}
        with self._forgiving(), self._open() as connection:
            for key, value, seal in connection.execute("SELECT key, value, seal FROM remembered"):
                if seal == _seal(key, value):
                    found[key] = json.loads(value)
        return found

    def add(self, values: Mapping[str, Any]) -> None:
        """Remember more, all or nothing; what is there already stays."""
        texts = {key: json.dumps(value, separators=(",", ":")) for key, value in values.items()}
        rows = [(key, value, _seal(key, value)) for key, value in texts.items()]
        with self._forgiving(), self._open() as connection, connection:
            connection.executemany("INSERT OR IGNORE INTO remembered VALUES (?, ?, ?)", rows)

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        if self._path is None:
            raise _NothingToOpen
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self._path, timeout=_WAIT)) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS remembered (key TEXT PRIMARY KEY, value TEXT, seal TEXT)")
            yield connection

    @contextlib.contextmanager
    def _forgiving(self) -> Iterator[None]:
        try:
            yield
        except (_NothingToOpen, sqlite3.OperationalError):
            pass  # nowhere to look, no room, no right, or another process holds it: do without this time
        except (sqlite3.DatabaseError, OSError):
            with contextlib.suppress(OSError):
                if self._path is not None:
                    self._path.unlink()  # not a database: what is damaged is worth nothing


def _seal(key: object, value: object) -> str:
    """Seal a row, so that one damaged on disk is told from one that was written."""
    return hashlib.sha256(f"{key}\0{value}".encode("utf-8", "replace")).hexdigest()


class _NothingToOpen(Exception):
    """There is no file to remember in."""
