"""The ontology as one document: every module merged under one header, without imports.

rdflib writes Turtle and RDF/XML, since it nests anonymous classes as an author would.
"""

from __future__ import annotations

import warnings

import pyoxigraph as ox
from rdflib import Graph

from osteo_kg.knowledge.loading import Knowledge
from osteo_kg.rdf.io import json_ld
from osteo_kg.rdf.terms import ONTOLOGY, OWL, RDF

_MAIN = ox.NamedNode(ONTOLOGY + "osteo-kg")
_NESTING = {"turtle": "turtle", "rdfxml": "pretty-xml"}
#: Formats of the merged ontology.
ONTOLOGY_FORMATS = ("turtle", "ntriples", "rdfxml", "jsonld")


def merged(knowledge: Knowledge) -> list[ox.Triple]:
    """Merge all modules: the header of `osteo-kg.ttl` stays, the others and all imports go."""
    headers = {q.subject for q in knowledge.store.quads_for_pattern(None, RDF.type, OWL.Ontology)} - {_MAIN}
    return [q.triple for q in knowledge.store if q.predicate != OWL.imports and q.subject not in headers]


def written(knowledge: Knowledge, format_name: str = "turtle") -> str:
    """Write the merged ontology in one of `ONTOLOGY_FORMATS`."""
    triples = merged(knowledge)
    if format_name == "jsonld":
        return json_ld(triples)
    lines = (ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b"").decode("utf-8")
    if format_name == "ntriples":
        return lines
    graph = Graph(bind_namespaces="none").parse(data=lines, format="nt")
    for prefix, namespace in _prefixes(knowledge).items():
        graph.bind(prefix, namespace)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rdflib's about lists that RDF/XML writes out at length
        return graph.serialize(format=_NESTING[format_name])


def _prefixes(knowledge: Knowledge) -> dict[str, str]:
    """Give the prefixes of the modules."""
    found: dict[str, str] = {}
    for content in knowledge.modules.values():
        parser = ox.parse(content, format=ox.RdfFormat.TURTLE)
        next(parser, None)
        found |= parser.prefixes
    return found
