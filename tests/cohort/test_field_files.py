"""Files as registries send them: each is decided, refused or named, by whatever name it is called."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from osteo_kg.cli.main import main
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.worked import ON, SHARED

FIELD = SHARED / "cases" / "field" / "registry"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FIELD.is_dir(), reason="the shared cases are not beside the project"),
]

FRENCH = 'encoding: cp1252\nseparator: ";"\ndecimal: ","\n'
MISSING = 'missing: [NA, "NULL", "-", nan, ".", n/a, "#N/A"]\nvalues:\n  age_years: {"999": missing}\n'


@pytest.fixture(autouse=True)
def loaded(knowledge_base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the commands use the knowledge that is loaded already."""
    monkeypatch.setattr(KnowledgeBase, "load", lambda *_, **__: knowledge_base)


NAMES = ["absolute", "relative", "glob", "folder", "beside"]


def _named(how: str, files: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give files of the field the names that they may have, with the run started where they are those."""
    home, inner = tmp_path / "registry", tmp_path / "registry" / "inner"
    inner.mkdir(parents=True)
    for file in files:
        shutil.copy(FIELD / file, home / file)
    monkeypatch.chdir(inner if how == "beside" else home)
    together = {"glob": ["*.csv"], "folder": ["."], "beside": [".."]}
    return together.get(how) or [str(home / file) if how == "absolute" else file for file in files]


def _run(names: list[str], folder: Path, *options: str) -> tuple[Result, list[Any], list[Any]]:
    """Decide a cohort; give what was said, the decisions, and the reports of those refused."""
    decided, refused = folder / "o.jsonl", folder / "r.jsonl"
    asked = ["--on", str(ON), "--output", str(decided), "--rejected", str(refused), "--format", "json"]
    result = CliRunner().invoke(main, ["cohort", *names, *asked, *options])
    return result, _lines(decided), _lines(refused)


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("how", NAMES)
@pytest.mark.parametrize(
    ("file", "options", "said"),
    [
        ("fr-semicolon-cp1252.csv", (), ["cp1252", 'separator: ";"', 'decimal: ","', "template profile fr-semicolon"]),
        (
            "ignored-critical.csv",
            (),
            ["'T_score_femoral_neck'", "columns: {T_score_femoral_neck: t_score_femoral_neck}"],
        ),
        ("ignored-critical.csv", ("--ignore-columns", "all"), ["'T_score_femoral_neck'", "nearly"]),
        (
            "case-header.csv",
            (),
            ["  Sex: sex", "  Age_Years: age_years", "  T_Score_Femoral_Neck: t_score_femoral_neck"],
        ),
        ("case-header.csv", ("--ignore-columns", "all"), ["'Sex'", "'T_Score_Femoral_Neck'"]),
    ],
)
def test_a_file_of_the_field_is_refused_with_what_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, file: str, options: tuple[str, ...], said: list[str]
) -> None:
    result, decided, refused = _run(_named(how, (file,), tmp_path, monkeypatch), tmp_path, *options)
    assert (result.exit_code, decided, refused) == (2, [], [])
    assert [each for each in said if each not in result.stderr] == []


@pytest.mark.parametrize(
    ("file", "profile", "read"),
    [
        ("fr-semicolon-cp1252.csv", FRENCH, ["Élodie"]),
        ("na.csv", MISSING, ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A9"]),
        ("ignored-critical.csv", "columns: {T_score_femoral_neck: t_score_femoral_neck}\n", ["A1"]),
    ],
)
def test_a_file_of_the_field_is_read_by_its_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, profile: str, read: list[str]
) -> None:
    by = tmp_path / "profile.yaml"
    by.write_text(profile, encoding="utf-8")
    named = _named("relative", (file,), tmp_path, monkeypatch)
    result, decided, refused = _run(named, tmp_path, "--profile", str(by))
    assert result.exit_code == 0, result.stderr
    assert [row["patient"] for row in decided] == read
    assert [each["patient"] for each in refused] == (["A8"] if file == "na.csv" else [])


@pytest.mark.parametrize("how", NAMES)
def test_a_patient_of_the_field_with_an_odd_value_is_refused_by_herself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Codes for missing values are named; exactly nine and eight are such codes, and what is lower warns."""
    files = ("na.csv", "sentinel.csv", "pub-dialect.csv")
    result, decided, refused = _run(_named(how, files, tmp_path, monkeypatch), tmp_path)
    assert result.exit_code == 0, result.stderr
    assert len(decided) + len(refused) == 20
    of_file = {
        file: {each["patient"]: each["results"] for each in refused if each["file"].endswith(file)} for file in files
    }
    codes = {"A1": "NA", "A2": "NULL", "A3": "-", "A5": "nan", "A6": ".", "A7": "n/a"}
    assert of_file["na.csv"].keys() == {*codes, "A8"}
    for patient, code in codes.items():
        assert any(f'missing: ["{code}"]' in found["advice"] for found in of_file["na.csv"][patient])
    assert of_file["sentinel.csv"].keys() == {"A1", "A4", "A7", "A9"}
    for patient in ("A1", "A4", "A7"):
        assert any("code for a missing value" in found["message"] for found in of_file["sentinel.csv"][patient])
    assert any("implausible-t-score" in row["warnings"] for row in decided if row["patient"] == "A2")
    [found] = [each for results in of_file["pub-dialect.csv"].values() for each in results]
    assert "commas in place of ';'" in found["advice"]
    assert "p0" in {row["patient"] for row in decided}


@pytest.mark.parametrize(
    ("file", "said"), [("fr-semicolon-cp1252.csv", "cp1252"), ("case-header.csv", "  Sex: sex"), ("na.csv", "NA")]
)
def test_assess_says_the_same_of_a_file_of_the_field(file: str, said: str) -> None:
    result = CliRunner().invoke(main, ["assess", str(FIELD / file), "--on", str(ON)])
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize("command", [["assess"], ["validate"], ["convert", "--to", "json"]])
def test_a_file_of_the_field_in_a_folder_that_says_otherwise_is_refused_by_every_command(command: list[str]) -> None:
    result = CliRunner().invoke(main, [*command, str(FIELD / "hiveconflict" / "sex=male" / "x.parquet")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "x.parquet lies in the folder sex=male" in result.stderr


@pytest.mark.parametrize("command", [["assess"], ["validate"], ["convert", "--to", "json"]])
def test_the_profile_that_is_advised_reads_the_file(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "profile.yaml").write_text(FRENCH, encoding="utf-8")
    file = str(FIELD / "fr-semicolon-cp1252.csv")
    result = CliRunner().invoke(main, [*command, file, "--profile", str(tmp_path / "profile.yaml")])
    assert result.exit_code == 0, result.stderr
    assert "Élodie" in result.stdout
