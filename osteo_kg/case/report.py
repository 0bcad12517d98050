"""What validation found, as frozen values."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any, Literal

from osteo_kg import package_data
from osteo_kg.bilingual import BESIDE_JSON, BilingualText, Language, shown_element, to_json
from osteo_kg.errors import OsteoError
from osteo_kg.rdf import LIFTED, day_text, is_a_day

Severity = Literal["violation", "warning"]
_SHOWN = 5  # findings that a line of text tells


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
        label: the value in words, where it is a term of ours.
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
    label: BilingualText | None = field(default=None, metadata=BESIDE_JSON)

    def is_of_notice(self) -> bool:
        """Whether it says the notice that an answer has, so that path and value name nothing of the record."""
        return self.property == LIFTED.notice.value

    def value_shown(self, language: Language) -> str | None:
        """Give the value for people, in French with its signs and days; None where there is none to show."""
        if self.value is None or self.is_of_notice():
            return None
        if language == "en":
            return self.value
        day = day_text(self.value)
        return (self.label or shown_element(day if is_a_day(day) else self.value)).get(language)


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
        """Give the report as docs/reference/contracts.md, section 4 has it."""
        return {
            "patient": self.patient,
            "conforms": self.conforms,
            "results": to_json(self.findings, language),
        }

    def __repr__(self) -> str:
        said = "can be assessed" if self.conforms else "is refused"
        lines = [f"<ValidationReport: {self.patient} {said} on {self.on.isoformat()}"]
        lines += [f"  {each.severity}: {each.message.en}" for each in self.findings[:_SHOWN]]
        lines += [f"  and {len(self.findings) - _SHOWN} more"] if len(self.findings) > _SHOWN else []
        return "\n".join(lines) + ">"

    def _repr_html_(self) -> str:
        """Show every finding in a notebook, in English."""
        findings = [
            (each.severity, each.focus, each.value or "", each.message.en, each.advice.en) for each in self.findings
        ]
        return package_data.template("notebook_report.html").render(report=self, findings=findings)


class RefusedCaseError(OsteoError):
    """The case contradicts itself or the vocabulary (docs/reference/reading.md R10).

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
