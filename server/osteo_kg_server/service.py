"""What the app was handed, and how a view gets at it."""

from __future__ import annotations

import functools
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyoxigraph as ox
from flask import Flask, current_app, request

from osteo_kg import Dataset, KnowledgeBase
from osteo_kg.dataset import GRAPH
from osteo_kg.knowledge import OTHER
from osteo_kg.rdf import OWL, RDF, Node
from osteo_kg_server.auth import Access
from osteo_kg_server.case_repository import CaseRepository
from osteo_kg_server.cds.fhir_servers import Servers
from osteo_kg_server.cds.prefetch import Prefetch
from osteo_kg_server.settings import Settings
from osteo_kg_server.store import Change, LocalStore, Queries, Remote, RemoteStore, Store

KNOWLEDGE = tuple(GRAPH + name for name in ("ontology", "inferred", "shapes", "situations"))
_LOADED = "examples loaded"


class QueryService:
    """What a view needs that answers queries.

    Args:
        settings: what whoever runs the service decides.
        access: who may read and write.
        store: what answers SPARQL.
        terms: the IRIs of the terms of our vocabulary; none where no knowledge is served.
    """

    def __init__(self, settings: Settings, access: Access, store: Queries, terms: frozenset[str]) -> None:
        self.settings, self.access, self.terms = settings, access, terms
        self.store = store

    @property
    def may_keep_patients(self) -> bool:
        """Whether cases beside the examples may be here: who cannot be trusted with them is kept out from the start."""
        return not self.settings.scratch and (self.access.can_be_written or self.settings.store is not None)


class Service(QueryService):
    """One knowledge base, one store, and the turn that requests take.

    Attributes:
        store: what answers SPARQL and is written to.
        keeper: what keeps cases in the store.
        servers: the FHIR servers that may be called.
        prefetch: what clients are to send beside a hook.
        lock: held while the knowledge base works: some libraries below it change state of the whole process.
    """

    def __init__(self, knowledge_base: KnowledgeBase, dataset: Dataset, settings: Settings) -> None:
        self.knowledge_base, self.servers = knowledge_base, Servers(settings.fhir_servers)
        self.prefetch = Prefetch(knowledge_base, settings.optional_prefetch)
        access = Access(settings)  # first: what is wrong with it is told before a store is opened
        self.store: Store = opened(dataset, settings)
        super().__init__(settings, access, self.store, dataset.terms)
        self.lock = threading.Lock()
        self.keeper = CaseRepository(knowledge_base, self.store, self.lock)
        if not settings.scratch:
            self.keeper.catch_up()
        self._by_reading: dict[str, KnowledgeBase] = {}
        self._by_subject: dict[Node, list[ox.Triple]] = defaultdict(list)
        for triple in dataset.graphs.get(GRAPH + "ontology", ()):
            if not isinstance(triple.subject, ox.Triple):
                self._by_subject[triple.subject].append(triple)

    def by_reading(self, key: str) -> KnowledgeBase:
        """Give what decides where the other reading of an interpretation is taken, loaded when first asked for."""
        if key not in self._by_reading:
            self._by_reading[key] = self.knowledge_base.read_otherwise({key: OTHER})
        return self._by_reading[key]

    def url(self, path: str) -> str:
        """Give the address of a path, as clients know it."""
        return (self.settings.public_url or request.host_url).rstrip("/") + path

    def described(self, iri: str) -> list[ox.Triple]:
        """Give what the ontology states of a resource, with the nameless nodes below it; nothing where it is new."""
        return list(self._below(ox.NamedNode(iri), set()))

    @functools.cached_property
    def modules(self) -> dict[str, bytes]:
        """Give every module of the ontology as it was loaded, by its IRI."""
        found = {}
        for content in self.knowledge_base.knowledge.modules.values():
            for quad in ox.parse(content, format=ox.RdfFormat.TURTLE):
                if (
                    quad.predicate == RDF.type
                    and quad.object == OWL.Ontology
                    and isinstance(quad.subject, ox.NamedNode)
                ):
                    found[quad.subject.value] = content
        return found

    def subjects(self, predicate: ox.NamedNode, value: str) -> list[str]:
        """Give the IRIs of which the ontology states this, sorted."""
        return self.knowledge_base.knowledge.triples.subjects(predicate, value)

    def _below(self, node: Node, seen: set[Node]) -> Iterator[ox.Triple]:
        seen.add(node)
        for triple in self._by_subject.get(node, ()):
            yield triple
            if isinstance(triple.object, ox.BlankNode) and triple.object not in seen:
                yield from self._below(triple.object, seen)


def opened(dataset: Dataset, settings: Settings) -> Store:
    """Open the store that the settings name; what is not knowledge is loaded into a new one.

    Raises:
        StoreUnavailableError: it cannot be had.
    """
    fixed = {} if settings.scratch else {name: dataset.graphs[name] for name in KNOWLEDGE if name in dataset.graphs}
    store = _store(fixed, settings)
    loaded = {name: triples for name, triples in dataset.graphs.items() if name not in KNOWLEDGE}
    if not settings.scratch and not store.note(_LOADED):
        store.change(lambda: Change(added=loaded, created=frozenset(loaded)))
        store.set_note(_LOADED, "yes")
    return store


def _store(fixed: Mapping[str, Sequence[ox.Triple]], settings: Settings) -> Store:
    named = settings.store
    if named and named.lower().startswith(("http://", "https://")):
        remote = Remote(named, settings.store_update, settings.store_user, settings.store_password)
        return RemoteStore(fixed, remote, limits=settings.limits, scratch=settings.scratch)
    folder = Path(named) if named else None
    return LocalStore(fixed, folder=folder, limits=settings.limits, scratch=settings.scratch)


def service() -> Service:
    """Give the service of the app that answers this request."""
    return of(current_app)


def of(app: Flask) -> Service:
    """Give the service of an app."""
    found = query_service_of(app)
    assert isinstance(found, Service)
    return found


def query_service() -> QueryService:
    """Give what answers queries in the app that answers this request."""
    return query_service_of(current_app)


def query_service_of(app: Flask) -> QueryService:
    """Give what answers queries in an app."""
    found = app.extensions["osteo_kg"]
    assert isinstance(found, QueryService)
    return found
