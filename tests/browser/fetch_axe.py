"""Fetch axe-core, which finds faults of accessibility in pages, for the tests in a browser.

It comes from the npm registry. `python -m tests.browser.fetch_axe` fetches it; a second call finds it in place.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support import npm

HERE = Path(__file__).resolve().parent


def script() -> str:
    """Give the text of axe-core, fetching it first where it is not there yet."""
    return (npm.modules(HERE) / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


if __name__ == "__main__":
    try:
        print(f"{len(script())} characters of axe-core are in place.")
    except npm.PackagesUnavailableError as error:
        sys.exit(str(error))
