"""Answers and the guideline as FHIR: valid, complete, and the same as in every other form."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from click.testing import CliRunner
from fhir.resources.R4B import get_fhir_model_class

from osteo_kg import Assessment, Language
from osteo_kg.assessment.fhir import guidance
from osteo_kg.bilingual import LANGUAGES
from osteo_kg.cli.main import main
from osteo_kg.decision_table.fhir import plan_definition
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import NO_FRACTURE, POSTMENOPAUSAL, assess, bundle, condition, patient, t_score
from tests.support.worked import ON, answered

pytestmark = pytest.mark.slow


Resource = dict[str, Any]


def valid(resource: Resource) -> Resource:
    """See that the model of R4 accepts a resource, and those that it contains."""
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return resource


def written(knowledge_base: KnowledgeBase, assessment: Assessment, language: Language = "en") -> list[Resource]:
    """Write an assessment as valid FHIR."""
    return [valid(each) for each in guidance(assessment, knowledge_base.knowledge.terms, language)]


def titles(actions: Iterable[Resource]) -> list[str]:
    """Give the titles of actions."""
    return [action["title"] for action in actions]


ONE_OF_EACH = list({worked.expect.get("disposition", "treat"): worked for worked in answered()}.values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("worked", ONE_OF_EACH, ids=lambda worked: str(worked.id))
def test_an_answer_is_valid_fhir(knowledge_base: KnowledgeBase, worked: Any, language: Language) -> None:
    """One of each disposition, in both languages."""
    assessment = knowledge_base.assess(
        worked.case(knowledge_base), on=worked.on, assume_complete=worked.assume_complete
    )
    response, *requests = written(knowledge_base, assessment, language)
    assert response["language"] == language
    assert len(requests) == (assessment.disposition != "out-of-scope")


def test_a_missing_densitometry_is_required_data(knowledge_base: KnowledgeBase) -> None:
    """The requirement names our own code and the published ones."""
    response, request = written(knowledge_base, assess(knowledge_base, POSTMENOPAUSAL, NO_FRACTURE))
    assert response["status"] == "data-required"
    [wanted] = response["dataRequirement"]
    codes = {coding["code"] for coding in wanted["codeFilter"][0]["code"]}
    assert wanted["type"] == "Observation"
    assert {"AxialTScore", "38267-1", "38264-8", "38263-0"} - codes == set()
    assert request["action"][0]["code"][0]["coding"][0]["code"] == "DensitometryRequired"


def test_what_is_missing_beside_a_decision_is_requested(knowledge_base: KnowledgeBase) -> None:
    """The answer stands, and more would say more."""
    found = assess(knowledge_base, POSTMENOPAUSAL, NO_FRACTURE, t_score("38267-1", -3.2))
    response, _ = written(knowledge_base, found)
    assert response["status"] == "data-requested"
    assert len(response["dataRequirement"]) == len(found.missing) > 0
    none_missing = assess(knowledge_base, POSTMENOPAUSAL, NO_FRACTURE, t_score("38267-1", 0))
    assert written(knowledge_base, none_missing)[0]["status"] == "success"


def test_the_request_offers_at_most_one_option(knowledge_base: KnowledgeBase) -> None:
    """Options that are not eligible are not offered; obligations are."""
    found = assess(
        knowledge_base, POSTMENOPAUSAL, condition("http://snomed.info/sct", "5913000"), t_score("38267-1", -2)
    )
    _, request = written(knowledge_base, found)
    [choice] = [action for action in request["action"] if "selectionBehavior" in action]
    assert choice["selectionBehavior"] == "at-most-one"
    open_ = [option.label.en for option in found.options if option.status != "not-eligible"]
    assert titles(choice["action"]) == open_
    assert titles(request["action"][2:]) == [each.label.en for each in found.obligations]


def test_out_of_scope_asks_for_nothing(knowledge_base: KnowledgeBase) -> None:
    """There is a response, and no request."""
    [case] = knowledge_base.read(bundle(patient(gender="male")), "fhir")
    [response] = written(knowledge_base, knowledge_base.assess(case, on=ON))
    assert "result" not in response


def test_every_notice_is_a_message(knowledge_base: KnowledgeBase) -> None:
    """And that nobody has reviewed the guideline."""
    found = assess(knowledge_base, POSTMENOPAUSAL, t_score("38265-5", -3))
    outcome, _ = written(knowledge_base, found)[0]["contained"]
    said = [issue["details"]["text"] for issue in outcome["issue"][1:]]
    assert said == [each.message.en for each in (*found.warnings, *found.assumptions)]
    assert outcome["issue"][0]["diagnostics"] == "not-reviewed"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_guideline_is_a_valid_plan_definition(knowledge_base: KnowledgeBase, language: Language) -> None:
    """Every rule is an action with its criteria, every listing an action of its rule."""
    guideline = knowledge_base.engine().guideline
    plan = valid(plan_definition(guideline, knowledge_base.knowledge, language))
    actions = {action["id"]: action for action in plan["action"]}
    assert {rule.id for rule in guideline.rules} - set(actions) == set()
    for rule in guideline.rules:
        references = [each["expression"]["reference"] for each in actions[rule.id]["condition"]]
        assert references == list(rule.criteria)
        listed = [each.iri for each in guideline.listings.values() if each.rule == rule.iri]
        assert len(actions[rule.id].get("action", ())) == len(listed)


def test_the_command_line_writes_both() -> None:
    """`assess --format fhir` and `table --format fhir`."""
    answers = CliRunner().invoke(
        main, ["assess", "examples/hip-fracture.ttl", "--on", "2026-11-22", "--format", "fhir"]
    )
    kinds = [entry["resource"]["resourceType"] for entry in valid(json.loads(answers.stdout))["entry"]]
    assert kinds == ["GuidanceResponse", "RequestGroup"]
    plan = CliRunner().invoke(main, ["table", "--format", "fhir", "--language", "fr"])
    assert valid(json.loads(plan.stdout))["language"] == "fr"
