"""The description of the service, as OpenAPI 3.1."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from osteo_kg import assessment_schema, record_schema, software_version
from osteo_kg_server import answering, assessments, linked_data, negotiation, problems, sparql, validations
from osteo_kg_server.service import Service

_Json = dict[str, Any]
_TEXT: _Json = {"type": "string"}
_SAID = {
    "on": "Day of assessment, such as 2026-11-22; today where it is not given.",
    "assume-complete": "Sections whose emptiness means none: any of fractures,treatments,conditions.",
    "language": "Language of the sentences: en or fr.",
    "guideline": "Guideline to apply, by its id.",
}
_QUERY = {
    "query": "A SPARQL 1.1 query.",
    "default-graph-uri": "A graph of the default graph.",
    "named-graph-uri": "A named graph.",
}
_PAGES = {
    "/ns/{term}": "A term of the vocabulary.",
    "/ontology/{module}": "A module of the ontology.",
    "/guideline/{guideline}": "A guideline.",
    "/guideline/{guideline}/{part}": "A rule, a criterion or another part of a guideline.",
    "/situation/{guideline}/{key}": "What the guideline says of every patient in a situation.",
}


def description(service: Service) -> _Json:
    """Describe every path of the service."""
    knowledge_base = service.knowledge_base
    engine = knowledge_base.engine()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "osteo-kg",
            "version": software_version(),
            "description": "What a guideline says of a patient, and why. Not a medical device.",
        },
        "paths": _paths(),
        "components": {
            "schemas": {
                "Record": record_schema(knowledge_base.knowledge.terms),
                "Assessment": assessment_schema(knowledge_base.knowledge, engine.guideline),
                "Problem": {
                    "type": "object",
                    "properties": {"type": _kinds(), "title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT},
                    "required": ["type", "title", "status", "detail"],
                },
            }
        },
    }


def _kinds() -> _Json:
    """Describe each kind of problem by its IRI."""
    ours = [
        {"const": problems.PROBLEMS + name, "title": title, "description": f"{status.value} {status.phrase}"}
        for _, name, title, status in problems.KINDS
    ]
    other = {"const": "about:blank", "title": "Any other problem", "description": "as the status line says"}
    return {"type": "string", "oneOf": [*ours, other]}


def _paths() -> _Json:
    results = {media for offered in sparql.RESULTS.values() for media in offered}
    form = {"type": "object", "properties": dict.fromkeys(_QUERY, _TEXT), "required": ["query"]}
    asked = _operation("Answer a SPARQL query.", results, [_parameter(*each) for each in _QUERY.items()])
    asked["parameters"][0]["required"] = True
    sent = _operation("Answer a SPARQL query that is posted.", results)
    sent["requestBody"] = _content(
        {"application/x-www-form-urlencoded": {"schema": form}, "application/sparql-query": {"schema": _TEXT}}
    )
    return {
        "/sparql": {"get": asked, "post": sent},
        "/assessments": {"post": _posting("Assess cases; nothing is kept.", assessments.PARAMETERS, "Assessment")},
        "/validations": {"post": _posting("Validate cases; nothing is kept.", validations.PARAMETERS, None)},
        **{path: {"get": _page(path, said)} for path, said in _PAGES.items()},
        "/health": {"get": _operation("Whether the process answers.", ["application/json"])},
        "/ready": {"get": _operation("Whether the knowledge is loaded, and which.", ["application/json"])},
        "/openapi.json": {"get": _operation("This description.", ["application/json"])},
    }


def _page(path: str, said: str) -> _Json:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": _TEXT} for name in names]
    return _operation(said, linked_data.DESCRIPTIONS, [*parameters, _parameter("language", _SAID["language"])])


def _posting(said: str, parameters: Iterable[str], answer: str | None) -> _Json:
    operation = _operation(said, answering.ANSWERS, [_parameter(name, _SAID[name]) for name in parameters])
    if answer:
        one = {"$ref": f"#/components/schemas/{answer}"}
        operation["responses"]["200"]["content"]["application/json"]["schema"] = {
            "anyOf": [one, {"type": "array", "items": {"anyOf": [one, {"type": "object"}]}}]
        }
    bodies: dict[str, _Json] = {media: {} for media in negotiation.CASES}
    record = {"$ref": "#/components/schemas/Record"}
    bodies["application/json"] = {"schema": {"anyOf": [record, {"type": "array", "items": record}]}}
    operation["requestBody"] = _content(bodies)
    return operation


def _operation(said: str, media: Iterable[str], parameters: Iterable[_Json] = ()) -> _Json:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "summary": said,
        "parameters": list(parameters),
        "responses": {
            "200": {"description": "The answer.", "content": {each: {} for each in sorted(media)}},
            "default": {"description": "What is wrong, and what to do.", "content": problem},
        },
    }


def _parameter(name: str, said: str) -> _Json:
    return {"name": name, "in": "query", "description": said, "schema": _TEXT}


def _content(content: _Json) -> _Json:
    return {"required": True, "content": content}
