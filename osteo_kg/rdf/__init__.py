"""RDF mechanics with nothing clinical in them: terms, look-ups, reading and writing, the text of SPARQL."""

from osteo_kg.rdf.io import PREFIXES, read_triples, written_graph
from osteo_kg.rdf.lookup import with_fresh_blank_nodes
from osteo_kg.rdf.sparql import code_only, dataset_iris, depth, has_dataset_clause, is_repeatable

__all__ = [
    "PREFIXES",
    "code_only",
    "dataset_iris",
    "depth",
    "has_dataset_clause",
    "is_repeatable",
    "read_triples",
    "with_fresh_blank_nodes",
    "written_graph",
]
