"""What runs keep for those that follow: it changes no decision, and holds nothing that a patient alone would say."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from osteo_kg.cohort import assess_cohort
from osteo_kg.cohort.plan import Plan, planned
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase
from tests.support import cohorts
from tests.support.worked import ON

pytestmark = pytest.mark.slow

_WOMEN: list[dict[str, Any]] = [
    {"patient": "a", "sex": "female", "fractures": ["vertebra", "rib"], "t_score_total_hip": -3.1},
    {"patient": "b", "sex": "female", "treatment_history": [{"drug": "alendronate"}], "age_years": 70},
    {"patient": "c", "sex": "male", "fractures": []},
    {"patient": "d", "sex": "female", "conditions": ["Anna Smith"]},
]
_ASKED = (DEFAULT_GUIDELINE, ON, (), ("jsonl",))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of one's own, in which situations are reasoned and no run has kept anything."""
    folder = tmp_path / "cache"
    folder.mkdir()
    for file in Path(os.environ["OSTEO_KG_CACHE"]).glob("situations-*.sqlite3"):
        shutil.copy(file, folder)
    monkeypatch.setenv("OSTEO_KG_CACHE", str(folder))
    return folder


def _decided(folder: Path, knowledge_base: KnowledgeBase, women: list[dict[str, Any]] = _WOMEN) -> list[Any]:
    source = cohorts.write_json_lines(folder / "women.jsonl", women)
    assess_cohort(source, folder / "out.parquet", on=ON, knowledge_base=knowledge_base)
    rows: list[Any] = pq.read_table(folder / "out.parquet").to_pylist()
    return rows


def test_what_an_earlier_process_worked_out_is_taken_back_and_decides_the_same(tmp_path: Path, cache: Path) -> None:
    first = _decided(tmp_path, KnowledgeBase())
    [file] = cache.glob("cohort-*.json")
    written = file.read_bytes()
    later = KnowledgeBase()
    plan = Plan(later, *_ASKED)
    assert len(plan.decided) == len({row["situation"] for row in first})
    assert plan.queries
    assert _decided(tmp_path, later) == first
    assert file.read_bytes() == written  # nothing was new
    assert _decided(tmp_path, later) == first  # in a warm process, too
    assert b"Anna" not in written


def test_a_damaged_plan_is_done_without_and_written_anew(tmp_path: Path, cache: Path) -> None:
    first = _decided(tmp_path, KnowledgeBase())
    [file] = cache.glob("cohort-*.json")
    damaged = file.read_text().replace("out-of-scope", "no-treatment", 1)
    assert damaged != file.read_text()
    file.write_text(damaged)
    later = KnowledgeBase()
    assert not Plan(later, *_ASKED).decided
    assert _decided(tmp_path, later) == first
    assert file.read_text() != damaged


def test_a_warm_process_decides_other_patients_as_a_cold_one_does(tmp_path: Path, cache: Path) -> None:
    others: list[dict[str, Any]] = [
        {"patient": "e", "sex": "female", "fractures": ["vertebra"], "t_score_femoral_neck": -1.2, "age_years": 55},
        {"patient": "f", "sex": "female", "fractures": ["vertebra", "vertebra"], "conditions": ["Anna Smith"]},
        {"patient": "g", "sex": "female", "fractures": ["vertebra", "vertebra"], "t_score_total_hip": -3.1},
    ]
    warm = KnowledgeBase()
    _decided(tmp_path, warm)
    decided = _decided(tmp_path, warm, others)
    for file in cache.glob("cohort-*.json"):
        file.unlink()
    assert _decided(tmp_path, KnowledgeBase(), others) == decided


def test_two_runs_beside_each_other_have_a_plan_each(knowledge_base: KnowledgeBase) -> None:
    with planned(knowledge_base, *_ASKED) as first, planned(knowledge_base, *_ASKED) as second:
        assert second is not first
    with planned(knowledge_base, *_ASKED) as third:
        assert third in (first, second)
