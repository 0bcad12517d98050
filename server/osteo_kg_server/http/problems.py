"""Errors as problem documents (RFC 9457), mapped once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from osteo_kg import (
    KnowledgeError,
    Language,
    OsteoError,
    QueryError,
    RefusedCaseError,
    UnreadableCaseError,
    UnwritableError,
    UsageError,
)
from osteo_kg_server import logs
from osteo_kg_server.http.negotiation import PAGE, negotiated, wants_a_page
from osteo_kg_server.http.parameters import language_or_english
from osteo_kg_server.store import BusyError, DeadlineError, ProtectedError, StoreUnavailableError, TooLargeError

PROBLEMS = "https://w3id.org/osteo-kg/problem/"
MEDIA = "application/problem+json"
#: The kinds of problem that are ours: the error of the library, the end of the type's IRI, title, status.
KINDS: tuple[tuple[type[OsteoError], str, str, HTTPStatus], ...] = (
    (UnreadableCaseError, "unreadable-case", "The case cannot be read", HTTPStatus.BAD_REQUEST),
    (RefusedCaseError, "refused-case", "The case is refused", HTTPStatus.UNPROCESSABLE_ENTITY),
    (QueryError, "refused-query", "The query is not answered", HTTPStatus.BAD_REQUEST),
    (DeadlineError, "deadline-passed", "The time was not enough", HTTPStatus.SERVICE_UNAVAILABLE),
    (BusyError, "busy", "Too much is asked at once", HTTPStatus.SERVICE_UNAVAILABLE),
    (TooLargeError, "too-large", "More is asked than is allowed", HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (ProtectedError, "read-only-graph", "The graph is read only", HTTPStatus.FORBIDDEN),
    (StoreUnavailableError, "store-unavailable", "The store does not answer", HTTPStatus.BAD_GATEWAY),
    (UnwritableError, "unwritable-result", "The format cannot hold the result", HTTPStatus.NOT_ACCEPTABLE),
    (UsageError, "unknown-name", "A parameter names what does not exist", HTTPStatus.BAD_REQUEST),
    (KnowledgeError, "knowledge-at-fault", "The knowledge is at fault", HTTPStatus.INTERNAL_SERVER_ERROR),
)


def register(app: Flask) -> None:
    """Answer every error of the app with a problem document."""
    app.register_error_handler(OsteoError, _from_library)
    app.register_error_handler(HTTPException, _from_http)
    app.register_error_handler(Exception, _unforeseen)


def _from_library(error: OsteoError) -> Response:
    document, headers = told(error)
    response = _problem(document)
    response.headers.update(headers)
    return response


def told(error: OsteoError) -> tuple[dict[str, Any], dict[str, str]]:
    """Give the problem document of an error of the library, and the headers that go with it; it is logged."""
    logs.ended_by(error)
    for kind, name, title, status in KINDS:
        if isinstance(error, kind):
            if status is HTTPStatus.INTERNAL_SERVER_ERROR:
                logs.failure(error)
            members = error.report.to_json(language_or_english()) if isinstance(error, RefusedCaseError) else {}
            if isinstance(error, QueryError) and error.place:
                members = {"line": error.place[0], "column": error.place[1]}
            document = _document(PROBLEMS + name, title, status, str(error), members)
            return document, {"Retry-After": "5"} if isinstance(error, BusyError) else {}
    return _of_the_service(error), {}


def _from_http(error: HTTPException) -> Response:
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    response = _problem(_document("about:blank", status.phrase, status, _detail(error) or status.phrase))
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value
    return response


def _detail(error: HTTPException) -> str | None:
    if isinstance(error, MethodNotAllowed):
        return f"{request.method} is not allowed here. Use one of: {', '.join(sorted(error.valid_methods or ()))}."
    return error.description


def _unforeseen(error: Exception) -> Response:
    return _problem(_of_the_service(error))


def _of_the_service(error: Exception) -> dict[str, Any]:
    logs.failure(error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _document("about:blank", status.phrase, status, "This is an error of the service. Nothing was decided.")


def _document(
    type_: str, title: str, status: HTTPStatus, detail: str, members: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    return {"type": type_, "title": title, "status": status.value, "detail": detail, **(members or {})}


def _problem(document: Mapping[str, Any]) -> Response:
    if wants_a_page():
        response = negotiated(written(current_app, document, PAGE, language_or_english()), PAGE)
        response.status_code = document["status"]
    else:
        response = Response(written(current_app, document, MEDIA), document["status"], content_type=MEDIA)
        response.headers["Vary"] = "Accept, Accept-Encoding"
    response.headers["Cache-Control"] = "no-store"
    return response


def written(app: Flask, document: Mapping[str, Any], media: str, language: Language = "en") -> str:
    """Write a problem as a page or as a document, in a request or before there is one."""
    if media == PAGE:
        return app.jinja_env.get_template("problem.html").render(problem=document, language=language)
    return json.dumps(document, ensure_ascii=False)
