"""The safety layer: what it tells of each drug, and that it changes nothing else."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings

from osteo_kg import Assessment
from osteo_kg.assessment import full_lines
from osteo_kg.bilingual import typeset
from osteo_kg.cli.main import main
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import OSTEO, OWL, RDF
from tests.support.safety import (
    ASSUMED,
    EVERYTHING_OPEN,
    NS,
    WHOLE,
    WORKED,
    Told,
    assess_open,
    codes_of,
    drug_of,
    told_of,
)
from tests.support.strategies import records
from tests.support.worked import ON, exact_json

# What is told


@pytest.mark.parametrize("told", WORKED, ids=lambda told: f"{told.id} {told.title}")
def test_a_worked_patient_is_told_of_what_the_sources_say(knowledge_base: KnowledgeBase, told: Told) -> None:
    drug = drug_of(knowledge_base, told.drug)
    contraindications, cautions = told_of(assess_open(knowledge_base, told.record), drug)
    assert (codes_of(contraindications), codes_of(cautions)) == (told.contraindications, told.cautions)


def test_every_contraindication_and_precaution_has_a_case(knowledge_base: KnowledgeBase) -> None:
    kinds = knowledge_base.knowledge.terms.kinds
    told = {code for each in WORKED for code in (*each.contraindications, *each.cautions)}
    known = {*kinds[OSTEO.Contraindication], *kinds[OSTEO.Precaution], *kinds[OSTEO.SafetyCautionCode]}
    assert known - told == WHOLE


def test_what_is_told_has_its_source_and_says_that_nobody_reviewed_it(knowledge_base: KnowledgeBase) -> None:
    assessment = assess_open(knowledge_base, {"conditions": ["hypocalcaemia"], "creatinine_clearance": 20})
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
    assessment = assess_open(knowledge_base, {"fractures": [{"site": site}], "treatment_history": [entry]})
    told = {each.code: each.drug for each in assessment.cautions}
    expected = site == "femoral-shaft" and drug != "raloxifene"
    assert told.get("exclude-atypical-femoral-fracture") == (drug_of(knowledge_base, drug) if expected else None)


def test_the_drugs_of_an_atypical_fracture_are_the_bisphosphonates_and_denosumab(knowledge_base: KnowledgeBase) -> None:
    """The list stands in the ontology beside the classes: a new bisphosphonate belongs to both."""
    knowledge = knowledge_base.knowledge
    listed = set(knowledge.triples.objects(f"{NS}ExcludeAtypicalFemoralFracture", OSTEO.isRaisedByDrug))
    assert listed == {*knowledge.terms.kinds[OSTEO.Bisphosphonate].values(), drug_of(knowledge_base, "denosumab")}


def test_the_rebound_risk_is_told_beside_denosumab_only_after_a_vertebral_fracture(
    knowledge_base: KnowledgeBase,
) -> None:
    for site, expected in (("vertebra", True), ("pelvis", False)):
        assessment = assess_open(knowledge_base, {"fractures": [{"site": site}]})
        told = {each.code for option in assessment.options for each in option.cautions}
        assert ("denosumab-rebound-risk" in told) == expected


# Unknown is not absent


def test_conditions_that_the_caller_takes_for_none_are_said_to_be(knowledge_base: KnowledgeBase) -> None:
    def told(*more: dict[str, Any], **asked: Any) -> set[str]:
        return {each.code for each in assess_open(knowledge_base, *more, **asked).cautions} & {ASSUMED}

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
    assessment = assess_open(knowledge_base, more, {"open_sections": ["conditions"]}, assume_complete=asked)
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
    assessment = assess_open(knowledge_base, more, assume_complete=asked)
    _, cautions = told_of(assessment, drug_of(knowledge_base, "zoledronate"))
    assert ("contraindications-to-check" in codes_of(cautions)) == open_


def test_what_is_to_be_checked_quotes_what_is_recorded(knowledge_base: KnowledgeBase) -> None:
    def asked(drug: str, code: str, more: dict[str, Any]) -> str:
        _, cautions = told_of(assess_open(knowledge_base, {"conditions": []}, more), drug_of(knowledge_base, drug))
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
    closed = assess_open(knowledge_base, {"age_years": 71, "conditions": ["breast-cancer", "stroke"]})
    contraindications, cautions = told_of(closed, drug_of(knowledge_base, "menopausal-hormone-therapy"))
    assert codes_of(contraindications) == ["menopausal-hormone-therapy-breast-cancer"]
    assert cautions == []


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
    assessment = assess_open(knowledge_base, {"age_years": 71})
    told = {each.drug for each in assessment.adverse_events}
    open_ = {drug for option in assessment.options if option.status != "not-eligible" for drug in option.drugs}
    assert told == open_
    text = "\n".join(map(str, full_lines(assessment, language)))
    for each in assessment.adverse_events:
        assert typeset(f"{each.events.get(language)} [{each.source.get(language)}]", language) in text
