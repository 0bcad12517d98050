"""Clients of others work unchanged against the real server: SPARQLWrapper, rdflib's stores, curl, Jena's `rsparql`."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rdflib import XSD, Graph, Literal, URIRef
from rdflib.compare import isomorphic
from rdflib.plugins.stores.sparqlstore import SPARQLStore, SPARQLUpdateStore
from rdflib.query import ResultRow
from SPARQLWrapper import CSV, JSON, POST, POSTDIRECTLY, RDFXML, TSV, TURTLE, URLENCODED, XML, SPARQLWrapper

from tests.support.serving import SPARQL, STORE, TOKEN, UPDATE, WRITER, Server, graph_path, serving

pytestmark = pytest.mark.server


DATA = """
<http://e/anna> <http://e/label> "Anna"@en , "Анна"@ru ; <http://e/score> -2.5 .
<http://e/berta> <http://e/label> "Berta" ; <http://e/knows> <http://e/anna> , [ <http://e/label> "nobody" ] .
"""
PEOPLE = "http://e/people"
SCORE = "SELECT ?score { GRAPH ?g { <http://e/anna> <http://e/score> ?score } }"
COPY = "CONSTRUCT { ?s ?p ?o } WHERE { GRAPH <http://e/people> { ?s ?p ?o } }"
INSERT = "INSERT DATA { <http://e/clara> <http://e/label> 'Clara' }"
CLARA = "ASK { <http://e/clara> <http://e/label> 'Clara' }"
#: What Jena's command-line clients accept, in their words.
JENA_ACCEPT = (
    "application/sparql-results+json, application/sparql-results+xml;q=0.9, text/tab-separated-values;q=0.7,"
    " text/csv;q=0.5, application/json;q=0.2, application/xml;q=0.2, */*;q=0.1"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--scratch") as running:
        yield running


@pytest.fixture(autouse=True)
def people(server: Server) -> Graph:
    """The graph that the server holds, and nothing else."""
    assert server.update("DROP ALL").status in {200, 204}
    assert server.put(PEOPLE, DATA).status == 201
    return Graph().parse(data=DATA, format="turtle")


# SPARQLWrapper


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("encoding", [URLENCODED, POSTDIRECTLY])
@pytest.mark.parametrize("form", [JSON, XML, CSV, TSV])
def test_sparqlwrapper_reads_solutions_in_every_format(server: Server, method: str, encoding: str, form: str) -> None:
    wrapper = SPARQLWrapper(server.address + SPARQL, returnFormat=form)
    wrapper.setMethod(method)
    wrapper.setRequestMethod(encoding)
    wrapper.setQuery(SCORE)
    found: Any = wrapper.query().convert()
    written = found.toxml() if form == XML else str(found)
    assert "-2.5" in written


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")  # SPARQLWrapper reads RDF/XML into one
@pytest.mark.parametrize("form", [TURTLE, RDFXML])
def test_sparqlwrapper_reads_graphs(server: Server, people: Graph, form: str) -> None:
    wrapper = SPARQLWrapper(server.address + SPARQL, returnFormat=form)
    wrapper.setQuery("CONSTRUCT { ?s <http://e/label> ?o } WHERE { GRAPH ?g { ?s <http://e/label> ?o } }")
    found: Any = wrapper.query().convert()
    graph = found if isinstance(found, Graph) else Graph().parse(data=found, format="turtle")
    assert set(graph.objects()) == set(people.objects(None, URIRef("http://e/label")))


@pytest.mark.parametrize("encoding", [URLENCODED, POSTDIRECTLY])
def test_sparqlwrapper_updates_with_the_token(server: Server, encoding: str) -> None:
    wrapper = SPARQLWrapper(server.address + SPARQL, updateEndpoint=server.address + UPDATE)
    wrapper.addCustomHttpHeader("Authorization", f"Bearer {TOKEN}")
    wrapper.setMethod(POST)
    wrapper.setRequestMethod(encoding)
    wrapper.setQuery(INSERT)
    wrapper.query()
    assert server.asks(CLARA)


# rdflib


@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
def test_a_store_of_rdflib_reads(server: Server, method: str) -> None:
    graph = Graph(SPARQLStore(server.address + SPARQL, method=method))
    [row] = graph.query(SCORE)
    assert isinstance(row, ResultRow)
    assert row[0] == Literal("-2.5", datatype=XSD.decimal)
    assert graph.query("ASK { GRAPH ?g { ?s ?p 'Анна'@ru } }").askAnswer


def test_a_store_of_rdflib_reads_one_named_graph_as_a_graph(server: Server) -> None:
    graph = Graph(SPARQLStore(server.address + SPARQL), identifier=URIRef(PEOPLE))
    assert len(graph) == 7
    assert (URIRef("http://e/berta"), URIRef("http://e/knows"), URIRef("http://e/anna")) in graph
    assert set(graph.objects(URIRef("http://e/anna"), URIRef("http://e/label"))) == {
        Literal("Anna", lang="en"),
        Literal("Анна", lang="ru"),
    }


def test_a_store_of_rdflib_writes_and_reads_what_it_wrote(server: Server) -> None:
    store = SPARQLUpdateStore(server.address + SPARQL, server.address + UPDATE, headers=WRITER)
    graph = Graph(store, identifier=URIRef("http://e/new"))
    triple = (URIRef("http://e/clara"), URIRef("http://e/label"), Literal('two\nlines, "quoted"', lang="en"))
    graph.add(triple)
    assert triple in graph
    assert len(graph) == 1
    graph.remove(triple)
    assert len(graph) == 0
    graph.update(INSERT)
    assert server.asks("ASK { GRAPH <http://e/new> { <http://e/clara> ?p 'Clara' } }")


def test_a_store_of_rdflib_without_the_token_is_refused(server: Server) -> None:
    store = SPARQLUpdateStore(server.address + SPARQL, server.address + UPDATE)
    with pytest.raises(OSError, match="401"):
        Graph(store, identifier=URIRef(PEOPLE)).update(INSERT)
    assert not server.asks(CLARA)


# curl


@pytest.fixture(scope="module")
def curl() -> str:
    found = shutil.which("curl")
    if found is None:
        pytest.skip("curl is not installed")
    return found


def _curl(curl: str, *arguments: str) -> str:
    command = [curl, "--silent", "--show-error", "--fail-with-body", "--noproxy", "*", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("how", [["--get"], []], ids=["get", "form"])
def test_curl_asks_with_the_query_as_a_parameter(server: Server, curl: str, how: list[str]) -> None:
    said = _curl(curl, *how, server.address + SPARQL, "-H", "Accept: text/csv", "--data-urlencode", f"query={SCORE}")
    assert said.split() == ["score", "-2.5"]


def test_curl_asks_with_the_query_as_the_body(server: Server, curl: str, tmp_path: Path) -> None:
    file = tmp_path / "score.rq"
    file.write_text(SCORE, encoding="utf-8")
    headers = ("-H", "Content-Type: application/sparql-query", "-H", "Accept: text/tab-separated-values")
    said = _curl(curl, server.address + SPARQL, *headers, "--data-binary", f"@{file}")
    assert said.split() == ["?score", "-2.5"]


def test_curl_reads_a_compressed_answer(server: Server, curl: str) -> None:
    said = _curl(curl, "--compressed", "--get", server.address + SPARQL, "--data-urlencode", f"query={COPY}")
    assert len(Graph().parse(data=said, format="turtle")) == 7


def test_curl_updates(server: Server, curl: str) -> None:
    token = ("-H", f"Authorization: Bearer {TOKEN}")
    _curl(curl, server.address + UPDATE, *token, "--data-urlencode", f"update={INSERT}")
    assert server.asks(CLARA)
    direct = ("-H", "Content-Type: application/sparql-update", "--data-binary", "DELETE WHERE { ?s ?p ?o }")
    _curl(curl, server.address + UPDATE, *token, *direct)
    assert not server.asks(CLARA)


def test_curl_puts_gets_and_deletes_a_graph(server: Server, curl: str, people: Graph, tmp_path: Path) -> None:
    file = tmp_path / "people.ttl"
    file.write_text(DATA, encoding="utf-8")
    token = ("-H", f"Authorization: Bearer {TOKEN}")
    address = server.address + graph_path("http://e/put")
    _curl(curl, "--upload-file", str(file), *token, "-H", "Content-Type: text/turtle", address)
    said = _curl(curl, "-H", "Accept: text/turtle", address)
    assert isomorphic(Graph().parse(data=said, format="turtle"), people)
    _curl(curl, "--request", "DELETE", *token, address)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        _curl(curl, address)
    assert json.loads(caught.value.stdout)["status"] == 404


def test_curl_writes_the_default_graph(server: Server, curl: str) -> None:
    headers = ("-H", f"Authorization: Bearer {TOKEN}", "-H", "Content-Type: application/n-triples")
    address = f"{server.address}{STORE}?default"
    _curl(curl, *headers, "--data-binary", "<http://e/clara> <http://e/label> 'Clara' .".replace("'", '"'), address)
    assert server.asks(CLARA)
    assert "Clara" in _curl(curl, "-H", "Accept: application/n-triples", address)


# Jena


def test_jenas_rsparql_is_answered(server: Server) -> None:
    headers = {"Content-Type": "application/sparql-query", "Accept": JENA_ACCEPT, "Accept-Encoding": "gzip, inflate"}
    answer = server.send("POST", SPARQL, SCORE, {**headers, "User-Agent": "Apache-Jena-ARQ/5.2.0"})
    assert answer.status == 200
    assert answer.media == "application/sparql-results+json"
    packed = answer.headers.get("content-encoding") == "gzip"
    found = json.loads(gzip.decompress(answer.body) if packed else answer.body)
    assert found["results"]["bindings"][0]["score"]["value"] == "-2.5"
