"""Answers of a SPARQL service read in every format that the Recommendations name."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from xml.etree import ElementTree

from rdflib import Dataset, Graph

from tests.support.serving import Answer

JSON_RESULTS, XML_RESULTS = "application/sparql-results+json", "application/sparql-results+xml"
CSV, TSV = "text/csv", "text/tab-separated-values"
_NAMESPACE = "{http://www.w3.org/2005/sparql-results#}"
Table = tuple[list[str], list[list[str]]]


def boolean(answer: Answer) -> bool:
    """Read the answer to an ASK query."""
    if answer.media == JSON_RESULTS:
        value = json.loads(answer.body)["boolean"]
        assert isinstance(value, bool)
        return value
    assert answer.media == XML_RESULTS, answer.media
    said = ElementTree.fromstring(answer.body).findtext(f"{_NAMESPACE}boolean") or ""
    return {"true": True, "false": False}[said.strip()]


def table(answer: Answer) -> Table:
    """Read the answer to a SELECT query: its variables, and the values of each row as text."""
    assert answer.media in TABLES, answer.media
    return TABLES[answer.media](answer.body)


def graph(answer: Answer, base: str) -> Graph:
    """Read an answer that is a graph."""
    assert answer.media in GRAPHS, answer.media
    found = Graph()
    dataset = Dataset(default_union=True).parse(data=answer.body, format=GRAPHS[answer.media], publicID=base)
    for subject, predicate, value, _ in dataset.quads():
        found.add((subject, predicate, value))
    return found


def problem(answer: Answer, *statuses: int) -> str:
    """Give the sentence of a refusal; a refusal of another status, or without a sentence, fails."""
    assert answer.status in statuses, (answer.status, answer.body[:500])
    assert answer.media == "application/problem+json"
    document = json.loads(answer.body)
    assert document["status"] == answer.status
    assert document["title"]
    assert b"Traceback" not in answer.body
    assert document["detail"].endswith(".")
    return str(document["detail"])


def _json(body: bytes) -> Table:
    found = json.loads(body)
    names = found["head"]["vars"]
    rows = found["results"]["bindings"]
    return names, [[row[name]["value"] if name in row else "" for name in names] for row in rows]


def _xml(body: bytes) -> Table:
    document = ElementTree.fromstring(body)
    names = [each.attrib["name"] for each in document.iter(f"{_NAMESPACE}variable")]
    rows = []
    for result in document.iter(f"{_NAMESPACE}result"):
        bound = {each.attrib["name"]: "".join(each[0].itertext()) for each in result}
        rows.append([bound.get(name, "") for name in names])
    return names, rows


def _csv(body: bytes) -> Table:
    names, *rows = csv.reader(io.StringIO(body.decode("utf-8"), newline=""))
    return names, rows


def _tsv(body: bytes) -> Table:
    names, *rows = (line.split("\t") for line in body.decode("utf-8").splitlines())
    return [name.removeprefix("?") for name in names], rows


TABLES: dict[str, Callable[[bytes], Table]] = {JSON_RESULTS: _json, XML_RESULTS: _xml, CSV: _csv, TSV: _tsv}
GRAPHS = {
    "text/turtle": "turtle",
    "application/n-triples": "nt",
    "application/rdf+xml": "xml",
    "application/ld+json": "json-ld",
    "application/trig": "trig",
    "application/n-quads": "nquads",
}
