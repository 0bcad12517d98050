"""The check as a command and as a function: formats, exit statuses, whole folders, the released table."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from osteo_kg.bilingual import LANGUAGES
from osteo_kg.checking import check, released
from osteo_kg.checking.formats import as_text
from osteo_kg.checking.positions import Positions
from osteo_kg.cli.main import main
from osteo_kg.knowledge import packaged_knowledge, read_guideline
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase
from osteo_kg.reasoning import cache, closure
from tests.support.worked import ROOT

pytestmark = pytest.mark.slow

OVERLAP = ROOT / "docs" / "how-to" / "overlapping-rule"
SECOND = ROOT / "tests" / "second-guideline"
GUIDELINE = ROOT / "ontology" / "guidelines" / "oic-128-08-b.ttl"
SOURCE = ROOT.parent / "shared" / "guideline" / "oic-128-08-b.txt"

#: What section 3 of SARIF 2.1.0 requires of the members that are used.
TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
REGION = {
    "type": "object",
    "required": ["startLine"],
    "properties": {"startLine": {"type": "integer", "minimum": 1}, "startColumn": {"type": "integer", "minimum": 1}},
    "additionalProperties": False,
}
PHYSICAL = {
    "type": "object",
    "required": ["artifactLocation", "region"],
    "properties": {
        "artifactLocation": {"type": "object", "properties": {"uri": {"type": "string", "format": "uri-reference"}}},
        "region": REGION,
    },
}
RESULT = {
    "type": "object",
    "required": ["ruleId", "ruleIndex", "level", "message", "locations"],
    "properties": {
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": {"type": "array", "items": {"properties": {"physicalLocation": PHYSICAL}}},
        "properties": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "additionalProperties": {"type": ["string", "integer"]},
}
SARIF = {
    "type": "object",
    "required": ["version", "runs", "$schema"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {"required": ["id"], "properties": {"shortDescription": TEXT}},
                                    }
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, ["check", *arguments], catch_exceptions=False)
    assert "Traceback" not in result.output
    return result


def edited(folder: Path, old: str, new: str) -> Path:
    """Give a copy of the guideline module with one edit."""
    text = GUIDELINE.read_text(encoding="utf-8")
    assert old in text
    path = folder / "edited.ttl"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_json_and_sarif_tell_the_same(language: str) -> None:
    text, as_json, sarif = (
        run(str(OVERLAP), "--format", each, "--language", language) for each in ("text", "json", "sarif")
    )
    assert {each.exit_code for each in (text, as_json, sarif)} == {1}
    findings = json.loads(as_json.stdout)
    log: dict[str, Any] = json.loads(sarif.stdout)
    jsonschema.validate(log, SARIF)
    [told] = log["runs"]
    results = told["results"]
    assert len(findings) == len(results) == len(text.stdout.splitlines()) - 1 == 3
    for line, finding, result in zip(text.stdout.splitlines(), findings, results, strict=False):
        region = result["locations"][0]["physicalLocation"]["region"]
        assert line.startswith(f"{finding['file']}:{finding['line']}: ")
        assert region == {"startLine": finding["line"]}
        assert told["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == finding["code"]
        assert finding["advice"] in result["message"]["text"]
        assert {"severity", "subject", "value", "message", "advice"} <= set(finding)


def test_information_alone_ends_with_0(tmp_path: Path) -> None:
    path = edited(tmp_path, "osteo:hasStrength osteo:Imperative", "osteo:hasStrength osteo:Proposed")
    result = run(str(path))
    assert result.exit_code == 0
    assert "This edit changes 720 of 4,320 situations" in result.stdout


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("        oic:no-axial-t-score ,\n", "", ["overlap", "oic:densitometry-first", "oic:severe-treat"]),
        (
            "osteo:requires oic:outside-population",
            "osteo:requires oic:outside-population , oic:no-fracture",
            ["no rule applies"],
        ),
        ("osteo:atLeast 2.0", "osteo:atLeast 3.0", ["288 of 5,760 situations", "teriparatide"]),
        ("osteo:atLeast 50.0", "osteo:atLeast 51.0", ["menopausal hormone therapy"]),
    ],
)
def test_what_no_shape_sees_is_told_by_the_table(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    told = as_text(check([edited(tmp_path, old, new)]), "en")
    assert [word for word in words if word not in told] == []


@pytest.mark.parametrize("name", ["nowhere", "no-module"])
def test_a_path_that_cannot_be_read_ends_with_2(tmp_path: Path, name: str) -> None:
    (tmp_path / "no-module").mkdir()
    result = run(str(tmp_path / name), str(OVERLAP))
    assert (result.exit_code, result.stdout) == (2, "")
    assert name in result.stderr


def test_a_source_is_looked_up_and_another_text_is_told(tmp_path: Path) -> None:
    if not SOURCE.is_file():
        pytest.skip(f"The text of the guideline is not at hand: {SOURCE}")
    path = edited(tmp_path, "osteo:spanStart 262", "osteo:spanStart 261")
    [found] = [each for each in check([path], sources=[SOURCE]) if each.code == "span"]
    assert (found.subject, found.value) == ("oic:span-general", found.value)
    (tmp_path / "other.txt").write_text("Another text.", encoding="utf-8")
    assert "other-source" in {each.code for each in check([GUIDELINE], sources=[tmp_path / "other.txt"])}


def test_a_second_guideline_is_warned_of_and_loaded() -> None:
    said: list[str] = []
    knowledge_base = KnowledgeBase.load([SECOND], tell=said.append)
    assert knowledge_base.engine("second").guideline.id == "second"
    assert said
    assert all(": warning: " in each or "more" in each for each in said)


def test_a_copy_of_the_ontology_stands_in_for_it_whole(tmp_path: Path) -> None:
    copy = tmp_path / "ontology"
    shutil.copytree(ROOT / "ontology", copy)
    assert check([copy]) == ()
    loaded = KnowledgeBase.load([copy]).knowledge
    assert len(loaded.modules) == len(packaged_knowledge().modules)
    assert len(loaded.store) == len(packaged_knowledge().store)


def test_a_module_that_stands_in_answers_in_place_of_the_packaged_one(tmp_path: Path) -> None:
    edited(tmp_path, "osteo:hasStrength osteo:Imperative", "osteo:hasStrength osteo:Proposed")
    loaded = read_guideline(KnowledgeBase.load([tmp_path]).knowledge, DEFAULT_GUIDELINE)
    assert next(each.strength for each in loaded.rules if each.id == "severe-treat") == "proposed"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01",
        b"@prefix",
        b"<urn:a> <urn:b> " + b"[ <urn:b> " * 500,
        b'<urn:a> <urn:b> "\\u00" .',
        b"<urn:a> a <http://www.w3.org/2002/07/owl#Ontology> , 3 .",
        b"@prefix : <https://w3id.org/osteo-kg/ns/> . :a :b :c , [ :d :e ] , ( 1 2 ) .",
        b"<urn:a> <http://www.w3.org/2000/01/rdf-schema#subClassOf> <urn:a> .",
        b"<urn:a> <http://www.w3.org/2002/07/owl#members> _:l . "
        b"_:l <http://www.w3.org/1999/02/22-rdf-syntax-ns#rest> _:l .",
        b"<https://w3id.org/osteo-kg/guideline/new> a <https://w3id.org/osteo-kg/ns/Guideline> .",
        b"<https://w3id.org/osteo-kg/guideline/new/rule> a <https://w3id.org/osteo-kg/ns/Rule> .",
        b"<< <urn:a> <urn:b> <urn:c> >> <urn:d> <urn:e> .",
    ],
)
def test_no_file_gives_a_traceback(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "module.ttl").write_bytes(content)
    assert run(str(tmp_path)).exit_code in (0, 1)


def test_the_closures_that_travel_with_the_library_are_those_of_its_axioms() -> None:
    """At a release, and whenever an axiom changes, run make released-table."""
    knowledge = packaged_knowledge()
    now = closure.written_closures(knowledge, released.sets_closed(knowledge))
    assert Path(closure.__file__).with_name("closures.json").read_text(encoding="utf-8") == now


def test_the_outcomes_that_travel_with_the_library_are_those_reasoned_of_its_modules() -> None:
    """At a release, and whenever a module or a query changes, run make released-table."""
    reasoned = released.outcomes_reasoned(packaged_knowledge())
    kept = {digest: list(cache.outcomes_at_the_release(digest)) for digest in reasoned}
    assert kept == reasoned


def test_the_released_table_is_that_of_the_modules() -> None:
    """At a release, and whenever an answer changes on purpose, run make released-table."""
    knowledge = packaged_knowledge()
    guideline = read_guideline(knowledge, DEFAULT_GUIDELINE)
    kept, now = released.released_guidelines()[guideline.iri], released.table_of(knowledge, guideline)
    assert dict(kept.told) == dict(now.told)
    assert kept.facts == now.facts
    assert now.contradictions == {}


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        (("urn:s",), 3),
        (("urn:s", "urn:p"), 4),
        (("urn:s", "urn:p", "second"), 5),
        (("urn:s", "urn:q", "-3.0"), 8),
        (("urn:s", "urn:r", "urn:o"), 9),
        (("urn:t", "urn:p", 'a "quoted" text\n; over . lines'), 12),
        (("urn:t", "http://www.w3.org/1999/02/22-rdf-syntax-ns#type", "urn:C"), 12),
    ],
)
def test_a_statement_is_found_by_its_line(parts: tuple[str, ...], line: int) -> None:
    text = """@prefix e: <urn:> . # a comment; with marks .
# another
e:s
    e:p "first"@en ,
        "second" ;
    e:list (
        1 [
            e:q -3.0 ;
            e:r e:o
        ]
    ) .
e:t a e:C ; e:p \"\"\"a "quoted" text
; over . lines\"\"\" .
"""
    assert Positions(text, {"e": "urn:"}).line(*parts) == line
