"""Persons are counted beside rows: exactly, wherever an id repeats, and nobody without an id is lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from osteo_kg.cohort.engines import duckdb, opened
from osteo_kg.cohort.results.persons import Persons, RepeatedIds, count_persons
from tests.support.worked import needs_java

_DISPOSITIONS = {1: "treat", 2: "treat", 3: "no-treatment", -1: "specialist-opinion"}
Row = tuple[str | None, int | None]  # the id, and the situation; None where the row is assessed one by one
#: Rows of a cohort, what those assessed one by one are answered (None where refused), and who they are.
COHORTS: list[tuple[list[Row], dict[int, int | None], Persons]] = [
    ([("a", 1), ("b", 2), ("c", 3)], {}, Persons(3, 0)),
    ([("a", 1), ("a", 2), ("b", 3)], {}, Persons(2, 0, RepeatedIds(1, 2, 0))),
    ([("a", 1), ("a", 3), ("a", 3), ("b", 3), ("b", 3)], {}, Persons(2, 0, RepeatedIds(2, 5, 1))),
    ([(None, 1), ("", 2), ("", 3), ("a", 1)], {}, Persons(4, 3)),
    ([(None, 1), ("a", 1), ("a", 1)], {}, Persons(2, 1, RepeatedIds(1, 2, 0))),
    ([("a", 1), ("a", None)], {1: -1}, Persons(1, 0, RepeatedIds(1, 2, 1))),
    ([("a", 1), ("a", None)], {1: None}, Persons(1, 0, RepeatedIds(1, 2, 0))),
    ([("a", None), ("a", None)], {0: None, 1: None}, Persons(1, 0, RepeatedIds(1, 2, 0))),
    ([(None, 1), (None, 1)], {}, Persons(2, 2)),
    ([("A", 1), ("a", 1), (" a", 1)], {}, Persons(3, 0)),
]


def _lean(rows: Sequence[Row]) -> pa.Table:
    situations = [situation for _, situation in rows]
    return pa.table(
        {
            "file": ["women.csv"] * len(rows),
            "number": pa.array(range(len(rows)), pa.int64()),
            "patient": pa.array([patient for patient, _ in rows], pa.string()),
            "plain": [situation is not None for situation in situations],
            "situation": pa.array([3 if each is None else each for each in situations], pa.int64()),
        }
    )


def _own(answers: dict[int, int | None]) -> pa.Table | None:
    if not answers:
        return None
    return pa.table(
        {
            "own_file": ["women.csv"] * len(answers),
            "own_number": pa.array(answers, pa.int64()),
            "own_situation": pa.array(answers.values(), pa.int64()),
        }
    )


@pytest.mark.parametrize(("rows", "own", "persons"), COHORTS)
def test_every_row_belongs_to_one_person(
    tmp_path: Path, rows: list[Row], own: dict[int, int | None], persons: Persons
) -> None:
    with duckdb(tmp_path) as engine:
        lean = engine.small(_lean(rows))
        assert count_persons(engine, lean, len(rows), _DISPOSITIONS, _own(own)) == persons


@needs_java
@pytest.mark.slow
def test_spark_counts_the_same_persons(tmp_path: Path) -> None:
    with opened("spark", "local[1]", tmp_path, {}) as engine:
        for rows, own, persons in COHORTS:
            lean = engine.small(_lean(rows))
            assert count_persons(engine, lean, len(rows), _DISPOSITIONS, _own(own)) == persons
