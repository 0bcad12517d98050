"""The page of one resource: what it is, what stands above and below it, where it is used, and an example of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyoxigraph as ox
from flask import Response

from osteo_kg import Language
from osteo_kg.bilingual import BilingualText
from osteo_kg.knowledge import Span
from osteo_kg.rdf import DCTERMS, GUIDELINE, OSTEO, OWL, RDF, RDFS, SKOS, local_name
from osteo_kg_server.http.parameters import language
from osteo_kg_server.pages.knowledge.axioms import sentences_of
from osteo_kg_server.pages.knowledge.examples import Example, example_of
from osteo_kg_server.pages.knowledge.index import PROPERTIES, KnowledgeIndex, index, remembered
from osteo_kg_server.pages.knowledge.links import (
    Link,
    alternates_of,
    crumbs_to,
    in_number_order,
    is_ours,
    link_to,
    links_to,
    name_of,
    sorted_links,
)
from osteo_kg_server.pages.layout import Crumb, page
from osteo_kg_server.pages.source import passage

_CODES = (OSTEO.hasCode, OSTEO.hasClassCode, OSTEO.isOrderedAs)
_IN_WORDS = (RDFS.subClassOf, OWL.equivalentClass)
_SHOWN_ELSEWHERE = {
    each.value
    for each in (
        *(RDFS.label, RDF.type, RDFS.isDefinedBy, RDFS.subClassOf),
        *(SKOS["definition"], SKOS["example"], DCTERMS["title"], *_CODES),
    )
}

_WITHIN = {
    OWL.equivalentClass.value: BilingualText("in the exact definition of", "dans la définition exacte de"),
    RDFS.subClassOf.value: BilingualText("in an axiom about", "dans un axiome sur"),
}
_RESTS = BilingualText("rules and options that rest on it", "règles et options qui en dépendent")
_TESTS = {OSTEO[each].value for each in ("testsClass", "testsAbsenceOf", "testsStatement", "measures")}
_REQUIRES = {OSTEO.requires.value, OSTEO.isReservedBy.value}
_STATED = BilingualText("stated of", "énoncée de")
_PREFIXES = "PREFIX osteo: <https://w3id.org/osteo-kg/ns/>\nPREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>\n"


@dataclass(frozen=True, slots=True)
class Row:
    """Values of one property: what the property is called, and the values."""

    name: Link
    values: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One code of a published terminology that stands for a term, or is a concept matched with it."""

    relation: Link
    system: Link
    value: str
    label: Link


