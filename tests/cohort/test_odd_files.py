"""Parquet as other programs write it: an odd value refuses its patient only, and an odd name breaks nothing."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from osteo_kg import KnowledgeBase, OsteoError
from osteo_kg.case import FIELDS, folders
from osteo_kg.cohort import CohortResult, assess_cohort
from osteo_kg.cohort.sources.base import found
from osteo_kg.cohort.sources.parquet_copies import ParquetFile
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.slow

_FIELD = (ROOT.parent / "shared" / "cases" / "field" / "registry").resolve()
_DICTIONARIES = pa.list_(pa.dictionary(pa.int8(), pa.string()))
_WOMAN = {"sex": "female", "menopausal_status": "postmenopausal", "fractures": [], "climacteric_disorders": False}


def _assessed(knowledge_base: KnowledgeBase, source: str | Path, **asked: Any) -> CohortResult:
    return assess_cohort(source, on=ON, knowledge_base=knowledge_base, **asked)


def _refused(result: CohortResult) -> dict[str, set[str]]:
    """The keys that are at fault for each patient who was refused."""
    assert result.rejected is not None
    found = {each["patient"]: each["results"] for each in result.rejected.to_pylist()}
    return {
        who: {each["path"] for each in results if each["severity"] == "violation"} for who, results in found.items()
    }


def _situations(result: CohortResult) -> dict[str, str]:
    """The situation of each patient who was decided."""
    assert result.decisions is not None
    return {row["patient"]: row["situation"] for row in result.decisions.select(["patient", "situation"]).to_pylist()}


def _write(path: Path, columns: Mapping[str, Any], rows: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    women = {
        key: pa.array([value] * rows, pa.list_(pa.string()) if value == [] else None) for key, value in _WOMAN.items()
    }
    pq.write_table(pa.table({**women, "patient": [f"p{number}" for number in range(rows)], **columns}), path)
    return path


# the files of the field

_FILES: list[tuple[str, set[str], list[str]]] = [
    ("refused-one.parquet", {"b"}, []),
    ("nan.parquet", {"A2", "A3"}, []),
    ("inf.parquet", {"p1"}, []),
    ("ts-paris.parquet", set(), []),
    ("pub-filename.parquet", {"p1"}, ["file", "number", "_file", "filename"]),
]


@pytest.fixture
def field(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the field, where the run is started."""
    if not _FIELD.is_dir():
        pytest.skip("the files of the field are not here")
    monkeypatch.chdir(_FIELD)
    return _FIELD


@pytest.mark.parametrize("name", [name for name, _, _ in _FILES])
def test_a_file_is_the_same_file_by_whatever_name(field: Path, name: str) -> None:
    names = [name, f"./{name}", f"../registry/{name}", f"?{name[1:]}", f"../*/{name}", str(field / name)]
    assert [[each.path for each in found([named])] for named in names] == [[field / name]] * len(names)
    assert field / name in [each.path for each in found(["."])]


@pytest.mark.parametrize(("name", "refused", "ignore"), _FILES, ids=[name for name, _, _ in _FILES])
def test_a_file_of_the_field_loses_nobody(
    knowledge_base: KnowledgeBase, field: Path, name: str, refused: set[str], ignore: list[str]
) -> None:
    result = _assessed(knowledge_base, f"../registry/{name}", ignore=ignore)
    assert _refused(result).keys() == refused
    rows = pq.read_metadata(field / name).num_rows
    assert (result.summary.patients, result.summary.decided) == (rows, rows - len(refused))


@pytest.mark.parametrize("name", ["hiveconflict", "hiveconflict/sex=male/x.parquet", "hiveconflict/*/x.parquet"])
def test_a_folder_of_the_field_that_contradicts_its_column_is_refused(
    knowledge_base: KnowledgeBase, field: Path, name: str
) -> None:
    for source in (name, str(field / name), f"../registry/{name}"):
        with pytest.raises(OsteoError, match="lies in a folder sex=male, and its column 'sex' says otherwise"):
            _assessed(knowledge_base, source)


def test_a_column_with_a_name_of_an_engine_is_unknown_as_any_other(knowledge_base: KnowledgeBase, field: Path) -> None:
    with pytest.raises(OsteoError, match="has the columns 'file', 'number', '_file', 'filename', which are no keys"):
        _assessed(knowledge_base, "pub-filename.parquet")


# numbers


