"""What was reasoned before is read back, for the same knowledge: at the release, and by any process since.

The outcomes of the guidelines of the package travel with it. Those of others are kept in a file of the user's:
SQLite keeps concurrent writers apart and torn writes out, and where nothing can be written, or what is there is
damaged, the library does without.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import platformdirs

from osteo_kg.reasoning.matching import Outcome

_AT_THE_RELEASE = Path(__file__).resolve().parent / "outcomes.json"
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


def outcomes_at_the_release(digest: str) -> Sequence[Outcome]:
    """Give the outcomes of a guideline that travel with the library, in the order of its settled situations.

    Args:
        digest: of all that they rest on; of anything else there are none.
    """
    written = _written_at_the_release().get(digest)
    if written is None:
        return ()
    parts, rows = written["parts"], written["rows"]
    return [Outcome.of([each[place] for each, place in zip(parts, row, strict=True)]) for row in rows]


@functools.cache
def _written_at_the_release() -> dict[str, Any]:
    if not _AT_THE_RELEASE.is_file():
        return {}
    document: dict[str, Any] = json.loads(_AT_THE_RELEASE.read_text(encoding="utf-8"))
    return document


def write_outcomes(found: Mapping[str, Sequence[Outcome]]) -> None:
    """Write the outcomes that are to travel with the library, by the digest of what they rest on."""
    _AT_THE_RELEASE.write_text(written_outcomes(found), encoding="utf-8")


def written_outcomes(found: Mapping[str, Sequence[Outcome]]) -> str:
    """Write outcomes as they are to travel: each part once, and of every outcome the places of its parts."""
    document = {}
    for digest, outcomes in found.items():
        texts = [[json.dumps(part) for part in outcome.to_json()] for outcome in outcomes]
        places = [{text: place for place, text in enumerate(dict.fromkeys(part))} for part in zip(*texts, strict=True)]
        rows = [[place[text] for place, text in zip(places, row, strict=True)] for row in texts]
        document[digest] = {"parts": [[json.loads(text) for text in place] for place in places], "rows": rows}
    return json.dumps(document, separators=(",", ":"), sort_keys=True) + "\n"


def _seal(key: object, value: object) -> str:
    """Seal a row, so that one damaged on disk is told from one that was written."""
    return hashlib.sha256(f"{key}\0{value}".encode("utf-8", "replace")).hexdigest()


class _NothingToOpen(Exception):
    """There is no file to remember in."""
