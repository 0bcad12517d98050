"""What a guideline says of a record of which some facts are not known: what all ways have in common (the reading R8).

`osteo-kg assess` says it, too, by situations and a table; here every question is one for Z3.
"""

from __future__ import annotations

from dataclasses import dataclass

import z3
from rdflib import SKOS
from rdflib.term import Node

from tests.proofs.axioms import OSTEO
from tests.proofs.cases import StatedCase, states
from tests.proofs.encoding import Encoding
from tests.proofs.patients import Formula, SettledPatient
from tests.proofs.records import Reading, Record, Ways


@dataclass(frozen=True)
class ProvedAnswer:
    """What is said of a record, by the keys of an assessment.

    Attributes:
        options: the status of each option, by key; empty where treatment is not the only disposition that remains.
    """

    possible: tuple[str, ...]
    strength: str | None
    options: dict[str, str]


class Answers:
    """Answers records of one guideline.

    Args:
        encoding: the guideline.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._record = Record(encoding.words, "record")
        self._patient = SettledPatient(encoding.words, "patient")
        ways = Ways(self._record, self._patient, Reading.of_modules(encoding.words), "way")
        self._said = {
            key: (z3.Bool(f"said {place}"), holds)
            for place, (key, holds) in enumerate(encoding.said(self._patient).items())
        }
        self._solver = z3.Solver()
        self._solver.add(ways.formula, self._record.possible, *(name == holds for name, holds in self._said.values()))

    def of(self, case: StatedCase) -> ProvedAnswer:
        """Answer one case."""
        self._solver.push()
        self._solver.add(states(self._record, case))
        encoding = self._encoding
        remaining = [each for each in encoding.dispositions if self._may(self._told("disposition", each))]
        strengths = [self._told("strength", each) for each in encoding.strengths]
        told = {self._key(each) for each in encoding.strengths if self._may(self._told("strength", each))}
        if self._may(z3.Not(z3.Or(*strengths))):
            told.add("")
        options = {}
        if remaining == [OSTEO.Treat]:
            options = {self._key(each): self._status(self._told("eligible", each)) for each in encoding.options}
        self._solver.pop()
        return ProvedAnswer(
            possible=tuple(sorted(map(self._key, remaining))),
            strength=(told.pop() or None) if len(told) == 1 else None,
            options=options,
        )

    def _told(self, kind: str, term: Node) -> Formula:
        name, _ = self._said[kind, term, None]
        return name

    def _status(self, eligible: Formula) -> str:
        if not self._may(z3.Not(eligible)):
            return "eligible"
        return "undetermined" if self._may(eligible) else "not-eligible"

    def _may(self, formula: Formula) -> bool:
        found = self._solver.check(formula)
        assert found != z3.unknown, self._solver.reason_unknown()
        return bool(found == z3.sat)

    def _key(self, term: Node) -> str:
        return str(self._encoding.graph.value(term, SKOS.notation))
