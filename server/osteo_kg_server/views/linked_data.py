"""Every IRI of ours answers: a page for people, a graph for machines.

What an IRI of the vocabulary, of a guideline or of a situation names is no document: it answers 303 with the address of
one, which ends with its format (`/ns/Patient.ttl`). A module of the ontology is a document, and answers itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from urllib.parse import quote

import pyoxigraph as ox
from flask import Blueprint, Response, redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from osteo_kg import UsageError
from osteo_kg.dataset import GRAPH
from osteo_kg.decision_table import situation_triples
from osteo_kg.package_data import json_ld_context_document
from osteo_kg.rdf import GUIDELINE, OSTEO, OWL, RDF
from osteo_kg_server.http.endpoints import endpoint
from osteo_kg_server.http.negotiation import GRAPHS, PAGE, best, negotiated, preferred, written_in
from osteo_kg_server.http.parameters import WISHES, is_name, language
from osteo_kg_server.pages.knowledge.guideline import guideline_page
from osteo_kg_server.pages.knowledge.links import BASE
from osteo_kg_server.pages.knowledge.ontology import module_page
from osteo_kg_server.pages.knowledge.situation import situation_page
from osteo_kg_server.pages.knowledge.term import resource_page
from osteo_kg_server.pages.patient.view import form_page
from osteo_kg_server.service import service

DESCRIPTIONS = {PAGE: "html", **GRAPHS}
CONTEXT = "context.jsonld"
#: What the address of a document ends with, by its format, and the media type it is then given as.
EXTENSIONS = {
    "html": "html",
    "turtle": "ttl",
    "ntriples": "nt",
    "jsonld": "jsonld",
    "rdfxml": "rdf",
    "nquads": "nq",
    "trig": "trig",
}
_MEDIA = {EXTENSIONS[format_name]: media for media, format_name in reversed(DESCRIPTIONS.items())}
_GIVEN = {200: DESCRIPTIONS, 303: (), 304: ()}
_FRESH = 3600  # seconds for which a document need not be asked for again
blueprint = Blueprint("linked_data", __name__)


@blueprint.get("/")
@endpoint("read", _GIVEN, parameters=WISHES)
def home() -> AnyResponse:
    """Give the form of a patient; machines are led to what this dataset holds."""
    if best(DESCRIPTIONS) != PAGE:
        return _see_other("/.well-known/void")
    return form_page(language())


@blueprint.get("/ns/<term>")
@endpoint("read", _GIVEN, parameters=WISHES)
def term(term: str) -> AnyResponse:
    """Describe a term of the vocabulary."""
    return _thing(f"ns/{term}", _resource)


@blueprint.get("/guideline/<guideline>")
@endpoint("read", _GIVEN, parameters=WISHES)
def guideline(guideline: str) -> AnyResponse:
    """Describe a guideline."""
    return _thing(f"guideline/{guideline}", _resource)


@blueprint.get("/guideline/<guideline>/<part>")
@endpoint("read", _GIVEN, parameters=WISHES)
def part(guideline: str, part: str) -> AnyResponse:
    """Describe a rule, a criterion, an interpretation or another part of a guideline."""
    return _thing(f"guideline/{guideline}/{part}", _resource)


@blueprint.get("/situation/<guideline>/<key>")
@endpoint("read", _GIVEN, parameters=WISHES)
def situation(guideline: str, key: str) -> AnyResponse:
    """Describe a situation: what the guideline says of every patient who is in it."""
    return _thing(f"situation/{guideline}/{key}", _situation)


@blueprint.get("/graph/<path:name>")
@endpoint("read", {303: ()})
def graph(name: str) -> AnyResponse:
    """Lead to the triples of a named graph."""
    kind, _, patient = name.partition("/")
    guideline, _, rest = patient.partition("/")
    if kind == "inferred" and rest and GUIDELINE + guideline in service().subjects(RDF.type, OSTEO.Guideline.value):
        kind, patient = f"{kind}/{guideline}", rest
    iri = f"{GRAPH}{kind}/{quote(patient, safe='')}" if patient else GRAPH + kind
    return _see_other(f"/store?graph={quote(iri, safe='')}")


@blueprint.get("/ontology/<module>")
@blueprint.get("/ontology/<module>/<version>")
@endpoint("read", _GIVEN, parameters=WISHES)
def module(module: str, version: str | None = None) -> AnyResponse:
    """Give a module of the ontology, as it was loaded; the page lists what it defines."""
    if module == CONTEXT:
        return _context()
    stem, media = _document(module)
    if not is_name(stem):
        raise NotFound("There is no such module of the ontology.")
    iri, triples = f"{BASE}ontology/{stem}", service().knowledge_base.knowledge.triples
    if version is not None and triples.value(iri, OWL.versionIRI) != f"{iri}/{version}":
        raise NotFound("This version of the module is not loaded.")
    return _kept(lambda: _module(stem, media or best(DESCRIPTIONS)))


def _module(name: str, media: str) -> Response:
    serving, iri = service(), f"{BASE}ontology/{name}"
    content = serving.modules.get(iri)
    if content is None:
        raise NotFound("There is no such module of the ontology.")
    if DESCRIPTIONS[media] == "turtle":
        return negotiated(content, media)
    if media == PAGE:
        return module_page(iri)
    triples = (quad.triple for quad in ox.parse(content, format=ox.RdfFormat.TURTLE))
    return negotiated(written_in(triples, DESCRIPTIONS[media]), media)


def _thing(path: str, triples_of: Callable[[str], list[ox.Triple]]) -> AnyResponse:
    """Lead from a thing to the document that describes it, or give that document."""
    stem, media = _document(path)
    triples = triples_of(stem)
    if media is None:
        address = "/" + quote(f"{stem}.{EXTENSIONS[DESCRIPTIONS[best(DESCRIPTIONS)]]}", safe="/;=")
        return _see_other(f"{address}?language={language()}" if "language" in request.args else address)
    return _kept(lambda: _described(BASE + stem, triples, media))


def _document(path: str) -> tuple[str, str | None]:
    """Split what an address ends with, and give the media type it stands for, by the name that the caller likes."""
    stem, dot, extension = path.rpartition(".")
    if not dot or extension not in _MEDIA:
        return path, None
    usual = _MEDIA[extension]
    names = tuple(media for media, format_name in DESCRIPTIONS.items() if format_name == DESCRIPTIONS[usual])
    return stem, preferred(request.headers.get("Accept", ""), names) or usual


def _resource(path: str) -> list[ox.Triple]:
    try:
        triples = service().described(BASE + path)
    except ValueError:
        triples = []
    if not triples:
        raise NotFound("The ontology says nothing of this IRI.")
    return triples


def _situation(path: str) -> list[ox.Triple]:
    _, guideline, key = path.split("/", 2)
    serving = service()
    with serving.lock:
        try:
            if not is_name(guideline):
                raise UsageError("A guideline has no such name.")
            engine = serving.knowledge_base.engine(guideline)
            return list(situation_triples(engine, [engine.space.parse(key)]))
        except UsageError as error:
            raise NotFound("There is no such situation.") from error


def _described(iri: str, triples: list[ox.Triple], media: str) -> Response:
    if media != PAGE:
        return negotiated(written_in(triples, DESCRIPTIONS[media]), media)
    kind = next((kind for kind in _PAGES if any(t.predicate == RDF.type and t.object == kind for t in triples)), None)
    return _PAGES.get(kind, resource_page)(iri)


_PAGES: dict[ox.NamedNode | None, Callable[[str], Response]] = {
    OSTEO.Guideline: guideline_page,
    OSTEO.Situation: situation_page,
}


def _context() -> Response:
    return _kept(lambda: Response(json_ld_context_document(), content_type="application/ld+json"))


def _see_other(address: str) -> AnyResponse:
    response = redirect(address, 303)
    response.headers["Vary"] = "Accept, Accept-Language"
    return response


def _kept(made: Callable[[], Response]) -> Response:
    """Give a document that stays the same as long as the knowledge does, or say that the client's is still right."""
    serving = service()
    wanted = (serving.knowledge_base.knowledge.digest, request.full_path, request.headers.get("Accept", ""), language())
    tag = hashlib.sha256("\n".join(wanted).encode("utf-8")).hexdigest()[:24]
    fresh = f"{'private' if serving.settings.private else 'public'}, max-age={_FRESH}"
    if request.if_none_match.contains_weak(tag):
        return Response(status=304, headers={"ETag": f'"{tag}"', "Cache-Control": fresh})
    response = made()
    response.set_etag(tag)
    response.headers["Cache-Control"] = fresh
    return response
