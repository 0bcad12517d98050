"""Records of CSV: a cell says what a value of JSON says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from osteo_kg import Case, KnowledgeBase, UnreadableCaseError, read_case
from tests.support.documents_of_cases import (
    one_case,
    refused_paths,
    shown,
    values,
)
from tests.support.worked import ON

# CSV


def _row(text: str, column: str = "fractures", **options: Any) -> Case:
    return one_case(f"patient,{column}\r\nanna,{text}\r\n", "csv", **options)


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("fractures", "vertebra:low-energy:2026-02-01:x2;distal-radius", None),
        ("fractures", " vertebra:x2:2026-02-01:low-energy ; distal-radius ", None),
        ("fractures", '"vertebra:low-energy:2026-02-01:x2;distal-radius"', None),
        ("fractures", "none", []),
        ("treatment_history", "none", []),
        ("conditions", "none", []),
        ("conditions", "secondary-osteoporosis-cause", ["secondary-osteoporosis-cause"]),
        ("treatment_history", "alendronate:intolerance", [{"drug": "alendronate", "outcome": "intolerance"}]),
        ("fractures", "", "unknown"),
        ("fractures", '""', "unknown"),
        ("fractures", "  ", "unknown"),
        ("t_score_total_hip", "-2.50", -2.5),
        ("t_score_total_hip", "-2.5", -2.5),
        ("age_years", "62", 62),
        ("climacteric_disorders", "false", False),
    ],
)
def test_a_cell_says_what_a_value_of_json_says(
    column: str, cell: str, value: Any, knowledge_base: KnowledgeBase
) -> None:
    first = {"site": "vertebra", "mechanism": "low-energy", "date": "2026-02-01", "count": 2}
    said = [first, "distal-radius"] if value is None else value
    record = {"patient": "anna"} if said == "unknown" else {"patient": "anna", column: said}
    cell_says, json_says = (
        shown(knowledge_base.assess(case, on=ON)) for case in (_row(cell, column), one_case(json.dumps(record), "json"))
    )
    assert cell_says == json_says


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("fractures", "vertebra;"),
        ("fractures", "None"),
        ("fractures", "none;vertebra"),
        ("fractures", "vertebra:x0"),
        ("fractures", "vertebra:X2"),
        ("fractures", "vertebra:2026-02-30"),
        ("fractures", "elbow"),
        ("treatment_history", "alendronate:intolerance:failure"),
        ("t_score_total_hip", '"-2,5"'),
        ("t_score_total_hip", "−2.5"),
        ("t_score_total_hip", "-2.5 SD"),
        ("age_years", "62y"),
        ("climacteric_disorders", "TRUE"),
        ("climacteric_disorders", "1"),
        ("sex", "F"),
        *(
            pytest.param("fractures", cell)
            for cell in (
                "vertebra:low-energy:high-energy",
                "vertebra:x2:x3",
                "vertebra:2026-02-01:2025-02-01",
            )
        ),
    ],
)
def test_a_cell_that_is_wrong_is_refused_under_its_column(
    column: str, cell: str, knowledge_base: KnowledgeBase
) -> None:
    assert column in refused_paths(knowledge_base, _row(cell, column))


def test_quoted_cells_hold_commas_quotes_and_line_ends() -> None:
    [case] = read_case('patient,sex\r\n"a,""b""\r\nc",female\r\n', "csv")
    assert case.patient == 'a,"b"\r\nc'


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_end_of_line_will_do(ending: str) -> None:
    cases = read_case(ending.join(("patient,sex", "anna,female", "", "berta,male", "")), "csv")
    assert [case.patient for case in cases] == ["anna", "berta"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("patient,sexe\nanna,female\n", "'sexe'.*'sex'.*--ignore-columns"),
        ("patient;sex\nanna;female\n", 'separator is a semicolon(.|\\n)*separator: ";"'),
        ("patient,sex,sex\nanna,female,female\n", "'sex' twice"),
        ('patient,sex\n"anna,female\n', "CSV"),
        ("patient,sex\n" + "a" * 200_000 + ",female\n", "CSV"),
    ],
)
def test_a_table_that_is_wrong_is_refused_saying_where(text: str, said: str) -> None:
    with pytest.raises(UnreadableCaseError, match=said):
        read_case(text, "csv")


def test_unknown_columns_are_passed_over_by_name_or_all() -> None:
    text = "patient,ward,sex,bed\nanna,3,female,12\n"
    plain = one_case("patient,sex\nanna,female\n", "csv")
    assert one_case(text, "csv", ignore_columns=["ward", "bed"]) == plain
    assert one_case(text, "csv", ignore_columns=["all"]) == plain
    with pytest.raises(UnreadableCaseError, match="'bed'"):
        read_case(text, "csv", ignore_columns=["ward"])


def test_a_known_column_named_to_be_passed_over_is_passed_over() -> None:
    assert values(_row("female", "sex", ignore_columns=["sex"]), "hasSex") == set()
