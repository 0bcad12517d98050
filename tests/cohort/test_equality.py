"""A cohort says exactly what the library says of each patient alone: in every format, on every engine.

`OSTEO_KG_RECORDS=20000 pytest tests/cohort/test_equality.py` says so of twenty thousand random patients, and
`OSTEO_KG_SEED` draws others.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from osteo_kg import Case
from osteo_kg.cohort.run import Request, assess
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support import cohorts
from tests.support.worked import ON, needs_java

pytestmark = pytest.mark.slow


_RECORDS = int(os.environ.get("OSTEO_KG_RECORDS", "150"))
_SEED = int(os.environ.get("OSTEO_KG_SEED", "1"))
_SHOWN = 5  # differences in a message

Written = tuple[Path, Sequence[Case]]


@pytest.fixture(scope="module", params=["parquet", "csv", "jsonl", "nt"])
def written(request: pytest.FixtureRequest, knowledge_base: KnowledgeBase, tmp_path_factory: Any) -> Written:
    """A random cohort as a file of each format, with the cases that the library reads in it."""
    write = cohorts.files(knowledge_base, cohorts.sample(_RECORDS, _SEED))[request.param]
    return write(tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def alone(written: Written, knowledge_base: KnowledgeBase) -> tuple[list[Any], list[Any]]:
    """What is said of each patient of the cohort alone: rows, and reports of refusals."""
    return cohorts.expected(knowledge_base, written[1])


@pytest.mark.parametrize("engine", ["duckdb", pytest.param("spark", marks=needs_java)])
def test_a_cohort_says_of_each_patient_what_is_said_of_her_alone(
    written: Written, alone: tuple[list[Any], list[Any]], knowledge_base: KnowledgeBase, tmp_path: Path, engine: str
) -> None:
    """Every column of every row, in order; every report of a refusal; nobody lost."""
    asked = {"engine": engine, "spark_master": "local[2]"}
    rows, summary, reports = cohorts.run(knowledge_base, written[0], tmp_path, **asked)
    refused = cohorts.without_place(reports)
    assert _different(rows, alone[0]) == []
    assert _different(refused, alone[1]) == []
    assert (summary.patients, summary.decided, summary.rejected) == (len(written[1]), len(rows), len(refused))


def _different(found: Sequence[Any], wanted: Sequence[Any]) -> list[Any]:
    """Give the first places where two lists differ, and how."""
    pairs = enumerate(zip(found, wanted, strict=False))
    unlike: list[Any] = [(place, _unlike(here, there)) for place, (here, there) in pairs if here != there]
    return unlike[:_SHOWN] or ([] if len(found) == len(wanted) else [f"{len(found)} and not {len(wanted)} of them"])


def _unlike(here: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    named = {"patient": (here["patient"], there["patient"])}
    return named | {key: (here.get(key), there[key]) for key in there if here.get(key) != there[key]}


_HERS: dict[str, Any] = {
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 70,
    "t_score_total_hip": Decimal("-2.5"),
}
_HELD: list[dict[str, Any]] = [
    {"open_sections": ["fractures"], "fractures": ["distal-radius"]},
    {"open_sections": ["fractures", "treatments", "conditions"], "fractures": []},
    {"open_sections": ["densitometry"], "fractures": ["vertebra"], "treatment_history": []},
    {"densitometry_date": "2026-03"},
    {"densitometry_date": "2021"},
    {"fractures": [{"site": "vertebra", "count": 1, "count_at_most": 3}]},
    {"t_score_lumbar_spine": Decimal("0.95")},
    {"t_score_lumbar_spine": Decimal("2.5"), "t_score_femoral_neck": Decimal("-7")},
    {"birth_date": "1955-11-22"},
]


def test_what_a_record_leaves_open_is_decided_in_columns(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """Sections, periods of measurement, ranges of vertebrae, scores that are not the lowest, ages that differ."""
    path = cohorts.write_json_lines(tmp_path / "women.jsonl", [{**_HERS, **each} for each in _HELD])
    counts: list[int] = []
    request = Request((str(path),), None, ON)
    result = assess(
        knowledge_base, request, lambda what, done, _: counts.append(done) if what == "One by one" else None
    )
    assert result.decisions is not None
    rows, refused = cohorts.expected(knowledge_base, knowledge_base.read(path.read_bytes(), name=path.name))
    assert (result.decisions.to_pylist(), refused, counts) == (rows, [], [])
