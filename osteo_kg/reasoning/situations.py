"""Situations: a case reduced to what the guideline can tell apart (docs/reference/contracts.md, section 10).

Every fact that some criterion rests on is a dimension. Its values are read off the loaded ontology: the bands
between the thresholds of the criteria, the coded values, the classes of patients that entries lead to, and
*unknown*. A situation is one value for each dimension.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping

import pyoxigraph as ox

from osteo_kg.case import LISTING, Atom, CaseFacts
from osteo_kg.errors import KnowledgeError, UsageError
from osteo_kg.knowledge import Guideline, Knowledge
from osteo_kg.rdf import OSTEO, OWL, RDFS, node_of
from osteo_kg.reasoning.closure import AtomSet, Closure
from osteo_kg.reasoning.dimensions import (
    NONE,
    NOT_APPLICABLE,
    UNKNOWN,
    BandDimension,
    CodedDimension,
    Dimension,
    RepresentativeFacts,
    StatementDimension,
    bands,
)
from osteo_kg.reasoning.matching import SettledFacts
from osteo_kg.reasoning.section_dimension import read_section

Key = tuple[str, ...]
_NS = OSTEO.iri


class SituationSpace:
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
            {NOT_APPLICABLE: (NOT_APPLICABLE,)} | {value: each.completions(value) for value in each.values}
            for each in self.dimensions
        )
        self._open = tuple(
            frozenset(value for value, completions in each.items() if len(completions) > 1) for each in self._ways
        )
        self._numbers = tuple(
            {NONE: tuple(band.name for band in each.bands)} if isinstance(each, BandDimension) else {}
            for each in self.dimensions
        )

    @staticmethod
    def atoms(knowledge: Knowledge) -> list[AtomSet]:
        """Give every single coded fact that a case may state, each as a set of its own."""
        kinds = knowledge.terms.kinds
        outcomes = [None, *kinds[OSTEO.TreatmentOutcome].values()]
        atoms = [
            *(Atom(OSTEO.hasLowEnergyFracture.value, each) for each in kinds[OSTEO.Fracture].values()),
            *(
                Atom(OSTEO.hasPastTreatment.value, drug, outcome)
                for drug in kinds[OSTEO.Drug].values()
                for outcome in outcomes
            ),
            *(Atom(OSTEO.hasCondition.value, each) for each in _named_by_axioms(knowledge, OSTEO.MedicalCondition)),
            *(Atom(OSTEO.hasSex.value, each) for each in kinds[OSTEO.Sex].values()),
            *(Atom(OSTEO.hasMenopausalStatus.value, each) for each in kinds[OSTEO.MenopausalStatus].values()),
        ]
        return [frozenset({atom}) for atom in atoms]

    def key(self, case_facts: CaseFacts) -> Key:
        """Reduce a case to its situation."""
        coded = self.coded(case_facts)
        return self.canonical(tuple(dimension.read(case_facts, coded) for dimension in self.dimensions))

    def coded(self, case_facts: CaseFacts) -> dict[str, str]:
        """Give the coded values that a case states, and those that follow from them."""
        found: dict[str, str] = {}
        for property_, value in case_facts.coded.items():
            closure = self._closures.get(frozenset({Atom(property_, value)}))
            found |= closure.coded if closure else {}
        return found | dict(case_facts.coded)

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
        return ";".join([written[value] for written, value in zip(self._written, key, strict=True)])

    @functools.cached_property
    def _written(self) -> list[Mapping[str, str]]:
        """How each value of each dimension is written."""
        names = (self._knowledge.terms.record_keys[dimension.fact] for dimension in self.dimensions)
        return [{value: f"{name}={value}" for value in ways} for name, ways in zip(names, self._ways, strict=True)]

    def parse(self, text: str) -> Key:
        """Read a key back from the end of its IRI.

        Raises:
            UsageError: the text is not a situation of this guideline.
        """
        key = tuple(part.partition("=")[2] for part in text.split(";"))
        known = len(key) == len(self.dimensions) and all(
            v in completions for v, completions in zip(key, self._ways, strict=True)
        )
        if not known or self.canonical(key) != key or self.text(key) != text:
            raise UsageError(f"There is no situation {text!r}.", advice="Take one from `osteo-kg table --all`.")
        return key

    def completions(self, key: Key) -> Iterator[Key]:
        """Give every way a situation could turn out; one that is settled is its own only way. Not yet canonical."""
        return itertools.product(*(completions[value] for completions, value in zip(self._ways, key, strict=True)))

    def first_open(self, key: Key, but: int | None = None) -> int | None:
        """Give the first place of a situation where a fact is open, passing over one place; None if there is none."""
        for place, (value, open_values) in enumerate(zip(key, self._open, strict=True)):
            if value in open_values and place != but:
                return place
        return None

    def completions_at(self, key: Key, place: int) -> list[Key]:
        """Give the situations that follow from one fact turning out in each way that it may. Not yet canonical."""
        return self._with(key, place, self._ways[place][key[place]])

    def numbers(self, key: Key, place: int) -> list[Key]:
        """Give the situations with each number that a measurement could have given; none where one was taken."""
        return self._with(key, place, self._numbers[place].get(key[place], ()))

    def changed(self, key: Key, place: int, value: str) -> Key:
        """Give a situation with another value in one place."""
        [changed] = self._with(key, place, [value])
        return self.canonical(changed)

    @staticmethod
    def _with(key: Key, place: int, values: Iterable[str]) -> list[Key]:
        return [(*key[:place], value, *key[place + 1 :]) for value in values]

    def all_keys(self) -> Iterator[Key]:
        """Give every situation, the settled and the unsettled, in a fixed order."""
        seen: set[Key] = set()
        for key in itertools.product(*(dimension.values for dimension in self.dimensions)):
            canonical = self.canonical(key)
            if canonical not in seen:
                seen.add(canonical)
                yield canonical

    def settled_keys(self) -> list[Key]:
        """Give every situation in which nothing is unknown, in a fixed order."""
        every = itertools.product(*(dimension.settled_values for dimension in self.dimensions))
        return list(dict.fromkeys(map(self.canonical, every)))

    def representative(self, way: Key) -> SettledFacts:
        """Give a patient that stands for a settled situation."""
        return self._facts(zip(self.dimensions, way, strict=True), lambda dimension, value: dimension.piece(value))

    def actual(self, case_facts: CaseFacts, way: Key) -> SettledFacts:
        """Give the patient of a case itself, with what is unknown turned out as `way` says."""
        coded = self.coded(case_facts)
        return self._facts(
            zip(self.dimensions, way, strict=True),
            lambda dimension, value: dimension.actual(case_facts, coded, value),
        )

    @staticmethod
    def _facts(
        values: Iterable[tuple[Dimension, str]], piece: Callable[[Dimension, str], RepresentativeFacts]
    ) -> SettledFacts:
        pieces = [(dimension.fact, piece(dimension, value)) for dimension, value in values]
        return SettledFacts(
            atoms=frozenset().union(*(each.atoms for _, each in pieces)),
            numbers={name: number for _, each in pieces for name, number in (each.numbers or {}).items()},
            statements={name: truth for _, each in pieces for name, truth in (each.statements or {}).items()},
            known=frozenset(fact for fact, each in pieces if each.known),
        )

    def _consequences(self) -> Iterator[tuple[int, str, int, str]]:
        """Read from the ontology what one coded value says of the others: first what it rules out.

        Then what it implies.
        """
        coded = [d for d in self.dimensions if isinstance(d, CodedDimension)]
        places = {d.fact: self.places[d.fact] for d in coded}
        for dimension in coded:
            for key, iri in dimension.iris.items():
                for fact in self._knowledge.triples.objects(iri, OSTEO.rulesOut):
                    if fact in places:
                        yield places[dimension.fact], key, places[fact], NOT_APPLICABLE
        for dimension in coded:
            for key, iri in dimension.iris.items():
                implied = self._closures[frozenset({Atom(dimension.predicate, iri)})].coded
                for other in coded:
                    value = next((k for k, i in other.iris.items() if i == implied.get(other.predicate)), None)
                    if other is not dimension and value:
                        yield places[dimension.fact], key, places[other.fact], value

    def _dimension(self, fact: str, guideline: Guideline) -> Dimension:
        triples, terms = self._knowledge.triples, self._knowledge.terms
        property_ = triples.value(fact, OSTEO.statedBy)
        if property_ is None:
            raise KnowledgeError(f"{fact} does not say how a case states it.", advice="Add osteo:statedBy.")
        criteria = [each for each in guideline.criteria.values() if fact in each.facts]
        found = kind(self._knowledge, fact)
        if found == "section":
            return read_section(self._knowledge, fact, criteria, self._closures)
        if found == "coded":
            [range_] = triples.objects(property_, RDFS.range)
            return CodedDimension(fact, property_, terms.kinds[node_of(range_)])
        if found == "statement":
            return StatementDimension(fact, property_)
        never_tried = triples.value(fact, OSTEO.isNeverTried) == "true"
        section = triples.value(fact, OSTEO.belongsToSection)
        return BandDimension(fact, property_, bands(criteria), never_tried, section)


def kind(knowledge: Knowledge, fact: str) -> str:
    """Say what kind of fact this is: `coded`, `number`, `section` or `statement`."""
    if fact in LISTING:
        return "section"
    stated_by = knowledge.triples.value(fact, OSTEO.statedBy) or ""
    range_ = knowledge.triples.value(stated_by, RDFS.range) or ""
    if range_.startswith(OSTEO.iri):
        return "coded"
    return "statement" if range_.endswith("boolean") else "number"


def _named_by_axioms(knowledge: Knowledge, kind_: ox.NamedNode) -> list[str]:
    """Give the values of a kind that some axiom names: nothing follows from the others, and they need no closure."""
    quads = knowledge.store.quads_for_pattern(None, OWL.hasValue, None)
    named = {quad.object.value for quad in quads if isinstance(quad.object, ox.NamedNode)}
    return [each for each in knowledge.terms.kinds[kind_].values() if each in named]


_ORDER = ("coded", "number", "section", "statement")
