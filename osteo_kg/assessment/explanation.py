"""From an answer about a situation to an assessment of a patient: evidence and notices are the case's own."""

from __future__ import annotations

import datetime
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

import pyoxigraph as ox

from osteo_kg import package_data
from osteo_kg.assessment.evidence import shown_fact
from osteo_kg.assessment.model import (
    Assessment,
    Caution,
    CriterionAssessment,
    Evidence,
    Missing,
    Notice,
    OptionAssessment,
    RaisedObligation,
    RuleAssessment,
    Version,
)
from osteo_kg.assessment.notices import Notices, RaisedNotice, Saying, described
from osteo_kg.assessment.readings import taken_readings
from osteo_kg.bilingual import BilingualText
from osteo_kg.case import LISTING, CaseFacts, Entry
from osteo_kg.knowledge import Criterion, Rule
from osteo_kg.rdf import LIFTED, OSTEO, SITUATION, XSD, day_text, period_text
from osteo_kg.reasoning import (
    LOWEST_T_SCORE,
    NOT_MET,
    UNDETERMINED,
    UNKNOWN,
    Answer,
    Engine,
    Key,
    OptionAnswer,
    SectionDimension,
    SituationSpace,
)

AnswerTo = Callable[[Key], Answer]
_LIFTED = LIFTED.iri


