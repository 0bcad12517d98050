"""What is said of all situations contradicts neither itself nor the ontology."""

from __future__ import annotations

import pyoxigraph as ox
import pytest

from osteo_kg import InconsistencyError
from osteo_kg.dataset import GRAPH, build_dataset
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.reasoning.closure import closed
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.slow


NS = "https://w3id.org/osteo-kg/ns/"
SITUATION = ox.NamedNode("https://w3id.org/osteo-kg/situation/oic-128-08-b/any")


def test_the_situations_and_the_whole_ontology_are_consistent(knowledge_base: KnowledgeBase) -> None:
    """All of graph/situations, every settled situation and those of the examples, is closed in one graph."""
    files = sorted((ROOT / "examples").glob("*.ttl"))
    cases = [case for path in files for case in knowledge_base.read(path.read_bytes(), name=path.name)]
    situations = build_dataset(knowledge_base, cases, on=ON).graphs[GRAPH + "situations"]
    graph = closed(knowledge_base.knowledge, situations)
    assert len(graph) > len(situations)


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
