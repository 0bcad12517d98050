"""The command line: what it prints, what it complains of, and how it ends."""

from __future__ import annotations

import contextlib
import csv
import datetime
import importlib.metadata
import itertools
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click
import pytest
from click.testing import Result

from osteo_kg import KnowledgeBase
from osteo_kg.cli.main import main
from tests.support.commands import run
from tests.support.worked import ON

pytestmark = pytest.mark.slow


ROOT = Path(__file__).resolve().parents[2]
WOMAN = {"sex": "female", "menopausal_status": "postmenopausal", "age_years": 70}
TREAT = {**WOMAN, "patient": "anna", "t_score_total_hip": -3.1, "fractures": [], "treatment_history": []}
WRONG = {**WOMAN, "patient": "berta", "t_score_total_hip": -24, "fractures": []}
UNREADABLE = "{"


def assess(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return run("assess", "--on", ON.isoformat(), *arguments, stdin=stdin)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """One file of each kind, by what is in it."""
    contents = {
        "anna.json": json.dumps(TREAT),
        "berta.json": json.dumps(WRONG),
        "both.json": json.dumps([WRONG, TREAT]),
        "broken.json": UNREADABLE,
        "ward.csv": "patient,sex,bed\nanna,male,1\nberta,male,2\n",
    }
    for name, text in contents.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return {name.partition(".")[0]: str(tmp_path / name) for name in contents}


# The commands


def test_the_version_is_that_of_the_package() -> None:
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"osteo-kg, version {importlib.metadata.version('osteo-kg')}\n")


