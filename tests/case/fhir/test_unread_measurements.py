"""An axial T-score that could not be read leaves densitometry open, and nothing else does (the reading, R2, R14)."""

from __future__ import annotations

from typing import Any

import pytest

from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    LOINC,
    NO_FRACTURE,
    POSTMENOPAUSAL,
    SNOMED,
    Resource,
    assess,
    coded,
    read,
    reasons,
    said,
    t_score,
    told,
)

GOOD_BONE = t_score("38267-1", 0.1)
UNKNOWN = "https://hospital.example/problems"


def _unread(**change: Any) -> Resource:
    made = t_score("38264-8", -3.4, "2026-04-01")
    return {key: value for key, value in {**made, **change}.items() if value is not None}


@pytest.mark.parametrize(
    "resource",
    [
        _unread(valueQuantity={"value": -2.5, "comparator": "<", "unit": "{T-score}"}),
        _unread(valueQuantity=None, valueString="-3,4"),
        _unread(valueQuantity={"value": -3.4, "unit": "points"}),
        _unread(valueQuantity=None, dataAbsentReason=coded(("http://x", "as-text"))),
        _unread(bodySite={"text": "rachis"}),
        _unread(bodySite=coded((SNOMED, "421060004"))),
        _unread(code={"text": "T-score hanche totale"}),
        _unread(code=coded((UNKNOWN, "dxa"))),
        _unread(valueQuantity=None, dataAbsentReason=coded(("http://x", "not-permitted"))),
        _unread(valueQuantity=None, dataAbsentReason=coded(("http://x", "unknown"))),
        _unread(valueQuantity=None, dataAbsentReason={"text": "voir compte rendu"}),
        _unread(valueQuantity=None, interpretation=[coded(("http://x", "LL"))]),
        _unread(dataAbsentReason=coded(("http://x", "error"))),
        _unread(status="unknown"),
        _unread(status="Final"),
        _unread(code=coded(("", "38264-8")), valueQuantity={"value": -3.4}),
        _unread(code=coded(("LOINC", "38264-8")), valueQuantity={"value": -3.4}),
        _unread(code=coded((LOINC, "38264-8"), (LOINC, "38267-1"))),
        _unread(code=coded((LOINC, "38264-8"), (LOINC, "80933-5"))),
        _unread(code=coded((LOINC, "38264-8"), (LOINC, "24701-5"))),
        _unread(code=coded((LOINC, "83311-1"))),
        _unread(code={"text": "DXA hip"}, valueQuantity={"value": -3.4, "unit": "SD"}),
        _unread(code={"text": "DMO hanche"}, valueQuantity=None, valueString="-3,4"),
    ],
    ids=[
        "comparator",
        "text",
        "unit",
        "as-text",
        "place in words",
        "place in code",
        "words",
        "unit of a score",
        "not permitted",
        "not known",
        "reason in words",
        "interpreted",
        "value and reason why not",
        "status not known",
        "status in other case",
        "code without system",
        "code of a system in other words",
        "codes of two sites",
        "code of a Z-score too",
        "code of a density too",
        "panel",
        "densitometry in words",
        "densitometry and value in words",
    ],
)
def test_an_unread_t_score_leaves_densitometry_open(knowledge_base: KnowledgeBase, resource: Resource) -> None:
    """The lowest is then at most what was read, and an answer is given only where every lower one agrees."""
    none, low = (GOOD_BONE, POSTMENOPAUSAL, NO_FRACTURE), t_score("38267-1", -3.5)
    assert assess(knowledge_base, *none).disposition == "no-treatment"
    answer = assess(knowledge_base, *none, resource)
    assert answer.disposition == "undetermined"
    assert set(answer.possible) == {"no-treatment", "specialist-opinion", "treat"}
    assert told(answer, "densitometry-unread")
    assert assess(knowledge_base, low, POSTMENOPAUSAL, NO_FRACTURE, resource).disposition == "treat"
    assert assess(knowledge_base, POSTMENOPAUSAL, resource).disposition == "densitometry-required"


