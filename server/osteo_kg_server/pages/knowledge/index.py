"""The ontology as pages walk through it: what stands above and below a term, and where it is used.

It is made once from the loaded knowledge, and kept beside it.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pyoxigraph as ox
from flask import Response, current_app, request

from osteo_kg.bilingual import BilingualText
from osteo_kg.knowledge import Knowledge
from osteo_kg.rdf import DCTERMS, OSTEO, OWL, RDF, RDFS, SH, SKOS, Node, local_name
from osteo_kg_server.http.negotiation import PAGE, negotiated
from osteo_kg_server.http.parameters import language
from osteo_kg_server.pages.source import source_version
from osteo_kg_server.service import service

NAMES = (RDFS.label, DCTERMS["title"])
DEFINITIONS = (SKOS["definition"], DCTERMS["description"])
PROPERTIES = (OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty)
#: What a page says of a term elsewhere than where it lists its uses.
_OF_ITS_OWN = (RDF.type, RDFS.subClassOf, RDFS.isDefinedBy)
_SETS = (OWL.AllDifferent, OWL.AllDisjointClasses)


@dataclass(frozen=True, slots=True)
class Use:
    """One place where a term is used.

    Attributes:
        subject: the IRI of what uses it.
        predicate: the IRI of the property under which it stands there.
        within: whether it stands inside an axiom or another nameless node of the subject.
    """

    subject: str
    predicate: str
    within: bool


class KnowledgeIndex:
    """What the loaded modules and shapes say, by subject and by object.

    Args:
        knowledge: the loaded modules.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self.knowledge = knowledge
        self.below: dict[Node, list[ox.Triple]] = defaultdict(list)
        for quad in knowledge.store:
            if not isinstance(quad.subject, ox.Triple):
                self.below[quad.subject].append(quad.triple)
        self.subclasses = self._pairs(RDFS.subClassOf)
        self._instances = self._pairs(RDF.type)

    def text(self, iri: str, properties: tuple[ox.NamedNode, ...]) -> BilingualText | None:
        """Give the first text that a resource has under one of these properties."""
        found = (self._texts(iri).get(each.value) for each in properties)
        return next((each for each in found if each), None)

    def label(self, iri: str) -> BilingualText | None:
        """Give what a resource is called; None where the ontology does not say."""
        return self.text(iri, NAMES)

    def definition(self, iri: str) -> BilingualText | None:
        """Give what a resource is."""
        return self.text(iri, DEFINITIONS)

    def values(self, iri: str, predicate: ox.NamedNode) -> list[str]:
        """Give the IRIs and literals that a resource has under a property, sorted."""
        triples = self.below.get(ox.NamedNode(iri), ())
        found = (each.object for each in triples if each.predicate == predicate)
        return sorted(each.value for each in found if isinstance(each, ox.NamedNode | ox.Literal))

    def kinds(self, iri: str) -> list[str]:
        """Give the classes of ours that a resource is stated to belong to."""
        return [each for each in self.values(iri, RDF.type) if each.startswith(OSTEO.iri)]

    def superclasses(self, iri: str) -> list[str]:
        """Give the named classes directly above a class."""
        return self.values(iri, RDFS.subClassOf)

    def instances(self, iri: str) -> tuple[str, ...]:
        """Give the individuals that are stated to belong to a class."""
        return self._instances.get(iri, ())

    def path_to(self, iri: str) -> list[str]:
        """Give the classes above a class or an individual, from the topmost down to the nearest; one way of several."""
        found: list[str] = []
        above = self.superclasses(iri) or self._narrowest(self.kinds(iri))
        while above and above[0] not in found:
            found.insert(0, above[0])
            above = self.superclasses(above[0])
        return found

    def _narrowest(self, classes: list[str]) -> list[str]:
        """Leave out the classes that stand above others of these."""
        above = {upper for each in classes for upper in self._above(each)}
        return [each for each in classes if each not in above]

    def _above(self, iri: str) -> set[str]:
        found: set[str] = set()
        waiting = self.superclasses(iri)
        while waiting:
            each = waiting.pop()
            if each not in found:
                found.add(each)
                waiting += self.superclasses(each)
        return found

    def count(self, iri: str) -> int:
        """Count the individuals of a class and of all classes below it."""
        return len(self._everything_of(iri))

    @functools.cached_property
    def classes(self) -> list[str]:
        """Every class of ours, sorted."""
        return [each for each in self.instances(OWL.Class.value) if each.startswith(OSTEO.iri)]

    @functools.cached_property
    def roots(self) -> list[str]:
        """The classes above which none stands, by their English labels."""
        return self.by_label(each for each in self.classes if not self.superclasses(each))

    def by_label(self, iris: Iterator[str] | list[str] | tuple[str, ...]) -> list[str]:
        """Sort resources by what they are called in English."""
        return sorted(iris, key=lambda each: ((self.label(each) or BilingualText(each, each)).en.casefold(), each))

    @functools.cached_property
    def modules(self) -> list[str]:
        """The documents that the ontology consists of, the whole first."""
        found = self.instances(OWL.Ontology.value)
        return sorted(found, key=lambda each: (not self.values(each, OWL.imports), each))

    def defined_by(self, module: str) -> tuple[str, ...]:
        """Give what a module defines."""
        return self._defined.get(module, ())

    @functools.cached_property
    def versions_before(self) -> frozenset[str]:
        """The versions that modules follow, which are not kept here."""
        return frozenset(self._pairs(OWL.priorVersion))

    def uses(self, iri: str) -> list[Use]:
        """Give where a term is used, other than as the class of an individual or above a class."""
        return self._uses.get(iri, [])

    def shapes(self, iri: str) -> list[tuple[str, BilingualText]]:
        """Give the shapes that look at a term, with their names."""
        return self._shapes.get(iri, [])

    def disjoint(self, iri: str) -> list[tuple[str, ...]]:
        """Give the sets of classes, or of individuals, that are told apart from this one."""
        return [tuple(each for each in members if each != iri) for members in self._apart if iri in members]

    def members(self, node: Node) -> Iterator[ox.NamedNode | ox.BlankNode | ox.Literal]:
        """Give the members of a list."""
        while node != RDF.nil:
            found = {each.predicate: each.object for each in self.below.get(node, ())}
            if RDF.first not in found:
                return
            first, rest = found[RDF.first], found.get(RDF.rest, RDF.nil)
            if not isinstance(first, ox.Triple):
                yield first
            assert isinstance(rest, ox.NamedNode | ox.BlankNode)
            node = rest

    def _everything_of(self, iri: str) -> set[str]:
        classes, waiting = {iri}, [iri]
        while waiting:
            new = {*self.subclasses.get(waiting.pop(), ())} - classes
            classes |= new
            waiting += new
        return {individual for each in classes for individual in self.instances(each)}

    def _texts(self, iri: str) -> Mapping[str, BilingualText]:
        return self._all_texts.get(iri, {})

    @functools.cached_property
    def _all_texts(self) -> dict[str, dict[str, BilingualText]]:
        said: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for subject, triples in self.below.items():
            for each in triples if isinstance(subject, ox.NamedNode) else ():
                if isinstance(each.object, ox.Literal) and each.predicate in (*NAMES, *DEFINITIONS):
                    said[subject.value, each.predicate.value][each.object.language or "en"] = each.object.value
        found: dict[str, dict[str, BilingualText]] = defaultdict(dict)
        for (iri, predicate), texts in said.items():
            if "en" in texts:
                found[iri][predicate] = BilingualText(texts["en"], texts.get("fr", texts["en"]))
        return found

    def _pairs(self, predicate: ox.NamedNode) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = defaultdict(list)
        for subject, value in self.knowledge.triples.pairs(predicate):
            found[value].append(subject)
        return {value: tuple(sorted(set(subjects))) for value, subjects in found.items()}

    @functools.cached_property
    def _defined(self) -> dict[str, tuple[str, ...]]:
        return self._pairs(RDFS.isDefinedBy)

    @functools.cached_property
    def _uses(self) -> dict[str, list[Use]]:
        owners = {
            each.object: each
            for triples in self.below.values()
            for each in triples
            if isinstance(each.object, ox.BlankNode)
        }
        found: dict[str, set[Use]] = defaultdict(set)
        for each in (each for triples in self.below.values() for each in triples):
            root, within = each, False
            while isinstance(root.subject, ox.BlankNode) and root.subject in owners:
                root, within = owners[root.subject], True
            if isinstance(root.subject, ox.NamedNode):
                if isinstance(each.object, ox.NamedNode) and (within or each.predicate not in _OF_ITS_OWN):
                    found[each.object.value].add(Use(root.subject.value, root.predicate.value, within))
                if each.predicate.value.startswith(OSTEO.iri):
                    found[each.predicate.value].add(Use(root.subject.value, each.predicate.value, within))
        return {iri: sorted(uses, key=lambda use: (use.predicate, use.subject)) for iri, uses in found.items()}

    @functools.cached_property
    def _apart(self) -> list[tuple[str, ...]]:
        found = []
        for triples in self.below.values():
            if any(each.predicate == RDF.type and each.object in _SETS for each in triples):
                lists = [each.object for each in triples if each.predicate in (OWL.members, OWL.distinctMembers)]
                for first in lists:
                    assert isinstance(first, ox.NamedNode | ox.BlankNode)
                    members = [each.value for each in self.members(first) if isinstance(each, ox.NamedNode)]
                    found.append(tuple(members))
        return found

    @functools.cached_property
    def _shapes(self) -> dict[str, list[tuple[str, BilingualText]]]:
        """Every shape that names a term: in its target, its path or what it wants."""
        found: dict[str, dict[str, BilingualText]] = defaultdict(dict)
        for content in self.knowledge.shapes.values():
            store = ox.Store()
            store.extend(
                ox.Quad(q.subject, q.predicate, q.object) for q in ox.parse(content, format=ox.RdfFormat.TURTLE)
            )
            for shape, name in _named_shapes(store):
                for iri in _named_below(store, shape):
                    found[iri][shape.value] = name
        return {iri: sorted(shapes.items(), key=lambda pair: pair[1].en) for iri, shapes in found.items()}


