"""From settled outcomes to an answer about a situation in which some facts are unknown (reading.md R8).

Every way the unknown facts could turn out has its outcome; the answer says what they have in common, what they
leave open, and which facts would settle it.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from osteo_kg.dimensions import NONE, BandDimension
from osteo_kg.guideline import Guideline
from osteo_kg.matching import ELIGIBLE, MET, NOT_ELIGIBLE, NOT_MET, UNDETERMINED, UNKNOWN, Outcome
from osteo_kg.situations import Key, Space
from osteo_kg.vocabulary import OSTEO

LOWEST_T_SCORE = f"{OSTEO._NS}lowestTScore"


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


class Outcomes:
    """Outcomes of settled situations; equal ones are kept once and go by a number."""

    def __init__(self) -> None:
        self._numbers: dict[Outcome, int] = {}
        self._of: dict[Key, int] = {}
        self.distinct: list[Outcome] = []

    def __contains__(self, way: Key) -> bool:
        return way in self._of

    def __getitem__(self, way: Key) -> int:
        return self._of[way]

    def add(self, way: Key, outcome: Outcome) -> None:
        """Remember the outcome of a settled situation."""
        number = self._numbers.setdefault(outcome, len(self.distinct))
        if number == len(self.distinct):
            self.distinct.append(outcome)
        self._of[way] = number


def ways_needed(space: Space, key: Key) -> list[Key]:
    """Give every settled situation that an answer looks at: the ways, and what a missing number could have said."""
    return list(dict.fromkeys(space.canonical(way) for each in space.ways(key) for way in _with_numbers(space, each)))


def _with_numbers(space: Space, way: Key) -> Iterator[Key]:
    yield way
    for place, dimension in enumerate(space.dimensions):
        if isinstance(dimension, BandDimension) and way[place] == NONE:
            for band in dimension.bands:
                yield (*way[:place], band.name, *way[place + 1 :])


class Combiner:
    """Combines outcomes into answers for one guideline, remembering what it has combined."""

    def __init__(self, space: Space, guideline: Guideline, outcomes: Outcomes) -> None:
        self._space = space
        self._guideline = guideline
        self._outcomes = outcomes
        self._common = functools.cache(self._combine)
        self._differing = functools.cache(self._differences)

    def answer(self, key: Key) -> Answer:
        """Give the answer to a situation whose `ways_needed` all have an outcome."""
        space, outcomes = self._space, self._outcomes
        ways = [(way, outcomes[space.canonical(way)]) for way in space.ways(key)]
        common = self._common(frozenset(number for _, number in ways))
        missing = tuple((fact, settles) for fact, settles in self._missing(key, ways) if settles)
        return Answer(missing=missing, **common)

    def _missing(self, key: Key, ways: list[tuple[Key, int]]) -> Iterator[tuple[str, tuple[str, ...]]]:
        for place, dimension in enumerate(self._space.dimensions):
            groups: dict[Key, set[int]] = defaultdict(set)
            if isinstance(dimension, BandDimension) and key[place] == NONE:
                if any(self._rests_on(number, dimension.fact) for _, number in ways):
                    for way, _ in ways:
                        groups[way] = {
                            self._outcomes[self._space.canonical(each)] for each in _with_numbers(self._space, way)
                        }
            elif len({way[place] for way, _ in ways}) > 1:
                for way, number in ways:
                    groups[(*way[:place], *way[place + 1 :])].add(number)
            settled = {
                item for group in {frozenset(group) for group in groups.values()} for item in self._differing(group)
            }
            yield dimension.fact, tuple(item for item in self._items if item in settled)

    def _rests_on(self, number: int, fact: str) -> bool:
        """Whether the rule that decides looks at a fact: only then is its absence what is missing."""
        return any(
            fact in self._guideline.criteria[criterion].facts
            for rule, status in zip(self._guideline.rules, self._outcomes.distinct[number].rules, strict=True)
            if status == MET
            for criterion in rule.criteria
        )

    @functools.cached_property
    def _items(self) -> tuple[str, ...]:
        return ("disposition", "strength", *(option.key for option in self._guideline.options))

    def _differences(self, numbers: frozenset[int]) -> frozenset[str]:
        """Say in what outcomes differ; options are compared where there are any."""
        found: dict[str, set[object]] = defaultdict(set)
        for outcome in (self._outcomes.distinct[number] for number in numbers):
            found["disposition"].add(outcome.disposition)
            found["strength"].add(outcome.strength)
            for option, (status, _) in zip(self._guideline.options, outcome.options, strict=False):
                found[option.key].add(status)
        return frozenset(item for item, values in found.items() if len(values) > 1)

    def _combine(self, numbers: frozenset[int]) -> dict[str, Any]:
        guideline = self._guideline
        outcomes = [self._outcomes.distinct[number] for number in sorted(numbers)]
        criteria = dict(zip(guideline.criteria, _common(each.criteria for each in outcomes), strict=True))
        rules = dict(zip((rule.iri for rule in guideline.rules), _common(each.rules for each in outcomes), strict=True))
        certain = all(outcome.options for outcome in outcomes)
        due = [frozenset(outcome.obligations) for outcome in outcomes]
        return {
            "possible": tuple(sorted({outcome.disposition for outcome in outcomes})),
            "strength": _same(outcome.strength for outcome in outcomes),
            "options": tuple(self._option(place, outcomes) for place in range(len(guideline.options)))
            if certain
            else (),
            "obligations": tuple(each.key for each in guideline.obligations if all(each.key in keys for keys in due)),
            "criteria": criteria,
            "rules": rules,
            "open_thresholds": frozenset(self._open_thresholds(criteria)),
        }

    def _option(self, place: int, outcomes: list[Outcome]) -> OptionAnswer:
        statuses = {outcome.options[place][0] for outcome in outcomes}
        listings = {outcome.options[place][1] for outcome in outcomes}
        named = tuple(sorted(listing for listing in listings if listing))
        lines = {self._guideline.listings[listing].line if listing else None for listing in listings}
        return OptionAnswer(
            option=self._guideline.options[place].iri,
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


def _common(statuses: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(each[0] if len(set(each)) == 1 else UNKNOWN for each in zip(*statuses, strict=True))


def _same(values: Iterable[str | None]) -> str | None:
    found = set(values)
    return found.pop() if len(found) == 1 else None
