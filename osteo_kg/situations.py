"""Situations: a case reduced to what the guideline can tell apart (design.md section 1).

Every fact that some criterion rests on is a *dimension*. Its values are read off the loaded ontology: the bands between the
thresholds of the criteria, the coded values, the classes of patients that entries lead to, and *unknown*. A value that is
not settled stands for the *ways* it could turn out. A situation is one value for each dimension.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol

from osteo_kg.errors import KnowledgeError, UsageError
from osteo_kg.guideline import Criterion, Guideline
from osteo_kg.knowledge import Knowledge
from osteo_kg.lifting import SECTIONS, Atom, Entry, Lifted
from osteo_kg.matching import Facts
from osteo_kg.reasoning import AtomSet, Closure
from osteo_kg.vocabulary import OSTEO, local_name

UNKNOWN, NONE, NOT_APPLICABLE = "unknown", "none", "not-applicable"
Key = tuple[str, ...]
Signature = frozenset[str]
_NS = str(OSTEO._NS)


@dataclass(frozen=True)
class Piece:
    """The part of a patient's facts that one value of one dimension stands for."""

    atoms: AtomSet = frozenset()
    numbers: Mapping[str, Decimal] | None = None
    statements: Mapping[str, bool] | None = None
    known: bool = True


class Dimension(Protocol):
    """One fact that the guideline looks at."""

    fact: str
    values: tuple[str, ...]

    def ways(self, value: str) -> tuple[str, ...]:
        """Give the settled values that a value may turn out to be; itself where it is settled."""

    def read(self, lifted: Lifted, coded: Mapping[str, str]) -> str:
        """Give the value that a case has."""

    def piece(self, value: str) -> Piece:
        """Give representative facts for a settled value."""

    def actual(self, lifted: Lifted, coded: Mapping[str, str], value: str) -> Piece:
        """Give the case's own facts where they are settled, else representative ones for the way `value`."""


@dataclass(frozen=True)
class CodedDimension:
    """A single coded value of the patient, such as her sex."""

    fact: str
    property: str
    iris: Mapping[str, str]

    @property
    def values(self) -> tuple[str, ...]:
        return (*sorted(self.iris), UNKNOWN)

    def ways(self, value: str) -> tuple[str, ...]:
        return tuple(sorted(self.iris)) if value == UNKNOWN else (value,)

    def read(self, lifted: Lifted, coded: Mapping[str, str]) -> str:
        keys = {iri: key for key, iri in self.iris.items()}
        return keys.get(coded.get(self.property, ""), UNKNOWN)

    def piece(self, value: str) -> Piece:
        if value == NOT_APPLICABLE:
            return Piece()
        return Piece(atoms=frozenset({Atom(self.property, self.iris[value])}))

    def actual(self, lifted: Lifted, coded: Mapping[str, str], value: str) -> Piece:
        return self.piece(value)


@dataclass(frozen=True)
class StatementDimension:
    """A yes-or-no statement."""

    fact: str
    property: str
    values: tuple[str, ...] = ("true", "false", UNKNOWN)

    def ways(self, value: str) -> tuple[str, ...]:
        return ("true", "false") if value == UNKNOWN else (value,)

    def read(self, lifted: Lifted, coded: Mapping[str, str]) -> str:
        stated = lifted.statements.get(self.property)
        return UNKNOWN if stated is None else str(stated).lower()

    def piece(self, value: str) -> Piece:
        return Piece(statements={self.property: value == "true"})

    def actual(self, lifted: Lifted, coded: Mapping[str, str], value: str) -> Piece:
        return self.piece(value)


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
class BandDimension:
    """A measured number, by the bands between the thresholds of the guideline."""

    fact: str
    property: str
    bands: tuple[Band, ...]
    never_tried: bool

    @property
    def values(self) -> tuple[str, ...]:
        return (*(band.name for band in self.bands), NONE if self.never_tried else UNKNOWN)

    def ways(self, value: str) -> tuple[str, ...]:
        return tuple(band.name for band in self.bands) if value == UNKNOWN else (value,)

    def read(self, lifted: Lifted, coded: Mapping[str, str]) -> str:
        number = lifted.numbers.get(self.property)
        if number is None:
            return NONE if self.never_tried else UNKNOWN
        return next(band.name for band in self.bands if band.holds(number))

    def piece(self, value: str) -> Piece:
        band = next((band for band in self.bands if band.name == value), None)
        return Piece(known=False) if band is None else Piece(numbers={self.property: band.inside})

    def actual(self, lifted: Lifted, coded: Mapping[str, str], value: str) -> Piece:
        number = lifted.numbers.get(self.property)
        return self.piece(value) if number is None else Piece(numbers={self.property: number})


