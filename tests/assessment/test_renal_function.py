"""Renal function beside an answer: its limits and stages, and what of several findings decides (the reading, R12)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pyoxigraph as ox
import pytest

from osteo_kg.bilingual import LANGUAGES
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import OSTEO, RDF
from tests.support.safety import (
    EVERYTHING_OPEN,
    NS,
    WORKED,
    assess_open,
    codes_of,
    drug_of,
    told_of,
)
from tests.support.worked import ON, exact_json

LIMITS: dict[
    str, tuple[int, set[str]]
] = {  # each renal limit and caution of product information, and the measures that it is set in
    "alendronate": (35, {"creatinineClearance", "estimatedGfr"}),
    "risedronate": (30, {"creatinineClearance"}),
    "zoledronate": (35, {"creatinineClearance"}),
    "denosumab": (30, {"creatinineClearance"}),
    "raloxifene": (30, {"creatinineClearance", "estimatedGfr"}),
    "teriparatide": (30, {"creatinineClearance", "estimatedGfr"}),
}


def test_every_limit_of_renal_function_is_a_condition_with_its_measures(knowledge_base: KnowledgeBase) -> None:
    triples, terms = knowledge_base.knowledge.triples, knowledge_base.knowledge.terms
    found = {
        terms.key(drug): (
            int(triples.decimal(range_, OSTEO.below) or 0),
            {each.removeprefix(NS) for each in triples.objects(range_, OSTEO.measures)},
        )
        for range_ in triples.subjects(RDF.type, OSTEO.RenalFunctionRange)
        for statement in triples.subjects(OSTEO.arisesFromCondition, range_)
        for drug in triples.objects(statement, OSTEO.isAboutDrug)
    }
    assert found == LIMITS


@pytest.mark.parametrize("drug", LIMITS)
@pytest.mark.parametrize("key", ["creatinine_clearance", "egfr"])
def test_every_limit_has_a_case_on_it_and_on_each_side_in_both_measures(drug: str, key: str) -> None:
    limit = Decimal(LIMITS[drug][0])
    tried = {each.record[key] for each in WORKED if each.drug == drug and set(each.record) == {"conditions", key}}
    assert {limit - Decimal("0.1"), limit, limit + Decimal("0.1")} - tried == set()


def test_the_stages_of_chronic_kidney_disease_are_the_ranges_of_their_names(knowledge_base: KnowledgeBase) -> None:
    """KDIGO's; together they leave no number out."""
    triples, kinds = knowledge_base.knowledge.triples, knowledge_base.knowledge.terms.kinds
    found = {
        key.rsplit("-", 1)[-1]: (triples.decimal(iri, OSTEO.atLeast), triples.decimal(iri, OSTEO.below))
        for key, iri in kinds[OSTEO.MedicalCondition].items()
        if key.startswith("chronic-kidney-disease-stage-")
    }
    assert found == {
        "1": (90, None),
        "2": (60, 90),
        "3": (30, 60),
        "3a": (45, 60),
        "3b": (30, 45),
        "4": (15, 30),
        "5": (None, 15),
    }


def test_a_range_is_called_by_its_own_numbers(knowledge_base: KnowledgeBase) -> None:
    triples, terms = knowledge_base.knowledge.triples, knowledge_base.knowledge.terms
    for iri in triples.subjects(RDF.type, OSTEO.RenalFunctionRange):
        bounds = [each for name in ("atLeast", "below") if (each := triples.decimal(iri, OSTEO[name])) is not None]
        last = {bounds[-1], bounds[-1] - 1}  # “15 to 29” is below 30
        for text in (terms.label(iri).en, terms.label(iri).fr):
            said = [Decimal(number) for number in re.findall(r"\d+", text.rpartition("(")[2])]
            assert not said or (said[:-1] == bounds[:-1] and said[-1] in last), text


