"""What is worked out once of a T-score is what it would be told by itself."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from osteo_kg.case import SCORES
from osteo_kg.cohort.abstraction.columns import decimals_key
from osteo_kg.cohort.abstraction.compile import Abstraction
from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.cohort.engines import duckdb
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase
from tests.support.worked import ON

_NUMBERS = (
    *(number / 100 for number in range(-1250, 1251, 7)),
    *(number / 10 for number in range(-120, 121)),
    *(-2.5000001, -2.505, 8.005, 0.0, -0.0, 1e-9, 20.0, 20.01, -21.5, 123456.0, None),
)


@pytest.mark.parametrize("written", [False, True])
def test_scores_worked_out_once_say_what_each_says_by_itself(
    knowledge_base: KnowledgeBase, tmp_path: Path, written: bool
) -> None:
    """With every combination of places held by two scores, and with decimals as they were written."""
    size, (first, second, third) = len(_NUMBERS), SCORES
    columns = {
        "file": pa.array(["a"] * size),
        "number": pa.array(range(size)),
        "patient": pa.array([str(number) for number in range(size)]),
        first: pa.array(_NUMBERS, pa.float64()),
        second: pa.array(_NUMBERS[size // 2 :] + _NUMBERS[: size // 2], pa.float64()),
        third: pa.array([None, -2.5] * (size // 2) + [None] * (size % 2), pa.float64()),
    }
    if written:
        columns |= {decimals_key(key): pa.array([1, 2, 3] * (size // 3) + [0] * (size % 3)) for key in SCORES}
    abstraction = Abstraction(LibraryProbe(knowledge_base, DEFAULT_GUIDELINE, ON, ()))
    with duckdb(tmp_path) as engine:
        flat = engine.lookup(pa.table(columns), "flat")
        read = abstraction.scores.read(engine.lookup(abstraction.scores.numbers(), "score_numbers"))
        once, alone = (engine.arrow(abstraction.stage(flat, each).order_by("number")) for each in (read, read.limit(0)))
    assert len(once) == size
    assert once.to_pylist() == alone.to_pylist()
    assert len(set(once["marks"].to_pylist())) > 1
