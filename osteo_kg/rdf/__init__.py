"""RDF mechanics with nothing clinical in them: terms, look-ups, reading and writing, the text of SPARQL."""

from osteo_kg.rdf.io import PREFIXES, json_ld, read_triples, written_graph
from osteo_kg.rdf.lookup import with_fresh_blank_nodes
from osteo_kg.rdf.results import GRAPH_FORMATS, SOLUTION_FORMATS, ResultKind, write_solutions
from osteo_kg.rdf.sparql import Cursor, Head, Token, depth, head, is_repeatable, tokens
from osteo_kg.rdf.terms import DCTERMS, OSTEO, OWL, PROV, RDF, RDFS, SH, SKOS, XSD, Node, local_name

__all__ = [
    "DCTERMS",
    "GRAPH_FORMATS",
    "OSTEO",
    "OWL",
    "PREFIXES",
    "PROV",
    "RDF",
    "RDFS",
    "SH",
    "SKOS",
    "SOLUTION_FORMATS",
    "XSD",
    "Cursor",
    "Head",
    "Node",
    "ResultKind",
    "Token",
    "depth",
    "head",
    "is_repeatable",
    "json_ld",
    "local_name",
    "read_triples",
    "tokens",
    "with_fresh_blank_nodes",
    "write_solutions",
    "written_graph",
]
