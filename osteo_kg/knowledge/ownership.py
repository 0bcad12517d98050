"""Which module belongs to which guideline: what one guideline says is closed without what another says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol

import pyoxigraph as ox

from osteo_kg.rdf import OSTEO, OWL, RDF

_ENDS = ("/", "#")


class Statement(Protocol):
    """A triple or a quad."""

    @property
    def subject(self) -> ox.NamedNode | ox.BlankNode | ox.Triple:
        """What it is about."""

    @property
    def predicate(self) -> ox.NamedNode:
        """What it states."""

    @property
    def object(self) -> ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple:
        """The value."""


def owners(modules: Mapping[str, Iterable[Statement]]) -> dict[str, frozenset[str]]:
    """Give the guidelines that each module belongs to, by IRI; none for one that belongs to all.

    A module belongs to the guidelines that it speaks of: whose IRI one of its subjects has or begins with. One that
    speaks of none, and that only modules of guidelines import, belongs to these.

    Args:
        modules: what each module states, by name.
    """
    read = {name: list(statements) for name, statements in modules.items()}
    guidelines = [
        each.subject.value
        for statements in read.values()
        for each in statements
        if each.predicate == RDF.type and each.object == OSTEO.Guideline and isinstance(each.subject, ox.NamedNode)
    ]
    starts = {each + end: each for each in guidelines for end in _ENDS}
    found = {name: _spoken_of(statements, starts, guidelines) for name, statements in read.items()}
    homes = {iri: name for name, statements in read.items() for iri in _about(statements, RDF.type, OWL.Ontology)}
    importers: dict[str, set[str]] = defaultdict(set)
    for name, statements in read.items():
        for each in statements:
            if each.predicate == OWL.imports and isinstance(each.object, ox.NamedNode):
                importers[homes.get(each.object.value, "")].add(name)
    waiting = [name for name in read if not found[name] and importers[name]]
    while new := [name for name in waiting if all(found[each] for each in importers[name])]:
        for name in new:
            found[name] = frozenset().union(*(found[each] for each in importers[name]))
        waiting = [name for name in waiting if not found[name]]
    return found


def _spoken_of(statements: Iterable[Statement], starts: Mapping[str, str], guidelines: Iterable[str]) -> frozenset[str]:
    subjects = {each.subject.value for each in statements if isinstance(each.subject, ox.NamedNode)}
    parts = {iri[: iri.rindex(end) + 1] for iri in subjects for end in _ENDS if end in iri}
    return frozenset(starts[each] for each in parts & starts.keys()) | subjects.intersection(guidelines)


def _about(statements: Iterable[Statement], property_: ox.NamedNode, value: ox.NamedNode) -> list[str]:
    return [
        each.subject.value
        for each in statements
        if each.predicate == property_ and each.object == value and isinstance(each.subject, ox.NamedNode)
    ]


def borrowed(own: Iterable[ox.Quad], others: Iterable[ox.Quad]) -> list[ox.Quad]:
    """Give what other guidelines state of the individuals, such as options, that a guideline takes from them as it is.

    Classes are never taken: which fractures are severe is for each guideline to say.

    Args:
        own: what the modules of the guideline state.
        others: what those of other guidelines state.
    """
    stated = list(own)
    told: dict[str, list[ox.Quad]] = defaultdict(list)
    for quad in others:
        if isinstance(quad.subject, ox.NamedNode) and not isinstance(quad.object, ox.BlankNode):
            told[quad.subject.value].append(quad)
    lent = {
        iri: quads
        for iri, quads in told.items()
        if {OWL.NamedIndividual} <= (kinds := {each.object for each in quads if each.predicate == RDF.type})
        and OSTEO.Guideline not in kinds
    }
    declared = {quad.subject.value for quad in stated if quad.predicate == RDF.type and hasattr(quad.subject, "value")}
    found: dict[str, list[ox.Quad]] = {}
    waiting = _named(stated)
    while waiting:
        iri = waiting.pop()
        if iri in lent and iri not in found and iri not in declared:
            found[iri] = lent[iri]
            waiting += _named(lent[iri])
    return [quad for quads in found.values() for quad in quads]


def _named(quads: Iterable[ox.Quad]) -> list[str]:
    """Give what statements in our terms are about by their values."""
    return [
        quad.object.value
        for quad in quads
        if quad.predicate.value.startswith(OSTEO.iri) and isinstance(quad.object, ox.NamedNode)
    ]