Profile = tuple[tuple[str, int], ...]  # name of a signature, count; sorted, counts above nought


@dataclass(frozen=True)
class SectionDimension:
    """A section of entries, by the classes of patients that its entries lead to.

    Attributes:
        kinds: for each kind of entry (a signature by name), the entry that stands for it and how high it is counted.
        doubts: for each doubtful kind of entry, the kinds it may turn out to be (None: nothing that matters).
        counted: the numbers that count entries of a kind, by property, with the kinds counted.
    """

    fact: str
    kinds: Mapping[str, tuple[Atom, int]]
    doubts: Mapping[str, frozenset[str | None]]
    counted: Mapping[str, frozenset[str]]
    name_of: Callable[[Entry], str | None]
    states: Mapping[str, tuple[Profile, ...]]

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(self.states)

    def ways(self, value: str) -> tuple[str, ...]:
        return tuple(_profile_name(profile) for profile in self.states[value])

    def read(self, lifted: Lifted, coded: Mapping[str, str]) -> str:
        return self.value_of(lifted.sections[self.fact], self.fact in lifted.complete)

    def value_of(self, entries: Iterable[Entry], complete: bool) -> str:
        """Give the value of a section with these entries; an empty one that is not complete is unknown."""
        entries = tuple(entries)
        if not entries and not complete:
            return UNKNOWN
        certain: Counter[str] = Counter()
        doubtful: Counter[str] = Counter()
        for entry in entries:
            name = self.name_of(entry) if entry.counts else None
            if name in self.doubts:
                doubtful[name] += 1
            elif name is not None:
                certain[name] += entry.vertebrae or 1
        return self.settle(certain, doubtful)

    def settle(self, certain: Mapping[str, int], doubtful: Mapping[str, int]) -> str:
        """Give the shortest value that leaves the same ways open."""
        ways = self.possible(certain, doubtful)
        return next(value for value, known in self.states.items() if known == ways)

    def possible(self, certain: Mapping[str, int], doubtful: Mapping[str, int]) -> tuple[Profile, ...]:
        """Give every profile that certain and doubtful entries may add up to, counts capped."""
        return _possible(self.kinds, self.doubts, certain, doubtful)

    def is_exhausted(self, entries: Iterable[Entry]) -> bool:
        """Whether further entries could tell the guideline nothing new."""
        value = self.value_of(entries, complete=True)
        return all(
            _possible(self.kinds, self.doubts, Counter(dict(way)) + Counter({kind: 1}), {}) == (way,)
            for way in self.states[value]
            for kind in self.kinds
        )

    def with_more(self, entries: Iterable[Entry]) -> str | None:
        """Give the value if every counted entry without a count stood for as many as matter; None where there is none."""
        entries = tuple(entries)
        uncounted = [
            entry
            for entry in entries
            if entry.counts
            and entry.vertebrae is None
            and any(self.name_of(entry) in names for names in self.counted.values())
        ]
        if not uncounted:
            return None
        most = max(cap for _, cap in self.kinds.values())
        more = [replace(entry, vertebrae=most) if entry in uncounted else entry for entry in entries]
        return self.value_of(more, complete=True)

    def piece(self, value: str) -> Piece:
        profile = dict(self.states[value][0])
        return Piece(
            atoms=frozenset(self.kinds[name][0] for name in profile),
            numbers={
                property_: Decimal(sum(profile.get(name, 0) for name in names))
                for property_, names in self.counted.items()
            },
        )

    def actual(self, lifted: Lifted, coded: Mapping[str, str], value: str) -> Piece:
        way = self.piece(value)
        own = frozenset(
            entry.atom
            for entry in lifted.sections[self.fact]
            if entry.counts and self.name_of(entry) not in self.doubts
        )
        if len(self.ways(self.read(lifted, coded))) > 1:
            return Piece(atoms=own | way.atoms, numbers=way.numbers)
        totals = {
            property_: Decimal(
                sum(
                    entry.vertebrae or 1
                    for entry in lifted.sections[self.fact]
                    if entry.counts and self.name_of(entry) in names
                )
            )
            for property_, names in self.counted.items()
        }
        return Piece(atoms=own, numbers=totals)


