"""What a validator of FHIR R4 that evaluates invariants says of resources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.support import npm

from .fetch_validator import HERE, modules

Resource = dict[str, Any]


def issues(resources: Sequence[Resource]) -> list[list[str]]:
    """Give what is wrong with each resource, warnings included, and with those that it contains."""
    found: list[list[str]] = npm.run(HERE / "validate.cjs", [str(modules())], given=resources, seconds=600)
    return found
