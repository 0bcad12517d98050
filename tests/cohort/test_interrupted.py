"""A cohort that is stopped at any moment leaves nothing that looks whole, and is simply run again."""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from osteo_kg import stopping
from osteo_kg.cli.main import main
from osteo_kg.cohort import assess_cohort, engines, failures, fallback, run
from osteo_kg.cohort.engines import DuckDBEngine
from osteo_kg.cohort.results import decisions, explanations, files, page
from osteo_kg.errors import UnfinishedRunError
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support import cohorts
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.slow

_ENDINGS = {"output": "csv", "rejected": "jsonl", "explanations": "jsonl", "report": "html"}
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(scope="module", autouse=True)
def loaded(knowledge_base: KnowledgeBase) -> Iterator[None]:
    """Every command finds the knowledge loaded."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(KnowledgeBase, "load", lambda *_, **__: knowledge_base)
        yield


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cohort of which some are decided by their columns, some one by one, and some refused."""
    return cohorts.write_json_lines(tmp_path_factory.mktemp("input") / "women.jsonl", cohorts.sample(40, 4))


def _asked(source: Path, folder: Path) -> list[str]:
    told = {name: str(folder / f"{name}.{end}") for name, end in _ENDINGS.items()}
    asked = ["cohort", str(source), "--on", str(ON)]
    return [*asked, *(part for name, path in told.items() for part in (f"--{name}", path))]