def test_a_number_that_is_none_refuses_its_patient_only(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    numbers = [math.nan, math.inf, -math.inf, 1e300, -1e18, 2.0**63]
    keys = {"age_years": 66.0, "t_score_total_hip": -2.5, "t_score_lumbar_spine": -1.25}
    spoiled = [(key, number) for key in keys for number in numbers]
    columns: dict[str, list[float | None]] = {
        key: [*(number if key == each else sound for each, number in spoiled), sound, None]
        for key, sound in keys.items()
    }
    kinds = {"age_years": pa.float64(), "t_score_total_hip": pa.float64(), "t_score_lumbar_spine": pa.float32()}
    laid = {key: pa.array(column).cast(kinds[key], safe=False) for key, column in columns.items()}
    result = _assessed(knowledge_base, _write(tmp_path / "women.parquet", laid, len(spoiled) + 2))
    assert _refused(result) == {f"p{row}": {key} for row, (key, _) in enumerate(spoiled)}


@pytest.mark.parametrize("number", [math.nan, math.inf, 1e300])
@pytest.mark.parametrize("key", ["age_years", "t_score_total_hip", "t_score_lumbar_spine", "egfr"])
def test_a_single_number_that_is_none_refuses_its_patient_only(
    knowledge_base: KnowledgeBase, tmp_path: Path, key: str, number: float
) -> None:
    """Beside others of its kind the statistics of the column may keep the engine from what would end the run."""
    column = pa.array([60.0, number, None] if key in ("age_years", "egfr") else [-2.5, number, None])
    result = _assessed(knowledge_base, _write(tmp_path / "women.parquet", {key: column}, len(column)))
    assert _refused(result).keys() == {"p1"}


def test_a_count_that_is_no_number_refuses_its_patient_only(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """Programs that have no whole numbers with gaps write counts as floats: one without a fraction is whole."""
    for number in (math.nan, math.inf, 1e300):
        alone = pa.array([[{"site": "vertebra", "count": 1.0}], [{"site": "vertebra", "count": number}]])
        result = _assessed(knowledge_base, _write(tmp_path / "women.parquet", {"fractures": alone}, 2))
        assert _refused(result).keys() == {"p1"}
    counts = [2.0, math.nan, math.inf, 2.5, None]
    fractures = pa.array([[{"site": "vertebra", "count": count}] for count in counts])
    assert fractures.type.value_type.field("count").type == pa.float64()
    result = _assessed(knowledge_base, _write(tmp_path / "women.parquet", {"fractures": fractures}, len(counts)))
    assert _refused(result).keys() == {"p1", "p2", "p3"}
    assert "vertebra" in _situations(result)["p0"]
    assert _situations(result)["p0"] != _situations(result)["p4"]


@pytest.mark.parametrize("entry", [{}, {"site": None}, {"site": None, "count": None}])
def test_an_entry_that_nothing_is_said_of_refuses_its_patient_only(
    knowledge_base: KnowledgeBase, tmp_path: Path, entry: dict[str, None]
) -> None:
    kind = pa.list_(pa.struct([("site", pa.string()), ("count", pa.int64())]))
    fractures = pa.array([[entry], [{"site": "rib"}], []], kind)
    result = _assessed(knowledge_base, _write(tmp_path / "women.parquet", {"fractures": fractures}, 3))
    assert _refused(result).keys() == {"p0"}


def test_a_day_that_no_calendar_has_refuses_its_patient_only(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    days = pa.array([-7_000, 2**31 - 1, -(2**31) + 1, 4_000_000, None], pa.int32()).cast(pa.date32())
    moments = pa.array([-7_000 * 86_400_000_000, 2**63 - 1, -(2**63) + 1, 2**62, None], pa.int64())
    fractures = pa.StructArray.from_arrays([pa.array(["pelvis"] * 5), days], ["site", "date"])
    columns = {
        "birth_date": {"birth_date": days},
        "densitometry_date": {"densitometry_date": moments.cast(pa.timestamp("us")), "t_score_total_hip": [-1.0] * 5},
        "fractures": {"fractures": pa.ListArray.from_arrays(pa.array(range(6), pa.int32()), fractures)},
    }
    for key, laid in columns.items():
        result = _assessed(knowledge_base, _write(tmp_path / f"{key}.parquet", laid, 5))
        assert _refused(result) == {f"p{row}": {key} for row in (1, 2, 3)}


def test_a_column_of_nothing_says_nothing(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    columns = {
        "age_years": pa.nulls(2),
        "conditions": pa.array([[], []]),
        "fractures": pa.array([[{"site": "rib", "date": None}], [None]]),
    }
    result = _assessed(knowledge_base, _write(tmp_path / "women.parquet", columns, 2))
    assert (list(_situations(result)), _refused(result)) == (["p0"], {"p1": {"fractures"}})


@pytest.mark.parametrize("key", sorted(FIELDS.keys() - {"patient", *_WOMAN}))
def test_a_column_of_nothing_but_nulls_says_nothing_whatever_its_key(
    knowledge_base: KnowledgeBase, tmp_path: Path, key: str
) -> None:
    """Programs write it so where nobody has a value, and an engine knows no type of it."""
    result = _assessed(knowledge_base, _write(tmp_path / "women.parquet", {key: pa.nulls(2)}, 2))
    assert (set(_situations(result)), _refused(result)) == ({"p0", "p1"}, {})


@pytest.mark.parametrize("key", _WOMAN)
def test_a_column_of_nothing_but_nulls_stands_beside_the_same_column_of_another_file(
    knowledge_base: KnowledgeBase, tmp_path: Path, key: str
) -> None:
    _write(tmp_path / "one.parquet", {"patient": ["a"], key: pa.nulls(1)})
    _write(tmp_path / "two.parquet", {"patient": ["b"]})
    result = _assessed(knowledge_base, tmp_path)
    assert (set(_situations(result)), _refused(result)) == ({"a", "b"}, {})


@pytest.mark.parametrize("words", [["vertebra", "rib"], pa.array([["vertebra", "rib"]], _DICTIONARIES)])
def test_words_in_one_file_and_entries_in_another_are_read_together(
    knowledge_base: KnowledgeBase, tmp_path: Path, words: Any
) -> None:
    _write(tmp_path / "one.parquet", {"patient": ["a"], "fractures": words if isinstance(words, pa.Array) else [words]})
    entries = [[{"site": "rib", "mechanism": "low-energy"}, {"site": "vertebra", "mechanism": None}]]
    _write(tmp_path / "two.parquet", {"patient": ["b"], "fractures": entries})
    _write(tmp_path / "three.parquet", {"patient": ["c"], "fractures": [["rib", None]]})
    result = _assessed(knowledge_base, tmp_path)
    assert _refused(result) == {"c": {"fractures"}}
    assert _situations(result)["a"] == _situations(result)["b"]


# moments


_ZONES = ["Europe/Paris", "America/New_York", "Pacific/Kiritimati", "UTC", "+02:00", "-09:30"]


def test_a_moment_has_the_day_that_its_zone_has(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """At both ends of the day on which a woman is 50, 60 or 65, in summer and in winter, in files of several zones."""
    days = [ON.replace(year=year) + datetime.timedelta(each) for year in (1976, 1966, 1961) for each in (0, 1)]
    days += [datetime.date(1976, 3, 28), datetime.date(1976, 9, 26), datetime.date(1981, 3, 29)]
    times = [datetime.time(0), datetime.time(23, 59, 59, 999_999)]
    written = [datetime.datetime.combine(day, time) for day in days for time in times]
    for zone in _ZONES:
        moments = pc.assume_timezone(pa.array(written), zone, ambiguous="latest", nonexistent="latest")
        _write(tmp_path / f"{ord(zone[0])}{len(zone)}.parquet", {"birth_date": moments}, len(written))
    plain = _write(tmp_path / "zz.parquet", {"birth_date": pa.array([each.date() for each in written])}, len(written))
    result = _assessed(knowledge_base, tmp_path)
    assert result.decisions is not None
    assert result.summary.decided == (len(_ZONES) + 1) * len(written)
    found = result.decisions["situation"].to_pylist()
    assert found == found[-len(written) :] * (len(_ZONES) + 1), plain


def test_a_moment_of_no_stated_zone_has_a_day_at_midnight_only(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """Spark and DuckDB write an instant without the zone that it was written in."""
    path = tmp_path / "women.parquet"
    rows = "('p0', timestamptz '1976-11-22 00:00:00+00'), ('p1', timestamptz '1976-11-22 23:00:00+00'), ('p2', null)"
    duckdb.sql(f"COPY (SELECT * FROM (VALUES {rows}) AS t(patient, birth_date)) TO '{path}'")
    result = _assessed(knowledge_base, path)
    assert _refused(result) == {"p1": {"birth_date"}}
    assert "age_years=from_50" in _situations(result)["p0"]


# names


@pytest.mark.parametrize(
    "name",
    ["filename=x/women.parquet", "women[1].parquet", "w?men*.parquet", "a {b,c}/wo%20men+é.parquet", "_women.parquet"],
)
def test_an_odd_name_of_a_file_is_that_of_its_patients(
    knowledge_base: KnowledgeBase, tmp_path: Path, name: str
) -> None:
    """A name with a star, or brackets, is that of one file: not of others that it would fit."""
    path = _write(tmp_path / name, {"patient": [None, None], "age_years": [66, 200]}, 2)
    _write(path.with_name("women1.parquet"), {"age_years": [40]})
    result = _assessed(knowledge_base, path)
    assert _refused(result) == {f"{path.name}#2": {"age_years"}}
    assert _situations(result).keys() == {f"{path.name}#1"}


@pytest.mark.parametrize("name", ["filename", "FileName", "file_row_number", "_file", "_number", "_metadata", "SEX"])
def test_a_column_with_an_odd_name_breaks_nothing(knowledge_base: KnowledgeBase, tmp_path: Path, name: str) -> None:
    """Nor is it taken for another one, where an engine does not tell capitals from small letters."""
    path = _write(tmp_path / "women.parquet", {}, 2)
    table = pq.read_table(path)
    table = table.add_column(0, name, pa.array(["male", "8"])).append_column("age_years", pa.array([66, 200]))
    pq.write_table(table, path)
    with pytest.raises(OsteoError, match=f"has the column '{name}'"):
        _assessed(knowledge_base, path)
    result = _assessed(knowledge_base, path, ignore=[name])
    assert _refused(result) == {"p1": {"age_years"}}
    assert result.summary.dispositions.keys() == {"densitometry-required"}


def test_a_column_with_an_odd_name_can_be_mapped(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    path = tmp_path / "women.parquet"
    pq.write_table(pa.table({"filename": ["a", "b"], "_number": [66, 200], "sex": ["female"] * 2}), path)
    result = _assessed(knowledge_base, path, renamed={"filename": "patient", "_number": "age_years"})
    assert (_refused(result), list(_situations(result))) == ({"b": {"age_years"}}, ["a"])


def test_an_entry_with_an_odd_name_is_refused_as_any_other(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    fractures = pa.array([[{"site": "pelvis", "filename": "x"}]])
    with pytest.raises(OsteoError, match="the column 'fractures' is of type"):
        _assessed(knowledge_base, _write(tmp_path / "women.parquet", {"fractures": fractures}))


# folders


def test_a_folder_is_a_column_where_the_file_has_none(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    for sex in ("female", "male"):
        for age in (45, 66):
            folder = tmp_path / f"sex={sex}" / f"age_years={age}" / "year=2020"
            folder.mkdir(parents=True)
            pq.write_table(pa.table({"patient": [f"{sex}{age}"]}), folder / "part.parquet")
    (tmp_path / "sex=__HIVE_DEFAULT_PARTITION__").mkdir()
    pq.write_table(pa.table({"patient": ["nobody"]}), tmp_path / "sex=__HIVE_DEFAULT_PARTITION__" / "part.parquet")
    found = _situations(_assessed(knowledge_base, tmp_path))
    assert {
        who: ("sex=male" in each.replace("/", ";"), "below_50" in each)
        for who, each in found.items()
        if who[-1].isdigit()
    } == {
        "female45": (False, True),
        "female66": (False, False),
        "male45": (True, True),
        "male66": (True, False),
    }
    assert "nobody" in found


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("sex=male", "lies in a folder sex=male, and its column 'sex' says otherwise"),
        ("Sex=female", "'Sex=female', whose name is nearly the key sex"),
        ("age=71", "nearly the key age_years"),
        ("birthdate=1960-01-01", "nearly the key birth_date"),
        ("age_years=old", "lies in a folder age_years=old, which is no value that age_years can have"),
        ("fractures=none", "which is no value that fractures can have"),
        ("age_years=70/age_years=71", "two folders that contradict each other"),
    ],
)
def test_a_folder_that_could_say_something_is_never_passed_over(tmp_path: Path, folder: str, said: str) -> None:
    path = _write(tmp_path / folder / "women.parquet", {})
    with pytest.raises(OsteoError, match=said):
        ParquetFile(path, {name: name for name in pq.read_schema(path).names}, folders.stated(path, {}, ()))


def test_a_folder_that_says_what_its_column_says_is_no_contradiction(
    knowledge_base: KnowledgeBase, tmp_path: Path
) -> None:
    result = _assessed(knowledge_base, _write(tmp_path / "sex=female" / "age=3" / "w.parquet", {}), ignore=["age"])
    assert result.summary.decided == 1


def test_text_in_a_folder_that_says_something_is_refused(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "sex=male").mkdir()
    (tmp_path / "sex=male" / "men.csv").write_text("patient\nadam\n")
    with pytest.raises(OsteoError, match="which is read as a column of Parquet only"):
        _assessed(knowledge_base, tmp_path)
