"""The safety layer: what it tells of each drug, and that it changes nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings

from osteo_kg import Assessment
from osteo_kg.assessment import full_lines
from osteo_kg.assessment.model import Caution
from osteo_kg.bilingual import LANGUAGES, typeset
from osteo_kg.cli.main import main
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import OSTEO, OWL, RDF
from tests.support.strategies import records
from tests.support.worked import ON, ROOT, exact_json

SAFETY = ROOT / "tests" / "safety"
NS = OSTEO.iri
#: A woman for whom every option of the guideline is open, so that each drug can be asked about.
EVERYTHING_OPEN: dict[str, Any] = {
    "patient": "urn:case:safety",
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 55,
    "t_score_total_hip": Decimal("-3.2"),
    "fractures": [{"site": "vertebra", "mechanism": "low-energy", "count": 2}],
    "treatment_history": [],
    "climacteric_disorders": True,
    "low_peripheral_fracture_risk": True,
}
ASSUMED = "medical-history-assumed-complete"
WHOLE = {
    ASSUMED,
    "medical-history-open",
    "exclude-atypical-femoral-fracture",
    "renal-function-contradictory",
    "renal-impairment-not-listed",
}  # these stand beside the whole answer


@dataclass(frozen=True)
class Told:
    """One worked patient, and what must be told of one drug."""

    id: str
    title: str
    drug: str
    record: dict[str, Any]
    contraindications: list[str]
    cautions: list[str]


def _read(path: Path) -> list[Told]:
    items = yaml.safe_load(path.read_text(encoding="utf-8"))
    records_ = [{k: Decimal(str(v)) if isinstance(v, float) else v for k, v in i.pop("record").items()} for i in items]
    return [Told(drug=path.stem, record=record, **item) for item, record in zip(items, records_, strict=True)]


WORKED = [told for path in sorted(SAFETY.glob("*.yaml")) for told in _read(path)]
assert WORKED


@pytest.fixture(scope="module")
def without(cache_folder: None) -> KnowledgeBase:
    """The same knowledge with the layer switched off."""
    return KnowledgeBase(safety=False)


def _assess(knowledge_base: KnowledgeBase, *more: dict[str, Any], **asked: Any) -> Assessment:
    record = EVERYTHING_OPEN | {key: value for each in more for key, value in each.items()}
    [case] = knowledge_base.read(exact_json(record), "json")
    return knowledge_base.assess(case, on=ON, **asked)


def _drug(knowledge_base: KnowledgeBase, key: str) -> str:
    return knowledge_base.knowledge.terms.kinds[OSTEO.Drug][key]


def _of(assessment: Assessment, drug: str) -> tuple[list[Caution], list[Caution]]:
    """Give the contraindications and the cautions of the layer about one drug."""
    [option] = [option for option in assessment.options if drug in option.drugs]
    cautions = [each for each in option.cautions if each.is_safety and each.drug == drug]
    return [each for each in option.contraindications if each.drug == drug], cautions


def _codes(cautions: list[Caution]) -> list[str]:
    return sorted(each.code for each in cautions)


# What is told


@pytest.mark.parametrize("told", WORKED, ids=lambda told: f"{told.id} {told.title}")
def test_a_worked_patient_is_told_of_what_the_sources_say(knowledge_base: KnowledgeBase, told: Told) -> None:
    drug = _drug(knowledge_base, told.drug)
    contraindications, cautions = _of(_assess(knowledge_base, told.record), drug)
    assert (_codes(contraindications), _codes(cautions)) == (told.contraindications, told.cautions)


def test_every_contraindication_and_precaution_has_a_case(knowledge_base: KnowledgeBase) -> None:
    kinds = knowledge_base.knowledge.terms.kinds
    told = {code for each in WORKED for code in (*each.contraindications, *each.cautions)}
    known = {*kinds[OSTEO.Contraindication], *kinds[OSTEO.Precaution], *kinds[OSTEO.SafetyCautionCode]}
    assert known - told == WHOLE


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


def test_what_is_told_has_its_source_and_says_that_nobody_reviewed_it(knowledge_base: KnowledgeBase) -> None:
    assessment = _assess(knowledge_base, {"conditions": ["hypocalcaemia"], "creatinine_clearance": 20})
    for language, words in (("en", "not reviewed by a clinician"), ("fr", "non validé par un clinicien")):
        answer = assessment.to_json(language)  # type: ignore[arg-type]
        told = [each for option in answer["options"] for each in (*option["contraindications"], *option["cautions"])]
        assert told
        assert [each for each in told if words not in each["source"]] == []


@pytest.mark.parametrize("site", ["femoral-shaft", "proximal-femur"])
@pytest.mark.parametrize("drug", ["alendronate", "ibandronate", "denosumab", "raloxifene"])
@pytest.mark.parametrize("outcome", ["completed", None])
def test_an_atypical_fracture_is_to_be_excluded_after_a_broken_shaft_under_such_a_drug(
    knowledge_base: KnowledgeBase, site: str, drug: str, outcome: str | None
) -> None:
    entry = {"drug": drug} | ({"outcome": outcome} if outcome else {})
    assessment = _assess(knowledge_base, {"fractures": [{"site": site}], "treatment_history": [entry]})
    told = {each.code: each.drug for each in assessment.cautions}
    expected = site == "femoral-shaft" and drug != "raloxifene"
    assert told.get("exclude-atypical-femoral-fracture") == (_drug(knowledge_base, drug) if expected else None)


def test_the_drugs_of_an_atypical_fracture_are_the_bisphosphonates_and_denosumab(knowledge_base: KnowledgeBase) -> None:
    """The list stands in the ontology beside the classes: a new bisphosphonate belongs to both."""
    knowledge = knowledge_base.knowledge
    listed = set(knowledge.triples.objects(f"{NS}ExcludeAtypicalFemoralFracture", OSTEO.isRaisedByDrug))
    assert listed == {*knowledge.terms.kinds[OSTEO.Bisphosphonate].values(), _drug(knowledge_base, "denosumab")}


def test_the_rebound_risk_is_told_beside_denosumab_only_after_a_vertebral_fracture(
    knowledge_base: KnowledgeBase,
) -> None:
    for site, expected in (("vertebra", True), ("pelvis", False)):
        assessment = _assess(knowledge_base, {"fractures": [{"site": site}]})
        told = {each.code for option in assessment.options for each in option.cautions}
        assert ("denosumab-rebound-risk" in told) == expected


# Unknown is not absent


def test_conditions_that_the_caller_takes_for_none_are_said_to_be(knowledge_base: KnowledgeBase) -> None:
    def told(*more: dict[str, Any], **asked: Any) -> set[str]:
        return {each.code for each in _assess(knowledge_base, *more, **asked).cautions} & {ASSUMED}

    assert told() == set()
    assert told({"conditions": []}) == set()
    assert told({"conditions": ["stroke"]}) == set()
    assert told(assume_complete=["conditions"]) == {ASSUMED}


@pytest.mark.parametrize(
    ("more", "asked", "said"),
    [
        ({}, [], "something could not be read or is not certain"),
        ({"conditions": []}, [], "said to be complete"),
        ({}, ["conditions"], "to be read as complete, as requested"),
    ],
)
def test_an_open_medical_history_is_told_with_what_contradicts_it(
    knowledge_base: KnowledgeBase, more: dict[str, Any], asked: list[str], said: str
) -> None:
    assessment = _assess(knowledge_base, more, {"open_sections": ["conditions"]}, assume_complete=asked)
    [told] = [each for each in assessment.cautions if each.code == "medical-history-open"]
    assert said in told.message.en


@pytest.mark.parametrize(
    ("more", "asked", "open_"),
    [
        ({}, [], True),
        ({"conditions": []}, [], False),
        ({}, ["conditions"], False),
        ({"conditions": ["stroke"]}, [], True),  # only taken as complete
        ({"conditions": [], "open_sections": ["conditions"]}, [], True),
        ({"open_sections": ["conditions"]}, ["conditions"], True),
    ],
)
def test_a_contraindication_is_absent_only_where_the_list_is_stated_or_asked_to_be_complete(
    knowledge_base: KnowledgeBase, more: dict[str, Any], asked: list[str], open_: bool
) -> None:
    assessment = _assess(knowledge_base, more, assume_complete=asked)
    _, cautions = _of(assessment, _drug(knowledge_base, "zoledronate"))
    assert ("contraindications-to-check" in _codes(cautions)) == open_


def test_what_is_to_be_checked_quotes_what_is_recorded(knowledge_base: KnowledgeBase) -> None:
    def asked(drug: str, code: str, more: dict[str, Any]) -> str:
        _, cautions = _of(_assess(knowledge_base, {"conditions": []}, more), _drug(knowledge_base, drug))
        [found] = [each for each in cautions if each.code == code]
        return found.message.en

    number, stage = {"egfr": Decimal("60.5")}, {"conditions": ["chronic-kidney-disease-stage-3"]}
    disorder = {"conditions": ["oesophageal-disorder"]}
    said = "creatinine clearance < 35 mL/min (recorded: eGFR 60.5 mL/min)"
    assert said in asked("zoledronate", "renal-function-to-check", number)
    said = "< 35 mL/min (recorded: chronic kidney disease, stage 3 (30 to 59 mL/min))"
    assert said in asked("alendronate", "renal-function-to-check", stage)
    assert "(not recorded)" in asked("alendronate", "renal-function-to-check", {})
    assert "creatinine clearance < 30 mL/min (recorded: eGFR 60.5 mL/min)" in asked(
        "denosumab", "precautions-to-check", number
    )
    assert "(recorded: oesophageal disorder)" in asked("alendronate", "contraindications-to-check", disorder)


def test_nothing_is_asked_of_a_drug_that_the_guideline_closes(knowledge_base: KnowledgeBase) -> None:
    """A contraindication that is recorded is told all the same."""
    closed = _assess(knowledge_base, {"age_years": 71, "conditions": ["breast-cancer", "stroke"]})
    contraindications, cautions = _of(closed, _drug(knowledge_base, "menopausal-hormone-therapy"))
    assert _codes(contraindications) == ["menopausal-hormone-therapy-breast-cancer"]
    assert cautions == []


# Renal function


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
    contraindications, _ = _of(knowledge_base.assess(whole, on=ON), _drug(knowledge_base, "zoledronate"))
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
    contraindications, _ = _of(_assess(knowledge_base, more), _drug(knowledge_base, "teriparatide"))
    assert _codes(contraindications) == ([SEVERE] if met else [])


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
    contraindications, cautions = _of(_assess(knowledge_base, more), _drug(knowledge_base, "zoledronate"))
    assert ("zoledronate-low-creatinine-clearance" in _codes(contraindications)) == (status == "met")
    assert ("renal-function-to-check" in _codes(cautions)) == (status == "open")


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
    found = {each.code for each in _assess(knowledge_base, more).cautions}
    assert found & {AGAINST, NOT_LISTED} == told


def test_a_contradiction_is_told_in_every_disposition(knowledge_base: KnowledgeBase) -> None:
    assessment = _assess(knowledge_base, {"t_score_total_hip": 1, "egfr": 14, "conditions": []})
    assert assessment.options == ()
    assert [each.code for each in assessment.cautions] == [NOT_LISTED]


def test_severe_renal_impairment_by_number_is_told_as_the_definition_of_kdigo(knowledge_base: KnowledgeBase) -> None:
    assessment = _assess(knowledge_base, {"creatinine_clearance": Decimal("12.5"), "conditions": []})
    [told], _ = _of(assessment, _drug(knowledge_base, "raloxifene"))
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
    found = [each for each in _assess(knowledge_base, more).warnings if each.code == "clearance-wanted"]
    assert len(found) == wanted
    assert all(f"{more['egfr']} mL/min" in each.message.get(language) for each in found for language in LANGUAGES)


def test_the_value_that_leaves_a_limit_open_is_quoted_with_its_day(
    knowledge_base: KnowledgeBase, without: KnowledgeBase
) -> None:
    more = {"egfr": 60, "renal_function_date": "2026-10-01"}
    [told] = [each for each in _assess(knowledge_base, more).warnings if each.code == "clearance-wanted"]
    assert "creatinine clearance" in told.message.en
    assert "(eGFR) 60 mL/min (2026-10-01)" in told.message.en
    assert [each for each in _assess(without, more).warnings if each.code == "clearance-wanted"] == []


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


# It changes nothing else


def _bare(assessment: Assessment) -> Assessment:
    """Take away what the layer adds."""
    options = tuple(
        replace(each, contraindications=(), cautions=tuple(c for c in each.cautions if not c.is_safety))
        for each in assessment.options
    )
    warnings = tuple(each for each in assessment.warnings if each.code != "clearance-wanted")
    return replace(assessment, options=options, cautions=(), warnings=warnings, adverse_events=())


@pytest.mark.slow
@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(record=records())
def test_an_answer_with_safety_is_the_answer_without_it_and_more_beside(
    knowledge_base: KnowledgeBase, without: KnowledgeBase, record: dict[str, Any]
) -> None:
    [case] = knowledge_base.read(exact_json(record), "json")
    told, plain = knowledge_base.assess(case, on=ON), without.assess(case, on=ON)
    assert _bare(told) == plain
    assert _bare(plain) == plain


@pytest.mark.slow
@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(record=records())
def test_what_only_safety_looks_at_decides_nothing(without: KnowledgeBase, record: dict[str, Any]) -> None:
    """Conditions and renal function are in no situation; two conditions are warned of, as before."""
    kept = ("secondary-osteoporosis-cause", "long-term-glucocorticoid-treatment")
    ours = ("creatinine_clearance", "egfr", "renal_function_date")
    plain = {key: value for key, value in record.items() if key not in ours}
    if "conditions" in record:
        plain["conditions"] = [each for each in record["conditions"] if each in kept]
    [case], [other] = (without.read(exact_json(each), "json") for each in (record, plain))
    assert without.assess(case, on=ON) == without.assess(other, on=ON)


@pytest.mark.slow
@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(record=records())
def test_no_word_of_safety_is_left_to_fill_in(knowledge_base: KnowledgeBase, record: dict[str, Any]) -> None:
    [case] = knowledge_base.read(exact_json(record), "json")
    assessment = knowledge_base.assess(case, on=ON)
    told = [each for option in assessment.options for each in (*option.cautions, *option.contraindications)]
    for each in (*told, *assessment.cautions):
        assert all(each.message.get(language) and "{" not in each.message.get(language) for language in ("en", "fr"))


def test_the_command_leaves_safety_out_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "patient.json"
    path.write_text(exact_json(EVERYTHING_OPEN | {"conditions": ["hypocalcaemia"]}), encoding="utf-8")
    told = CliRunner().invoke(main, ["assess", str(path), "--on", ON.isoformat()])
    plain = CliRunner().invoke(main, ["assess", str(path), "--on", ON.isoformat(), "--no-safety"])
    assert (told.exit_code, plain.exit_code) == (0, 0)
    assert "contraindicat" in told.output
    assert "contraindicat" not in plain.output


# What the ontology promises


def test_every_statement_is_not_reviewed_and_has_a_source_or_says_that_it_has_none(
    knowledge_base: KnowledgeBase,
) -> None:
    terms, triples = knowledge_base.knowledge.terms, knowledge_base.knowledge.triples
    statements = {iri for iri, kinds in terms.types.items() if f"{NS}SafetyStatement" in kinds} - set(
        triples.subjects(RDF.type, OWL.Class)
    )
    assert len(statements) > len(terms.kinds[OSTEO.Contraindication])
    for iri in statements:
        assert triples.objects(iri, OSTEO.hasReviewStatus) == [f"{NS}NotReviewed"], iri
        assert triples.objects(iri, OSTEO.hasSafetySource) or f"{NS}UnsourcedStatement" in terms.types[iri], iri
        assert triples.objects(iri, OSTEO.isAboutDrug), iri


def test_what_has_no_source_is_never_a_contraindication_nor_a_precaution(knowledge_base: KnowledgeBase) -> None:
    types = knowledge_base.knowledge.terms.types.values()
    unsourced = [kinds for kinds in types if f"{NS}UnsourcedStatement" in kinds]
    assert unsourced
    assert [kinds for kinds in unsourced if kinds & {f"{NS}Contraindication", f"{NS}Precaution"}] == []


def test_every_drug_of_an_option_has_contraindications_events_and_a_dose(knowledge_base: KnowledgeBase) -> None:
    triples, types = knowledge_base.knowledge.triples, knowledge_base.knowledge.terms.types
    for option in knowledge_base.engine().guideline.options:
        for drug in option.drugs:
            kinds = {kind for each in triples.subjects(OSTEO.isAboutDrug, drug) for kind in types[each]}
            wanted = "Contraindication FrequentAdverseEvents SeriousAdverseEvents DosageStatement MonitoringStatement"
            assert {f"{NS}{name}" for name in wanted.split()} - kinds == set(), drug


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_adverse_events_of_open_options_are_told_with_their_sources(
    knowledge_base: KnowledgeBase, language: Any
) -> None:
    assessment = _assess(knowledge_base, {"age_years": 71})
    told = {each.drug for each in assessment.adverse_events}
    open_ = {drug for option in assessment.options if option.status != "not-eligible" for drug in option.drugs}
    assert told == open_
    text = "\n".join(map(str, full_lines(assessment, language)))
    for each in assessment.adverse_events:
        assert typeset(f"{each.events.get(language)} [{each.source.get(language)}]", language) in text
