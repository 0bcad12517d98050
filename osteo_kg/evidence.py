"""Evidence: the facts of a case on which the status of a criterion rests."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from decimal import Decimal

from osteo_kg.answers import LOWEST_T_SCORE, Answer
from osteo_kg.assessment import CriterionAssessment, Evidence
from osteo_kg.engine import Engine
from osteo_kg.guideline import Criterion
from osteo_kg.lifting import SECTIONS, Entry, Lifted
from osteo_kg.matching import UNKNOWN
from osteo_kg.sections import SectionDimension
from osteo_kg.vocabulary import OSTEO


class Witness:
    """Finds evidence for the criteria of one guideline."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._terms = engine.knowledge.terms

    def criteria(self, lifted: Lifted, answer: Answer) -> dict[str, CriterionAssessment]:
        """Give every criterion with its status and the facts of a case that bear on it."""
        coded = self.engine.space.coded(lifted)
        return {
            iri: CriterionAssessment(
                iri, each.label, answer.criteria[iri], tuple(self._evidence(lifted, coded, each, answer))
            )
            for iri, each in self.engine.guideline.criteria.items()
        }

    def bare(self, answer: Answer) -> dict[str, CriterionAssessment]:
        """Give every criterion with its status in a situation, which is nobody's."""
        criteria = self.engine.guideline.criteria
        return {iri: CriterionAssessment(iri, each.label, answer.criteria[iri], ()) for iri, each in criteria.items()}

    def _evidence(
        self, lifted: Lifted, coded: Mapping[str, str], criterion: Criterion, answer: Answer
    ) -> Iterator[Evidence]:
        for fact in criterion.facts:
            key, stated_by = self._terms.record_keys[fact], self._stated_by[fact]
            if fact in SECTIONS:
                yield from (Evidence(key, value) for value in self._entries(lifted, fact, criterion, answer))
            elif stated_by == LOWEST_T_SCORE:
                yield from (Evidence(site, _json_number(score)) for site, score in lifted.deciding)
            elif stated_by in lifted.numbers:
                yield Evidence(key, _json_number(lifted.numbers[stated_by]))
            elif stated_by in lifted.statements:
                yield Evidence(key, lifted.statements[stated_by])
            elif stated_by in coded:
                yield Evidence(key, self._terms.key(coded[stated_by]))

    @functools.cached_property
    def _stated_by(self) -> Mapping[str, str]:
        return dict(self.engine.knowledge.triples.pairs(f"{OSTEO._NS}statedBy"))

    def _entries(self, lifted: Lifted, section: str, criterion: Criterion, answer: Answer) -> Iterator[object]:
        """Give the entries that bear on a criterion.

        Where none does, all that were weighed; the empty list for none.
        """
        entries = lifted.sections[section]
        open_ = answer.criteria[criterion.iri] == UNKNOWN
        bearing = [entry for entry in entries if entry.counts and self._bears_on(entry, section, criterion, open_)]
        for entry in bearing or entries:
            yield dict(entry.record)
        if not entries and section in lifted.complete:
            yield []

    def _bears_on(self, entry: Entry, section: str, criterion: Criterion, open_: bool) -> bool:
        """Whether an entry speaks for a criterion; a doubtful one does where the criterion is open."""
        dimension = self.engine.space.dimensions[self.engine.space.places[section]]
        assert isinstance(dimension, SectionDimension)
        name = dimension.name_of(entry)
        if name in dimension.doubts:
            return open_
        if name in dimension.counted.get(criterion.tested, ()):
            return True
        closure = self.engine.closures.get(frozenset({entry.atom}))
        return closure is not None and criterion.tested in closure.classes


def _json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() and "." not in f"{value:f}" else float(value)
