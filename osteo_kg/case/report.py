"""What validation found, as frozen values."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import pyoxigraph as ox

from osteo_kg.bilingual import BESIDE_JSON, BilingualText, Language, to_json
from osteo_kg.case.model import Case, Remark, RemarkKind
from osteo_kg.errors import OsteoError
from osteo_kg.rdf.terms import LIFTED, XSD, day_text

Severity = Literal["violation", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the shapes, or the reader, found in a case.

    Attributes:
        severity: a violation refuses the case, a warning does not.
        focus: where: the patient, or the entry, in words a person can follow.
        path: the property or the key concerned.
        value: the value found, as written; None where something is missing.
        message: what is wrong.
        advice: what to do.
        notice: the code of the notice that says the same in an answer; warnings only.
        property: the IRI of the property concerned, where a shape found it.
        shape: the IRI of that shape.
        constraint: the IRI of the kind of constraint that is not met (SHACL section 3.4.1.6).
    """

    severity: Severity
    focus: str
    path: str
    value: str | None
    message: BilingualText
    advice: BilingualText
    notice: str | None = field(default=None, metadata=BESIDE_JSON)
    property: str | None = field(default=None, metadata=BESIDE_JSON)
    shape: str | None = field(default=None, metadata=BESIDE_JSON)
    constraint: str | None = field(default=None, metadata=BESIDE_JSON)


@dataclass(frozen=True, slots=True)
class ValidationReport:
    """Everything that validation found in one case, on one day.

    Attributes:
        patient: the patient as the input names it.
        on: the day of assessment.
        findings: every finding, violations first; none is ever dropped.
    """

    patient: str
    on: datetime.date
    findings: tuple[Finding, ...]

    @property
    def violations(self) -> tuple[Finding, ...]:
        """The findings that refuse the case."""
        return tuple(finding for finding in self.findings if finding.severity == "violation")

    @property
    def conforms(self) -> bool:
        """Whether the case may be assessed: no finding is a violation."""
        return not self.violations

    def to_json(self, language: Language = "en") -> dict[str, Any]:
        """Give the report as design.md section 3.4 has it."""
        return {
            "patient": self.patient,
            "conforms": self.conforms,
            "results": to_json(self.findings, language),
        }


class RefusedCaseError(OsteoError):
    """The case contradicts itself or the vocabulary (reading.md R10).

    Args:
        report: what the shapes found.
    """

    def __init__(self, report: ValidationReport) -> None:
        super().__init__(
            f"The case of {report.patient} is refused: "
            + " ".join(finding.message.en for finding in report.violations),
            advice=" ".join(dict.fromkeys(finding.advice.en for finding in report.violations)),
        )
        self.report = report


# What a reader says of the source of a case, as triples beside it: notices rest on it, and no case can state it.

_NS = LIFTED.iri
_ASSUMED = "assumedComplete"
_BOUNDS = ("bornNotBefore", "bornNotAfter")


def day_of(on: datetime.date) -> ox.Literal:
    """Give a day as the ontology writes days."""
    return ox.Literal(f"{on.isoformat()}T00:00:00", datatype=XSD.dateTime)


def source_triples(case: Case, assume_complete: Iterable[str] = ()) -> list[ox.Triple]:
    """Write the properties that were ignored, the bounds of a birth date that is not whole, and every remark.

    Args:
        case: the case.
        assume_complete: the sections that the caller asked to be read as complete, which go with them.
    """
    patient = ox.NamedNode(case.iri)
    found = [ox.Triple(patient, LIFTED.ignoredProperty, ox.Literal(each)) for each in case.ignored]
    found += [ox.Triple(patient, lifted_term(_ASSUMED), ox.Literal(each)) for each in assume_complete]
    for name, day in zip(_BOUNDS, case.born_between or (), strict=False):
        found.append(ox.Triple(patient, lifted_term(name), day_of(day)))
    for number, remark in enumerate(case.remarks, 1):
        node = ox.BlankNode(f"remark{number}")
        found.append(ox.Triple(patient, lifted_term(remark.kind), node))
        found.append(ox.Triple(node, LIFTED.element, ox.Literal(remark.element)))
        if remark.reason is not None:
            found.append(ox.Triple(node, LIFTED.reason, ox.NamedNode(remark.reason)))
    return found


def with_source(case: Case, triples: Iterable[ox.Triple]) -> Case:
    """Give a case together with what `source_triples` wrote of it."""
    said: dict[object, dict[str, list[ox.NamedNode | ox.BlankNode | ox.Literal]]] = defaultdict(dict)
    for triple in triples:
        if not isinstance(triple.object, ox.Triple):
            name = triple.predicate.value.removeprefix(_NS)
            said[triple.subject].setdefault(name, []).append(triple.object)
    own = said[ox.NamedNode(case.iri)]
    remarks = [_remark(kind, said[node]) for kind in get_args(RemarkKind) for node in own.get(kind, ())]
    bounds = [datetime.date.fromisoformat(day_text(own[name][0].value)) for name in _BOUNDS if name in own]
    return replace(
        case,
        ignored=tuple(sorted(each.value for each in own.get("ignoredProperty", ()))),
        remarks=tuple(sorted(remarks, key=lambda each: (each.kind, each.element, each.reason or ""))),
        born_between=(bounds[0], bounds[-1]) if bounds else None,
    )


def assumed_complete(triples: Iterable[ox.Triple]) -> tuple[str, ...]:
    """Give the sections that go with what `source_triples` wrote."""
    found = (t.object for t in triples if t.predicate == lifted_term(_ASSUMED))
    return tuple(sorted(each.value for each in found if isinstance(each, ox.Literal)))


def _remark(kind: RemarkKind, said: dict[str, list[ox.NamedNode | ox.BlankNode | ox.Literal]]) -> Remark:
    reason = said["reason"][0].value if "reason" in said else None
    return Remark(kind, said["element"][0].value, reason)


def lifted_term(name: str) -> ox.NamedNode:
    """Give a term of the vocabulary of lifted facts."""
    return ox.NamedNode(_NS + name)
