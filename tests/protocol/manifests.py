"""The W3C's manifests of SPARQL 1.1 Protocol, Service Description and Graph Store Protocol, read as values.

A manifest describes a test as a list of HTTP requests, each with what is expected of its response, in the vocabularies
of the W3C (`ht:`, `cnt:`, `mf:`, `ut:`); `w3c/` holds the manifests as the W3C publishes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rdflib import RDF, RDFS, Graph, Literal, Namespace, URIRef
from rdflib.term import Node

FOLDER = Path(__file__).resolve().parent / "w3c"
MANIFESTS = (
    "protocol/manifest.ttl",
    "service-description/manifest.ttl",
    "graph-store-protocol/manifest-indirect.ttl",
    "graph-store-protocol/manifest-direct.ttl",
)
MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
UT = Namespace("http://www.w3.org/2009/sparql/tests/test-update#")
HT = Namespace("http://www.w3.org/2011/http#")
CNT = Namespace("http://www.w3.org/2011/content#")


@dataclass(frozen=True, slots=True)
class Content:
    """A body, and the encoding it is sent in."""

    characters: str
    encoding: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a response."""

    statuses: frozenset[str]
    headers: dict[str, str]
    body: Content | None
    format: str | None
    boolean: bool | None
    location: str | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request of a test, and what is expected of its response."""

    method: str
    path: str
    headers: dict[str, str]
    body: Content | None
    expected: Expected


@dataclass(frozen=True, slots=True)
class Entry:
    """One test of a manifest: the graphs it needs, and its exchanges in order (a service description has none)."""

    name: str
    graphs: dict[str, Path]
    exchanges: tuple[Exchange, ...]


def entries() -> list[Entry]:
    """Read every test of every manifest."""
    return [entry for name in MANIFESTS for entry in _entries(FOLDER / name)]


def _entries(path: Path) -> Iterator[Entry]:
    graph = Graph().parse(path, publicID=path.as_uri())
    manifest = graph.value(predicate=RDF.type, object=MF.Manifest)
    for test in graph.items(_node(graph, manifest, MF.entries)):
        requests = graph.value(graph.value(test, MF.action), HT.requests)
        exchanges = () if requests is None else tuple(_exchange(graph, each) for each in graph.items(requests))
        yield Entry(str(test).rpartition("#")[2], _graphs(graph, test, path.parent), exchanges)


def _graphs(graph: Graph, test: Node, folder: Path) -> dict[str, Path]:
    found = graph.objects(test, UT.graphData)
    return {str(graph.value(each, RDFS.label)): folder / Path(str(graph.value(each, UT.graph))).name for each in found}


def _exchange(graph: Graph, request: Node) -> Exchange:
    return Exchange(
        method=str(graph.value(request, HT.methodName)),
        path=str(graph.value(request, HT.absolutePath)),
        headers=_headers(graph, request),
        body=_content(graph, request),
        expected=_expected(graph, _node(graph, request, HT.resp)),
    )


def _expected(graph: Graph, response: Node) -> Expected:
    boolean = graph.value(response, MF.expectedBoolean)
    return Expected(
        statuses=frozenset(str(each).rpartition("#")[2] for each in graph.objects(response, MF.expectedStatus)),
        headers=_headers(graph, response),
        body=_content(graph, response),
        format=_text(graph, response, MF.expectedFormat),
        boolean=bool(boolean.toPython()) if isinstance(boolean, Literal) else None,
        location=_text(graph, response, MF.expectedLocation),
    )


def _headers(graph: Graph, message: Node) -> dict[str, str]:
    headers = graph.value(message, HT.headers)
    found = [] if headers is None else graph.items(headers)
    return {str(graph.value(each, HT.fieldName)): str(graph.value(each, HT.fieldValue)) for each in found}


def _content(graph: Graph, message: Node) -> Content | None:
    body = graph.value(message, HT.body)
    if body is None:
        return None
    return Content(str(graph.value(body, CNT.chars)), _text(graph, body, CNT.characterEncoding) or "UTF-8")


def _text(graph: Graph, subject: Node, predicate: URIRef) -> str | None:
    value = graph.value(subject, predicate)
    return None if value is None else str(value)


def _node(graph: Graph, subject: Node | None, predicate: URIRef) -> Node:
    found = graph.value(subject, predicate)
    assert found is not None, f"{subject} has no {predicate}"
    return found
