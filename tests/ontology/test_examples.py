"""Every class and property has an example: Turtle that parses, names the term, and says what is the case.

An example of a case is one that the library accepts. Any other is found, word for word, in the knowledge or in what the
library answers to the example patients.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

import pyoxigraph as ox
import pytest

from osteo_kg import package_data
from osteo_kg.case import Case
from osteo_kg.decision_table.rdf import neighbours, situation_triples
from osteo_kg.knowledge.loading import packaged_knowledge
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import OSTEO, OWL, RDF, SKOS, with_fresh_blank_nodes
from tests.support.ontology_figures import defines
from tests.support.worked import ON

pytestmark = pytest.mark.slow

ANSWERED = (
    *("failed-bisphosphonate", "fracture-at-unstated-site", "hip-fracture", "man-with-hip-fracture"),
    *("one-vertebral-entry", "specialist", "two-vertebral-fractures", "wrist-fracture"),
)
KINDS = (OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty)
#: What differs from one version of the software to the next.
VERSIONED = {OSTEO.knowledgeDigest, OSTEO.softwareVersion}
#: What is concluded on the way to an answer and stands in no graph, or what only some requests lead to.
ON_THE_WAY = {
    *("evidenceFrom", "evidenceUntil", "hasCurrentAxialDensitometry", "hasDecidingDensitometry", "isListedBy"),
    *("lacks", "lacksMeasure", "takesOtherReadingOf", "vertebralFractureCount"),
}


def examples() -> dict[str, str]:
    """Give the example of each term, by its name."""
    pairs = packaged_knowledge().triples.pairs(SKOS.example)
    return {term.removeprefix(OSTEO.iri): text for term, text in pairs}


EXAMPLES = examples()


def read(text: str) -> list[ox.Triple]:
    return [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)]


def is_a_case(triples: Iterable[ox.Triple]) -> bool:
    return any(each.predicate == RDF.type and each.object == OSTEO.Patient for each in triples)


@functools.cache
def examples_of_cases() -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in EXAMPLES.values() if is_a_case(read(text))))


@pytest.fixture(scope="module")
def told(knowledge_base: KnowledgeBase) -> ox.Store:
    """The knowledge, and everything that is answered about the example patients, in one store."""
    store = ox.Store()
    store.extend(knowledge_base.knowledge.store)
    home = package_data.root()
    for path in (*sorted((home / "shapes").glob("*.ttl")), *sorted((home / "ontology" / "readings").glob("*.trig"))):
        store.load(path=str(path))
    files = [(home / "examples" / f"{name}.ttl").read_text("utf-8") for name in ANSWERED]
    cases = [case for text in (*files, *examples_of_cases()) for case in knowledge_base.read(text, "ttl")]
    for triple in (*knowledge_base.engine().inferred(), *_told(knowledge_base, cases)):
        store.add(ox.Quad(*triple))
    return store


def _told(knowledge_base: KnowledgeBase, cases: list[Case]) -> Iterator[ox.Triple]:
    """Give the cases with their answers, what follows about each, and the situations of those who are specialists'."""
    engine = knowledge_base.engine()
    prepared = [knowledge_base.prepare(case, on=ON) for case in cases]
    answers = [knowledge_base.assess(each, on=ON) for each in prepared]
    follows = knowledge_base.conclusions(list(zip(prepared, answers, strict=True)))
    for ready, answer, triples in zip(prepared, answers, follows, strict=True):
        yield from with_fresh_blank_nodes([*ready.case.triples, *triples])
        yield from knowledge_base.triples(answer)
    referred = {each.situation_key for each in answers if each.disposition == "specialist-opinion"}
    yield from situation_triples(engine, neighbours(engine, [engine.space.parse(key) for key in sorted(referred)]))


def test_every_class_and_property_has_one_example() -> None:
    store = packaged_knowledge().store
    declared = {
        quad.subject.value.removeprefix(OSTEO.iri)
        for kind in KINDS
        for quad in store.quads_for_pattern(None, RDF.type, kind)
        if isinstance(quad.subject, ox.NamedNode) and quad.subject.value.startswith(OSTEO.iri)
    }
    assert declared ^ set(EXAMPLES) == set()


def test_an_example_is_turtle_that_names_its_term() -> None:
    named = {term: {each for triple in read(text) for each in triple} for term, text in EXAMPLES.items()}
    assert {term for term, found in named.items() if OSTEO[term] not in found} == set()


def test_an_example_uses_no_term_that_is_not_declared() -> None:
    known = {q.subject.value for q in packaged_knowledge().store if isinstance(q.subject, ox.NamedNode)}
    used = {
        each.value
        for text in EXAMPLES.values()
        for triple in read(text)
        for each in triple
        if isinstance(each, ox.NamedNode) and each.value.startswith(OSTEO.iri)
    }
    assert used - known == set()


def test_an_example_of_a_case_is_read_and_accepted(knowledge_base: KnowledgeBase) -> None:
    """Nothing of it is passed over, and the shapes accept it."""
    cases = [case for text in examples_of_cases() for case in knowledge_base.read(text, "ttl")]
    assert len(cases) == len(examples_of_cases()) > 1
    passed_over = [case.ignored for case in cases if case.ignored]
    refused = [each.findings for case in cases if not (each := knowledge_base.validate(case, on=ON)).conforms]
    assert (passed_over, refused) == ([], [])


def test_an_example_is_found_in_the_knowledge_or_in_an_answer(told: ox.Store) -> None:
    """It is a piece of what can be asked for, word for word."""
    checked = set(EXAMPLES) - ON_THE_WAY
    assert {term for term in checked if not told.query(f"ASK {{ {pattern(read(EXAMPLES[term]))} }}")} == set()


def test_what_no_graph_holds_is_told_by_the_terms_that_stand_in_none(told: ox.Store) -> None:
    """No term is left out above that the graphs could show."""
    assert {term for term in ON_THE_WAY if told.query(f"ASK {{ ?any <{OSTEO.iri}{term}> ?thing }}")} == set()


def pattern(triples: Iterable[ox.Triple]) -> str:
    """Give triples as SPARQL, with a variable for each nameless node and for what differs between versions."""
    lines = []
    for place, triple in enumerate(triples):
        found = [f"?{each.value}" if isinstance(each, ox.BlankNode) else str(each) for each in triple]
        if triple.predicate in VERSIONED:
            found[2] = f"?versioned{place}"
        lines.append(" ".join(found))
    return " .\n".join(lines)


def test_a_definition_names_a_genus_and_a_difference() -> None:
    """Of a class below another, the genus is a class above it."""
    known = packaged_knowledge().triples
    kinds = {term: known.objects(OSTEO[term].value, RDF.type) for term in EXAMPLES}
    vague = {
        term: known.text(OSTEO[term].value, SKOS.definition)
        for term, found in kinds.items()
        if not defines(known, OSTEO[term].value, is_class=OWL.Class.value in found)
    }
    assert vague == {}
