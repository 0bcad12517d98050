"""The W3C's evaluation and syntax tests of SPARQL 1.0 and 1.1, over HTTP: what is missed is known by name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.serving import SPARQL, STORE, TOKEN, UPDATE, serving
from tests.support.worked import SHARED

pytestmark = [pytest.mark.server, pytest.mark.slow]

RUNNER = SHARED / "conformance" / "evaluation_runner.py"
MISSES = Path(__file__).with_name("evaluation_misses.yaml")
_ALL = 977
_TOTAL = re.compile(r"^ours SPARQL .* (\d+) / (\d+)$", re.MULTILINE)


def known_misses() -> list[str]:
    """Give the tests that may be missed, each with a reason."""
    groups = yaml.safe_load(MISSES.read_text(encoding="utf-8"))
    assert all(group["reason"] and group["tests"] for group in groups)
    return [name for group in groups for name in group["tests"]]


def test_each_miss_is_listed_once() -> None:
    names = known_misses()
    assert len(set(names)) == len(names)


@pytest.mark.skipif(not RUNNER.exists(), reason=f"the runner and the W3C's data are not there: {RUNNER}")
def test_exactly_the_listed_tests_are_missed(tmp_path: Path) -> None:
    with serving("--scratch") as server:
        addresses = [server.address + path for path in (SPARQL, UPDATE, STORE)]
        command = [sys.executable, str(RUNNER), "ours", *addresses, TOKEN, str(tmp_path / "report")]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert run.returncode == 0, run.stderr[-2000:]
    told = [line.removeprefix("FAIL ") for line in run.stdout.splitlines() if line.startswith("FAIL ")]
    listed = known_misses()
    missed = {line: [name for name in listed if f"{line} ".startswith(f"{name} ")] for line in told}
    assert [line for line, names in missed.items() if not names] == [], "missed, and not listed"
    found = {max(names, key=len) for names in missed.values() if names}
    assert sorted(set(listed) - found) == [], "listed, and passed"
    totals = [(int(passed), int(run_)) for passed, run_ in _TOTAL.findall(run.stdout)]
    assert (sum(passed for passed, _ in totals), sum(run_ for _, run_ in totals)) == (_ALL - len(told), _ALL)
