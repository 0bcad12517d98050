"""The facts of a situation as triples, so that a query can ask about them without reading the key of an IRI.

Situations share the nodes of their values: two that agree on a fact point at the same node.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import BinaryIO

import pyoxigraph as ox

from osteo_kg.rdf import OSTEO, RDF, SITUATION, SKOS, XSD, local_name
from osteo_kg.reasoning import ELIGIBLE, NOT_ELIGIBLE, Band, BandDimension, Dimension, Engine, Key


def neighbours(engine: Engine, keys: Iterable[Key]) -> list[Key]:
    """Give situations and all that they lead to across thresholds, one after the other, each once."""
    found: dict[Key, None] = {}
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key in found:
            continue
        found[key] = None
        for place, (dimension, value) in enumerate(zip(engine.space.dimensions, key, strict=True)):
            if isinstance(dimension, BandDimension):
                waiting += [(*key[:place], each, *key[place + 1 :]) for each in dimension.beside(value) if each]
    return list(found)


def situation_triples(engine: Engine, keys: Iterable[Key]) -> Iterator[ox.Triple]:
    """Write situations as triples, in the terms of an assessment; new ones are reasoned in one batch."""
    wanted, values = list(keys), SituationValues(engine)
    engine.prepare(wanted)
    terms = engine.knowledge.terms
    kinds = {name: terms.kinds[OSTEO[name]] for name in ("Disposition", "Strength", "Obligation")}
    by_status = {ELIGIBLE: OSTEO.isEligibleFor, NOT_ELIGIBLE: OSTEO.isNotEligibleFor}
    for key in wanted:
        answer = engine.answer(key)
        situation = values.iri(key)
        yield ox.Triple(situation, RDF.type, OSTEO.Situation)
        yield ox.Triple(situation, OSTEO.appliesGuideline, ox.NamedNode(engine.guideline.iri))
        yield from values.triples(key)
        disposition = ox.NamedNode(kinds["Disposition"][answer.disposition])
        yield ox.Triple(situation, OSTEO.hasDisposition, disposition)
        for possible in answer.possible:
            named = ox.NamedNode(kinds["Disposition"][possible])
            yield ox.Triple(situation, OSTEO.hasPossibleDisposition, named)
        if answer.strength:
            yield ox.Triple(situation, OSTEO.hasStrength, ox.NamedNode(kinds["Strength"][answer.strength]))
        for option in answer.options:
            property_ = by_status.get(option.status, OSTEO.mayBeEligibleFor)
            yield ox.Triple(situation, property_, ox.NamedNode(option.option))
        for fact, _ in answer.missing:
            yield ox.Triple(situation, OSTEO.isMissing, ox.NamedNode(fact))
        for obligation in answer.obligations:
            yield ox.Triple(situation, OSTEO.hasObligation, ox.NamedNode(kinds["Obligation"][obligation]))


def write_turtle(engine: Engine, stream: BinaryIO) -> None:
    """Write every situation as Turtle, one at a time."""
    ox.serialize(
        situation_triples(engine, engine.space.all_keys()),
        stream,
        ox.RdfFormat.TURTLE,
        prefixes={"osteo": OSTEO.iri},
    )


class SituationValues:
    """Writes what the situations of one guideline hold; each value is described once, where it first occurs.

    Args:
        engine: the guideline at work, whose dimensions are the facts.
    """

    def __init__(self, engine: Engine) -> None:
        self._space = engine.space
        self._guideline = engine.guideline.id
        self._described: set[ox.BlankNode] = set()

    def iri(self, key: Key) -> ox.NamedNode:
        """Give the IRI of a situation."""
        return ox.NamedNode(f"{SITUATION}{self._guideline}/{self._space.text(key)}")

    def triples(self, key: Key) -> Iterator[ox.Triple]:
        """Write the values of a situation, and that it lies one band below or above another."""
        situation = self.iri(key)
        held = [(_node(*each), *each) for each in zip(self._space.dimensions, key, strict=True)]
        for node, _, _ in held:
            yield ox.Triple(situation, OSTEO.hasSituationValue, node)
        for place, (_, dimension, value) in enumerate(held):
            if not isinstance(dimension, BandDimension):
                continue
            below, above = dimension.beside(value)
            if above:
                yield ox.Triple(situation, OSTEO.isOneBandBelow, self.iri((*key[:place], above, *key[place + 1 :])))
            if below and dimension.beside(below)[1] != value:  # else that one says so itself
                yield ox.Triple(self.iri((*key[:place], below, *key[place + 1 :])), OSTEO.isOneBandBelow, situation)
        for node, dimension, value in held:
            if node not in self._described:
                self._described.add(node)
                yield from _description(node, dimension, value)


def _node(dimension: Dimension, value: str) -> ox.BlankNode:
    number = dimension.values.index(value) if value in dimension.values else "other"
    return ox.BlankNode(f"{local_name(dimension.fact)}-{number}")


def _description(node: ox.BlankNode, dimension: Dimension, value: str) -> Iterator[ox.Triple]:
    yield ox.Triple(node, RDF.type, OSTEO.SituationValue)
    yield ox.Triple(node, OSTEO.ofFact, ox.NamedNode(dimension.fact))
    yield ox.Triple(node, SKOS.notation, ox.Literal(value))
    if isinstance(dimension, BandDimension):
        for band in dimension.bands:
            if band.name == value:
                yield from _bounds(node, band)


def _bounds(node: ox.BlankNode, band: Band) -> Iterator[ox.Triple]:
    if band.low is not None:
        yield ox.Triple(node, OSTEO.atLeast if band.low_included else OSTEO.above, _decimal(band.low))
    if band.high is not None:
        yield ox.Triple(node, OSTEO.atMost if band.high_included else OSTEO.below, _decimal(band.high))


def _decimal(number: Decimal) -> ox.Literal:
    """Write a bound as the ontology writes its thresholds, with a point."""
    text = f"{number:f}"
    return ox.Literal(text if "." in text else f"{text}.0", datatype=XSD.decimal)
