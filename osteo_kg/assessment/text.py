"""An assessment, and a report, in sentences.

Nothing is decided here: every line is read off the value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from osteo_kg.assessment.model import Assessment, Caution, CriterionAssessment, Evidence, OptionAssessment
from osteo_kg.bilingual import Language, Text
from osteo_kg.case.report import Finding, ValidationReport


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text: how far it is indented, what it is (for colour), and what it says."""

    indent: int
    role: str
    text: str

    def __str__(self) -> str:
        return "  " * self.indent + self.text


_WORDS = {
    "on": Text("on", "le"),
    "why": Text("Because: ", "Parce que : "),
    "possible": Text("May apply: ", "Peut s’appliquer : "),
    "options": Text("Options, unranked", "Options, sans ordre de préférence"),
    "eligible": Text("eligible", "éligible"),
    "not-eligible": Text("not eligible", "non éligible"),
    "undetermined": Text("not determined", "non déterminé"),
    "met": Text("yes", "oui"),
    "not-met": Text("no", "non"),
    "unknown": Text("not known", "inconnu"),
    "second": Text("second line", "deuxième ligne"),
    "not-listed": Text("not listed in this situation", "non mentionnée dans cette situation"),
    "maybe-listed": Text(
        "listed in some of the situations that remain", "mentionnée dans certaines situations possibles"
    ),
    "missing": Text("Not known, and would settle something", "Inconnu, et trancherait quelque chose"),
    "warnings": Text("Warnings", "Avertissements"),
    "assumptions": Text("Assumed", "Supposé"),
    "obligations": Text("To do: ", "À faire : "),
    "caution": Text("caution: ", "mise en garde : "),
    "contraindicated": Text("contraindicated, see Safety: ", "contre-indiqué, voir Sécurité : "),
    "safety": Text(
        "Safety, beside the guideline; not reviewed by a clinician",
        "Sécurité, à côté de la recommandation ; non relu par un clinicien",
    ),
    "contraindication": Text("contraindication: ", "contre-indication : "),
    "apart": Text("without a source, ", "sans source, "),
    "refused": Text("refused, nothing was decided", "refusé, rien n’a été décidé"),
    "accepted": Text("fit to be assessed", "apte à être évalué"),
    "violation": Text("to correct", "à corriger"),
    "warning": Text("to check", "à vérifier"),
    "value": Text("found", "trouvé"),
    "none": Text("none", "aucun"),
}
_COLON, _SEMICOLON = Text(": ", " : "), Text("; ", " ; ")
_MARKS = {"eligible": "+", "not-eligible": "-", "undetermined": "?"}


def assessment_lines(assessment: Assessment, language: Language = "en") -> Iterator[Line]:
    """Say an assessment in lines."""

    def word(name: str) -> str:
        return _WORDS[name].in_(language)

    yield Line(0, "patient", f"{assessment.patient}, {word('on')} {assessment.assessed_on.isoformat()}")
    strength = f" ({assessment.strength_label.in_(language)})" if assessment.strength_label else ""
    yield Line(1, assessment.disposition, assessment.disposition_label.in_(language).upper() + strength)
    for rule in assessment.deciding:
        yield Line(1, "why", word("why") + rule.restates.in_(language) + _rests_on(rule.interpretations))
        for criterion in rule.criteria:
            yield Line(3, "detail", _criterion(criterion, language))
    for rule in assessment.open:
        yield Line(1, "why", word("possible") + rule.restates.in_(language) + _rests_on(rule.interpretations))
    if assessment.options:
        yield Line(1, "heading", word("options"))
        for option in assessment.options:
            yield from _option(option, language)
    if assessment.missing:
        yield Line(1, "heading", word("missing"))
        for missing in assessment.missing:
            settles = ", ".join(label.in_(language) for label in missing.would_settle_labels)
            yield Line(2, "missing", f"{missing.label.in_(language)}{_COLON.in_(language)}{settles}")
    for name, notices in (("warnings", assessment.warnings), ("assumptions", assessment.assumptions)):
        if notices:
            yield Line(1, "heading", word(name))
            for notice in notices:
                rests = _rests_on((notice.interpretation,) if notice.interpretation else ())
                yield Line(2, name, notice.message.in_(language) + rests)
    if assessment.obligations:
        yield Line(
            1,
            "todo",
            word("obligations")
            + _SEMICOLON.in_(language).join(each.label.in_(language) for each in assessment.obligations),
        )
    yield from _safety(assessment, language)


