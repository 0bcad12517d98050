"""What is said of all situations contradicts neither itself nor the ontology."""

from __future__ import annotations

from collections.abc import Iterable

import pyoxigraph as ox
import pytest

from osteo_kg import InconsistencyError
from osteo_kg.dataset import GRAPH, build_dataset
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.reasoning.closure import closed
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.slow


NS = "https://w3id.org/osteo-kg/ns/"
HAS_VALUE = ox.NamedNode(NS + "hasSituationValue")
SITUATION = ox.NamedNode("https://w3id.org/osteo-kg/situation/oic-128-08-b/any")


def test_the_situations_and_the_whole_ontology_are_consistent(knowledge_base: KnowledgeBase) -> None:
    """Graph/situations holds every settled situation and those of the examples, and is closed in one graph.

    No axiom joins what is said of a situation with what it is like. So one situation is closed for each answer that
    differs from the others, and one for each value; they point at their neighbours, of which no more is said here.
    """
    files = sorted((ROOT / "examples").glob("*.ttl"))
    cases = [case for path in files for case in knowledge_base.read(path.read_bytes(), name=path.name)]
    situations = build_dataset(knowledge_base, cases, on=ON).graphs[GRAPH + "situations"]
    chosen = _one_of_each(situations)
    graph = closed(knowledge_base.knowledge, chosen)
    assert len(graph) > len(chosen)


def _one_of_each(triples: Iterable[ox.Triple]) -> list[ox.Triple]:
    """Keep of the situations of which the same is said the first, and the first with each value."""
    said: dict[object, list[ox.Triple]] = {}
    for triple in triples:
        said.setdefault(triple.subject, []).append(triple)
    chosen = dict.fromkeys(each for each, facts in said.items() if not _is_situation(each))
    seen: set[object] = set()
    for each in filter(_is_situation, said):
        own = [fact for fact in said[each] if not _is_situation(fact.object)]
        values = {fact.object for fact in own if fact.predicate == HAS_VALUE}
        answer = frozenset((fact.predicate, fact.object) for fact in own if fact.predicate != HAS_VALUE)
        if {answer, *values} - seen:
            chosen[each] = None
            seen |= {answer, *values}
    return [fact for each in chosen for fact in said[each]]


def _is_situation(term: object) -> bool:
    return isinstance(term, ox.NamedNode) and term.value.startswith(SITUATION.value.removesuffix("oic-128-08-b/any"))


@pytest.mark.parametrize(
    ("property_", "values"),
    [("hasDisposition", ("Treat", "NoTreatment")), ("hasStrength", ("Imperative", "Proposed"))],
)
def test_a_situation_with_two_answers_is_inconsistent(
    knowledge_base: KnowledgeBase, property_: str, values: tuple[str, str]
) -> None:
    facts = [ox.Triple(SITUATION, ox.NamedNode(NS + property_), ox.NamedNode(NS + value)) for value in values]
    with pytest.raises(InconsistencyError, match=values[0]):
        closed(knowledge_base.knowledge, facts)


def test_an_assessed_option_with_two_statuses_is_inconsistent(knowledge_base: KnowledgeBase) -> None:
    part, status = ox.BlankNode(), ox.NamedNode(NS + "hasStatus")
    facts = [ox.Triple(part, status, ox.NamedNode(NS + value)) for value in ("Eligible", "NotEligible")]
    with pytest.raises(InconsistencyError, match="Eligible"):
        closed(knowledge_base.knowledge, facts)
