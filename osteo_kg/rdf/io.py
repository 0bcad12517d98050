"""Answers written as graphs, with our prefixes and our JSON-LD context."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from xml.parsers import expat

import pyoxigraph as ox

from osteo_kg import package_data
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.rdf.sparql import depth
from osteo_kg.rdf.terms import CONTEXT, DCTERMS, GUIDELINE, OSTEO, OWL, PROV, RDF, RDFS, SH, SKOS, XSD

RDF_FORMATS = {
    "turtle": ox.RdfFormat.TURTLE,
    "ntriples": ox.RdfFormat.N_TRIPLES,
    "nquads": ox.RdfFormat.N_QUADS,
    "rdfxml": ox.RdfFormat.RDF_XML,
    "jsonld": ox.RdfFormat.JSON_LD,
}


_BASE = "https://w3id.org/osteo-kg/input"


_DECLARED_ENTITY = re.compile(r"<!ENTITY\s+([\w.-]+)\s+(\"[^\"&%]*\"|'[^'&%]*')\s*>")


_TRIPLE_IN_XML = re.compile(r"parseType\s*=\s*[\"']Triple")


MOST_NESTING = 100


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
    if text.count("<<") > MOST_NESTING or _TRIPLE_IN_XML.search(text):
        raise UnreadableCaseError(f"{name} holds statements about statements.", advice="Send plain triples.")
    if (
        format_name == "turtle" and depth(text) > MOST_NESTING
    ):  # the time that Oxigraph takes grows with the square of it
        raise UnreadableCaseError(f"{name} is nested too deeply.", advice="Name the nodes that are nested.")
    try:
        return [
            ox.Triple(quad.subject, quad.predicate, quad.object)
            for quad in ox.parse(text, format=RDF_FORMATS[format_name], base_iri=base, rename_blank_nodes=base != _BASE)
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
        if now > MOST_NESTING:
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
    "osteo": OSTEO.iri,
    "oic": GUIDELINE + "oic-128-08-b/",
    "xsd": XSD.iri,
    "prov": PROV.iri,
    "dcterms": DCTERMS.iri,
}
#: Prefixes that people may use and not declare, and that graphs are written with.
KNOWN_PREFIXES = {**PREFIXES, "rdf": RDF.iri, "rdfs": RDFS.iri, "owl": OWL.iri, "skos": SKOS.iri, "sh": SH.iri}
ANSWER_FORMATS = ("turtle", "jsonld")
_PLAIN = re.compile(r"true|false|0|-?[1-9][0-9]{0,14}", re.ASCII)  # what JSON says as RDF does
_STRING = XSD.string
_WRITTEN_PLAIN, _WRITTEN_AS_TEXT = (XSD.boolean, XSD.integer), (XSD.decimal, XSD.dateTime)
_TYPED_BY_CONTEXT = {each: f"xsd:{each.value.removeprefix(XSD.iri)}" for each in (*_WRITTEN_PLAIN, *_WRITTEN_AS_TEXT)}


def written_graph(triples: Iterable[ox.Triple], format_name: str) -> str:
    """Write triples as `turtle` or `jsonld`."""
    if format_name == "jsonld":
        return json_ld(triples)
    data = ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=PREFIXES)
    assert data is not None  # only where an output is given
    return data.decode("utf-8")


def json_ld(triples: Iterable[ox.Triple], *, labels: bool = False, whole: bool = False) -> str:
    """Write triples as JSON-LD, compact by our context, which is named by its IRI alone, or stands there whole.

    A nameless node stands where it is used, if it is used once; `labels` keeps its label, to be recognised by.
    """
    by_subject: dict[Any, list[ox.Triple]] = defaultdict(list)
    for triple in triples:
        by_subject[triple.subject].append(triple)
    uses = Counter(str(triple.object) for own in by_subject.values() for triple in own)
    nested = {each for each in by_subject if isinstance(each, ox.BlankNode) and uses[str(each)] == 1}
    nested -= _in_a_circle(by_subject, nested)

    def node(subject: Any) -> dict[str, Any]:
        found: dict[str, Any] = {} if subject in nested and not labels else {"id": _id(subject)}
        for triple in by_subject[subject]:
            key, kind = _key(triple.predicate)
            value = node(triple.object) if triple.object in nested else _value(triple.object, kind)
            found.setdefault(key, []).append(value)
        return {key: value[0] if len(value) == 1 else value for key, value in found.items()}

    graph = [node(subject) for subject in by_subject if subject not in nested]
    document = graph[0] if len(graph) == 1 else {"@graph": graph}
    context = package_data.json_ld_context() if whole else CONTEXT
    return json.dumps({"@context": context, **document}, ensure_ascii=False, indent=2) + "\n"


def _in_a_circle(by_subject: Mapping[Any, list[ox.Triple]], nested: set[Any]) -> set[Any]:
    """Give nameless nodes that are used only below one another, and would be written nowhere."""
    reached: set[Any] = set()
    waiting = [each for each in by_subject if each not in nested]
    while waiting:
        for triple in by_subject[waiting.pop()]:
            if triple.object in nested and triple.object not in reached:
                reached.add(triple.object)
                waiting.append(triple.object)
    return nested - reached


def _key(predicate: ox.NamedNode) -> tuple[str, str | None]:
    """Give the term of a property, and the type that our context gives to its values."""
    if predicate == RDF.type:
        return "type", "@vocab"
    term = _short(predicate.value)
    known = package_data.json_ld_context().get(term)
    return term, known["@type"] if isinstance(known, dict) else None


def _short(iri: str) -> str:
    """Give a term of ours by its name alone, unless the context means something else by that."""
    name = iri.removeprefix(OSTEO.iri)
    is_ours = name != iri and name.isidentifier()
    return name if is_ours and not isinstance(package_data.json_ld_context().get(name), str) else iri


def _value(term: Any, kind: str | None) -> Any:
    if not isinstance(term, ox.Literal):
        if kind == "@vocab" and isinstance(term, ox.NamedNode):
            return _short(term.value)
        return _id(term) if kind == "@id" else {"id": _id(term)}
    if kind is not None and kind == _TYPED_BY_CONTEXT.get(term.datatype):
        is_plain = term.datatype in _WRITTEN_PLAIN and _PLAIN.fullmatch(term.value)
        return json.loads(term.value) if is_plain else term.value
    if term.language:
        return {"@value": term.value, "@language": term.language}
    is_text = kind is None and term.datatype == _STRING
    return term.value if is_text else {"@value": term.value, "@type": term.datatype.value}


def _id(node: Any) -> str:
    return f"_:{node.value}" if isinstance(node, ox.BlankNode) else str(node.value)
