"""The ontology as one document: every module merged under one header, without imports."""

from __future__ import annotations

import warnings

from rdflib import OWL, RDF, Graph, URIRef

from osteo_kg.knowledge import Knowledge
from osteo_kg.vocabulary import ONTOLOGY

#: Formats of the merged ontology, by the names rdflib writes them under.
ONTOLOGY_FORMATS = {"turtle": "turtle", "ntriples": "nt", "rdfxml": "pretty-xml", "jsonld": "json-ld"}


def merged(knowledge: Knowledge) -> Graph:
    """Merge all modules: the header of `osteo-kg.ttl` stays, the others and all imports go."""
    whole = Graph()
    for content in knowledge.modules.values():
        whole.parse(data=content, format="turtle")
    main = URIRef(ONTOLOGY + "osteo-kg")
    for header in set(whole.subjects(RDF.type, OWL.Ontology)) - {main}:
        whole.remove((header, None, None))
    whole.remove((None, OWL.imports, None))
    return whole


def written(knowledge: Knowledge, format: str = "turtle") -> str:
    """Write the merged ontology in one of `ONTOLOGY_FORMATS`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rdflib's about lists that RDF/XML writes out at length
        return merged(knowledge).serialize(format=ONTOLOGY_FORMATS[format])
