"""The questions that come with the service, each with its sentence in both languages."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

from osteo_kg.bilingual import BilingualText
from osteo_kg.package_data import root

_COMMENT = "# "


@dataclass(frozen=True, slots=True)
class Example:
    """One question: its name, its sentence, and its text in SPARQL."""

    name: str
    sentence: BilingualText
    text: str


@functools.cache
def examples() -> dict[str, Example]:
    """Read every question that comes with the service, by its name."""
    files = sorted((root() / "examples" / "questions").glob("*.rq"))
    return {each.stem: _read(each) for each in files}


def _read(path: Path) -> Example:
    """Read a question, whose first two lines are its sentence in English and in French."""
    text = path.read_text(encoding="utf-8")
    english, french, *_ = (line.removeprefix(_COMMENT) for line in text.splitlines())
    return Example(path.stem, BilingualText(english, french), text)
