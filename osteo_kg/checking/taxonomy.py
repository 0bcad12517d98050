"""Classes that cannot be what they are said to be, and classes of one guideline that are used by another."""

from __future__ import annotations

import functools
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.checking.findings import KnowledgeFinding
from osteo_kg.checking.knowledge import CheckedKnowledge, Object, reached
from osteo_kg.knowledge import owners
from osteo_kg.rdf import OSTEO, OWL, RDF, RDFS, SKOS

_NOTHING, _THING = OWL.Nothing.value, OWL.Thing.value
_HIERARCHIES = (RDFS.subClassOf, RDFS.subPropertyOf, SKOS.broader)
_NAME = re.compile(r"(?!none$|unknown$|at-least|perhaps-|possible-)[a-z0-9]+(-[a-z0-9]+)*")
_OF_CLASSES = frozenset(
    {
        *(RDFS.subClassOf, RDFS.domain, RDFS.range, RDF.first, RDF.type),
        *(OWL.equivalentClass, OWL.disjointWith, OWL.allValuesFrom),
        *(OSTEO.testsClass, OSTEO.testsAbsenceOf, OSTEO.couldBe, OSTEO.countsInstancesOf, OSTEO.isRaisedByFracture),
    }
)


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


# Guidelines are kept apart: each has classes of its own, and says itself which fractures count.


def separation_findings(knowledge: CheckedKnowledge) -> Iterator[KnowledgeFinding]:
    """Check that no guideline uses the classes of another, and that each says of every fracture what it counts for."""
    modules = _Modules(knowledge)
    yield from modules.foreign_classes()
    for guideline in knowledge.members(OSTEO.Guideline):
        yield from modules.sites(guideline)
    for class_, name in sorted(knowledge.lookup.pairs(OSTEO.situationName)):
        if not _NAME.fullmatch(name):
            property_, value = OSTEO.situationName.value, ox.Literal(name)
            yield knowledge.finding(
                "error", "situation-name", class_, _NO_NAME, _WRITE_NAME, property_=property_, value=value
            )


class _Modules:
    """The documents by the guidelines that they belong to.

    Args:
        knowledge: the documents.
    """

    def __init__(self, knowledge: CheckedKnowledge) -> None:
        self._knowledge = knowledge
        self._owners = owners({each.path: each.triples for each in knowledge.documents})

    @functools.cached_property
    def _homes(self) -> Mapping[str, frozenset[str]]:
        """The guidelines that declare each class; of one that a common module declares, none."""
        found: dict[str, frozenset[str]] = {}
        for document in self._knowledge.documents:
            for each in document.triples:
                if each.predicate == RDF.type and each.object == OWL.Class and isinstance(each.subject, ox.NamedNode):
                    own = self._owners[document.path]
                    before = found.get(each.subject.value, own)
                    found[each.subject.value] = own | before if own and before else frozenset()
        return found

    def foreign_classes(self) -> Iterator[KnowledgeFinding]:
        """Find classes of one guideline in the modules of another."""
        for document in self._knowledge.documents:
            own = self._owners[document.path]
            for triple in document.triples if own else ():
                if triple.predicate not in _OF_CLASSES or not isinstance(triple.object, ox.NamedNode):
                    continue
                home = self._homes.get(triple.object.value)
                if home and not own <= home:
                    yield self._foreign(triple, document.path)

    def _foreign(self, triple: ox.Triple, path: str) -> KnowledgeFinding:
        subject = triple.subject.value if isinstance(triple.subject, ox.NamedNode) else min(self._owners[path])
        return self._knowledge.finding(
            "error",
            "foreign-class",
            subject,
            _FOREIGN,
            _OWN_CLASS,
            property_=triple.predicate.value,
            value=triple.object,
        )

    def sites(self, guideline: str) -> Iterator[KnowledgeFinding]:
        """Tell the sites of fractures that a guideline which speaks of sites leaves out, or counts in two ways."""
        above = self._above(guideline)
        own = {class_ for class_, home in self._homes.items() if guideline in home}
        lookup = self._knowledge.lookup
        could_be = {site: set(lookup.objects(site, OSTEO.couldBe)) for site in dict(lookup.pairs(SKOS.notation))}
        sites = sorted(each for each in could_be if OSTEO.Fracture.value in reached(each, above))
        led_to = {site: reached(site, above) & own for site in sites}
        if not any(led_to.values()):
            return
        left = [site for site in sites if not could_be[site] and not led_to[site]]
        if left:
            names = ", ".join(map(self._knowledge.name, left))
            advice = _UNDER_A_CLASS
            yield self._knowledge.finding("warning", "site-left-out", guideline, _LEFT_OUT, advice, shown=names)
        for site in sites:
            for part in sorted(could_be[site] & led_to.keys()):
                if led_to[site] and not led_to[site] <= led_to[part]:
                    place = self._knowledge.place(site, RDFS.subClassOf.value, min(led_to[site]))
                    shown, told = self._knowledge.name(part), _BROADER
                    yield self._knowledge.finding(
                        "warning", "site-too-broad", site, told, _NARROW, shown=shown, place=place
                    )

    def _above(self, guideline: str) -> Mapping[str, Iterable[str]]:
        """Give the named classes right above each, as this guideline has them."""
        found: dict[str, set[str]] = {}
        for document in self._knowledge.documents:
            if self._owners[document.path] and guideline not in self._owners[document.path]:
                continue
            for each in document.triples:
                if each.predicate == RDFS.subClassOf and isinstance(each.object, ox.NamedNode):
                    found.setdefault(each.subject.value if isinstance(each.subject, ox.NamedNode) else "", set()).add(
                        each.object.value
                    )
        return found


_FOREIGN = BilingualText(
    "This class belongs to another guideline: it says nothing here.",
    "Cette classe appartient à une autre recommandation : elle ne dit rien ici.",
)
_OWN_CLASS = BilingualText(
    "Declare a class of your own and say with rdfs:subClassOf what belongs to it.",
    "Déclarer une classe propre et dire par rdfs:subClassOf ce qui en relève.",
)
_LEFT_OUT = BilingualText(
    "The guideline does not say what a fracture of these sites is: it counts for nothing.",
    "La recommandation ne dit pas ce qu’est une fracture de ces sites : elle ne compte pour rien.",
)
_UNDER_A_CLASS = BilingualText(
    "Put each under a class of the guideline with rdfs:subClassOf.",
    "Placer chacun sous une classe de la recommandation par rdfs:subClassOf.",
)
_BROADER = BilingualText(
    "This site is stated too broadly, and is of a class that a site which it could be is not of.",
    "Ce site est trop large, et relève d’une classe dont un site qu’il pourrait être ne relève pas.",
)
_NARROW = BilingualText(
    "Leave the broad site out: it is then what the sites are that it could be.",
    "Ne pas classer le site large : il est alors ce que sont les sites qu’il pourrait être.",
)
_NO_NAME = BilingualText(
    "This is no name for the key of a situation.", "Ceci n’est pas un nom pour la clé d’une situation."
)
_WRITE_NAME = BilingualText(
    "Write small letters, digits and hyphens, such as other-severe.",
    "Écrire des minuscules, des chiffres et des traits d’union, comme other-severe.",
)
