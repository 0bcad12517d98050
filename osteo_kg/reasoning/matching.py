"""Match.

From facts that are settled to criteria, rules, options and obligations, by SPARQL (`queries/assume`,
`queries/match`).
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg import package_data
from osteo_kg.errors import KnowledgeError
from osteo_kg.knowledge import Guideline, Knowledge
from osteo_kg.rdf import OSTEO, RDF, XSD, sparql
from osteo_kg.reasoning.closure import AtomSet, Closure

MET, NOT_MET, UNKNOWN = "met", "not-met", "unknown"
ELIGIBLE, NOT_ELIGIBLE, UNDETERMINED = "eligible", "not-eligible", "undetermined"
_NS = OSTEO.iri
_STATUS = {"isEligibleFor": ELIGIBLE, "isNotEligibleFor": NOT_ELIGIBLE, "mayBeEligibleFor": UNDETERMINED}


@dataclass(frozen=True)
class SettledFacts:
    """One way a patient may be, every fact settled: what the matching works on.

    Attributes:
        atoms: coded facts, for the reasoner.
        numbers: measured and counted numbers, by property.
        statements: yes-or-no statements, by property.
        known: the facts of the record that are settled, by IRI.
    """

    atoms: AtomSet
    numbers: Mapping[str, Decimal]
    statements: Mapping[str, bool]
    known: frozenset[str]

    @functools.cached_property
    def stated(self) -> tuple[Hashable, ...]:
        """All of it, to be compared by."""
        return self.atoms, frozenset(self.numbers.items()), frozenset(self.statements.items()), self.known


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the guideline says of one patient when every fact is settled.

    Attributes:
        criteria: the status of each criterion, in the order of `Guideline.criteria`.
        rules: the status of each rule, in the order of `Guideline.rules`.
        disposition: the key of the disposition.
        strength: the key of the strength, or None.
        options: for each option, in order, its status and the listing behind it; empty when there are no options.
        obligations: the keys of the obligations due.
    """

    criteria: tuple[str, ...]
    rules: tuple[str, ...]
    disposition: str
    strength: str | None
    options: tuple[tuple[str, str | None], ...]
    obligations: tuple[str, ...]

    def to_json(self) -> list[Any]:
        """Write it as values that JSON has."""
        return [self.criteria, self.rules, self.disposition, self.strength, self.options, self.obligations]

    @classmethod
    def of(cls, value: Sequence[Any]) -> Outcome:
        """Read what `to_json` wrote."""
        criteria, rules, disposition, strength, options, obligations = value
        told = tuple((status, listing) for status, listing in options)
        return cls(tuple(criteria), tuple(rules), disposition, strength, told, tuple(obligations))

    @property
    def answer(self) -> tuple[str, str | None, tuple[str, ...]]:
        """What two ways of completing a record are compared by (docs/reference/reading.md R8)."""
        return self.disposition, self.strength, tuple(status for status, _ in self.options)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What stands where a guideline says nothing of a patient, or several things at once.

    Attributes:
        dispositions: the dispositions that apply, by IRI.
        rules: the rules that give them, by IRI.
    """

    dispositions: tuple[str, ...]
    rules: tuple[str, ...]


class Matcher:
    """Matches settled facts with one guideline."""

    def __init__(self, knowledge: Knowledge, guideline: Guideline) -> None:
        self._knowledge = knowledge
        self._guideline = guideline

    def match(self, patients: list[tuple[SettledFacts, Closure]]) -> list[Outcome]:
        """Give the outcome of each patient, all matched in one store.

        Raises:
            KnowledgeError: no rule applies to a patient, or rules of different dispositions do.
        """
        found = self.outcomes(patients)
        for each in found:
            if isinstance(each, Contradiction):
                raise KnowledgeError(
                    f"{len(each.dispositions)} dispositions apply at once in {self._guideline.id}: "
                    f"{', '.join(each.dispositions)}.",
                    advice="Correct the criteria of its rules so that they leave no gap and do not overlap.",
                )
        return [each for each in found if isinstance(each, Outcome)]

    def outcomes(self, patients: list[tuple[SettledFacts, Closure]]) -> list[Outcome | Contradiction]:
        """Give the outcome of each patient, or what stands in the way of one, all matched in one store."""
        store = ox.Store()
        store.extend(_guideline_triples(self._knowledge, self._guideline))
        for number, (facts, closure) in enumerate(patients):
            store.extend(_statements(_patient(number), facts, closure))
        for folder in ("assume", "match"):
            for name in package_data.query_names(folder):
                sparql.extend(store, name)
        return [self._outcome(store, _patient(number)) for number in range(len(patients))]

    def _outcome(self, store: ox.Store, patient: ox.NamedNode) -> Outcome | Contradiction:
        found: dict[str, set[str]] = defaultdict(set)
        for quad in store.quads_for_pattern(patient, None, None):
            if isinstance(quad.object, ox.NamedNode):
                found[quad.predicate.value.removeprefix(_NS)].add(quad.object.value)
        key = self._knowledge.terms.key
        dispositions = sorted(found["hasDisposition"])
        if len(dispositions) != 1:
            return Contradiction(tuple(dispositions), tuple(sorted(found["meetsRule"])))
        listings = {self._guideline.listings[each].option: each for each in found["isListedBy"]}
        statuses = {option: status for name, status in _STATUS.items() for option in found[name]}
        return Outcome(
            criteria=tuple(_status(each, found, "meets", "failsToMeet") for each in self._guideline.criteria),
            rules=tuple(_status(each.iri, found, "meetsRule", "failsToMeetRule") for each in self._guideline.rules),
            disposition=key(dispositions[0]),
            strength=next((key(each) for each in found["hasStrength"]), None),
            options=tuple((statuses[each.iri], listings.get(each.iri)) for each in self._guideline.options)
            if statuses
            else (),
            obligations=tuple(each.key for each in self._guideline.obligations if each.iri in found["hasObligation"]),
        )


def _status(iri: str, found: Mapping[str, set[str]], met: str, not_met: str) -> str:
    return MET if iri in found[met] else NOT_MET if iri in found[not_met] else UNKNOWN


def _patient(number: int) -> ox.NamedNode:
    return ox.NamedNode(f"urn:osteo-kg:patient:{number}")


def _statements(patient: ox.NamedNode, facts: SettledFacts, closure: Closure) -> Iterable[ox.Quad]:
    yield ox.Quad(patient, RDF.type, OSTEO.Patient)
    for kind in closure.classes:
        yield ox.Quad(patient, RDF.type, ox.NamedNode(kind))
    for property_, number in facts.numbers.items():
        yield ox.Quad(patient, ox.NamedNode(property_), ox.Literal(f"{number:f}", datatype=XSD.decimal))
    for property_, truth in facts.statements.items():
        yield ox.Quad(patient, ox.NamedNode(property_), ox.Literal(str(truth).lower(), datatype=XSD.boolean))
    for fact in facts.known:
        yield ox.Quad(patient, OSTEO.isCompleteFor, ox.NamedNode(fact))


def _guideline_triples(knowledge: Knowledge, guideline: Guideline) -> list[ox.Quad]:
    """Give what the queries look at: the statements about this guideline.

    Its rules, listings, criteria and obligations.
    """
    subjects = {
        guideline.iri,
        *guideline.criteria,
        *guideline.listings,
        *(rule.iri for rule in guideline.rules),
        *(obligation.iri for obligation in guideline.obligations),
    }
    return [quad for each in subjects for quad in knowledge.store.quads_for_pattern(ox.NamedNode(each), None, None)]