@pytest.mark.parametrize(
    "resource",
    [
        _unread(status="preliminary"),
        _unread(valueQuantity=None),
        _unread(valueQuantity={"value": 0.7, "unit": "g/cm2"}),
        _unread(valueQuantity={"value": 70, "unit": "{%YAM}"}),
        _unread(bodySite={"text": "Radius 33 %"}),
        _unread(focus=[{"reference": "RelatedPerson/mother"}]),
        _unread(bodySite=coded((SNOMED, "119190009"))),
        _unread(valueQuantity=None, dataAbsentReason=coded(("http://x", "not-performed"))),
        _unread(code={"text": "DXA hip"}, valueQuantity={"value": 0.71}),
        _unread(code={"text": "DXA hip, Z-score"}, valueQuantity={"value": -1.4, "unit": "SD"}),
        _unread(code=coded((LOINC, "80933-5"))),
    ],
    ids=[
        "preliminary",
        "no value",
        "density",
        "percent",
        "forearm",
        "mother",
        "shaft",
        "not performed",
        "density in words",
        "Z-score in words",
        "Z-score",
    ],
)
def test_what_is_no_axial_t_score_of_hers_opens_nothing(knowledge_base: KnowledgeBase, resource: Resource) -> None:
    case = read(knowledge_base, GOOD_BONE, resource)
    assert said(case, "isOpenFor") == []
    assert reasons(case)


def test_a_component_has_its_own_value_and_reason(knowledge_base: KnowledgeBase) -> None:
    """That the whole has no value says nothing of its parts."""
    absent = {"valueQuantity": None, "dataAbsentReason": coded(("http://x", "not-applicable"))}
    part = {"code": coded((LOINC, "38264-8")), "valueQuantity": {"value": -3.4, "unit": "{T-score}"}}
    case = read(knowledge_base, _unread(code=coded((LOINC, "83311-1")), component=[part], **absent))
    assert (said(case, "tScore"), said(case, "isOpenFor")) == (["-3.4"], [])


def test_words_of_another_score_are_told_and_the_code_decides(knowledge_base: KnowledgeBase) -> None:
    z_score = {"coding": [{"system": LOINC, "code": "38264-8", "display": "Z-score of the hip"}]}
    case = read(knowledge_base, _unread(code=z_score))
    assert said(case, "tScore") == ["-3.4"]
    assert "Z-score" in reasons(case)["WordsContradictCode"][0]


ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def _without(code: str) -> Resource:
    """Say why a value is absent where the value would stand."""
    return {"extension": [{"url": ABSENT, "valueCode": code}]}


@pytest.mark.parametrize(
    ("change", "is_open"),
    [
        ({"_valueInteger": _without("masked")}, True),
        ({"_valueString": _without("not-performed")}, False),
        ({"meta": {"tag": [{"code": "SUBSETTED"}]}}, True),
        ({"meta": {"security": [{"code": "REDACTED"}]}}, True),
        ({"meta": {"security": [{"code": "HTEST"}]}}, False),
    ],
)
def test_a_value_that_was_taken_out_on_the_way_may_have_been_a_score(
    knowledge_base: KnowledgeBase, change: Resource, is_open: bool
) -> None:
    case = read(knowledge_base, GOOD_BONE, _unread(valueQuantity=None, **change))
    assert ("Densitometry" in said(case, "isOpenFor")) is is_open


def test_what_a_modifier_of_a_component_changes_is_not_certain(knowledge_base: KnowledgeBase) -> None:
    part = {"code": coded((LOINC, "38264-8")), "valueQuantity": {"value": -3.4, "unit": "{T-score}"}}
    for more, is_open in (({}, False), ({"modifierExtension": [{"url": "https://x", "valueBoolean": True}]}, True)):
        panel = _unread(code=coded((LOINC, "83311-1")), valueQuantity=None, component=[part | more])
        assert said(read(knowledge_base, panel), "isOpenFor") == (["Densitometry"] if is_open else [])