def _named_shapes(store: ox.Store) -> Iterator[tuple[ox.NamedNode, BilingualText]]:
    subjects = {quad.subject for quad in store.quads_for_pattern(None, SH["severity"], None)}
    for subject in subjects:
        if isinstance(subject, ox.NamedNode):
            names = {
                quad.object.language: quad.object.value
                for quad in store.quads_for_pattern(subject, SH["name"], None)
                if isinstance(quad.object, ox.Literal)
            }
            english = names.get("en") or local_name(subject.value)
            yield subject, BilingualText(english, names.get("fr") or english)


def _named_below(store: ox.Store, shape: ox.NamedNode) -> set[str]:
    found: set[str] = set()
    waiting: list[ox.NamedNode | ox.BlankNode] = [shape]
    while waiting:
        for quad in store.quads_for_pattern(waiting.pop(), None, None):
            if isinstance(quad.object, ox.BlankNode):
                waiting.append(quad.object)
            elif isinstance(quad.object, ox.NamedNode) and quad.object.value.startswith(OSTEO.iri):
                found.add(quad.object.value)
    return found


_KEPT, _PAGES, _LOCK = "osteo_kg_knowledge_index", "osteo_kg_knowledge_pages", threading.Lock()
_MOST_PAGES = 300
View = Callable[..., Response]


def index() -> KnowledgeIndex:
    """Give the index of the knowledge that the app of this request serves, made once for one version of it."""
    knowledge = service().knowledge_base.knowledge
    kept: dict[str, KnowledgeIndex] = current_app.extensions.setdefault(_KEPT, {})
    if knowledge.digest not in kept:
        kept[knowledge.digest] = KnowledgeIndex(knowledge)
    return kept[knowledge.digest]


def remembered(view: View) -> View:
    """Keep what a view writes about the knowledge: it stays the same for one version of it, one address, one language.

    Of many pages the ones asked for last are kept.
    """

    @functools.wraps(view)
    def kept(*arguments: str) -> Response:
        pages: OrderedDict[tuple[object, ...], bytes] = current_app.extensions.setdefault(_PAGES, OrderedDict())
        digest = service().knowledge_base.knowledge.digest
        key = (digest, source_version(), view.__name__, arguments, request.full_path, language())
        with _LOCK:
            found = pages.pop(key, None)
        if found is None:
            found = view(*arguments).get_data()
        with _LOCK:
            pages[key] = found
            while len(pages) > _MOST_PAGES:
                pages.popitem(last=False)
        response = negotiated(found, PAGE)
        response.headers["Content-Language"] = language()
        return response

    return kept
