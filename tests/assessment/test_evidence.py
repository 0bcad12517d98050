"""What evidence quotes stands in the graph in the terms of a case, and is read back as the record has it."""

from __future__ import annotations

from typing import Any

import pyoxigraph as ox
import pytest

from osteo_kg import UnreadableCaseError
from osteo_kg.assessment.evidence import EvidenceTerms
from osteo_kg.knowledge.loading import packaged_knowledge
from osteo_kg.rdf import OSTEO, Node

QUOTED = [
    ("sex", "female"),
    ("menopausal_status", "premenopausal"),
    ("conditions", "stroke"),
    ("age_years", 71),
    ("birth_date", "1971-06-09"),
    ("birth_date", "1971-06"),
    ("birth_date", "1971"),
    ("t_score_total_hip", -2.96),
    ("t_score_total_hip", -3),
    ("t_score_lumbar_spine", 0.00001),
    ("climacteric_disorders", True),
    ("low_peripheral_fracture_risk", False),
    ("fractures", []),
    ("treatment_history", []),
    ("fractures", {"site": "unspecified"}),
    (
        "fractures",
        {"site": "vertebra", "mechanism": "low-energy", "date": "2025-02-03", "count": 2, "count_at_most": 3},
    ),
    ("treatment_history", {"drug": "alendronate"}),
    ("treatment_history", {"drug": "risedronate", "outcome": "failure"}),
]


def _written(fact: str, value: Any) -> list[ox.Triple]:
    return list(EvidenceTerms(packaged_knowledge().terms).written(ox.BlankNode("evidence"), fact, value))


def _read(fact: str, triples: list[ox.Triple]) -> Any:
    def values(node: Node, property_: ox.NamedNode) -> list[Any]:
        return [each.object for each in triples if each.subject == node and each.predicate == property_]

    return EvidenceTerms(packaged_knowledge().terms).read(ox.BlankNode("evidence"), fact, values)


@pytest.mark.parametrize(("fact", "value"), QUOTED)
def test_what_evidence_quotes_is_read_back_as_it_was(fact: str, value: Any) -> None:
    found = _read(fact, _written(fact, value))
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("fact", "value"), QUOTED)
def test_no_literal_of_evidence_is_a_text(fact: str, value: Any) -> None:
    """Numbers, days and truths have their types; everything else is a term or an entry."""
    literals = [each.object for each in _written(fact, value) if isinstance(each.object, ox.Literal)]
    assert [each for each in literals if each.datatype.value.endswith("#string")] == []


def test_an_entry_is_described_by_the_terms_of_a_case() -> None:
    [_, kind, mechanism] = _written("fractures", {"site": "vertebra", "mechanism": "low-energy"})
    assert kind.object == OSTEO.VertebralFracture
    assert (mechanism.predicate, mechanism.object) == (OSTEO.hasMechanism, OSTEO.LowEnergyTrauma)


@pytest.mark.parametrize(
    ("fact", "property_", "wrong"),
    [
        ("sex", OSTEO.hasEvidenceTerm, OSTEO["NoSuchTerm"]),
        ("sex", OSTEO.hasEvidenceTerm, OSTEO.Postmenopausal),
        ("sex", OSTEO.hasEvidenceTerm, ox.Literal("female")),
        ("age_years", OSTEO.evidenceValue, ox.Literal("old")),
    ],
)
def test_evidence_that_no_record_has_is_refused_with_a_sentence(fact: str, property_: ox.NamedNode, wrong: Any) -> None:
    with pytest.raises(UnreadableCaseError, match="cannot be read"):
        _read(fact, [ox.Triple(ox.BlankNode("evidence"), property_, wrong)])
