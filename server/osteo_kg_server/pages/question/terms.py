"""`/terms.json`: every term of ours with its label, for an editor that completes what is written in it."""

from __future__ import annotations

import functools
import json

from flask import Blueprint, Response, request

from osteo_kg import KnowledgeBase, Language
from osteo_kg.rdf import DCTERMS, GUIDELINE, KNOWN_PREFIXES, OSTEO, OWL, PROV, RDF, RDFS, SKOS
from osteo_kg_server.http.endpoints import endpoint
from osteo_kg_server.http.parameters import LANGUAGE, language
from osteo_kg_server.service import service

_MEDIA = "application/json"
_KINDS = {
    OWL.Class.value: "class",
    RDF["Property"].value: "property",
    OWL["ObjectProperty"].value: "property",
    OWL["DatatypeProperty"].value: "property",
    OWL["AnnotationProperty"].value: "property",
}
#: Properties of others that a question often needs.
_OF_OTHERS = (
    *(RDF.type, RDFS.label, RDFS.subClassOf, RDFS["subPropertyOf"], RDFS["comment"], RDFS.isDefinedBy),
    *(SKOS["definition"], SKOS.notation, SKOS["prefLabel"], SKOS["altLabel"], SKOS["exactMatch"], SKOS["broadMatch"]),
    *(PROV["wasDerivedFrom"], PROV["used"], DCTERMS["title"], DCTERMS["source"]),
)
_SCHEMA = {
    "type": "object",
    "properties": {
        "prefixes": {"type": "object", "additionalProperties": {"type": "string"}},
        "terms": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("iri", "kind", "label")},
                "required": ["iri", "kind", "label"],
            },
        },
    },
    "required": ["prefixes", "terms"],
}
blueprint = Blueprint("terms", __name__)


@blueprint.get("/terms.json")
@endpoint("read", {200: (_MEDIA,), 304: ()}, parameters=LANGUAGE, schema=_SCHEMA)
def terms() -> Response:
    """Give the prefixes that are known, and every class, property and individual of ours with its label."""
    response = Response(_written(service().knowledge_base, language()), content_type=_MEDIA)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Accept-Language, Accept-Encoding"
    response.add_etag()
    response.make_conditional(request)
    return response


@functools.lru_cache(maxsize=4)
def _written(knowledge_base: KnowledgeBase, spoken: Language) -> str:
    triples = knowledge_base.knowledge.triples
    kinds = {iri: _KINDS.get(kind, "individual") for iri, kind in triples.pairs(RDF.type) if _is_ours(iri)}
    kinds |= {iri: _KINDS[kind] for iri, kind in triples.pairs(RDF.type) if kind in _KINDS and _is_ours(iri)}
    found = [
        {"iri": iri, "kind": kind, "label": label.get(spoken) if label else ""}
        for iri, kind in sorted(kinds.items())
        for label in (triples.text(iri, RDFS.label),)
    ]
    found += [{"iri": each.value, "kind": "property", "label": ""} for each in _OF_OTHERS]
    return json.dumps({"prefixes": KNOWN_PREFIXES, "terms": found}, ensure_ascii=False)


def _is_ours(iri: str) -> bool:
    return iri.startswith((OSTEO.iri, GUIDELINE))
