"""A table of another making says of each patient what the same table says as the contract has it."""

from __future__ import annotations

import csv
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pyoxigraph as ox
import pytest

from osteo_kg.case import Profile
from osteo_kg.cohort import CohortResult, assess_cohort
from osteo_kg.cohort.sources import mapping
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import OSTEO, XSD
from tests.support.worked import ON

pytestmark = pytest.mark.slow

COLUMNS = {
    "Identifiant": "patient",
    "sexe": "sex",
    "ménopause": "menopausal_status",
    "âge": "age_years",
    "naissance": "birth_date",
    "T col": "t_score_femoral_neck",
    "date DMO": "densitometry_date",
    "fractures": "fractures",
    "traitements": "treatment_history",
    "troubles": "climacteric_disorders",
    "clairance": "creatinine_clearance",
}
ROWS = [
    ("Élodie", "F", "oui", "71", "", "-2,9", "03/02/2026", "aucune", "Fosamax:échec", "non", "NA"),
    ("Zoé", "f", "oui", "NA", "5/1/1960", "-9", "02/2026", "vertèbre:chute:03/02/2026;poignet", "", "oui", "61,5"),
    ("Léa", "F", "non", "70", "", "-3", "", "", "aucun", "NA", ""),
    ("Paul", "H", "", "70", "", ".", "2025", "poignet", "aucun", "", ""),
    ("Inès", "Fille", "oui", "70", "", "-1,5", "31/02/2026", "", "", "peut-être", ""),
    ("Ada", "F", "oui", "70", "", "-2,5", "", "NA", "", "", "30"),
]
_KEYS = ",".join(COLUMNS.values())
PLAIN = f"""{_KEYS}
Élodie,female,postmenopausal,71,,-2.9,2026-02-03,none,alendronate:failure,false,
Zoé,female,postmenopausal,,1960-01-05,,2026-02,vertebra:low-energy:2026-02-03;distal-radius,,true,61.5
Léa,female,premenopausal,70,,-3,,,none,,
Paul,male,,70,,,2025,distal-radius,none,,
Inès,Fille,postmenopausal,70,,-1.5,31/02/2026,,,peut-être,
Ada,female,postmenopausal,70,,-2.5,,,,,30
"""
VALUES: dict[str, str | dict[str, str]] = {
    "F": "female",
    "H": "male",
    "oui": "true",
    "non": "false",
    "Fosamax": "alendronate",
    "échec": "failure",
    "menopausal_status": {"oui": "postmenopausal", "non": "premenopausal"},
    "fractures": {"aucune": "none", "chute": "low-energy"},
    "site": {"vertèbre": "vertebra", "poignet": "distal-radius"},
    "traitements": {"aucun": "none"},
    "T col": {"-9": "missing"},
}
PROFILE = Profile(decimal=",", columns=COLUMNS, values=VALUES, missing=("NA", "."), dates="DD/MM/YYYY")
#: A profile of text beside what the values are called.
TEXT = Profile(**{**vars(PROFILE), "separator": ";", "encoding": "cp1252"})


def _csv(path: Path) -> None:
    with path.open("w", encoding="cp1252", newline="") as file:
        csv.writer(file, delimiter=";").writerows([COLUMNS, *ROWS])


def _json_lines(path: Path) -> None:
    rows = (dict(zip(COLUMNS, row, strict=True)) for row in ROWS)
    path.write_text("\n".join(json.dumps({k: v for k, v in row.items() if v}) for row in rows), encoding="utf-8")


