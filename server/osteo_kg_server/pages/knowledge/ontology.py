"""`/ontology`: the tree of classes, the properties, the individuals and the modules; and the page of each module."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from osteo_kg import Language
from osteo_kg.rdf import ONTOLOGY, OWL, RDF, RDFS
from osteo_kg_server.http.endpoints import endpoint
from osteo_kg_server.http.negotiation import GRAPHS, PAGE, best
from osteo_kg_server.http.parameters import WISHES, asked, language
from osteo_kg_server.pages.knowledge.index import PROPERTIES, KnowledgeIndex, index, remembered
from osteo_kg_server.pages.knowledge.links import (
    ONTOLOGY_CRUMB,
    Link,
    address_of,
    alternates_of,
    in_number_order,
    is_ours,
    link_to,
    links_to,
    name_of,
    sorted_links,
)
from osteo_kg_server.pages.knowledge.term import branches, rows_of
from osteo_kg_server.pages.layout import here, page

blueprint = Blueprint("ontology", __name__)
_WHOLE = f"{ONTOLOGY}osteo-kg"
_FUNCTIONAL = OWL.FunctionalProperty.value


@dataclass(frozen=True, slots=True)
class Property:
    """A property, what it is said of, and what its values are."""

    link: Link
    domains: tuple[Link, ...]
    ranges: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Resources of one kind."""

    kind: Link
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the ontology: its version, how much it defines, and what it is about."""

    link: Link
    version: str
    count: int
    description: str


@blueprint.get("/ontology")
@endpoint("read", {200: [PAGE], 303: ()}, parameters=WISHES)
def ontology() -> AnyResponse:
    """Show the ontology: its classes as a tree, its properties, its individuals by class, its modules."""
    asked(*WISHES)
    if best([PAGE, *GRAPHS]) == PAGE:
        return _ontology_page()
    named = {"format": request.args["format"]} if "format" in request.args else {}
    response = redirect(here(address_of(_WHOLE), **named), 303)  # the module that imports all others
    response.headers["Vary"] = "Accept, Accept-Language"
    return response


@remembered
def _ontology_page() -> Response:
    known, spoken = index(), language()
    return page(
        "knowledge/ontology.html",
        spoken,
        title=ONTOLOGY_CRUMB[spoken].text,
        alternates=alternates_of(_WHOLE),
        class_tree=branches(known, known.roots, spoken),
        classes=len(known.classes),
        properties=[
            (link_to(known, each.value, spoken), _properties(known, each.value, spoken)) for each in PROPERTIES
        ],
        groups=_individuals(known, spoken),
        modules=[_module(known, each, spoken) for each in known.modules],
    )


@remembered
def module_page(iri: str) -> Response:
    """Make the page of a module: what it is about, and what it defines, by kind."""
    known, spoken = index(), language()
    definition = known.definition(iri)
    return page(
        "knowledge/module.html",
        spoken,
        title=name_of(known, iri, spoken),
        crumbs=[ONTOLOGY_CRUMB[spoken]],
        alternates=alternates_of(iri),
        iri=iri,
        definition=definition.get(spoken) if definition else "",
        rows=[row for row in rows_of(known, iri, spoken) if row.name != link_to(known, _DESCRIPTION, spoken)],
        groups=_by_kind(known, known.defined_by(iri), spoken),
    )


_DESCRIPTION = "http://purl.org/dc/terms/description"


def _properties(known: KnowledgeIndex, kind: str, language: Language) -> list[Property]:
    found = [
        Property(
            link_to(known, each, language),
            tuple(links_to(known, known.values(each, RDFS.domain), language)),
            tuple(links_to(known, known.values(each, RDFS.range), language)),
        )
        for each in known.instances(kind)
        if is_ours(each)
    ]
    return sorted(found, key=lambda each: in_number_order(each.link.text))


def _individuals(known: KnowledgeIndex, language: Language) -> list[Group]:
    """Give the individuals of every class that has some of its own."""
    found = [
        Group(link_to(known, each, language), tuple(sorted_links(links_to(known, known.instances(each), language))))
        for each in known.classes
        if known.instances(each)
    ]
    return sorted(found, key=lambda each: in_number_order(each.kind.text))


def _module(known: KnowledgeIndex, iri: str, language: Language) -> Module:
    definition, versions = known.definition(iri), known.values(iri, OWL.versionInfo)
    return Module(
        link_to(known, iri, language),
        next(iter(versions), ""),
        len(known.defined_by(iri)),
        definition.get(language) if definition else "",
    )


def _by_kind(known: KnowledgeIndex, iris: Iterable[str], language: Language) -> list[Group]:
    groups: dict[str, list[str]] = {}
    for each in iris:
        kinds = [kind for kind in known.values(each, RDF.type) if kind not in (OWL.NamedIndividual.value, _FUNCTIONAL)]
        groups.setdefault(kinds[0] if kinds else OWL.NamedIndividual.value, []).append(each)
    found = [
        Group(link_to(known, kind, language), tuple(sorted_links(links_to(known, each, language))))
        for kind, each in groups.items()
    ]
    return sorted(found, key=lambda each: in_number_order(each.kind.text))
