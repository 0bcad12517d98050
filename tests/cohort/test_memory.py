"""A table in memory is decided as the same table in a file is, whoever made it.

`OSTEO_KG_RECORDS=20000 pytest tests/cohort/test_memory.py` says so of twenty thousand random patients.
"""

from __future__ import annotations

import csv
import html
import json
import os
import random
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from osteo_kg import Case, KnowledgeBase, UnreadableCaseError, UsageError, read_case
from osteo_kg.case import KEYS, PLAIN
from osteo_kg.case.record_columns import record_of_row
from osteo_kg.cohort import CohortResult, assess_cohort, engines
from osteo_kg.cohort.sources.base import InputFile, Reading
from osteo_kg.cohort.sources.memory import TableSource
from osteo_kg.cohort.sources.parquet import ParquetSource
from tests.support import cohorts
from tests.support.worked import ON, exact_json, needs_java

pytestmark = pytest.mark.slow

_RECORDS = int(os.environ.get("OSTEO_KG_RECORDS", "100"))
_SEED = int(os.environ.get("OSTEO_KG_SEED", "2"))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random cohort in a file called as tables are called, so that rows without a patient have the same name."""
    folder = tmp_path_factory.mktemp("memory")
    return cohorts.write_parquet(folder / "women.parquet", cohorts.sample(_RECORDS, _SEED)).rename(folder / "table")


@pytest.fixture(scope="module")
def from_file(written: Path, knowledge_base: KnowledgeBase) -> CohortResult:
    """What is said of the cohort in the file."""
    return assess_cohort(written, on=ON, input_format="parquet", knowledge_base=knowledge_base)


_MADE: dict[str, Callable[[Path], Any]] = {
    "pyarrow": lambda path: pq.read_table(path),
    "reader": lambda path: pq.read_table(path).to_reader(max_chunksize=70),
    "polars": lambda path: pl.DataFrame(pq.read_table(path)).lazy(),
    "pandas": lambda path: pq.read_table(path).to_pandas(),
    "pandas of Arrow": lambda path: pq.read_table(path).to_pandas(types_mapper=pd.ArrowDtype),
    "duckdb": lambda path: duckdb.sql(f"SELECT * FROM read_parquet('{path}')"),
}


#: Those that are decided in whole; of the others the columns and the cases are compared, unless many are asked for.
_DECIDED = _MADE if "OSTEO_KG_RECORDS" in os.environ else ("pandas", "duckdb")


@pytest.mark.parametrize("maker", _MADE)
def test_a_table_in_memory_gives_the_columns_and_the_cases_of_the_file(
    maker: str, written: Path, knowledge_base: KnowledgeBase, tmp_path: Path
) -> None:
    parts: Any = None  # what reads parts of records is not asked here
    reading = Reading(knowledge_base.knowledge.terms, PLAIN, tmp_path, parts)
    sources = [ParquetSource([InputFile(written, "parquet", written.parent)], reading)]
    sources.append(TableSource(_MADE[maker](written), reading))
    found = []
    with engines.duckdb(tmp_path) as engine:
        for source in sources:
            [path] = source.files
            flat = engine.arrow(source.flat(engine).order_by("number")).select(["number", *KEYS]).to_pylist()
            cases = source.cases(engine, {str(path): {row["number"] for row in flat}})
            found.append(([record_of_row(row) for row in flat], [(number, case) for _, number, case in cases]))
    assert found[0] == found[1]


@pytest.mark.parametrize("maker", _DECIDED)
def test_a_table_in_memory_is_decided_as_the_file_is(
    maker: str, written: Path, from_file: CohortResult, knowledge_base: KnowledgeBase
) -> None:
    """Every column of every row in order, and every report of those refused."""
    found = assess_cohort(_MADE[maker](written), on=ON, knowledge_base=knowledge_base)
    assert found.decisions == from_file.decisions
    assert found.rejected is not None
    assert from_file.rejected is not None
    assert found.rejected.drop_columns("file").to_pylist() == from_file.rejected.drop_columns("file").to_pylist()
    assert set(found.rejected["file"].to_pylist()) == {"table"}
    assert found.summary == from_file.summary


def test_many_decisions_stand_in_the_order_of_their_table(knowledge_base: KnowledgeBase) -> None:
    """Whoever has a table puts the decisions beside it, row by row; a join in several threads mixes them up."""
    patients = [f"w{number:06}" for number in random.Random(1).sample(range(250_000), 250_000)]
    table = pa.table({"patient": patients, "sex": ["female", "male"] * 125_000})
    result = assess_cohort(table, on=ON, knowledge_base=knowledge_base, columns=("patient", "disposition"))
    assert result.decisions is not None
    assert result.decisions.column_names == ["patient", "disposition"]
    assert result.decisions["patient"].to_pylist() == patients


def test_a_column_that_decisions_do_not_have_is_refused(knowledge_base: KnowledgeBase) -> None:
    table = pa.table({"patient": ["anna"], "sex": ["female"]})
    with pytest.raises(UsageError, match="no column 'dispositon'"):
        assess_cohort(table, on=ON, knowledge_base=knowledge_base, columns="dispositon")


_BORN = {"patient": "anna", "sex": "female", "birth_date": "1964-11-23", "t_score_total_hip": -1}
_TAKING_A_DAY: dict[str, Callable[[KnowledgeBase, Case, Any], Any]] = {
    "assess_cohort": lambda base, _, on: (
        assess_cohort(pa.Table.from_pylist([_BORN]), on=on, knowledge_base=base).decisions
    ),
    "assess": lambda base, case, on: base.assess(case, on=on),
    "assess_all": lambda base, case, on: list(base.assess_all([case], on=on)),
    "validate": lambda base, case, on: base.validate(case, on=on),
    "prepare": lambda base, case, on: base.prepare(case, on=on).on,
    "drug_safety": lambda base, case, on: base.drug_safety(case, ["raloxifene"], on=on),
    "read": lambda base, _, on: (
        base.read(
            '{"resourceType": "Patient", "id": "she", "gender": "female", "birthDate": "1964-11-23"}',
            "fhir",
            assume_postmenopausal_from=50,
            on=on,
        )[0].triples
    ),
}


@pytest.mark.parametrize("name", _TAKING_A_DAY)
def test_a_day_of_assessment_is_a_day_or_written_as_one_and_else_refused(
    knowledge_base: KnowledgeBase, name: str
) -> None:
    ask, [case] = _TAKING_A_DAY[name], read_case(json.dumps(_BORN), "json")
    by_day = ask(knowledge_base, case, ON)
    assert ask(knowledge_base, case, ON.isoformat()) == by_day
    assert ask(knowledge_base, case, datetime(ON.year, ON.month, ON.day, 23, 30)) == by_day
    for no_day in ("22/11/2026", "20261122", "2026-11-31", "", 20261122):
        with pytest.raises(UsageError, match=r"is not a day\. Write it as 2026-11-22\."):
            ask(knowledge_base, case, no_day)


def test_a_result_shows_the_first_decisions_and_refusals(from_file: CohortResult) -> None:
    assert repr(from_file).startswith("<CohortResult: decisions (")
    assert 2 < len(repr(from_file).splitlines()) < 10
    shown = from_file._repr_html_()
    assert shown.count("<table>") == 3
    assert from_file.rejected is not None
    first = from_file.rejected["results"][0].as_py()[0]["message"]
    assert html.escape(first).replace("&#x27;", "&#39;") in shown


@needs_java
def test_spark_decides_a_table_in_memory_as_the_file_is(
    written: Path, from_file: CohortResult, knowledge_base: KnowledgeBase
) -> None:
    table = pq.read_table(written).to_reader()
    found = assess_cohort(table, on=ON, engine="spark", spark_master="local[2]", knowledge_base=knowledge_base)
    assert found.decisions is not None
    assert from_file.decisions is not None
    assert found.decisions.to_pylist() == from_file.decisions.to_pylist()


_MOMENT = datetime(1955, 11, 22, 23, 30)
#: Columns of pandas with what the first three patients hold in each, and what JSON would have of them.
_COLUMNS: dict[str, tuple[Any, list[Any]]] = {
    "patient": ([7.0, np.nan, 9.0], ["7", None, "9"]),
    "sex": (pd.Categorical(["female", None, "female"]), ["female", None, "female"]),
    "menopausal_status": (
        pd.array(["postmenopausal", pd.NA, "postmenopausal"], "string"),
        ["postmenopausal", None] * 2,
    ),
    "age_years": ([71, "old", 71.0], [Decimal(71), "old", Decimal(71)]),
    "birth_date": (pd.to_datetime([_MOMENT, None, None]).tz_localize("Pacific/Auckland"), ["1955-11-22", None, None]),
    "densitometry_date": (["2026-03", float("nan"), pd.Timestamp("2026-03-01")], ["2026-03", None, "2026-03-01"]),
    "t_score_total_hip": (pd.array([-2.7, np.inf, None], "Float32"), [Decimal("-2.7"), "inf", None]),
    "t_score_lumbar_spine": ([Decimal("-2.50"), None, np.nan], [Decimal("-2.5"), None, None]),
    "fractures": (
        [["pelvis", {"site": "vertebra", "count": 2.0, "date": pd.NaT}], None, np.array([], object)],
        [["pelvis", {"site": "vertebra", "count": Decimal(2)}], None, []],
    ),
    "treatment_history": (
        [[], [{"drg": "alendronate"}], ({"drug": "alendronate"},)],
        [[], [{"drg": "alendronate"}], [{"drug": "alendronate"}]],
    ),
    "climacteric_disorders": ([True, np.nan, np.False_], [True, None, False]),
    "conditions": ([None, None, None], [None, None, None]),
    "open_sections": ([np.nan, np.nan, np.nan], [None, None, None]),
    "low_peripheral_fracture_risk": (np.array([np.nan] * 3), [None, None, None]),
    "creatinine_clearance": ([np.nan, np.nan, 28.0], [None, None, Decimal("28.0")]),
}


def test_a_frame_says_what_the_same_records_say_in_json(knowledge_base: KnowledgeBase) -> None:
    """Missing values of every kind, whole floats, moments, and columns of objects that are not of one kind."""
    frame = pd.DataFrame({key: column for key, (column, _) in _COLUMNS.items()}, index=[9, 9, 1])
    records = [{key: values[row] for key, (_, values) in _COLUMNS.items()} for row in range(3)]
    stated = ({key: value for key, value in record.items() if value is not None} for record in records)
    cases = knowledge_base.read("\n".join(map(exact_json, stated)), "jsonl", name="table")
    rows, refused = cohorts.expected(knowledge_base, cases)
    found = assess_cohort(frame, on=ON, knowledge_base=knowledge_base)
    assert found.decisions is not None
    assert found.decisions.to_pylist() == rows
    assert found.rejected is not None
    assert cohorts.without_place(found.rejected.to_pylist()) == refused
    assert len(refused) == 1


@pytest.mark.parametrize("made", [pd.DataFrame, pa.table, pl.DataFrame])
@pytest.mark.parametrize("key", ["fractures", "treatment_history", "conditions"])
def test_lists_of_which_none_has_an_entry_are_read(
    knowledge_base: KnowledgeBase, made: Callable[[Any], Any], key: str
) -> None:
    """No row says then what an entry would be, and Arrow calls that null."""
    woman = {"sex": ["female"] * 2, "menopausal_status": ["postmenopausal"] * 2, "t_score_total_hip": [-3.1, -2.0]}
    found = assess_cohort(made({**woman, key: [[], []]}), on=ON, knowledge_base=knowledge_base)
    assert (found.summary.decided, found.summary.rejected) == (2, 0)


def test_row_labels_with_a_name_are_a_column(knowledge_base: KnowledgeBase) -> None:
    frame = pd.DataFrame({"patient": ["anna", "bea"], "sex": ["male"] * 2}).set_index("patient")
    found = assess_cohort(frame, on=ON, knowledge_base=knowledge_base)
    assert found.decisions is not None
    assert found.decisions["patient"].to_pylist() == ["anna", "bea"]
    with pytest.raises(UnreadableCaseError, match=r"'visit'.*ignore="):
        assess_cohort(frame.rename_axis("visit"), on=ON, knowledge_base=knowledge_base)


def test_not_a_number_refuses_its_patient_alone(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """The reports come in the language that is asked for, in a file too."""
    scores = [float("nan"), -2.5, float("inf"), None]
    table = pl.DataFrame({"sex": pl.Series(["female"] * 4, dtype=pl.Enum(["female"])), "t_score_total_hip": scores})
    place = tmp_path / "decided.csv"
    told = assess_cohort(
        table, place, on=ON, rejected=tmp_path / "rejected.jsonl", language="fr", knowledge_base=knowledge_base
    )
    assert (told.summary.patients, told.summary.decided, told.summary.rejected) == (4, 2, 2)
    assert [row["patient"] for row in csv.DictReader(place.read_text().splitlines())] == ["table#2", "table#4"]
    assert "n’est pas un T-score" in (tmp_path / "rejected.jsonl").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "decided.csv",
        "decided.csv.metadata.json",
        "rejected.jsonl",
    ]


def _read_up() -> pa.RecordBatchReader:
    reader = pa.table({"sex": ["female"]}).to_reader()
    reader.read_all()
    return reader


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ([{"sex": "female"}], "not read from a dict"),
        ({"sex": ["female"]}, "not read from a dict"),
        (None, "not read from a NoneType"),
        ([], "No file is named"),
        (pl.Series("sex", ["female"]), "A Series is no table"),
        (pl.DataFrame({"age_years": [70]}, schema={"age_years": pl.Int128}), "A DataFrame is no table"),
        (pd.DataFrame({"sex": []}), "holds no patient"),
        (_read_up(), "can be read only once"),
        (pa.table([["female"], ["male"]], names=["sex", "sex"]), "twice"),
        (pd.DataFrame({"age_years": ["71"]}), "of type (large_)?string"),
        (pl.DataFrame({"weight": [60]}), r"ignore=\['weight'\]"),
        (duckdb.sql("SELECT CAST(x AS INTEGER) AS age_years FROM (VALUES ('a')) AS t(x)"), "cannot be read|no table"),
    ],
    ids=["records", "dict", "none", "nothing", "series", "type", "empty", "reader", "twice", "text", "column", "query"],
)
def test_what_is_no_table_of_patients_is_refused_in_a_sentence(
    source: Any, said: str, knowledge_base: KnowledgeBase
) -> None:
    with pytest.raises((UnreadableCaseError, UsageError), match=said):
        assess_cohort(source, on=ON, knowledge_base=knowledge_base)


def test_progress_is_told_and_the_packaged_knowledge_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[int] = []
    first = KnowledgeBase.__init__

    def counted(self: KnowledgeBase, *given: Any, **named: Any) -> None:
        loaded.append(1)
        first(self, *given, **named)

    monkeypatch.setattr(KnowledgeBase, "__init__", counted)
    told: list[tuple[str, int, int]] = []
    for _ in range(2):
        assess_cohort(pa.table({"sex": ["male", "female"]}), on=ON, progress=lambda *each: told.append(each))
    assert len(loaded) <= 1
    assert {("Reading", 2, 2), ("Abstracting", 2, 2), ("Writing", 2, 2)} <= set(told)


def test_a_plan_that_cannot_be_carried_out_is_refused_in_a_sentence(knowledge_base: KnowledgeBase) -> None:
    plan: Any = pl.DataFrame({"patient": ["a"]}).lazy().select(pl.col("nowhere"))
    with pytest.raises(UnreadableCaseError, match="The table cannot be made of its plan"):
        assess_cohort(plan, on=ON, knowledge_base=knowledge_base)
