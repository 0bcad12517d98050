"""The whole decision space, every situation of it: no gap, no overlap, and knowing more never contradicts."""

from __future__ import annotations

import pytest

from osteo_kg.decision_table.table import Row, Verdict, every_answer, expanded, minimised, settled_keys
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.reasoning.answers import Answer
from osteo_kg.reasoning.dimensions import NONE, UNKNOWN, BandDimension
from osteo_kg.reasoning.engine import Engine
from osteo_kg.reasoning.situations import Key

pytestmark = pytest.mark.slow


Answers = dict[Key, Answer]


@pytest.fixture(scope="module")
def engine(knowledge_base: KnowledgeBase) -> Engine:
    return knowledge_base.engine()


@pytest.fixture(scope="module")
def answers(engine: Engine) -> Answers:
    """The answer to every situation."""
    return dict(every_answer(engine))


@pytest.fixture(scope="module")
def rows(engine: Engine) -> list[Row]:
    """The rows of the minimised table."""
    return minimised(engine)


def test_exactly_one_rule_applies_in_every_settled_situation(engine: Engine) -> None:
    outcomes = engine.settled(settled_keys(engine))
    assert {key: each.rules for key, each in outcomes.items() if each.rules.count("met") != 1} == {}


def test_every_situation_has_one_disposition_or_says_which_remain(answers: Answers) -> None:
    wrong = {
        key: answer.possible
        for key, answer in answers.items()
        if not answer.possible or (answer.disposition == "undetermined") != (len(answer.possible) > 1)
    }
    assert wrong == {}


def test_options_are_six_when_the_disposition_is_to_treat_and_none_otherwise(answers: Answers) -> None:
    wrong = {
        key: len(answer.options)
        for key, answer in answers.items()
        if len(answer.options) != (6 if answer.disposition == "treat" else 0)
    }
    assert wrong == {}


def test_what_is_missing_is_unknown_and_what_is_unsettled_is_explained(engine: Engine, answers: Answers) -> None:
    facts = [dimension.fact for dimension in engine.space.dimensions]
    settled = {
        (fact, value)
        for dimension, fact in zip(engine.space.dimensions, facts, strict=True)
        for value in dimension.values
        if dimension.completions(value) == (value,) and value != NONE
    }
    for key, answer in answers.items():
        missing = {fact for fact, _ in answer.missing}
        assert missing & {fact for fact, value in zip(facts, key, strict=True) if (fact, value) in settled} == set()
        if answer.disposition == "undetermined" or any(each.status == "undetermined" for each in answer.options):
            assert missing, key


def test_an_unknown_made_known_never_contradicts_what_was_certain(engine: Engine, answers: Answers) -> None:
    """Neither a disposition, nor an eligible or a not-eligible option; an unmeasured site is no unknown."""
    contradictions = []
    for key, answer in answers.items():
        for place, dimension in enumerate(engine.space.dimensions):
            if isinstance(dimension, BandDimension) and dimension.never_tried:
                continue
            for way in dimension.completions(key[place]) if key[place] in dimension.values else ():
                known = answers[engine.space.canonical((*key[:place], way, *key[place + 1 :]))]
                if not _agrees(answer, known):
                    contradictions.append((key, dimension.fact, way))
    assert contradictions == []


def _agrees(less: Answer, more: Answer) -> bool:
    statuses = {option.option: option.status for option in more.options}
    return set(more.possible) <= set(less.possible) and all(
        option.status == "undetermined" or statuses[option.option] == option.status for option in less.options
    )


def test_the_ways_of_a_situation_give_its_answer(engine: Engine, answers: Answers) -> None:
    for key, answer in answers.items():
        completions = {engine.space.canonical(way) for way in engine.space.completions(key)}
        assert answer.possible == tuple(sorted({answers[way].disposition for way in completions}))


def test_the_minimised_table_fits_a_page(rows: list[Row]) -> None:
    assert len(rows) == 12


def test_the_minimised_table_covers_every_settled_situation_once(engine: Engine, rows: list[Row]) -> None:
    covering = {key: sum(row.covers(key) for row in rows) for key in settled_keys(engine)}
    assert {key: count for key, count in covering.items() if count != 1} == {}


def test_the_minimised_table_expands_to_the_whole(engine: Engine, answers: Answers, rows: list[Row]) -> None:
    by_key = {key: row.verdict for key in settled_keys(engine) for row in rows if row.covers(key)}
    for key, answer in answers.items():
        verdicts = {by_key[engine.space.canonical(way)] for way in engine.space.completions(key)}
        assert tuple(sorted({each.disposition for each in verdicts})) == answer.possible
        if len({each.strength for each in verdicts}) == 1:
            assert next(iter(verdicts)).strength == answer.strength
        for place, option in enumerate(answer.options):
            assert _listed(verdicts, place) == option.listed


def _listed(verdicts: set[Verdict], place: int) -> bool | None:
    listed = {verdict.cells[place] is not None for verdict in verdicts}
    return listed.pop() if len(listed) == 1 else None


def test_one_situation_expands_to_the_rows_of_its_ways(engine: Engine, rows: list[Row]) -> None:
    unknown = tuple(
        UNKNOWN if UNKNOWN in dimension.values else dimension.values[0] for dimension in engine.space.dimensions
    )
    completions = expanded(engine, rows, engine.space.canonical(unknown))
    assert {verdict.disposition for verdict in completions.values()} == {"out-of-scope", "treat"}


def test_a_situation_is_read_back_from_its_text(engine: Engine, answers: Answers) -> None:
    assert [key for key in answers if engine.space.parse(engine.space.text(key)) != key] == []


def test_no_two_situations_have_the_same_text(engine: Engine, answers: Answers) -> None:
    assert len({engine.space.text(key) for key in answers}) == len(answers)
