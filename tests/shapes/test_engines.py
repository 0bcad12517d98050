"""Other engines of SHACL refuse what the library refuses, and nothing else."""

from __future__ import annotations

import pytest

from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.portable_shapes import portable_shapes
from tests.shapes import documents, engines
from tests.shapes.documents import Document
from tests.support.worked import ON

pytestmark = pytest.mark.slow


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
def refused(every: list[Document], knowledge_base: KnowledgeBase) -> set[str]:
    """The documents that the library refuses."""
    return {each.name for each in every if each.is_refused(knowledge_base)}


def test_the_library_says_what_is_written_of_each_document(refused: set[str]) -> None:
    """What is to be refused stands beside each document, and not in the library alone."""
    told = {each.name for each in documents.written() if each.refused}
    assert told ^ (refused & {each.name for each in documents.written()}) == set()


@pytest.mark.parametrize("engine", [engines.pyshacl, engines.rdf_validate_shacl])
def test_core_refuses_what_the_library_refuses(
    engine: engines.Engine, every: list[Document], refused: set[str], knowledge_base: KnowledgeBase
) -> None:
    """SHACL Core alone gives every verdict but those that are listed as beyond it."""
    shapes = portable_shapes(knowledge_base.knowledge, ON, ignored=documents.FOREIGN)
    found = documents.refused(every, engine(shapes, documents.merged(every, sparql=False)))
    assert found ^ (refused - {each.name for each in every if each.beyond_core}) == set()


def test_sparql_refuses_what_the_library_refuses(
    every: list[Document], refused: set[str], knowledge_base: KnowledgeBase
) -> None:
    """With constraints in SPARQL every verdict is the library's, in TopBraid."""
    shapes = portable_shapes(knowledge_base.knowledge, ON, sparql=True)
    found = documents.refused(every, engines.topbraid(shapes, documents.merged(every, sparql=True)))
    assert found ^ refused == set()
