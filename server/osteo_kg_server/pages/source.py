"""The text that a guideline was read from, where whoever runs the service names its file in `OSTEO_KG_SOURCE`.

The text does not travel with the software. It is shown only where its SHA-256 is the one that the guideline states, so
that every position means what it meant when the guideline was read.
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

from osteo_kg.knowledge import Span

VARIABLE = "OSTEO_KG_SOURCE"


def source_text(digest: str | None) -> str | None:
    """Give the whole text of a guideline whose SHA-256 is this; None where it is not at hand."""
    version = source_version()
    if version is None or not digest:
        return None
    try:
        return _read(*version, digest)
    except (OSError, ValueError):
        return None


def source_version() -> tuple[str, int] | None:
    """Give what changes when another source, or another text of it, is named."""
    named = os.environ.get(VARIABLE)
    try:
        return (named, Path(named).stat().st_mtime_ns) if named else None
    except (OSError, ValueError):
        return None


def passage(span: Span, digest: str | None) -> str | None:
    """Give the stretch of a source that a span names; None where it is not at hand, or reads otherwise there."""
    text = source_text(digest)
    found = text[span.start : span.end] if text else None
    if found is None or hashlib.sha256(found.encode("utf-8")).hexdigest() != span.sha256:
        return None
    return found


@functools.lru_cache(8)
def _read(named: str, _changed: int, digest: str) -> str | None:
    content = Path(named).read_bytes()
    return content.decode("utf-8") if hashlib.sha256(content).hexdigest() == digest else None
