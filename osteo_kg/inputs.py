"""What the commands read: the cases of files, or of standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from osteo_kg.cases import Case
from osteo_kg.console import complain
from osteo_kg.errors import OsteoError
from osteo_kg.knowledge_base import KnowledgeBase


def read_cases(
    knowledge_base: KnowledgeBase, files: Iterable[str], form: str | None, ignore: tuple[str, ...]
) -> tuple[list[Case], int]:
    """Read every file that can be read; say of the others what is wrong, and count them."""
    cases: list[Case] = []
    unread = 0
    for file in files:
        try:
            data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
            cases += knowledge_base.read(data, form, name=_name(file), ignore_columns=ignore)
        except OSError as error:
            unread += 1
            complain(f"{file} cannot be opened: {error.strerror or error}. Check its name and its rights.")
        except OsteoError as error:
            unread += 1
            complain(str(error))
    return cases, unread


def _name(file: str) -> str:
    """Give the name of a file as text, whatever bytes it is made of."""
    return Path(file).name.encode("utf-8", "replace").decode("utf-8")
