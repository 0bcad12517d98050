"""The W3C's tests of SPARQL 1.1 Protocol, Service Description and Graph Store Protocol, against the real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urljoin, urlsplit

import pyshacl
import pytest
from rdflib import RDF, Graph, Namespace, URIRef

from tests.protocol.checking import check
from tests.protocol.manifests import Entry, Exchange, entries
from tests.support import results
from tests.support.serving import SPARQL, STORE, UPDATE, WRITER, Server, serving

pytestmark = pytest.mark.server


ENTRIES = entries()
SD = Namespace("http://www.w3.org/ns/sparql-service-description#")
SHAPES = Path(__file__).with_name("service_description.ttl")
TERMS = {
    *("Service", "Language", "Function", "Aggregate", "EntailmentRegime", "EntailmentProfile", "GraphCollection"),
    *("Dataset", "Graph", "NamedGraph", "Feature", "endpoint", "feature", "defaultEntailmentRegime"),
    *("entailmentRegime", "defaultSupportedEntailmentProfile", "supportedEntailmentProfile", "extensionFunction"),
    *("extensionAggregate", "languageExtension", "supportedLanguage", "propertyFeature", "defaultDataset"),
    *("availableGraphs", "resultFormat", "inputFormat", "defaultGraph", "namedGraph", "name", "graph"),
    *("SPARQL10Query", "SPARQL11Query", "SPARQL11Update", "DereferencesURIs", "UnionDefaultGraph"),
    *("RequiresDataset", "EmptyGraphs", "BasicFederatedQuery"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--scratch") as running:
        yield running


@pytest.fixture(scope="module")
def description(server: Server) -> Graph:
    return results.graph(server.send("GET", SPARQL, None, {"Accept": "text/turtle"}), server.address + SPARQL)


def test_the_manifests_hold_fifty_tests() -> None:
    assert len({entry.name for entry in ENTRIES}) == len(ENTRIES) == 50


@pytest.mark.parametrize("entry", [each for each in ENTRIES if each.exchanges], ids=lambda entry: entry.name)
def test_the_exchanges_of_the_w3c_go_as_expected(server: Server, entry: Entry) -> None:
    assert server.update("DROP ALL").status < 300
    for iri, path in entry.graphs.items():
        assert server.put(iri, path.read_bytes(), "application/n-triples").status == 201
    locations: dict[str, str] = {}
    for exchange in entry.exchanges:
        _play(server, entry, exchange, locations)


@pytest.mark.parametrize("name", [each.name for each in ENTRIES if not each.exchanges])
def test_the_service_describes_itself_as_the_w3c_expects(server: Server, description: Graph, name: str) -> None:
    checks = {
        "returns-rdf": _returns_rdf,
        "has-endpoint-triple": _has_endpoint_triple,
        "conforms-to-schema": _conforms_to_schema,
    }
    checks[name](description, URIRef(server.address + SPARQL))


def _play(server: Server, entry: Entry, exchange: Exchange, locations: dict[str, str]) -> None:
    path = _path(entry, exchange)
    body = exchange.body.characters if exchange.body else None
    for variable, location in locations.items():
        path = path.replace(variable, quote(location, safe=""))
        body = body and body.replace(variable, location)
    data = None if exchange.body is None or body is None else body.encode(exchange.body.encoding)
    answer = server.send(exchange.method, path, data, {**WRITER, **exchange.headers})
    check(answer, exchange.expected, base=server.address + STORE)
    if exchange.expected.location:
        locations[exchange.expected.location] = urljoin(server.address + path, answer.headers["location"])


def _path(entry: Entry, exchange: Exchange) -> str:
    """Put the paths of this service in the place of those of the manifest."""
    if exchange.path.startswith("/gsp"):
        return STORE + exchange.path.removeprefix("/gsp")
    updates = entry.name.startswith(("update_", "bad_update_", "bad_multiple_updates")) and not _asks(exchange)
    return (UPDATE if updates else SPARQL) + exchange.path.removeprefix("/sparql/")


def _asks(exchange: Exchange) -> bool:
    """Tell whether an exchange is a query: after an update, one looks what has become of the data."""
    direct = exchange.headers.get("content-type", "").startswith("application/sparql-query")
    return direct or "query" in parse_qs(urlsplit(exchange.path).query)


def _returns_rdf(description: Graph, endpoint: URIRef) -> None:
    assert len(description)


def _has_endpoint_triple(description: Graph, endpoint: URIRef) -> None:
    assert (None, SD.endpoint, endpoint) in description


def _conforms_to_schema(description: Graph, endpoint: URIRef) -> None:
    assert list(description.subjects(RDF.type, SD.Service))
    conforms, _, said = pyshacl.validate(description, shacl_graph=Graph().parse(SHAPES))
    assert conforms, said
    used = {str(node) for triple in description for node in triple if isinstance(node, URIRef) and node in SD}
    assert {iri.removeprefix(str(SD)) for iri in used} - TERMS == set()
