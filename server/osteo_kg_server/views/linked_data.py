"""Every IRI of ours answers: a page for people, a graph for machines.

What an IRI of the vocabulary, of a guideline or of a situation names is no document: it answers 303 with the address of
one, which ends with its format (`/ns/Patient.ttl`). A module of the ontology is a document, and answers itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import pyoxigraph as ox
from flask import Blueprint, Response, redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from osteo_kg import Language, UsageError
from osteo_kg.dataset import GRAPH
from osteo_kg.decision_table import situation_triples
from osteo_kg.package_data import json_ld_context_document
from osteo_kg.rdf import DCTERMS, GUIDELINE, OSTEO, OWL, RDF, RDFS, SKOS
from osteo_kg_server.http.endpoints import endpoint
from osteo_kg_server.http.negotiation import GRAPHS, PAGE, best, negotiated, preferred, written_in
from osteo_kg_server.http.parameters import WISHES, is_name, language
from osteo_kg_server.pages.layout import page
from osteo_kg_server.pages.patient.view import form_page
from osteo_kg_server.service import Service, service
from osteo_kg_server.views import linked_data

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
        shown = linked_data.described(serving, iri, serving.described(iri), language())
        defined = [linked_data.link(serving, each, shown.language) for each in serving.subjects(RDFS.isDefinedBy, iri)]
        return _page(shown, defined)
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
    shown = linked_data.described(service(), iri, triples, language())
    return _page(shown)


def _page(shown: Page, defined: Sequence[Link] = ()) -> Response:
    return page("resource.html", shown.language, title=shown.label, page=shown, defined=defined)


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


# What a page about one resource shows: its label, its definition, and what is stated of it.

BASE = "https://w3id.org/osteo-kg/"
_DEFINITION, _DESCRIPTION, _TITLE = SKOS["definition"], DCTERMS["description"], DCTERMS["title"]


@dataclass(frozen=True, slots=True)
class Link:
    """Something to show, and where it leads, if anywhere."""

    text: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One resource, in one language."""

    iri: str
    language: Language
    label: str
    definition: str
    rows: tuple[tuple[Link, tuple[Link, ...]], ...]


def described(service: Service, iri: str, triples: list[ox.Triple], language: Language) -> Page:
    """Make the page of a resource; one without a definition of its own has that of what it is."""
    kinds = [t.object.value for t in triples if t.predicate == RDF.type and isinstance(t.object, ox.NamedNode)]
    label = _text(service, iri, (RDFS.label, _TITLE), language)
    if label is None:  # a situation has no name but what holds in it
        label = iri.rsplit("/", 1)[-1].replace(";", ", ").replace("=", ": ").replace("_", " ")
    definitions = (_text(service, each, (_DEFINITION, _DESCRIPTION), language) for each in (iri, *kinds))
    definition = next((each for each in definitions if each), "")
    return Page(iri, language, label, definition, _rows(service, iri, triples, language))


def link(service: Service, iri: str, language: Language) -> Link:
    """Name a resource by its label, and lead to its page here where it is ours."""
    text = _text(service, iri, (RDFS.label, _TITLE), language) or iri.removeprefix(BASE)
    if iri.startswith(BASE):
        return Link(text, "/" + quote(iri.removeprefix(BASE), safe="/;="))
    return Link(text, iri if iri.startswith(("http://", "https://")) else None)


def _rows(
    service: Service, iri: str, triples: list[ox.Triple], language: Language
) -> tuple[tuple[Link, tuple[Link, ...]], ...]:
    rows: dict[str, list[Link]] = {}
    for triple in triples:
        if triple.subject == ox.NamedNode(iri) and triple.predicate not in (RDFS.label, _DEFINITION):
            value = _value(service, triple.object, language)
            if value and value not in rows.setdefault(triple.predicate.value, []):
                rows[triple.predicate.value].append(value)
    return tuple((_property(service, name, language), tuple(values)) for name, values in rows.items() if values)


def _property(service: Service, iri: str, language: Language) -> Link:
    if iri.startswith(BASE):
        return link(service, iri, language)
    return Link(iri.rsplit("/", 1)[-1].rsplit("#", 1)[-1], iri)


def _value(service: Service, node: object, language: Language) -> Link | None:
    if isinstance(node, ox.NamedNode):
        return link(service, node.value, language)
    if isinstance(node, ox.Literal) and node.language in (None, language):
        return Link(node.value)
    return None


def _text(service: Service, iri: str, properties: tuple[ox.NamedNode, ...], language: Language) -> str | None:
    triples = service.knowledge_base.knowledge.triples
    found = (triples.text(iri, each) for each in properties)
    return next((each.get(language) for each in found if each), None)
