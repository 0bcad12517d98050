"""The whole decision space, every situation of it: no gap, no overlap, and knowing more never contradicts."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Hashable
from typing import TypeVar

import pytest

from osteo_kg.decision_table.table import Row, Verdict, every_answer, expanded, minimised, settled_keys
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.reasoning.answers import Answer
from osteo_kg.reasoning.dimensions import NONE, UNKNOWN, BandDimension
from osteo_kg.reasoning.engine import Engine
from osteo_kg.reasoning.situations import Key

pytestmark = pytest.mark.slow


Answers = dict[Key, Answer]
Told = TypeVar("Told", bound=Hashable)


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
    ways, space = _ways(engine), engine.space
    equal: dict[object, Answer] = {}  # of answers that say the same of dispositions and options one is compared
    said = {key: equal.setdefault((each.possible, _statuses(each)), each) for key, each in answers.items()}
    found: dict[tuple[int, int], tuple[Answer, Answer, Key, str, str]] = {}
    for key, answer in said.items():
        for place, dimension in enumerate(space.dimensions):
            if isinstance(dimension, BandDimension) and dimension.never_tried:
                continue
            for way in ways[place].get(key[place], ()):
                if way != key[place]:
                    known = said[space.canonical((*key[:place], way, *key[place + 1 :]))]
                    found.setdefault((id(answer), id(known)), (answer, known, key, dimension.fact, way))
    assert found
    assert [where for less, more, *where in found.values() if not _agrees(less, more)] == []


def _statuses(answer: Answer) -> tuple[tuple[str, str], ...]:
    return tuple([(each.option, each.status) for each in answer.options])


def _agrees(less: Answer, more: Answer) -> bool:
    statuses = dict(_statuses(more))
    return set(more.possible) <= set(less.possible) and all(
        status == "undetermined" or statuses[option] == status for option, status in _statuses(less)
    )


def _ways(engine: Engine) -> list[dict[str, tuple[str, ...]]]:
    """Give for each fact how each of its values may turn out."""
    return [
        {value: dimension.completions(value) for value in dimension.values} for dimension in engine.space.dimensions
    ]


def _over_all_ways(engine: Engine, of_settled: Callable[[Key], Told]) -> Callable[[Key], frozenset[Told]]:
    """Give what is told of all the ways of a situation, which are the ways of those in which one more fact is known.

    So each situation is looked at once, and not once for each of the many that it is a way of.
    """
    ways = _ways(engine)

    @functools.cache
    def told(key: Key) -> frozenset[Told]:
        for place, value in enumerate(key):
            if len(found := ways[place].get(value, ())) > 1:
                return frozenset().union(*(told((*key[:place], way, *key[place + 1 :])) for way in found))
        return frozenset({of_settled(engine.space.canonical(key))})

    return told


def test_all_ways_are_looked_at(engine: Engine, answers: Answers) -> None:
    """The short way of looking at them gives those that the library counts out, for situations of every kind."""
    ways = _over_all_ways(engine, lambda way: way)
    for key in random.Random(1).sample(list(answers), 100):
        assert ways(key) == {engine.space.canonical(way) for way in engine.space.completions(key)}


def test_the_ways_of_a_situation_give_its_answer(engine: Engine, answers: Answers) -> None:
    dispositions = _over_all_ways(engine, lambda way: answers[way].disposition)
    wrong = {key: answer.possible for key, answer in answers.items() if {*answer.possible} != dispositions(key)}
    assert wrong == {}
    assert [key for key, answer in answers.items() if list(answer.possible) != sorted({*answer.possible})] == []


def test_the_minimised_table_fits_a_page(rows: list[Row]) -> None:
    assert len(rows) == 12


def test_the_minimised_table_covers_every_settled_situation_once(engine: Engine, rows: list[Row]) -> None:
    covering = {key: sum(row.covers(key) for row in rows) for key in settled_keys(engine)}
    assert {key: count for key, count in covering.items() if count != 1} == {}


def test_the_minimised_table_expands_to_the_whole(engine: Engine, answers: Answers, rows: list[Row]) -> None:
    by_key = {key: row.verdict for key in settled_keys(engine) for row in rows if row.covers(key)}
    verdicts_of = _over_all_ways(engine, by_key.__getitem__)
    for key, answer in answers.items():
        verdicts = verdicts_of(key)
        assert tuple(sorted({each.disposition for each in verdicts})) == answer.possible
        if len({each.strength for each in verdicts}) == 1:
            assert next(iter(verdicts)).strength == answer.strength
        for place, option in enumerate(answer.options):
            assert _listed(verdicts, place) == option.listed


def _listed(verdicts: frozenset[Verdict], place: int) -> bool | None:
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