@dataclass(frozen=True, slots=True)
class Branch:
    """A class with the classes below it.

    Attributes:
        count: the individuals of the class and of all below it.
    """

    link: Link
    count: int
    below: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a source, by position; its text where it is at hand."""

    name: Link
    start: int
    end: int
    text: str | None


@remembered
def resource_page(iri: str) -> Response:
    """Make the page of a resource that the ontology describes."""
    known, spoken = index(), language()
    title = name_of(known, iri, spoken)
    definition = known.definition(iri) or _definition_of_its_kind(known, iri)
    return page(
        "knowledge/term.html",
        spoken,
        title=title,
        crumbs=crumbs_of(known, iri, spoken),
        alternates=alternates_of(iri),
        iri=iri,
        definition=definition.get(spoken) if definition else "",
        other=_in_the_other_language(known, iri, spoken),
        kinds=links_to(known, _kinds(known, iri), spoken),
        module=next(iter(links_to(known, known.values(iri, RDFS.isDefinedBy), spoken)), None),
        sentences=sentences_of(known, iri, spoken),
        above=links_to(known, known.path_to(iri), spoken) if iri in known.classes else [],
        below=branches(known, known.subclasses.get(iri, ()), spoken),
        instances=sorted_links(links_to(known, known.instances(iri) if is_ours(iri) else (), spoken)),
        codes=codes_of(known, iri, spoken),
        passages=passages_of(known, iri, spoken),
        rows=rows_of(known, iri, spoken),
        uses=uses_of(known, iri, spoken),
        shapes=[name.get(spoken) for _, name in known.shapes(iri)],
        turtle=next(iter(known.values(iri, SKOS["example"])), ""),
        example=_example(known, iri),
        question=question_about(known, iri),
    )


def crumbs_of(known: KnowledgeIndex, iri: str, language: Language) -> list[Crumb]:
    """Give the pages above a resource: its guideline, or the classes above it."""
    if iri.startswith(GUIDELINE):
        name = iri.removeprefix(GUIDELINE).partition("/")[0]
        return [Crumb(name_of(known, GUIDELINE + name, language), f"/guideline/{name}")]
    return crumbs_to(known, iri, language)


def branches(
    known: KnowledgeIndex, classes: Iterable[str], language: Language, above: frozenset[str] = frozenset()
) -> tuple[Branch, ...]:
    """Give classes with those below them, sorted by what they are called; none stands below itself."""
    found = [
        Branch(
            link_to(known, each, language),
            known.count(each),
            branches(known, known.subclasses.get(each, ()), language, above | {each}),
        )
        for each in classes
        if each not in above and is_ours(each)
    ]
    return tuple(sorted(found, key=lambda each: in_number_order(each.link.text)))


def rows_of(known: KnowledgeIndex, iri: str, language: Language) -> list[Row]:
    """Give what is stated of a resource and has no place of its own on its page."""
    rows: dict[str, list[Link]] = defaultdict(list)
    for triple in known.below.get(ox.NamedNode(iri), ()):
        if triple.predicate.value in _SHOWN_ELSEWHERE or _is_said_in_words(triple):
            continue
        value = _value(known, triple.object, language)
        if value and value not in rows[triple.predicate.value]:
            rows[triple.predicate.value].append(value)
    found = [
        Row(link_to(known, name, language), tuple(sorted_links(values))) for name, values in rows.items() if values
    ]
    return sorted(found, key=lambda row: in_number_order(row.name.text))


def _is_said_in_words(triple: ox.Triple) -> bool:
    return triple.predicate in _IN_WORDS or isinstance(triple.object, ox.BlankNode)


def _value(known: KnowledgeIndex, node: object, language: Language) -> Link | None:
    if isinstance(node, ox.NamedNode):
        return link_to(known, node.value, language)
    if isinstance(node, ox.Literal) and node.language in (None, language):
        return Link(node.value)
    return None


def codes_of(known: KnowledgeIndex, iri: str, language: Language) -> list[CodeRow]:
    """Give the codes of published terminologies that stand for a term, by system and value."""
    found = [
        CodeRow(
            link_to(known, relation.value, language),
            next(iter(links_to(known, known.values(code, OSTEO.inCodingSystem), language)), Link("")),
            next(iter(known.values(code, OSTEO.codeValue)), ""),
            link_to(known, code, language),
        )
        for relation in _CODES
        for code in known.values(iri, relation)
    ]
    return sorted(found, key=lambda row: (row.system.text, row.value, row.relation.text))


def passages_of(known: KnowledgeIndex, iri: str, language: Language) -> list[Passage]:
    """Give the stretches of the source that a resource cites, or is, in their order."""
    spans = known.values(iri, OSTEO.cites)
    if OSTEO.SourceSpan.value in known.kinds(iri):
        spans = [iri]
    found = []
    for each in spans:
        span, digest = span_of(known, each), _source_digest(known, each)
        if span:
            found.append(Passage(link_to(known, each, language), span.start, span.end, passage(span, digest)))
    return sorted(found, key=lambda each: (each.start, each.end))


def span_of(known: KnowledgeIndex, iri: str) -> Span | None:
    """Read a stretch of the source; None where the ontology does not state it whole."""
    parts = [known.values(iri, each) for each in (OSTEO.spanStart, OSTEO.spanEnd, OSTEO.spanDigest)]
    if not all(parts):
        return None
    (start, *_), (end, *_), (digest, *_) = parts
    return Span(int(start), int(end), digest)


def _source_digest(known: KnowledgeIndex, span: str) -> str | None:
    guideline = GUIDELINE + span.removeprefix(GUIDELINE).partition("/")[0]
    return next(iter(known.values(guideline, OSTEO.spanDigest)), None)


def uses_of(known: KnowledgeIndex, iri: str, language: Language) -> list[Row]:
    """Give what names a resource, by the property under which it does so."""
    rows: dict[Link, list[Link]] = defaultdict(list)
    for use in known.uses(iri):
        if use.predicate == iri:
            name = Link(_STATED.get(language))
        elif use.within and use.predicate in _WITHIN:
            name = Link(_WITHIN[use.predicate].get(language))
        else:
            name = link_to(known, use.predicate, language)
        value = link_to(known, use.subject, language)
        if value not in rows[name]:
            rows[name].append(value)
    if rules := _rules_resting_on(known, iri):
        rows[Link(_RESTS.get(language))] = links_to(known, rules, language)
    found = [Row(name, tuple(sorted_links(values))) for name, values in rows.items()]
    return sorted(found, key=lambda row: in_number_order(row.name.text))


def _rules_resting_on(known: KnowledgeIndex, iri: str) -> list[str]:
    """Give the rules and the places of options that some criterion about a class or a fact decides."""
    criteria = [use.subject for use in known.uses(iri) if use.predicate in _TESTS]
    return list(
        dict.fromkeys(use.subject for each in criteria for use in known.uses(each) if use.predicate in _REQUIRES)
    )


def question_about(known: KnowledgeIndex, iri: str) -> str:
    """Give a query that asks the dataset about a resource."""
    term = f"osteo:{local_name(iri)}" if is_ours(iri) else f"<{iri}>"
    if iri in known.classes:
        where = (
            f"?thing a/rdfs:subClassOf* {term} . OPTIONAL {{ ?thing rdfs:label ?label FILTER (LANG(?label) = 'en') }}"
        )
        return f"{_PREFIXES}SELECT ?thing ?label\nWHERE {{ {where} }}\nLIMIT 100"
    if _is_a_property(known, iri):
        return f"{_PREFIXES}SELECT ?thing ?value\nWHERE {{ ?thing {term} ?value }}\nLIMIT 100"
    return f"{_PREFIXES}SELECT ?thing ?how\nWHERE {{ ?thing ?how {term} }}\nLIMIT 100"


def _is_a_property(known: KnowledgeIndex, iri: str) -> bool:
    return any(each.value in known.values(iri, RDF.type) for each in PROPERTIES)


def _kinds(known: KnowledgeIndex, iri: str) -> Sequence[str]:
    """Give the classes of an individual; of a class or a property, what it is in OWL."""
    return known.kinds(iri) or [each for each in known.values(iri, RDF.type) if each != OWL.NamedIndividual.value]


def _definition_of_its_kind(known: KnowledgeIndex, iri: str) -> BilingualText | None:
    found = (known.definition(each) for each in known.values(iri, RDF.type))
    return next((each for each in found if each), None)


def _in_the_other_language(known: KnowledgeIndex, iri: str, language: Language) -> tuple[str, str] | None:
    other: Language = "en" if language == "fr" else "fr"
    label, definition = known.label(iri), known.definition(iri)
    if label is None:
        return None
    return label.get(other), definition.get(other) if definition else ""


def _example(known: KnowledgeIndex, iri: str) -> tuple[Example, list[tuple[str, bool]]] | None:
    """Give an example that uses a term, or one of what stands below it."""
    near = [iri, *known.instances(iri), *known.subclasses.get(iri, ())] if is_ours(iri) else []
    lower = [each for below in known.subclasses.get(iri, ()) for each in known.subclasses.get(below, ())]
    found = example_of([*near, *lower])
    return (found[0], found[0].parts(found[1])) if found else None
