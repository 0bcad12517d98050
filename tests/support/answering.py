"""A service whose workers answer queries by themselves, and what its tests ask of it."""

from __future__ import annotations

from typing import Any

from flask import Flask

import osteo_kg_server
from osteo_kg import KnowledgeBase, build_dataset
from tests.support.service import PREFIX

JSON = "application/sparql-results+json"
TOKEN = "a-secret-of-the-service"
KNOWLEDGE = "https://w3id.org/osteo-kg/graph/ontology"
FOUND = PREFIX + "SELECT ?rule { ?rule a osteo:Rule } ORDER BY ?rule"
LONG = "SELECT ?a ?b ?c { ?a ?b ?c . ?d ?e ?f } LIMIT 60000"  # more than is sent whole
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
#: Queries with what else stands in the address: answered, warned of, refused, long, and of every kind of result.
ASKED: tuple[dict[str, str], ...] = (
    {"query": FOUND},
    {"query": "ASK {}"},
    {"query": PREFIX + "CONSTRUCT { ?r a osteo:Rule } WHERE { ?r a osteo:Rule }"},
    {"query": PREFIX + "DESCRIBE osteo:Drug"},
    {"query": PREFIX + "SELECT ?x { ?x a osteo:Drugg }"},
    {"query": "SELECT (NOW() AS ?now) {} LIMIT 0"},
    {"query": FOUND, "format": "csv"},
    {"query": FOUND, "format": "html"},
    {"query": FOUND, "output": "xml"},
    {"query": FOUND, "format": "papyrus"},
    {"query": FOUND, "timeout": "5"},
    {"query": FOUND, "timeout": "soon"},
    {"query": FOUND, "default-graph-uri": KNOWLEDGE},
    {"query": FOUND, "default-graph-uri": "urn:nowhere"},
    {"query": FOUND.replace("{", f"FROM <{KNOWLEDGE}> {{", 1)},
    {"query": "SELECT ?x { ?x a osteo:Drug "},
    {"query": "SELECT ?x { SERVICE <http://example.org/> { ?x ?y ?z } }"},
    {"query": FOUND, "update": "CLEAR ALL"},
    {"query": 'SELECT ("\\u0007" AS ?bell) {}', "format": "xml"},
    {"query": LONG},
    {"query": "SELECT ?s { ?s ?p ?o } LIMIT 3000", "format": "csv"},
)
HEADERS: tuple[dict[str, str], ...] = (
    {"Accept": JSON},
    {},
    {"Accept": "text/csv;q=0.5, application/sparql-results+xml, text/turtle"},
    {"Accept": "image/png"},
    {"Accept": "text/html"},
    {"Accept": JSON, "Accept-Encoding": "gzip"},
    {"Accept": JSON, "Accept-Language": "fr", "Origin": "https://example.org"},
    {"Accept": JSON, "Origin": "https://elsewhere.example"},
    {"Accept": JSON, "Host": "elsewhere.example"},
    {"Accept": JSON, "If-None-Match": "*"},
)
Headers = dict[str, str]


def app_with(knowledge_base: KnowledgeBase, **settings: Any) -> Flask:
    """Build an app around the knowledge, of two workers."""
    limits = osteo_kg_server.Limits(seconds=20, workers=2, wait_seconds=1)
    return osteo_kg_server.create_app(
        knowledge_base,
        build_dataset(knowledge_base, ()),
        osteo_kg_server.Settings(limits=limits, update_token=TOKEN, cors_origins=("https://example.org",), **settings),
    )
