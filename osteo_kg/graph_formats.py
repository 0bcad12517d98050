"""Answers written as graphs, with our prefixes and our JSON-LD context."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pyoxigraph as ox
from rdflib import Graph

from osteo_kg import resources
from osteo_kg.vocabulary import CONTEXT, OSTEO

PREFIXES = {
    "osteo": str(OSTEO._NS),
    "oic": "https://w3id.org/osteo-kg/guideline/oic-128-08-b/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "prov": "http://www.w3.org/ns/prov#",
    "dcterms": "http://purl.org/dc/terms/",
}

GRAPH_FORMATS = ("turtle", "jsonld")


def written_graph(triples: Iterable[ox.Triple], form: str) -> str:
    """Write triples as `turtle` or `jsonld`."""
    if form == "jsonld":
        return _json_ld(triples)
    data = ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=PREFIXES)
    assert data is not None  # only where an output is given
    return data.decode("utf-8")


def _json_ld(triples: Iterable[ox.Triple]) -> str:
    """Compact by our context, which is then named by its IRI alone, as the reader wants it."""
    context = resources.json_ld_context()
    data = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
    graph = Graph(bind_namespaces="none").parse(data=data, format="nt")
    document = json.loads(graph.serialize(format="json-ld", context=context, auto_compact=False))
    nodes = document.get("@graph") or [{key: value for key, value in document.items() if key != "@context"}]
    return json.dumps({"@context": CONTEXT, "@graph": nodes}, ensure_ascii=False, indent=2) + "\n"
