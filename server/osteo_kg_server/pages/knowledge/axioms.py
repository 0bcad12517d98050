"""What the axioms of the ontology say, in words: class expressions and restrictions as sentences with links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyoxigraph as ox

from osteo_kg import Language
from osteo_kg.bilingual import BilingualText
from osteo_kg.rdf import OWL, RDFS, Node
from osteo_kg_server.pages.knowledge.index import KnowledgeIndex
from osteo_kg_server.pages.knowledge.links import Link, joined_links, link_to, links_to

_EXACTLY = BilingualText("It is exactly: ", "Équivaut exactement à : ")
_EVERY = BilingualText("Of each one, ", "Pour chacun, ")
_APART = BilingualText("Nothing is both this and any of: ", "Rien n’est à la fois ceci et l’un de : ")
_OTHER = BilingualText("It is not the same as any of: ", "Est distinct de chacun de : ")
_AND, _OR, _NOT = BilingualText(" and ", " et "), BilingualText(" or ", " ou "), BilingualText("not ", "non ")
_MEMBERS = {OWL.intersectionOf: _AND, OWL.unionOf: _OR, OWL["oneOf"]: _OR}
#: What a restriction says of the values of its property.
_WANTS = {
    OWL.hasValue: BilingualText(" is ", " : "),
    OWL.allValuesFrom: BilingualText(" leads only to: ", " ne mène qu’à : "),
    OWL.someValuesFrom: BilingualText(" leads to some: ", " mène à au moins un(e) : "),
}
_COUNTS = {
    "cardinality": BilingualText("exactly {n}", "exactement {n}"),
    "qualifiedCardinality": BilingualText("exactly {n}", "exactement {n}"),
    "minCardinality": BilingualText("at least {n}", "au moins {n}"),
    "minQualifiedCardinality": BilingualText("at least {n}", "au moins {n}"),
    "maxCardinality": BilingualText("at most {n}", "au plus {n}"),
    "maxQualifiedCardinality": BilingualText("at most {n}", "au plus {n}"),
}
Sentence = list[Link]


def sentences_of(index: KnowledgeIndex, iri: str, language: Language) -> list[Sentence]:
    """Say what the axioms about a class state beside the classes above it, each as a row of texts and links."""
    found: list[Sentence] = []
    writer = _Writer(index, language)
    for triple in index.below.get(ox.NamedNode(iri), ()):
        if triple.predicate == OWL.equivalentClass and isinstance(triple.object, Node):
            found.append([Link(_EXACTLY.get(language)), *writer.said(triple.object)])
        elif triple.predicate == RDFS.subClassOf and isinstance(triple.object, ox.BlankNode):
            found.append([Link(_EVERY.get(language)), *writer.said(triple.object)])
    words = _APART if index.subclasses.get(iri) or iri in index.classes else _OTHER
    for members in index.disjoint(iri):
        links = links_to(index, index.by_label(members), language)
        found.append([Link(words.get(language)), *joined_links(links, ", ")])
    return found


class _Writer:
    """Writes class expressions in one language."""

    def __init__(self, index: KnowledgeIndex, language: Language) -> None:
        self._index, self._language = index, language

    def said(self, node: Node | ox.Literal) -> Sentence:
        """Say a class expression or a value."""
        if isinstance(node, ox.NamedNode):
            return [link_to(self._index, node.value, self._language)]
        if isinstance(node, ox.Literal):
            return [Link(node.value)]
        return list(self._expression(node))

    def _expression(self, node: ox.BlankNode) -> Iterator[Link]:
        facts = {each.predicate: each.object for each in self._index.below.get(node, ())}
        for property_, between in _MEMBERS.items():
            if isinstance(first := facts.get(property_), Node):
                yield from self._members(first, between)
        if isinstance(other := facts.get(OWL["complementOf"]), Node):
            yield Link(_NOT.get(self._language))
            yield from self.said(other)
        if isinstance(property_node := facts.get(OWL.onProperty), Node):
            yield from self._property(property_node)
            yield from self._wanted(facts)

    def _members(self, first: Node, between: BilingualText) -> Iterator[Link]:
        for place, each in enumerate(self._index.members(first)):
            if place:
                yield Link(between.get(self._language))
            inner = self.said(each)
            yield from inner if len(inner) == 1 else [Link("("), *inner, Link(")")]

    def _property(self, node: Node) -> Iterator[Link]:
        inverse = None
        if isinstance(node, ox.BlankNode):
            facts = {each.predicate: each.object for each in self._index.below.get(node, ())}
            inverse = facts.get(OWL.inverseOf)
        if isinstance(inverse, ox.NamedNode):
            yield Link("inverse ")
            yield from self.said(inverse)
        else:
            yield from self.said(node)

    def _wanted(self, facts: Mapping[ox.NamedNode, object]) -> Iterator[Link]:
        for property_, words in _WANTS.items():
            if isinstance(value := facts.get(property_), Node | ox.Literal):
                yield Link(words.get(self._language))
                yield from self.said(value)
        for name, words in _COUNTS.items():
            if isinstance(value := facts.get(OWL[name]), ox.Literal):
                number = BilingualText(value.value, value.value)
                yield Link(f" : {words.filled({'n': number}).get(self._language)}")