def _run(source: Path, folder: Path) -> Result:
    return CliRunner().invoke(main, _asked(source, folder))


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(loaded: None, source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an undisturbed run writes."""
    folder = tmp_path_factory.mktemp("undisturbed")
    assert _run(source, folder).exit_code == 0
    assert len(_contents(folder)) == len(_ENDINGS) + 1  # the decisions say beside them what they were decided with
    return _contents(folder)


# what gives out, at twenty points of a run

_POINTS: dict[str, tuple[Any, str, int]] = {
    "the lock": (files, "_lock", 1),
    "the scratch folder": (Path, "mkdir", 1),
    "the second file": (files.Together, "path", 2),
    "the file of refusals": (files.Together, "text", 1),
    "opening the engine": (DuckDBEngine, "__init__", 1),
    "finding how to read": (run, "sources", 1),
    "laying down text": (pq.ParquetWriter, "write_table", 1),
    "reading what was laid down": (DuckDBEngine, "parquet", 1),
    "counting": (DuckDBEngine, "arrow", 1),
    "the first table": (DuckDBEngine, "computed", 1),
    "the lists": (DuckDBEngine, "lookup", 2),
    "the second table": (DuckDBEngine, "computed", 2),
    "the situations": (decisions.Decisions, "answer", 1),
    "a patient by herself": (fallback.Fallback, "_keep", 3),
    "a refusal": (fallback.Rejected, "add", 2),
    "the result": (DuckDBEngine, "batches", 1),
    "the metadata": (files.Together, "text", 2),
    "the explanations": (explanations, "write", 1),
    "the page": (page, "page", 1),
    "the first name": (os, "replace", 1),
    "the last name": (os, "replace", 5),
}
_FAILURES: list[tuple[BaseException, int, str]] = [
    (OSError(errno.ENOSPC, "No space left on device", "/somewhere"), 2, "There is no room left"),
    (PermissionError(errno.EACCES, "Permission denied", "/somewhere"), 2, "/somewhere may not be read or written"),
    (duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"), 2, "The memory does not suffice"),
    (MemoryError(), 2, "The memory does not suffice"),
    (KeyboardInterrupt(), 130, "Stopped by Ctrl-C."),
    (stopping.Stopped(signal.SIGTERM), 143, "Stopped by SIGTERM."),
]


def test_whatever_gives_out_at_any_point_leaves_nothing_and_the_next_run_is_as_undisturbed(
    source: Path, undisturbed: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one failure leaves behind, the next run finds."""
    in_turn = itertools.cycle(_FAILURES)
    for (name, (owner, attribute, times)), (error, status, said) in zip(_POINTS.items(), in_turn, strict=False):
        with monkeypatch.context() as patched:
            calls = itertools.count(1)
            patched.setattr(owner, attribute, _failing(getattr(owner, attribute), calls, times, error))
            result = _run(source, tmp_path)
        assert next(calls) > times, f"{name} was not reached"
        assert (result.exit_code, said in result.stderr, _left(tmp_path)) == (status, True, []), (name, result.stderr)
        assert "Traceback" not in result.stderr
    assert _run(source, tmp_path).exit_code == 0
    assert _contents(tmp_path) == undisturbed


def _failing(function: Any, calls: Iterator[int], times: int, error: BaseException) -> Callable[..., Any]:
    def called(*given: Any, **named: Any) -> Any:
        if next(calls) == times:
            raise error
        return function(*given, **named)

    return called


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# signals


@contextmanager
def _a_signal(number: signal.Signals, seconds: float) -> Iterator[None]:
    """Send a signal to this process after a while; one that comes after the run is nobody's."""
    before = {each: signal.signal(each, lambda *_: None) for each in _SIGNALS}
    timer = threading.Timer(seconds, lambda: os.kill(os.getpid(), number))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        for each, handler in before.items():
            signal.signal(each, handler)


def test_a_run_that_is_asked_to_stop_at_any_moment_leaves_nothing_under_a_final_name(
    source: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    """What it says, and that it tidies up, is tested where the moments are chosen; what it left the next run clears."""
    chance, start = random.Random(), time.monotonic()
    assert _run(source, tmp_path / ".").exit_code == 0
    seconds = time.monotonic() - start
    for number in _SIGNALS:
        for path in _named(tmp_path):
            path.unlink()
        with _a_signal(number, chance.uniform(0, seconds)):
            result = _run(source, tmp_path)
        found = {path.name: path.read_bytes() for path in _named(tmp_path)}
        assert found in ({}, undisturbed), (result.exit_code, result.stderr)
        assert (result.exit_code == 0) == (found == undisturbed)
    assert _run(source, tmp_path).exit_code == 0
    assert _contents(tmp_path) == undisturbed


def _named(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("arrow", signal.SIGINT),
        ("kept", signal.SIGTERM),
        ("batches", signal.SIGHUP),
        ("batches", signal.SIGINT),
        ("write_parquet", signal.SIGTERM),
    ],
)
def test_a_long_query_is_interrupted(
    undisturbed: dict[str, bytes], tmp_path: Path, number: signal.Signals, asked: str
) -> None:
    """It would take long; an import that is interrupted, as of an engine not yet used, would be broken for good."""
    with pytest.raises(stopping.Stopped) as stopped, _a_signal(number, 0.5), stopping.stoppable():
        _run_without_end(tmp_path, asked)
    assert stopped.value.code == 128 + number


def _run_without_end(folder: Path, asked: str) -> None:
    with failures.told(), engines.duckdb(folder) as engine:
        numbers = ibis.range(1_000_000).unnest().name("number").as_table()
        pairs = numbers.cross_join(numbers.view(), rname="other")
        endless = pairs.filter(pairs.number * pairs.other % 7_777_777 == 3)
        calls: dict[str, Callable[[], Any]] = {
            "arrow": lambda: engine.arrow(endless),
            "kept": lambda: engine.kept(endless, "kept"),
            "batches": lambda: list(engine.batches(endless)),
            "write_parquet": lambda: engine.write_parquet(endless, folder / "x.parquet", "zstd", {}),
        }
        calls[asked]()


def test_a_signal_while_files_get_their_names_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace = os.replace

    def signalled(*paths: Path) -> None:
        signal.raise_signal(signal.SIGINT)
        replace(*paths)

    monkeypatch.setattr(os, "replace", signalled)
    with stopping.stoppable(), files.together() as together:
        for name in ("result.csv", "rejected.jsonl"):
            together.path(tmp_path / name).write_text("now")
    assert _left(tmp_path) == ["rejected.jsonl", "result.csv"]


def test_what_is_ignored_stays_ignored() -> None:
    """As a command under nohup ignores SIGHUP."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopping.stoppable():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


# processes that end otherwise


def _start(source: Path, folder: Path, **asked: Any) -> subprocess.Popen[str]:
    piped: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-m", "osteo_kg", *_asked(source, folder)], cwd=ROOT, **piped, **asked)


def test_a_run_that_is_killed_is_run_again_to_the_same_end(
    source: Path, undisturbed: dict[str, bytes], tmp_path: Path
) -> None:
    """Its lock is none, and what it left goes."""
    running = _start(source, tmp_path)
    while running.poll() is None and not (tmp_path / ".output.csv.unfinished.d").is_dir():
        time.sleep(0.02)
    time.sleep(random.Random().uniform(0, 0.5))
    running.kill()
    running.communicate()
    left = _contents(tmp_path)
    assert "output.csv" not in left or left == undisturbed
    assert _run(source, tmp_path).exit_code == 0
    assert _contents(tmp_path) == undisturbed
    assert _left(tmp_path) == sorted(undisturbed)


@pytest.mark.parametrize("size", [0, 3_000])
def test_a_limit_on_the_size_of_files_is_a_sentence(source: Path, tmp_path: Path, size: int) -> None:
    """As a full disk is."""
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))  # noqa: E731
    running = _start(source, tmp_path, preexec_fn=limit)
    _, said = running.communicate()
    assert (running.returncode, "Traceback" in said, _left(tmp_path)) == (2, False, []), said
    assert "There is no room left" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="whoever may do everything is refused nothing")
def test_a_folder_that_may_not_be_written_is_a_sentence(source: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    result = _run(source, tmp_path)
    assert (result.exit_code, "may not be read or written" in result.stderr) == (2, True)


# two runs, and their names


def test_of_two_runs_to_one_output_the_second_is_refused(
    knowledge_base: KnowledgeBase, source: Path, tmp_path: Path
) -> None:
    output = tmp_path / "result.csv"
    with files.locked([output]), pytest.raises(UnfinishedRunError, match=r"Another run is writing .*result\.csv"):
        assess_cohort(source, output, on=ON, knowledge_base=knowledge_base)
    assert _left(tmp_path) == []


def test_a_place_without_locks_is_refused_with_a_sentence(
    knowledge_base: KnowledgeBase, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object, **__: object) -> None:
        raise NotImplementedError("FileSystem does not appear to support flock")  # as filelock says it

    monkeypatch.setattr("filelock.FileLock.acquire", no_locks)
    output = tmp_path / "result.csv"
    with pytest.raises(UnfinishedRunError, match=r"result\.csv cannot keep two runs apart"):
        assess_cohort(source, output, on=ON, knowledge_base=knowledge_base)
    assert not output.exists()


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
    monkeypatch.setattr(files, "_remove", lambda _: None)  # as after a kill
    with pytest.raises(StopIteration):
        together.finish()
    stand = {name: (tmp_path / name).read_text() for name in names if (tmp_path / name).exists()}
    assert stand == dict.fromkeys(reversed(names[3 - stopped_after :]), "now")


def test_an_output_that_is_a_folder_is_refused_at_once(
    knowledge_base: KnowledgeBase, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "result.csv").mkdir()
    with pytest.raises(Exception, match=r"result\.csv is a folder"):
        assess_cohort(source, tmp_path / "result.csv", on=ON, knowledge_base=knowledge_base)


def test_a_folder_may_be_called_anything(knowledge_base: KnowledgeBase, source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "l'étude [1] {2} sex=male"
    folder.mkdir()
    result = assess_cohort(source, folder / "d'avis.parquet", on=ON, knowledge_base=knowledge_base)
    assert pq.read_metadata(folder / "d'avis.parquet").num_rows == result.summary.decided
    told = json.loads(pq.read_metadata(folder / "d'avis.parquet").metadata[b"osteo-kg"])
    assert told["assessed_on"] == str(ON)
