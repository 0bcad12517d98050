"""What finds an edit of the guideline: the check, the proofs, worked patients, a comparison with the released table."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import z3
from rdflib import Graph
from rdflib.term import Node

from osteo_kg.case import CaseFacts
from osteo_kg.checking import KnowledgeFinding, changes, check
from osteo_kg.checking.documents import documents
from osteo_kg.checking.guideline import guideline_findings
from osteo_kg.checking.knowledge import CheckedKnowledge
from osteo_kg.knowledge import Guideline, Knowledge, read_guideline
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import local_name
from osteo_kg.reasoning import SituationSpace
from osteo_kg.reasoning.answers import Answer, CertainAnswers, completions_needed
from osteo_kg.reasoning.closure import Closures
from osteo_kg.reasoning.matching import Contradiction, Matcher
from tests.proofs.axioms import OSTEO
from tests.proofs.cases import Plain, StatedCase, can_be_written, is_plain, settled_case
from tests.proofs.edits import Edit
from tests.proofs.encoding import Encoding
from tests.proofs.patients import SettledPatient
from tests.proofs.properties import PROPERTIES, UndecidedError, prove
from tests.support.worked import ROOT, Worked, answered

MODULE = ROOT / "ontology" / "guidelines" / "oic-128-08-b.ttl"
#: What may find an edit, in the order in which it is asked: the first two of all edits, the others of what is left.
CHECK, PROOFS, PATIENTS = "check", "proofs", "worked patients"
UNLIKE = "unlike-released"
TABLE, RELEASED = "gaps and overlaps of the table", "comparison with the released table"
_FEW_WAYS = 8
KILLERS = (CHECK, PROOFS, PATIENTS, TABLE, RELEASED)


@dataclass(frozen=True)
class Fate:
    """What became of one edit.

    Attributes:
        found_by: what each killer said that found it.
        why_not: why nothing but the released table, or nothing at all, found it; empty where something did.
    """

    edit: Edit
    found_by: Mapping[str, str]
    why_not: str = ""


class Killers:
    """Everything that may find an edit.

    Args:
        graph: the triples of all modules.
        guideline: the guideline, by IRI.
    """

    def __init__(self, graph: Graph, guideline: Node) -> None:
        self._graph = graph
        self._packaged = Encoding(graph, guideline)
        knowledge_base = KnowledgeBase()
        self._patients = [(each, _facts(knowledge_base, each)) for each in answered()]

    def fate(self, edit: Edit, folder: Path) -> Fate:
        """Ask everything about an edit.

        Args:
            edit: the edit.
            folder: where the edited module is written.
        """
        (folder / MODULE.name).write_bytes(edit.module(MODULE))
        found = _by_check(folder)
        edited = Encoding(edit.applied(self._graph), self._packaged.guideline)
        if refuted := list(_refuted(edited)):
            found[PROOFS] = ", ".join(refuted)
        if not found and (wrong := self.first_wrong(CheckedKnowledge(documents([folder])).knowledge)):
            found[PATIENTS] = wrong
        if not found:
            found |= _by_table(folder) | _by_parts(folder)
        missed = not set(found) - {RELEASED}
        return Fate(edit, found, self._why_not(edited) if missed else "")

    def first_wrong(self, knowledge: Knowledge) -> str:
        """Give the first worked patient who is answered otherwise than is expected; empty where nobody is."""
        guideline = read_guideline(knowledge, str(self._packaged.guideline))
        closures = Closures(knowledge)
        space = SituationSpace(knowledge, guideline, closures.close(SituationSpace.atoms(knowledge)))
        matcher, answers = Matcher(knowledge, guideline), CertainAnswers(space, guideline)
        asked = [(worked, space.key(facts)) for worked, facts in self._patients]
        needed = {key: completions_needed(space, [key]) for _, key in asked}
        asked.sort(key=lambda each: len(needed[each[1]]))  # who is known well is answered at once
        few = sum(len(needed[key]) <= _FEW_WAYS for _, key in asked)
        for group in (asked[:few], asked[few:]):
            ways = [way for way in dict.fromkeys(way for _, key in group for way in needed[key]) if way not in answers]
            settled = [space.representative(way) for way in ways]
            closed = closures.close(each.atoms for each in settled)
            outcomes = matcher.outcomes([(each, closed[each.atoms]) for each in settled])
            for way, outcome in zip(ways, outcomes, strict=True):
                if isinstance(outcome, Contradiction):
                    return f"{len(outcome.dispositions)} dispositions: {space.text(way)}"
                answers.add(way, outcome)
            for worked, key in group:
                said = _said(knowledge, guideline, answers.answer(key))
                wrong = [name for name in said if said[name] != _plain(worked.expect.get(name, said[name]))]
                if wrong:
                    return f"{worked.id} ({', '.join(wrong)})"
        return ""

    def _why_not(self, edited: Encoding) -> str:
        """Say what an edit that was not found changes, if anything."""
        for option in self._packaged.options:
            if set(self._graph.objects(option, OSTEO.hasMember)) != set(edited.graph.objects(option, OSTEO.hasMember)):
                return "other drugs of an option; nothing else"
        changed = [what for what, _ in differences(self._packaged, edited)]
        return f"not equivalent: {changed[0]}" if changed else "equivalent: proved that nobody is told anything else"


def _by_check(folder: Path) -> dict[str, str]:
    """Check the edited module, all but its table."""
    with patch.object(sys.modules[check.__module__], "change_findings", lambda knowledge: ()):
        faults = [each for each in check([folder]) if each.severity != "information"]
    return {CHECK: _told(faults[0])} if faults else {}


def _by_table(folder: Path) -> dict[str, str]:
    """Work out the whole table of the edited guideline, and compare it with the released one."""
    found: dict[str, str] = {}
    for finding in changes.change_findings(CheckedKnowledge(documents([folder]))):
        found.setdefault(RELEASED if finding.code == "changed-situations" else TABLE, _told(finding))
    return found


def _by_parts(folder: Path) -> dict[str, str]:
    """Compare with the release what answers tell and no situation depends on."""
    found = [each for each in guideline_findings(CheckedKnowledge(documents([folder])), ()) if each.code == UNLIKE]
    return {RELEASED: _told(found[0])} if found else {}


def _told(finding: KnowledgeFinding) -> str:
    return f"{finding.code} {finding.subject or ''}".strip()


def differences(one: Encoding, other: Encoding) -> Iterator[tuple[str, StatedCase]]:
    """Give what some settled patient is told by one guideline and not by another, each with such a patient."""
    patient = SettledPatient(one.words, "patient")
    said, told = one.said(patient), other.said(patient)
    nothing = z3.BoolVal(False)
    solver = z3.Solver()
    solver.add(patient.settled, can_be_written(patient), is_plain(patient, Plain(3, 2, 1, 0)))
    for key in dict.fromkeys([*said, *told]):
        found = solver.check(said.get(key, nothing) != told.get(key, nothing))
        if found == z3.sat:
            yield f"{key[0]} {local_name(str(key[1]))}", settled_case(solver.model(), patient)
        elif found != z3.unsat:
            raise UndecidedError(solver.reason_unknown())


def _refuted(encoding: Encoding) -> Iterator[str]:
    for each in PROPERTIES:
        try:
            proof = prove(encoding, each)
        except (UndecidedError, ValueError, KeyError) as error:
            yield f"{each.key} ({type(error).__name__})"
            continue
        if proof.refuted is not None:
            yield f"{each.key} ({proof.refuted.about})"


def _facts(knowledge_base: KnowledgeBase, worked: Worked) -> CaseFacts:
    prepared = knowledge_base.prepare(worked.case(knowledge_base), on=worked.on)
    facts, _, _ = knowledge_base._completed(prepared.facts, worked.assume_complete)
    return facts


def _said(knowledge: Knowledge, guideline: Guideline, answer: Answer) -> dict[str, Any]:
    """Say of an answer what worked patients expect of one."""
    keys = {option.iri: option.key for option in guideline.options}
    records = knowledge.terms.record_keys
    return {
        "disposition": answer.disposition,
        "strength": answer.strength,
        "possible": sorted(answer.possible),
        "options": {keys[each.option]: each.status for each in answer.options},
        "missing": sorted(records[fact] for fact, _ in answer.missing),
        "obligations": sorted(answer.obligations),
        "line": {keys[each.option]: each.line for each in answer.options if each.line},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(value)
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if each is not None}
    return value
