"""From settled outcomes to an answer about a situation in which some facts are unknown (docs/reference/reading.md R8).

Every way the unknown facts could turn out has its outcome; the answer says what they have in common, what they
leave open, and which facts would settle it.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from osteo_kg.knowledge import Guideline, Option
from osteo_kg.rdf import OSTEO
from osteo_kg.reasoning.matching import ELIGIBLE, MET, NOT_ELIGIBLE, NOT_MET, UNDETERMINED, UNKNOWN, Outcome
from osteo_kg.reasoning.situations import Key, SituationSpace

_Value = TypeVar("_Value")
LOWEST_T_SCORE = OSTEO.lowestTScore.value


@dataclass(frozen=True, slots=True)
class OptionAnswer:
    """What is certain of one option over every way the unknown could turn out.

    Attributes:
        listed: whether the guideline lists it; None where that is open.
        listings: the listings behind it in some way, by IRI.
        line: the key of the line, where it is the same in every way.
    """

    option: str
    status: str
    listed: bool | None
    listings: tuple[str, ...]
    line: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the guideline says of a situation.

    Attributes:
        possible: the keys of the dispositions that remain, sorted.
        criteria: the status of each criterion, by IRI.
        rules: the status of each rule, by IRI.
        missing: each fact whose knowledge would change the answer, by IRI, with what it would settle.
        open_thresholds: the T-scores at which a rule that remains draws its line.
    """

    possible: tuple[str, ...]
    strength: str | None
    options: tuple[OptionAnswer, ...]
    obligations: tuple[str, ...]
    criteria: Mapping[str, str]
    rules: Mapping[str, str]
    missing: tuple[tuple[str, tuple[str, ...]], ...]
    open_thresholds: frozenset[Decimal]

    @property
    def disposition(self) -> str:
        """The key of the disposition: the only one that remains, else `undetermined`."""
        return self.possible[0] if len(self.possible) == 1 else UNDETERMINED

    @property
    def decided(self) -> tuple[object, ...]:
        """What two answers are compared by when an assumption is asked whether it decides."""
        return self.possible, self.strength, tuple((each.option, each.status) for each in self.options)


@dataclass(frozen=True, slots=True)
class _Common:
    """What several outcomes have in common.

    Attributes:
        criteria: the status of each criterion, in the order of `Guideline.criteria`; `unknown` where they differ.
        rules: the status of each rule, likewise.
        possible: their dispositions.
        strength: the key of the strength, where it is the same in all of them.
        options: for each option, in order, its statuses and the listings behind it; empty where one has no options.
        obligations: the keys of the obligations due in all of them.
        rests_on: the facts that a rule looks at which is met in one of them, by IRI.
    """

    criteria: tuple[str, ...]
    rules: tuple[str, ...]
    possible: frozenset[str]
    strength: str | None
    options: tuple[tuple[frozenset[str], frozenset[str | None]], ...]
    obligations: frozenset[str]
    rests_on: frozenset[str]


