"""The safety layer: what product information says of the drugs, put beside an answer that it never changes.

A statement is met, not met or open. It is met by a recorded condition or number, not met where the record is known to
be complete or a number says so, and open otherwise; what is open is told as to be checked.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from osteo_kg.assessment.model import AdverseEvents, Assessment, Caution, OptionAssessment
from osteo_kg.assessment.notices import Notices, RaisedNotice
from osteo_kg.bilingual import BilingualText
from osteo_kg.case import CaseFacts
from osteo_kg.knowledge import BOUNDS, Knowledge
from osteo_kg.rdf import DCTERMS, OSTEO, RDF, day_text, sparql
from osteo_kg.reasoning import NOT_ELIGIBLE

_NS, _HISTORY = OSTEO.iri, OSTEO.MedicalHistory.value
_HOLDS = {"above": operator.gt, "atLeast": operator.ge, "atMost": operator.le, "below": operator.lt}


@dataclass(frozen=True, slots=True)
class RecordedFacts:
    """What one record says that statements look at.

    Attributes:
        conditions: the conditions recorded, by IRI.
        complete: whether a condition that is not recorded is absent.
        measured: the number that counts for each measure, by property, with its day.
    """

    conditions: frozenset[str]
    complete: bool
    measured: Mapping[str, tuple[Decimal, str | None]]


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
        raised, facts = self._notices.raised(case_facts, ["safety"]), _facts(case_facts)
        options = tuple(self._option(each, facts, raised) for each in assessment.options)
        whole = [self._joining(each) for each in raised if each.option is None]
        if options:
            whole += self._closed_world(_HISTORY in taken, _HISTORY in assumed)
        open_ = [each for each in options if each.status != NOT_ELIGIBLE]
        return replace(
            assessment,
            options=options,
            cautions=_ordered([*assessment.cautions, *whole]),
            adverse_events=self._statements.informing(drug for option in open_ for drug in option.drugs),
        )

    def of_drug(self, drug: str, case_facts: CaseFacts) -> DrugSafety:
        """Give what stands against one drug, the option that it belongs to left aside."""
        facts = _facts(case_facts)
        contraindications, precautions = self._recorded(drug, facts)
        return DrugSafety(drug, contraindications, _ordered([*precautions, *self._to_check(drug, facts)]))

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

    def _met(self, statement: Statement, drug: str, facts: RecordedFacts) -> Caution | None:
        found = [self._terms.label(each) for each in statement.conditions if each in facts.conditions]
        found += [
            self._measured(each, facts) for each in statement.measures if _is_out_of_bounds(statement, each, facts)
        ]
        if not found:
            return None
        limit = f"{statement.bounds[0][1]:f}".removesuffix(".0") if statement.bounds else ""
        message = statement.template.filled({"found": listed(found), "limit": limit})
        return Caution(statement.code, message, drug, self._statements.cited(statement.sources), statement.sources)

    def _measured(self, property_: str, facts: RecordedFacts) -> BilingualText:
        value, day = facts.measured[property_]
        label = self._terms.label(self._statements.measure_of[property_])
        dated = f" ({day_text(day)})" if day else ""
        return BilingualText(f"{label.en} {value:f}{dated}", f"{label.fr} {value:f}{dated}")

    def _to_check(self, drug: str, facts: RecordedFacts) -> tuple[Caution, ...]:
        """Give what is open for a drug; most records leave the same open, so it is written once."""
        open_ = tuple(each for each in self._of(drug) if _is_open(each, facts))
        if (drug, open_) not in self._written:
            self._written[drug, open_] = tuple(self._checks(drug, open_))
        return self._written[drug, open_]

    def _checks(self, drug: str, open_: Iterable[Statement]) -> Iterator[Caution]:
        """Write one caution for each kind of open statement."""
        kinds: dict[str, list[Statement]] = {}
        for each in open_:
            kinds.setdefault(_kind(each), []).append(each)
        for name, statements in kinds.items():
            sources = tuple(sorted({source for each in statements for source in each.sources}))
            found = listed(self._asked(each) for each in statements)
            yield self._check(name, {"drug": self._terms.label(drug), "found": found}, drug, sources)

    def _asked(self, statement: Statement) -> BilingualText:
        """Name what a statement asks about: its conditions, or its measures with their bound."""
        labels = [self._terms.label(each) for each in statement.conditions]
        labels += [self._terms.label(self._statements.measure_of[each]) for each in statement.measures]
        bound = "".join(f" {_SIGNS[name]} {value:f}".removesuffix(".0") for name, value in statement.bounds)
        return BilingualText(
            " / ".join(each.en for each in labels) + bound, " / ".join(each.fr for each in labels) + bound
        )

    def _closed_world(self, taken: bool, assumed: bool) -> Iterator[Caution]:
        """Say on whose word an unrecorded condition counted as absent."""
        if taken:
            yield self._check("MedicalHistoryTakenAsComplete", {}, None, ())
        if assumed:
            yield self._check("MedicalHistoryAssumedComplete", {}, None, ())

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
        return Caution(raised.kind.code, raised.message, raised.drug, self._statements.cited(sources), sources)


def _facts(case_facts: CaseFacts) -> RecordedFacts:
    measured: dict[str, tuple[Decimal, str | None]] = {}
    if any(triple.predicate == OSTEO.hasRenalFunctionTest for triple in case_facts.case.triples):
        for row in sparql.select(case_facts.store, "safety/renal_function"):
            measured.setdefault(row["measure"], (Decimal(row["value"]), row.get("day")))
    conditions = frozenset(entry.atom.value for entry in case_facts.sections[_HISTORY])
    return RecordedFacts(conditions, _HISTORY in case_facts.complete, measured)


def _kind(statement: Statement) -> str:
    """Name the notice that asks for what a statement looks at."""
    if statement.is_limit:
        return "RenalFunctionToCheck"
    return "ContraindicationsToCheck" if statement.is_contraindication else "PrecautionsToCheck"


def _is_out_of_bounds(statement: Statement, property_: str, facts: RecordedFacts) -> bool:
    if property_ not in facts.measured:
        return False
    value, _ = facts.measured[property_]
    return all(_HOLDS[name](value, bound) for name, bound in statement.bounds)


def _is_open(statement: Statement, facts: RecordedFacts) -> bool:
    """Whether the record leaves open that the statement is met; one that is met is not open."""
    if statement.measures:
        return not any(each in facts.measured for each in statement.measures)
    if not facts.conditions.isdisjoint(statement.conditions):
        return False
    return not facts.complete or not facts.conditions.isdisjoint(statement.doubtful)


def _ordered(cautions: Iterable[Caution]) -> tuple[Caution, ...]:
    return tuple(sorted(cautions, key=lambda caution: caution.order))


_SIGNS = {"above": ">", "atLeast": "≥", "atMost": "≤", "below": "<"}


# What the safety modules of the ontology say of each drug, as frozen values; nothing here knows what any of it says.

_EVENTS = (OSTEO.FrequentAdverseEvents.value, OSTEO.SeriousAdverseEvents.value)


@dataclass(frozen=True, slots=True)
class Statement:
    """A contraindication or a precaution of one drug.

    Attributes:
        conditions: the conditions from any of which it arises, by IRI.
        doubtful: conditions that may mean one of these, so that they leave it open.
        measures: the numbers that it bounds, by property; a number of any of them settles it.
        bounds: its bounds by name (`below`).
        is_limit: whether the number is to be known before the drug is given.
    """

    iri: str
    code: str
    template: BilingualText
    conditions: tuple[str, ...]
    doubtful: frozenset[str]
    measures: tuple[str, ...]
    bounds: tuple[tuple[str, Decimal], ...]
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

    @functools.cached_property
    def measure_of(self) -> Mapping[str, str]:
        """The measure of renal function, by IRI, that each property states."""
        measures = self._triples.subjects(RDF.type, OSTEO.RenalMeasure.value)
        return {property_: measure for measure in measures for property_ in self._of(measure, "statedBy")}

    def cited(self, sources: Iterable[str]) -> BilingualText:
        """Name sources, and say that no clinician has reviewed what was read there."""
        return listed(self._terms.label(each) for each in (*sources, OSTEO.NotReviewed.value))

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
            names = [self._terms.label(each) for each in self._of(iri, "namesEvent")]
            sources = self._of(iri, "hasSafetySource")
            unsourced = OSTEO.UnsourcedStatement.value
            for drug in self._of(iri, "isAboutDrug"):
                yield AdverseEvents(
                    statement=iri,
                    drug=drug,
                    kind=self._terms.label(kind),
                    events=listed(names),
                    source=self.cited([*sources, *([unsourced] if unsourced in self._terms.types[iri] else [])]),
                    sourced=unsourced not in self._terms.types[iri],
                )

    def _statement(self, iri: str) -> Statement:
        template = self._triples.text(iri, OSTEO.messageText)
        assert template is not None  # the style shapes see to it
        conditions = tuple(self._of(iri, "arisesFromCondition"))
        return Statement(
            iri=iri,
            code=self._terms.key(iri),
            template=template,
            conditions=conditions,
            doubtful=frozenset(each for one in conditions for each in self._triples.subjects(OSTEO.mayMean, one)),
            measures=tuple(self._of(iri, "measures")),
            bounds=tuple((name, Decimal(value)) for name in BOUNDS for value in self._of(iri, name)),
            sources=tuple(self._of(iri, "hasSafetySource")),
            is_contraindication=self._terms.is_a(iri, OSTEO.Contraindication),
            is_limit=self._terms.is_a(iri, OSTEO.RenalLimit),
        )

    def _of(self, iri: str, name: str) -> list[str]:
        return self._triples.objects(iri, OSTEO[name])


def listed(texts: Iterable[BilingualText]) -> BilingualText:
    """Put texts in one, one after the other."""
    found = list(texts)
    return BilingualText("; ".join(each.en for each in found), " ; ".join(each.fr for each in found))


def _shown_order(events: AdverseEvents) -> tuple[str, bool, str]:
    """Frequent ones before serious ones, and what has no source last."""
    return events.kind.en, not events.sourced, events.statement
