"""What follows about a patient: the same as OWL 2 RL says of all that her case states, though it is closed in parts."""

from __future__ import annotations

import json

import pyoxigraph as ox
import pytest

from osteo_kg import KnowledgeBase
from osteo_kg.case import Atom
from osteo_kg.rdf import OSTEO, RDF
from tests.support.worked import ON

TOGETHER: list[list[tuple[str, ...]]] = [
    [("hasSex", "Female"), ("hasMenopausalStatus", "Postmenopausal"), ("hasLowEnergyFracture", "PelvicFracture")],
    [("hasLowEnergyFracture", "ProximalTibiaFracture"), ("hasLowEnergyFracture", "PatellaFracture")],
    [("hasLowEnergyFracture", "VertebralFracture"), ("hasLowEnergyFracture", "FemoralShaftFracture")],
    [("hasPastTreatment", "Zoledronate", "Failure"), ("hasPastTreatment", "Raloxifene"), ("hasSex", "Male")],
    [("hasPastTreatment", "Etidronate", "Intolerance"), ("hasLowEnergyFracture", "UnspecifiedSiteFracture")],
]


@pytest.mark.slow
def test_facts_closed_by_what_stands_for_them_lead_to_the_same_classes(knowledge_base: KnowledgeBase) -> None:
    engine = knowledge_base.engine()
    sets = [
        frozenset(Atom(OSTEO[name].value, *(OSTEO[each].value for each in values)) for name, *values in facts)
        for facts in TOGETHER
    ]
    whole = {atoms: closure.classes for atoms, closure in engine._closures.reasoner.close(sets).items()}
    assert engine.classes(sets) == whole
    assert OSTEO.PatientWithMixedSevereFractures.value in whole[sets[2]]  # of both together, and of neither alone


def concluded(knowledge_base: KnowledgeBase, **record: object) -> set[tuple[str, str, str]]:
    """Give what follows about a patient, in short; nameless nodes are all `_`."""
    [case] = knowledge_base.read(json.dumps({"patient": "urn:case:a", **record}), "json")
    [triples] = knowledge_base.conclusions([(case, knowledge_base.assess(case, on=ON))])

    def short(term: object) -> str:
        if isinstance(term, ox.BlankNode):
            return "_"
        return str(getattr(term, "value", term)).removeprefix(OSTEO.iri).removeprefix(RDF.iri)

    return {(short(each.subject), short(each.predicate), short(each.object)) for each in triples}


def test_a_fracture_is_classed_and_linked_and_one_of_high_energy_is_classed_only(
    knowledge_base: KnowledgeBase,
) -> None:
    for mechanism, linked in (("low-energy", True), ("high-energy", False)):
        told = concluded(knowledge_base, fractures=[{"site": "pelvis", "mechanism": mechanism}])
        assert ("_", "type", "SevereFracture") in told
        assert (("_", "isLowEnergyFractureOf", "urn:case:a") in told) == linked
        assert (("urn:case:a", "type", "PatientWithSevereFracture") in told) == linked


def test_a_treatment_is_classed_by_its_drug_and_its_outcome(knowledge_base: KnowledgeBase) -> None:
    told = concluded(knowledge_base, treatment_history=[{"drug": "alendronate", "outcome": "failure"}])
    assert ("_", "type", "FailedBisphosphonateTreatment") in told
    assert ("_", "isPastTreatmentOf", "urn:case:a") in told
    assert ("urn:case:a", "type", "PatientWithBisphosphonateFailureOrIntolerance") in told


def test_what_a_status_says_of_the_sex_follows_and_what_is_stated_does_not(knowledge_base: KnowledgeBase) -> None:
    told = concluded(knowledge_base, menopausal_status="postmenopausal")
    assert {("urn:case:a", "type", "PostmenopausalWoman"), ("urn:case:a", "hasSex", "Female")} <= told
    assert ("urn:case:a", "hasMenopausalStatus", "Postmenopausal") not in told
    assert ("urn:case:a", "type", "Patient") not in told


@pytest.mark.parametrize(
    ("score", "distance"),
    [("-3.0", None), ("-3.2", None), ("-2.96", "0.04"), ("-2.0", "1"), ("-1.99", "0.01"), ("0.5", "1.5")],
)
def test_the_distance_is_to_the_next_threshold_below(
    knowledge_base: KnowledgeBase, score: str, distance: str | None
) -> None:
    told = concluded(knowledge_base, t_score_total_hip=float(score), age_years=62)
    assert {o for _, p, o in told if p == "distanceToThreshold"} == ({distance} if distance else set())
    assert ("urn:case:a", "completedYears", "62") in told
