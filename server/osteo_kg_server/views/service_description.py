"""What is here, for machines: the service (SPARQL 1.1 Service Description) and the dataset (VoID)."""

from __future__ import annotations

from collections.abc import Iterator

import pyoxigraph as ox
from flask import Blueprint, Response

from osteo_kg.bilingual import LANGUAGES
from osteo_kg.rdf import DCTERMS, RDF, RDFS, XSD
from osteo_kg_server.http.endpoints import endpoint
from osteo_kg_server.http.negotiation import GRAPHS, best, negotiated, written_in
from osteo_kg_server.pages.question import page as question
from osteo_kg_server.service import KNOWLEDGE, Service, service

_SD, _VOID = "http://www.w3.org/ns/sparql-service-description#", "http://rdfs.org/ns/void#"
_FORMAT = "http://www.w3.org/ns/formats/"
_RESULTS = ("SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV")
_GRAPHS = ("Turtle", "N-Triples", "N-Quads", "TriG", "RDF_XML", "JSON-LD")
_TITLES = {
    "en": "A treatment guideline for post-menopausal osteoporosis as a knowledge graph",
    "fr": "Une recommandation de traitement de l’ostéoporose post-ménopausique en graphe de connaissances",
}
_FORMS = {
    "en": "Literals of results are in canonical form (1.50 is 1.5, a nonNegativeInteger is an integer).",
    "fr": "Les littéraux des résultats sont en forme canonique (1.50 est 1.5, un nonNegativeInteger est un integer).",
}
_LICENSE = ox.NamedNode("https://creativecommons.org/licenses/by/4.0/")
_PUBLISHER = "The osteo-kg contributors"
PATH = "/.well-known/void"
blueprint = Blueprint("service_description", __name__)


@blueprint.get(PATH)
@endpoint("read", {200: GRAPHS}, problems=(502, 503))
def void() -> Response:
    """Describe the dataset."""
    return negotiated(written_in(_dataset(service()), GRAPHS[media := best(GRAPHS)]), media)


def described() -> Response:
    """Describe the service: a page to ask from for people, a graph for machines."""
    serving, media = service(), best({**GRAPHS, "text/html": "html"})
    if media == "text/html":
        return question.asking()
    return negotiated(written_in(_service(serving), GRAPHS[media]), media)


def _service(serving: Service) -> Iterator[ox.Triple]:
    node, dataset = ox.NamedNode(serving.url("/sparql") + "#service"), ox.BlankNode()
    yield ox.Triple(node, RDF.type, _sd("Service"))
    yield ox.Triple(node, _sd("endpoint"), ox.NamedNode(serving.url("/sparql")))
    for language in LANGUAGES:
        yield ox.Triple(node, RDFS["comment"], ox.Literal(_FORMS[language], language=language))
    languages = ["SPARQL11Query", *(["SPARQL11Update"] if serving.access.can_be_written else [])]
    for name in languages:
        yield ox.Triple(node, _sd("supportedLanguage"), _sd(name))
    if serving.store.union:
        yield ox.Triple(node, _sd("feature"), _sd("UnionDefaultGraph"))
    for name in (*_RESULTS, *_GRAPHS):
        yield ox.Triple(node, _sd("resultFormat"), ox.NamedNode(_FORMAT + name))
    for name in _GRAPHS:
        yield ox.Triple(node, _sd("inputFormat"), ox.NamedNode(_FORMAT + name))
    yield ox.Triple(node, _sd("defaultDataset"), dataset)
    yield ox.Triple(dataset, RDF.type, _sd("Dataset"))
    default = ox.BlankNode()
    yield ox.Triple(dataset, _sd("defaultGraph"), default)
    yield ox.Triple(default, RDF.type, _sd("Graph"))
    for name in serving.store.names():
        named, graph = ox.BlankNode(), ox.BlankNode()
        yield ox.Triple(dataset, _sd("namedGraph"), named)
        yield ox.Triple(named, RDF.type, _sd("NamedGraph"))
        yield ox.Triple(named, _sd("name"), ox.NamedNode(name))
        yield ox.Triple(named, _sd("graph"), graph)
        yield ox.Triple(graph, RDF.type, _sd("Graph"))
        yield ox.Triple(graph, _void("triples"), _number(serving.store.size(name)))


def _dataset(serving: Service) -> Iterator[ox.Triple]:
    node = ox.NamedNode(serving.url(PATH) + "#dataset")
    yield ox.Triple(node, RDF.type, _void("Dataset"))
    for language in LANGUAGES:
        yield ox.Triple(node, DCTERMS["title"], ox.Literal(_TITLES[language], language=language))
    yield ox.Triple(node, _void("sparqlEndpoint"), ox.NamedNode(serving.url("/sparql")))
    yield ox.Triple(node, _void("dataDump"), ox.NamedNode(serving.url("/store")))
    yield ox.Triple(node, _void("uriSpace"), ox.Literal("https://w3id.org/osteo-kg/"))
    yield ox.Triple(node, DCTERMS["license"], _LICENSE)
    yield ox.Triple(node, DCTERMS["publisher"], ox.Literal(_PUBLISHER))
    total = 0
    for name in serving.store.names():
        if name in KNOWLEDGE:  # whoever is described elsewhere is a patient
            subset, size = ox.BlankNode(), serving.store.size(name)
            total += size
            yield ox.Triple(node, _void("subset"), subset)
            yield ox.Triple(subset, RDF.type, _void("Dataset"))
            yield ox.Triple(subset, DCTERMS.identifier, ox.Literal(name))
            yield ox.Triple(subset, _void("triples"), _number(size))
    yield ox.Triple(node, _void("triples"), _number(total))


def _sd(name: str) -> ox.NamedNode:
    return ox.NamedNode(_SD + name)


def _void(name: str) -> ox.NamedNode:
    return ox.NamedNode(_VOID + name)


def _number(value: int) -> ox.Literal:
    return ox.Literal(str(value), datatype=XSD.integer)
