"""`/sparql` and `/update`: the SPARQL 1.1 Protocol, over this dataset and nothing outside it."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest, NotAcceptable, UnsupportedMediaType

from osteo_kg import OsteoError
from osteo_kg.dataset import told_unknown, unknown_terms
from osteo_kg.rdf import Cursor, is_repeatable, tokens
from osteo_kg_server import logs
from osteo_kg_server.http.endpoints import TEXT, Json, endpoint, word, words
from osteo_kg_server.http.negotiation import (
    GRAPHS,
    PAGE,
    accepts_a_page,
    body,
    content_type,
    preferred,
    text,
    wants_a_page,
    wishes,
)
from osteo_kg_server.http.parameters import FORM, PARAMETERS, Given, base, given, seconds
from osteo_kg_server.pages.question import page as question
from osteo_kg_server.service import QueryService, query_service, service
from osteo_kg_server.store import NotOfferedError, Query, Update
from osteo_kg_server.views import service_description

PATH = "/sparql"
#: Media types of results by their kind, with the format each is written in.
RESULTS = {
    "graph": GRAPHS,
    "boolean": {
        "application/sparql-results+json": "json",
        "application/json": "json",
        "application/sparql-results+xml": "xml",
        "application/xml": "xml",
    },
}
RESULTS["solutions"] = {**RESULTS["boolean"], "text/csv": "csv", "text/tab-separated-values": "tsv"}
RESULTS = {kind: {**offered, PAGE: "html"} for kind, offered in RESULTS.items()}
_ASKED = {
    "default-graph-uri": words("A graph of the default graph.", format="iri"),
    "named-graph-uri": words("A named graph.", format="iri"),
    "timeout": word("Seconds after which the query is stopped; the service may allow fewer."),
    **dict.fromkeys(("format", "output"), PARAMETERS["format"]),
    "first": question.PARAMETERS["first"],
}
_QUERY = {"query": word("A SPARQL 1.1 query; without one the service describes itself.")}
_FORM: Json = {
    "type": "object",
    "properties": {name: each["schema"] for name, each in {**_QUERY, **_ASKED}.items()},
    "required": ["query"],
}
BODIES: dict[str, Json] = {FORM: _FORM, "application/sparql-query": TEXT}
_ANSWERS = {media for offered in RESULTS.values() for media in offered}
#: That an IRI is named in what is loaded, and that it is declared there.
_NAMED = "{{ {iri} ?p ?o }} UNION {{ ?s {iri} ?o }} UNION {{ ?s ?p {iri} }}"
_DECLARED = "{iri} a ?kind"
_VARIES = {"Vary": "Accept, Accept-Encoding"}
_PROBLEMS = (413, 502, 503)
blueprint = Blueprint("sparql", __name__)


@blueprint.get(PATH)
@endpoint(
    "read",
    {200: sorted(_ANSWERS), 304: ()},
    parameters={**_QUERY, **question.PARAMETERS, **_ASKED},
    problems=(404, *_PROBLEMS),
)
def by_get() -> Response:
    """Answer the query of the query string; without one, describe the service."""
    asked = given()
    if not request.query_string:
        return service_description.described()
    queries = asked.all("query") + question.named(asked)
    if not queries and not asked.all("update") and wants_a_page():
        return question.asking()
    return _answer(asked, queries)


@blueprint.post(PATH)
@endpoint("read", {200: sorted(_ANSWERS)}, parameters=_ASKED, bodies=BODIES, problems=_PROBLEMS)
def by_post() -> Response:
    """Answer the query of a form, or a body that is the query itself."""
    if request.mimetype not in BODIES:
        raise UnsupportedMediaType(f"A query is sent as one of: {', '.join(BODIES)}.")
    asked = given()
    if request.mimetype == FORM:
        if asked.all("query"):
            raise BadRequest("The query stands in the address of a form. Send it in the form, or by GET.")
        asked = given(body())
        return _answer(asked, asked.all("query"))
    if asked.all("query"):
        raise BadRequest("There is a query in the address and one in the body. Send one.")
    return _answer(asked, (text(body()),))


def _answer(asked: Given, queries: tuple[str, ...]) -> Response:
    if len(queries) != 1 or asked.all("update"):
        raise BadRequest("One query is wanted, and no update. Send it as the parameter 'query'.")
    serving = query_service()
    logs.asked(queries[0])
    is_tagged, now = request.method != "POST" and is_repeatable(queries[0]), serving.store.generation
    if is_tagged and "HTTP_IF_NONE_MATCH" in request.environ and request.if_none_match.contains_weak(_tag(now)):
        return Response(status=304, headers={**_tagged(now), **_VARIES})
    accepted = wishes({name: value for name in ("format", "output") for value in asked.all(name)})
    media, formats = _chosen(accepted)
    query = Query(
        text=queries[0],
        formats=formats,
        default_graphs=asked.graphs("default-graph-uri"),
        named_graphs=asked.graphs("named-graph-uri"),
        seconds=seconds(asked, serving),
        base=base(serving),
        first=question.first_row(asked) if PAGE in media.values() else 0,
    )
    try:
        answer = serving.store.query(query)
    except NotOfferedError as error:
        offered = ", ".join(RESULTS[error.kind])
        raise NotAcceptable(f"None of the accepted types is offered. Accept one of: {offered}.") from error
    except OsteoError as error:
        if not accepts_a_page(accepted):
            raise
        return question.refused(error, queries[0])
    chosen = media[answer.kind] or ""
    sent = answer.chunks if answer.body is None else answer.body
    warnings = told_unknown(_unstated(serving, queries[0]), serving.terms)
    again = _tagged(answer.generation or now) if is_tagged else {}
    if chosen == PAGE:
        told = b"".join(answer.chunks) if answer.body is None else answer.body
        response = question.answered(queries[0], answer.kind, told, warnings)
        response.headers.update(again)
    else:  # all headers at once: each that is set afterwards costs as much as a parameter
        response = Response(sent, headers={"Content-Type": content_type(chosen), **_VARIES, **again})
    if answer.body is None:
        response.call_on_close(answer.close)
    return _warned(response, warnings)


def _warned(response: Response, warnings: Iterable[str]) -> Response:
    for warning in warnings:
        response.headers.add("Warning", f'299 - "{warning.encode("ascii", "replace").decode()}"')
    return response


def _unstated(serving: QueryService, text: str) -> list[str]:
    """Give the terms of our vocabulary in a text that the ontology does not have, and nothing that is loaded names."""
    unknown = unknown_terms(text, serving.terms) if serving.terms else []
    return [iri for iri in unknown if not _holds(serving, _NAMED, iri)]


def _holds(serving: QueryService, pattern: str, iri: str) -> bool:
    text = f"ASK {{ {pattern.format(iri=f'<{iri}>')} }}"
    asked = Query(text, {"boolean": "json"}, None, None, serving.settings.limits.seconds, base(serving))
    try:
        return json.loads(serving.store.query(asked).body or b"{}").get("boolean") is True
    except OsteoError:  # it is a warning that depends on it, and no answer
        return False


@functools.lru_cache(256)
def _chosen(accepted: str) -> tuple[dict[str, str | None], dict[str, str]]:
    """Give the media type and the format for each kind of result, by what is accepted."""
    media = {kind: preferred(accepted, tuple(types)) for kind, types in RESULTS.items()}
    return media, {kind: RESULTS[kind][chosen] for kind, chosen in media.items() if chosen}


def _tagged(generation: str) -> dict[str, str]:
    return {"ETag": f'"{_tag(generation)}"', "Cache-Control": "private, no-cache"}


def _tag(generation: str) -> str:
    """Name what is asked of a content."""
    environ = request.environ
    wished = (environ.get(name, "") for name in ("HTTP_ACCEPT", "HTTP_ACCEPT_LANGUAGE", "QUERY_STRING"))
    named = "\n".join((generation, environ.get("HTTP_HOST", ""), *wished))
    return hashlib.blake2b(named.encode("utf-8"), digest_size=16).hexdigest()


# `/update`: SPARQL 1.1 Update by the SPARQL 1.1 Protocol, for those who may write.

UPDATE_PATH = "/update"
_ASKED_OF_AN_UPDATE = {
    "using-graph-uri": words("A graph of the default graph.", format="iri"),
    "using-named-graph-uri": words("A named graph.", format="iri"),
    "timeout": word("Seconds after which the update is stopped; the service may allow fewer."),
}
_UPDATE_FORM: Json = {
    "type": "object",
    "properties": {"update": TEXT, **{name: each["schema"] for name, each in _ASKED_OF_AN_UPDATE.items()}},
    "required": ["update"],
}
UPDATE_BODIES: dict[str, Json] = {FORM: _UPDATE_FORM, "application/sparql-update": TEXT}


@blueprint.post(UPDATE_PATH)
@endpoint("write", {204: ()}, parameters=_ASKED_OF_AN_UPDATE, bodies=UPDATE_BODIES, problems=(502, 503))
def update() -> Response:
    """Carry out an update: whole, or not at all."""
    serving = service()
    if request.mimetype not in UPDATE_BODIES:
        raise UnsupportedMediaType(f"An update is sent as one of: {', '.join(UPDATE_BODIES)}.")
    asked = given()
    if asked.all("update"):
        raise BadRequest("The update stands in the address. Send it in the body.")
    if request.mimetype == FORM:
        asked = given(body())
        updates = asked.all("update")
    else:
        updates = (text(body()),)
    if len(updates) != 1 or asked.all("query"):
        raise BadRequest("One update is wanted, and no query. Send it as the parameter 'update'.")
    logs.asked(updates[0])
    unknown = _unstated(serving, updates[0])
    serving.store.update(Update(_with_graphs(updates[0], asked), seconds(asked, serving), base(serving)))
    unknown = [iri for iri in unknown if not _holds(serving, _DECLARED, iri)]
    return _warned(Response(status=204), told_unknown(unknown, serving.terms))


def _with_graphs(update: str, asked: Given) -> str:
    using, named = asked.graphs("using-graph-uri"), asked.graphs("using-named-graph-uri")
    return with_graphs(update, using or (), named or ()) if using or named else update


# the graphs of an update request, put into its text: Oxigraph has no other way to be told of them


def with_graphs(update: str, using: tuple[str, ...], named: tuple[str, ...]) -> str:
    """Have every `WHERE` of an update ask these graphs (SPARQL 1.1 Protocol section 2.2.3).

    Raises:
        BadRequest: the update names graphs itself, with `USING` or `WITH`.
    """
    if any(token.is_word("USING", "WITH") for token in tokens(update)):
        raise BadRequest("The update names graphs with USING or WITH, and so does its address. Name them in one place.")
    clauses = "".join([*(f"USING <{name}> " for name in using), *(f"USING NAMED <{name}> " for name in named)])
    cursor, parts, written = Cursor(update), [], 0
    while (token := cursor.next) is not None:
        if cursor.skip("DELETE", "WHERE"):  # short for DELETE { P } WHERE { P }, which has room for USING
            pattern = cursor.braced()
            if pattern is not None:
                content = cursor.text_between(*pattern)
                parts += [update[written : token.start], f"DELETE {{{content}}} {clauses}WHERE {{{content}}}"]
                written = _end(cursor)
        elif cursor.skip("INSERT", "DATA") or cursor.skip("DELETE", "DATA"):
            cursor.braced()
        elif cursor.skip("INSERT") or cursor.skip("DELETE"):
            cursor.braced()
            if cursor.next is not None and not cursor.next.is_word("INSERT"):
                parts += [update[written : cursor.next.start], clauses]
                written = cursor.next.start
        else:
            cursor.take()
    return "".join([*parts, update[written:]])


def _end(cursor: Cursor) -> int:
    return cursor.tokens_between(cursor.at - 1, cursor.at)[0].end
