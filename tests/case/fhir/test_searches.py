"""The searches of a FHIR record find everything that is read of one."""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from osteo_kg.case import Unread, left_open, searches
from osteo_kg.case.fhir import bundle_of, reader
from osteo_kg.knowledge.loading import packaged_knowledge
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import OSTEO
from tests.support.bundles import NO_FRACTURE, POSTMENOPAUSAL, read, t_score
from tests.support.worked import ON, answered

TERMS = packaged_knowledge().terms
SEARCHES = searches(TERMS)


def test_every_type_that_is_read_is_searched_for() -> None:
    assert {each.kind for each in SEARCHES} == set(reader._READ)


def test_no_two_searches_share_a_key() -> None:
    assert len({each.key for each in SEARCHES}) == len(SEARCHES)


@pytest.mark.parametrize(
    ("term", "group"),
    [
        (OSTEO.LumbarSpine, "t-score"),
        (OSTEO.TotalHip, "t-score"),
        (OSTEO.UnspecifiedFemurSite, "t-score"),
        (OSTEO.Forearm, "peripheral"),
        (OSTEO.RecordedMenopausalStatus, "menopause"),
        (OSTEO.Postmenopausal, "menopause"),
        (OSTEO.ClimactericDisorders, "climacteric"),
        (OSTEO.CreatinineClearance, "renal"),
        (OSTEO.EstimatedGfr, "renal"),
    ],
)
def test_every_code_that_an_observation_is_read_by_is_searched_for(term: ox.NamedNode, group: str) -> None:
    asked = {each.coding for each in SEARCHES if each.group == group}
    wanted = {
        (each.system, each.value)
        for each in TERMS.codes.of(term)
        if not TERMS.codes.nests(each.system) and not TERMS.is_a(each.iri, OSTEO.BodySiteCode)
    }
    assert wanted - asked == set()
    assert wanted != set()


def test_the_panel_is_searched_for_by_its_published_code() -> None:
    assert ("http://loinc.org", "83311-1") in {each.coding for each in SEARCHES if each.group == "panel"}


def test_whatever_a_case_is_written_as_is_found(knowledge_base: KnowledgeBase) -> None:
    """Every resource of every worked patient, by its type, or by a code of its own."""
    whole = {each.kind for each in SEARCHES if each.coding is None}
    codings = {each.coding for each in SEARCHES}
    bundle = bundle_of([each.case(knowledge_base) for each in answered()], knowledge_base.knowledge.terms)
    lost = [
        resource
        for resource in (entry["resource"] for entry in bundle["entry"])
        if resource["resourceType"] not in whole
        and not {(each["system"], each["code"]) for each in resource["code"]["coding"]} & codings
    ]
    assert lost == []


# What could not be had


def test_what_could_not_be_had_leaves_its_sections_open(knowledge_base: KnowledgeBase) -> None:
    """Although the record says that the section is complete."""
    case = read(knowledge_base, POSTMENOPAUSAL, NO_FRACTURE, t_score("38267-1", -1.5))
    assert knowledge_base.assess(case, on=ON).disposition == "no-treatment"
    lost = Unread("Condition", OSTEO.NotAnswered.value, (OSTEO.FractureHistory.value, OSTEO.MedicalHistory.value))
    found = knowledge_base.assess(left_open(case, [lost]), on=ON)
    assert found.disposition == "undetermined"
    told = {each.code: each.message.en for each in found.warnings}
    assert "Condition" in told["section-open"]
    assert told["element-ignored"] == "Not used: Condition (query not answered by the server)."


def test_a_t_score_that_could_not_be_asked_for_is_not_said_to_be_measured(knowledge_base: KnowledgeBase) -> None:
    """The lowest is at most what was read all the same."""
    case = read(knowledge_base, POSTMENOPAUSAL, NO_FRACTURE, t_score("38267-1", -2.5))
    assert knowledge_base.assess(case, on=ON).disposition == "specialist-opinion"
    lost = Unread("Observation (LOINC 38264-8)", OSTEO.NotSupplied.value, (OSTEO.Densitometry.value,))
    found = knowledge_base.assess(left_open(case, [lost]), on=ON)
    assert found.possible == ("specialist-opinion", "treat")
    told = {each.code: each.message.en for each in found.warnings}
    assert (
        told["section-open"]
        == "densitometry: incomplete, something could not be read or is not certain (Observation (LOINC 38264-8))."
    )
    assert "densitometry-unread" not in told


def test_nothing_unread_leaves_a_case_as_it_is(knowledge_base: KnowledgeBase) -> None:
    case = read(knowledge_base, POSTMENOPAUSAL)
    assert left_open(case, []) == case
