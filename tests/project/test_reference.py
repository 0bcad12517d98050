"""The reference says what the knowledge and the code are now."""

from __future__ import annotations

from pathlib import Path

import pytest
from rdflib import RDFS, Graph

from docs.generate import REFERENCE, pages
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import OSTEO, RDF
from tests.support.worked import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written() -> dict[Path, str]:
    """Every page as it would be written now."""
    return dict(pages())


BY_HAND = {REFERENCE / f"{name}.md" for name in ("reading", "contracts", "versions")}
COUNTED = {REFERENCE / "readings.md", REFERENCE / "proofs.md"}  # for minutes, by `make readings` and `make mutants`


@pytest.mark.parametrize("path", sorted({*REFERENCE.iterdir()} - BY_HAND - COUNTED), ids=lambda path: path.name)
def test_a_page_of_the_reference_is_not_stale(written: dict[Path, str], path: Path) -> None:
    assert path.read_text(encoding="utf-8") == written[path], f"Run: make reference ({path.relative_to(ROOT)})"


def test_every_page_of_the_reference_is_there(written: dict[Path, str]) -> None:
    assert set(written) - set(REFERENCE.iterdir()) == set()


def test_every_term_is_in_the_vocabulary(knowledge_base: KnowledgeBase, written: dict[Path, str]) -> None:
    modules = [content for name, content in knowledge_base.knowledge.modules.items() if "/" not in name]
    terms = {
        str(term)
        for content in modules
        for term in Graph().parse(data=content, format="turtle").subjects(RDFS.isDefinedBy)
    }
    codes = knowledge_base.knowledge.triples.subjects(RDF.type, OSTEO.Code)
    page = written[REFERENCE / "vocabulary.md"]
    assert [
        each for each in sorted(terms - {*codes}) if f"| `osteo:{each.removeprefix(OSTEO.iri)}` |" not in page
    ] == []


def test_every_part_of_the_guideline_is_among_the_rules(
    knowledge_base: KnowledgeBase, written: dict[Path, str]
) -> None:
    guideline = knowledge_base.engine().guideline
    page = written[REFERENCE / "rules.md"]
    rules = [(rule.label.en, rule.restates.en) for rule in guideline.rules]
    criteria = [criterion.label.en for criterion in guideline.criteria.values()]
    readings = [interpretation.label.en for interpretation in guideline.interpretations]
    labels = [option.label.en for option in guideline.options] + [each.label.en for each in guideline.obligations]
    expected = [*(text for rule in rules for text in rule), *criteria, *readings, *labels]
    assert [text for text in expected if text not in page] == []
