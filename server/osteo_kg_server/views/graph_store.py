"""`/store`: graphs as a whole, by the SPARQL 1.1 Graph Store HTTP Protocol.

A graph is named by the parameter `graph`, by `default`, or by its own address below `/store/`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from itertools import islice

import pyoxigraph as ox
from flask import Blueprint, Response, request
from werkzeug.datastructures import ETags
from werkzeug.exceptions import BadRequest, NotFound, PreconditionFailed, UnsupportedMediaType

from osteo_kg.rdf import GRAPH_FORMATS, KNOWN_PREFIXES, read_triples
from osteo_kg_server.http.endpoints import endpoint, word
from osteo_kg_server.http.negotiation import (
    GRAPH_BODIES,
    GRAPHS,
    best,
    body,
    body_format,
    content_type,
    negotiated,
    text,
    written_in,
)
from osteo_kg_server.http.parameters import checked_iri, given
from osteo_kg_server.service import Service, service
from osteo_kg_server.store import Change
from osteo_kg_server.store.base import DEFAULT_GRAPH

PATH = "/store"
#: Media types of what can be put, with the reader of each.
BODIES = {media: format_name for media, format_name in GRAPH_BODIES.items() if format_name not in ("nquads", "trig")}
_FORMS = "multipart/form-data"
_IN_PARTS = ("turtle", "ntriples", "nquads", "trig")  # formats of which documents can be put behind one another
_PART = 10_000  # triples
_NAMES = {
    "graph": word("IRI of the graph, where its address does not name it.", format="iri"),
    "default": word("The graph without a name, whatever the value.", enum=[""]),
}
_SENT = {**{media: {} for media in BODIES}, _FORMS: {"type": "object"}}
_UNWELL = (502, 503)
_CACHED = {"Cache-Control": "private, no-cache", "Vary": "Accept, Accept-Encoding"}
blueprint = Blueprint("graph_store", __name__)


@blueprint.get(PATH)
@blueprint.get(f"{PATH}/<path:path>")
@endpoint("read", {200: GRAPHS, 304: ()}, parameters=_NAMES, problems=(404, *_UNWELL))
def read(path: str = "") -> Response:
    """Give a graph as it was written; without a name, every graph that there is."""
    serving = service()
    name = _named(serving)
    if name is None:
        media = best({media: format_name for media, format_name in GRAPHS.items() if format_name in ("trig", "nquads")})
        return _sent(serving, [DEFAULT_GRAPH, *serving.store.names()], media)
    if not serving.store.exists(name):
        raise NotFound("There is no such graph.")
    return _sent(serving, [name], best(GRAPHS))


@blueprint.put(PATH)
@blueprint.put(f"{PATH}/<path:path>")
@endpoint("write", {201: (), 204: ()}, parameters=_NAMES, bodies=_SENT, problems=(412, *_UNWELL))
def replace(path: str = "") -> Response:
    """Have a graph hold what is sent, and nothing else."""
    serving = service()
    name = _wanted(serving)
    triples = _posted(name or serving.url(PATH))
    return _written(serving, name, Change(cleared=frozenset({name}), added={name: triples}, created=frozenset({name})))


@blueprint.post(PATH)
@blueprint.post(f"{PATH}/<path:path>")
@endpoint("write", {201: (), 204: ()}, parameters=_NAMES, bodies=_SENT, problems=(412, *_UNWELL))
def merge(path: str = "") -> Response:
    """Add what is sent to a graph; without a name, to a new one."""
    serving = service()
    name = _named(serving)
    new = serving.url(f"{PATH}/{uuid.uuid4()}") if name is None else name
    triples = _posted(new or serving.url(PATH))
    response = _written(serving, new, Change(added={new: triples}, created=frozenset({new})))
    if response.status_code == 201:
        response.headers["Location"] = new
    return response


@blueprint.delete(PATH)
@blueprint.delete(f"{PATH}/<path:path>")
@endpoint("write", {204: ()}, parameters=_NAMES, problems=(404, 412, *_UNWELL))
def delete(path: str = "") -> Response:
    """Take a graph away."""
    serving = service()
    name = _wanted(serving)

    def decide() -> Change:
        if not serving.store.exists(name):
            raise NotFound("There is no such graph.")
        _hold_to_conditions(serving, name)
        return Change(cleared=frozenset({name}))

    serving.store.change(decide)
    return Response(status=204)


def _written(serving: Service, name: str, change: Change) -> Response:
    new = False

    def decide() -> Change:
        nonlocal new
        _hold_to_conditions(serving, name)
        new = not serving.store.exists(name)
        return change

    serving.store.change(decide)
    return Response(status=201 if new else 204)


def _hold_to_conditions(serving: Service, name: str) -> None:
    """Write only where the graph is what the client takes it for (RFC 9110 section 13), while nobody else writes.

    Raises:
        PreconditionFailed: it is another, is not there, or is there already.
    """
    states = {_tag(serving, format_name) for format_name in GRAPHS.values()} if serving.store.exists(name) else set()

    def is_one_of(tags: ETags) -> bool:
        return bool(states) and (tags.star_tag or any(map(tags.contains_weak, states)))

    wanted, unwanted = request.if_match, request.if_none_match
    if (wanted and not is_one_of(wanted)) or (unwanted and is_one_of(unwanted)):
        raise PreconditionFailed(
            "The graph is not what If-Match or If-None-Match says, and nothing was written. Fetch it, and decide anew."
        )


def _tag(serving: Service, format_name: str) -> str:
    return f"{serving.store.generation}-{format_name}"


def _wanted(serving: Service) -> str:
    name = _named(serving)
    if name is None:
        raise BadRequest("No graph is named. Add ?default, or ?graph= and its IRI.")
    return name


def _named(serving: Service) -> str | None:
    """Give the graph that this request names, or None where it names none."""
    asked = given()
    name, default = asked.one("graph"), asked.all("default")
    if request.path.rstrip("/") != PATH:
        if name is not None or default:
            raise BadRequest("A graph is named by its address and by a parameter. Name it once.")
        return checked_iri(serving.url(request.path))
    if name is not None and default:
        raise BadRequest("One graph is wanted: the default one, or that of an IRI.")
    if default:
        return DEFAULT_GRAPH
    return None if name is None else checked_iri(name)


def _posted(base: str) -> list[ox.Triple]:
    """Read the triples of the body, or of every file of a form."""
    if request.mimetype != _FORMS:
        return read_triples(text(body()), body_format(BODIES), "The body", base)
    if request.content_encoding not in (None, "", "identity"):
        raise UnsupportedMediaType("A packed form is not read. Send it as it is.")
    files = [file for name in request.files for file in request.files.getlist(name)]
    if not files:
        raise BadRequest("The form holds no file. Send each graph as a file of the form.")
    triples = []
    for file in files:
        if file.mimetype not in BODIES:
            raise UnsupportedMediaType(f"A file of the form has no type that is read: {', '.join(BODIES)}.")
        triples += read_triples(text(file.read()), BODIES[file.mimetype], "A file of the form", base)
    return triples


def _sent(serving: Service, names: list[str], media: str) -> Response:
    format_name = GRAPHS[media]
    tag = _tag(serving, format_name)
    if request.if_none_match.contains_weak(tag):
        return Response(status=304, headers={"ETag": f'"{tag}"', **_CACHED})
    quads = (
        ox.Quad(each.subject, each.predicate, each.object, ox.NamedNode(name) if name and len(names) > 1 else None)
        for name in names
        for each in serving.store.triples(name)
    )
    if format_name in _IN_PARTS:
        response = Response(_in_parts(quads, format_name), content_type=content_type(media))
        response.headers["Vary"] = "Accept, Accept-Encoding"
    else:
        response = negotiated(written_in((quad.triple for quad in quads), format_name), media)
    response.headers["ETag"] = f'"{tag}"'
    response.headers.update(_CACHED)
    return response


def _in_parts(quads: Iterable[ox.Quad], format_name: str) -> Iterator[bytes]:
    remaining, prefixes = iter(quads), KNOWN_PREFIXES if format_name in ("turtle", "trig") else None
    while part := list(islice(remaining, _PART)):
        sent = part if format_name in ("nquads", "trig") else [quad.triple for quad in part]
        yield ox.serialize(sent, format=GRAPH_FORMATS[format_name], prefixes=prefixes) or b""
