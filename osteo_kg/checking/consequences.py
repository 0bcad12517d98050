"""Findings that follow from another one are left out: whoever mends the cause has mended them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from osteo_kg.checking.findings import KnowledgeFinding
from osteo_kg.checking.knowledge import CheckedKnowledge
from osteo_kg.checking.terms import UNDECLARED
from osteo_kg.rdf import OSTEO

_GAPS_AND_OVERLAPS = ("BandMetAbove", "BandMetBelow", "BandsApart")
_WITHOUT_A_NUMBER = ("RangeBound", "ill-typed", "misused-property", UNDECLARED)


def without_consequences(
    knowledge: CheckedKnowledge, findings: Iterable[KnowledgeFinding]
) -> Iterator[KnowledgeFinding]:
    """Give the findings that do not follow from others.

    Classes of a cycle are all one, and contradict each other for that alone. Where a bound is no number, or a
    criterion is not known, rules that require the same cannot be compared.
    """
    found = list(findings)
    in_cycles = any(each.code == "cycle" for each in found)
    incomparable = _incomparable(knowledge, found)
    names = {knowledge.name(rule) for rule in incomparable}
    for each in found:
        if each.code == "contradiction" and in_cycles:
            continue
        if each.code in _GAPS_AND_OVERLAPS and each.subject in names:
            continue
        yield each


def _incomparable(knowledge: CheckedKnowledge, findings: Iterable[KnowledgeFinding]) -> set[str]:
    """Give the rules that require the same as one with a criterion that cannot be compared, and that one."""
    faulty = {each.subject for each in findings if each.code in _WITHOUT_A_NUMBER}
    rules = {each: set(knowledge.lookup.objects(each, OSTEO.requires)) for each in knowledge.members(OSTEO.Rule)}
    known = set(knowledge.kinds) - set(knowledge.members(OSTEO.RangeCriterion))
    others = {rule: frozenset(required & known) for rule, required in rules.items()}
    groups = {
        others[rule] for rule, required in rules.items() if faulty.intersection(map(knowledge.name, {rule, *required}))
    }
    return {rule for rule, required in others.items() if required in groups}
