"""Classes that cannot be what they are said to be: above themselves, or without any possible member."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.checking.findings import KnowledgeFinding
from osteo_kg.checking.knowledge import CheckedKnowledge, Object, reached
from osteo_kg.rdf import OWL, RDF, RDFS, SKOS

_NOTHING, _THING = OWL.Nothing.value, OWL.Thing.value
_HIERARCHIES = (RDFS.subClassOf, RDFS.subPropertyOf, SKOS.broader)


def taxonomy_findings(knowledge: CheckedKnowledge) -> Iterator[KnowledgeFinding]:
    """Find cycles, and classes and individuals that fall under disjoint classes."""
    for property_ in _HIERARCHIES:
        yield from _cycles(knowledge, property_)
    disjoint = _disjoint(knowledge)
    above = _Above(knowledge)
    classes = {each for pair in disjoint for each in pair}
    for iri, kinds in knowledge.kinds.items():
        stated = above.of({iri} if OWL.Class.value in kinds else set(kinds))
        pairs = sorted(tuple(sorted(pair)) for pair in disjoint if pair <= stated) if stated & classes else []
        if pairs or _NOTHING in stated - {iri}:
            yield _contradiction(knowledge, iri, OWL.Class.value in kinds, pairs)


def _cycles(knowledge: CheckedKnowledge, property_: ox.NamedNode) -> Iterator[KnowledgeFinding]:
    edges: dict[str, set[str]] = defaultdict(set)
    for iri, value in knowledge.lookup.pairs(property_):
        edges[iri].add(value)
    below = {each: reached(each, edges) for each in edges}
    told: set[str] = set()
    for iri in sorted(edges):
        if iri in below[iri] and iri not in told:
            circle = {iri, *(each for each in below[iri] if iri in below.get(each, ()))}
            told |= circle
            names = " → ".join([*(knowledge.name(each) for each in _way_round(iri, edges)), knowledge.name(iri)])
            step = next(each for each in sorted(edges[iri]) if each in circle)
            place = _given_place(knowledge, circle, edges, property_) or knowledge.place(iri, property_.value, step)
            yield knowledge.finding("error", "cycle", iri, _CYCLE, _BREAK, shown=names, place=place)


def _given_place(
    knowledge: CheckedKnowledge, circle: set[str], edges: dict[str, set[str]], property_: ox.NamedNode
) -> tuple[str | None, int | None] | None:
    """Find the step of a circle that stands in a given file: that is where it was closed."""
    for each, above in itertools.product(sorted(circle), sorted(circle)):
        if above in edges.get(each, ()):
            place = knowledge.place(each, property_.value, above)
            if place[0] in {document.path for document in knowledge.given}:
                return place
    return None


def _way_round(start: str, edges: dict[str, set[str]]) -> list[str]:
    """Give the shortest way from something back to itself, without its end."""
    ways = [[start]]
    seen: set[str] = set()
    for way in ways:
        for step in sorted(edges.get(way[-1], ())):
            if step == start:
                return way
            if step not in seen:
                seen.add(step)
                ways.append([*way, step])
    return [start]


def _disjoint(knowledge: CheckedKnowledge) -> set[frozenset[str]]:
    """Give every pair of named classes that have no member in common."""
    store = knowledge.store
    found: set[frozenset[str]] = set()
    for iri, value in knowledge.lookup.pairs(OWL.disjointWith):
        found.add(frozenset((iri, value)))
    for iri, value in knowledge.lookup.pairs(OWL.complementOf):
        found.add(frozenset((iri, value)))
    for quad in store.quads_for_pattern(None, RDF.type, OWL.AllDisjointClasses):
        members = [
            each.value
            for listed in store.quads_for_pattern(quad.subject, OWL.members, None)
            for each in knowledge.listed(listed.object)
            if isinstance(each, ox.NamedNode)
        ]
        found |= {frozenset(pair) for pair in itertools.combinations(members, 2) if len(set(pair)) > 1}
    return found


class _Above:
    """What a member of a class is a member of, as far as class axioms say.

    Args:
        knowledge: the documents.
    """

    def __init__(self, knowledge: CheckedKnowledge) -> None:
        self._knowledge = knowledge
        self._conjunctions = [(iri, parts) for iri in knowledge.superclasses for parts in self._definitions(iri)]

    def of(self, kinds: set[str]) -> set[str]:
        """Give every class that something of some classes is in, those that it is in by definition included."""
        found = {above for kind in kinds for above in {kind, *self._knowledge.superclasses.get(kind, ())}}
        while new := {iri for iri, parts in self._conjunctions if iri not in found and parts <= found}:
            found |= {above for iri in new for above in {iri, *self._knowledge.superclasses.get(iri, ())}}
        return found - {_THING}

    def _definitions(self, iri: str) -> Iterator[frozenset[str]]:
        """Give the classes of which a class is the intersection, where it is one of named classes alone."""
        store = self._knowledge.store
        for quad in store.quads_for_pattern(ox.NamedNode(iri), OWL.equivalentClass, None):
            parts: list[Object] = [quad.object] if isinstance(quad.object, ox.NamedNode) else []
            if isinstance(quad.object, ox.BlankNode):
                lists = store.quads_for_pattern(quad.object, OWL.intersectionOf, None)
                parts = [part for listed in lists for part in self._knowledge.listed(listed.object)]
            if parts and all(isinstance(each, ox.NamedNode) for each in parts):
                yield frozenset(each.value for each in parts if isinstance(each, ox.NamedNode))


def _contradiction(
    knowledge: CheckedKnowledge, iri: str, is_class: bool, pairs: list[tuple[str, ...]]
) -> KnowledgeFinding:
    told = _NO_MEMBER if is_class else _IMPOSSIBLE
    shown = " / ".join(knowledge.name(each) for each in (pairs[0] if pairs else (_NOTHING,)))
    property_ = RDFS.subClassOf if is_class else RDF.type
    places = [knowledge.place(iri, property_.value, each) for each in (pairs[0] if pairs else ())]
    given = {document.path for document in knowledge.given}
    exact = next((each for each in places if each[0] in given), None)
    place = exact or knowledge.place(iri, property_.value)
    return knowledge.finding("error", "contradiction", iri, told, _KEEP_ONE, shown=shown, place=place)


_CYCLE = BilingualText("This stands above itself.", "Ceci se trouve au-dessus de soi-même.")
_BREAK = BilingualText("Take one of these steps away.", "Retirer l’un de ces pas.")
_NO_MEMBER = BilingualText(
    "Nothing can be of this class: it lies below two classes that exclude each other.",
    "Rien ne peut appartenir à cette classe : elle est sous deux classes qui s’excluent.",
)
_IMPOSSIBLE = BilingualText(
    "This is said to be of two classes that exclude each other.", "Ceci est dit de deux classes qui s’excluent."
)
_KEEP_ONE = BilingualText(
    "Keep one of the two, or take back that they exclude each other.",
    "Garder l’une des deux, ou ne plus dire qu’elles s’excluent.",
)
