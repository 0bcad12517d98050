"""Edits of a guideline module, each a change of its triples: those that refute one property, and generated ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pyoxigraph as ox
from rdflib import RDF, RDFS, XSD, Graph, Literal
from rdflib.term import Node, URIRef

from osteo_kg.rdf import local_name
from tests.proofs.axioms import OSTEO

Statement = tuple[Node, Node, Node]


@dataclass(frozen=True)
class Edit:
    """What is taken out of the modules, and what is put in.

    Attributes:
        kind: the kind of mistake.
    """

    kind: str
    removed: tuple[Statement, ...]
    added: tuple[Statement, ...] = ()

    def __str__(self) -> str:
        told = [f"− {_shown(each)}" for each in self.removed] + [f"+ {_shown(each)}" for each in self.added]
        return "; ".join(told)

    def applied(self, graph: Graph) -> Graph:
        """Give a graph with the edit made in it."""
        edited = Graph(bind_namespaces="none")
        removed = set(self.removed)
        for triple in graph:
            if triple not in removed:
                edited.add(triple)
        for triple in self.added:
            edited.add(triple)
        return edited

    def module(self, path: Path) -> bytes:
        """Write a module with the edit made in it."""
        parser = ox.parse(path.read_bytes(), format=ox.RdfFormat.TURTLE)
        removed = set(map(_as_read_by_oxigraph, self.removed))
        triples = [quad.triple for quad in parser if quad.triple not in removed]
        triples += map(_as_read_by_oxigraph, self.added)
        return ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=parser.prefixes) or b""


def _as_read_by_oxigraph(statement: Statement) -> ox.Triple:
    line = " ".join(each.n3() for each in statement) + " ."
    [quad] = ox.parse(line, format=ox.RdfFormat.TURTLE)
    return ox.Triple(quad.subject, quad.predicate, quad.object)


def _shown(statement: Statement) -> str:
    return " ".join(local_name(str(each)) if isinstance(each, URIRef) else str(each) for each in statement)


class Generator:
    """Makes every edit of some kinds that a guideline module invites.

    Args:
        module: the triples of the module.
        graph: the triples of all modules.
        guideline: the guideline, by IRI.
    """

    def __init__(self, module: Graph, graph: Graph, guideline: Node) -> None:
        self._module = module
        self._graph = graph
        self._guideline = guideline

    def sample(self, count: int, seed: int) -> list[Edit]:
        """Give different edits, of every kind as many as of any other as long as there are."""
        choice = random.Random(seed)
        waiting: dict[str, list[Edit]] = {}
        for kind, make in sorted(self._kinds.items()):
            edits = sorted(set(make(kind)), key=str)
            choice.shuffle(edits)
            waiting[kind] = edits
        found: list[Edit] = []
        while len(found) < count and any(waiting.values()):
            for edits in waiting.values():
                if edits and len(found) < count:
                    found.append(edits.pop())
        return found

    @property
    def _kinds(self) -> Mapping[str, Callable[[str], Iterator[Edit]]]:
        return {
            "added condition": self._added_conditions,
            "changed strength": lambda kind: self._swapped(kind, OSTEO.hasStrength, self._of(OSTEO.Strength)),
            "dropped condition": lambda kind: self._dropped(kind, OSTEO.isReservedBy),
            "dropped criterion": lambda kind: self._dropped(kind, OSTEO.requires),
            "dropped fact": lambda kind: self._dropped(kind, OSTEO.restsOn),
            "dropped line": lambda kind: self._dropped(kind, OSTEO.hasLine),
            "dropped listing": lambda kind: self._dropped(kind, OSTEO.hasListing),
            "dropped member": lambda kind: self._dropped(kind, OSTEO.hasMember),
            "dropped obligation": lambda kind: self._dropped(kind, OSTEO.setsObligation, OSTEO.isDueWith),
            "dropped option": lambda kind: self._dropped(kind, OSTEO.hasOption),
            "dropped rule": lambda kind: self._dropped(kind, OSTEO.hasRule),
            "dropped strength": lambda kind: self._dropped(kind, OSTEO.hasStrength),
            "moved fracture": self._moved_fractures,
            "moved threshold": self._moved_thresholds,
            "negated criterion": self._negated,
            "other strictness": self._other_strictness,
            "swapped class": self._swapped_classes,
            "swapped condition": lambda kind: self._swapped(
                kind, OSTEO.isReservedBy, self._of(OSTEO.ReservingCondition)
            ),
            "swapped criterion": self._swapped_criteria,
            "swapped disposition": lambda kind: self._swapped(kind, OSTEO.recommends, self._of(OSTEO.Disposition)),
            "swapped fact": lambda kind: self._swapped(kind, OSTEO.restsOn, self._used(OSTEO.restsOn)),
            "swapped obligation": lambda kind: self._swapped(kind, OSTEO.isDueWith, self._of(OSTEO.Disposition)),
            "swapped option": lambda kind: self._swapped(kind, OSTEO.listsOption, self._of(OSTEO.TreatmentOption)),
            "swapped statement": lambda kind: self._swapped(
                kind, OSTEO.testsStatement, self._used(OSTEO.testsStatement)
            ),
        }

    def _of(self, kind: Node) -> list[Node]:
        return sorted(self._graph.subjects(RDF.type, kind), key=str)

    def _used(self, property_: Node) -> list[Node]:
        return sorted(set(self._module.objects(None, property_)), key=str)

    def _stated(self, property_: Node) -> list[Statement]:
        return sorted(self._module.triples((None, property_, None)), key=str)

    def _dropped(self, kind: str, *properties: Node) -> Iterator[Edit]:
        for property_ in properties:
            yield from (Edit(kind, (each,)) for each in self._stated(property_))

    def _swapped(self, kind: str, property_: Node, values: Iterable[Node]) -> Iterator[Edit]:
        others = list(values)
        for subject, _, value in self._stated(property_):
            for other in others:
                if other != value and (subject, property_, other) not in self._module:
                    yield Edit(kind, ((subject, property_, value),), ((subject, property_, other),))

    def _swapped_criteria(self, kind: str) -> Iterator[Edit]:
        """Let a rule or a listing require another criterion of the same kind."""
        for subject, property_, criterion in self._stated(OSTEO.requires):
            for other in self._used(OSTEO.requires):
                alike = set(self._module.objects(other, RDF.type)) == set(self._module.objects(criterion, RDF.type))
                if other != criterion and alike and (subject, property_, other) not in self._module:
                    yield Edit(kind, ((subject, property_, criterion),), ((subject, property_, other),))

    def _swapped_classes(self, kind: str) -> Iterator[Edit]:
        classes = {*self._used(OSTEO.testsClass), *self._used(OSTEO.testsAbsenceOf)}
        for property_ in (OSTEO.testsClass, OSTEO.testsAbsenceOf):
            yield from self._swapped(kind, property_, sorted(classes, key=str))

    def _negated(self, kind: str) -> Iterator[Edit]:
        """Turn membership into absence, and absence into membership."""
        pairs = [(OSTEO.testsClass, OSTEO.ClassCriterion), (OSTEO.testsAbsenceOf, OSTEO.AbsenceCriterion)]
        for (property_, type_), (other, other_type) in (pairs, reversed(pairs)):
            for subject, _, value in self._stated(property_):
                removed = ((subject, property_, value), (subject, RDF.type, type_))
                yield Edit(kind, removed, ((subject, other, value), (subject, RDF.type, other_type)))

    def _moved_thresholds(self, kind: str) -> Iterator[Edit]:
        for property_ in _STRICTNESS:
            for subject, _, bound in self._stated(property_):
                number = Decimal(str(bound))
                for moved in (number + 1, number - 1, number + Decimal("0.5"), number - Decimal("0.5"), -number):
                    value = Literal(f"{moved:f}", datatype=XSD.decimal)
                    yield Edit(kind, ((subject, property_, bound),), ((subject, property_, value),))

    def _other_strictness(self, kind: str) -> Iterator[Edit]:
        for property_, other in _STRICTNESS.items():
            for subject, _, bound in self._stated(property_):
                yield Edit(kind, ((subject, property_, bound),), ((subject, other, bound),))

    def _added_conditions(self, kind: str) -> Iterator[Edit]:
        for listing in self._of(OSTEO.OptionListing):
            for condition in self._of(OSTEO.ReservingCondition):
                added = (listing, OSTEO.isReservedBy, condition)
                if added not in self._module:
                    yield Edit(kind, (), (added,))

    def _moved_fractures(self, kind: str) -> Iterator[Edit]:
        """Put a class under another that the module puts classes under, where the module places classes at all."""
        above = [each for each in self._used(RDFS.subClassOf) if isinstance(each, URIRef)]
        for subject, property_, value in self._stated(RDFS.subClassOf):
            if isinstance(value, URIRef):
                yield from (
                    Edit(kind, ((subject, property_, value),), ((subject, property_, other),))
                    for other in above
                    if other not in (value, subject)
                )


_STRICTNESS = {
    OSTEO.above: OSTEO.atLeast,
    OSTEO.atLeast: OSTEO.above,
    OSTEO.atMost: OSTEO.below,
    OSTEO.below: OSTEO.atMost,
}
