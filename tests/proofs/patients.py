"""Patients whose facts are symbols: what Z3 looks for when it looks for a counterexample.

A settled patient has a value for every fact; `records.py` has those of whom some facts are not known.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import z3
from rdflib import RDFS, XSD
from rdflib.term import Node

from tests.proofs.axioms import OSTEO, Axioms

Formula = Any  # of Z3, which says nothing about its types
#: The place of a T-score that was measured and could not be read.
UNREAD = "unread"


@dataclass(frozen=True)
class Vocabulary:
    """The facts that a case can state, as the modules have them.

    Attributes:
        coded: the values of each single coded property.
        scored: the sites of densitometry that decide.
        sites: the classes of fractures; `broad` are those that may be others, with what each may be.
        counted: the sites whose entries can stand for a range of fractures.
        together: for a site, what several of its entries of one day may together be, and how many it takes.
        treatments: the drugs and the outcomes.
        statements: the yes-or-no properties.
        is_lower_where_open: whether the T-score may be lower than what was read where densitometry is open.
        never_tried: the measures whose absence is an answer of its own.
    """

    axioms: Axioms
    coded: Mapping[Node, tuple[Node, ...]]
    scored: tuple[Node, ...]
    sites: tuple[Node, ...]
    broad: Mapping[Node, frozenset[Node]]
    counted: frozenset[Node]
    together: Mapping[Node, tuple[Node, int]]
    drugs: tuple[Node, ...]
    outcomes: tuple[Node, ...]
    statements: tuple[Node, ...]
    is_lower_where_open: bool
    never_tried: frozenset[Node]

    @functools.cached_property
    def perhaps_broad(self) -> tuple[Node, ...]:
        """The sites that may be others, by the modules or by what the word says: of one not stated everybody knows."""
        return tuple(sorted({*self.broad, OSTEO.UnspecifiedSiteFracture}, key=str))

    @functools.cached_property
    def qualifying(self) -> frozenset[Node]:
        """The sites that a fracture which counts may really be of: what it is, it is precisely."""
        broad = set(self.axioms.graph.subjects(OSTEO.couldBe, None))
        return self.axioms.below([OSTEO.QualifyingFracture]) - broad - set(self.perhaps_broad)

    def is_without_status(self, coded: Mapping[Node, Mapping[Node, Formula]]) -> Formula:
        """Say that a coded value rules a menopausal status out."""
        rules_out = (OSTEO.rulesOut, OSTEO.RecordedMenopausalStatus)
        values = [(each, stated) for of_one in coded.values() for each, stated in of_one.items()]
        return z3.Or(*(stated for each, stated in values if (each, *rules_out) in self.axioms.graph))


def vocabulary(axioms: Axioms) -> Vocabulary:
    """Read off the modules what a case can state."""
    graph = axioms.graph
    facts = {fact: graph.value(fact, OSTEO.statedBy) for fact in axioms.members(OSTEO.PatientFact)}
    ranges = {each: graph.value(each, RDFS.range) for each in facts.values() if each is not None}
    statements = sorted((each for each, range_ in ranges.items() if range_ == XSD.boolean), key=str)
    classes = set(graph.objects(None, OSTEO.countsInstancesOf))
    entries = graph.value(OSTEO.RibsSimultaneous, OSTEO.leastEntries)
    return Vocabulary(
        axioms=axioms,
        coded={each: axioms.members(_range(ranges[each])) for each in (OSTEO.hasSex, OSTEO.hasMenopausalStatus)},
        scored=axioms.members(OSTEO.AxialSite),
        sites=axioms.sites,
        broad=axioms.broad_sites,
        counted=axioms.below(classes),
        together={
            site: (other, int(str(entries)))
            for site in axioms.sites
            if (other := graph.value(site, OSTEO.mayTogetherBe)) is not None
        },
        drugs=axioms.members(OSTEO.Drug),
        outcomes=axioms.members(OSTEO.TreatmentOutcome),
        statements=tuple(statements),
        is_lower_where_open=(OSTEO.AxialTScore, OSTEO.belongsToSection, OSTEO.Densitometry) in graph,
        never_tried=frozenset(
            measure
            for fact, measure in facts.items()
            if measure is not None and str(graph.value(fact, OSTEO.isNeverTried)) == "true"
        ),
    )


def _range(node: Node | None) -> Node:
    if node is None:
        raise ValueError("A coded property has no rdfs:range: the proofs cannot read it.")
    return node


class Facts:
    """The facts of one patient as symbols, those that a settled patient and a record have in common.

    Args:
        words: the vocabulary.
        name: what the names of the symbols begin with.
        places: where there may be a T-score.
        outcomes: how a treatment may have ended; None where that may not be known.
    """

    def __init__(self, words: Vocabulary, name: str, places: Iterable[Any], outcomes: Iterable[Any]) -> None:
        self.words, places = words, tuple(places)
        self.coded = {p: {v: boolean(name, p, v) for v in values} for p, values in words.coded.items()}
        self.measured = {each: boolean(name, "measured", each) for each in places}
        self.scores = {each: z3.Real(symbol(name, "score", each)) for each in places}
        self.age = z3.Int(symbol(name, "age"))
        self.has_age = boolean(name, "has age")
        self.fractures = {each: z3.Int(symbol(name, "fractures", each)) for each in words.sites}
        pairs = itertools.product(words.drugs, outcomes)
        self.treatments = {pair: boolean(name, "treatment", *pair) for pair in pairs}


class SettledPatient(Facts):
    """One patient with a value for every fact; a site of densitometry may not have been measured.

    Args:
        words: the vocabulary.
        name: what the names of the symbols begin with.
    """

    def __init__(self, words: Vocabulary, name: str) -> None:
        super().__init__(words, name, (*words.scored, UNREAD), words.outcomes)
        self.statements = {each: boolean(name, each) for each in words.statements}

    @functools.cached_property
    def numbers(self) -> Mapping[Node, tuple[Formula, Formula]]:
        """For each measure, whether it has a value, and which."""
        count = z3.Sum([self.fractures[each] for each in self.words.sites if each in self.words.counted])
        return {
            OSTEO.lowestTScore: (z3.Or(*self.measured.values()), self._lowest()),
            OSTEO.completedYears: (self.has_age, self.age),
            OSTEO.vertebralFractureCount: (z3.BoolVal(True), count),
        }

    def _lowest(self) -> Formula:
        taken, lowest = z3.BoolVal(False), z3.RealVal(0)
        for place, measured in self.measured.items():
            score = self.scores[place]
            lowest = z3.If(z3.And(measured, z3.Or(z3.Not(taken), score < lowest)), score, lowest)
            taken = z3.Or(taken, measured)
        return lowest

    @property
    def settled(self) -> Formula:
        """What holds of every patient of whom everything that can be known is known."""
        return z3.And(self.possible, self.has_age, z3.Not(self.measured[UNREAD]))

    @functools.cached_property
    def possible(self) -> Formula:
        """What holds of every patient that there can be."""
        sexes, statuses = self.coded[OSTEO.hasSex], self.coded[OSTEO.hasMenopausalStatus]
        parts = [count >= 0 for count in (*self.fractures.values(), self.age)]
        parts += [self.fractures[each] == 0 for each in self.words.broad]
        parts.append(exactly_one(sexes.values()))
        parts.append(z3.If(self.words.is_without_status(self.coded), none(statuses), exactly_one(statuses.values())))
        return z3.And(*parts)

    @functools.cached_property
    def kinds(self) -> Mapping[str, list[Formula]]:
        """Every symbol, by the kind of fact."""
        return {
            "coded": [each for values in self.coded.values() for each in values.values()],
            "measured": list(self.measured.values()),
            "scores": list(self.scores.values()),
            "age": [self.has_age, self.age],
            "fractures": list(self.fractures.values()),
            "treatments": list(self.treatments.values()),
            "statements": list(self.statements.values()),
        }

    @property
    def symbols(self) -> list[Formula]:
        """Every symbol."""
        return list(itertools.chain(*self.kinds.values()))

    def is_like(self, other: SettledPatient, *, but: str | None = None) -> Formula:
        """Say that two patients are the same, but for one kind of facts."""
        return z3.And(*(_same(self.kinds[kind], other.kinds[kind]) for kind in self.kinds if kind != but))

    def agrees(self, other: SettledPatient, fact: Node) -> Formula:
        """Say that two patients have the same value of a fact of the record."""
        return _same(self._of(fact), other._of(fact))

    def _of(self, fact: Node) -> list[Formula]:
        stated = self.words.axioms.graph.value(fact, OSTEO.statedBy)
        if stated is None:
            return []
        if stated in self.coded:
            return list(self.coded[stated].values())
        if stated in self.statements:
            return [self.statements[stated]]
        if stated in self.numbers:
            present, value = self.numbers[stated]
            return [present, z3.If(present, value, 0)]
        sections: dict[Node, str] = {OSTEO.hasFracture: "fractures", OSTEO.hasPastTreatment: "treatments"}
        return self.kinds[sections[stated]] if stated in sections else []


def _same(one: Iterable[Formula], other: Iterable[Formula]) -> Formula:
    return z3.And(*(a == b for a, b in zip(one, other, strict=True)))


def boolean(*parts: object) -> Formula:
    """Give the symbol of something that is true or false."""
    return z3.Bool(symbol(*parts))


def symbol(*parts: object) -> str:
    """Name a symbol, readable in a counterexample."""
    return " ".join(str(each).removeprefix(str(OSTEO)) for each in parts)


def none(values: Mapping[Node, Formula]) -> Formula:
    """Say that no value of several is stated."""
    return z3.Not(z3.Or(*values.values()))


def at_most_one(formulas: Iterable[Formula]) -> Formula:
    """Say that at most one of several holds."""
    return z3.And(*(z3.Not(z3.And(*pair)) for pair in itertools.combinations(formulas, 2)))


def exactly_one(formulas: Iterable[Formula]) -> Formula:
    """Say that one of several holds, and no other."""
    asked = list(formulas)
    return z3.And(z3.Or(*asked), at_most_one(asked))
