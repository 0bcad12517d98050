"""Properties of the guideline are proved from its triples; a guideline that lacks one is refuted by a case."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from rdflib import XSD, Literal, URIRef

from docs.generate import REFERENCE
from osteo_kg import Assessment
from osteo_kg.errors import KnowledgeError
from osteo_kg.knowledge import load_knowledge
from osteo_kg.knowledge_base import KnowledgeBase
from tests.proofs.answers import Answers, ProvedAnswer
from tests.proofs.axioms import OSTEO
from tests.proofs.cases import turtle
from tests.proofs.edits import Edit
from tests.proofs.encoding import Encoding
from tests.proofs.killers import MODULE, differences
from tests.proofs.mutants import THE_GUIDELINE, generator, packaged_graph
from tests.proofs.properties import PROPERTIES, Property, prove
from tests.proofs.sampling import random_case
from tests.support.worked import ROOT

pytestmark = pytest.mark.slow

BY_KEY = {each.key: each for each in PROPERTIES}
CORE = ROOT / "ontology" / "core.ttl"
ORDER = ("no-treatment", "specialist-opinion", "treat")
Answered = Mapping[str, Assessment]


@pytest.fixture(scope="module")
def encoding() -> Encoding:
    return Encoding(packaged_graph(), THE_GUIDELINE)


def _part(name: str) -> URIRef:
    return URIRef(f"{THE_GUIDELINE}/{name}")


def _number(text: str) -> Literal:
    return Literal(text, datatype=XSD.decimal)


def _is_weaker(answers: Answered, one: str, other: str) -> bool:
    return ORDER.index(answers[other].disposition) < ORDER.index(answers[one].disposition)


def _is_contradicted(answers: Answered) -> bool:
    return not set(answers["known"].possible) <= set(answers["record"].possible)


def _has_raloxifene(answers: Answered) -> bool:
    [patient] = answers.values()
    return any(each.treatment == "raloxifene" and each.status == "eligible" for each in patient.options)


@dataclass(frozen=True)
class Seeded:
    """A mistake that takes one property away.

    Attributes:
        error: what the library says of the case, where it answers it no more.
        shows: whether answers to the case show the fault, where there are answers.
    """

    key: str
    edit: Edit
    module: Path = MODULE
    error: str = ""
    shows: Callable[[Answered], bool] = bool


AT_MOST_2, NON_SEVERE_SPECIALIST = _part("t-at-most-minus-2"), _part("non-severe-specialist")
TREAT, SPECIALIST = _part("no-fracture-treat"), _part("no-fracture-specialist")
SEEDED = (
    Seeded(
        "gap",
        Edit(
            "a threshold moved",
            ((AT_MOST_2, OSTEO.atMost, _number("-2.0")),),
            ((AT_MOST_2, OSTEO.atMost, _number("-2.5")),),
        ),
        error="0 dispositions apply",
    ),
    Seeded(
        "overlap",
        Edit("a criterion dropped", ((NON_SEVERE_SPECIALIST, OSTEO.requires, _part("no-severe-fracture")),)),
        error="2 dispositions apply",
    ),
    Seeded(
        "monotone",
        Edit(
            "two dispositions swapped",
            ((TREAT, OSTEO.recommends, OSTEO.Treat), (SPECIALIST, OSTEO.recommends, OSTEO.SpecialistOpinion)),
            ((TREAT, OSTEO.recommends, OSTEO.SpecialistOpinion), (SPECIALIST, OSTEO.recommends, OSTEO.Treat)),
        ),
        shows=functools.partial(_is_weaker, one="higher", other="lower"),
    ),
    Seeded(
        "severe",
        Edit(
            "another disposition",
            ((_part("severe-treat"), OSTEO.recommends, OSTEO.Treat),),
            ((_part("severe-treat"), OSTEO.recommends, OSTEO.SpecialistOpinion),),
        ),
        shows=functools.partial(_is_weaker, one="not-severe", other="severe"),
    ),
    Seeded(
        "unknown",
        Edit("a section dropped", ((OSTEO.AxialTScore, OSTEO.belongsToSection, OSTEO.Densitometry),)),
        module=CORE,
        shows=_is_contradicted,
    ),
    Seeded(
        "condition",
        Edit(
            "a condition dropped",
            ((_part("non-severe-lists-raloxifene"), OSTEO.isReservedBy, _part("low-peripheral-fracture-risk")),),
        ),
        shows=_has_raloxifene,
    ),
)


@pytest.mark.parametrize("asked", PROPERTIES, ids=lambda each: each.key)
def test_a_property_is_proved(encoding: Encoding, asked: Property) -> None:
    assert prove(encoding, asked).refuted is None


@pytest.mark.parametrize("seeded", SEEDED, ids=lambda each: each.key)
def test_a_mistake_is_refuted_by_a_case_whose_answers_show_it(
    knowledge_base: KnowledgeBase, tmp_path: Path, seeded: Seeded
) -> None:
    edited = Encoding(seeded.edit.applied(packaged_graph()), THE_GUIDELINE)
    refuted = prove(edited, BY_KEY[seeded.key]).refuted
    assert refuted is not None
    text = turtle(refuted.cases, edited.words, f"{BY_KEY[seeded.key].says}\nRefuted: {refuted.about}.")
    before = _answered(knowledge_base, text)
    assert before.keys() == refuted.cases.keys()
    if seeded.error:
        with pytest.raises(KnowledgeError, match=seeded.error):
            _answered(_edited(seeded.edit, seeded.module, tmp_path), text)
    else:
        assert not seeded.shows(before)
        assert seeded.shows(_answered(_edited(seeded.edit, seeded.module, tmp_path), text))


def test_a_criterion_that_rests_on_another_fact_is_refuted(knowledge_base: KnowledgeBase) -> None:
    criterion = _part("bisphosphonate-intolerance-or-failure")
    rests_on = (criterion, OSTEO.restsOn)
    edit = Edit("another fact", ((*rests_on, OSTEO.TreatmentHistory),), ((*rests_on, OSTEO.FractureHistory),))
    edited = Encoding(edit.applied(packaged_graph()), THE_GUIDELINE)
    refuted = prove(edited, BY_KEY["settled"]).refuted
    assert refuted is not None
    assert refuted.about == "bisphosphonate-intolerance-or-failure"
    one, other = (refuted.cases[each] for each in ("one", "other"))
    assert (one.fractures, one.scores) == (other.fractures, other.scores)
    assert one.treatments != other.treatments
    assert _answered(knowledge_base, turtle(refuted.cases, edited.words)).keys() == {"one", "other"}


def test_the_formulas_say_of_random_records_what_the_library_says(
    knowledge_base: KnowledgeBase, encoding: Encoding
) -> None:
    choice = random.Random(1)
    cases = {f"p{n}": random_case(encoding.words, choice) for n in range(30)}
    answers = Answers(encoding)
    said = _answered(knowledge_base, turtle(cases, encoding.words))
    assert {name: answers.of(case) for name, case in cases.items()} == {
        name: _as_proved(assessment) for name, assessment in said.items()
    }


@pytest.mark.parametrize("edit", generator().sample(200, 7)[::40], ids=str)
def test_whom_a_generated_edit_concerns_is_answered_otherwise(
    knowledge_base: KnowledgeBase, encoding: Encoding, tmp_path: Path, edit: Edit
) -> None:
    """Z3 finds a patient whom the edited guideline tells something else: so does the library, and it is the same."""
    edited = Encoding(edit.applied(packaged_graph()), THE_GUIDELINE)
    for _, case in differences(encoding, edited):
        text = turtle({"p": case}, encoding.words)
        try:
            [now] = _answered(_edited(edit, MODULE, tmp_path), text).values()
        except KnowledgeError:
            return  # a gap or an overlap
        [before] = _answered(knowledge_base, text).values()
        assert _said(before) != _said(now)
        assert Answers(edited).of(case) == _as_proved(now)
        return
    assert edit.kind in ("dropped fact", "dropped member", "swapped fact")


def test_an_edit_is_drawn_once_and_the_same_edits_at_every_time() -> None:
    first, again = (generator().sample(300, 128) for _ in range(2))
    assert first == again
    assert len(set(first)) == len(first) == 300


@pytest.mark.parametrize("edit", generator().sample(60, 3)[::10], ids=str)
def test_an_edit_changes_the_triples_that_it_names_and_no_other(edit: Edit) -> None:
    before = set(packaged_graph())
    after = set(edit.applied(packaged_graph()))
    assert (before - after, after - before) == (set(edit.removed), set(edit.added))


def test_every_property_stands_on_the_page() -> None:
    page = (REFERENCE / "proofs.md").read_text(encoding="utf-8")
    assert [each.key for each in PROPERTIES if f"| {each.key} | {each.says} |" not in page] == []


def _edited(edit: Edit, module: Path, folder: Path) -> KnowledgeBase:
    (folder / module.name).write_bytes(edit.module(module))
    return KnowledgeBase(load_knowledge([folder]), remember=False, safety=False)


def _answered(knowledge_base: KnowledgeBase, text: str) -> dict[str, Assessment]:
    cases = knowledge_base.read(text, "turtle")
    found = list(knowledge_base.assess_all(cases))
    assert all(isinstance(each, Assessment) for each in found), found
    return {each.patient.rpartition(":")[2]: each for each in found if isinstance(each, Assessment)}


def _as_proved(assessment: Assessment) -> ProvedAnswer:
    return ProvedAnswer(
        possible=tuple(sorted(assessment.possible)),
        strength=assessment.strength,
        options={option.treatment: option.status for option in assessment.options},
    )


def _said(assessment: Assessment) -> tuple[object, ...]:
    lines = {option.treatment: (option.status, option.line, option.listed) for option in assessment.options}
    return assessment.possible, assessment.strength, lines, [each.key for each in assessment.obligations]