class CertainAnswers:
    """Combines outcomes of settled situations into answers for one guideline.

    What a situation leaves open turns out one fact at a time: its answer is what those of the next situations have in
    common, and each of them is combined once, whatever it is a part of.
    """

    def __init__(self, space: SituationSpace, guideline: Guideline) -> None:
        self._space = space
        self._guideline = guideline
        self._outcomes: dict[Key, Outcome] = {}
        self._equal: dict[object, Any] = {}
        self._combined: dict[frozenset[int], _Common] = {}
        self._told_without: dict[int, Answer] = {}
        self._common = functools.cache(self._combine)
        self._told = functools.cache(self._tell)
        self._differing = functools.cache(self._differences)
        self._settled = [functools.cache(functools.partial(self._settles, place)) for place in space.places.values()]

    def __contains__(self, way: Key) -> bool:
        return way in self._outcomes

    def __getitem__(self, way: Key) -> Outcome:
        return self._outcomes[way]

    def add(self, way: Key, outcome: Outcome) -> None:
        """Take the outcome of a settled situation; of equal ones one is kept."""
        self._outcomes[way] = self._once(outcome)

    def answer(self, key: Key) -> Answer:
        """Give the answer to a situation whose `ways_needed` all have an outcome."""
        common = self._common(key)
        return Answer(missing=tuple(self._missing(key, common)), **self._told(common))

    def without_missing(self, key: Key) -> Answer:
        """Give the answer to a situation, but for what is missing, which takes the longest; equal ones are one."""
        common = self._common(key)
        if id(common) not in self._told_without:
            self._told_without[id(common)] = Answer(missing=(), **self._told(common))
        return self._told_without[id(common)]

    def _tell(self, common: _Common) -> dict[str, Any]:
        """Say what several outcomes have in common, as an answer says it."""
        guideline = self._guideline
        criteria = dict(zip(guideline.criteria, common.criteria, strict=True))
        return {
            "possible": tuple(sorted(common.possible)),
            "strength": common.strength,
            "options": tuple(map(self._option, guideline.options, common.options)),
            "obligations": tuple(each.key for each in guideline.obligations if each.key in common.obligations),
            "criteria": criteria,
            "rules": dict(zip((rule.iri for rule in guideline.rules), common.rules, strict=True)),
            "open_thresholds": frozenset(self._open_thresholds(criteria)),
        }

    def _once(self, value: _Value) -> _Value:
        kept: _Value = self._equal.setdefault(value, value)
        return kept

    def _combine(self, key: Key) -> _Common:
        """Give what all ways of a situation have in common."""
        place = self._space.first_open(key)
        if place is None:
            return self._once(self._of_one(self._outcomes[self._space.canonical(key)]))
        commons = {id(each): each for each in map(self._common, self._space.completions_at(key, place))}
        if len(commons) == 1:
            return next(iter(commons.values()))
        members = frozenset(commons)  # of equal ones one is kept, so that the same few are combined once
        if members not in self._combined:
            self._combined[members] = self._once(_shared(list(commons.values())))
        return self._combined[members]

    def _of_one(self, outcome: Outcome) -> _Common:
        met = [rule for rule, status in zip(self._guideline.rules, outcome.rules, strict=True) if status == MET]
        criteria = self._guideline.criteria
        return _Common(
            criteria=outcome.criteria,
            rules=outcome.rules,
            possible=frozenset({outcome.disposition}),
            strength=outcome.strength,
            options=tuple((frozenset({status}), frozenset({listing})) for status, listing in outcome.options),
            obligations=frozenset(outcome.obligations),
            rests_on=frozenset(fact for rule in met for each in rule.criteria for fact in criteria[each].facts),
        )

    def _missing(self, key: Key, common: _Common) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Give what is not known and would settle something: a number never taken only where the answer rests on it."""
        for place, dimension in enumerate(self._space.dimensions):
            never_taken = bool(self._space.numbers(key, place)) and dimension.fact in common.rests_on
            if never_taken or len(self._space.completions_at(key, place)) > 1:
                settled = self._settled[place](key)
                if settled:
                    yield dimension.fact, tuple(item for item in self._items if item in settled)

    def _settles(self, place: int, key: Key) -> frozenset[str]:
        """Say what one fact of a situation settles in some way that the others turn out."""
        other = self._space.first_open(key, but=place)
        if other is not None:
            return self._once(
                frozenset().union(*(self._settled[place](each) for each in self._space.completions_at(key, other)))
            )
        group = (*self._space.completions_at(key, place), *self._space.numbers(key, place))
        return self._differing(frozenset(self._outcomes[self._space.canonical(each)].answer for each in group))

    @functools.cached_property
    def _items(self) -> tuple[str, ...]:
        return ("disposition", "strength", *(option.key for option in self._guideline.options))

    def _differences(self, answers: frozenset[tuple[str, str | None, tuple[str, ...]]]) -> frozenset[str]:
        """Say in what the answers of outcomes differ; options are compared where there are any."""
        found: dict[str, set[object]] = defaultdict(set)
        for disposition, strength, statuses in answers:
            found["disposition"].add(disposition)
            found["strength"].add(strength)
            for option, status in zip(self._guideline.options, statuses, strict=False):
                found[option.key].add(status)
        return frozenset(item for item, values in found.items() if len(values) > 1)

    def _option(self, option: Option, told: tuple[frozenset[str], frozenset[str | None]]) -> OptionAnswer:
        statuses, listings = told
        named = tuple(sorted(listing for listing in listings if listing))
        lines = {self._guideline.listings[listing].line if listing else None for listing in listings}
        return OptionAnswer(
            option=option.iri,
            status=next(iter(statuses)) if statuses in ({ELIGIBLE}, {NOT_ELIGIBLE}) else UNDETERMINED,
            listed=None if None in listings and named else bool(named),
            listings=named,
            line=_same(lines),
        )

    def _open_thresholds(self, criteria: Mapping[str, str]) -> Iterator[Decimal]:
        """A threshold matters where everything else that its rule requires may hold."""
        for rule in self._guideline.rules:
            bounded = [self._guideline.criteria[each] for each in rule.criteria]
            scores = [each for each in bounded if each.tested == LOWEST_T_SCORE]
            if all(criteria[each.iri] != NOT_MET for each in bounded if each not in scores):
                yield from (value for each in scores for _, value in each.bounds)


def completions_needed(space: SituationSpace, keys: Iterable[Key]) -> list[Key]:
    """Give every settled situation that answers look at: the ways, and what a missing number could have said."""
    found: dict[Key, None] = {}
    seen: set[Key] = set()
    open_ = list(keys)
    while open_:
        key = open_.pop()
        if key in seen:
            continue
        seen.add(key)
        place = space.first_open(key)
        if place is not None:
            open_.extend(space.completions_at(key, place))
        else:
            numbers = (each for other in space.places.values() for each in space.numbers(key, other))
            found |= dict.fromkeys(map(space.canonical, (key, *numbers)))
    return list(found)


def _shared(commons: list[_Common]) -> _Common:
    """Give what several have in common of what each has in common."""
    options: tuple[tuple[frozenset[str], frozenset[str | None]], ...] = ()
    if all(each.options for each in commons):
        options = tuple(
            (frozenset().union(*(status for status, _ in told)), frozenset().union(*(listing for _, listing in told)))
            for told in zip(*(each.options for each in commons), strict=True)
        )
    return _Common(
        criteria=_alike(each.criteria for each in commons),
        rules=_alike(each.rules for each in commons),
        possible=frozenset().union(*(each.possible for each in commons)),
        strength=_same(each.strength for each in commons),
        options=options,
        obligations=frozenset.intersection(*(each.obligations for each in commons)),
        rests_on=frozenset().union(*(each.rests_on for each in commons)),
    )


def _alike(statuses: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    different = set(statuses)
    if len(different) == 1:
        return different.pop()
    return tuple(each[0] if len(set(each)) == 1 else UNKNOWN for each in zip(*different, strict=True))


def _same(values: Iterable[str | None]) -> str | None:
    found = set(values)
    return found.pop() if len(found) == 1 else None
