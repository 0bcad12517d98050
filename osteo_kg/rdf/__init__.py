"""RDF mechanics with nothing clinical in them: terms, look-ups, reading and writing, the text of SPARQL."""

from osteo_kg.rdf.io import PREFIXES, read_triples, written_graph
from osteo_kg.rdf.lookup import with_fresh_blank_nodes
from osteo_kg.rdf.sparql import code_only, dataset_iris, depth, has_dataset_clause, is_repeatable
from osteo_kg.rdf.terms import DCTERMS, OSTEO, OWL, PROV, RDF, RDFS, SH, SKOS, XSD, Node, local_name

__all__ = [
    "DCTERMS",
    "OSTEO",
    "OWL",
    "PREFIXES",
    "PROV",
    "RDF",
    "RDFS",
    "SH",
    "SKOS",
    "XSD",
    "Node",
    "code_only",
    "dataset_iris",
    "depth",
    "has_dataset_clause",
    "is_repeatable",
    "local_name",
    "read_triples",
    "with_fresh_blank_nodes",
    "written_graph",
]
