"""What the tests of cohorts share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def spark_settings() -> Iterator[None]:
    """Start every Spark with the settings that fit a handful of rows; a setting that somebody made stays."""
    with pytest.MonkeyPatch.context() as patch:
        if "SPARK_CONF_DIR" not in os.environ:
            patch.setenv("SPARK_CONF_DIR", str(Path(__file__).parent / "spark"))
        yield
