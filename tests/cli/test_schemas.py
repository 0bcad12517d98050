"""The JSON Schemas of what goes in and out: everything worked is of them, and nothing may be missing or added."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from osteo_kg import Assessment, KnowledgeBase, read_case
from osteo_kg.case.fields import KEYS
from osteo_kg.json_schema import assessment_schema, record_schema
from osteo_kg.knowledge.guideline import read_guideline
from osteo_kg.knowledge.loading import packaged_knowledge
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE
from tests.support.commands import run
from tests.support.strategies import records_with_birth_dates
from tests.support.worked import CASES, ON, ROOT, answered, read_worked, refused

pytestmark = pytest.mark.slow

EXAMPLES = ROOT / "examples"


@cache
def _validator(document: str) -> Draft202012Validator:
    schema = json.loads(run("schema", document).stdout)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def test_the_command_prints_the_schemas() -> None:
    knowledge = packaged_knowledge()
    guideline = read_guideline(knowledge, DEFAULT_GUIDELINE)
    assert _validator("record").schema == record_schema(knowledge.terms)
    assert _validator("assessment").schema == assessment_schema(knowledge, guideline)


def test_every_worked_record_is_of_the_record_schema() -> None:
    worked = {each.id: each.record for each in (*answered(), *read_worked(CASES)) if not each.expect.get("refused")}
    assert {name: message for name, record in worked.items() for message in _errors("record", record)} == {}


def test_every_example_record_and_the_template_are_of_the_record_schema() -> None:
    examples = json.loads((EXAMPLES / "patients.json").read_text(encoding="utf-8"))
    assert [_errors("record", each) for each in (*examples, dict.fromkeys(KEYS))] == [[]] * (len(examples) + 1)


@settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True, max_examples=300)
@given(record=records_with_birth_dates())
def test_what_convert_writes_is_of_the_record_schema(record: dict[str, Any]) -> None:
    assert _errors("record", record) == []


# Ranges, days to come and contradictions are for the shapes: they depend on the day and on the rest of the record.
MEANING = {1, 2, 3, 4, 5, 6, 18, 19, 23, 24, 25, 26, 29, 30, 32, 38, 39, 47, 48, 52, 53, 54, 55, 70, 74, 75}


def test_a_refused_record_is_of_the_schema_only_where_its_meaning_is_refused() -> None:
    assert {each.id for each in refused() if not _errors("record", each.record)} == {f"RE-{n:02}" for n in MEANING}


def _errors(document: str, instance: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in _validator(document).iter_errors(instance)]


@pytest.fixture(scope="module")
def assessments(knowledge_base: KnowledgeBase) -> list[dict[str, Any]]:
    """Everything that is answered: the worked cases and the examples."""
    worked = [
        knowledge_base.assess(each.case(knowledge_base), on=each.on, assume_complete=each.assume_complete)
        for each in answered()
    ]
    read = [case for path in sorted(EXAMPLES.glob("*.ttl")) for case in read_case(path.read_bytes(), name=path.name)]
    examples = [each for each in knowledge_base.assess_all(read, on=ON) if isinstance(each, Assessment)]
    assert len(examples) == len(read)
    languages = ("en", "fr")
    return [each.to_json(languages[number % 2]) for number, each in enumerate((*worked, *examples))]  # type: ignore[arg-type]


def test_every_assessment_is_of_the_assessment_schema(assessments: list[dict[str, Any]]) -> None:
    assert [message for each in assessments for message in _errors("assessment", each)] == []


def test_no_key_of_an_assessment_may_be_missing_and_none_added(assessments: list[dict[str, Any]]) -> None:
    """Each kind of object is tried once, wherever it stands; evidence quotes a record, in which some keys may lack."""
    tried: dict[tuple[str, ...], dict[str, Any]] = {}
    for each in assessments:
        for steps in _objects(each):
            kind = (*(step for step in steps if isinstance(step, str)), *sorted(_at(each, steps)))
            tried.setdefault(kind, {"steps": steps, "assessment": each})
    assert len(tried) > 20
    passed = []
    for kind, where in tried.items():
        for changed, what in _changed(where["assessment"], where["steps"]):
            if _validator("assessment").is_valid(changed):
                passed.append((kind, what))
    assert passed == []


def _objects(value: Any, steps: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        yield steps
    for step, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _objects(each, (*steps, step))


def _at(value: Any, steps: tuple[str | int, ...]) -> Any:
    for step in steps:
        value = value[step]
    return value


def _changed(assessment: dict[str, Any], steps: tuple[str | int, ...]) -> Iterator[tuple[dict[str, Any], str]]:
    optional = {"mechanism", "date", "count", "count_at_most", "outcome"} if steps and steps[-1] == "value" else set()
    for key in _at(assessment, steps).keys() - optional:
        less = copy.deepcopy(assessment)
        del _at(less, steps)[key]
        yield less, f"without {key}"
    more = copy.deepcopy(assessment)
    _at(more, steps)["more"] = None
    yield more, "with more"
