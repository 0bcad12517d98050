"""A cohort is read from JSON and from standard input as from any file."""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from osteo_kg import KnowledgeBase, UnreadableCaseError
from osteo_kg.case import PLAIN
from osteo_kg.cli.main import main
from osteo_kg.cohort.sources import base, registry
from osteo_kg.cohort.sources.base import Reading, found
from tests.support import cohorts
from tests.support.worked import exact_json

_SPOILED = ['{"sex": "female", "sex": "male"}', '{"age_years": "71"}', '{"t_score_total_hip": NaN}', "[1]", "7"]


@pytest.mark.slow
def test_an_array_of_records_is_decided_as_each_record_is_alone(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    records = [*map(exact_json, cohorts.sample(15, 4)), *_SPOILED]
    path = tmp_path / "women.json"
    path.write_text("[\n" + ",\n".join(records) + "\n]", encoding="utf-8")
    rows, summary, reports = cohorts.run(knowledge_base, path, tmp_path)
    wanted, refused = cohorts.expected(knowledge_base, knowledge_base.read(path.read_bytes(), name=path.name))
    assert rows == wanted
    assert cohorts.without_place(reports) == refused
    assert summary.patients == len(records)


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_decided_as_a_file_is(packed: bool, tmp_path: Path) -> None:
    written = b"sex,age_years\nfemale,60\nF,61\n"
    options = ["--on", "2026-11-22", "--rejected", str(tmp_path / "no.jsonl"), "--output", str(tmp_path / "yes.jsonl")]
    sent = gzip.compress(written) if packed else written
    done = CliRunner().invoke(main, ["cohort", "-", "--input-format", "csv", *options], input=sent)
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "yes.jsonl").read_text())["patient"] == "-#1"
    report = json.loads((tmp_path / "no.jsonl").read_text())
    assert (report["file"], report["record"], report["patient"]) == ("-", 2, "-#2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["no.jsonl", "yes.jsonl", "yes.jsonl.metadata.json"]


def _records(inputs: list[str], folder: Path, knowledge_base: KnowledgeBase, named: str | None = None) -> list[Any]:
    parts: Any = None  # what reads parts of records is not asked here
    reading = Reading(knowledge_base.knowledge.terms, PLAIN, folder, parts)
    read = registry.sources(found(inputs, named), reading)
    return [record for source in read for path in source.files for _, record in source.records(path, source.tables)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("named", ["women.json", ".", "*.json", "../women/women.json"])
def test_json_is_found_by_name_in_a_folder_and_by_a_glob(
    named: str, knowledge_base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is neither FHIR nor a record is passed over in a folder."""
    folder = tmp_path / "women"
    folder.mkdir()
    (folder / "women.json").write_text('\ufeff[{"sex": "female"},\n\n {"sex": "male"}]', encoding="utf-8")
    if named == ".":
        (folder / "one.json").write_text('{\n "sex": "female"\n}')
        (folder / "package.json").write_text('{"name": "x"}')
        (folder / "empty.json").write_text("")
        (folder / "cut.json").write_text("{")
    monkeypatch.chdir(folder)
    assert len(_records([named], tmp_path, knowledge_base)) == (3 if named == "." else 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [("[]", "holds no patient"), ('[{"sex": "female"}', "a comma or the end"), ("[{}] x", "after record 1")],
)
def test_json_that_is_not_whole_is_refused(text: str, said: str, knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "women.json").write_text(text)
    with pytest.raises(UnreadableCaseError, match=said):
        _records([str(tmp_path / "women.json")], tmp_path, knowledge_base)


def test_json_in_another_encoding_is_said_to_be_so(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    (tmp_path / "women.json").write_bytes('[{"sex": "ménopausée"}]'.encode("latin-1"))
    with pytest.raises(UnreadableCaseError, match="UTF-8"):
        _records([str(tmp_path / "women.json")], tmp_path, knowledge_base, "json")


def test_json_beside_fhir_is_part_of_the_export(tmp_path: Path) -> None:
    (tmp_path / "patient.json").write_text('{"resourceType": "Patient"}')
    (tmp_path / "women.json").write_text('[{"sex": "female"}]')
    assert {each.format_name for each in found([str(tmp_path)])} == {"fhir"}


@pytest.mark.parametrize(
    ("sent", "named", "said"),
    [
        (b"sex\nfemale\n", None, "--input-format"),
        (b"", "csv", "Standard input is empty"),
        (b"\x1f\x8bnonsense", "csv", "cannot be unpacked"),
        ("sex\nfemale\n".encode("utf-16"), "csv", "UTF-8"),
    ],
)
def test_standard_input_that_cannot_be_read_is_refused(
    sent: bytes,
    named: str | None,
    said: str,
    knowledge_base: KnowledgeBase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(sent)))
    with pytest.raises(UnreadableCaseError, match=said):
        _records([str(base.STANDARD_INPUT)], tmp_path, knowledge_base, named)
