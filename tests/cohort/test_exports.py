"""A bulk export as servers write it: cohort and `assess` say of its folder what they say of one Bundle of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from osteo_kg.case import read_folder
from osteo_kg.case.fhir.exports import Beside
from osteo_kg.cli.main import main
from osteo_kg.cohort.request import Request
from osteo_kg.cohort.run import assess
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support import cohorts
from tests.support.bundles import NO_FRACTURE, POSTMENOPAUSAL, Resource, patient, t_score
from tests.support.worked import ON, ROOT, exact_json

pytestmark = pytest.mark.slow

HER_TEST = t_score("38267-1", Decimal("-3.20"))
RESOURCES: tuple[Resource, ...] = (patient(), HER_TEST, POSTMENOPAUSAL, NO_FRACTURE)
LINES = [exact_json(each) for each in RESOURCES]
SHARED = ROOT.parent / "shared" / "cases" / "field" / "clinic"
LOG = json.dumps({"exportId": "e", "eventId": "kickoff"})
ERROR = json.dumps({"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "timeout"}]})


def _pretty(line: str) -> str:
    """Write a resource over many lines, its numbers digit for digit."""
    return line.replace('{"', '{\n  "').replace(', "', ',\r\n\t"').replace("}", "\n}", 1)


def _by_type(folder: Path) -> None:
    for number, line in enumerate(LINES):
        (folder / f"{number}.ndjson").write_text(f"{line}\n")


def _with(name: str, text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        _by_type(folder)
        (folder / name).write_text(text)

    return write


def _one_file(name: str, text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_bytes(text.encode())

    return write


def _pretty_printed(folder: Path) -> None:
    for number, line in enumerate(LINES):
        (folder / f"{number}.{'json' if number % 2 else 'ndjson'}").write_text(_pretty(line))


def _in_capitals(folder: Path) -> None:
    (folder / "PATIENT.NDJSON").write_text(LINES[0])
    (folder / "OTHERS.NDJSON.GZ").write_bytes(gzip.compress("\n".join(LINES[1:]).encode()))


def _compressed_in_secret(folder: Path) -> None:
    (folder / "export.ndjson").write_bytes(gzip.compress("\n".join(LINES).encode()))
    (folder / "empty.ndjson.gz").write_bytes(b"")


def _nested(folder: Path) -> None:
    for number, line in enumerate(LINES):
        inside = folder / f"part{number}" / "deeper"
        inside.mkdir(parents=True)
        (inside / "part.ndjson").write_text(line)


def _linked(folder: Path) -> None:
    """A folder that is linked, with a link back to where it came from, and a file that is there twice."""
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "rest.ndjson").write_text("\n".join(LINES[1:]))
    (elsewhere / "back").symlink_to(folder)
    (folder / "Patient.ndjson").write_text(LINES[0])
    (folder / "Patient.2.ndjson").symlink_to("Patient.ndjson")
    (folder / "linked").symlink_to(elsewhere)


WAYS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "a file for each": (_by_type, ()),
    "an empty file": (_with("Condition.ndjson", ""), ("Empty files: Condition.ndjson.",)),
    "white space alone": (_with("Condition.json", " \r\n\ufeff\n"), ("Empty files: Condition.json.",)),
    "a log": (
        _with("log.ndjson", f"{LOG}\n{LOG}\n"),
        ("Passed over, as no FHIR resource (no resourceType): log.ndjson ×2.",),
    ),
    "a manifest": (
        _with("manifest.json", json.dumps({"output": [], "error": []}, indent=2)),
        ("Passed over, as no FHIR resource (no resourceType): manifest.json ×1.",),
    ),
    "no resource among resources": (
        _one_file("export.ndjson", "\n".join([LOG, *LINES, "[1]", '{"resourceType": 5}'])),
        ("Passed over, as no FHIR resource (no resourceType): export.ndjson ×3.",),
    ),
    "errors": (
        _with("errors.ndjson", ERROR),
        ("Errors that the server reported (OperationOutcome): errors.ndjson ×1.",),
    ),
    "pretty-printed": (_pretty_printed, ()),
    "pretty-printed in one file": (_one_file("export.ndjson", "\n\n".join(map(_pretty, LINES))), ()),
    "an array": (_one_file("export.json", f" [\n{','.join(LINES)}]\n"), ()),
    "other ends of lines": (_one_file("export.ndjson", "\ufeff" + "\r\n\r\n".join(LINES) + "\r\n \r\n\n"), ()),
    "capitals": (_in_capitals, ()),
    "compressed without a word": (_compressed_in_secret, ("Empty files: empty.ndjson.gz.",)),
    "folders inside": (_nested, ()),
    "links": (_linked, ()),
}


def bundle(*entries: Resource) -> str:
    """Write one Bundle of entries."""
    return exact_json({"resourceType": "Bundle", "type": "collection", "entry": list(entries)})


def said(knowledge_base: KnowledgeBase, written: str) -> list[dict[str, Any]]:
    """Give what is said of the patients of one Bundle."""
    rows, refused = cohorts.expected(knowledge_base, knowledge_base.read(written, "fhir"))
    assert refused == []
    return rows


def said_of(knowledge_base: KnowledgeBase, folder: Path) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """Give what cohort and assess both say of a folder, and what both tell beside it."""
    told: list[str] = []
    rows, _ = cohorts.expected(
        knowledge_base, read_folder(folder, terms=knowledge_base.knowledge.terms, tell=told.append)
    )
    result = assess(knowledge_base, Request((str(folder),), None, ON))
    assert result.decisions is not None
    assert result.decisions.to_pylist() == rows
    assert result.summary.remarks == tuple(told)
    return rows, tuple(told)


@pytest.mark.parametrize("way", WAYS)
def test_how_an_export_is_written_never_changes_an_answer(
    knowledge_base: KnowledgeBase, tmp_path: Path, way: str
) -> None:
    """What is no resource is counted and named, and the run goes on."""
    write, remarks = WAYS[way]
    folder = tmp_path / "export"
    folder.mkdir()
    write(folder)
    wanted = said(knowledge_base, bundle(*({"resource": each} for each in RESOURCES)))
    assert wanted[0]["disposition"] == "treat"
    assert said_of(knowledge_base, folder) == (wanted, remarks)


def _deletion(url: str) -> Resource:
    return {"request": {"method": "DELETE", "url": url}}


@pytest.mark.parametrize(
    ("url", "wanted"), [("Observation/{test}", "densitometry-required"), ("Observation/another", "treat")]
)
def test_what_an_export_says_was_deleted_decides_nothing(
    knowledge_base: KnowledgeBase, tmp_path: Path, url: str, wanted: str
) -> None:
    entry = _deletion(url.format(test=HER_TEST["id"]))
    _by_type(tmp_path)
    (tmp_path / "deleted.ndjson").write_text(
        exact_json({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
    )
    rows, remarks = said_of(knowledge_base, tmp_path)
    assert rows == said(knowledge_base, bundle(*({"resource": each} for each in RESOURCES), entry))
    assert [row["disposition"] for row in rows] == [wanted]
    assert remarks == ("Bundles of deletions, and what they name decides nothing: deleted.ndjson ×1.",)


def test_a_patient_who_was_deleted_is_not_there(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    other = {**patient(), "id": "other"}
    (tmp_path / "export.ndjson").write_text("\n".join([*LINES, exact_json(other)]))
    gone = {"resourceType": "Bundle", "type": "transaction", "entry": [_deletion("Patient/example")]}
    (tmp_path / "deleted.json").write_text(json.dumps(gone, indent=2))
    result = assess(knowledge_base, Request((str(tmp_path),), None, ON))
    assert result.decisions is not None
    assert [row["patient"] for row in result.decisions.to_pylist()] == ["other"]
    assert result.summary.remarks[0].startswith("Resources of patients who are not there")


def test_what_speaks_of_nobody_may_be_the_only_patients(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """As in a Bundle: nothing that was not read makes an answer certain."""
    nameless = {key: value for key, value in t_score("38263-0", Decimal("-3.9")).items() if key != "subject"}
    _with("nameless.ndjson", exact_json(nameless))(tmp_path)
    result = assess(knowledge_base, Request((str(tmp_path),), None, ON))
    assert result.decisions is not None
    wanted = said(knowledge_base, bundle(*({"resource": each} for each in (*RESOURCES, nameless))))
    assert result.decisions.to_pylist() == wanted
    assert result.summary.remarks == ("Resources that speak of no patient: Observation ×1.",)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (LINES[1].encode("utf-16"), "is not text in UTF-8"),
        (LINES[1].encode()[:-5], "is not JSON"),
        (f"[{LINES[1]}".encode(), "is not JSON"),
        (f"{_pretty(LINES[1])}\nnonsense".encode(), "is not JSON"),
        (gzip.compress(LINES[1].encode() * 90)[:-9], "rest.ndjson"),
    ],
)
def test_a_file_that_cannot_be_read_whole_is_refused_by_name(
    knowledge_base: KnowledgeBase, tmp_path: Path, data: bytes, why: str
) -> None:
    (tmp_path / "Patient.ndjson").write_text(LINES[0])
    (tmp_path / "rest.ndjson").write_bytes(data)
    for read in (
        lambda: read_folder(tmp_path),
        lambda: assess(knowledge_base, Request((str(tmp_path),), None, ON)),
    ):
        with pytest.raises(UnreadableCaseError, match=f"rest.ndjson.*{why}|{why}"):
            read()


def test_what_is_no_resource_is_named_on_standard_error(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    _with("log.ndjson", LOG)(folder)
    for command in (["assess", "--format", "json"], ["cohort", "--output", str(tmp_path / "decided.csv")]):
        done = CliRunner().invoke(main, [*command, str(folder), "--on", "2026-11-22"])
        assert done.exit_code == 0
        assert "osteo-kg: Passed over, as no FHIR resource (no resourceType): log.ndjson ×1." in done.stderr
    alone = tmp_path / "alone.ndjson"
    alone.write_text("\n".join([*LINES, LOG]))
    done = CliRunner().invoke(main, ["assess", str(alone), "--on", "2026-11-22", "--format", "json"])
    assert json.loads(done.stdout)["disposition"] == "treat"
    assert "alone.ndjson ×1" in done.stderr


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("e-empty-file", "treat"),
        ("i2-pretty-printed", "treat"),
        ("k-log", "treat"),
        ("m-deleted-transaction-bundle", "densitometry-required"),
    ],
)
def test_the_exports_of_the_clinic(knowledge_base: KnowledgeBase, name: str, wanted: str) -> None:
    if not SHARED.is_dir():
        pytest.skip("the inputs of the clinic are not beside the project")
    rows, _ = said_of(knowledge_base, SHARED / name)
    assert [row["disposition"] for row in rows] == [wanted]


def test_what_stands_beside_the_resources_is_said_in_french_too() -> None:
    beside = Beside()
    beside.lost["Observation"] = 1234
    beside.empty["vide.ndjson"] = 1
    assert list(beside.sentences("fr")) == [
        "Ressources de patients absents : Observation ×1\u202f234.",
        "Fichiers vides : vide.ndjson.",
    ]
