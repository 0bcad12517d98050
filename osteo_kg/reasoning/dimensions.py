"""Dimensions of a situation: one for each fact that a guideline looks at, with the values it can tell apart.

A value that is not settled stands for the *ways* it could turn out (docs/reference/reading.md R8).
"""

from __future__ import annotations

import functools
import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from osteo_kg.case import Atom, CaseFacts
from osteo_kg.knowledge import Criterion
from osteo_kg.reasoning.closure import AtomSet

UNKNOWN, NONE, NOT_APPLICABLE = "unknown", "none", "not-applicable"


@dataclass(frozen=True)
class RepresentativeFacts:
    """The part of a patient's facts that one value of one dimension stands for."""

    atoms: AtomSet = frozenset()
    numbers: Mapping[str, Decimal] | None = None
    statements: Mapping[str, bool] | None = None
    known: bool = True


class Dimension(ABC):
    """One fact that the guideline looks at. The first of its values are settled.

    The others stand for ways it may turn out.
    """

    fact: str

    @property
    @abstractmethod
    def values(self) -> tuple[str, ...]:
        """Every value, settled or not."""

    @abstractmethod
    def completions(self, value: str) -> tuple[str, ...]:
        """Give the settled values that a value may turn out to be; itself where it is settled."""

    @property
    def settled_values(self) -> tuple[str, ...]:
        """Every settled value."""
        return tuple(value for value in self.values if self.completions(value) == (value,))

    @abstractmethod
    def read(self, case_facts: CaseFacts, coded: Mapping[str, str]) -> str:
        """Give the value that a case has."""

    @abstractmethod
    def piece(self, value: str) -> RepresentativeFacts:
        """Give representative facts for a settled value."""

    def actual(self, case_facts: CaseFacts, coded: Mapping[str, str], value: str) -> RepresentativeFacts:
        """Give the case's own facts where they are settled, else representative ones for the way `value`."""
        return self.piece(value)


@dataclass(frozen=True)
class CodedDimension(Dimension):
    """A single coded value of the patient, such as her sex."""

    fact: str
    predicate: str
    iris: Mapping[str, str]

    @property
    def values(self) -> tuple[str, ...]:
        return (*sorted(self.iris), UNKNOWN)

    def completions(self, value: str) -> tuple[str, ...]:
        return tuple(sorted(self.iris)) if value == UNKNOWN else (value,)

    def read(self, case_facts: CaseFacts, coded: Mapping[str, str]) -> str:
        keys = {iri: key for key, iri in self.iris.items()}
        return keys.get(coded.get(self.predicate, ""), UNKNOWN)

    def piece(self, value: str) -> RepresentativeFacts:
        if value == NOT_APPLICABLE:
            return RepresentativeFacts()
        return RepresentativeFacts(atoms=frozenset({Atom(self.predicate, self.iris[value])}))


@dataclass(frozen=True)
class StatementDimension(Dimension):
    """A yes-or-no statement."""

    fact: str
    predicate: str

    @property
    def values(self) -> tuple[str, ...]:
        return ("true", "false", UNKNOWN)

    def completions(self, value: str) -> tuple[str, ...]:
        return ("true", "false") if value == UNKNOWN else (value,)

    def read(self, case_facts: CaseFacts, coded: Mapping[str, str]) -> str:
        stated = case_facts.statements.get(self.predicate)
        return UNKNOWN if stated is None else str(stated).lower()

    def piece(self, value: str) -> RepresentativeFacts:
        return RepresentativeFacts(statements={self.predicate: value == "true"})


@dataclass(frozen=True)
class Band:
    """An interval of numbers that no threshold divides; None where it is open-ended."""

    low: Decimal | None
    low_included: bool
    high: Decimal | None
    high_included: bool

    def holds(self, number: Decimal) -> bool:
        """Whether a number lies in the band."""
        above = self.low is None or number > self.low or (self.low_included and number == self.low)
        below = self.high is None or number < self.high or (self.high_included and number == self.high)
        return above and below

    @property
    def name(self) -> str:
        """A readable name, fit for an IRI: `above-3.0-to-2.0` would be ambiguous, so bounds are words."""
        low = "" if self.low is None else f"{'from' if self.low_included else 'above'}_{self.low:f}"
        high = "" if self.high is None else f"{'to' if self.high_included else 'below'}_{self.high:f}"
        return "_".join(part for part in (low, high) if part) or "any"

    @property
    def inside(self) -> Decimal:
        """Some number of the band: a bound that belongs to it, else one beyond or between its bounds."""
        if self.low is not None and self.low_included:
            return self.low
        if self.high is not None and self.high_included:
            return self.high
        if self.low is not None and self.high is not None:
            return (self.low + self.high) / 2
        if self.low is not None:
            return self.low + 1
        return self.high - 1 if self.high is not None else Decimal(0)


