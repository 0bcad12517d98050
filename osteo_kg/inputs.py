"""What the commands read: the cases of files, or of standard input."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterable
from pathlib import Path

from osteo_kg.cases import Case
from osteo_kg.console import complain
from osteo_kg.errors import OsteoError
from osteo_kg.knowledge_base import KnowledgeBase


def read_cases(
    knowledge_base: KnowledgeBase,
    files: Iterable[str],
    *,
    input_format: str | None = None,
    ignore_columns: tuple[str, ...] = (),
    assume_postmenopausal_from: int | None = None,
    on: datetime.date | None = None,
) -> tuple[list[Case], int]:
    """Read every file that can be read; say of the others what is wrong, and count them.

    A folder is a FHIR bulk export: the resources of all its NDJSON files are read together.
    """
    cases: list[Case] = []
    unread = 0
    for file in files:
        try:
            data, certain = _content(file)
            cases += knowledge_base.read(
                data,
                input_format or certain,
                name=_name(file),
                ignore_columns=ignore_columns,
                assume_postmenopausal_from=assume_postmenopausal_from,
                on=on,
            )
        except OSError as error:
            unread += 1
            complain(f"{file} cannot be opened: {error.strerror or error}. Check its name and its rights.")
        except OsteoError as error:
            unread += 1
            complain(str(error))
    return cases, unread


def _content(file: str) -> tuple[bytes, str | None]:
    """Give what a file holds, and its format where that is certain."""
    if file == "-":
        return sys.stdin.buffer.read(), None
    path = Path(file)
    if not path.is_dir():
        return path.read_bytes(), None
    return b"\n".join(part.read_bytes() for part in sorted(path.glob("*.ndjson"))), "fhir"


def _name(file: str) -> str:
    """Give the name of a file as text, whatever bytes it is made of."""
    return Path(file).name.encode("utf-8", "replace").decode("utf-8")