def _possible(
    kinds: Mapping[str, tuple[Atom, int]],
    doubts: Mapping[str, frozenset[str | None]],
    certain: Mapping[str, int],
    doubtful: Mapping[str, int],
) -> tuple[Profile, ...]:
    found = {_capped(kinds, certain)}
    for name, times in doubtful.items():
        for _ in range(times):
            grown = {
                profile if kind is None else _capped(kinds, Counter(dict(profile)) + Counter({kind: 1}))
                for profile in found
                for kind in doubts[name]
            }
            if grown == found:
                break
            found = grown
    return tuple(sorted(found))


def _capped(kinds: Mapping[str, tuple[Atom, int]], counts: Mapping[str, int]) -> Profile:
    return tuple(sorted((name, min(count, kinds[name][1])) for name, count in counts.items() if count))


def _profile_name(profile: Profile) -> str:
    return ",".join(f"{name}:{count}" if count > 1 else name for name, count in profile) or NONE


class Space:
    """All situations of one guideline: its dimensions, in the order in which keys are written.

    Args:
        knowledge: the loaded modules.
        guideline: the guideline whose criteria name the facts.
        closures: what follows from each single coded fact that a case may state (`atoms`).
    """

    def __init__(self, knowledge: Knowledge, guideline: Guideline, closures: Mapping[AtomSet, Closure]) -> None:
        self._knowledge = knowledge
        self._closures = closures
        facts = {fact for criterion in guideline.criteria.values() for fact in criterion.facts}
        order = sorted(facts, key=lambda fact: (_ORDER.index(kind(knowledge, fact)), fact))
        self.dimensions: tuple[Dimension, ...] = tuple(self._dimension(fact, guideline) for fact in order)
        self.places = {dimension.fact: place for place, dimension in enumerate(self.dimensions)}
        self._coded_first = sum(isinstance(each, CodedDimension) for each in self.dimensions)
        self._meant = self._canonical_starts(tuple(self._consequences()))
        self._ways = tuple(
            {NOT_APPLICABLE: (NOT_APPLICABLE,)} | {value: each.ways(value) for value in each.values}
            for each in self.dimensions
        )

    @staticmethod
    def atoms(knowledge: Knowledge) -> list[AtomSet]:
        """Give every single coded fact that a case may state, each as a set of its own."""
        kinds = knowledge.terms.kinds
        outcomes = [None, *kinds[str(OSTEO.TreatmentOutcome)].values()]
        atoms = [
            *(Atom(str(OSTEO.hasLowEnergyFracture), each) for each in kinds[str(OSTEO.Fracture)].values()),
            *(
                Atom(str(OSTEO.hasPastTreatment), drug, outcome)
                for drug in kinds[str(OSTEO.Drug)].values()
                for outcome in outcomes
            ),
            *(Atom(str(OSTEO.hasCondition), each) for each in kinds[str(OSTEO.MedicalCondition)].values()),
            *(Atom(str(OSTEO.hasSex), each) for each in kinds[str(OSTEO.Sex)].values()),
            *(Atom(str(OSTEO.hasMenopausalStatus), each) for each in kinds[str(OSTEO.MenopausalStatus)].values()),
        ]
        return [frozenset({atom}) for atom in atoms]

    def key(self, lifted: Lifted) -> Key:
        """Reduce a case to its situation."""
        coded = self.coded(lifted)
        return self.canonical(tuple(dimension.read(lifted, coded) for dimension in self.dimensions))

    def coded(self, lifted: Lifted) -> dict[str, str]:
        """Give the coded values that a case states, and those that follow from them."""
        found: dict[str, str] = {}
        for property_, value in lifted.coded.items():
            closure = self._closures.get(frozenset({Atom(property_, value)}))
            found |= closure.coded if closure else {}
        return found | dict(lifted.coded)

    def canonical(self, key: Key) -> Key:
        """Write what one value says of another: a stated menopausal status means a woman; a man has none."""
        first = self._coded_first
        return (*self._meant.get(key[:first], key[:first]), *key[first:])

    def _canonical_starts(self, consequences: tuple[tuple[int, str, int, str], ...]) -> dict[Key, Key]:
        """Work out once what every combination of coded values, which come first in a key, means."""
        meant: dict[Key, Key] = {}
        for start in itertools.product(*(each.values for each in self.dimensions[: self._coded_first])):
            written = list(start)
            for place, value, other, says in consequences:
                if written[place] == value and (says == NOT_APPLICABLE or written[other] == UNKNOWN):
                    written[other] = says
            meant[start] = tuple(written)
        return meant

    def text(self, key: Key) -> str:
        """Write a key as the readable end of its IRI."""
        names = (
            self._knowledge.terms.record_keys[dimension.fact] for dimension in self.dimensions
        )
        return ";".join(f"{name}={value}" for name, value in zip(names, key, strict=True))

    def parse(self, text: str) -> Key:
        """Read a key back from the end of its IRI.

        Raises:
            UsageError: the text is not a situation of this guideline.
        """
        key = tuple(part.partition("=")[2] for part in text.split(";"))
        known = len(key) == len(self.dimensions) and all(v in ways for v, ways in zip(key, self._ways, strict=True))
        if not known or self.canonical(key) != key or self.text(key) != text:
            raise UsageError(f"There is no situation {text!r}.", advice="Take one from `osteo-kg table --all`.")
        return key

    def ways(self, key: Key) -> Iterator[Key]:
        """Give every way a situation could turn out; one that is settled is its own only way. Not yet canonical."""
        return itertools.product(*(ways[value] for ways, value in zip(self._ways, key, strict=True)))

    def all_keys(self) -> Iterator[Key]:
        """Give every situation, the settled and the unsettled, in a fixed order."""
        seen: set[Key] = set()
        for key in itertools.product(*(dimension.values for dimension in self.dimensions)):
            canonical = self.canonical(key)
            if canonical not in seen:
                seen.add(canonical)
                yield canonical

    def representative(self, way: Key) -> Facts:
        """Give a patient that stands for a settled situation."""
        return self._facts(zip(self.dimensions, way, strict=True), lambda dimension, value: dimension.piece(value))

    def actual(self, lifted: Lifted, way: Key) -> Facts:
        """Give the patient of a case itself, with what is unknown turned out as `way` says."""
        coded = self.coded(lifted)
        return self._facts(
            zip(self.dimensions, way, strict=True),
            lambda dimension, value: dimension.actual(lifted, coded, value),
        )

    @staticmethod
    def _facts(values: Iterable[tuple[Dimension, str]], piece: Callable[[Dimension, str], Piece]) -> Facts:
        pieces = [(dimension.fact, piece(dimension, value)) for dimension, value in values]
        return Facts(
            atoms=frozenset().union(*(each.atoms for _, each in pieces)),
            numbers={name: number for _, each in pieces for name, number in (each.numbers or {}).items()},
            statements={name: truth for _, each in pieces for name, truth in (each.statements or {}).items()},
            known=frozenset(fact for fact, each in pieces if each.known),
        )

    def _consequences(self) -> Iterator[tuple[int, str, int, str]]:
        """Read from the ontology what one coded value says of the others: first what it rules out, then what it implies."""
        coded = [d for d in self.dimensions if isinstance(d, CodedDimension)]
        places = {d.fact: self.places[d.fact] for d in coded}
        for dimension in coded:
            for key, iri in dimension.iris.items():
                for fact in self._knowledge.triples.objects(iri, _NS + "rulesOut"):
                    if fact in places:
                        yield places[dimension.fact], key, places[fact], NOT_APPLICABLE
        for dimension in coded:
            for key, iri in dimension.iris.items():
                implied = self._closures[frozenset({Atom(dimension.property, iri)})].coded
                for other in coded:
                    value = next((k for k, i in other.iris.items() if i == implied.get(other.property)), None)
                    if other is not dimension and value:
                        yield places[dimension.fact], key, places[other.fact], value

    def _dimension(self, fact: str, guideline: Guideline) -> Dimension:
        triples, terms = self._knowledge.triples, self._knowledge.terms
        property_ = triples.value(fact, _NS + "statedBy")
        if property_ is None:
            raise KnowledgeError(f"{fact} does not say how a case states it.", advice="Add osteo:statedBy.")
        criteria = [each for each in guideline.criteria.values() if fact in each.facts]
        found = kind(self._knowledge, fact)
        if found == "section":
            return self._section(fact, criteria)
        if found == "coded":
            range_ = triples.value(property_, _RANGE)
            return CodedDimension(fact, property_, terms.kinds[range_ or ""])
        if found == "statement":
            return StatementDimension(fact, property_)
        never_tried = triples.value(fact, _NS + "isNeverTried") == "true"
        return BandDimension(fact, property_, bands(criteria), never_tried)

    def _section(self, fact: str, criteria: list[Criterion]) -> SectionDimension:
        """Read off the closures which entries of a section the guideline can tell apart."""
        listed = SECTIONS[fact]
        property_ = str(OSTEO.hasLowEnergyFracture) if listed == str(OSTEO.hasFracture) else listed
        triples, types = self._knowledge.triples, self._knowledge.terms.types
        atoms = sorted(
            (atom for each in self._closures for atom in each if atom.property == property_),
            key=lambda atom: (atom.value, atom.outcome or ""),
        )
        names = {atom: self._name(self._closures[frozenset({atom})].classes) for atom in atoms}
        doubts: dict[str, frozenset[str | None]] = {}
        doubtful: dict[Atom, str] = {}
        for atom in atoms:
            others = [
                names[other]
                for other in atoms
                if any(wide in types[other.value] for wide in triples.objects(atom.value, _NS + "couldBe"))
            ]
            if property_ == str(OSTEO.hasPastTreatment) and atom.outcome is None:
                others = [names[other] for other in atoms if other.value == atom.value and other.outcome]
            if len(set(others)) > 1:
                name = names[atom] or "possible-" + "-or-".join(sorted(each for each in set(others) if each))
                doubts[name], doubtful[atom] = frozenset(others), name
        counts = {each.tested: triples.value(each.tested, _NS + "countsInstancesOf") for each in criteria}
        counted = {
            number: frozenset(names[atom] or "" for atom in atoms if class_ in types[atom.value])
            for number, class_ in counts.items()
            if class_
        }
        highest = {
            number: int(max(_most_told_apart(each) for each in criteria if each.tested == number)) for number in counted
        }
        kinds: dict[str, tuple[Atom, int]] = {}
        for atom in atoms:
            name = names[atom]
            if name and atom not in doubtful and name not in kinds:
                cap = max((highest[number] for number, counted_names in counted.items() if name in counted_names), default=1)
                kinds[name] = (atom, cap)

        def name_of(entry: Entry) -> str | None:
            return doubtful.get(entry.atom) or names.get(entry.atom)

        return SectionDimension(fact, kinds, doubts, counted, name_of, _states(kinds, doubts))

    def _name(self, classes: Signature) -> str | None:
        """Name what an entry leads to: the short names of its classes; None where it leads nowhere."""
        triples = self._knowledge.triples
        named = [name for each in sorted(classes) if (name := triples.value(each, _NS + "situationName"))]
        unnamed = [local_name(each) for each in sorted(classes)] if classes and not named else []
        return "+".join(named or unnamed) or None


