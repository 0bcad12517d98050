"""Other engines of SHACL refuse what the library refuses, and nothing else: finding by finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from rdflib import SH, Graph, Literal

from osteo_kg.case import Finding
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.portable_shapes import SHAPE, portable_shapes
from osteo_kg.rdf import LIFTED, OSTEO
from tests.shapes import documents, engines
from tests.shapes.documents import Document, Found
from tests.support.worked import ON

pytestmark = pytest.mark.slow

_CORE = ("pySHACL", "rdf-validate-shacl", "TopBraid")
_WITH_SPARQL = "TopBraid with SPARQL"
#: What the library says of facts that it lifts, where a shape for documents says it: the shape, and its property.
_LIFTED = {
    SHAPE.AgeFromBirthDate.value: (SHAPE.AgeFromBirthDate.value, OSTEO.birthDate.value),
    SHAPE.AgeNotAboveBirthDate.value: (SHAPE.AgeNotAboveBirthDate.value, None),
    SHAPE.AgeNotBelowBirthDate.value: (SHAPE.AgeNotAboveBirthDate.value, None),
    SHAPE.ConflictingDensitometry.value: (SHAPE.OneTScoreOfADay.value, None),
}
Refusals = Mapping[str, list[Finding]]


@pytest.fixture(scope="module")
def every(knowledge_base: KnowledgeBase) -> list[Document]:
    """What is written for these tests, the worked cases that are refused, examples and cases from the field."""
    found = [
        *documents.written(),
        *documents.worked(knowledge_base, "refused.yaml"),
        *documents.files(knowledge_base),
    ]
    assert len({each.name for each in found}) == len(found)
    return found


@pytest.fixture(scope="module")
def refusals(every: list[Document], knowledge_base: KnowledgeBase) -> Refusals:
    """What the library refuses in each document that it refuses."""
    found = {each.name: each.refusals(knowledge_base) for each in every}
    return {name: said for name, said in found.items() if said}


@pytest.fixture(scope="module")
def shapes(knowledge_base: KnowledgeBase) -> Mapping[bool, str]:
    """The shapes, with SPARQL and without."""
    return {
        False: portable_shapes(knowledge_base.knowledge, ON, ignored=documents.FOREIGN),
        True: portable_shapes(knowledge_base.knowledge, ON, sparql=True),
    }


@pytest.fixture(scope="module")
def words(shapes: Mapping[bool, str]) -> Mapping[str, str]:
    """What each shape says, in English."""
    graph = Graph().parse(data=shapes[True], format="turtle")
    said = graph.subject_objects(SH.message)
    return {str(shape): str(text) for shape, text in said if isinstance(text, Literal) and text.language == "en"}


@pytest.fixture(scope="module")
def found(every: list[Document], shapes: Mapping[bool, str]) -> Mapping[str, set[Found]]:
    """What each engine finds; those in Java and in JavaScript work beside the one in Python."""
    core, with_sparql = (documents.merged(every, sparql=each) for each in (False, True))
    with ThreadPoolExecutor() as pool:
        java = pool.submit(engines.topbraid, (shapes[False], core), (shapes[True], with_sparql))
        javascript = pool.submit(engines.rdf_validate_shacl, shapes[False], core)
        results = [engines.pyshacl(shapes[False], core), javascript.result(), *java.result()]
    names = (*_CORE, _WITH_SPARQL)
    return {name: documents.findings(every, each) for name, each in zip(names, results, strict=True)}


def test_the_library_says_what_is_written_of_each_document(refusals: Refusals) -> None:
    """What is to be refused stands beside each document, and not in the library alone."""
    told = {each.name for each in documents.written() if each.refused}
    assert told ^ (set(refusals) & {each.name for each in documents.written()}) == set()


@pytest.mark.parametrize("engine", _CORE)
def test_core_refuses_what_the_library_refuses(
    engine: str, every: list[Document], refusals: Refusals, found: Mapping[str, set[Found]]
) -> None:
    """SHACL Core alone gives every verdict but those that are listed as beyond it."""
    wanted = set(refusals) - {each.name for each in every if each.beyond_core}
    assert {each.document for each in found[engine]} ^ wanted == set()


def test_sparql_refuses_what_the_library_refuses(refusals: Refusals, found: Mapping[str, set[Found]]) -> None:
    """With constraints in SPARQL every verdict is the library's, in TopBraid."""
    assert {each.document for each in found[_WITH_SPARQL]} ^ set(refusals) == set()


@pytest.mark.parametrize("engine", _CORE[1:])
def test_engines_find_the_same(engine: str, found: Mapping[str, set[Found]]) -> None:
    """Node, property, value, constraint and shape of every finding are those of pySHACL."""
    assert found[engine] ^ found[_CORE[0]] == set()


@pytest.mark.parametrize("engine", [_CORE[0], _WITH_SPARQL])
def test_each_refusal_of_the_library_is_among_the_findings(
    engine: str,
    every: list[Document],
    refusals: Refusals,
    found: Mapping[str, set[Found]],
    words: Mapping[str, str],
) -> None:
    """In its words and of its property, as often as the library has it; a few in words that are listed."""
    by_document: dict[str, list[Found]] = {}
    for each in found[engine]:
        by_document.setdefault(each.document, []).append(each)
    missing = {}
    for document in every:
        if document.beyond_core and engine != _WITH_SPARQL:
            continue
        own = by_document.get(document.name, [])
        left = [each for each in refusals.get(document.name, ()) if not _is_among(each, own, words)]
        told = {SHAPE[document.otherwise].value} if document.otherwise else set()
        if bool(left) != bool(told) or not told <= {each.shape for each in own}:
            missing[document.name] = left
    assert missing == {}


@pytest.mark.parametrize("engine", [_CORE[0], _WITH_SPARQL])
def test_a_refusal_of_several_nodes_is_found_at_each(
    engine: str, refusals: Refusals, found: Mapping[str, set[Found]]
) -> None:
    """What the library says of two entries or of two values, an engine finds at two."""
    at = {(each.document, each.shape, each.focus, each.value) for each in found[engine]}
    said = {(name, each.shape, each.focus, each.value) for name, own in refusals.items() for each in own}
    places, wanted = (Counter((document, shape) for document, shape, *_ in each) for each in (at, said))
    assert {key: number for key, number in wanted.items() if 0 < places[key] < number} == {}


def _is_among(refusal: Finding, own: Iterable[Found], words: Mapping[str, str]) -> bool:
    """Whether a refusal of the library is among what was found of a document."""
    if refusal.shape is None:  # of the reader, whose words are those of a shape
        return any(words[each.shape] == refusal.message.en for each in own)
    shape, path = _LIFTED.get(refusal.shape, (refusal.shape, refusal.property))
    assert path is None or not path.startswith(LIFTED.iri)
    return any((each.shape, each.path) == (shape, path) for each in own)
