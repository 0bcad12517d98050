"""The files that travel with the library: ontology, shapes and queries."""

from __future__ import annotations

import functools
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """Give the folder that holds `ontology/` and `shapes/`: inside the wheel, or the checkout."""
    packaged = _PACKAGE / "_data"
    return packaged if packaged.is_dir() else _PACKAGE.parent


@functools.cache
def query(name: str) -> str:
    """Read one query, such as `lift/completed_years`."""
    return (_PACKAGE / "queries" / f"{name}.rq").read_text(encoding="utf-8")


@functools.cache
def query_names(folder: str) -> tuple[str, ...]:
    """List the queries of one folder in the order of their names."""
    return tuple(f"{folder}/{path.stem}" for path in sorted((_PACKAGE / "queries" / folder).glob("*.rq")))
