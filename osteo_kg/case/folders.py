"""Folders that are columns: `sex=male/women.parquet`, as Hive and Spark divide a table."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import unquote

from osteo_kg.case.fields import KEYS
from osteo_kg.errors import UnreadableCaseError

_NULL = "__HIVE_DEFAULT_PARTITION__"
_NEAR = 0.7  # from which share of equal letters on a name may be meant for a key
_FIRST_WORDS = {key.partition("_")[0]: key for key in reversed(KEYS)}


def stated(path: Path, renamed: Mapping[str, str], ignore: Collection[str]) -> dict[str, str]:
    """Give what the folders that a file lies in say of its patients, by key.

    A folder whose name is no key, nor nearly one, says nothing. Where the file, or one of its folders, is a link, the
    folders count in which it lies under either name.

    Raises:
        UnreadableCaseError: the name of a folder is nearly a key, or two folders contradict each other.

    >>> stated(Path("/registry/sex=male/year=2020/men.parquet"), {}, ())
    {'sex': 'male'}
    """
    found: dict[str, str] = {}
    for folder in dict.fromkeys((*path.parts[:-1], *path.resolve().parts[:-1])):
        name, is_pair, value = (unquote(part) for part in folder.partition("="))
        key = renamed.get(name, name)
        if not is_pair or name in ignore or value == _NULL:
            continue
        if key in KEYS:
            if found.setdefault(key, value) != value:
                raise UnreadableCaseError(
                    f"{path.name} lies in two folders that contradict each other: {key}={found[key]}, {folder}.",
                    advice="Give one of them another name.",
                )
        elif near := _near(name):
            raise UnreadableCaseError(
                f"{path.name} lies in the folder {folder!r}, whose name is nearly the key {near}.",
                advice=f"Say --map {near}={name}, give the folder another name, "
                f"or pass over it: --ignore-columns {name}.",
            )
    return found


def check_none(path: Path, ignore: Collection[str]) -> None:
    """Refuse a file in a folder that says something of its patients: of Parquet alone is this read, in cohorts.

    Raises:
        UnreadableCaseError: it lies in such a folder.
    """
    for key, value in stated(path, {}, ignore).items():
        raise UnreadableCaseError(
            f"{path.name} lies in the folder {key}={value}, which is read as a column of Parquet only, "
            "by osteo-kg cohort.",
            advice="Write it into the file, and give the folder another name.",
        )


def _near(name: str) -> str | None:
    word = name.strip().lower().replace("-", "_").replace(" ", "_")
    if word in KEYS or word in _FIRST_WORDS:
        return word if word in KEYS else _FIRST_WORDS[word]
    close = difflib.get_close_matches(word, KEYS, n=1, cutoff=_NEAR)
    return close[0] if close else None