def report_lines(report: ValidationReport, language: Language = "en") -> Iterator[Line]:
    """Say a report in lines."""

    def word(name: str) -> str:
        return _WORDS[name].in_(language)

    verdict = word("accepted" if report.conforms else "refused")
    yield Line(0, "patient", f"{report.patient}{_COLON.in_(language)}{verdict}")
    for finding in report.findings:
        yield Line(
            1, finding.severity, f"{word(finding.severity)}{_COLON.in_(language)}{finding.message.in_(language)}"
        )
        found = f"; {word('value')}{_COLON.in_(language)}{finding.value}" if finding.value is not None else ""
        yield Line(2, "detail", f"{place(finding)}{found}")
        yield Line(2, "advice", finding.advice.in_(language))


def place(finding: Finding) -> str:
    """Say where a finding is: the patient or her entry, and the key or property, each named once."""
    return finding.focus if finding.path in finding.focus else f"{finding.focus}, {finding.path}".strip(", ")


def _option(option: OptionAssessment, language: Language) -> Iterator[Line]:
    label = option.label.in_(language)
    drugs = ", ".join(drug for each in option.drug_labels if (drug := each.in_(language)) not in label)
    said = [_WORDS[option.status].in_(language)]
    if option.line:
        said.append(_WORDS[option.line].in_(language))
    if option.listed is not True:
        said.append(_WORDS["not-listed" if option.listed is False else "maybe-listed"].in_(language))
    if option.contraindications:
        named = dict(zip(option.drugs, option.drug_labels, strict=True))
        drugs_told = dict.fromkeys(named[c.drug].in_(language) for c in option.contraindications if c.drug in named)
        said.append(_WORDS["contraindicated"].in_(language) + ", ".join(drugs_told))
    yield Line(
        2,
        option.status,
        f"{_MARKS[option.status]} {label}{f' ({drugs})' if drugs else ''}{_COLON.in_(language)}{', '.join(said)}",
    )
    for criterion in option.criteria:
        yield Line(4, "detail", _criterion(criterion, language))
    for caution in option.cautions:
        if not caution.is_safety:
            yield Line(4, "caution", _WORDS["caution"].in_(language) + caution.message.in_(language))


def _safety(assessment: Assessment, language: Language) -> Iterator[Line]:
    """Say what stands beside the guideline, drug by drug, each with its source."""
    lines = [*_of_the_whole(assessment, language)]
    for option in assessment.options:
        for drug, label in zip(option.drugs, option.drug_labels, strict=True):
            told = [*_of_the_drug(assessment, option, drug, language)]
            lines += [Line(2, "heading", label.in_(language)), *told] if told else []
    if lines:
        yield Line(1, "heading", _WORDS["safety"].in_(language))
        yield from lines


def _of_the_whole(assessment: Assessment, language: Language) -> Iterator[Line]:
    for caution in assessment.cautions:
        yield _beside("caution", caution, language, indent=2)


def _of_the_drug(assessment: Assessment, option: OptionAssessment, drug: str, language: Language) -> Iterator[Line]:
    yield from (_beside("contraindication", c, language) for c in option.contraindications if c.drug == drug)
    yield from (_beside("caution", c, language) for c in option.cautions if c.is_safety and c.drug == drug)
    for each in assessment.adverse_events:
        if each.drug == drug:
            apart = "" if each.sourced else _WORDS["apart"].in_(language)
            said = f"{apart}{each.kind.in_(language)}{_COLON.in_(language)}{each.events.in_(language)}"
            yield Line(3, "detail", f"{said} [{each.source.in_(language)}]")


def _beside(word: str, caution: Caution, language: Language, indent: int = 3) -> Line:
    said = _WORDS[word].in_(language) + caution.message.in_(language)
    return Line(indent, word, f"{said} [{caution.source.in_(language)}]")


def _rests_on(interpretations: tuple[str, ...]) -> str:
    return f" [{', '.join(interpretations)}]" if interpretations else ""


def _criterion(criterion: CriterionAssessment, language: Language) -> str:
    status = _WORDS[criterion.status].in_(language)
    shown = "; ".join(dict.fromkeys(_evidence(each, language) for each in criterion.evidence))
    return f"{criterion.label.in_(language)}{_COLON.in_(language)}{status}" + (f" ({shown})" if shown else "")


def _evidence(evidence: Evidence, language: Language) -> str:
    if evidence.value == []:
        return f"{evidence.fact}: {_WORDS['none'].in_(language)}"
    if isinstance(evidence.value, Mapping):
        return f"{evidence.fact}: {' '.join(str(value) for value in evidence.value.values())}"
    value = str(evidence.value).lower() if isinstance(evidence.value, bool) else str(evidence.value)
    return f"{evidence.fact}: {value}"
