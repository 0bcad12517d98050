"""A cohort that is stopped at any moment leaves nothing that looks whole, and is simply run again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from osteo_kg.cohort.results import files
from tests.support import cohorts
from tests.support.processes import eventually
from tests.support.worked import ROOT

pytestmark = pytest.mark.slow


_SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
_TIMES = 3  # that a run is stopped by each signal


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort of which some are decided by their columns, some one by one, and some refused."""
    return cohorts.write_json_lines(tmp_path_factory.mktemp("input") / "women.jsonl", cohorts.sample(400, 4))


def _start(source: Path, folder: Path) -> subprocess.Popen[bytes]:
    told = {name: str(folder / f"{name}.{end}") for name, end in _ENDINGS.items()}
    command = [sys.executable, "-m", "osteo_kg", "cohort", str(source), "--on", "2026-11-22"]
    command += [part for name, path in told.items() for part in (f"--{name}", path)]
    nowhere: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, cwd=ROOT, **nowhere)


_ENDINGS = {"output": "parquet", "rejected": "jsonl", "explanations": "jsonl", "report": "html"}


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], float]:
    """What an undisturbed run writes, and the seconds that it takes."""
    folder, start = tmp_path_factory.mktemp("undisturbed"), time.monotonic()
    assert _start(source, folder).wait() == 0
    return _contents(folder), time.monotonic() - start


@pytest.mark.parametrize("signal_", _SIGNALS, ids=lambda each: each.name)
def test_a_run_that_is_stopped_at_any_moment_is_run_again_to_the_same_end(
    source: Path, undisturbed: tuple[dict[str, bytes], float], tmp_path: Path, signal_: signal.Signals
) -> None:
    expected, seconds = undisturbed
    chance = random.Random()
    for _ in range(_TIMES):
        running = _start(source, tmp_path)
        time.sleep(chance.uniform(0, seconds))
        running.send_signal(signal_)
        running.wait()
        left = _contents(tmp_path)
        whole = {name: content for name, content in left.items() if name in expected}
        assert whole == {name: expected[name] for name in whole}
        assert "output.parquet" not in whole or whole == expected
    assert _start(source, tmp_path).wait() == 0
    assert _contents(tmp_path) == expected
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize(("signal_", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 1)])
def test_a_run_that_is_asked_to_stop_tidies_up(
    source: Path, undisturbed: tuple[dict[str, bytes], float], tmp_path: Path, signal_: signal.Signals, status: int
) -> None:
    running = _start(source, tmp_path)
    assert eventually(lambda: any(tmp_path.iterdir()), seconds=60)
    running.send_signal(signal_)
    ended, left = running.wait(), _contents(tmp_path)
    if ended == -signal.SIGABRT:  # an extension in C++ that is interrupted in the wrong place ends like this, rarely
        assert left.keys().isdisjoint(undisturbed[0])
        return
    assert (ended, left) in [(status, {}), (0, undisturbed[0])]
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


@pytest.mark.parametrize("stopped_after", range(3))
def test_where_the_decisions_stand_everything_stands_that_belongs_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_after: int
) -> None:
    """Of the files of an earlier run, none stays beside others of this one."""
    names = ["result.csv", "rejected.jsonl", "report.html"]
    together = files.Together()
    for name in names:
        (tmp_path / name).write_text("earlier")
        together.path(tmp_path / name).write_text("now")
    replaced = iter([os.replace] * stopped_after)
    monkeypatch.setattr(os, "replace", lambda *paths: next(replaced)(*paths))
    with pytest.raises(StopIteration):
        together.finish()
    assert not (tmp_path / "result.csv").exists()
