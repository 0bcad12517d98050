"""Passages of the source of a guideline, where the text is at hand and is the one that the ontology cites."""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path

from osteo_kg.knowledge import Span

_SOURCE = "OSTEO_KG_SOURCE"


def passage(span: Span) -> str | None:
    """Give the text of a span; None where no file holds it.

    The source does not travel with this project. `OSTEO_KG_SOURCE` may name the file; a text of another digest than
    the ontology cites is never shown.
    """
    named = os.environ.get(_SOURCE)
    if not named:
        return None
    text = _text(named)[span.start : span.end]
    return text if hashlib.sha256(text.encode()).hexdigest() == span.sha256 else None


@functools.lru_cache(2)
def _text(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""
