"""What pages call things, and where these lead: by label, never by key, and only to addresses that answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from osteo_kg import Language
from osteo_kg.bilingual import BilingualText
from osteo_kg.knowledge import folded
from osteo_kg.rdf import DCTERMS, OSTEO, OWL, PROV, RDF, RDFS, SKOS, local_name
from osteo_kg_server.pages.knowledge.index import KnowledgeIndex
from osteo_kg_server.pages.layout import Alternate, Crumb, here

BASE = "https://w3id.org/osteo-kg/"
_NUMBER = re.compile(r"([0-9]+)")
_DOCUMENTS = ("ns/", "ontology/", "guideline/", "situation/")
_DATA = (("text/turtle", "ttl"), ("application/ld+json", "jsonld"), ("application/n-triples", "nt"))
#: What the properties and classes of other vocabularies are called here.
_OTHERS = {
    RDF.type.value: BilingualText("kind", "nature"),
    RDFS.label.value: BilingualText("label", "libellé"),
    RDFS.subClassOf.value: BilingualText("is a kind of", "est une sorte de"),
    RDFS.domain.value: BilingualText("said of", "se dit de"),
    RDFS.range.value: BilingualText("its values are", "a pour valeurs"),
    RDFS.isDefinedBy.value: BilingualText("module", "module"),
    RDFS["subPropertyOf"].value: BilingualText("is a narrower property than", "est une propriété plus étroite que"),
    RDFS["comment"].value: BilingualText("remark", "remarque"),
    RDFS["seeAlso"].value: BilingualText("see also", "voir aussi"),
    OWL.equivalentClass.value: BilingualText("is exactly", "équivaut à"),
    OWL.disjointWith.value: BilingualText("excludes", "exclut"),
    OWL.inverseOf.value: BilingualText("is the inverse of", "est l’inverse de"),
    OWL.imports.value: BilingualText("imports", "importe"),
    OWL.versionIRI.value: BilingualText("address of this version", "adresse de cette version"),
    OWL.versionInfo.value: BilingualText("version", "version"),
    OWL.priorVersion.value: BilingualText("address of the version before", "adresse de la version précédente"),
    OWL.deprecated.value: BilingualText("no longer to be used", "à ne plus utiliser"),
    OWL.Class.value: BilingualText("class", "classe"),
    OWL.NamedIndividual.value: BilingualText("individual", "individu"),
    OWL.ObjectProperty.value: BilingualText("property (leads to a thing)", "propriété (mène à une chose)"),
    OWL.DatatypeProperty.value: BilingualText("property (holds a value)", "propriété (porte une valeur)"),
    OWL.AnnotationProperty.value: BilingualText("annotation", "annotation"),
    OWL.FunctionalProperty.value: BilingualText("at most one value", "au plus une valeur"),
    OWL.Ontology.value: BilingualText("module of the ontology", "module de l’ontologie"),
    SKOS["definition"].value: BilingualText("definition", "définition"),
    SKOS["notation"].value: BilingualText("key", "clé"),
    SKOS["scopeNote"].value: BilingualText("note on its scope", "note de portée"),
    SKOS["altLabel"].value: BilingualText("also called", "aussi appelé"),
    SKOS["example"].value: BilingualText("example", "exemple"),
    SKOS["exactMatch"].value: BilingualText("same concept elsewhere", "même concept ailleurs"),
    SKOS["closeMatch"].value: BilingualText("close concept elsewhere", "concept proche ailleurs"),
    SKOS["broadMatch"].value: BilingualText("broader concept elsewhere", "concept plus large ailleurs"),
    SKOS["narrowMatch"].value: BilingualText("narrower concept elsewhere", "concept plus étroit ailleurs"),
    SKOS["relatedMatch"].value: BilingualText("related concept elsewhere", "concept lié ailleurs"),
    DCTERMS["title"].value: BilingualText("title", "titre"),
    DCTERMS["description"].value: BilingualText("description", "description"),
    DCTERMS["source"].value: BilingualText("source", "source"),
    DCTERMS["subject"].value: BilingualText("subject", "sujet"),
    DCTERMS["creator"].value: BilingualText("author", "auteur"),
    DCTERMS["publisher"].value: BilingualText("publisher", "éditeur"),
    DCTERMS["license"].value: BilingualText("licence", "licence"),
    DCTERMS["isReplacedBy"].value: BilingualText("in its place", "à sa place"),
    DCTERMS["issued"].value: BilingualText("made public on", "publié le"),
    DCTERMS["created"].value: BilingualText("created on", "créé le"),
    DCTERMS["modified"].value: BilingualText("changed on", "modifié le"),
    "https://creativecommons.org/licenses/by/4.0/": BilingualText("CC BY 4.0", "CC BY 4.0"),
    "https://creativecommons.org/publicdomain/zero/1.0/": BilingualText("CC0 1.0", "CC0 1.0"),
    "http://purl.org/vocab/vann/preferredNamespacePrefix": BilingualText("prefix", "préfixe"),
    "http://purl.org/vocab/vann/preferredNamespaceUri": BilingualText("namespace", "espace de noms"),
    "http://www.w3.org/2001/XMLSchema#boolean": BilingualText("yes or no", "oui ou non"),
    "http://www.w3.org/2001/XMLSchema#integer": BilingualText("whole number", "nombre entier"),
    "http://www.w3.org/2001/XMLSchema#nonNegativeInteger": BilingualText("count", "nombre entier (0 ou plus)"),
    "http://www.w3.org/2001/XMLSchema#decimal": BilingualText("number", "nombre"),
    "http://www.w3.org/2001/XMLSchema#string": BilingualText("text", "texte"),
    "http://www.w3.org/2001/XMLSchema#dateTime": BilingualText("day and time", "date et heure"),
    "http://www.w3.org/2001/XMLSchema#anyURI": BilingualText("address", "adresse"),
    RDF["langString"].value: BilingualText("text in a language", "texte dans une langue"),
    RDFS["Literal"].value: BilingualText("value", "valeur"),
    PROV["Entity"].value: BilingualText("thing with an origin (PROV)", "entité avec une provenance (PROV)"),
}


@dataclass(frozen=True, slots=True)
class Link:
    """Something to show, and where it leads, if anywhere."""

    text: str
    href: str | None = None


def name_of(index: KnowledgeIndex, iri: str, language: Language) -> str:
    """Give what a resource is called; one that the ontology does not name is called by its IRI."""
    found = index.label(iri) or _OTHERS.get(iri)
    if found:
        return found.get(language)
    return iri.removeprefix(BASE) if iri.startswith(BASE) else local_name(iri)


def link_to(index: KnowledgeIndex, iri: str, language: Language) -> Link:
    """Name a resource, and lead to its page here where it is ours, or to its own address."""
    text = name_of(index, iri, language)
    if iri.startswith(BASE):
        is_here = iri.removeprefix(BASE).startswith(_DOCUMENTS) and iri not in index.versions_before
        return Link(text, here(address_of(iri)) if is_here else None)
    return Link(text, iri if iri.startswith(("http://", "https://")) else None)


def links_to(index: KnowledgeIndex, iris: Iterable[str], language: Language) -> list[Link]:
    """Name several resources."""
    return [link_to(index, each, language) for each in iris]


def address_of(iri: str) -> str:
    """Give the path of one of our IRIs on this service."""
    return "/" + quote(iri.removeprefix(BASE), safe="/;=,:")


def alternates_of(iri: str) -> list[Alternate]:
    """Give where the data of a resource of ours are."""
    return [Alternate(media, f"{address_of(iri)}.{extension}") for media, extension in _DATA]


def crumbs_to(index: KnowledgeIndex, iri: str, language: Language) -> list[Crumb]:
    """Give the pages above a term: the ontology, and the classes above it."""
    classes = [Crumb(name_of(index, each, language), address_of(each)) for each in index.path_to(iri)]
    return [ONTOLOGY_CRUMB[language], *classes]


ONTOLOGY_CRUMB = {"en": Crumb("Ontology", "/ontology"), "fr": Crumb("Ontologie", "/ontology")}


def sorted_links(links: Iterable[Link]) -> list[Link]:
    """Sort links by what they say, numbers by their size: I2 stands before I10."""
    return sorted(links, key=lambda each: in_number_order(each.text))


def in_number_order(text: str) -> list[tuple[int, str]]:
    """Give what a text is sorted by: its words without accents, and its numbers by their size.

    >>> sorted(["I10", "I2", "I1"], key=in_number_order)
    ['I1', 'I2', 'I10']
    """
    return [(int(part), "") if part.isdecimal() else (0, part) for part in _NUMBER.split(folded(text))]


def is_ours(iri: str) -> bool:
    """Whether an IRI names a term of our vocabulary."""
    return iri.startswith(OSTEO.iri)


def joined_links(links: Sequence[Link], between: str) -> list[Link]:
    """Put words between links."""
    found: list[Link] = []
    for each in links:
        found += [Link(between), each] if found else [each]
    return found


def kind_of(index: KnowledgeIndex, iri: str) -> BilingualText:
    """Say in a word or two what a resource is: a class, a property, or an individual of its narrowest class."""
    classes = [each for each in index.path_to(iri)[-1:] if iri not in index.classes]
    found = (index.label(each) for each in (*classes, *index.kinds(iri)))
    own = next((each for each in found if each), None)
    others = (_OTHERS[each] for each in index.values(iri, RDF.type) if each in _OTHERS)
    return own or next(others, BilingualText("", ""))
