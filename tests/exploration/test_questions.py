"""The next question worth asking: its order is data, and costs hardly more questions than the best there is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

import pytest

from osteo_kg import KnowledgeBase
from osteo_kg.decision_table.table import settled_keys
from osteo_kg.exploration import next_question, questions
from osteo_kg.rdf import OSTEO
from osteo_kg.reasoning import NONE, NOT_APPLICABLE, UNKNOWN, BandDimension, Engine, Key

_MOST = 1.015  # times the best expected number of questions
_SCOPE = (OSTEO.RecordedSex.value, OSTEO.RecordedMenopausalStatus.value)


def nothing_known(engine: Engine) -> Key:
    """The situation of somebody of whom nothing is known."""
    return tuple(
        NONE if NONE in each.values and isinstance(each, BandDimension) else UNKNOWN for each in engine.space.dimensions
    )


class Asking:
    """Questions asked of people who are spread evenly over what each fact can be.

    Women past the menopause, women before it, and men are equally many; every other fact is independent of them, and
    each of its settled values equally likely. A man who is asked about the menopause says that he is one.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine, self.space = engine, engine.space
        self.start = nothing_known(engine)
        self._sex, self._menopause = (engine.space.places[each] for each in _SCOPE)
        self.missing = functools.cache(self._missing)
        self.worlds = {(key[self._sex], key[self._menopause]) for key in settled_keys(engine)}

    def _missing(self, key: Key) -> tuple[int, ...]:
        return tuple(self.space.places[fact] for fact, _ in self.engine.answer(key).missing)

    def asked(self, key: Key, place: int) -> Iterator[tuple[Key, float]]:
        """Give what may be known after a question, and how likely each is."""
        if place not in (self._sex, self._menopause):
            dimension = self.space.dimensions[place]
            values = (
                [each.name for each in dimension.bands]
                if isinstance(dimension, BandDimension)
                else dimension.completions(UNKNOWN)
            )
            yield from ((self.space.changed(key, place, each), 1 / len(values)) for each in values)
            return
        likely = [
            (sex, status)
            for sex, status in sorted(self.worlds)
            if key[self._sex] in (sex, UNKNOWN) and key[self._menopause] in (status, UNKNOWN)
        ]
        for sex, status in likely:
            at, value = (
                (self._sex, sex) if place == self._sex or status == NOT_APPLICABLE else (self._menopause, status)
            )
            yield self.space.changed(key, at, value), 1 / len(likely)

    def expected(self, choose: Callable[[Callable[[int], float], tuple[int, ...]], float]) -> float:
        """Give the expected number of questions until nothing is missing."""

        @functools.cache
        def cost(key: Key) -> float:
            def after(place: int) -> float:
                return 1 + sum(share * cost(each) for each, share in self.asked(key, place))

            missing = self.missing(key)
            return choose(after, missing) if missing else 0.0

        return cost(self.start)


@pytest.mark.slow
def test_the_order_costs_hardly_more_questions_than_the_best_strategy(knowledge_base: KnowledgeBase) -> None:
    """The best is found by dynamic programming over every situation that questions can lead to."""
    asking = Asking(knowledge_base.engine())
    order = [asking.space.places[each.fact] for each in questions(asking.engine)]
    best = asking.expected(lambda after, missing: min(map(after, missing)))
    shipped = asking.expected(lambda after, missing: after(min(missing, key=order.index)))
    assert best > 1
    assert best <= shipped <= _MOST * best


def test_every_fact_that_the_guideline_looks_at_has_one_question_in_both_languages(
    knowledge_base: KnowledgeBase,
) -> None:
    engine = knowledge_base.engine()
    asked = questions(engine)
    assert sorted(each.fact for each in asked) == sorted(engine.space.places)
    assert all(each.text.en.endswith("?") and each.text.fr.endswith(" ?") and each.why for each in asked)


def test_a_question_is_asked_as_long_as_something_that_is_missing_would_settle_anything(
    knowledge_base: KnowledgeBase,
) -> None:
    engine = knowledge_base.engine()
    key = nothing_known(engine)
    asked = []
    while question := next_question(engine, engine.answer(key)):
        assert question.would_settle
        asked.append(question.key)
        place = engine.space.places[question.fact]
        dimension = engine.space.dimensions[place]
        value = dimension.bands[0].name if isinstance(dimension, BandDimension) else dimension.completions(UNKNOWN)[0]
        key = engine.space.changed(key, place, value)
    assert not engine.answer(key).missing
    assert asked[:2] == ["menopausal_status", "t_score"]
