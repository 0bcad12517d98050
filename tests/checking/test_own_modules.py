"""The modules of the project have nothing to correct; `make check` says so in a moment."""

from __future__ import annotations

import os
from pathlib import Path

from osteo_kg.checking import check
from osteo_kg.checking.formats import as_text
from tests.support.worked import ROOT

SOURCE = Path(os.environ.get("OSTEO_KG_SOURCE", ROOT.parent / "shared" / "guideline" / "oic-128-08-b.txt"))


def test_nothing_is_wrong_with_the_modules_of_the_project() -> None:
    """With the source where it is at hand; where the table differs from the released one, run make released-table."""
    findings = check(sources=[SOURCE] if SOURCE.is_file() else [])
    assert as_text(findings, "en") == "Nothing to correct.\n"
