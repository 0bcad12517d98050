"""What the app was handed, and how a view gets at it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator

import pyoxigraph as ox
from flask import current_app

from osteo_kg import KnowledgeBase
from osteo_kg.store import GRAPH, Dataset

Node = ox.NamedNode | ox.BlankNode


class Service:
    """One knowledge base, one dataset, and the turn that requests take.

    Attributes:
        turn: held while the knowledge base works: some libraries below it change state of the whole process.
    """

    def __init__(self, knowledge_base: KnowledgeBase, dataset: Dataset) -> None:
        self.knowledge_base = knowledge_base
        self.dataset = dataset
        self.turn = threading.Lock()
        self._by_subject: dict[Node, list[ox.Triple]] = defaultdict(list)
        for triple in dataset.graphs.get(GRAPH + "ontology", ()):
            if not isinstance(triple.subject, ox.Triple):
                self._by_subject[triple.subject].append(triple)

    def described(self, iri: str) -> list[ox.Triple]:
        """Give what the ontology states of a resource, with the nameless nodes below it; nothing where it is new."""
        return list(self._below(ox.NamedNode(iri), set()))

    def subjects(self, predicate: str, value: str) -> list[str]:
        """Give the IRIs of which the ontology states this, sorted."""
        return self.knowledge_base.knowledge.triples.subjects(predicate, value)

    def _below(self, node: Node, seen: set[Node]) -> Iterator[ox.Triple]:
        seen.add(node)
        for triple in self._by_subject.get(node, ()):
            yield triple
            if isinstance(triple.object, ox.BlankNode) and triple.object not in seen:
                yield from self._below(triple.object, seen)


def service() -> Service:
    """Give the service of the app that answers this request."""
    found = current_app.extensions["osteo_kg"]
    assert isinstance(found, Service)
    return found
