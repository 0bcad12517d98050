"""Lift: from a case to facts with names.

Numbers, days and mechanisms are SPARQL's business (`queries/lift`); what comes out is what both ways of reasoning
start from.
"""

from __future__ import annotations

import contextlib
import datetime
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import pyoxigraph as ox

from osteo_kg import package_data
from osteo_kg.case.fields import LISTING, STATEMENTS
from osteo_kg.case.model import Case, source_triples
from osteo_kg.knowledge import Knowledge
from osteo_kg.rdf import LIFTED, OSTEO, RDF, XSD, day_of, day_text, sparql

NodeValues = Mapping[str, list[str]]  # of one node: values by property
_LONGEST_COUNT = 1000  # characters
_NS = OSTEO.iri


@dataclass(frozen=True, slots=True)
class Atom:
    """One coded fact as the reasoner sees it: a property of the patient, and the properties of the entry behind it.

    Attributes:
        property: the property of the patient, by IRI.
        value: the class of the fracture, the drug of the treatment, or the value itself, by IRI.
        outcome: the outcome of a treatment, by IRI; None elsewhere, and where it is not stated.
    """

    property: str
    value: str
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a section.

    Attributes:
        atom: what the reasoner sees of it.
        counts: whether it takes part in the decision; a fracture may be excluded by its mechanism.
        vertebrae: the number of vertebrae stated, at least, or None.
        at_most: the greatest number of vertebrae that it may be; None where that is the number stated.
        record: the entry as the flat record has it.
    """

    atom: Atom
    counts: bool
    vertebrae: int | None
    record: Mapping[str, object]
    at_most: int | None = None


@dataclass(frozen=True)
class CaseFacts:
    """What a case says, with names.

    Attributes:
        store: the case, the background and every lifted fact; private to this case.
        coded: single coded values of the patient, by property.
        sections: the entries of each section.
        complete: sections that the record says are complete, and of which it says nothing else.
        open: sections of which something could not be read: more may be there (docs/reference/reading.md R9).
        asked: open sections that the caller asked to be read as complete, which they are not.
        perhaps: what may be there beside the entries, for each section: several entries that may together be another.
        numbers: measured numbers, by property.
        statements: yes-or-no statements, by property.
        deciding: the flat key and value of each deciding T-score.
    """

    case: Case
    store: ox.Store
    coded: Mapping[str, str]
    sections: Mapping[str, tuple[Entry, ...]]
    complete: frozenset[str]
    open: frozenset[str]
    asked: frozenset[str]
    perhaps: Mapping[str, tuple[Atom, ...]]
    numbers: Mapping[str, Decimal]
    statements: Mapping[str, bool]
    deciding: tuple[tuple[str, Decimal], ...]

    def completed(self, *sections: str) -> CaseFacts:
        """Give the same case with more sections complete."""
        return replace(self, complete=self.complete | set(sections))

    @contextlib.contextmanager
    def saying(self, said: Iterable[tuple[ox.NamedNode, ox.NamedNode | ox.Literal]]) -> Iterator[None]:
        """Say more about the patient for a while, for the notices to find: what one answer says is no other's."""
        patient = ox.NamedNode(self.case.iri)
        quads = [ox.Quad(patient, property_, value) for property_, value in said]
        new = [quad for quad in dict.fromkeys(quads) if quad not in self.store]
        self.store.extend(new)
        try:
            yield
        finally:
            for quad in new:
                self.store.remove(quad)


def derive_facts(case: Case, on: datetime.date, knowledge: Knowledge) -> CaseFacts:
    """Give names to what a case says, on the day of assessment. Ill-typed values yield nothing."""
    store = ox.Store()
    store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in case.triples)
    store.extend(knowledge.background)
    store.extend(_beside(case, on, knowledge))
    for name in package_data.query_names("lift"):
        sparql.extend(store, name)
    return _read(case, store, knowledge)


def _beside(case: Case, on: datetime.date, knowledge: Knowledge) -> Iterable[ox.Quad]:
    yield ox.Quad(LIFTED.Assessment, LIFTED.day, day_of(on))
    yield from (ox.Quad(t.subject, t.predicate, t.object) for t in source_triples(case))
    for triple in case.triples:
        if triple.predicate == RDF.type and isinstance(triple.object, ox.NamedNode):
            types = knowledge.terms.types.get(triple.object.value, frozenset())
            if OSTEO.Fracture.value in types:
                yield ox.Quad(triple.subject, LIFTED.site, triple.object)
                for kind in types:
                    yield ox.Quad(triple.subject, RDF.type, ox.NamedNode(kind))
        elif triple.predicate == OSTEO.tScore and isinstance(triple.object, ox.Literal):
            digits = triple.object.value.partition(".")[2]
            yield ox.Quad(triple.subject, LIFTED.decimals, ox.Literal(str(len(digits)), datatype=XSD.integer))


