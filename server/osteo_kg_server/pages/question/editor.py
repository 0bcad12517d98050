"""What an editor of questions offers: those that come with the service, and at `/terms.json` every term of ours.

The questions have a sentence in both languages, and the terms a label, by which the editor completes what is written.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, request

from osteo_kg import KnowledgeBase, Language
from osteo_kg.bilingual import BilingualText
from osteo_kg.package_data import root
from osteo_kg.rdf import DCTERMS, GUIDELINE, KNOWN_PREFIXES, OSTEO, OWL, PROV, RDF, RDFS, SKOS
from osteo_kg_server.http.endpoints import endpoint
from osteo_kg_server.http.parameters import LANGUAGE, language
from osteo_kg_server.service import service

_COMMENT, _MEDIA = "# ", "application/json"
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


@dataclass(frozen=True, slots=True)
class Example:
    """One question that comes with the service: its name, its sentence, and its text in SPARQL."""

    name: str
    sentence: BilingualText
    text: str


@functools.cache
def examples() -> dict[str, Example]:
    """Read every question that comes with the service, by its name."""
    files = sorted((root() / "examples" / "questions").glob("*.rq"))
    return {each.stem: _read(each) for each in files}


def _read(path: Path) -> Example:
    """Read a question, whose first two lines are its sentence in English and in French."""
    text = path.read_text(encoding="utf-8")
    english, french, *_ = (line.removeprefix(_COMMENT) for line in text.splitlines())
    return Example(path.stem, BilingualText(english, french), text)


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
