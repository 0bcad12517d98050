"""Answers written as graphs, with our prefixes and our JSON-LD context."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from xml.parsers import expat

import pyoxigraph as ox
from rdflib import Graph

from osteo_kg import package_data
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.rdf.sparql import depth
from osteo_kg.rdf.terms import CONTEXT, OSTEO

FORMATS = {
    "turtle": ox.RdfFormat.TURTLE,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "nquads": ox.RdfFormat.N_QUADS,
    "rdfxml": ox.RdfFormat.RDF_XML,
    "jsonld": ox.RdfFormat.JSON_LD,
}


_BASE = "https://w3id.org/osteo-kg/input"


_DECLARED_ENTITY = re.compile(r"<!ENTITY\s+([\w.-]+)\s+(\"[^\"&%]*\"|'[^'&%]*')\s*>")


_TRIPLE_IN_XML = re.compile(r"parseType\s*=\s*[\"']Triple")


_MOST_NESTING = 100


_MOST_EXPANDED = 1_000_000  # characters


def read_triples(text: str, format_name: str, name: str, base: str = _BASE) -> list[ox.Triple]:
    """Read triples that anybody may have sent, literals as written; nothing in them opens a file or an address.

    Args:
        text: the whole document.
        format_name: a key of `FORMATS`.
        name: what to call it in messages.
        base: the IRI that relative IRIs are resolved against.

    Raises:
        UnreadableCaseError: a syntax error, a remote JSON-LD context, XML entities that are not a little plain text,
            or statements about statements.
    """
    if format_name == "rdfxml":
        _check_entities(text, name)
        _check_elements(text, name)
    if text.count("<<") > _MOST_NESTING or _TRIPLE_IN_XML.search(text):
        raise UnreadableCaseError(f"{name} holds statements about statements.", advice="Send plain triples.")
    if (
        format_name == "turtle" and depth(text) > _MOST_NESTING
    ):  # the time that Oxigraph takes grows with the square of it
        raise UnreadableCaseError(f"{name} is nested too deeply.", advice="Name the nodes that are nested.")
    try:
        return [
            ox.Triple(quad.subject, quad.predicate, quad.object)
            for quad in ox.parse(text, format=FORMATS[format_name], base_iri=base, rename_blank_nodes=base != _BASE)
        ]
    except (SyntaxError, ValueError) as error:
        raise UnreadableCaseError(
            f"{name} cannot be read as {format_name}: {error}.", advice="Correct it there."
        ) from error
    except MemoryError as error:  # Oxigraph says so of a statement of 16 MiB or more
        raise UnreadableCaseError(f"{name} holds a statement that is too long.", advice="Shorten its text.") from error


def _check_elements(text: str, name: str) -> None:
    """The time that Oxigraph takes grows with the square of how deep elements stand in one another."""
    now = 0

    def begin(element: str, attributes: object) -> None:
        nonlocal now
        now += 1
        if now > _MOST_NESTING:
            raise UnreadableCaseError(f"{name} is nested too deeply.", advice="Name the nodes that are nested.")

    def end(element: str) -> None:
        nonlocal now
        now -= 1

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler = begin, end
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        raise UnreadableCaseError(f"{name} cannot be read as rdfxml: {error}.", advice="Correct it there.") from error


def _check_entities(text: str, name: str) -> None:
    """Entities may stand for a little plain text: never for a file, for another entity, or for a flood."""
    declared = _DECLARED_ENTITY.findall(text)
    if text.count("<!ENTITY") != len(declared):
        raise UnreadableCaseError(
            f"{name} declares an XML entity that is not plain text.", advice="Write the value where it is used."
        )
    if sum(len(value) * text.count(f"&{entity};") for entity, value in declared) > _MOST_EXPANDED:
        raise UnreadableCaseError(f"{name} grows too large by its XML entities.", advice="Write fewer of them.")


PREFIXES = {
    "osteo": str(OSTEO._NS),
    "oic": "https://w3id.org/osteo-kg/guideline/oic-128-08-b/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "prov": "http://www.w3.org/ns/prov#",
    "dcterms": "http://purl.org/dc/terms/",
}

GRAPH_FORMATS = ("turtle", "jsonld")


def written_graph(triples: Iterable[ox.Triple], format_name: str) -> str:
    """Write triples as `turtle` or `jsonld`."""
    if format_name == "jsonld":
        return _json_ld(triples)
    data = ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=PREFIXES)
    assert data is not None  # only where an output is given
    return data.decode("utf-8")


def _json_ld(triples: Iterable[ox.Triple]) -> str:
    """Compact by our context, which is then named by its IRI alone, as the reader wants it."""
    context = package_data.json_ld_context()
    data = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES)
    graph = Graph(bind_namespaces="none").parse(data=data, format="nt")
    document = json.loads(graph.serialize(format="json-ld", context=context, auto_compact=False))
    nodes = document.get("@graph") or [{key: value for key, value in document.items() if key != "@context"}]
    return json.dumps({"@context": CONTEXT, "@graph": nodes}, ensure_ascii=False, indent=2) + "\n"
