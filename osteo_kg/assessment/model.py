"""The answer about one patient.

As a frozen value: what is decided, why, why not, what is missing and what was assumed.

Everything that is shown (JSON, sentences) is read off this value, so that nothing can disagree with it. The JSON of
the contracts, section 4, has the attributes by their names; those that are marked `BESIDE_JSON` are for sentences only.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

from osteo_kg import package_data
from osteo_kg.bilingual import BESIDE_JSON, BilingualText, Language, to_json
from osteo_kg.knowledge import Span

_NOTHING = BilingualText("", "")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact of the record, by the key and in the form of the flat record, and as people say it."""

    fact: str
    value: Any
    shown: BilingualText = field(metadata=BESIDE_JSON)


@dataclass(frozen=True, slots=True)
class CriterionAssessment:
    """A criterion, its status (`met`, `not-met`, `unknown`), and the facts on which that rests."""

    id: str
    label: BilingualText
    status: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning or an assumption, with the interpretation it rests on, if any.

    Attributes:
        is_red_flag: whether it is to be read before anything else of the answer (`osteo:isRedFlag`).
    """

    code: str
    message: BilingualText
    interpretation: str | None
    label: BilingualText = field(metadata=BESIDE_JSON)
    is_red_flag: bool = field(metadata=BESIDE_JSON)


@dataclass(frozen=True, slots=True)
class Caution:
    """Something to weigh beside an option, or a contraindication; it never changes the option's status.

    Attributes:
        sources: the documents behind it, by IRI, where it comes from the safety layer.
        conditions: the conditions of the patient from which a statement of product information arises, by IRI.
        condition: what they are called.
        found: the numbers and stages of renal function that show them, as recorded; empty where they are recorded.
        asks: what is not in the record and to be asked of the patient, where it is that.
        is_red_flag: as of a notice.
    """

    code: str
    message: BilingualText
    drug: str | None
    source: BilingualText
    sources: tuple[str, ...] = field(default=(), metadata=BESIDE_JSON)
    conditions: tuple[str, ...] = field(default=(), metadata=BESIDE_JSON)
    condition: BilingualText = field(default=_NOTHING, metadata=BESIDE_JSON)
    found: BilingualText = field(default=_NOTHING, metadata=BESIDE_JSON)
    asks: tuple[BilingualText, ...] = field(default=(), metadata=BESIDE_JSON, compare=False)
    is_red_flag: bool = field(default=False, metadata=BESIDE_JSON, compare=False)

    @property
    def order(self) -> tuple[str, str, str]:
        """Where it stands among the others."""
        return self.code, self.message.en, self.drug or ""

    @property
    def is_safety(self) -> bool:
        """Whether it comes from beside the guideline."""
        return bool(self.sources)


@dataclass(frozen=True, slots=True)
class OptionAssessment:
    """An option: `eligible`, `not-eligible` or `undetermined`, and why.

    Attributes:
        listed: whether the guideline lists it for this patient; None where that is open.
        listed_by: the rules that list it, or may.
        open_facts: the keys of the facts that are not known and would settle an undetermined one: those that its own
            criteria look at, and those that leave the branch of the guideline open.
    """

    treatment: str
    label: BilingualText = field(metadata=BESIDE_JSON)
    status: str
    line: str | None
    listed: bool | None
    listed_by: tuple[str, ...]
    interpretations: tuple[str, ...]
    drugs: tuple[str, ...]
    drug_labels: tuple[BilingualText, ...] = field(metadata=BESIDE_JSON)
    criteria: tuple[CriterionAssessment, ...]
    open_facts: tuple[str, ...]
    cautions: tuple[Caution, ...]
    contraindications: tuple[Caution, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact that is not known, and what knowing it would settle."""

    fact: str
    label: BilingualText = field(metadata=BESIDE_JSON)
    would_settle: tuple[str, ...]
    would_settle_labels: tuple[BilingualText, ...] = field(metadata=BESIDE_JSON)


