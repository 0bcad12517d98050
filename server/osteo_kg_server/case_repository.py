"""Cases that are kept, each with its assessment in a graph of its own, which is renewed when the knowledge changes.

A third holds what follows about the patient, and a fourth what the case cannot state and its answer rests on: what its
reader said of its source, and the sections that the caller asked to be read as complete.
"""

from __future__ import annotations

import dataclasses
import datetime
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote, unquote

import pyoxigraph as ox

from osteo_kg import (
    DEFAULT_GUIDELINE,
    Assessment,
    Case,
    KnowledgeBase,
    UnreadableCaseError,
    UsageError,
    ValidationReport,
)
from osteo_kg.case import assumed_complete, source_triples, with_source
from osteo_kg.dataset import GRAPH, graph_iri, graphs_of
from osteo_kg.decision_table import neighbours, situation_triples
from osteo_kg.rdf import PREFIXES, with_fresh_blank_nodes
from osteo_kg_server import logs
from osteo_kg_server.store import Change, Store

_CASES, _INFERRED, _SITUATIONS = GRAPH + "cases/", GRAPH + "inferred/", GRAPH + "situations"
_APPLIES = ox.NamedNode(PREFIXES["osteo"] + "appliesGuideline")
_KNOWLEDGE = "knowledge"
_AT_ONCE = 20  # cases assessed anew in one write


@dataclass(frozen=True, slots=True)
class Kept:
    """A case with its assessment, and the sections that were asked to be read as complete."""

    case: Case
    assessment: Assessment
    assume_complete: tuple[str, ...]


