"""The safety layer: what it tells of each drug, and that it changes nothing else."""

from __future__ import annotations

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
from osteo_kg.assessment import assessment_lines
from osteo_kg.assessment.model import Caution
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
HISTORIES = {"medical-history-taken-as-complete", "medical-history-assumed-complete"}


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
    assert {*kinds[OSTEO.Contraindication], *kinds[OSTEO.Precaution], *kinds[OSTEO.SafetyCautionCode]} - told == {
        *HISTORIES,
        "exclude-atypical-femoral-fracture",
    }  # these stand beside the whole answer


def test_every_limit_has_a_case_on_it_and_on_each_side(knowledge_base: KnowledgeBase) -> None:
    triples = knowledge_base.knowledge.triples
    limited = [iri for iri, _ in triples.pairs(OSTEO.measures) if triples.value(iri, OSTEO.isAboutDrug)]
    assert limited
    for iri in limited:
        limit = triples.decimal(iri, OSTEO.below)
        [drug] = [knowledge_base.knowledge.terms.key(each) for each in triples.objects(iri, OSTEO.isAboutDrug)]
        tried = {
            value
            for each in WORKED
            if each.drug == drug
            for value in each.record.values()
            if isinstance(value, Decimal)
        }
        assert limit is not None
        assert {limit - Decimal("0.1"), limit, limit + Decimal("0.1")} - tried == set()


def test_what_is_told_has_its_source_and_says_that_nobody_reviewed_it(knowledge_base: KnowledgeBase) -> None:
    assessment = _assess(knowledge_base, {"conditions": ["hypocalcaemia"], "creatinine_clearance": 20})
    for language, words in (("en", "not reviewed by a clinician"), ("fr", "non relu par un clinicien")):
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


def test_conditions_read_as_complete_are_said_to_be(knowledge_base: KnowledgeBase) -> None:
    def told(*more: dict[str, Any], **asked: Any) -> set[str]:
        return {each.code for each in _assess(knowledge_base, *more, **asked).cautions} & HISTORIES

    assert told() == set()
    assert told({"conditions": []}) == set()
    assert told({"conditions": ["stroke"]}) == {"medical-history-taken-as-complete"}
    assert told(assume_complete=["conditions"]) == {"medical-history-assumed-complete"}


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
        ({"old": "20", "undated": "20", "new": "80", "same": "80.5"}, None),
        ({"old": "80", "undated": "80", "new": "29.9", "same": "60"}, "29.9 (2026-01-01)"),
    ],
)
def test_of_several_tests_the_most_recent_counts_and_of_one_day_the_lowest(
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
    return replace(assessment, options=options, cautions=(), adverse_events=())


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
    text = "\n".join(map(str, assessment_lines(assessment, language)))
    for each in assessment.adverse_events:
        assert f"{each.events.get(language)} [{each.source.get(language)}]" in text
