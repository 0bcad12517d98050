"""The description of the service, as OpenAPI 3.1: of every route what its view offers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from flask import current_app
from werkzeug.routing import Rule

from osteo_kg.json_schema import assessment_schema, record_schema
from osteo_kg.package_data import software_version
from osteo_kg_server.http import problems
from osteo_kg_server.http.endpoints import TEXT, EndpointSpec, Json, offer_of
from osteo_kg_server.http.negotiation import PAGE
from osteo_kg_server.service import Service

_PLACE = re.compile(r"<(?:\w+:)?(\w+)>")
_METHODS = ("GET", "POST", "PUT", "DELETE")
_WITH_PATH, _WITH_BODY, _WITH_CHOICE, _WITH_RIGHT = (
    {404},
    {400, 413, 415},
    {406},
    {"read": {401}, "write": {401, 403}, "hook": {401}},
)
_TOKEN = "token"
_DESCRIBED = {
    200: "The answer.",
    201: "It is kept, and is new.",
    204: "It is done.",
    303: "Another address has it.",
    304: "The client has it already.",
    401: "A token is wanted, and there is none that is taken; `WWW-Authenticate` says why.",
    403: "The token may not do this, or the graph is read only.",
    404: "There is no such thing.",
    406: "None of the formats accepted is offered.",
    412: "What is needed was not sent, or a graph is not what the request takes it for.",
    413: "More is asked or sent than is allowed.",
    415: "What is sent is of a type that is not read.",
    421: "The service is not known by this name.",
    422: "The case is refused; the report stands beside.",
    502: "The store behind the service does not answer.",
    503: "It took too long, or too much is asked at once.",
}
_ELSE = "What is sent cannot be read, or names what does not exist."


def description(service: Service) -> Json:
    """Describe every path of the app that answers this request."""
    knowledge_base = service.knowledge_base
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "osteo-kg",
            "version": software_version(),
            "description": "What a guideline says of a patient, and why. Not a medical device.",
        },
        "paths": _paths(_guarded(service)),
        "components": {
            "schemas": {
                "Record": record_schema(knowledge_base.knowledge.terms),
                "Assessment": assessment_schema(knowledge_base.knowledge, knowledge_base.engine().guideline),
                "Problem": _problem(),
            },
            "securitySchemes": {_TOKEN: {"type": "http", "scheme": "bearer"}},
        },
    }


def _problem() -> Json:
    kinds = [
        {"const": problems.PROBLEMS + name, "title": title, "description": f"{status.value} {status.phrase}"}
        for _, name, title, status in problems.KINDS
    ]
    other = {"const": "about:blank", "title": "Any other problem", "description": "as the status line says"}
    members = {"title": TEXT, "status": {"type": "integer"}, "detail": TEXT}
    type_ = {"type": "string", "oneOf": [*kinds, other]}
    return {"type": "object", "properties": {"type": type_, **members}, "required": ["type", *members]}


def _guarded(service: Service) -> frozenset[str]:
    """Give the rights that want a token."""
    read = {"read", "hook"} if service.settings.private else set()
    return frozenset({"write", *read, *({"hook"} if service.access.knows_clients else set())})


def _paths(guarded: frozenset[str]) -> Json:
    paths: Json = {}
    for rule in sorted(current_app.url_map.iter_rules(), key=lambda each: each.rule):
        view = current_app.view_functions[rule.endpoint]
        said = (view.__doc__ or "").partition("\n")[0]
        operation = _operation(said, rule, offer_of(view), guarded)
        path = paths.setdefault(_PLACE.sub(r"{\1}", rule.rule), {})
        for method in _METHODS:
            if method in (rule.methods or ()):
                path[method.lower()] = {"operationId": f"{method} {rule.rule}", **operation}
    return paths


def _operation(said: str, rule: Rule, offer: EndpointSpec, guarded: frozenset[str]) -> Json:
    in_path = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in _PLACE.findall(rule.rule)]
    in_query = [{"name": name, "in": "query", **each} for name, each in offer.parameters.items()]
    operation: Json = {"summary": said, "parameters": [*in_path, *in_query], "responses": _responses(offer, in_path)}
    if offer.bodies:
        content = {media: {"schema": schema} if schema else {} for media, schema in offer.bodies.items()}
        operation["requestBody"] = {"required": True, "content": content}
    if offer.right in guarded:
        operation["security"] = [{_TOKEN: []}]
    return operation


def _responses(offer: EndpointSpec, in_path: Iterable[Any]) -> Json:
    given = {status: _content(media, offer.schema) for status, media in offer.answers.items()}
    problem = {problems.MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}, PAGE: {}}
    return {
        str(status): {"description": _DESCRIBED.get(status, _ELSE), **given.get(status, {"content": problem})}
        for status in sorted({*given, *_refusals(offer, in_path)})
    }


def _content(media: tuple[str, ...], schema: Json) -> Json:
    if not media:
        return {}
    return {"content": {each: {"schema": schema} if schema and each == "application/json" else {} for each in media}}


def _refusals(offer: EndpointSpec, in_path: Iterable[Any]) -> set[int]:
    """Give the statuses of problems that follow from what is offered, and those that it names."""
    found = {int(each) for each in offer.problems}
    found |= _WITH_RIGHT[offer.right] if offer.right else set()
    found |= {421} if offer.right else set()
    found |= _WITH_PATH if list(in_path) else set()
    found |= _WITH_BODY if offer.bodies else set()
    found |= _WITH_CHOICE if any(len(media) > 1 for media in offer.answers.values()) else set()
    found |= {int(HTTPStatus.BAD_REQUEST)} if offer.parameters else set()
    return found