@dataclass(frozen=True, slots=True)
class RuleAssessment:
    """A rule of the guideline, whether it applies, and why or why not."""

    id: str
    label: BilingualText = field(metadata=BESIDE_JSON)
    status: str
    disposition: str = field(metadata=BESIDE_JSON)
    restates: BilingualText
    cites: Span
    criteria: tuple[CriterionAssessment, ...]
    interpretations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RaisedObligation:
    """Something to be done beside the choice of a drug; in JSON it is its key."""

    key: str
    label: BilingualText

    def as_json(self, language: Language) -> str:
        """Give its key."""
        return self.key


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
class Version:
    """What an answer was made with: the version of the library, and the SHA-256 of ontology and shapes."""

    software: str
    knowledge: str


@dataclass(frozen=True, slots=True)
class TakenReading:
    """An interpretation of which the other reading is taken, and what that reading says."""

    interpretation: str
    reading: BilingualText


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer of one guideline about one patient on one day (docs/reference/contracts.md, section 4).

    Attributes:
        patient: the patient as the input names her.
        review: whether a clinician has reviewed the guideline module.
        situation: the IRI of the situation that the case was reduced to.
        disposition: the key of what is to be done, `undetermined` where several remain.
        possible: the keys of the dispositions that remain, sorted.
        options: all options of the guideline when the disposition is to treat, else none.
        cautions: cautions of the safety layer about the whole answer.
        rules: every rule of the guideline, so that why-not is here too.
        adverse_events: those of the drugs of open options, from beside the guideline.
        readings: the interpretations of the guideline that were switched to their other reading; in JSON only where
            there are any.
    """

    patient: str
    guideline: str
    version: Version
    review: str
    assessed_on: datetime.date
    situation: str
    disposition: str
    disposition_label: BilingualText = field(metadata=BESIDE_JSON)
    strength: str | None
    strength_label: BilingualText | None = field(metadata=BESIDE_JSON)
    possible: tuple[str, ...]
    options: tuple[OptionAssessment, ...]
    cautions: tuple[Caution, ...] = field(default=(), kw_only=True)
    missing: tuple[Missing, ...]
    obligations: tuple[RaisedObligation, ...]
    rules: tuple[RuleAssessment, ...]
    warnings: tuple[Notice, ...]
    assumptions: tuple[Notice, ...]
    adverse_events: tuple[AdverseEvents, ...] = field(default=(), metadata=BESIDE_JSON)
    readings: tuple[TakenReading, ...] = field(default=(), kw_only=True)

    @property
    def situation_key(self) -> str:
        """The key of the situation, which its IRI ends with."""
        return self.situation.rpartition("/")[2]

    @property
    def deciding(self) -> tuple[RuleAssessment, ...]:
        """The rules that apply; none where the disposition is undetermined between them."""
        return tuple(rule for rule in self.rules if rule.status == "met")

    @property
    def open(self) -> tuple[RuleAssessment, ...]:
        """The rules that may apply, for all that is known, to a disposition that remains."""
        return tuple(rule for rule in self.rules if rule.status == "unknown" and rule.disposition in self.possible)

    def to_json(self, language: Language = "en") -> dict[str, Any]:
        """Give the assessment as the contracts, section 4, have it, with its sentences in one language."""
        told: dict[str, Any] = to_json(self, language)
        return told if self.readings else {name: value for name, value in told.items() if name != "readings"}

    def __repr__(self) -> str:
        strength = f", {self.strength_label.en}" if self.strength_label else ""
        lines = [
            f"<Assessment of {self.patient} on {self.assessed_on.isoformat()}: {self.disposition_label.en}{strength}"
        ]
        for status in ("eligible", "undetermined"):
            found = [each.treatment for each in self.options if each.status == status]
            lines += [f"  {status}: {', '.join(found)}"] if found else []
        lines += [f"  missing: {', '.join(each.fact for each in self.missing)}"] if self.missing else []
        return "\n".join(lines) + ">"

    def _repr_html_(self) -> str:
        """Show the answer in a notebook, in English."""
        notes: list[Caution | Notice] = [*self.cautions, *self.warnings]
        return package_data.template("notebook_assessment.html").render(
            assessment=self,
            flags=[each.message.en for each in notes if each.is_red_flag],
            notes=[each.message.en for each in notes if not each.is_red_flag],
            missing=[_settling(each) for each in self.missing],
        )


def _settling(missing: Missing) -> str:
    settled = ", ".join(each.en for each in missing.would_settle_labels)
    return f"{missing.label.en}: would settle {settled}" if settled else missing.label.en
