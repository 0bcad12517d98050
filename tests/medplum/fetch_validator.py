"""Fetch a validator of FHIR R4 that evaluates invariants, for the tests of what is written as FHIR.

It is `@medplum/core` with its definitions, from the npm registry.
`python -m tests.medplum.fetch_validator` fetches it; a second call finds it in place.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support import npm

HERE = Path(__file__).resolve().parent


def modules() -> Path:
    """Return the folder `node_modules` of the validator, fetching it first where it is not there yet."""
    return npm.modules(HERE)


if __name__ == "__main__":
    try:
        print(modules())
    except npm.PackagesUnavailableError as error:
        sys.exit(str(error))
