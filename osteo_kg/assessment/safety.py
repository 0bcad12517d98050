"""The safety layer: what product information says of the drugs, put beside an answer that it never changes.

A statement is met, not met or open. It is met by a recorded condition, or by a number or a stage of renal function, not
met where the record is stated to be complete or a number says so, and open otherwise; what is open is told as to be
checked.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import pyoxigraph as ox

from osteo_kg.assessment.model import Assessment, Caution, Notice, OptionAssessment
from osteo_kg.assessment.notices import Notices, RaisedNotice, Saying, described
from osteo_kg.assessment.renal_function import RenalFinding, RenalFunction, RenalKnowledge, Verdict
from osteo_kg.assessment.safety_statements import SafetyStatements, Statement
from osteo_kg.bilingual import BilingualText, joined, noted
from osteo_kg.case import CaseFacts
from osteo_kg.knowledge import Knowledge
from osteo_kg.rdf import DCTERMS, LIFTED, OSTEO
from osteo_kg.reasoning import NOT_ELIGIBLE

_NS, _HISTORY = OSTEO.iri, OSTEO.MedicalHistory.value
_RECORDED, _NOT_RECORDED = BilingualText("recorded: ", "au dossier : "), BilingualText("not recorded", "non renseigné")


@dataclass(frozen=True, slots=True)
class RecordedFacts:
    """What one record says that statements look at.

    Attributes:
        conditions: the conditions recorded, by IRI.
        complete: whether a condition that is not recorded is absent: one only taken as complete shows none as absent.
        listed: whether the list of conditions was read as complete, be it only taken so.
        renal: what it says of renal function.
    """

    conditions: frozenset[str]
    complete: bool
    listed: bool
    renal: RenalFunction


@dataclass(frozen=True, slots=True)
class DrugSafety:
    """What stands against giving one drug to one patient, whether or not the guideline gives it as an option.

    Attributes:
        drug: its IRI.
        contraindications: what product information says against it, where the record has it.
        cautions: what is to be checked or to be careful about, and a failure or an intolerance that is recorded.
    """

    drug: str
    contraindications: tuple[Caution, ...] = ()
    cautions: tuple[Caution, ...] = ()


class Safety:
    """Puts contraindications, cautions and adverse events beside answers."""

    def __init__(self, knowledge: Knowledge, notices: Notices) -> None:
        self._terms, self._triples = knowledge.terms, knowledge.triples
        self._notices = notices
        self._statements = SafetyStatements(knowledge)
        self._renal = RenalKnowledge(knowledge)
        self._written: dict[tuple[str, tuple[Statement, ...]], tuple[Caution, ...]] = {}

    def beside(
        self, assessment: Assessment, case_facts: CaseFacts, taken: Collection[str], assumed: Collection[str]
    ) -> Assessment:
        """Give the same answer with what belongs beside it.

        Args:
            assessment: the answer of the guideline.
            case_facts: the case with its lifted facts, sections completed.
            taken: sections that were taken as complete because they have entries, by IRI.
            assumed: sections that were read as empty because the caller asked for it, by IRI.
        """
        raised, facts = self._notices.raised(case_facts, ["safety"]), self._facts(case_facts, taken)
        options = tuple(self._option(each, facts, raised) for each in assessment.options)
        whole = [self._joining(each) for each in raised if each.option is None]
        whole += self._contradictions(facts)
        if options:
            whole += self._how_history_was_read(case_facts, assumed)
        drugs = [drug for each in options if each.status != NOT_ELIGIBLE for drug in each.drugs]
        warnings = (*assessment.warnings, *self._wanted(drugs, facts, case_facts))
        return replace(
            assessment,
            options=options,
            cautions=_ordered([*assessment.cautions, *whole]),
            warnings=tuple(sorted(warnings, key=lambda each: (each.code, each.message.en))),
            adverse_events=self._statements.informing(drugs),
        )

    @functools.cached_property
    def _limits(self) -> frozenset[str]:
        """The ranges of renal function that some statement is about, by IRI."""
        named = {c for stated in self._statements.of_drug.values() for each in stated for c in each.conditions}
        return frozenset(named & self._renal.ranges.keys())

    @functools.cached_property
    def renal_conditions(self) -> frozenset[str]:
        """The conditions that may decide what is warned of beside a number of renal function, by IRI."""
        limited = (s for stated in self._statements.of_drug.values() for s in stated if self._limits & {*s.conditions})
        return frozenset(self._renal.ranges).union(*(each.conditions for each in limited))

    def renal_bounds(self, conditions: Iterable[str]) -> tuple[Decimal, ...]:
        """Give every number of renal function at which a warning of it changes, where these conditions are recorded."""
        wanted = self._limits.union(conditions)
        ranges = [each for iri, each in self._renal.ranges.items() if iri in wanted]
        bounds = {bound for each in ranges for bound in (each.interval.least, each.interval.below)}
        return tuple(sorted(bound for bound in bounds if bound.is_finite()))

    def wanted(self, drugs: Iterable[str], case_facts: CaseFacts) -> tuple[Notice, ...]:
        """Give the warnings that a number of renal function leaves a limit of some drugs open.

        What is recorded decides them alone, not whether the list of conditions is complete.
        """
        return tuple(self._wanted(drugs, self._facts(case_facts, ()), case_facts))

    def of_drug(self, drug: str, case_facts: CaseFacts, taken: Collection[str]) -> DrugSafety:
        """Give what stands against one drug, the option that it belongs to left aside."""
        facts = self._facts(case_facts, taken)
        contraindications, precautions = self._recorded(drug, facts)
        return DrugSafety(drug, contraindications, _ordered([*precautions, *self._to_check(drug, facts)]))

    def _facts(self, case_facts: CaseFacts, taken: Collection[str]) -> RecordedFacts:
        conditions = frozenset(entry.atom.value for entry in case_facts.sections[_HISTORY])
        listed = _HISTORY in case_facts.complete
        renal = self._renal.read(case_facts, conditions)
        return RecordedFacts(conditions, listed and _HISTORY not in taken, listed, renal)

    def _recorded(self, drug: str, facts: RecordedFacts) -> tuple[tuple[Caution, ...], tuple[Caution, ...]]:
        """Give the contraindications and the precautions that the record has."""
        met = [(each, self._met(each, drug, facts)) for each in self._of(drug)]
        told = [(each, caution) for each, caution in met if caution is not None]
        contraindications = _ordered(caution for each, caution in told if each.is_contraindication)
        return contraindications, _ordered(caution for each, caution in told if not each.is_contraindication)

    def _option(
        self, option: OptionAssessment, facts: RecordedFacts, raised: Iterable[RaisedNotice]
    ) -> OptionAssessment:
        """What is open is asked of drugs that may be given; what is recorded is told of every drug."""
        joining = [self._joining(each) for each in raised if each.option is not None and each.drug in option.drugs]
        recorded = [self._recorded(drug, facts) for drug in option.drugs]
        to_check = [
            caution for drug in option.drugs if option.status != NOT_ELIGIBLE for caution in self._to_check(drug, facts)
        ]
        precautions = [each for _, found in recorded for each in found]
        return replace(
            option,
            cautions=_ordered([*option.cautions, *joining, *precautions, *to_check]),
            contraindications=_ordered(each for found, _ in recorded for each in found),
        )

    def _of(self, drug: str) -> tuple[Statement, ...]:
        return self._statements.of_drug.get(drug, ())

    def _verdict(self, condition: str, facts: RecordedFacts) -> Verdict:
        """Judge one condition: what is recorded is met, and what a number or a stage excludes is absent."""
        if condition in facts.conditions:
            return Verdict(True)
        range_ = self._renal.ranges.get(condition)
        if range_ is not None and (found := facts.renal.verdict(range_)) is not None:
            return found
        is_in_records = condition in self._terms.keys
        is_doubtful = not facts.conditions.isdisjoint(self._statements.doubtful(condition))
        return Verdict(False if is_in_records and facts.complete and not is_doubtful else None)

    def _met(self, statement: Statement, drug: str, facts: RecordedFacts) -> Caution | None:
        verdicts = {each: self._verdict(each, facts) for each in statement.conditions}
        met = {condition: verdict.findings for condition, verdict in verdicts.items() if verdict.met}
        if not met:
            return None
        ranges = [self._renal.ranges[each] for each, findings in met.items() if findings]
        found = [
            self._renal.ranges[each].said(_quoted(findings)) if findings else self._terms.label(each)
            for each, findings in met.items()
        ]
        limit = f"{ranges[0].interval.below.normalize():f}" if ranges else ""
        message = statement.template.filled({"found": joined(found), "limit": limit})
        sources = tuple(sorted({*statement.sources, *(source for each in ranges for source in each.sources)}))
        return Caution(
            statement.code,
            message,
            drug,
            self._statements.cited(sources),
            sources,
            conditions=tuple(sorted(met)),
            condition=joined(self._terms.label(each) for each in sorted(met)),
            found=_quoted(finding for findings in met.values() for finding in findings),
        )

    def _to_check(self, drug: str, facts: RecordedFacts) -> tuple[Caution, ...]:
        """Give what is open for a drug; most records leave the same open and say nothing of it: written once."""
        open_ = tuple(each for each in self._of(drug) if self._is_open(each, facts))
        if facts.conditions or facts.renal.findings:
            return tuple(self._checks(drug, open_, facts))
        if (drug, open_) not in self._written:
            self._written[drug, open_] = tuple(self._checks(drug, open_, facts))
        return self._written[drug, open_]

    def _is_open(self, statement: Statement, facts: RecordedFacts) -> bool:
        """Whether the record leaves open that the statement is met; one that is met is not open."""
        verdicts = [self._verdict(each, facts).met for each in statement.conditions]
        return True not in verdicts and None in verdicts

    def _checks(self, drug: str, open_: Iterable[Statement], facts: RecordedFacts) -> Iterator[Caution]:
        """Write one caution for each kind of open statement."""
        kinds: dict[str, list[Statement]] = {}
        for each in open_:
            kinds.setdefault(_kind(each), []).append(each)
        for name, statements in kinds.items():
            sources = tuple(sorted({source for each in statements for source in each.sources}))
            asked = [self._asked(each, facts) for each in statements]
            written = self._check(name, {"drug": self._terms.label(drug), "found": joined(asked)}, drug, sources)
            yield replace(written, asks=tuple(asked))

    def _asked(self, statement: Statement, facts: RecordedFacts) -> BilingualText:
        """Name the conditions that a statement asks about, with what is recorded of each."""
        open_ = [each for each in statement.conditions if self._verdict(each, facts).met is None]
        named = [(self._terms.label(each), self._known_of(each, facts)) for each in open_]
        return joined((noted(label, known) if known else label for label, known in named), " / ")

    def _known_of(self, condition: str, facts: RecordedFacts) -> BilingualText | None:
        """Quote what is recorded and leaves a condition open; of a limit it is said that nothing is."""
        quoted = [each.said for each in self._verdict(condition, facts).findings]
        doubtful = facts.conditions & self._statements.doubtful(condition)
        quoted += [self._terms.label(each) for each in sorted(doubtful)]
        if quoted:
            return joined((_RECORDED, joined(quoted)), "")
        return None if condition in self._terms.keys else _NOT_RECORDED

    def _wanted(self, drugs: Iterable[str], facts: RecordedFacts, case_facts: CaseFacts) -> Iterator[Notice]:
        """Warn of numbers that leave a limit open because it is set in another measure."""
        ranges = (
            self._renal.ranges[condition]
            for drug in dict.fromkeys(drugs)
            for statement in self._of(drug)
            if self._is_open(statement, facts)
            for condition in statement.conditions
            if condition in self._renal.ranges
        )
        measures = self._renal.measure_of
        leaving = {
            (wanted, finding)
            for each in ranges
            for finding in self._verdict(each.iri, facts).findings
            if finding.measure is not None and finding.measure not in each.measures
            for wanted in each.measures
        }
        for wanted, finding in leaving:
            said: list[Saying] = [
                (LIFTED.wantsMeasure, ox.NamedNode(measures[wanted])),
                (LIFTED.hasOtherMeasure, ox.NamedNode(measures[finding.measure or ""])),
                (LIFTED.otherValue, ox.Literal(finding.value or "")),
                *([(LIFTED.otherDay, ox.Literal(finding.day))] if finding.day else []),
            ]
            with case_facts.saying(said):
                raised = self._notices.raised(case_facts, ["warning"], LIFTED.wantsMeasure)
            for each in raised:
                yield Notice(each.kind.code, each.message, None, *described(each.kind.code, self._terms))

    def _contradictions(self, facts: RecordedFacts) -> Iterator[Caution]:
        """Tell what cannot hold together: two findings, or a number and a list of conditions that does not name it."""
        named = [each for iri, each in self._renal.ranges.items() if iri in self._terms.keys and each.definition]
        for one, other in facts.renal.contradictions(named):
            found = joined((one.said, other.said), " / ")
            yield self._check("RenalFunctionContradictory", {"found": found}, None, ())
        if facts.listed and facts.conditions.isdisjoint(self._renal.ranges):
            for range_ in named:
                verdict = facts.renal.verdict(range_)
                if verdict is not None and verdict.met:
                    found = range_.said(_quoted(verdict.findings))
                    yield self._check("RenalImpairmentNotListed", {"found": found}, None, ())

    def _how_history_was_read(self, case_facts: CaseFacts, assumed: Collection[str]) -> Iterator[Caution]:
        """Say on whose word an unrecorded condition counted as absent, or why none did."""
        if _HISTORY in assumed:
            yield self._check("MedicalHistoryAssumedComplete", {}, None, ())
        if _HISTORY in case_facts.open:
            is_stated = any(
                each.predicate == OSTEO.isCompleteFor and each.object == OSTEO.MedicalHistory
                for each in case_facts.case.triples
            )
            asked = OSTEO.SaidEmptyOrComplete if _HISTORY in case_facts.asked else OSTEO.MoreMayBeThere
            state = self._terms.label(OSTEO.SaidCompleteYetOpen if is_stated else asked)
            yield self._check("MedicalHistoryOpen", {"state": state}, None, ())

    def _check(
        self, name: str, values: Mapping[str, BilingualText], drug: str | None, sources: tuple[str, ...]
    ) -> Caution:
        template = self._triples.text(_NS + name, OSTEO.messageText)
        assert template is not None  # the style shapes see to it
        stated = self._triples.value(_NS + name, DCTERMS.source) or ""
        source = self._statements.cited(sources) if sources else BilingualText(stated, stated)
        return Caution(self._terms.key(_NS + name), template.filled(values), drug, source, sources)

    def _joining(self, raised: RaisedNotice) -> Caution:
        sources = tuple(self._triples.objects(raised.kind.iri, OSTEO.hasSafetySource))
        source, is_red_flag = self._statements.cited(sources), raised.kind.iri in self._terms.red_flags
        return Caution(raised.kind.code, raised.message, raised.drug, source, sources, is_red_flag=is_red_flag)


def _kind(statement: Statement) -> str:
    """Name the notice that asks for what a statement looks at."""
    if statement.is_limit:
        return "RenalFunctionToCheck"
    return "ContraindicationsToCheck" if statement.is_contraindication else "PrecautionsToCheck"


def _quoted(findings: Iterable[RenalFinding]) -> BilingualText:
    return joined(each.said for each in findings)


def _ordered(cautions: Iterable[Caution]) -> tuple[Caution, ...]:
    return tuple(sorted(cautions, key=lambda caution: caution.order))