TESTS = """
<urn:p> osteo:hasRenalFunctionTest
  [ a osteo:RenalFunctionTest ; osteo:creatinineClearance {old} ; osteo:performedOn "2024-01-01"^^xsd:date ] ,
  [ a osteo:RenalFunctionTest ; osteo:creatinineClearance {undated} ] ,
  [ a osteo:RenalFunctionTest ; osteo:creatinineClearance {new} ; osteo:performedOn "2026-01-01"^^xsd:date ] ,
  [ a osteo:RenalFunctionTest ; osteo:creatinineClearance {same} ; osteo:performedOn "2026-01-01"^^xsd:date ] .
"""


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"old": "20", "undated": "80", "new": "80", "same": "80.5"}, None),
        ({"old": "80", "undated": "80", "new": "29.9", "same": "60"}, "29.9 mL/min (1 January 2026)"),
        ({"old": "80", "undated": "20", "new": "80", "same": "80.5"}, "20 mL/min"),
    ],
)
def test_of_several_tests_the_most_recent_counts_and_the_lowest_of_those_that_may_be(
    knowledge_base: KnowledgeBase, values: dict[str, str], shown: str | None
) -> None:
    [case] = knowledge_base.read(exact_json(EVERYTHING_OPEN | {"patient": "urn:p", "conditions": []}), "json")
    written = ox.serialize(case.triples, format=ox.RdfFormat.TURTLE)
    assert written is not None
    prefixes = f"@prefix osteo: <{NS}> . @prefix xsd: <http://www.w3.org/2001/XMLSchema#> . "
    [whole] = knowledge_base.read(prefixes + written.decode() + TESTS.format(**values), "ttl")
    contraindications, _ = told_of(knowledge_base.assess(whole, on=ON), drug_of(knowledge_base, "zoledronate"))
    assert bool(contraindications) == (shown is not None)
    assert all(shown in each.message.en for each in contraindications if shown)


SEVERE = "teriparatide-severe-renal-impairment"
STAGE = "chronic-kidney-disease-stage-"


@pytest.mark.parametrize(
    ("more", "met"),
    [
        ({"creatinine_clearance": 40, "egfr": 25}, True),
        ({"creatinine_clearance": 25, "egfr": 40}, True),
        ({"creatinine_clearance": 40, "egfr": 40}, False),
        ({"creatinine_clearance": 40, "conditions": [STAGE + "4"]}, True),
        ({"creatinine_clearance": 25, "conditions": [STAGE + "2"]}, True),
        ({"creatinine_clearance": 40, "conditions": [STAGE + "3b"]}, False),
        ({"creatinine_clearance": 40, "conditions": [STAGE + "3", STAGE + "4"]}, True),
        ({"creatinine_clearance": 80, "conditions": ["severe-renal-impairment"]}, True),
        ({"egfr": 12, "conditions": []}, True),
        ({"egfr": 12}, True),
    ],
)
def test_the_worst_of_clearance_filtration_rate_and_stage_decides(
    knowledge_base: KnowledgeBase, more: dict[str, Any], met: bool
) -> None:
    contraindications, _ = told_of(assess_open(knowledge_base, more), drug_of(knowledge_base, "teriparatide"))
    assert codes_of(contraindications) == ([SEVERE] if met else [])


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"creatinine_clearance": 40, "conditions": [STAGE + "3"]}, "not met"),
        ({"creatinine_clearance": 34, "conditions": [STAGE + "3"]}, "met"),
        ({"creatinine_clearance": 60, "conditions": [STAGE + "3"]}, "open"),
        ({"creatinine_clearance": 40, "egfr": 90, "conditions": []}, "not met"),
        ({"creatinine_clearance": 90, "egfr": 34, "conditions": []}, "met"),
        ({"egfr": 90, "conditions": [STAGE + "1"]}, "open"),
        ({"egfr": 40, "conditions": [STAGE + "4"]}, "met"),
    ],
)
def test_a_number_in_the_measure_of_a_limit_says_more_than_a_stage_it_lies_in(
    knowledge_base: KnowledgeBase, more: dict[str, Any], status: str
) -> None:
    """Zoledronate, limited by the clearance: another measure at or above the limit never excludes it."""
    contraindications, cautions = told_of(assess_open(knowledge_base, more), drug_of(knowledge_base, "zoledronate"))
    assert ("zoledronate-low-creatinine-clearance" in codes_of(contraindications)) == (status == "met")
    assert ("renal-function-to-check" in codes_of(cautions)) == (status == "open")


