"""What the pages take from others: fetched from the npm registry when the package is built, and never kept here.

Each package is named in `vendor.json` by its version and the digest that the registry gives for it; only the files that
are named there are taken. Where they cannot be fetched the build goes on and says so: every page works without them.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_PAGES = Path("server", "osteo_kg_server", "pages")
_REGISTRY = "https://registry.npmjs.org"
_SECONDS = 30  # that one package may take
_MOST = 20_000_000  # bytes of one package


class VendorHook(BuildHookInterface):  # type: ignore[type-arg]  # its configuration is of no interest here
    """Fetches scripts and styles beside those of our own."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put the files in place, where they are not yet, and into what is built."""
        pages = Path(self.root, _PAGES)
        folder = pages / "static" / "vendor"
        for each in json.loads((pages / "vendor.json").read_text(encoding="utf-8")):
            try:
                fetch(each, folder)
            except (OSError, ValueError, KeyError, tarfile.TarError) as error:
                self.app.display_warning(
                    f"{each['package']} {each['version']} could not be fetched from the npm registry ({error})."
                    " The pages work without it, as plain HTML; install again to have it."
                )


def fetch(wanted: dict[str, Any], folder: Path) -> None:
    """Fetch the files of one package, where those of this version are not in place.

    Args:
        wanted: `package`, `version`, `integrity` (as the registry gives it) and `files`, names within the package by
            the names they get.
        folder: where they go.

    Raises:
        OSError: the registry cannot be reached, or the folder not be written to.
        ValueError: what came is not what was published under this digest.
    """
    stamp = folder / f"{wanted['package'].replace('/', '__')}.integrity"
    names = wanted["files"]
    there = stamp.is_file() and stamp.read_text(encoding="ascii") == wanted["integrity"]
    if there and all((folder / name).is_file() for name in names.values()):
        return
    archive = _archive(wanted)
    found = {name: archive.extractfile(within) for within, name in names.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in found.items():
        if file is None:
            raise ValueError(f"it has no file {name}")
        (folder / name).write_bytes(file.read())
    stamp.write_text(wanted["integrity"], encoding="ascii")


def _archive(wanted: dict[str, Any]) -> tarfile.TarFile:
    registry = next((value for name, value in os.environ.items() if name.lower() == "npm_config_registry"), _REGISTRY)
    package, version = wanted["package"], wanted["version"]
    address = f"{registry.rstrip('/')}/{package}/-/{package.rpartition('/')[2]}-{version}.tgz"
    with urllib.request.urlopen(address, timeout=_SECONDS) as answer:
        content = answer.read(_MOST + 1)
    algorithm, _, digest = wanted["integrity"].partition("-")
    if base64.b64encode(hashlib.new(algorithm, content).digest()).decode("ascii") != digest:
        raise ValueError("what the registry sent has another digest")
    return tarfile.open(fileobj=io.BytesIO(content), mode="r:gz")
