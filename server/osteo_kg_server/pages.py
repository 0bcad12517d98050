"""What a page about one resource shows: its label, its definition, and what is stated of it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import pyoxigraph as ox

from osteo_kg import Language
from osteo_kg_server.service import Service

BASE = "https://w3id.org/osteo-kg/"
_DEFINITION = "http://www.w3.org/2004/02/skos/core#definition"
_DESCRIPTION, _TITLE = "http://purl.org/dc/terms/description", "http://purl.org/dc/terms/title"
_LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"


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
    kinds = [t.object.value for t in triples if t.predicate.value == _TYPE and isinstance(t.object, ox.NamedNode)]
    label = _text(service, iri, (_LABEL, _TITLE), language)
    if label is None:  # a situation has no name but what holds in it
        label = iri.rsplit("/", 1)[-1].replace(";", ", ").replace("=", ": ").replace("_", " ")
    definitions = (_text(service, each, (_DEFINITION, _DESCRIPTION), language) for each in (iri, *kinds))
    definition = next((each for each in definitions if each), "")
    return Page(iri, language, label, definition, _rows(service, iri, triples, language))


def link(service: Service, iri: str, language: Language) -> Link:
    """Name a resource by its label, and lead to its page here where it is ours."""
    text = _text(service, iri, (_LABEL, _TITLE), language) or iri.removeprefix(BASE)
    if iri.startswith(BASE):
        return Link(text, "/" + quote(iri.removeprefix(BASE), safe="/;="))
    return Link(text, iri if iri.startswith(("http://", "https://")) else None)


def _rows(
    service: Service, iri: str, triples: list[ox.Triple], language: Language
) -> tuple[tuple[Link, tuple[Link, ...]], ...]:
    rows: dict[str, list[Link]] = {}
    for triple in triples:
        if triple.subject == ox.NamedNode(iri) and triple.predicate.value not in (_LABEL, _DEFINITION):
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


def _text(service: Service, iri: str, properties: tuple[str, ...], language: Language) -> str | None:
    triples = service.knowledge_base.knowledge.triples
    found = (triples.text(iri, each) for each in properties)
    return next((each.in_(language) for each in found if each), None)
