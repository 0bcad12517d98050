"""`/update`: SPARQL 1.1 Update by the SPARQL 1.1 Protocol, for those who may write."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from osteo_kg_server import logs
from osteo_kg_server.negotiation import body, text
from osteo_kg_server.offers import TEXT, Json, offers, word, words
from osteo_kg_server.protocol import FORM, Given, base, given, seconds
from osteo_kg_server.service import service
from osteo_kg_server.store import Update
from osteo_kg_server.using import with_graphs

PATH = "/update"
_ASKED = {
    "using-graph-uri": words("A graph of the default graph.", format="iri"),
    "using-named-graph-uri": words("A named graph.", format="iri"),
    "timeout": word("Seconds after which the update is stopped; the service may allow fewer."),
}
_FORM: Json = {
    "type": "object",
    "properties": {"update": TEXT, **{name: each["schema"] for name, each in _ASKED.items()}},
    "required": ["update"],
}
BODIES: dict[str, Json] = {FORM: _FORM, "application/sparql-update": TEXT}
blueprint = Blueprint("updates", __name__)


@blueprint.post(PATH)
@offers("write", {204: ()}, parameters=_ASKED, bodies=BODIES, problems=(502, 503))
def create() -> Response:
    """Carry out an update: whole, or not at all."""
    serving = service()
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
    logs.asked(updates[0])
    serving.store.update(Update(_with_graphs(updates[0], asked), seconds(asked, serving), base(serving)))
    return Response(status=204)


def _with_graphs(update: str, asked: Given) -> str:
    using, named = asked.graphs("using-graph-uri"), asked.graphs("using-named-graph-uri")
    return with_graphs(update, using or (), named or ()) if using or named else update
