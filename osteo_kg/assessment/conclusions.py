"""What follows about one patient, as triples beside her case: what OWL 2 RL adds, what is lifted, and what is met."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyoxigraph as ox

from osteo_kg.assessment.model import Assessment
from osteo_kg.case import Atom, CaseFacts
from osteo_kg.rdf import OSTEO, RDF, XSD, Node
from osteo_kg.reasoning import ENTRY, LOWEST_T_SCORE, MET, NOT_MET, PATIENT, VALUE, BandDimension, Engine

#: Properties by which a patient has an entry, and the one that states of an entry what it is about.
_ENTRIES = {OSTEO.hasFracture: RDF.type, OSTEO.hasPastTreatment: OSTEO.withDrug}
_BY_STATUS = {
    MET: (OSTEO.meets, OSTEO.meetsRule),
    NOT_MET: (OSTEO.failsToMeet, OSTEO.failsToMeetRule),
}
_DATATYPES = {OSTEO.completedYears.value: XSD.integer, OSTEO.lowestTScore.value: XSD.decimal}


def conclusions(engine: Engine, cases: Sequence[tuple[CaseFacts, Assessment]]) -> list[list[ox.Triple]]:
    """Give what follows about patients and is not stated in their cases, in the order of the cases.

    Args:
        engine: the guideline at work.
        cases: the facts of each case, lifted on the day of its assessment, and its assessment.
    """
    atoms = [frozenset(_atoms(facts)) for facts, _ in cases]
    classes = engine.classes(atoms)
    return [
        _new(
            facts, [*_by_owl(engine, facts, classes[each]), *_numbers(engine, facts), *_met(engine, facts, assessment)]
        )
        for (facts, assessment), each in zip(cases, atoms, strict=True)
    ]


def _atoms(facts: CaseFacts) -> Iterator[Atom]:
    for property_, value in facts.coded.items():
        yield Atom(property_, value)
    for entries in facts.sections.values():
        for entry in entries:
            if entry.counts:
                yield entry.atom


def _new(facts: CaseFacts, triples: Iterable[ox.Triple]) -> list[ox.Triple]:
    stated = set(facts.case.triples)
    return [triple for triple in dict.fromkeys(triples) if triple not in stated]


def _by_owl(engine: Engine, facts: CaseFacts, classes: frozenset[str]) -> Iterator[ox.Triple]:
    patient = ox.NamedNode(facts.case.iri)
    for kind in sorted(classes):
        yield ox.Triple(patient, RDF.type, ox.NamedNode(kind))
    for property_, value in sorted(engine.space.coded(facts).items()):
        yield ox.Triple(patient, ox.NamedNode(property_), ox.NamedNode(value))
    counted = _objects(facts, patient, OSTEO.hasLowEnergyFracture)
    for listed, about in _ENTRIES.items():
        for entry in _objects(facts, patient, listed):
            yield from _of_entry(engine, facts, entry, about, counts=about != RDF.type or entry in counted)


def _of_entry(
    engine: Engine, facts: CaseFacts, entry: Node, about: ox.NamedNode, *, counts: bool
) -> Iterator[ox.Triple]:
    """Give the classes of an entry and its links; a fracture that its mechanism excludes is linked to nobody."""
    outcomes = [each.value for each in _objects(facts, entry, OSTEO.hasOutcome)]
    said = OSTEO.hasLowEnergyFracture if about == RDF.type else OSTEO.hasPastTreatment
    for triple in facts.case.triples:
        if triple.subject != entry or triple.predicate != about or not isinstance(triple.object, ox.NamedNode):
            continue
        atom = Atom(said.value, triple.object.value, outcomes[0] if outcomes else None)
        closure = engine.closures.get(frozenset({atom}))
        if closure is None:
            continue
        roles: Mapping[str, Node] = {PATIENT: ox.NamedNode(facts.case.iri), ENTRY: entry, VALUE: triple.object}
        for kind in sorted(closure.entry):
            yield ox.Triple(entry, RDF.type, ox.NamedNode(kind))
        for subject, link, object_ in sorted(closure.links) if counts else ():
            yield ox.Triple(roles[subject], ox.NamedNode(link), roles[object_])


def _objects(facts: CaseFacts, subject: Node, predicate: ox.NamedNode) -> list[Node]:
    found = (quad.object for quad in facts.store.quads_for_pattern(subject, predicate, None))
    return [each for each in found if isinstance(each, ox.NamedNode | ox.BlankNode)]


def _numbers(engine: Engine, facts: CaseFacts) -> Iterator[ox.Triple]:
    patient = ox.NamedNode(facts.case.iri)
    for name, number in sorted(facts.numbers.items()):
        yield ox.Triple(patient, ox.NamedNode(name), ox.Literal(f"{number:f}", datatype=_DATATYPES[name]))
    score = facts.numbers.get(LOWEST_T_SCORE)
    for dimension in engine.space.dimensions:
        if score is not None and isinstance(dimension, BandDimension) and dimension.predicate == LOWEST_T_SCORE:
            low = next(band.low for band in dimension.bands if band.holds(score))
            if low is not None:
                distance = ox.Literal(f"{score - low:f}", datatype=XSD.decimal)
                yield ox.Triple(patient, OSTEO.distanceToThreshold, distance)


def _met(engine: Engine, facts: CaseFacts, assessment: Assessment) -> Iterator[ox.Triple]:
    patient = ox.NamedNode(facts.case.iri)
    answer = engine.answer(engine.space.parse(assessment.situation_key))
    for statuses, of_rules in ((answer.criteria, False), (answer.rules, True)):
        for iri, status in statuses.items():
            if status in _BY_STATUS:
                yield ox.Triple(patient, _BY_STATUS[status][of_rules], ox.NamedNode(iri))
