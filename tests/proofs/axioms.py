"""What the triples say of fractures, treatments and classes of patients, read by rdflib alone.

The proofs are evidence because they read the modules themselves: nothing here, and nothing that rests on it, calls
the library's reasoning.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping

from rdflib import OWL, RDF, RDFS, SKOS, Graph, Literal, Namespace
from rdflib.collection import Collection
from rdflib.term import Node

from osteo_kg.knowledge import Knowledge
from osteo_kg.rdf import OSTEO as _OSTEO

OSTEO = Namespace(_OSTEO.iri)


def graph_of(knowledge: Knowledge) -> Graph:
    """Give the triples of all modules in one graph, words of a language left out."""
    graph = Graph(bind_namespaces="none")
    for content in knowledge.modules.values():
        for triple in Graph(bind_namespaces="none").parse(data=content, format="turtle"):
            if not (isinstance(triple[2], Literal) and triple[2].language):
                graph.add(triple)
    return graph


class Axioms:
    """The class axioms of the modules, as far as `docs/reference/contracts.md` lets modules use them.

    That are named superclasses, definitions by intersections of named classes and `owl:hasValue`, `owl:allValuesFrom`
    on an inverse property above a named class, and domains.

    Args:
        graph: the triples of all modules; not to be changed while this is in use.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @functools.cached_property
    def sites(self) -> tuple[Node, ...]:
        """Every class of fractures that a case can state, in a fixed order."""
        classes = self._below(OSTEO.Fracture)
        return tuple(sorted((each for each in classes if (each, SKOS.notation, None) in self.graph), key=str))

    def below(self, classes: Iterable[Node]) -> frozenset[Node]:
        """Give the classes of fractures that a case can state and that fall under one of some classes."""
        wanted = {under for each in classes for under in self._below(each)}
        return frozenset(each for each in self.sites if each in wanted)

    @functools.cached_property
    def broad_sites(self) -> dict[Node, frozenset[Node]]:
        """For each site that is stated too broadly, the precise ones that it may be: below the narrowest that is named.

        One that leads where a precise site does is taken for what it is said to be.
        """
        could_be = {site: set(self.graph.objects(site, OSTEO.couldBe)) for site in self.sites}
        precise = {site: self.classes_of_fracture(site) for site, named in could_be.items() if not named}
        led_to = {reached for reached in precise.values() if reached}
        return {
            site: self.below(self._narrowest(named)) & precise.keys()
            for site, named in could_be.items()
            if named and self.classes_of_fracture(site) not in led_to
        }

    def _narrowest(self, classes: set[Node]) -> set[Node]:
        return {each for each in classes if not (self._below(each) - {each}) & classes}

    def members(self, kind: Node) -> tuple[Node, ...]:
        """Give the individuals of a class, in a fixed order."""
        found = {each for under in self._below(kind) for each in self.graph.subjects(RDF.type, under)}
        return tuple(sorted(found, key=str))

    def classes_of_fracture(self, site: Node) -> frozenset[Node]:
        """Give the classes of patients that one counted fracture of a site leads to."""
        return self._reached(self._closed({site}, {}), OSTEO.hasLowEnergyFracture)

    def classes_of_treatment(self, drug: Node, outcome: Node) -> frozenset[Node]:
        """Give the classes of patients that one past treatment leads to."""
        kinds = self._closed(set(self.graph.objects(drug, RDF.type)), {})
        values: dict[Node, Node] = {OSTEO.withDrug: drug, OSTEO.hasOutcome: outcome}
        treatment = self._closed({OSTEO.PastTreatment, *self._reached(kinds, OSTEO.withDrug)}, values)
        return self._reached(treatment, OSTEO.hasPastTreatment)

    def narrower(self, kind: Node) -> list[Node]:
        """Give the classes whose members are stated to be members of a class: below it, or defined by way of it."""
        below = set(self.graph.subjects(RDFS.subClassOf, kind))
        below |= {each for each, parts in self._definitions if kind in parts}
        return sorted(below - {kind}, key=str)

    def definitions(self, kind: Node) -> list[tuple[Node, ...]]:
        """Give what makes something a member of a class: the parts of each definition, classes and restrictions."""
        return [parts for each, parts in self._definitions if each == kind]

    def value_of(self, restriction: Node) -> tuple[Node, Node]:
        """Give the property and the value that a restriction asks for."""
        property_ = self.graph.value(restriction, OWL.onProperty)
        value = self.graph.value(restriction, OWL.hasValue)
        if property_ is None or value is None:
            raise ValueError(f"{restriction} is no class and no owl:hasValue: the proofs cannot read it.")
        return property_, value

    def properties_of(self, kind: Node) -> list[Node]:
        """Give the properties whose subjects are members of a class."""
        return sorted(self.graph.subjects(RDFS.domain, kind), key=str)

    def is_class(self, node: Node) -> bool:
        """Whether something is a named class, and no restriction."""
        return (node, OWL.onProperty, None) not in self.graph

    def _reached(self, kinds: Iterable[Node], link: Node) -> frozenset[Node]:
        """Give the classes that whoever has a link to a member of some classes is in."""
        backwards = {*self.graph.objects(link, OWL.inverseOf), *self.graph.subjects(OWL.inverseOf, link)}
        return frozenset(
            target
            for kind in kinds
            for restriction in self.graph.objects(kind, RDFS.subClassOf)
            if self.graph.value(restriction, OWL.onProperty) in backwards
            for target in self.graph.objects(restriction, OWL.allValuesFrom)
        )

    def _closed(self, kinds: set[Node], values: Mapping[Node, Node]) -> set[Node]:
        """Give every class of something of some classes, with some values."""
        found = set(kinds)
        while new := {*self._above(found), *self._defined(found, values)} - found:
            found |= new
        return found

    def _above(self, kinds: Iterable[Node]) -> Iterator[Node]:
        for kind in kinds:
            yield from (each for each in self.graph.objects(kind, RDFS.subClassOf) if self.is_class(each))
            yield from (part for parts in self.definitions(kind) for part in parts if self.is_class(part))

    def _defined(self, kinds: set[Node], values: Mapping[Node, Node]) -> Iterator[Node]:
        for kind, parts in self._definitions:
            if all(part in kinds if self.is_class(part) else self._has(part, values) for part in parts):
                yield kind

    def _has(self, restriction: Node, values: Mapping[Node, Node]) -> bool:
        property_, value = self.value_of(restriction)
        return values.get(property_) == value

    @functools.cached_property
    def _definitions(self) -> list[tuple[Node, tuple[Node, ...]]]:
        found: list[tuple[Node, tuple[Node, ...]]] = []
        for kind, defined in sorted(self.graph.subject_objects(OWL.equivalentClass), key=str):
            listed = self.graph.value(defined, OWL.intersectionOf)
            parts = tuple(Collection(self.graph, listed)) if listed is not None else (defined,)
            found.append((kind, parts))
            if listed is None:
                found.append((defined, (kind,)))
        return found

    def _below(self, kind: Node) -> set[Node]:
        return {each for each in self.graph.transitive_subjects(RDFS.subClassOf, kind) if each is not None}
