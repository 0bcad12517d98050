"""Figures for those who run the service, in the format of Prometheus.

A label holds the rule of a route and never a path, so that none can hold a fact of a patient.
"""

from __future__ import annotations

import functools
import threading

from flask import Flask
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from osteo_kg.dataset import GRAPH
from osteo_kg.package_data import software_version
from osteo_kg_server.logs import Ended
from osteo_kg_server.service import KNOWLEDGE, Service

MEDIA = CONTENT_TYPE_LATEST
_STOPPED = ("deadline", "too-large", "busy")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_REMEMBERED = 10_000  # cards
#: The kinds of graphs of a patient, and as what each is counted.
_OF_PATIENTS = {"cases": "cases", "sources": "cases", "inferred": "inferred", "assessments": "assessments"}


class Metrics:
    """What is counted of one app, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "osteo_kg_requests",
            "Requests by method, route and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._of = functools.lru_cache(1024)(self._count_of)  # to look for one takes longer than to count
        self._seconds = Histogram(
            "osteo_kg_request_seconds",
            "Time from a request to the end of its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._stopped = Counter(
            "osteo_kg_stopped", "Requests that were not answered, by the limit.", ("limit",), registry=self._registry
        )
        for limit in _STOPPED:
            self._stopped.labels(limit)
        self._cards = Counter(
            "osteo_kg_card_outcomes",
            "Cards that were accepted or overridden.",
            ("service", "outcome"),
            registry=self._registry,
        )
        self._ended, self._lock = dict[str, None](), threading.Lock()
        self._workers = self._gauge("osteo_kg_workers", "Processes that evaluate queries.", "state")
        self._triples = self._gauge("osteo_kg_triples", "Triples by kind of graph.", "graphs")
        self._cases = self._gauge("osteo_kg_cases", "Cases that are kept.")
        self._again = self._gauge("osteo_kg_reassessment", "Cases to assess anew since the start.", "state")
        self._build = self._gauge("osteo_kg_build_info", "What runs here.", "version", "knowledge")

    def observe(self, ended: Ended) -> None:
        """Count a request that has ended."""
        counted, timed = self._of(ended.method or "none", ended.route or "none", ended.status)
        counted.inc()
        timed.observe(ended.seconds)
        if ended.outcome in _STOPPED:
            self._stopped.labels(ended.outcome).inc()

    def _count_of(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(method, route, str(status)), self._seconds.labels(route)

    def card_ended(self, service: str, card: str, outcome: str) -> None:
        """Count how a card ended, once however often it is told; the oldest are forgotten."""
        with self._lock:
            if card in self._ended:
                return
            self._ended[card] = None
            if len(self._ended) > _REMEMBERED:
                del self._ended[next(iter(self._ended))]
        self._cards.labels(service, outcome).inc()

    def written(self, service: Service) -> bytes:
        """Write all figures as they are now."""
        workers = service.store.load
        self._workers.labels("in-use").set(workers.in_use)
        self._workers.labels("idle").set(workers.idle)
        sizes = _sizes(service)
        for kind, size in sizes.items():
            self._triples.labels(kind).set(size)
        self._cases.set(len(service.keeper.names()))
        self._again.labels("due").set(service.keeper.due)
        self._again.labels("done").set(service.keeper.done)
        self._build.labels(software_version(), service.knowledge_base.knowledge.digest).set(1)
        return generate_latest(self._registry)

    def _gauge(self, name: str, said: str, *labels: str) -> Gauge:
        return Gauge(name, said, labels, registry=self._registry)


def of(app: Flask) -> Metrics:
    """Give the figures of an app."""
    found = app.extensions["osteo_kg_metrics"]
    assert isinstance(found, Metrics)
    return found


def _sizes(service: Service) -> dict[str, int]:
    sizes = {"knowledge": 0, **dict.fromkeys(_OF_PATIENTS.values(), 0), "others": 0}
    for name, size in service.store.sizes().items():
        sizes[_kind(name)] += size
    return sizes


def _kind(graph: str) -> str:
    if graph in KNOWLEDGE:
        return "knowledge"
    found = (counted for kind, counted in _OF_PATIENTS.items() if graph.startswith(f"{GRAPH}{kind}/"))
    return next(found, "others")
