"""A guideline as formulas over one settled patient, read off its triples.

Every property that the library looks at when it decides is looked at here, in another way: the library asks queries of
a store, and a closure of owlrl; this writes what the triples say as one formula for each criterion, rule and option.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import z3
from rdflib import RDF, Graph
from rdflib.term import Node

from tests.proofs.axioms import OSTEO, Axioms
from tests.proofs.patients import Formula, SettledPatient, Vocabulary, vocabulary

_BOUNDS: Mapping[Node, Callable[[Formula, Formula], Formula]] = {
    OSTEO.above: lambda value, bound: value > bound,
    OSTEO.atLeast: lambda value, bound: value >= bound,
    OSTEO.atMost: lambda value, bound: value <= bound,
    OSTEO.below: lambda value, bound: value < bound,
}


@dataclass(frozen=True)
class Encoding:
    """One guideline as formulas.

    Attributes:
        graph: the triples of all modules; not to be changed while this is in use.
        guideline: the guideline, by IRI.
    """

    graph: Graph
    guideline: Node

    @functools.cached_property
    def axioms(self) -> Axioms:
        """The class axioms of the modules."""
        return Axioms(self.graph)

    @functools.cached_property
    def words(self) -> Vocabulary:
        """What a case can state."""
        return vocabulary(self.axioms)

    @functools.cached_property
    def rules(self) -> tuple[Node, ...]:
        """The rules of the guideline."""
        return self._objects(self.guideline, OSTEO.hasRule)

    @functools.cached_property
    def options(self) -> tuple[Node, ...]:
        """The options of the guideline."""
        return self._objects(self.guideline, OSTEO.hasOption)

    @functools.cached_property
    def criteria(self) -> tuple[Node, ...]:
        """Every criterion that a rule, a listing or an obligation names."""
        listings = [each for rule in self.rules for each in self._objects(rule, OSTEO.hasListing)]
        obligations = self._objects(self.guideline, OSTEO.setsObligation)
        links = [(rule, OSTEO.requires) for rule in (*self.rules, *listings)]
        links += [(each, OSTEO.isReservedBy) for each in listings]
        links += [(each, OSTEO.isDueWhen) for each in obligations]
        return tuple(sorted({each for link in links for each in self._objects(*link)}, key=str))

    # What holds of a patient

    def has_met(self, criterion: Node, patient: SettledPatient) -> Formula:
        """Say that a patient meets a criterion."""
        if (criterion, patient) not in self._written:
            self._written[criterion, patient] = z3.Or(*self._ways_to_meet(criterion, patient))
        return self._written[criterion, patient]

    @functools.cached_property
    def _written(self) -> dict[tuple[Node, SettledPatient], Formula]:
        """What was written already: the same few criteria are asked for by many rules."""
        return {}

    def _ways_to_meet(self, criterion: Node, patient: SettledPatient) -> list[Formula]:
        parts = [self.is_member(each, patient) for each in self._objects(criterion, OSTEO.testsClass)]
        parts += [self._lacks(each, patient) for each in self._objects(criterion, OSTEO.testsAbsenceOf)]
        parts += [patient.statements[each] for each in self._objects(criterion, OSTEO.testsStatement)]
        for measure in self._objects(criterion, OSTEO.measures):
            present, value = patient.numbers[measure]
            if (criterion, RDF.type, OSTEO.MissingMeasureCriterion) in self.graph:
                parts.append(z3.Not(present))
            if (criterion, RDF.type, OSTEO.RangeCriterion) in self.graph:
                parts.append(z3.And(present, *self._in_bounds(criterion, value)))
        return parts

    def applies(self, rule: Node, patient: SettledPatient) -> Formula:
        """Say that a rule applies: every criterion that it requires is met."""
        return z3.And(*(self.has_met(each, patient) for each in self._objects(rule, OSTEO.requires)))

    def recommends(self, disposition: Node, patient: SettledPatient) -> Formula:
        """Say that a rule applies that gives a disposition."""
        return self._by_rule(OSTEO.recommends, disposition, patient)

    def is_of_strength(self, strength: Node, patient: SettledPatient) -> Formula:
        """Say that a rule applies that gives a strength."""
        return self._by_rule(OSTEO.hasStrength, strength, patient)

    def is_listed(self, option: Node, patient: SettledPatient, line: Node | None = None) -> Formula:
        """Say that a rule applies that lists an option, on a line where one is named."""
        return z3.Or(*(self._lists(rule, each, patient) for rule, each in self._listings(option, line)))

    def is_eligible(self, option: Node, patient: SettledPatient) -> Formula:
        """Say that an option is listed and that every condition which reserves it is met."""
        return z3.Or(
            *(
                z3.And(
                    self._lists(rule, each, patient),
                    *(self.has_met(condition, patient) for condition in self._objects(each, OSTEO.isReservedBy)),
                )
                for rule, each in self._listings(option)
            )
        )

    def owes(self, obligation: Node, patient: SettledPatient) -> Formula:
        """Say that an obligation is due."""
        due = [self.recommends(each, patient) for each in self._objects(obligation, OSTEO.isDueWith)]
        due += [self.has_met(each, patient) for each in self._objects(obligation, OSTEO.isDueWhen)]
        return z3.Or(*due)

    # What there is to be said

    @functools.cached_property
    def dispositions(self) -> tuple[Node, ...]:
        """Every disposition that a rule gives."""
        return self._given(OSTEO.recommends)

    @functools.cached_property
    def strengths(self) -> tuple[Node, ...]:
        """Every strength that a rule gives."""
        return self._given(OSTEO.hasStrength)

    @functools.cached_property
    def obligations(self) -> tuple[Node, ...]:
        """The obligations of the guideline."""
        return self._objects(self.guideline, OSTEO.setsObligation)

    @functools.cached_property
    def lines(self) -> tuple[Node, ...]:
        """Every line that a listing gives."""
        listings = [each for option in self.options for _, each in self._listings(option)]
        return tuple(sorted({line for each in listings for line in self._objects(each, OSTEO.hasLine)}, key=str))

    def stronger(self, one: Node) -> frozenset[Node]:
        """Give what is stronger than a disposition or a strength."""
        found = self.graph.transitive_subjects(OSTEO.isStrongerThan, one)
        return frozenset(each for each in found if each is not None and each != one)

    def said(self, patient: SettledPatient) -> dict[tuple[str, Node, Node | None], Formula]:
        """Everything that the guideline can say of a patient, each with when it does."""
        found: dict[tuple[str, Node, Node | None], Formula] = {}
        for each in self.dispositions:
            found["disposition", each, None] = self.recommends(each, patient)
        for each in self.strengths:
            found["strength", each, None] = self.is_of_strength(each, patient)
        for each in self.obligations:
            found["obligation", each, None] = self.owes(each, patient)
        for option in self.options:
            found["listed", option, None] = self.is_listed(option, patient)
            found["eligible", option, None] = self.is_eligible(option, patient)
            for line in self.lines:
                found["line", option, line] = self.is_listed(option, patient, line)
        return found

    def _by_rule(self, property_: Node, value: Node, patient: SettledPatient) -> Formula:
        rules = [each for each in self.rules if (each, property_, value) in self.graph]
        return z3.Or(*(self.applies(each, patient) for each in rules))

    def _lists(self, rule: Node, listing: Node, patient: SettledPatient) -> Formula:
        required = [self.has_met(each, patient) for each in self._objects(listing, OSTEO.requires)]
        return z3.And(self.applies(rule, patient), *required)

    def _listings(self, option: Node, line: Node | None = None) -> list[tuple[Node, Node]]:
        return [
            (rule, each)
            for rule in self.rules
            for each in self._objects(rule, OSTEO.hasListing)
            if (each, OSTEO.listsOption, option) in self.graph
            and (line is None or (each, OSTEO.hasLine, line) in self.graph)
        ]

    def _in_bounds(self, criterion: Node, value: Formula) -> list[Formula]:
        return [
            holds(value, z3.RealVal(str(Decimal(str(bound)))))
            for property_, holds in _BOUNDS.items()
            for bound in self._objects(criterion, property_)
        ]

    def _lacks(self, kind: Node, patient: SettledPatient) -> Formula:
        """Absence is concluded where every fact is known on which a criterion that looks at the class rests."""
        asking = {
            criterion
            for property_ in (OSTEO.testsClass, OSTEO.testsAbsenceOf)
            for criterion in self.graph.subjects(property_, kind)
        }
        known = [z3.And(*self._known(each, patient)) for each in sorted(asking & set(self.criteria), key=str)]
        return z3.And(z3.Not(self.is_member(kind, patient)), z3.Or(*known))

    def _known(self, criterion: Node, patient: SettledPatient) -> list[Formula]:
        """In a settled patient every fact is known but a number that was never taken."""
        stated = [self.graph.value(each, OSTEO.statedBy) for each in self._objects(criterion, OSTEO.restsOn)]
        return [patient.numbers[each][0] for each in stated if each is not None and each in patient.numbers]

    def is_member(self, kind: Node, patient: SettledPatient, above: frozenset[Node] = frozenset()) -> Formula:
        """Say that a patient is in a class: the least that the axioms say, so that a circle adds nothing."""
        if kind == OSTEO.Patient:
            return z3.BoolVal(True)
        if kind in above:
            return z3.BoolVal(False)
        inside = above | {kind}
        ways = [patient.fractures[site] > 0 for site, reached in self._fractures.items() if kind in reached]
        ways += [patient.treatments[pair] for pair, reached in self._treatments.items() if kind in reached]
        for property_ in self.axioms.properties_of(kind):
            ways += patient.coded.get(property_, {}).values()
        ways += [self.is_member(each, patient, inside) for each in self.axioms.narrower(kind)]
        for parts in self.axioms.definitions(kind):
            ways.append(z3.And(*(self._has_part(part, patient, inside) for part in parts)))
        return z3.Or(*ways)

    def _has_part(self, part: Node, patient: SettledPatient, above: frozenset[Node]) -> Formula:
        if self.axioms.is_class(part):
            return self.is_member(part, patient, above)
        property_, value = self.axioms.value_of(part)
        return patient.coded[property_][value] if property_ in patient.coded else z3.BoolVal(False)

    @functools.cached_property
    def _fractures(self) -> Mapping[Node, frozenset[Node]]:
        return {site: self.axioms.classes_of_fracture(site) for site in self.words.sites}

    @functools.cached_property
    def _treatments(self) -> Mapping[tuple[Node, Node], frozenset[Node]]:
        words = self.words
        return {(d, o): self.axioms.classes_of_treatment(d, o) for d in words.drugs for o in words.outcomes}

    def _given(self, property_: Node) -> tuple[Node, ...]:
        return tuple(sorted({each for rule in self.rules for each in self._objects(rule, property_)}, key=str))

    def _objects(self, subject: Node, property_: Node) -> tuple[Node, ...]:
        return tuple(sorted(self.graph.objects(subject, property_), key=str))
