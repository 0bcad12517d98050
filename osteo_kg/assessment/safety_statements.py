"""What the safety modules say of each drug, as frozen values; nothing here knows what any of it says."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from osteo_kg.assessment.model import AdverseEvents
from osteo_kg.bilingual import BilingualText, joined
from osteo_kg.knowledge import Knowledge
from osteo_kg.rdf import OSTEO, RDF

_EVENTS = (OSTEO.FrequentAdverseEvents.value, OSTEO.SeriousAdverseEvents.value)


@dataclass(frozen=True, slots=True)
class Statement:
    """A contraindication or a precaution of one drug.

    Attributes:
        conditions: the conditions from any of which it arises, by IRI; some are ranges of renal function.
        is_limit: whether the renal function is to be known before the drug is given.
    """

    iri: str
    code: str
    template: BilingualText
    conditions: tuple[str, ...]
    sources: tuple[str, ...]
    is_contraindication: bool
    is_limit: bool


class SafetyStatements:
    """Reads the statements of the loaded modules."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._triples, self._terms = knowledge.triples, knowledge.terms

    @functools.cached_property
    def of_drug(self) -> Mapping[str, tuple[Statement, ...]]:
        """The contraindications and precautions of each drug, in the order of their codes."""
        found: dict[str, list[Statement]] = {}
        for kind in (OSTEO.Contraindication, OSTEO.Precaution):
            for _, iri in sorted(self._terms.kinds[kind].items()):
                for drug in self._of(iri, "isAboutDrug"):
                    found.setdefault(drug, []).append(self._statement(iri))
        return {drug: tuple(statements) for drug, statements in found.items()}

    def doubtful(self, condition: str) -> frozenset[str]:
        """Give the conditions that may mean another, so that they leave it open."""
        return self._doubtful.get(condition, frozenset())

    @functools.cached_property
    def _doubtful(self) -> Mapping[str, frozenset[str]]:
        meant = {narrow for _, narrow in self._triples.pairs(OSTEO.mayMean)}
        return {each: frozenset(self._triples.subjects(OSTEO.mayMean, each)) for each in meant}

    def cited(self, sources: Iterable[str]) -> BilingualText:
        """Name sources, and say that no clinician has reviewed what was read there."""
        return joined(self._terms.label(each) for each in (*sources, OSTEO.NotReviewed.value))

    def informing(self, drugs: Iterable[str], wanted: Collection[str] | None = None) -> tuple[AdverseEvents, ...]:
        """Give the adverse events of drugs: all that are known, or those of the wanted statements."""
        found = (each for drug in dict.fromkeys(drugs) for each in self._events.get(drug, ()))
        return tuple(each for each in found if wanted is None or each.statement in wanted)

    @functools.cached_property
    def _events(self) -> Mapping[str, tuple[AdverseEvents, ...]]:
        found: dict[str, list[AdverseEvents]] = {}
        for each in (events for kind in _EVENTS for events in self._adverse_events(kind)):
            found.setdefault(each.drug, []).append(each)
        return {drug: tuple(sorted(events, key=_shown_order)) for drug, events in found.items()}

    def _adverse_events(self, kind: str) -> Iterator[AdverseEvents]:
        for iri in self._triples.subjects(RDF.type, kind):
            names = [
                self._triples.text(each, OSTEO.labelAsEvent) or self._terms.label(each)
                for each in self._of(iri, "namesEvent")
            ]
            sources = self._of(iri, "hasSafetySource")
            unsourced = OSTEO.UnsourcedStatement.value
            for drug in self._of(iri, "isAboutDrug"):
                yield AdverseEvents(
                    statement=iri,
                    drug=drug,
                    kind=self._terms.label(kind),
                    events=joined(names),
                    source=self.cited([*sources, *([unsourced] if unsourced in self._terms.types[iri] else [])]),
                    sourced=unsourced not in self._terms.types[iri],
                )

    def _statement(self, iri: str) -> Statement:
        template = self._triples.text(iri, OSTEO.messageText)
        assert template is not None  # the style shapes see to it
        return Statement(
            iri=iri,
            code=self._terms.key(iri),
            template=template,
            conditions=tuple(self._of(iri, "arisesFromCondition")),
            sources=tuple(self._of(iri, "hasSafetySource")),
            is_contraindication=self._terms.is_a(iri, OSTEO.Contraindication),
            is_limit=self._terms.is_a(iri, OSTEO.RenalLimit),
        )

    def _of(self, iri: str, name: str) -> list[str]:
        return self._triples.objects(iri, OSTEO[name])


def _shown_order(events: AdverseEvents) -> tuple[str, bool, str]:
    """Frequent ones before serious ones, and what has no source last."""
    return events.kind.en, not events.sourced, events.statement