class CaseRepository:
    """Keeps cases in a store.

    Args:
        knowledge_base: what decides.
        store: where cases and their assessments are kept.
        turn: held while the knowledge base works.

    Attributes:
        done: how many cases were assessed anew since the start.
        due: how many cases had to be.
    """

    def __init__(self, knowledge_base: KnowledgeBase, store: Store, lock: threading.Lock) -> None:
        self._knowledge_base, self._store, self._lock = knowledge_base, store, lock
        self.done = self.due = 0

    def names(self) -> list[str]:
        """Give the IRI of every patient whose case is kept, sorted."""
        graphs = self._store.names()
        return sorted(unquote(name.removeprefix(_CASES)) for name in graphs if name.startswith(_CASES))

    def keep(self, kept: Sequence[Kept]) -> frozenset[str]:
        """Keep cases with their assessments, all in one write; give the IRIs of those that are new."""
        graphs = dict(self._graphs(kept))
        filled = {name: triples for name, triples in graphs.items() if triples}
        new = frozenset[str]()

        def decide() -> Change:
            nonlocal new
            names = {each.case.iri for each in kept}
            new = frozenset(name for name in names if not self._store.exists(graph_iri("cases", name)))
            before = self._concluded(names - new)
            return Change(cleared=before | graphs.keys() - {_SITUATIONS}, added=filled, created=frozenset(filled))

        self._store.change(decide, trusted=True)
        return new

    def triples(self, patient: str) -> list[ox.Triple] | None:
        """Give the case of a patient, or None where none is kept."""
        name = graph_iri("cases", patient)
        return list(self._store.triples(name)) if self._store.exists(name) else None

    def assessment(self, patient: str) -> Assessment | None:
        """Give the assessment of a patient, or None where none is kept, or where it can no longer be read."""
        triples = list(self._store.triples(graph_iri("assessments", patient)))
        try:
            found = self._knowledge_base.read_assessments(triples, guideline=_guideline(triples))
        except (UnreadableCaseError, UsageError):
            return None
        return found[0] if found else None

    def forget(self, patient: str) -> bool:
        """Take a case and its assessment away; say whether there was one."""
        found = False

        def decide() -> Change:
            nonlocal found
            found = self._store.exists(graph_iri("cases", patient))
            graphs = frozenset(graph_iri(kind, patient) for kind in ("cases", "assessments", "sources"))
            return Change(cleared=graphs | self._concluded({patient}) if found else frozenset())

        self._store.change(decide, trusted=True)
        return found

    def _concluded(self, patients: Collection[str]) -> frozenset[str]:
        """Give the graphs of what follows about patients, by whatever guideline."""
        ends = {quote(patient, safe="") for patient in patients}
        names = self._store.names() if ends else []
        return frozenset(each for each in names if each.startswith(_INFERRED) and each.rpartition("/")[2] in ends)

    def catch_up(self) -> None:
        """Assess anew, beside the service, every case whose assessment comes of other knowledge than is loaded now."""
        digest = self._knowledge_base.knowledge.digest
        if self._store.note(_KNOWLEDGE) == digest:
            return
        waiting = self.names()
        self.due = len(waiting)
        self._store.change(lambda: Change(cleared=frozenset({_SITUATIONS})), trusted=True)
        if waiting:
            threading.Thread(target=self._catch_up, args=(waiting, digest), daemon=True).start()
        else:
            self._store.set_note(_KNOWLEDGE, digest)

    def _catch_up(self, waiting: list[str], digest: str) -> None:
        remaining = iter(waiting)
        try:
            while names := list(islice(remaining, _AT_ONCE)):
                self.assess_anew(names, datetime.date.today())
                self.done += len(names)
            self._store.set_note(_KNOWLEDGE, digest)
        except Exception as error:  # a thread has nobody to tell but the log; it goes on at the next start
            logs.failure(error)

    def assess_anew(self, names: Iterable[str], on: datetime.date) -> None:
        """Assess those of some cases whose assessment comes of other knowledge than is loaded now."""
        digest = self._knowledge_base.knowledge.digest
        renewed: list[Kept] = []
        for name in names:
            before, triples = self.assessment(name), self.triples(name)
            if triples is None or (before and before.version.knowledge == digest):
                continue
            case, sections = self._read(name, triples)
            answer = self._answer(case, sections, on)
            if isinstance(answer, Assessment):
                patient = before.patient if before else name
                renewed.append(Kept(case, dataclasses.replace(answer, patient=patient), sections))
        if renewed:
            self.keep(renewed)

    def _answer(self, case: Case, sections: tuple[str, ...], on: datetime.date) -> Assessment | ValidationReport | None:
        """Answer by the guideline that a case was kept with; None where that is no longer loaded."""
        guideline = _guideline(self._store.triples(graph_iri("assessments", case.iri)))
        try:
            with self._lock:
                [answer] = self._knowledge_base.assess_all([case], on=on, assume_complete=sections, guideline=guideline)
        except UsageError:
            return None
        return answer

    def _read(self, name: str, triples: list[ox.Triple]) -> tuple[Case, tuple[str, ...]]:
        """Read a case as it was kept: what it states, what was said of its source, and what was asked of it."""
        lines = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b""
        [case] = self._knowledge_base.read(lines, "nt", name=name)
        beside = list(self._store.triples(graph_iri("sources", name)))
        return with_source(case, beside), assumed_complete(beside)

    def _graphs(self, kept: Sequence[Kept]) -> Iterator[tuple[str, list[ox.Triple]]]:
        with self._lock:  # what is new is reasoned
            follows = self._knowledge_base.conclusions([(each.case, each.assessment) for each in kept])
        situations: dict[str, list[str]] = defaultdict(list)
        for each, concluded in zip(kept, follows, strict=True):
            case, assessment = each.case, each.assessment
            yield from graphs_of(case, assessment, concluded).items()
            yield graph_iri("assessments", case.iri), self._knowledge_base.triples(assessment)
            yield graph_iri("sources", case.iri), with_fresh_blank_nodes(source_triples(case, each.assume_complete))
            situations[assessment.guideline].append(assessment.situation_key)
        yield (
            _SITUATIONS,
            [each for guideline, keys in situations.items() for each in self._situations(guideline, keys)],
        )

    def _situations(self, guideline: str, names: Iterable[str]) -> Iterator[ox.Triple]:
        engine = self._knowledge_base.engine(guideline)
        with self._lock:
            yield from situation_triples(engine, neighbours(engine, map(engine.space.parse, names)))


def _guideline(triples: Iterable[ox.Triple]) -> str:
    """Give the guideline of an assessment; the usual one where it names none."""
    named = (t.object.value for t in triples if t.predicate == _APPLIES and isinstance(t.object, ox.NamedNode))
    return next(named, DEFAULT_GUIDELINE)
