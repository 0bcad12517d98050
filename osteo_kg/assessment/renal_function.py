"""Renal function: what a record says of it, and which ranges of the ontology that shows (the reading R12).

A number is a point, a recorded stage a range, and a limit a range too. Which ranges there are, in which measures and
by whose definition, is in `ontology/safety/renal-function.ttl`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from osteo_kg.bilingual import BilingualText, noted, shown_day, shown_number
from osteo_kg.case import CaseFacts
from osteo_kg.knowledge import Knowledge
from osteo_kg.rdf import OSTEO, RDF, day_text, sparql

_ENDLESS = Decimal("Infinity")


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers from `least` on, and below `below`."""

    least: Decimal
    below: Decimal

    @classmethod
    def of(cls, number: Decimal) -> Interval:
        """Give the interval of one number."""
        return cls(number, number.next_plus())

    def holds(self, other: Interval) -> bool:
        """Whether another lies wholly within this one."""
        return self.least <= other.least and other.below <= self.below

    def excludes(self, other: Interval) -> bool:
        """Whether another lies wholly outside this one."""
        return other.below <= self.least or self.below <= other.least


@dataclass(frozen=True, slots=True)
class RenalRange:
    """A condition that is a range of renal function.

    Attributes:
        measures: the properties whose numbers it is set in.
        definition: how it is said that a finding shows it by definition; None where it is a limit as it stands.
        sources: where its definition is from, by IRI.
    """

    iri: str
    interval: Interval
    measures: frozenset[str]
    definition: BilingualText | None
    sources: tuple[str, ...]

    def said(self, found: BilingualText) -> BilingualText:
        """Say that something shows it."""
        limit = f"{self.interval.below.normalize():f}"
        return self.definition.filled({"found": found, "limit": limit}) if self.definition else found


@dataclass(frozen=True, slots=True)
class RenalFinding:
    """One thing that a record says of renal function.

    Attributes:
        said: how it is quoted.
        measure: the property that states its number; None for a recorded condition.
        value: the number, as written.
        day: the day of the number, where it has one.
    """

    interval: Interval
    said: BilingualText
    measure: str | None = None
    value: str | None = None
    day: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether findings show a range: met, open (`met` is None) or not met, and those on which that rests."""

    met: bool | None
    findings: tuple[RenalFinding, ...] = ()


@dataclass(frozen=True, slots=True)
class RenalFunction:
    """Everything that one record says of renal function; of each measure the number that counts."""

    findings: tuple[RenalFinding, ...]

    def verdict(self, range_: RenalRange) -> Verdict | None:
        """Judge a range by the worst finding; None where the record has none.

        A number in a measure that the range is not set in shows it, and never excludes it. A stage that reaches over a
        limit leaves it open, unless a number in the measure of the limit lies within the stage.
        """
        showing = tuple(each for each in self.findings if range_.interval.holds(each.interval))
        if showing or not self.findings:
            return Verdict(True, showing) if showing else None
        own = [each for each in self.findings if each.measure in range_.measures]
        open_ = tuple(each for each in self.findings if _leaves_open(each, range_) and not _is_settled(each, own))
        return Verdict(None if open_ else False, open_)

    def contradictions(self, defined: Iterable[RenalRange]) -> Iterator[tuple[RenalFinding, RenalFinding]]:
        """Give each two findings that cannot both hold.

        Numbers of two measures may differ; they contradict each other where one shows, and the other excludes, a
        condition that is defined in both.
        """
        defined = list(defined)
        for one, other in combinations(self.findings, 2):
            if one.measure is None or other.measure is None:
                if one.interval.excludes(other.interval):
                    yield one, other
            elif any(
                {one.measure, other.measure} <= each.measures
                and each.interval.holds(one.interval) != each.interval.holds(other.interval)
                for each in defined
            ):
                yield one, other


def _leaves_open(finding: RenalFinding, range_: RenalRange) -> bool:
    """Whether a finding that does not show a range does not exclude it either."""
    is_of_other_measure = finding.measure is not None and finding.measure not in range_.measures
    return is_of_other_measure or not range_.interval.excludes(finding.interval)


def _is_settled(finding: RenalFinding, own: Iterable[RenalFinding]) -> bool:
    """Whether a number in the measure of a limit says more than a finding that leaves the limit open."""
    return any(finding.measure is not None or finding.interval.holds(number.interval) for number in own)


class RenalKnowledge:
    """Reads the ranges of the loaded modules, and what a case says of them."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._terms, triples = knowledge.terms, knowledge.triples
        self.ranges: Mapping[str, RenalRange] = {
            iri: RenalRange(
                iri,
                Interval(
                    -_ENDLESS if (least := triples.decimal(iri, OSTEO.atLeast)) is None else least,
                    _ENDLESS if (below := triples.decimal(iri, OSTEO.below)) is None else below,
                ),
                frozenset(triples.objects(iri, OSTEO.measures)),
                triples.text(iri, OSTEO.messageText),
                tuple(triples.objects(iri, OSTEO.hasSafetySource)),
            )
            for iri in triples.subjects(RDF.type, OSTEO.RenalFunctionRange)
        }
        #: The measure that each property states, by IRI, and how its number is quoted.
        self.measure_of: Mapping[str, str] = {
            property_: measure
            for measure in triples.subjects(RDF.type, OSTEO.RenalMeasure)
            for property_ in triples.objects(measure, OSTEO.statedBy)
        }
        self._quoted = {property_: triples.text(each, OSTEO.messageText) for property_, each in self.measure_of.items()}

    def read(self, case_facts: CaseFacts, conditions: Iterable[str]) -> RenalFunction:
        """Give what a case says of renal function; `conditions` are those that it records, by IRI."""
        numbers: dict[str, RenalFinding] = {}
        if any(triple.predicate == OSTEO.hasRenalFunctionTest for triple in case_facts.case.triples):
            for row in sparql.select(case_facts.store, "safety/renal_function"):
                numbers.setdefault(row["measure"], self._number(row["measure"], row["value"], row.get("day")))
        stages = [
            RenalFinding(self.ranges[each].interval, self._terms.label(each))
            for each in sorted(conditions)
            if each in self.ranges
        ]
        return RenalFunction((*numbers.values(), *stages))

    def _number(self, measure: str, value: str, day: str | None) -> RenalFinding:
        written = f"{Decimal(value):f}"
        template = self._quoted[measure]
        assert template is not None  # a test sees to it
        said = template.filled({"value": shown_number(written)})
        if day:
            said = noted(said, shown_day(day_text(day)))
        return RenalFinding(Interval.of(Decimal(value)), said, measure, written, day_text(day) if day else None)
