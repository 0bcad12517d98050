"""A cohort is what it is by whatever name its file is called, and nobody is lost on the way."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from osteo_kg import KnowledgeBase, OsteoError
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
