"""Cases that are kept, each with its assessment in a graph of its own, which is renewed when the knowledge changes."""

from __future__ import annotations

import dataclasses
import datetime
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from urllib.parse import unquote

import pyoxigraph as ox

from osteo_kg import GRAPH, Assessment, Case, KnowledgeBase, UnreadableCaseError, graph_iri, situation_triples
from osteo_kg_server import logs
from osteo_kg_server.store import Change, Store

_CASES, _SITUATIONS = GRAPH + "cases/", GRAPH + "situations"
_KNOWLEDGE = "knowledge"
_AT_ONCE = 20  # cases assessed anew in one write


class Keeper:
    """Keeps cases in a store.

    Args:
        knowledge_base: what decides.
        store: where cases and their assessments are kept.
        turn: held while the knowledge base works.

    Attributes:
        done: how many cases were assessed anew since the start.
        due: how many cases had to be.
    """

    def __init__(self, knowledge_base: KnowledgeBase, store: Store, turn: threading.Lock) -> None:
        self._knowledge_base, self._store, self._turn = knowledge_base, store, turn
        self.done = self.due = 0

    def names(self) -> list[str]:
        """Give the IRI of every patient whose case is kept, sorted."""
        graphs = self._store.names()
        return sorted(unquote(name.removeprefix(_CASES)) for name in graphs if name.startswith(_CASES))

    def keep(self, kept: Sequence[tuple[Case, Assessment]]) -> frozenset[str]:
        """Keep cases with their assessments, all in one write; give the IRIs of those that are new."""
        added = dict(self._graphs(kept))
        new = frozenset[str]()

        def decide() -> Change:
            nonlocal new
            new = frozenset(case.iri for case, _ in kept if not self._store.exists(graph_iri("cases", case.iri)))
            return Change(cleared=frozenset(added) - {_SITUATIONS}, added=added, created=frozenset(added))

        self._store.change(decide, trusted=True)
        return new

    def triples(self, patient: str) -> list[ox.Triple] | None:
        """Give the case of a patient, or None where none is kept."""
        name = graph_iri("cases", patient)
        return list(self._store.triples(name)) if self._store.exists(name) else None

    def assessment(self, patient: str) -> Assessment | None:
        """Give the assessment of a patient, or None where none is kept, or where it can no longer be read."""
        try:
            found = self._knowledge_base.read_assessments(self._store.triples(graph_iri("assessments", patient)))
        except UnreadableCaseError:
            return None
        return found[0] if found else None

    def forget(self, patient: str) -> bool:
        """Take a case and its assessment away; say whether there was one."""
        found = False

        def decide() -> Change:
            nonlocal found
            found = self._store.exists(graph_iri("cases", patient))
            graphs = {graph_iri(kind, patient) for kind in ("cases", "assessments")} if found else set()
            return Change(cleared=frozenset(graphs))

        self._store.change(decide, trusted=True)
        return found

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
                self._assess_anew(names)
                self.done += len(names)
            self._store.set_note(_KNOWLEDGE, digest)
        except Exception as error:  # a thread has nobody to tell but the log; it goes on at the next start
            logs.failure(error)

    def _assess_anew(self, names: Iterable[str]) -> None:
        digest, today = self._knowledge_base.knowledge.digest, datetime.date.today()
        renewed: list[tuple[Case, Assessment]] = []
        for name in names:
            before, triples = self.assessment(name), self.triples(name)
            if triples is None or (before and before.knowledge == digest):
                continue
            lines = ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b""
            [case] = self._knowledge_base.read(lines, "nt", name=name)
            with self._turn:
                [answer] = self._knowledge_base.assess_all([case], on=today)
            if isinstance(answer, Assessment):
                renewed.append((case, dataclasses.replace(answer, patient=before.patient if before else name)))
        if renewed:
            self.keep(renewed)

    def _graphs(self, kept: Iterable[tuple[Case, Assessment]]) -> Iterator[tuple[str, list[ox.Triple]]]:
        situations: list[ox.Triple] = []
        for case, assessment in kept:
            yield graph_iri("cases", case.iri), list(case.triples)
            yield graph_iri("assessments", case.iri), self._knowledge_base.triples(assessment)
            engine = self._knowledge_base.engine(assessment.guideline)
            key = engine.space.parse(assessment.situation.rsplit("/", 1)[-1])
            situations += situation_triples(engine, [key])
        yield _SITUATIONS, situations
