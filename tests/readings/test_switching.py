"""Readings that are switched: what goes and comes, and that every answer says so."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import jsonschema
import pyoxigraph as ox
import pytest

from osteo_kg import Assessment, KnowledgeBase, KnowledgeError, UsageError
from osteo_kg.decision_table import settled_keys
from osteo_kg.json_schema import assessment_schema
from osteo_kg.knowledge import Knowledge, load_knowledge, packaged_knowledge
from osteo_kg.knowledge.readings import other_readings, switched
from osteo_kg.rdf import OSTEO
from osteo_kg.validation import assessment_faults
from tests.support import cohorts

ON = datetime.date(2026, 11, 27)
READINGS = tuple(packaged_knowledge().other_readings)
KNOWN = {
    "patient": "w",
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "fractures": [],
    "treatment_history": [],
}
FAILED = [{"drug": "alendronate", "outcome": "failure"}]
#: A record of which each reading changes something, with what it is before and after.
TOLD: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "I3": ({"t_score_total_hip": -3, "fractures": ["vertebra"]}, "denosumab", "eligible", "not-eligible"),
    "I4": ({"t_score_total_hip": -3, "treatment_history": FAILED}, "oral-bisphosphonate", "eligible", "not-eligible"),
    "I5": (
        {"t_score_total_hip": -3, "fractures": ["vertebra", "proximal-femur"], "low_peripheral_fracture_risk": True},
        "raloxifene",
        "eligible",
        "not-eligible",
    ),
    "I6": (
        {"t_score_total_hip": -3, "age_years": 60, "climacteric_disorders": True},
        "menopausal-hormone-therapy",
        "eligible",
        "not-eligible",
    ),
    "I7": ({"t_score_lumbar_spine": -3.2, "t_score_femoral_neck": -2.2}, "", "treat", "specialist-opinion"),
    "I10": ({"t_score_total_hip": -1.5, "fractures": ["distal-radius"]}, "", "specialist-opinion", "undetermined"),
    "I13": ({"t_score_total_hip": -3, "fractures": ["vertebra"]}, "teriparatide", "not-eligible", "undetermined"),
    "I14": ({"t_score_total_hip": -3}, "denosumab", "not-eligible", "eligible"),
    "I15": ({"t_score_total_hip": -2.4, "fractures": ["distal-radius"]}, "", "treat", "specialist-opinion"),
    "I16": (
        {"t_score_total_hip": -2.4, "fractures": ["distal-radius"], "low_peripheral_fracture_risk": True},
        "raloxifene",
        "eligible",
        "not-eligible",
    ),
    "I18": ({"t_score_total_hip": -2.4}, "", "specialist-opinion", "specialist-opinion"),
}


@pytest.fixture(scope="module")
def answered(knowledge_base: KnowledgeBase) -> Callable[[str, KnowledgeBase], Assessment]:
    """Give the assessment of the record of a reading by a knowledge base."""

    def answer(reading: str, by: KnowledgeBase) -> Assessment:
        [case] = by.read(json.dumps({**KNOWN, **TOLD[reading][0]}), "json")
        return by.assess(case, on=ON)

    return answer


def _told(assessment: Assessment, option: str) -> str:
    return next((each.status for each in assessment.options if each.treatment == option), assessment.disposition)


@pytest.mark.parametrize("reading", READINGS)
def test_a_reading_takes_out_what_is_there_and_puts_in_what_is_not(reading: str) -> None:
    other = packaged_knowledge().other_readings[reading]
    packaged, switched_to = _triples(packaged_knowledge()), _triples(load_knowledge(readings={reading: "other"}))
    plain = {each for each in packaged if not _is_nameless(each)}
    assert other.removed <= packaged
    assert not other.added & packaged
    assert {each for each in switched_to if not _is_nameless(each)} == (plain - other.removed) | other.added


def _triples(knowledge: Knowledge) -> set[ox.Triple]:
    return {q.triple for each in knowledge.modules.values() for q in ox.parse(each, format=ox.RdfFormat.TURTLE)}


def _is_nameless(triple: ox.Triple) -> bool:
    return isinstance(triple.subject, ox.BlankNode) or isinstance(triple.object, ox.BlankNode)


def test_nothing_is_switched_unless_it_is_asked_for(knowledge_base: KnowledgeBase) -> None:
    assert knowledge_base.knowledge.readings == ()
    packaged = load_knowledge(readings=dict.fromkeys(READINGS, "packaged"))
    assert packaged.modules == knowledge_base.knowledge.modules
    assert not any(name.endswith(".trig") for name in knowledge_base.knowledge.modules)


def test_every_reading_has_a_digest_of_its_own_which_is_the_same_at_every_load() -> None:
    digests = [load_knowledge(readings={each: "other"}).digest for each in READINGS]
    assert len({*digests, packaged_knowledge().digest}) == len(READINGS) + 1
    assert load_knowledge(readings={READINGS[0]: "other"}).digest == digests[0]


def test_every_reading_that_is_kept_as_triples_is_tried_here() -> None:
    assert set(TOLD) == set(READINGS)


@pytest.mark.parametrize(
    "reading", [pytest.param(each, marks=() if each == "I15" else pytest.mark.slow) for each in READINGS]
)
def test_a_reading_changes_what_it_is_about_and_every_form_of_the_answer_says_so(
    reading: str, knowledge_base: KnowledgeBase, answered: Callable[[str, KnowledgeBase], Assessment]
) -> None:
    _, option, before, after = TOLD[reading]
    other_base = KnowledgeBase.load(readings={reading: "other"})
    packaged, other = answered(reading, knowledge_base), answered(reading, other_base)
    assert (_told(packaged, option), _told(other, option)) == (before, after)
    assert packaged.obligations != other.obligations or (packaged.disposition, packaged.options) != (
        other.disposition,
        other.options,
    )
    assert "readings" not in packaged.to_json()
    assert [each["interpretation"] for each in other.to_json()["readings"]] == [reading]
    jsonschema.validate(other.to_json(), assessment_schema(other_base.knowledge, other_base.engine().guideline))
    triples = other_base.triples(other)
    taken = [t.object for t in triples if t.predicate == OSTEO.takesOtherReadingOf]
    assert [isinstance(each, ox.NamedNode) and each.value.endswith(f"/{reading}") for each in taken] == [True]
    [back] = other_base.read_assessments(triples)
    assert back == other
    assert assessment_faults(other_base.knowledge, triples) == []


#: Records that the two readings of how a section is read part, each with the situation of its section by the other.
SECTIONS_READ: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("I10", {"fractures": ["distal-radius"]}, "fractures", "at-least_non-severe"),
    ("I10", {"fractures": ["skull"]}, "fractures", "unknown"),
    ("I10", {"fractures": []}, "fractures", "none"),
    ("I10", {"fractures": ["vertebra", "distal-radius"]}, "fractures", "at-least_non-severe,vertebral"),
    ("I10", {"treatment_history": ["raloxifene"]}, "treatment_history", "unknown"),
    ("I10", {"treatment_history": FAILED}, "treatment_history", None),
    ("I13", {"fractures": ["vertebra"]}, "fractures", "vertebral,perhaps-vertebral"),
    ("I13", {"fractures": [{"site": "vertebra", "count": 1}]}, "fractures", "vertebral"),
    ("I13", {"fractures": ["vertebra", "vertebra"]}, "fractures", "vertebral:2"),
    ("I13", {"fractures": [{"site": "vertebra", "mechanism": "high-energy"}]}, "fractures", "none"),
    ("I13", {"fractures": ["vertebra"], "open_sections": ["fractures"]}, "fractures", "at-least_vertebral"),
]


@pytest.fixture(scope="module")
def read_otherwise() -> dict[str, KnowledgeBase]:
    """The readings of how a section is read, switched."""
    return {each: KnowledgeBase.load(readings={each: "other"}) for each in ("I10", "I13")}


@pytest.mark.parametrize(("reading", "record", "section", "value"), SECTIONS_READ)
@pytest.mark.parametrize("by", ["situation", "reasoning"])
def test_a_section_is_read_as_the_other_reading_has_it(
    read_otherwise: dict[str, KnowledgeBase],
    reading: str,
    record: dict[str, Any],
    section: str,
    value: str | None,
    by: Literal["situation", "reasoning"],
    knowledge_base: KnowledgeBase,
) -> None:
    stated = json.dumps({**KNOWN, "t_score_total_hip": -1.5, **record})
    packaged, other = (
        each.assess(next(iter(each.read(stated, "json"))), on=ON, by=by)
        for each in (knowledge_base, read_otherwise[reading])
    )
    before, after = (dict(part.split("=") for part in each.situation_key.split(";")) for each in (packaged, other))
    assert after[section] == (value or before[section])
    assert {**before, section: ""} == {**after, section: ""}
    assert "count-assumed" not in {each.code for each in other.assumptions} or reading == "I10"
    assert "section-taken-as-complete" not in {each.code for each in other.assumptions} or reading == "I13"


@pytest.mark.slow
@pytest.mark.parametrize("reading", ["I10", "I13"])
@pytest.mark.parametrize(("format_name", "assumed"), [("jsonl", ()), ("nt", ()), ("fhir", ()), ("csv", ("fractures",))])
def test_a_cohort_is_read_as_the_other_reading_has_it(
    read_otherwise: dict[str, KnowledgeBase], reading: str, format_name: str, assumed: tuple[str, ...], tmp_path: Path
) -> None:
    """Columns say of every patient what assessing her by herself says."""
    other = read_otherwise[reading]
    records = [
        {**KNOWN, "t_score_total_hip": -3, "patient": f"w{n}", **each[1]} for n, each in enumerate(SECTIONS_READ)
    ]
    path, cases = cohorts.files(other, [*records, *cohorts.sample(150, 1)])[format_name](tmp_path)
    rows, _, reports = cohorts.run(other, path, tmp_path, assume_complete=assumed)
    wanted, refused = cohorts.expected(other, cases, assume_complete=assumed)
    assert rows == wanted
    assert sorted(cohorts.without_place(reports), key=str) == sorted(refused, key=str)


@pytest.mark.slow
@pytest.mark.parametrize("reading", ["I5", "I15", "I16"])
def test_a_reading_of_a_list_or_a_threshold_leaves_no_gap_and_no_overlap(reading: str) -> None:
    engine = KnowledgeBase.load(readings={reading: "other"}).engine()
    keys = settled_keys(engine)
    assert len(engine.settled(keys)) == len(keys)  # a gap or an overlap is an error of the knowledge


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"I9": "other"}, "I9 cannot be switched. Those that can be switched: I3, I4"),
        ({"I99": "other"}, "I99 cannot be switched"),
        ({"I15": "yes"}, "no reading 'yes' of I15. Write I15=other or I15=packaged"),
    ],
)
def test_what_cannot_be_switched_is_refused_with_what_can(asked: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said.replace(".", "[.]")):
        load_knowledge(readings=asked)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<urn:a> <urn:b>", "not valid TriG"),
        ("<urn:I1> <{ns}otherReadingAdds> <urn:g> .", "changes nothing"),
        ("<urn:I1> <{ns}otherReadingRemoves> <urn:g> . <urn:g> {{ <urn:a> <urn:b> <urn:c> }}", "no module holds"),
    ],
)
def test_readings_that_do_not_fit_are_told_in_a_sentence(text: str, said: str) -> None:
    with pytest.raises(KnowledgeError, match=said):
        switched({}, list(other_readings({"r.trig": text.format(ns=OSTEO.iri).encode()}).values()))


def test_a_reading_of_a_further_folder_can_be_switched_too(tmp_path: Path) -> None:
    second = Path(__file__).parents[1] / "second-guideline" / "second.ttl"
    (tmp_path / "second.ttl").write_bytes(second.read_bytes())
    quads = ox.parse(second.read_bytes(), format=ox.RdfFormat.TURTLE)
    rule = next(quad.object for quad in quads if quad.predicate == OSTEO.hasRule)
    text = f"<urn:x/I77> <{OSTEO.iri}otherReadingRemoves> <urn:g> . <urn:g> {{ {rule} a <{OSTEO.iri}Rule> }}"
    (tmp_path / "second.trig").write_text(text)
    found = load_knowledge([tmp_path], {"I77": "other"})
    assert found.readings == ("I77",)
    assert "I77" not in packaged_knowledge().other_readings


def test_two_readings_that_contradict_each_other_are_refused() -> None:
    known = packaged_knowledge()
    one = known.other_readings["I18"]
    against = dataclasses.replace(one, removed=one.added, added=frozenset(), interpretation=f"{one.interpretation}x")
    with pytest.raises(KnowledgeError, match="takes out what I18 puts in"):
        switched(known.modules, [one, against])
