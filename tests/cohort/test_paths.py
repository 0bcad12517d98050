"""A cohort is what it is by whatever name its file is called, and nobody is lost on the way."""

from __future__ import annotations

import gzip
import os
import re
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from osteo_kg import KnowledgeBase, OsteoError
from osteo_kg.cli.main import main
from osteo_kg.cohort import CohortResult, assess_cohort
from osteo_kg.cohort.results import files
from tests.support import cohorts
from tests.support.worked import ON

pytestmark = pytest.mark.slow


PATIENTS = [
    {"patient": "anna", "sex": "female", "menopausal_status": "postmenopausal", "t_score_total_hip": Decimal(score)}
    for score in ("-3.2", "-30", "-1.2")
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the file of a registry, and another one beside it, where the run is started."""
    home = tmp_path / "registry"
    (home / "inner").mkdir(parents=True)
    cohorts.write_parquet(home / "women.parquet", PATIENTS)
    monkeypatch.chdir(home)
    return home


@pytest.mark.parametrize(
    "name", ["women.parquet", "./women.parquet", "inner/../women.parquet", "../registry/*.parquet"]
)
def test_a_relative_name_gives_what_an_absolute_one_gives(
    knowledge_base: KnowledgeBase, folder: Path, name: str
) -> None:
    found, expected = (_assessed(knowledge_base, each) for each in (name, str(folder / "women.parquet")))
    assert (found.summary.patients, found.summary.decided, found.summary.rejected) == (3, 2, 1)
    assert found.summary.to_json() == expected.summary.to_json()


def test_a_glob_that_matches_folders_reads_what_lies_in_them(knowledge_base: KnowledgeBase, folder: Path) -> None:
    for name in ("inner", "other.parquet"):
        (folder / name).mkdir(exist_ok=True)
        cohorts.write_parquet(folder / name / "more.parquet", PATIENTS[:1])
    for pattern, patients in [("*", 5), ("i*", 1), ("*.parquet", 4), ("*/", 2), ("**/more.parquet", 2)]:
        assert _assessed(knowledge_base, pattern).summary.patients == patients


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nowhere*", "There is no file nowhere*."),
        ("inner", "The folder inner holds no file that a cohort is read from."),
        (".", "gone.csv cannot be read"),
        ("gone.csv", "gone.csv cannot be read"),
        ("g*", "gone.csv cannot be read"),
    ],
)
def test_a_name_that_stands_for_nothing_is_told_as_what_it_is(
    knowledge_base: KnowledgeBase, folder: Path, name: str, said: str
) -> None:
    """A link to a file that is no longer there held patients once: a folder with one is not read without it."""
    (folder / "gone.csv").symlink_to(folder / "nowhere.csv")
    with pytest.raises(OsteoError, match=re.escape(said)):
        _assessed(knowledge_base, name)


@pytest.mark.parametrize("name", ["link.parquet", "sex=male/women.parquet", "sex=male", "*=*", "*.parquet"])
def test_a_folder_counts_by_the_name_of_a_link_and_by_its_own(
    knowledge_base: KnowledgeBase, folder: Path, name: str
) -> None:
    (folder / "sex=male").mkdir()
    cohorts.write_parquet(folder / "sex=male" / "men.parquet", PATIENTS)
    (folder / "inner" / "link.parquet").symlink_to(folder / "sex=male" / "men.parquet")
    (folder / "inner" / "sex=male").symlink_to(folder)
    with pytest.raises(OsteoError, match="lies in a folder sex=male, and its column 'sex' says otherwise"):
        _assessed(knowledge_base, f"inner/{name}")


_TABLE = b"patient,sex\nanna,female\nberta,Femme\n"


def _zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return bytes(sink.getvalue())


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz", "t.csv.zst", "T.Csv.GZ", "-"])
@pytest.mark.parametrize("packed", [bytes, gzip.compress, _zstd])
@pytest.mark.parametrize("command", ["cohort", "assess", "validate", "convert"])
def test_a_table_is_unpacked_by_what_it_holds_whatever_it_is_called(
    knowledge_base: KnowledgeBase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    packed: Callable[[bytes], bytes],
    command: str,
) -> None:
    monkeypatch.setattr(KnowledgeBase, "load", lambda *_, **__: knowledge_base)
    source = name if name == "-" else str(tmp_path / name)
    if name != "-":
        Path(source).write_bytes(packed(_TABLE))
    options = {"cohort": ["--output", str(tmp_path / "o.csv")], "convert": ["--to", "json"]}.get(command, [])
    asked = [command, source, "--input-format", "csv", *options]
    result = CliRunner().invoke(main, asked, input=packed(_TABLE) if name == "-" else None)
    assert (result.exit_code, result.exception.__class__) == (2, SystemExit)
    assert "anna" in ((tmp_path / "o.csv").read_text() if command == "cohort" else result.stdout)
    assert "'Femme' is not a known sex" in result.stderr


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_what_is_damaged_is_told_and_leaves_nothing(tmp_path: Path, knowledge_base: KnowledgeBase, name: str) -> None:
    for packed in (gzip.compress(_TABLE)[:-9], _zstd(_TABLE * 500)[:-9], b"\x1f\x8b\x08junk"):
        (tmp_path / name).write_bytes(packed)
        with pytest.raises(OsteoError, match=f"{name} cannot be read"):
            assess_cohort(tmp_path / name, tmp_path / "o.csv", on=ON, knowledge_base=knowledge_base)
    assert [each.name for each in tmp_path.iterdir()] == [name]


def test_a_pipe_with_a_name_is_read_once_and_whole(tmp_path: Path, knowledge_base: KnowledgeBase) -> None:
    os.mkfifo(tmp_path / "t.csv")
    writer = threading.Thread(target=(tmp_path / "t.csv").write_bytes, args=(_TABLE,))
    writer.start()
    result = assess_cohort(tmp_path / "t.csv", on=ON, knowledge_base=knowledge_base)
    writer.join()
    assert (result.summary.patients, result.summary.decided) == (2, 1)


def _assessed(knowledge_base: KnowledgeBase, source: str) -> CohortResult:
    return assess_cohort(source, on=ON, knowledge_base=knowledge_base)


def test_decisions_and_refusals_are_tables_in_memory_where_no_file_is_named(
    knowledge_base: KnowledgeBase, folder: Path
) -> None:
    result = _assessed(knowledge_base, "women.parquet")
    assert result.decisions is not None
    assert result.decisions["disposition"].to_pylist() == ["treat", "undetermined"]


def test_a_run_that_would_lose_a_patient_is_an_error_and_writes_nothing(
    knowledge_base: KnowledgeBase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write
    monkeypatch.setattr(files, "write", lambda *given: write(*given) - 1)
    with pytest.raises(OsteoError, match="3 patients were read, 2 decided, 1 refused and 1 written"):
        assess_cohort("women.parquet", folder / "result.csv", on=ON, knowledge_base=knowledge_base)
    assert sorted(each.name for each in folder.iterdir()) == ["inner", "women.parquet"]
