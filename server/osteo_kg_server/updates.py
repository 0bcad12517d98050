"""`/update`: SPARQL 1.1 Update by the SPARQL 1.1 Protocol, for those who may write."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from osteo_kg_server.negotiation import body, text
from osteo_kg_server.protocol import FORM, Given, base, given, seconds
from osteo_kg_server.service import service
from osteo_kg_server.store import Update
from osteo_kg_server.using import with_graphs

PATH = "/update"
PARAMETERS = ("update", "using-graph-uri", "using-named-graph-uri", "timeout")
BODIES = (FORM, "application/sparql-update")
blueprint = Blueprint("updates", __name__)


@blueprint.post(PATH)
def create() -> Response:
    """Carry out an update: whole, or not at all."""
    serving = service()
    serving.access.want("write")
    if request.mimetype not in BODIES:
        raise UnsupportedMediaType(f"An update is sent as one of: {', '.join(BODIES)}.")
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
    serving.store.update(Update(_with_graphs(updates[0], asked), seconds(asked, serving), base(serving)))
    return Response(status=204)


def _with_graphs(update: str, asked: Given) -> str:
    using, named = asked.graphs("using-graph-uri"), asked.graphs("using-named-graph-uri")
    return with_graphs(update, using or (), named or ()) if using or named else update
