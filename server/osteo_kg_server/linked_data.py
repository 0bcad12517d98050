"""Every IRI of ours answers: a page for people, a graph for machines."""

from __future__ import annotations

import pyoxigraph as ox
from flask import Blueprint, Response, render_template
from werkzeug.exceptions import NotFound

from osteo_kg import UsageError, json_ld_context_document, situation_triples
from osteo_kg_server import pages
from osteo_kg_server.graphs import written_in
from osteo_kg_server.negotiation import GRAPHS, best, negotiated
from osteo_kg_server.pages import BASE
from osteo_kg_server.offers import offers
from osteo_kg_server.parameters import LANGUAGE, is_name, language
from osteo_kg_server.service import service

DESCRIPTIONS = {"text/html": "html", **GRAPHS}
CONTEXT = "context.jsonld"
_DEFINED_BY = "http://www.w3.org/2000/01/rdf-schema#isDefinedBy"
blueprint = Blueprint("linked_data", __name__)


@blueprint.get("/ns/<term>")
@offers("read", {200: DESCRIPTIONS}, parameters=LANGUAGE)
def term(term: str) -> Response:
    """Describe a term of the vocabulary."""
    return _resource(f"ns/{term}")


@blueprint.get("/guideline/<guideline>")
@offers("read", {200: DESCRIPTIONS}, parameters=LANGUAGE)
def guideline(guideline: str) -> Response:
    """Describe a guideline."""
    return _resource(f"guideline/{guideline}")


@blueprint.get("/guideline/<guideline>/<part>")
@offers("read", {200: DESCRIPTIONS}, parameters=LANGUAGE)
def part(guideline: str, part: str) -> Response:
    """Describe a rule, a criterion, an interpretation or another part of a guideline."""
    return _resource(f"guideline/{guideline}/{part}")


@blueprint.get("/ontology/<module>")
@offers("read", {200: DESCRIPTIONS}, parameters=LANGUAGE)
def module(module: str) -> Response:
    """Give a module of the ontology, as it was loaded; the page lists what it defines."""
    if module == CONTEXT:
        return _context()
    serving = service()
    files = serving.knowledge_base.knowledge.modules
    content = next((data for name, data in files.items() if name.removesuffix(".ttl").split("/")[-1] == module), None)
    if content is None:
        raise NotFound(f"There is no module {module!r} of the ontology.")
    media, iri = best(DESCRIPTIONS), f"{BASE}ontology/{module}"
    if media == "text/turtle":
        return negotiated(content, media)
    if media == "text/html":
        page = pages.described(serving, iri, serving.described(iri), language())
        defined = [pages.link(serving, each, page.language) for each in serving.subjects(_DEFINED_BY, iri)]
        return negotiated(render_template("resource.html", page=page, defined=defined, language=page.language), media)
    triples = (quad.triple for quad in ox.parse(content, format=ox.RdfFormat.TURTLE))
    return negotiated(written_in(triples, DESCRIPTIONS[media]), media)


@blueprint.get("/situation/<guideline>/<key>")
@offers("read", {200: DESCRIPTIONS}, parameters=LANGUAGE)
def situation(guideline: str, key: str) -> Response:
    """Describe a situation: what the guideline says of every patient who is in it."""
    serving, iri = service(), f"{BASE}situation/{guideline}/{key}"
    with serving.turn:
        try:
            if not is_name(guideline):
                raise UsageError("A guideline has no such name.")
            engine = serving.knowledge_base.engine(guideline)
            triples = list(situation_triples(engine, [engine.space.parse(key)]))
        except UsageError as error:
            raise NotFound("There is no such situation.") from error
    return _described(iri, triples)


def _context() -> Response:
    """Give the JSON-LD context that our answers name, to pages of any site."""
    response = Response(json_ld_context_document(), content_type="application/ld+json")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _resource(path: str) -> Response:
    try:
        triples = service().described(BASE + path)
    except ValueError:
        triples = []
    if not triples:
        raise NotFound("The ontology says nothing of this IRI.")
    return _described(BASE + path, triples)


def _described(iri: str, triples: list[ox.Triple]) -> Response:
    media = best(DESCRIPTIONS)
    if media != "text/html":
        return negotiated(written_in(triples, DESCRIPTIONS[media]), media)
    page = pages.described(service(), iri, triples, language())
    return negotiated(render_template("resource.html", page=page, defined=[], language=page.language), media)
