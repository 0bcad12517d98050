"""Parts of records, read by the library itself: what a part says, and which notices it raises, whoever's it is."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from osteo_kg.assessment.explanation import Explainer, would_change
from osteo_kg.assessment.notices import Saying
from osteo_kg.case import LISTING, STATEMENTS, Case, CaseFacts, derive_facts, record_case
from osteo_kg.cohort.abstraction.shape_conditions import Screen
from osteo_kg.errors import KnowledgeError
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import LIFTED, OSTEO, XSD
from osteo_kg.reasoning import LOWEST_T_SCORE, NOT_ELIGIBLE, Answer, Key, SectionDimension

Record = Mapping[str, Any]
_PROPERTY_OF = {field.key: field.property for field in STATEMENTS if field.property}
#: The property by which lifting lists those entries of a section that count.
_COUNTED = {OSTEO.FractureHistory.value: OSTEO.hasLowEnergyFracture.value}
_USED, _MORE, _GIVEN = "is used", "would change with", "may be given"
_CATEGORIES = ("warning", "assumption")


class LibraryProbe:
    """Reads parts of records for one guideline on one day.

    Args:
        knowledge_base: the library.
        guideline: the id of the guideline.
        on: the day of assessment.
        asked: the sections whose emptiness means none, by IRI.
    """

    def __init__(self, knowledge_base: KnowledgeBase, guideline: str, on: datetime.date, asked: Iterable[str]) -> None:
        self.knowledge_base = knowledge_base
        self.explainer: Explainer = knowledge_base.explainer(guideline)
        self.engine = self.explainer.engine
        self.space = self.engine.space
        self.on = on
        self.asked = frozenset(asked)
        self.marks = NoticeBitmask()
        self._told_before: dict[tuple[str, tuple[str, str]], frozenset[ConditionalNotice]] = {}
        for kind in knowledge_base.notices.kinds:
            if kind.category in _CATEGORIES:
                self.marks.mask([ConditionalNotice(kind.code, kind.category)])  # what is told one by one has a bit too

    @functools.cached_property
    def fewest(self) -> int:
        """From how many entries of one day on a notice looks at them together."""
        return min(int(number) for _, number in self.knowledge_base.knowledge.triples.pairs(OSTEO.leastEntries))

    @functools.cached_property
    def screen(self) -> Screen:
        """What the shapes let pass of single values."""
        return Screen(self.knowledge_base.knowledge.shapes["case.ttl"])

    @functools.cached_property
    def months_apart(self) -> int | None:
        """How many months may lie between measurements that count without a notice; None for any number."""
        months = self.knowledge_base.knowledge.triples.objects(OSTEO.DensitometrySitesApart.value, OSTEO.monthsAllowed)
        return min(map(int, months), default=None)

    def case(self, record: Record) -> Case:
        """Read a part of a record as a case."""
        return record_case(record, "part", self.knowledge_base.knowledge.terms)

    def conforms(self, record: Record) -> bool:
        """Whether the shapes refuse nothing in a part of a record."""
        return self.passes(self.case(record))

    def passes(self, case: Case) -> bool:
        """Whether the shapes refuse nothing in a case."""
        return self.knowledge_base.validate(case, on=self.on).conforms

    def mask_of(self, case: Case) -> int:
        """Give the bits of the notices that a case raises by itself."""
        return self.marks.mask(self.raised(derive_facts(case, self.on, self.knowledge_base.knowledge)))

    def case_facts(self, record: Record) -> CaseFacts:
        """Lift a part of a record."""
        return derive_facts(self.case(record), self.on, self.knowledge_base.knowledge)

    def raised(self, case_facts: CaseFacts, looking_at: ox.NamedNode | None = None) -> set[ConditionalNotice]:
        """Give the notices that a part raises by itself; only those that look at a property, where one is given."""
        about = self.explainer.about
        found = self.knowledge_base.notices.raised(case_facts, _CATEGORIES, looking_at)
        return {
            ConditionalNotice(
                each.kind.code, each.kind.category, (_USED, about[code]) if (code := each.kind.code) in about else None
            )
            for each in found
        }

    def raised_beside(self, record: Record, statement: str, truth: bool) -> set[ConditionalNotice]:
        """Give the notices that a part raises once a statement, by key, is made too."""
        return self.raised(self.case_facts({**record, statement: truth}), looking_at=_PROPERTY_OF[statement])

    def raised_with_answers(self, record: Record) -> set[ConditionalNotice]:
        """Give the notices that a part raises by itself, and those that it raises beside some answer."""
        return self.raised_by(self.case(record))

    def raised_by(self, case: Case) -> set[ConditionalNotice]:
        """Give the notices that a case raises by itself, and those that it raises beside some answer."""
        case_facts = derive_facts(case, self.on, self.knowledge_base.knowledge)
        own = self.raised(case_facts)
        found = set(own)
        for property_, value in self._sayings:
            with case_facts.saying([(property_, value)]):
                new = self.raised(case_facts, property_) - own
            found |= {ConditionalNotice(m.code, m.category, (property_.value, value.value)) for m in new}
        return found

    def told_of_section(self, name: str, fact: str) -> frozenset[ConditionalNotice]:
        """Give the notices of how a section was read, for answers that look at it."""
        return self._told(name, ox.NamedNode(fact), (_USED, fact))

    def count_decides(self, fact: str, more: str) -> frozenset[ConditionalNotice]:
        """Give the notices of a count that was assumed, for answers that another value of the section would change."""
        return self._told("countDecides", ox.Literal("true", datatype=XSD.boolean), (_MORE, f"{fact} {more}"))

    def wanted(self, record: Record) -> set[ConditionalNotice]:
        """Give the warnings that the renal function of a part leaves a limit open, for answers that give an option."""
        safety = self.knowledge_base.safety
        if safety is None:
            return set()
        case_facts = self.case_facts(record)
        return {
            ConditionalNotice(each.code, "warning", (_GIVEN, option.iri))
            for option in self.engine.guideline.options
            for each in safety.wanted(option.drugs, case_facts)
        }

    def _told(
        self, name: str, value: ox.NamedNode | ox.Literal, aspect: tuple[str, str]
    ) -> frozenset[ConditionalNotice]:
        if (name, aspect) not in self._told_before:
            case_facts = self.case_facts({})
            with case_facts.saying([(LIFTED[name], value)]):
                raised = self.raised(case_facts)
            self._told_before[name, aspect] = frozenset(
                ConditionalNotice(mark.code, mark.category, aspect) for mark in raised
            )
        return self._told_before[name, aspect]

    @functools.cached_property
    def _sayings(self) -> tuple[Saying, ...]:
        """Everything that some answer may say to the notices, one thing at a time."""
        dispositions = self.knowledge_base.knowledge.terms.kinds[OSTEO.Disposition]
        criteria = self.engine.guideline.criteria.values()
        bounds = {bound for each in criteria if each.tested == LOWEST_T_SCORE for _, bound in each.bounds}
        found = {each: None for key in dispositions for each in self.explainer.said(key, bounds)}
        return tuple(found)

    def let_through(self, key: Key, answer: Answer, marks: int) -> int:
        """Give those of some bits that the answer to a situation lets through."""
        said = {
            (name.value, value.value) for name, value in self.explainer.said(answer.disposition, answer.open_thresholds)
        }
        return self.marks.mask(
            mark
            for mark in self.marks.told(marks)
            if mark.aspect is None or mark.aspect in said or self._holds(mark.aspect, key, answer)
        )

    def _holds(self, aspect: tuple[str, str], key: Key, answer: Answer) -> bool:
        if aspect[0] == _USED:
            return self.explainer.is_used(aspect[1], answer)
        if aspect[0] == _MORE:
            return would_change(self.space, key, *self._more(aspect), answer, self.engine.answer)
        if aspect[0] == _GIVEN:
            return any(each.option == aspect[1] and each.status != NOT_ELIGIBLE for each in answer.options)
        return False

    def compared(self, key: Key, marks: int) -> Iterator[Key]:
        """Give the situations whose answers say whether some bits are let through beside the answer to this one."""
        for mark in self.marks.told(marks):
            if mark.aspect is not None and mark.aspect[0] == _MORE:
                yield self.space.changed(key, *self._more(mark.aspect))

    def _more(self, aspect: tuple[str, str]) -> tuple[int, str]:
        section, value = aspect[1].split(" ", 1)
        return self.space.places[section], value

    def companions(self, section: str) -> list[tuple[str, bool]]:
        """Give the statements, by key, with each truth, that notices look at together with the entries of a section."""
        listing = {LISTING[section].value, _COUNTED.get(section, LISTING[section].value)}
        needs = [kind.needs for kind in self.knowledge_base.notices.kinds if not listing.isdisjoint(kind.needs)]
        named = [key for key, property_ in _PROPERTY_OF.items() if any(property_.value in each for each in needs)]
        return [(key, truth) for key in named for truth in (True, False)]

    def section(self, fact: str) -> SectionDimension | None:
        """Give the dimension of a section, where the guideline looks at it."""
        place = self.space.places.get(fact)
        found = None if place is None else self.space.dimensions[place]
        return found if isinstance(found, SectionDimension) else None


# Marks: what a record may be told beside its answer, each with the thing that an answer must say for it to be told.

_BITS = 62  # of a signed integer of 64


@dataclass(frozen=True, slots=True)
class ConditionalNotice:
    """One notice, and what an answer must say for it to be told: a property and a value; None for every answer."""

    code: str
    category: str
    aspect: tuple[str, str] | None = None

    def to_json(self) -> list[Any]:
        """Give the notice as JSON has it."""
        return [self.code, self.category, self.aspect and list(self.aspect)]

    @classmethod
    def of(cls, value: list[Any]) -> ConditionalNotice:
        """Take a notice back."""
        code, category, aspect = value
        return cls(code, category, tuple(aspect) if aspect else None)


class NoticeBitmask:
    """Gives every mark a bit of its own, in the order in which they are met."""

    def __init__(self) -> None:
        self._bits: dict[ConditionalNotice, int] = {}
        self._marks: list[ConditionalNotice] = []

    @property
    def known(self) -> list[ConditionalNotice]:
        """The marks that have a bit, in the order of their bits."""
        return list(self._marks)

    def mask(self, marks: Iterable[ConditionalNotice]) -> int:
        """Give the bits of some marks."""
        total = 0
        for mark in marks:
            total |= self._bit(mark)
        return total

    def told(self, mask: int) -> list[ConditionalNotice]:
        """Give the marks of some bits."""
        marks, found = self._marks, []
        while mask:
            found.append(marks[(mask & -mask).bit_length() - 1])
            mask &= mask - 1
        return found

    def _bit(self, mark: ConditionalNotice) -> int:
        if mark not in self._bits:
            if len(self._bits) == _BITS:
                raise KnowledgeError(
                    "The notices of the loaded modules are too many for a cohort.",
                    advice="Assess the patients one by one.",
                )
            self._bits[mark] = 1 << len(self._bits)
            self._marks.append(mark)
        return self._bits[mark]