class Explainer:
    """Explains answers of one guideline."""

    def __init__(self, engine: Engine, notices: Notices) -> None:
        self.engine = engine
        self._notices = notices
        self._terms = engine.knowledge.terms
        self._witness = EvidenceFinder(engine)

    def assessment(
        self,
        case_facts: CaseFacts,
        on: datetime.date,
        answer: Answer,
        taken: Iterable[str],
        assumed: Iterable[str],
        other: AnswerTo,
    ) -> Assessment:
        """Make the assessment of one patient.

        Args:
            case_facts: the case with its lifted facts.
            on: the day of assessment.
            answer: what the guideline says of the case's situation.
            taken: sections that were taken as complete because they have entries, by IRI.
            assumed: sections that were read as empty because the caller asked for it, by IRI.
            other: gives the answer to another situation, to ask whether an assumption decides.
        """
        key = self.engine.space.key(case_facts)
        with case_facts.saying(self._said_of(case_facts, answer, key, taken, assumed, other)):
            raised = self._notices.raised(case_facts)
        return self._told(case_facts.case.patient, on, key, answer, self._witness.criteria(case_facts, answer), raised)

    def of_situation(self, patient: str, on: datetime.date, key: Key, answer: Answer) -> Assessment:
        """Explain the answer to a situation: an assessment without evidence and notices, which are a patient's own."""
        return self._told(patient, on, key, answer, self._witness.bare(answer), [])

    def _told(
        self,
        patient: str,
        on: datetime.date,
        key: Key,
        answer: Answer,
        criteria: Mapping[str, CriterionAssessment],
        notices: Iterable[RaisedNotice],
    ) -> Assessment:
        engine, guideline = self.engine, self.engine.guideline
        raised: dict[str, list[RaisedNotice]] = defaultdict(list)
        for each in notices:
            raised[each.kind.category].append(each)
        return Assessment(
            patient=patient,
            guideline=guideline.iri,
            version=Version(package_data.software_version(), engine.knowledge.digest),
            review=guideline.review,
            assessed_on=on,
            situation=f"{SITUATION}{guideline.id}/{engine.space.text(key)}",
            disposition=answer.disposition,
            disposition_label=self._disposition(answer.disposition),
            strength=answer.strength,
            strength_label=self._terms.label(self._terms.kinds[OSTEO.Strength][answer.strength])
            if answer.strength
            else None,
            possible=answer.possible,
            options=tuple(self._option(each, answer, criteria, raised["caution"]) for each in answer.options),
            missing=tuple(
                Missing(
                    self._terms.record_keys[fact],
                    self._terms.label(fact),
                    settles,
                    tuple(self._settled(each) for each in settles),
                )
                for fact, settles in answer.missing
            ),
            obligations=tuple(
                RaisedObligation(each.key, each.label)
                for each in guideline.obligations
                if each.key in answer.obligations
            ),
            rules=tuple(self._rule(each, answer, criteria) for each in guideline.rules),
            warnings=tuple(self._notice(each) for each in raised["warning"]),
            assumptions=tuple(self._notice(each) for each in raised["assumption"] if self._matters(each, answer)),
            readings=taken_readings(guideline, engine.knowledge.switched),
        )

    def _settled(self, item: str) -> BilingualText:
        labels = {option.key: option.label for option in self.engine.guideline.options}
        return labels.get(item) or self._terms.label(f"{OSTEO.iri}{item.capitalize()}")

    def _disposition(self, key: str) -> BilingualText:
        return self._terms.label(self._terms.kinds[OSTEO.Disposition][key])

    def _said_of(
        self,
        case_facts: CaseFacts,
        answer: Answer,
        key: Key,
        taken: Iterable[str],
        assumed: Iterable[str],
        other: AnswerTo,
    ) -> Iterator[Saying]:
        """Say what the notices need to know of the answer, and of how sections were read for it."""
        yield from self.said(answer.disposition, answer.open_thresholds)
        for section in taken:
            if self.is_used(section, answer) and self._changes_what_is_used(case_facts, section):
                yield LIFTED.takenAsCompleteFor, ox.NamedNode(section)
        for section in assumed:
            if self.is_used(section, answer):
                yield LIFTED.assumedCompleteFor, ox.NamedNode(section)
        for section in sorted(case_facts.asked):
            yield LIFTED.askedCompleteFor, ox.NamedNode(section)
        if self._count_decides(case_facts, key, answer, other):
            yield LIFTED.countDecides, ox.Literal("true", datatype=XSD.boolean)

    def said(self, disposition: str, thresholds: Iterable[Decimal]) -> Iterator[Saying]:
        """Write what notices look at in an answer: its disposition, and the thresholds that matter."""
        yield LIFTED.disposition, ox.NamedNode(self._terms.kinds[OSTEO.Disposition][disposition])
        for value in sorted(thresholds):
            yield LIFTED.openThreshold, ox.Literal(f"{value:f}", datatype=XSD.decimal)

    def _changes_what_is_used(self, case_facts: CaseFacts, section: str) -> bool:
        """Whether a section taken as complete would leave more ways open, were it not."""
        place = self.engine.space.places.get(section)
        if place is None:
            return False
        dimension = self.engine.space.dimensions[place]
        assert isinstance(dimension, SectionDimension)
        return not dimension.is_exhausted(case_facts.sections[section])

    def _count_decides(self, case_facts: CaseFacts, key: Key, answer: Answer, other: AnswerTo) -> bool:
        """Whether an entry taken for one vertebra would, taken for more, change the answer."""
        for section, entries in case_facts.sections.items():
            place = self.engine.space.places.get(section)
            if place is None:
                continue
            dimension = self.engine.space.dimensions[place]
            assert isinstance(dimension, SectionDimension)
            more = dimension.with_more(entries, section in case_facts.open)
            if more is not None and would_change(self.engine.space, key, place, more, answer, other):
                return True
        return False

    def is_used(self, fact: str, answer: Answer) -> bool:
        """Whether what decides, or may decide, looks at a fact: a rule, or a condition on an option."""
        guideline = self.engine.guideline
        deciding = [r for r in guideline.rules if answer.rules[r.iri] != NOT_MET and r.disposition in answer.possible]
        looking = [criterion for rule in deciding for criterion in rule.criteria]
        given = [guideline.listings[each] for option in answer.options for each in option.listings]
        if not answer.options:  # an open answer gives none yet: what it lacks rests on those that it may come to give
            given = [each for each in guideline.listings.values() if each.rule in {rule.iri for rule in deciding}]
        looking += [criterion for listing in given for criterion in listing.reserved_by]
        return any(fact in guideline.criteria[each].facts for each in looking)

    def _matters(self, raised: RaisedNotice, answer: Answer) -> bool:
        """An assumption is told where the section, or the fact, that it is about was used."""
        fact = self.about.get(raised.kind.code)
        return fact is None or self.is_used(fact, answer)

    @functools.cached_property
    def about(self) -> Mapping[str, str]:
        """The fact that a notice is about, by the code of the notice."""
        triples = self.engine.knowledge.triples
        return {
            kind.code: fact
            for kind in self._notices.kinds
            if (fact := triples.value(kind.iri, OSTEO.concernsFact)) is not None
        }

    def _rule(self, rule: Rule, answer: Answer, criteria: Mapping[str, CriterionAssessment]) -> RuleAssessment:
        return RuleAssessment(
            id=rule.iri,
            label=rule.label,
            status=answer.rules[rule.iri],
            disposition=rule.disposition,
            restates=rule.restates,
            cites=rule.cites,
            criteria=tuple(criteria[each] for each in rule.criteria),
            interpretations=self._interpretations(answer, rule.iri, *rule.criteria),
        )

    def _option(
        self,
        option: OptionAnswer,
        answer: Answer,
        criteria: Mapping[str, CriterionAssessment],
        cautions: Iterable[RaisedNotice],
    ) -> OptionAssessment:
        guideline = self.engine.guideline
        known = next(each for each in guideline.options if each.iri == option.option)
        listings = [guideline.listings[each] for each in option.listings]
        reserved = list(dict.fromkeys(each for listing in listings for each in listing.reserved_by))
        own = [each for each in cautions if each.option == option.option]
        settling = [fact for fact, settles in answer.missing if known.key in settles]
        return OptionAssessment(
            treatment=known.key,
            label=known.label,
            status=option.status,
            line=option.line,
            listed=option.listed,
            listed_by=tuple(rule.iri for rule in guideline.rules if any(rule.iri == each.rule for each in listings)),
            interpretations=self._interpretations(
                answer, known.iri, *option.listings, *reserved, *(each.kind.iri for each in own)
            ),
            drugs=known.drugs,
            drug_labels=tuple(self._terms.label(drug) for drug in known.drugs),
            criteria=tuple(criteria[each] for each in reserved),
            open_facts=tuple(self._terms.record_keys[fact] for fact in settling if option.status == UNDETERMINED),
            cautions=tuple(Caution(each.kind.code, each.message, each.drug, each.kind.source) for each in own),
        )

    def _interpretations(self, answer: Answer, *touched: str) -> tuple[str, ...]:
        """Name the interpretations that touch any of these, where their question arises for this patient."""
        return tuple(
            each.key
            for each in self.engine.guideline.interpretations_of(*touched)
            if each.arises_when is None or answer.criteria[each.arises_when] != NOT_MET
        )

    def _notice(self, raised: RaisedNotice) -> Notice:
        touching = self.engine.guideline.interpretations_of(raised.kind.iri)
        interpretation = touching[0].key if touching else None
        return Notice(raised.kind.code, raised.message, interpretation, *described(raised.kind.code, self._terms))


