"""`/sparql`: queries by the SPARQL 1.1 Protocol, over this dataset and nothing outside it."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from osteo_kg_server.negotiation import GRAPHS, best, body_format, negotiated
from osteo_kg_server.service import service

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
_BODIES = {"application/x-www-form-urlencoded": "form", "application/sparql-query": "query"}
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Accept-Language, Content-Type",
    "Access-Control-Expose-Headers": "X-Request-Id",
}
blueprint = Blueprint("sparql", __name__)


def register(app: Flask) -> None:
    """Let pages of any site ask, errors included."""
    app.after_request(_open_to_all)


@blueprint.get(PATH)
def by_get() -> Response:
    """Answer the query of the query string."""
    return _answer(request.args)


@blueprint.post(PATH)
def by_post() -> Response:
    """Answer the query of a form, or a body that is the query itself."""
    if body_format(_BODIES) == "form":
        if "query" in request.args:
            raise BadRequest("The query stands in the address of a form. Send it in the form, or by GET.")
        return _answer(request.form)
    try:
        query = request.get_data().decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The query is not text in UTF-8. Save it as UTF-8.") from error
    given = request.args.copy()
    given.add("query", query)
    return _answer(given)


def _answer(given: MultiDict[str, str]) -> Response:
    queries = given.getlist("query")
    if len(queries) != 1 or given.getlist("update"):
        raise BadRequest("One query is wanted, and no update. Send it as the parameter 'query'.")
    defaults, named = given.getlist("default-graph-uri"), given.getlist("named-graph-uri")
    result = service().dataset.query(
        queries[0],
        default_graphs=defaults if defaults or named else None,
        named_graphs=named if defaults or named else None,
    )
    offered = RESULTS[result.kind]
    media = best(offered)
    return negotiated(result.written(offered[media]), media)


def _open_to_all(response: Response) -> Response:
    if request.path == PATH:
        response.headers.update(_CORS)
    return response
