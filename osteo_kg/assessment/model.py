"""The answer about one patient.

As a frozen value: what is decided, why, why not, what is missing and what was assumed.

Everything that is shown (JSON, sentences) is read off this value, so that nothing can disagree with it.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from osteo_kg.bilingual import BilingualText, Language
from osteo_kg.knowledge.guideline import Span


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact of the record, by the key and in the form of the flat record."""

    fact: str
    value: Any

    def to_json(self) -> dict[str, Any]:
        """Give the fact and its value."""
        return {"fact": self.fact, "value": self.value}


@dataclass(frozen=True, slots=True)
class CriterionAssessment:
    """A criterion, its status (`met`, `not-met`, `unknown`), and the facts on which that rests."""

    id: str
    label: BilingualText
    status: str
    evidence: tuple[Evidence, ...]

    def to_json(self, language: Language) -> dict[str, Any]:
        """Give the criterion as design.md section 3.4 has it."""
        return {
            "id": self.id,
            "label": self.label.get(language),
            "status": self.status,
            "evidence": [each.to_json() for each in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning or an assumption, with the interpretation it rests on, if any."""

    code: str
    message: BilingualText
    interpretation: str | None

    def to_json(self, language: Language) -> dict[str, Any]:
        """Give the notice as design.md section 3.4 has it."""
        return {
            "code": self.code,
            "message": self.message.get(language),
            "interpretation": self.interpretation,
        }


@dataclass(frozen=True, slots=True)
class Caution:
    """Something to weigh beside an option, or a contraindication; it never changes the option's status.

    Attributes:
        sources: the documents behind it, by IRI, where it comes from the safety layer.
    """

    code: str
    message: BilingualText
    drug: str | None
    source: BilingualText
    sources: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[str, str, str]:
        """Where it stands among the others."""
        return self.code, self.message.en, self.drug or ""

    @property
    def is_safety(self) -> bool:
        """Whether it comes from beside the guideline."""
        return bool(self.sources)

    def to_json(self, language: Language) -> dict[str, Any]:
        """Give the caution as design.md section 3.4 has it."""
        return {
            "code": self.code,
            "message": self.message.get(language),
            "drug": self.drug,
            "source": self.source.get(language),
        }


@dataclass(frozen=True, slots=True)
class OptionAssessment:
    """An option: `eligible`, `not-eligible` or `undetermined`, and why.

    Attributes:
        listed: whether the guideline lists it for this patient; None where that is open.
        listed_by: the rules that list it, or may.
    """

    treatment: str
    label: BilingualText
    status: str
    line: str | None
    listed: bool | None
    listed_by: tuple[str, ...]
    interpretations: tuple[str, ...]
    drugs: tuple[str, ...]
    drug_labels: tuple[BilingualText, ...]
    criteria: tuple[CriterionAssessment, ...]
    cautions: tuple[Caution, ...]
    contraindications: tuple[Caution, ...] = ()

    def to_json(self, language: Language) -> dict[str, Any]:
        """Give the option as design.md section 3.4 has it."""
        return {
            "treatment": self.treatment,
            "status": self.status,
            "line": self.line,
            "listed": self.listed,
            "listed_by": list(self.listed_by),
            "interpretations": list(self.interpretations),
            "drugs": list(self.drugs),
            "criteria": [each.to_json(language) for each in self.criteria],
            "cautions": [each.to_json(language) for each in self.cautions],
            "contraindications": [each.to_json(language) for each in self.contraindications],
        }


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact that is not known, and what knowing it would settle."""

    fact: str
    label: BilingualText
    would_settle: tuple[str, ...]
    would_settle_labels: tuple[BilingualText, ...]

    def to_json(self) -> dict[str, Any]:
        """Give the fact as design.md section 3.4 has it."""
        return {"fact": self.fact, "would_settle": list(self.would_settle)}


@dataclass(frozen=True, slots=True)
class RuleAssessment:
    """A rule of the guideline, whether it applies, and why or why not."""

    id: str
    label: BilingualText
    status: str
    disposition: str
    restates: BilingualText
    cites: Span
    criteria: tuple[CriterionAssessment, ...]
    interpretations: tuple[str, ...]

    def to_json(self, language: Language) -> dict[str, Any]:
        """Give the rule as design.md section 3.4 has it."""
        return {
            "id": self.id,
            "status": self.status,
            "restates": self.restates.get(language),
            "cites": {"start": self.cites.start, "end": self.cites.end, "sha256": self.cites.sha256},
            "criteria": [each.to_json(language) for each in self.criteria],
            "interpretations": list(self.interpretations),
        }


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something to be done beside the choice of a drug."""

    key: str
    label: BilingualText


@dataclass(frozen=True, slots=True)
class AdverseEvents:
    """Adverse events of one drug of which the patient is to be informed.

    Attributes:
        statement: the statement of the ontology that names them, by IRI.
        sourced: whether all of it was seen in a source.
    """

    statement: str
    drug: str
    kind: BilingualText
    events: BilingualText
    source: BilingualText
    sourced: bool


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer of one guideline about one patient on one day (design.md section 3.4).

    Attributes:
        patient: the patient as the input names her.
        software: the version of the library.
        knowledge: SHA-256 of ontology and shapes.
        review: whether a clinician has reviewed the guideline module.
        situation: the IRI of the situation that the case was reduced to.
        disposition: the key of what is to be done, `undetermined` where several remain.
        possible: the keys of the dispositions that remain, sorted.
        options: all options of the guideline when the disposition is to treat, else none.
        rules: every rule of the guideline, so that why-not is here too.
        cautions: cautions of the safety layer about the whole answer.
        adverse_events: those of the drugs of open options, from beside the guideline.
    """

    patient: str
    guideline: str
    software: str
    knowledge: str
    review: str
    assessed_on: datetime.date
    situation: str
    disposition: str
    disposition_label: BilingualText
    strength: str | None
    strength_label: BilingualText | None
    possible: tuple[str, ...]
    options: tuple[OptionAssessment, ...]
    missing: tuple[Missing, ...]
    obligations: tuple[Obligation, ...]
    rules: tuple[RuleAssessment, ...]
    warnings: tuple[Notice, ...]
    assumptions: tuple[Notice, ...]
    cautions: tuple[Caution, ...] = ()
    adverse_events: tuple[AdverseEvents, ...] = ()

    @property
    def deciding(self) -> tuple[RuleAssessment, ...]:
        """The rules that apply; none where the disposition is undetermined between them."""
        return tuple(rule for rule in self.rules if rule.status == "met")

    @property
    def open(self) -> tuple[RuleAssessment, ...]:
        """The rules that may apply, for all that is known, to a disposition that remains."""
        return tuple(rule for rule in self.rules if rule.status == "unknown" and rule.disposition in self.possible)

    def to_json(self, language: Language = "en") -> dict[str, Any]:
        """Give the assessment as design.md section 3.4 has it, with its sentences in one language."""
        return {
            "patient": self.patient,
            "guideline": self.guideline,
            "version": {"software": self.software, "knowledge": self.knowledge},
            "review": self.review,
            "assessed_on": self.assessed_on.isoformat(),
            "situation": self.situation,
            "disposition": self.disposition,
            "strength": self.strength,
            "possible": list(self.possible),
            "options": [each.to_json(language) for each in self.options],
            "cautions": [each.to_json(language) for each in self.cautions],
            "missing": [each.to_json() for each in self.missing],
            "obligations": [each.key for each in self.obligations],
            "rules": [each.to_json(language) for each in self.rules],
            "warnings": [each.to_json(language) for each in self.warnings],
            "assumptions": [each.to_json(language) for each in self.assumptions],
        }
