"""Medication resources of an export, on disk: every patient may refer to them, and there may be many."""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from osteo_kg.cohort.fhir_lines import parsed
from osteo_kg.cohort.fhir_shelves import Line

_REMEMBERED = 10_000


def keep(lines: Iterable[Line], path: Path) -> None:
    """Write Medication resources to a file; of those of one name the last one counts."""
    with sqlite3.connect(path) as store:
        store.execute("CREATE TABLE medication (owner BLOB PRIMARY KEY, text BLOB) WITHOUT ROWID")
        store.executemany(
            "INSERT OR REPLACE INTO medication VALUES (?, ?)", ((each.owner, each.text) for each in lines)
        )
    store.close()


class Medications(Mapping[str, dict[str, Any]]):
    """The Medication resources of one export, by the ways to refer to them.

    Args:
        path: the file to which they were written.
        home: the export.
    """

    def __init__(self, path: Path, home: str) -> None:
        self._store = sqlite3.connect(path)
        self._home = home
        self._found = functools.lru_cache(_REMEMBERED)(self._find)

    def __getitem__(self, name: str) -> dict[str, Any]:
        found = self._found(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._found(name) is not None

    def _find(self, name: str) -> dict[str, Any] | None:
        owner = json.dumps([self._home, name]).encode()
        row = self._store.execute("SELECT text FROM medication WHERE owner = ?", (owner,)).fetchone()
        return parsed(row[0], name) if row else None

    def __iter__(self) -> Iterator[str]:
        for (owner,) in self._store.execute("SELECT owner FROM medication ORDER BY owner"):
            home, name = json.loads(owner)
            if home == self._home:
                yield name

    def __len__(self) -> int:
        return sum(1 for _ in self)