AGAINST, NOT_LISTED = "renal-function-contradictory", "renal-impairment-not-listed"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"creatinine_clearance": 12, "egfr": 11, "conditions": []}, {NOT_LISTED}),
        ({"egfr": 14, "conditions": ["stroke"]}, {NOT_LISTED}),
        ({"egfr": 14}, set()),
        ({"egfr": 14, "conditions": [], "open_sections": ["conditions"]}, set()),
        ({"egfr": 30, "conditions": []}, set()),
        ({"egfr": 14, "conditions": [STAGE + "5"]}, set()),
        ({"egfr": 15, "conditions": [STAGE + "5"]}, {AGAINST}),
        ({"egfr": 29, "conditions": [STAGE + "3"]}, {AGAINST}),
        ({"egfr": 30, "conditions": [STAGE + "3"]}, set()),
        ({"egfr": Decimal("59.9"), "conditions": [STAGE + "3"]}, set()),
        ({"creatinine_clearance": 60, "conditions": [STAGE + "3"]}, {AGAINST}),
        ({"conditions": [STAGE + "3a", STAGE + "4"]}, {AGAINST}),
        ({"conditions": [STAGE + "3", STAGE + "3b"]}, set()),
        ({"conditions": [STAGE + "3", "severe-renal-impairment"]}, {AGAINST}),
        ({"creatinine_clearance": 80, "conditions": ["severe-renal-impairment"]}, {AGAINST}),
        ({"creatinine_clearance": 29, "egfr": 30}, {AGAINST}),
        ({"creatinine_clearance": 31, "egfr": 80}, set()),
        ({"creatinine_clearance": 80, "egfr": 29, "conditions": []}, {AGAINST, NOT_LISTED}),
    ],
)
def test_every_contradiction_about_renal_function_is_told(
    knowledge_base: KnowledgeBase, more: dict[str, Any], told: set[str]
) -> None:
    found = {each.code for each in assess_open(knowledge_base, more).cautions}
    assert found & {AGAINST, NOT_LISTED} == told


def test_a_contradiction_is_told_in_every_disposition(knowledge_base: KnowledgeBase) -> None:
    assessment = assess_open(knowledge_base, {"t_score_total_hip": 1, "egfr": 14, "conditions": []})
    assert assessment.options == ()
    assert [each.code for each in assessment.cautions] == [NOT_LISTED]


def test_severe_renal_impairment_by_number_is_told_as_the_definition_of_kdigo(knowledge_base: KnowledgeBase) -> None:
    assessment = assess_open(knowledge_base, {"creatinine_clearance": Decimal("12.5"), "conditions": []})
    [told], _ = told_of(assessment, drug_of(knowledge_base, "raloxifene"))
    assert "creatinine clearance 12.5 mL/min, severe renal impairment as KDIGO defines it" in told.message.en
    assert "12,5 mL/min, insuffisance rénale sévère selon la définition KDIGO" in told.message.fr
    assert "KDIGO" in told.source.en
    assert (told.condition.en, told.found.en) == ("severe renal impairment", "creatinine clearance 12.5 mL/min")


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"egfr": 29}, False),
        ({"egfr": 30}, True),  # that of risedronate is open
        ({"egfr": 90}, True),
        ({"egfr": 90, "creatinine_clearance": 35}, False),
        ({"creatinine_clearance": 35}, False),
        ({}, False),
        ({"egfr": 90, "conditions": [STAGE + "4"]}, False),
        ({"conditions": [STAGE + "3"]}, False),
        ({"egfr": 90, "t_score_total_hip": 1}, False),  # no option stands open
    ],
)
def test_a_clearance_is_wanted_where_the_other_measure_leaves_a_limit_open(
    knowledge_base: KnowledgeBase, more: dict[str, Any], wanted: bool
) -> None:
    found = [each for each in assess_open(knowledge_base, more).warnings if each.code == "clearance-wanted"]
    assert len(found) == wanted
    assert all(f"{more['egfr']} mL/min" in each.message.get(language) for each in found for language in LANGUAGES)


def test_the_value_that_leaves_a_limit_open_is_quoted_with_its_day(
    knowledge_base: KnowledgeBase, without: KnowledgeBase
) -> None:
    more = {"egfr": 60, "renal_function_date": "2026-10-01"}
    [told] = [each for each in assess_open(knowledge_base, more).warnings if each.code == "clearance-wanted"]
    assert "creatinine clearance" in told.message.en
    assert "(eGFR) 60 mL/min (2026-10-01)" in told.message.en
    assert [each for each in assess_open(without, more).warnings if each.code == "clearance-wanted"] == []


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"creatinine_clearance": -1}, "creatinine_clearance"),
        ({"creatinine_clearance": Decimal("300.1")}, "creatinine_clearance"),
        ({"egfr": "sixty"}, "egfr"),
        ({"egfr": 1000}, "egfr"),
        ({"egfr": 60, "renal_function_date": "2027-01-01"}, "renal_function_date"),
        ({"egfr": 60, "renal_function_date": "spring"}, "renal_function_date"),
        ({"renal_function_date": "spring"}, "renal_function_date"),
    ],
)
def test_an_impossible_renal_function_is_refused_by_its_key(
    knowledge_base: KnowledgeBase, more: dict[str, Any], key: str
) -> None:
    [case] = knowledge_base.read(exact_json(EVERYTHING_OPEN | more), "json")
    report = knowledge_base.validate(case, on=ON)
    assert {finding.path for finding in report.violations} == {key}