@dataclass(frozen=True)
class BandDimension(Dimension):
    """A measured number, by the bands between the thresholds of the guideline.

    Where the section that it is read from is open, the number is at most what was read: every lower band is a way that
    it may turn out (docs/reference/reading.md R2).

    Attributes:
        never_tried: whether its absence is an answer of its own, so that no value is tried for it.
        section: the section that it is read from, by IRI; None where nothing says that more may be there.
    """

    fact: str
    predicate: str
    bands: tuple[Band, ...]
    never_tried: bool
    section: str | None = None

    @property
    def values(self) -> tuple[str, ...]:
        settled = tuple(band.name for band in self.bands)
        at_most = tuple(map(_at_most, settled[1:])) if self.section else ()
        return (*settled, *at_most, NONE if self.never_tried else UNKNOWN)

    def completions(self, value: str) -> tuple[str, ...]:
        names = tuple(band.name for band in self.bands)
        if value == UNKNOWN:
            return names
        if value.startswith(_AT_MOST):
            return names[: names.index(value.removeprefix(_AT_MOST)) + 1]
        return (value,)

    def read(self, case_facts: CaseFacts, coded: Mapping[str, str]) -> str:
        return self.value_of(case_facts.numbers.get(self.predicate), self.section in case_facts.open)

    def value_of(self, number: Decimal | None, is_open: bool = False) -> str:
        """Give the value of a number, or of none; where it is open, of a number that is at most this."""
        if number is None:
            return NONE if self.never_tried else UNKNOWN
        name = next(band.name for band in self.bands if band.holds(number))
        return _at_most(name) if is_open and name != self.bands[0].name else name

    def beside(self, value: str) -> tuple[str | None, str | None]:
        """Give the values one band below and one band above; None where there is none, or no number is known."""
        return self._beside.get(value, (None, None))

    @functools.cached_property
    def _beside(self) -> Mapping[str, tuple[str | None, str | None]]:
        """A number that is at most one of the lowest band but one lies one above the lowest, which is settled."""
        names = tuple(band.name for band in self.bands)
        ladders = [(names[0], *map(_at_most, names[1:])), names] if self.section else [names]
        return {
            value: (below, above)
            for ladder in ladders
            for below, value, above in zip((None, *ladder), ladder, (*ladder[1:], None), strict=False)
        }

    def piece(self, value: str) -> RepresentativeFacts:
        band = next((band for band in self.bands if band.name == value), None)
        return (
            RepresentativeFacts(known=False)
            if band is None
            else RepresentativeFacts(numbers={self.predicate: band.inside})
        )

    def actual(self, case_facts: CaseFacts, coded: Mapping[str, str], value: str) -> RepresentativeFacts:
        number = case_facts.numbers.get(self.predicate)
        if number is None or self.value_of(number) != value:
            return self.piece(value)
        return RepresentativeFacts(numbers={self.predicate: number})


_AT_MOST = "at-most_"


def _at_most(name: str) -> str:
    """Name what is known of a number that may be lower than what was read."""
    return _AT_MOST + name


def bands(criteria: Iterable[Criterion]) -> tuple[Band, ...]:
    """Cut the numbers at every bound of the criteria, so that no criterion can tell two numbers of one band apart.

    `atMost` and `above` cut just after a number, `atLeast` and `below` just before it.
    """
    return _between({(value, name in ("atMost", "above")) for each in criteria for name, value in each.bounds})


def refined(first: BandDimension, second: BandDimension) -> BandDimension:
    """Cut a number wherever one of two dimensions does."""
    cuts = {
        (band.low, not band.low_included) for each in (first, second) for band in each.bands if band.low is not None
    }
    return replace(first, bands=_between(cuts), section=first.section or second.section)


def _between(found: Iterable[tuple[Decimal, bool]]) -> tuple[Band, ...]:
    """Give the bands between cuts: numbers, each with whether the cut is just after it."""
    cuts = sorted(found)
    edges: list[tuple[Decimal, bool] | None] = [None, *cuts, None]
    return tuple(
        Band(
            low=low[0] if low else None,
            low_included=bool(low and not low[1]),
            high=high[0] if high else None,
            high_included=bool(high and high[1]),
        )
        for low, high in itertools.pairwise(edges)
    )