def _read(case: Case, store: ox.Store, knowledge: Knowledge) -> CaseFacts:
    nodes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for quad in store.quads_for_pattern(None, None, None):
        if (
            quad.predicate != RDF.type
            and not isinstance(quad.object, ox.Triple)
            and not isinstance(quad.subject, ox.Triple)
        ):
            nodes[quad.subject.value][quad.predicate.value].append(quad.object.value)
    own = nodes[case.iri]
    counted = frozenset(own[OSTEO.hasLowEnergyFracture.value])
    read: dict[str, Callable[[str], Entry | None]] = {
        OSTEO.hasFracture.value: lambda node: _fracture(nodes[node], node in counted, knowledge),
        OSTEO.hasPastTreatment.value: lambda node: _treatment(nodes[node], knowledge),
        OSTEO.hasCondition.value: lambda node: _condition(node, knowledge),
    }
    sections = {
        section: _in_order(entry for node in own[listed.value] if (entry := read[listed.value](node)) is not None)
        for section, listed in LISTING.items()
    }
    return CaseFacts(
        case=case,
        store=store,
        coded={
            property_: own[property_][0]
            for property_ in (OSTEO.hasSex.value, OSTEO.hasMenopausalStatus.value)
            if own[property_]
        },
        sections=sections,
        complete=frozenset(own[OSTEO.isCompleteFor.value]) - frozenset(own[OSTEO.isOpenFor.value]),
        open=frozenset(own[OSTEO.isOpenFor.value]),
        asked=frozenset(),
        perhaps={
            OSTEO.FractureHistory.value: tuple(
                Atom(OSTEO.hasLowEnergyFracture.value, each) for each in sorted(own[LIFTED.mayHaveFracture.value])
            )
        },
        numbers={
            property_: Decimal(own[property_][0])
            for property_ in (OSTEO.lowestTScore.value, OSTEO.completedYears.value)
            if own[property_]
        },
        statements={
            field.property.value: own[field.property.value][0] == "true"
            for field in STATEMENTS
            if field.property and own[field.property.value]
        },
        deciding=_deciding(case, own, nodes, knowledge),
    )


def _in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Put entries in an order that the names of their nodes do not change."""
    return tuple(sorted(entries, key=lambda entry: json.dumps(entry.record, sort_keys=True)))


def _fracture(facts: NodeValues, counts: bool, knowledge: Knowledge) -> Entry | None:
    """Read a fracture; None where its site is not one of ours, which the shapes refuse, lest it be read as another."""
    site = _first(facts, LIFTED.site.value)
    if site is None:
        return None
    mechanism, day = _first(facts, OSTEO.hasMechanism.value), _first(facts, OSTEO.occurredOn.value)
    vertebrae = _count(facts, OSTEO.fracturedVertebraCount)
    at_most = _count(facts, OSTEO.fracturedVertebraCountAtMost)
    record = _known(
        site=knowledge.terms.key(site),
        mechanism=knowledge.terms.key(mechanism) if mechanism else None,
        date=day_text(day) if day else None,
        count=vertebrae,
        count_at_most=at_most,
    )
    if vertebrae is None and at_most is not None:
        vertebrae = 1  # a range that begins at one: nothing is assumed
    return Entry(Atom(OSTEO.hasLowEnergyFracture.value, site), counts, vertebrae, record, at_most)


def _count(facts: NodeValues, property_: ox.NamedNode) -> int | None:
    count = _first(facts, property_.value)
    return int(count) if count and count.isascii() and count.isdigit() and len(count) < _LONGEST_COUNT else None


def _treatment(facts: NodeValues, knowledge: Knowledge) -> Entry | None:
    """Read a treatment; None where it names no drug, which the shapes refuse."""
    drug, outcome = _first(facts, OSTEO.withDrug.value), _first(facts, OSTEO.hasOutcome.value)
    if drug is None:
        return None
    record = _known(drug=knowledge.terms.key(drug), outcome=knowledge.terms.key(outcome) if outcome else None)
    return Entry(Atom(OSTEO.hasPastTreatment.value, drug, outcome), True, None, record)


def _condition(condition: str, knowledge: Knowledge) -> Entry:
    return Entry(Atom(OSTEO.hasCondition.value, condition), True, None, {"condition": knowledge.terms.key(condition)})


def _first(facts: NodeValues, property_: str) -> str | None:
    values = facts.get(property_, [])
    return min(values) if values else None


def _known(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _deciding(
    case: Case,
    own: NodeValues,
    nodes: Mapping[str, NodeValues],
    knowledge: Knowledge,
) -> tuple[tuple[str, Decimal], ...]:
    found = set()
    for node in own[OSTEO.hasDecidingDensitometry.value]:
        site = nodes[node][OSTEO.hasSite.value][0]
        read_as = nodes.get(site, {}).get(OSTEO.readAs.value, [site])[0]
        found.add((knowledge.terms.record_keys[read_as], Decimal(own[OSTEO.lowestTScore.value][0])))
    return tuple(sorted(found))