def would_change(space: SituationSpace, key: Key, place: int, more: str, answer: Answer, other: AnswerTo) -> bool:
    """Whether another value in one place of a situation would change its answer."""
    return more != key[place] and other(space.changed(key, place, more)).decided != answer.decided


# Evidence: the facts of a case on which the status of a criterion rests.


class EvidenceFinder:
    """Finds evidence for the criteria of one guideline."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._terms = engine.knowledge.terms

    def criteria(self, case_facts: CaseFacts, answer: Answer) -> dict[str, CriterionAssessment]:
        """Give every criterion with its status and the facts of a case that bear on it."""
        return {
            iri: CriterionAssessment(
                iri,
                each.label,
                answer.criteria[iri],
                tuple(
                    Evidence(fact, value, shown_fact(fact, value, self._terms))
                    for fact, value in self._evidence(case_facts, each, answer)
                ),
            )
            for iri, each in self.engine.guideline.criteria.items()
        }

    def bare(self, answer: Answer) -> dict[str, CriterionAssessment]:
        """Give every criterion with its status in a situation, which is nobody's."""
        criteria = self.engine.guideline.criteria
        return {iri: CriterionAssessment(iri, each.label, answer.criteria[iri], ()) for iri, each in criteria.items()}

    def _evidence(self, case_facts: CaseFacts, criterion: Criterion, answer: Answer) -> Iterator[tuple[str, object]]:
        """Quote what the record states, and nothing that only follows from it."""
        for fact in criterion.facts:
            key, stated_by = self._terms.record_keys[fact], self._stated_by[fact]
            if fact in LISTING:
                yield from ((key, value) for value in self._entries(case_facts, fact, criterion, answer))
            elif stated_by == LOWEST_T_SCORE:
                yield from ((site, _json_number(score)) for site, score in case_facts.deciding)
            elif deciding := self._deciding(case_facts, fact):
                yield deciding
            elif stated_by in case_facts.numbers:
                yield key, _json_number(case_facts.numbers[stated_by])
            elif stated_by in case_facts.statements:
                yield key, case_facts.statements[stated_by]
            elif stated_by in case_facts.coded:
                yield key, self._terms.key(case_facts.coded[stated_by])

    def _deciding(self, case_facts: CaseFacts, fact: str) -> tuple[str, object] | None:
        """Quote the fact that decides another where the record states it: the birth date, not the age."""
        deciding = self._terms.deciding.get(fact)
        if deciding is None:
            return None
        case, key = case_facts.case, self._terms.record_keys[deciding]
        stated = {each.predicate.value: each.object for each in case.triples if each.subject == ox.NamedNode(case.iri)}
        born = stated.get(self._stated_by[deciding])
        if isinstance(born, ox.Literal):
            return key, day_text(born.value)
        if case.born_between is None or OSTEO.ageInYears.value in stated:
            return None
        first, last = (each.isoformat() for each in case.born_between)
        return key, period_text(first, last)

    @functools.cached_property
    def _stated_by(self) -> Mapping[str, str]:
        return dict(self.engine.knowledge.triples.pairs(OSTEO.statedBy))

    def _entries(self, case_facts: CaseFacts, section: str, criterion: Criterion, answer: Answer) -> Iterator[object]:
        """Give the entries that bear on a criterion.

        Where none does, all that were weighed; the empty list for none.
        """
        entries = case_facts.sections[section]
        open_ = answer.criteria[criterion.iri] == UNKNOWN
        bearing = [entry for entry in entries if entry.counts and self._bears_on(entry, section, criterion, open_)]
        for entry in bearing or entries:
            yield dict(entry.record)
        if not entries and section in case_facts.complete:
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