def _workbook(path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("patients", 0)
    for row in ([*COLUMNS], *ROWS):
        sheet.append([_typed(cell) for cell in row])
    book.create_sheet("notes").append(["written by hand"])
    book.save(path)


def _typed(cell: str) -> Any:
    """Give a cell as Excel holds it: a number and a day of its own type."""
    for read in (lambda: float(cell.replace(",", ".")), lambda: datetime.datetime.strptime(cell, "%d/%m/%Y")):
        try:
            return read()
        except ValueError:
            continue
    return cell or None


def _parquet(path: Path) -> None:
    columns = [[cell or None for cell in column] for column in zip(*ROWS, strict=True)]
    pq.write_table(pa.table(dict(zip(COLUMNS, columns, strict=True))), path)


def _result(knowledge_base: KnowledgeBase, path: Path, profile: Profile | Path | None = None) -> CohortResult:
    return assess_cohort(path, on=ON, profile=profile, knowledge_base=knowledge_base)


def _rows(result: CohortResult) -> tuple[Any, Any]:
    assert result.decisions is not None
    assert result.rejected is not None
    refused = [(row["patient"], {each["message"] for each in row["results"]}) for row in result.rejected.to_pylist()]
    return sorted(result.decisions.to_pylist(), key=lambda row: row["patient"]), sorted(refused)


@pytest.mark.parametrize(
    ("name", "write", "profile"),
    [
        ("t.csv", _csv, TEXT),
        ("t.jsonl", _json_lines, PROFILE),
        ("t.xlsx", _workbook, PROFILE),
        ("t.parquet", _parquet, PROFILE),
    ],
)
def test_a_table_is_read_by_its_profile_as_the_plain_one(
    knowledge_base: KnowledgeBase, tmp_path: Path, name: str, write: Callable[[Path], None], profile: Profile
) -> None:
    plain = tmp_path / "plain.csv"
    plain.write_text(PLAIN, encoding="utf-8")
    write(tmp_path / name)
    found = _result(knowledge_base, tmp_path / name, profile)
    assert _rows(found) == _rows(_result(knowledge_base, plain))
    assert found.summary.patients == found.summary.decided + found.summary.rejected == len(ROWS)
    [columns] = found.summary.columns
    assert dict(columns.read) == COLUMNS
    assert columns.values["sexe"]["F"] == "female"
    assert found.summary.to_json()["columns"][0]["read"] == COLUMNS


def test_rows_with_too_many_different_values_are_read_one_by_one_as_well(
    knowledge_base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _parquet(tmp_path / "t.parquet")
    by_column = _rows(_result(knowledge_base, tmp_path / "t.parquet", PROFILE))
    monkeypatch.setattr(mapping, "_MOST", 1)
    assert _rows(_result(knowledge_base, tmp_path / "t.parquet", PROFILE)) == by_column


def test_numbers_and_lists_of_a_parquet_file_are_mapped_too(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    table = pa.table(
        {
            "patient": ["a", "b", "c"],
            "sexe": pa.array([2, 2, 1], pa.int8()),
            "menop": [True, True, None],
            "t": [-2.9, -9.0, None],
            "sites": [["vertèbre"], [], None],
            "troubles": pa.array([1, 0, 7]),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    keys = ("patient", "sex", "menopausal_status", "t_score_total_hip", "fractures", "climacteric_disorders")
    profile = Profile(
        columns=dict(zip(table.column_names, keys, strict=True)),
        values={
            "sex": {"1": "male", "2": "female"},
            "menop": {"true": "postmenopausal"},
            "t": {"-9": "missing"},
            "sites": {"vertèbre": "vertebra"},
            "troubles": {"1": "true", "0": "false"},
        },
    )
    plain = tmp_path / "plain.jsonl"
    records: list[dict[str, Any]] = [
        {"patient": "a", "sex": "female", "menopausal_status": "postmenopausal", "t_score_total_hip": -2.9}
        | {"fractures": ["vertebra"], "climacteric_disorders": True},
        {"patient": "b", "sex": "female", "menopausal_status": "postmenopausal", "fractures": []}
        | {"climacteric_disorders": False},
        {"patient": "c", "sex": "male", "climacteric_disorders": 7},
    ]
    plain.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")
    found = _result(knowledge_base, tmp_path / "t.parquet", profile)
    assert _rows(found) == _rows(_result(knowledge_base, plain))


def test_a_text_in_a_column_of_numbers_is_refused_for_its_patient_and_not_lost(
    knowledge_base: KnowledgeBase, tmp_path: Path
) -> None:
    table = pa.table({"patient": ["a", "b", "c"], "sex": ["female"] * 3, "t_score_total_hip": ["-2,9", "bas", None]})
    pq.write_table(table, tmp_path / "t.parquet")
    decided, refused = _rows(_result(knowledge_base, tmp_path / "t.parquet", Profile(decimal=",")))
    assert [row["patient"] for row in decided] == ["a", "c"]
    assert [patient for patient, _ in refused] == ["b"]


def test_several_sheets_of_patients_are_refused_and_another_sheet_is_named(
    knowledge_base: KnowledgeBase, tmp_path: Path
) -> None:
    _workbook(tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    for row in (["what it is", "name"], ["sex", "sexe"], ["age_years", "âge"]):
        book["notes"].append(row)
    book.save(tmp_path / "t.xlsx")
    assert any("notes" in each for each in _result(knowledge_base, tmp_path / "t.xlsx", PROFILE).summary.remarks)
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    book.create_sheet("2025").append(["patient", "sex"])
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(UnreadableCaseError, match="several sheets of patients"):
        _result(knowledge_base, tmp_path / "t.xlsx", PROFILE)


def test_a_key_that_a_profile_makes_stand_twice_is_refused_for_its_patient(
    knowledge_base: KnowledgeBase, tmp_path: Path
) -> None:
    (tmp_path / "t.jsonl").write_text('{"patient": "a", "sexe": "female", "sex": "male"}\n{"sexe": "female"}\n')
    decided, refused = _rows(_result(knowledge_base, tmp_path / "t.jsonl", Profile(columns={"sexe": "sex"})))
    assert (len(decided), [patient for patient, _ in refused]) == (1, ["a"])


def test_a_score_of_a_workbook_has_the_digits_that_it_shows(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("patients")
    sheet.append(["patient", "sex", "t_score_total_hip", "age_years"])
    sheet.append([17, "female", -2.9, 71.0])
    book.save(tmp_path / "t.xlsx")
    [case] = knowledge_base.read((tmp_path / "t.xlsx").read_bytes(), name="t.xlsx")
    assert (case.patient, case.findings) == ("17", ())
    assert [ox.Literal("-2.9", datatype=XSD.decimal)] == [t.object for t in case.triples if t.predicate == OSTEO.tScore]


@pytest.mark.parametrize(
    ("cell", "kind", "refused"),
    [("=-2-0.7", "f", True), ("#N/A", "e", True), ("#DIV/0!", "e", True), (-2.7, "n", False), (None, "n", False)],
)
def test_a_cell_of_a_workbook_that_has_something_in_it_and_no_value_refuses_its_patient(
    knowledge_base: KnowledgeBase, tmp_path: Path, cell: Any, kind: str, refused: bool
) -> None:
    """Read as an empty cell it would say that nothing was measured; the last cell of a sheet lies beyond its values."""
    book = openpyxl.Workbook()
    sheet = book.create_sheet("patients")
    sheet.append(["patient", "sex", "age_years", "t_score_total_hip"])
    sheet.append(["first", "female", 71, -2.5])
    sheet.append(["second", "female", 71, cell])
    sheet.cell(3, 4).data_type = kind
    book.save(tmp_path / "t.xlsx")
    decided, reports = _rows(_result(knowledge_base, tmp_path / "t.xlsx", Profile()))
    assert (len(decided), [patient for patient, _ in reports]) == (2 - refused, ["second"] * refused)


@pytest.mark.parametrize(
    ("areas", "refused"),
    [
        (["D2:D4"], {"t.xlsx#2": "'t_score_total_hip' is merged with D2", "t.xlsx#3": "is merged with D2"}),
        (["B3:C3"], {"t.xlsx#2": "'age_years' is merged with B3"}),
        (["A2:A3"], {}),
        (["E2:E4", "A6:E6"], {}),
        (["A5:E5"], {"t.xlsx#4": "'sex' is merged with A5"}),
    ],
)
def test_a_value_that_stands_in_a_merged_cell_is_lost_for_nobody(
    knowledge_base: KnowledgeBase, tmp_path: Path, areas: list[str], refused: dict[str, str]
) -> None:
    """Excel keeps it in the first of them: read as empty, the others would say that nothing was measured."""
    book = openpyxl.Workbook()
    sheet = book.create_sheet("patients")
    sheet.append(["patient", "sex", "age_years", "t_score_total_hip", "note"])
    for name in ("first", "second", "third"):
        sheet.append([name, "female", 71, -2.5, "seen"])
    if areas == ["A5:E5"]:
        sheet.append(["Source: the registry"])
    for area in areas:
        sheet.merge_cells(area)
    book.save(tmp_path / "t.xlsx")
    decided, reports = _rows(_result(knowledge_base, tmp_path / "t.xlsx", Profile(ignore=("note",))))
    assert len(decided) + len(reports) == (4 if areas == ["A5:E5"] else 3)
    assert dict(reports).keys() == refused.keys()
    assert all(said in next(iter(dict(reports)[patient])) for patient, said in refused.items())
    if areas == ["A2:A3"]:
        assert [row["patient"] for row in decided] == ["first", "first", "third"]


@pytest.mark.parametrize("title", [["Registre 2026"], ["Identité", None, "DMO"], [None, "Registre"]])
def test_a_title_above_the_names_of_columns_is_told_and_an_empty_column_is_none(
    knowledge_base: KnowledgeBase, tmp_path: Path, title: list[str | None]
) -> None:
    book = openpyxl.Workbook()
    sheet = book.create_sheet("patients")
    sheet.append([])
    sheet.append([None, "patient", "sex", None, "age_years"])
    sheet.append([None, 17, "female", None, 71])
    book.save(tmp_path / "t.xlsx")
    assert _result(knowledge_base, tmp_path / "t.xlsx").summary.decided == 1
    sheet.insert_rows(1)
    for column, cell in enumerate(title, 1):
        sheet.cell(1, column).value = cell
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(UnreadableCaseError, match="names of its columns below a row"):
        _result(knowledge_base, tmp_path / "t.xlsx")