COMMANDS = main.list_commands(click.Context(main))


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_every_command_explains_itself_and_each_of_its_options(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    own = main.get_command(click.Context(main), command[0]) if command else main
    assert own is not None
    options = [each for each in own.params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help or each.opts[0] not in result.stdout] == []


def test_no_command_is_lost() -> None:
    assert {"assess", "validate", "table", "ontology"} - set(COMMANDS) == set()


@pytest.mark.parametrize(
    "arguments",
    [
        ["bogus"],
        ["assess"],
        ["validate"],
        ["assess", "-", "--on", "2026-13-01"],
        ["assess", "-", "--on", "tomorrow"],
        ["assess", "-", "--by", "guessing"],
        ["assess", "-", "--language", "de"],
        ["assess", "-", "--format", "pdf"],
        ["assess", "-", "--input-format", "pdf"],
        ["assess", "-", "--knowledge", "no-such-folder"],
        ["table", "--all", "--format", "html"],
    ],
)
def test_what_cannot_be_asked_exits_with_2_and_says_why(arguments: list[str]) -> None:
    result = run(*arguments, stdin="")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Error: " in result.stderr


def test_a_wrong_day_is_told_how_to_be_written() -> None:
    assert "2026-11-22" in run("assess", "-", "--on", "22/11/2026", stdin="").stderr


def test_assess_answers_in_sentences(files: dict[str, str]) -> None:
    result = assess(files["anna"])
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "anna, assessed 22 November 2026"
    assert lines[1].strip() == "Start treatment"
    assert "Not a medical device" in lines[-1]


def test_assess_answers_in_french(files: dict[str, str]) -> None:
    result = assess(files["both"], "--language", "fr")
    assert result.exit_code == 2
    assert "Patiente anna – évaluation du 22/11/2026" in result.stdout
    assert "Motif" in result.stdout
    assert "n’est pas un dispositif médical" in result.stdout
    assert re.search(r"^berta\W+dossier refusé", result.stdout, re.MULTILINE)
    assert "hors de" in result.stderr
    assert not re.search(r"\b(Reason|option in|outside|to correct)\b", result.stdout + result.stderr)


@pytest.mark.parametrize("language", ["en", "fr"])
def test_json_says_what_the_library_says(language: str, files: dict[str, str], knowledge_base: KnowledgeBase) -> None:
    [case] = knowledge_base.read(json.dumps(TREAT), "json")
    result = assess(files["anna"], "--format", "json", "--language", language)
    said = knowledge_base.assess(case, on=ON).to_json("fr" if language == "fr" else "en")
    assert json.loads(result.stdout) == json.loads(json.dumps(said))


def test_reasoning_on_the_case_itself_gives_the_same_answer(files: dict[str, str]) -> None:
    looked_up, reasoned = (
        assess(files["anna"], "--format", "json", "--by", method).stdout for method in ("situation", "reasoning")
    )
    assert json.loads(looked_up) == json.loads(reasoned)
    assert json.loads(reasoned)["disposition"] == "treat"


def test_the_day_of_assessment_is_today_unless_said(files: dict[str, str]) -> None:
    before = datetime.date.today().isoformat()
    said = json.loads(run("assess", files["anna"], "--format", "json").stdout)["assessed_on"]
    assert before <= said <= datetime.date.today().isoformat()


def test_a_section_may_be_assumed_to_be_complete(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps({**WOMAN, "t_score_total_hip": -2.5}), encoding="utf-8")
    unknown, assumed = (
        json.loads(assess(str(file), "--format", "json", *options).stdout)
        for options in ([], ["--assume-complete", "fractures, treatments,conditions"])
    )
    assert (unknown["disposition"], assumed["disposition"]) == ("undetermined", "specialist-opinion")
    assert [each["code"] for each in assumed["assumptions"]] == ["section-assumed-complete"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--assume-complete", "bones"], "conditions, fractures, treatments"),
        (["--guideline", "bogus"], "oic-128-08-b"),
        (["--by", "reasoning", "--assume-complete", "bones"], "conditions, fractures, treatments"),
    ],
)
def test_a_name_that_does_not_exist_is_told_those_that_do(options: list[str], said: str, files: dict[str, str]) -> None:
    result = assess(files["anna"], *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_validate_says_that_a_case_is_fit_or_what_to_correct(files: dict[str, str]) -> None:
    fit, unfit = (run("validate", "--on", ON.isoformat(), files[name]) for name in ("anna", "berta"))
    assert (fit.exit_code, fit.stderr) == (0, "")
    assert "anna: can be assessed" in fit.stdout
    assert unfit.exit_code == 2
    assert "berta: refused" in unfit.stdout
    assert "t_score_total_hip (-24)" in unfit.stderr


def test_a_report_as_json_conforms_or_names_each_violation(files: dict[str, str]) -> None:
    result = run("validate", files["both"], "--format", "json", "--on", ON.isoformat())
    berta, anna = json.loads(result.stdout)
    assert (anna["patient"], anna["conforms"]) == ("anna", True)
    assert [each["value"] for each in anna["results"]] == ["DensitometryUndated"]  # a warning refuses nobody
    assert berta["patient"], berta["conforms"] == ("berta", False)
    [found] = [each for each in berta["results"] if each["severity"] == "violation"]
    assert set(found) == {"severity", "focus", "path", "value", "message", "advice"}
    assert (found["severity"], found["path"], found["value"]) == ("violation", "t_score_total_hip", "-24")


# Several cases


@pytest.mark.parametrize("command", ["assess", "validate"])
def test_json_of_one_case_is_an_object_and_of_several_an_array(command: str, files: dict[str, str]) -> None:
    one = json.loads(run(command, files["anna"], "--format", "json").stdout)
    several = json.loads(run(command, files["anna"], files["anna"], "--format", "json").stdout)
    assert isinstance(one, dict)
    assert several == [one, one]


@pytest.mark.parametrize("command", ["assess", "validate"])
def test_json_lines_are_one_for_each_case(command: str, files: dict[str, str]) -> None:
    lines = run(command, files["both"], files["anna"], "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["patient"] for line in lines] == ["berta", "anna", "anna"]


def test_several_guidelines_give_one_answer_each(files: dict[str, str]) -> None:
    twice = ["--guideline", "oic-128-08-b", "--guideline", "oic-128-08-b"]
    answers = json.loads(assess(files["anna"], "--format", "json", *twice).stdout)
    assert [answer["disposition"] for answer in answers] == ["treat", "treat"]


def test_a_refused_case_has_its_report_in_its_place_and_the_others_are_answered(files: dict[str, str]) -> None:
    result = assess(files["anna"], files["both"], files["broken"], files["anna"], "--format", "jsonl")
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 2
    assert [answer.get("disposition", answer.get("conforms")) for answer in answers] == [
        "treat",
        False,
        "treat",
        "treat",
    ]
    assert [line for line in result.stderr.splitlines() if "broken.json" in line]
    assert [line for line in result.stderr.splitlines() if "berta" in line]


@pytest.mark.parametrize("command", ["assess", "validate"])
def test_a_file_that_is_missing_or_cannot_be_read_is_a_sentence(
    command: str, files: dict[str, str], tmp_path: Path
) -> None:
    (empty := tmp_path / "empty").mkdir()
    for file in (str(tmp_path / "missing.json"), str(empty), files["broken"]):
        result = run(command, file, "--input-format", "json")
        assert result.exit_code == 2
        [line] = result.stderr.splitlines()
        assert line.startswith("osteo-kg: ")
        assert Path(file).name in line
        assert line.endswith(".")


def test_columns_may_be_passed_over(files: dict[str, str]) -> None:
    refused = assess(files["ward"])
    assert refused.exit_code == 2
    assert "'bed'" in refused.stderr
    for names in ("bed", "all", "bed, ward"):
        assert assess(files["ward"], "--ignore-columns", names).exit_code == 0


# Standard input


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_hyphen_is_standard_input(form: str) -> None:
    nameless = {key: value for key, value in TREAT.items() if key != "patient"}
    result = assess("-", "--input-format", form, "--format", "json", stdin=json.dumps(nameless))
    assert result.exit_code == 0
    assert json.loads(result.stdout)["patient"] == "-#1"


@pytest.mark.parametrize(
    ("options", "stdin"),
    [([], json.dumps(TREAT)), (["--input-format", "json"], ""), (["--input-format", "ttl"], b"\xff")],
)
def test_standard_input_that_cannot_be_read_is_a_sentence(options: list[str], stdin: str | bytes) -> None:
    result = assess("-", *options, stdin=stdin)
    assert result.exit_code == 2
    assert result.stderr.startswith("osteo-kg: - ") or "format of -" in result.stderr


def test_a_table_without_rows_is_not_a_success() -> None:
    assert assess("-", "--input-format", "csv", stdin="patient,sex\n").exit_code == 2


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_value_that_is_not_unicode_can_be_shown(form: str) -> None:
    assert assess("-", "--input-format", "json", "--format", form, stdin='{"sex": "\\ud800"}').exit_code == 2


# Knowledge at fault


BAD_MODULES = {
    "is not Turtle": "this is not Turtle",
    "contradicts ours": """
        PREFIX osteo: <https://w3id.org/osteo-kg/ns/> PREFIX owl: <http://www.w3.org/2002/07/owl#>
        osteo:PatientWithVertebralFracture owl:disjointWith osteo:PatientWithSevereFracture .
    """,
}


@pytest.mark.parametrize(
    ("command", "name"), [("assess", "is not Turtle"), ("table", "is not Turtle"), ("assess", "contradicts ours")]
)
def test_a_module_that_is_at_fault_exits_with_1(command: str, name: str, files: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    (folder / "module.ttl").write_text(BAD_MODULES[name], encoding="utf-8")
    result = run(command, *([files["anna"]] if command == "assess" else []), "--knowledge", str(folder))
    assert (result.exit_code, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert line.startswith("osteo-kg: ")


@pytest.mark.parametrize("command", ["validate", "ontology"])
def test_a_folder_without_modules_exits_with_1(command: str, files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = run(command, *([files["anna"]] if command == "validate" else []), "--knowledge", str(tmp_path / "empty"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "empty" in result.stderr


@pytest.mark.parametrize(
    "name",
    [
        "cycle",
        "folder",
        "dangling",
    ],
)
def test_an_odd_folder_of_knowledge_gives_no_traceback(name: str, files: dict[str, str], tmp_path: Path) -> None:
    """Two classes that are each a subclass of the other are equivalent, and no fault at all."""
    folder = tmp_path / "knowledge"
    folder.mkdir()
    if name == "cycle":
        below = "<http://www.w3.org/2000/01/rdf-schema#subClassOf>"
        (folder / "module.ttl").write_text(f"<urn:a> {below} <urn:b> . <urn:b> {below} <urn:a> .", encoding="utf-8")
    elif name == "folder":
        (folder / "module.ttl").mkdir()
    else:
        (folder / "module.ttl").symlink_to(tmp_path / "nowhere")
    assert run("validate", files["anna"], "--knowledge", str(folder)).exit_code in (0, 1)


# As a program


def _scripts() -> dict[str, str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        scripts: dict[str, str] = tomllib.load(file)["project"]["scripts"]
    assert scripts
    return scripts


def _program(name: str = "osteo-kg") -> list[str]:
    installed = Path(sys.executable).parent / name
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "osteo_kg"]


@pytest.mark.parametrize("name", _scripts())
def test_every_script_of_the_package_runs(name: str) -> None:
    entry = importlib.metadata.EntryPoint(name, _scripts()[name], "console_scripts")
    assert callable(entry.load())
    done = subprocess.run([*_program(name), "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{name}, version ")
    assert done.stderr == ""


def test_the_module_runs_as_the_script_does() -> None:
    done = subprocess.run([sys.executable, "-m", "osteo_kg", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("osteo-kg, version ")


def test_piped_output_has_no_colour_and_a_refusal_no_traceback(files: dict[str, str]) -> None:
    command = [*_program(), "assess", files["both"], files["broken"], "--on", ON.isoformat()]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 2
    assert b"Treatment" in done.stdout
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr


@contextlib.contextmanager
def _cut_short(*arguments: str) -> Iterator[IO[str]]:
    """Give what a program prints, and close it before the program is done: it must end without a complaint."""
    command = [*_program(), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        yield process.stdout
        process.stdout.close()
        complaints = process.stderr.read()
    assert complaints == ""
    assert process.returncode in (0, 1)


@pytest.mark.parametrize("arguments", [["assess", "FILE"], ["assess", "FILE", "--format", "jsonl"], ["ontology"]])
def test_a_reader_that_has_seen_enough_gets_no_traceback(arguments: list[str], tmp_path: Path) -> None:
    file = tmp_path / "many.json"
    file.write_text(json.dumps([TREAT] * 60), encoding="utf-8")
    with _cut_short(*(str(file) if each == "FILE" else each for each in arguments)) as output:
        assert output.readline()


def test_the_whole_table_has_one_line_for_each_situation() -> None:
    """It is long: the beginning must do here."""
    with _cut_short("table", "--all", "--format", "csv") as output:
        header, *rows = csv.reader(itertools.islice(output, 3000))
    assert len({row[0] for row in rows}) == len(rows) == 2999
    assert {len(row) for row in rows} == {len(header)}
    assert header[0] == "situation"
    assert {row[header.index("disposition")] for row in rows} >= {"specialist-opinion", "treat"}


def test_french_can_be_written_where_the_terminal_knows_no_accents(files: dict[str, str]) -> None:
    command = [sys.executable, "-m", "osteo_kg", "assess", files["anna"], "--language", "fr"]
    environment = {"PYTHONIOENCODING": "ascii", "PATH": "/usr/bin"}
    done = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert b"Traceback" not in done.stderr
