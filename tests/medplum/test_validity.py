"""What is written as FHIR R4 passes a validator that evaluates invariants and knows the codes of required bindings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from osteo_kg.assessment.fhir import guidance
from osteo_kg.bilingual import LANGUAGES
from osteo_kg.case.fhir import bundle_of
from osteo_kg.decision_table.fhir import plan_definition
from osteo_kg.knowledge_base import KnowledgeBase
from tests.medplum.validator import Resource, issues
from tests.support.hooks import exported, hook, posted
from tests.support.worked import answered

pytestmark = pytest.mark.slow

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.ttl"))
#: An entry of a Bundle is referred to by its fullUrl, which the validator does not follow.
BY_FULL_URL = 'warning: Invalid reference: got "urn:uuid:'


def wrong(resources: list[Resource]) -> list[str]:
    return [each for told in issues(resources) for each in told if not each.startswith(BY_FULL_URL)]


@pytest.fixture(scope="module")
def cases(knowledge_base: KnowledgeBase) -> list[tuple[Any, dict[str, Any]]]:
    """Every worked patient and every example, each with how she is to be assessed."""
    worked = [
        (each.case(knowledge_base), {"on": each.on, "assume_complete": each.assume_complete}) for each in answered()
    ]
    examples = [each for path in EXAMPLES for each in knowledge_base.read(path.read_bytes(), name=path.name)]
    return [*worked, *((each, {}) for each in examples)]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"action": [{"title": "neither a resource nor actions"}]}, "rqg-1"),
        ({"action": [{"resource": {"reference": "Task/1"}, "action": [{"resource": {"reference": "#x"}}]}]}, "rqg-1"),
        ({"status": "underway"}, "underway is not in"),
        ({"intent": None}, "Missing required property"),
        ({"contained": [{"resourceType": "Task", "id": "x", "intent": "proposal"}]}, "Missing required property"),
        ({"colour": "blue"}, 'Invalid additional property "colour"'),
    ],
)
def test_the_validator_finds_a_fault(fault: Resource, told: str) -> None:
    """Lest the tests below hold of nothing; the first was ours."""
    sound: Resource = {"resourceType": "RequestGroup", "status": "draft", "intent": "proposal"}
    faulty = {key: value for key, value in {**sound, **fault}.items() if value is not None}
    assert wrong([sound]) == []
    assert [each for each in wrong([faulty]) if told in each] != []


def test_every_answer_is_valid(knowledge_base: KnowledgeBase, cases: list[tuple[Any, dict[str, Any]]]) -> None:
    """Of every worked patient and every example, in both languages."""
    answers = [knowledge_base.assess(case, **wishes) for case, wishes in cases]
    assert len({answer.disposition for answer in answers}) == 6
    terms = knowledge_base.knowledge.terms
    written = [each for answer in answers for spoken in LANGUAGES for each in guidance(answer, terms, spoken)]
    assert wrong(written) == []


def test_the_guideline_is_valid(knowledge_base: KnowledgeBase) -> None:
    guideline = knowledge_base.engine().guideline
    assert wrong([plan_definition(guideline, knowledge_base.knowledge, each) for each in LANGUAGES]) == []


def test_every_case_is_valid(knowledge_base: KnowledgeBase, cases: list[tuple[Any, dict[str, Any]]]) -> None:
    bundle = bundle_of([case for case, _ in cases], knowledge_base.knowledge.terms)
    assert wrong([entry["resource"] for entry in bundle["entry"]]) == []


def test_every_draft_of_a_card_is_valid(
    knowledge_base: KnowledgeBase,
    cds: FlaskClient,
    templates: dict[str, str],
    cases: list[tuple[Any, dict[str, Any]]],
) -> None:
    drafts = list(_drafts(knowledge_base, cds, templates, [case for case, _ in cases]))
    assert {each["resourceType"] for each in drafts} == {"MedicationRequest", "ServiceRequest"}
    assert wrong(drafts) == []


def _drafts(
    knowledge_base: KnowledgeBase, cds: FlaskClient, templates: dict[str, str], cases: list[Any]
) -> Iterator[Resource]:
    for case in cases:
        answer = posted(cds, hook(prefetch=exported(knowledge_base, case, templates), encounterId="1")).get_json()
        for card in answer.get("cards", ()):
            for suggestion in card.get("suggestions", ()):
                yield from (action["resource"] for action in suggestion["actions"])
