"""Flat records as columns of Arrow: a row says what the same record says in JSON."""

from __future__ import annotations

import datetime
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from osteo_kg import UnreadableCaseError, read_case
from osteo_kg.case.record_columns import plain, record_of_row
from osteo_kg.cli.main import main
from tests.support import cohorts
from tests.support.worked import exact_json


def parquet(columns: dict[str, Any]) -> bytes:
    """Write a table as Parquet."""
    sink = io.BytesIO()
    pq.write_table(columns if isinstance(columns, pa.Table) else pa.table(columns), sink)
    return sink.getvalue()


def test_parquet_says_what_the_same_records_say_as_json_lines(tmp_path: Path) -> None:
    """Triples, names and what is found wrong, of records that the shapes refuse too."""
    batch = cohorts.sample(60, 7)
    path = cohorts.write_parquet(tmp_path / "women.parquet", batch)
    lines = "\n".join(map(exact_json, cohorts.in_parquet(batch)))
    assert read_case(path.read_bytes(), name=path.name) == read_case(lines, "jsonl", name=path.name)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PAR1", "cannot be read as Parquet"),
        ("text", "is text, and not parquet"),
        (parquet({"t_score_total_hip": pa.array([], pa.float64())}), "holds no patient"),
        (parquet({"t_score_total_hip": ["-2.5"]}), "type string"),
        (parquet({"wieght": [60]}), "wieght"),
        (parquet(pa.table([["female"], ["male"]], names=["sex", "sex"])), "twice"),
        (parquet({"fractures": [[{"sight": "pelvis"}]]}), "which fractures cannot have"),
    ],
    ids=["damaged", "text", "empty", "type", "column", "twice", "entry"],
)
def test_parquet_that_cannot_be_read_is_refused_whole(data: bytes | str, said: str) -> None:
    with pytest.raises(UnreadableCaseError, match=said):
        read_case(data, "parquet")


def test_a_column_may_be_passed_over() -> None:
    data = parquet({"sex": ["female"], "weight": [60], "age_years": [70]})
    [case] = read_case(data, "parquet", ignore_columns=["weight", "age_years"])
    assert case == read_case('{"sex": "female"}', "json")[0]
    assert read_case(data, "parquet", ignore_columns=["all"]) == read_case('{"sex": "female", "age_years": 70}', "json")


_MOMENT = datetime.datetime(2026, 1, 31, 23, 30, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("column", "wanted"),
    [
        (pa.array([_MOMENT, None], pa.timestamp("ns", "Europe/Paris")), ["2026-02-01", None]),
        (pa.array([_MOMENT], pa.timestamp("us", "-05:00")), ["2026-01-31"]),
        (pa.array([_MOMENT.replace(tzinfo=None)], pa.timestamp("s")), ["2026-01-31"]),
        (pa.array([datetime.date(2026, 1, 31)], pa.date64()), ["2026-01-31"]),
        (pa.array([-2.7, None], pa.float32()), [Decimal("-2.7"), None]),
        (pa.array([-2.7, None], pa.float32()).cast(pa.float16()), [Decimal("-2.7"), None]),
        (pa.array([float("nan"), float("inf"), 71.0]), ["nan", "inf", Decimal("71.0")]),
        (pa.array([Decimal("-2.70")], pa.decimal256(40, 4)), [Decimal("-2.7")]),
        (pa.array(["a", None, "b"], pa.string_view()), ["a", None, "b"]),
        (pa.array(["a", None, "a"]).dictionary_encode(), ["a", None, "a"]),
        (pa.array([["a"], None, [], ["b", None]], pa.large_list(pa.string_view()))[1:], [None, [], ["b", None]]),
        (pa.array([["a"], ["b"]], pa.list_(pa.large_string(), 1)), [["a"], ["b"]]),
        (
            pa.array([[{"count": 2}], None], pa.list_(pa.struct([("count", pa.int8())]))),
            [[{"count": Decimal(2)}], None],
        ),
        (pa.array([True, None]), [True, None]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_a_column_of_any_type_gives_the_values_of_json(column: pa.Array, wanted: list[Any]) -> None:
    made = [record_of_row({"value": each})["value"] for each in plain(column).to_pylist()]
    assert made == wanted


def test_numbers_of_patients_are_their_names() -> None:
    [first, second] = read_case(parquet({"patient": [2**53 + 1, None]}), name="women.parquet")
    assert (first.patient, second.patient) == ("9007199254740993", "women.parquet#2")


@pytest.mark.parametrize("command", ["assess", "validate", "convert"])
def test_a_command_reads_parquet_as_it_reads_csv(command: str, tmp_path: Path) -> None:
    record = {"patient": "anna", "sex": "female", "menopausal_status": "postmenopausal", "age_years": 71}
    (tmp_path / "women.csv").write_text(",".join(record) + "\n" + ",".join(map(str, record.values())))
    (tmp_path / "women.pq").write_bytes(parquet({key: [value] for key, value in record.items()}))
    options = ["--to", "jsonl"] if command == "convert" else ["--on", "2026-11-22"]
    ways = [["women.csv"], ["women.pq"], ["--input-format", "parquet", "women.pq"]]
    told = [CliRunner().invoke(main, [command, *options, *way[:-1], str(tmp_path / way[-1])]) for way in ways]
    assert [each.exit_code for each in told] == [0, 0, 0], told[1].output
    assert told[0].output == told[1].output == told[2].output