def kind(knowledge: Knowledge, fact: str) -> str:
    """Say what kind of fact this is: `coded`, `number`, `section` or `statement`."""
    if fact in SECTIONS:
        return "section"
    stated_by = knowledge.triples.value(fact, _NS + "statedBy") or ""
    range_ = knowledge.triples.value(stated_by, _RANGE) or ""
    if range_.startswith(_NS):
        return "coded"
    return "statement" if range_.endswith("boolean") else "number"


def bands(criteria: Iterable[Criterion]) -> tuple[Band, ...]:
    """Cut the numbers at every bound of the criteria, so that no criterion can tell two numbers of one band apart.

    `atMost` and `above` cut just after a number, `atLeast` and `below` just before it.
    """
    cuts = sorted({(value, name in ("atMost", "above")) for each in criteria for name, value in each.bounds})
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


def _most_told_apart(criterion: Criterion) -> Decimal:
    """Give the highest count that a criterion can tell from a lower one."""
    return max((value + (name in ("atMost", "above")) for name, value in criterion.bounds), default=Decimal(1))


def _states(
    kinds: Mapping[str, tuple[Atom, int]], doubts: Mapping[str, frozenset[str | None]]
) -> dict[str, tuple[Profile, ...]]:
    """Name every state of knowledge of a section by its ways: settled ones first, then doubtful ones, then unknown."""
    settled = [
        _capped(kinds, dict(zip(kinds, counts, strict=True)))
        for counts in itertools.product(*(range(cap + 1) for _, cap in kinds.values()))
    ]
    states: dict[str, tuple[Profile, ...]] = {_profile_name(profile): (profile,) for profile in sorted(settled)}
    everything = tuple(sorted(settled))
    seen = {*states.values(), everything}
    most = sum(cap for _, cap in kinds.values())
    for profile in sorted(settled):
        for times in itertools.product(range(most + 1), repeat=len(doubts)):
            doubtful = dict(zip(doubts, times, strict=True))
            ways = _possible(kinds, doubts, dict(profile), doubtful)
            if ways not in seen:
                seen.add(ways)
                named = (*profile, *((name, count) for name, count in doubtful.items() if count))
                states[_profile_name(named)] = ways
    states[UNKNOWN] = everything
    return states


_ORDER = ("coded", "number", "section", "statement")
_RANGE = "http://www.w3.org/2000/01/rdf-schema#range"
