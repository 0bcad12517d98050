"""An assessment, and a report, in sentences.

Nothing is decided here: every line is read off the value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from osteo_kg.assessment.model import Assessment, Caution, CriterionAssessment, Evidence, OptionAssessment
from osteo_kg.bilingual import BilingualText, Language
from osteo_kg.case import Finding, ValidationReport


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text: how far it is indented, what it is (for colour), and what it says."""

    indent: int
    role: str
    text: str

    def __str__(self) -> str:
        return "  " * self.indent + self.text


_WORDS = {
    "on": BilingualText("on", "le"),
    "why": BilingualText("Because: ", "Parce que : "),
    "possible": BilingualText("May apply: ", "Peut s’appliquer : "),
    "options": BilingualText("Options, unranked", "Options, sans ordre de préférence"),
    "eligible": BilingualText("eligible", "éligible"),
    "not-eligible": BilingualText("not eligible", "non éligible"),
    "undetermined": BilingualText("not determined", "non déterminé"),
    "met": BilingualText("yes", "oui"),
    "not-met": BilingualText("no", "non"),
    "unknown": BilingualText("not known", "inconnu"),
    "second": BilingualText("second line", "deuxième ligne"),
    "not-listed": BilingualText("not listed in this situation", "non mentionnée dans cette situation"),
    "maybe-listed": BilingualText(
        "listed in some of the situations that remain", "mentionnée dans certaines situations possibles"
    ),
    "missing": BilingualText("Not known, and would settle something", "Inconnu, et trancherait quelque chose"),
    "warnings": BilingualText("Warnings", "Avertissements"),
    "assumptions": BilingualText("Assumed", "Supposé"),
    "obligations": BilingualText("To do: ", "À faire : "),
    "caution": BilingualText("caution: ", "mise en garde : "),
    "contraindicated": BilingualText("contraindicated, see Safety: ", "contre-indiqué, voir Sécurité : "),
    "safety": BilingualText(
        "Safety, beside the guideline; not reviewed by a clinician",
        "Sécurité, à côté de la recommandation ; non relu par un clinicien",
    ),
    "contraindication": BilingualText("contraindication: ", "contre-indication : "),
    "apart": BilingualText("without a source, ", "sans source, "),
    "refused": BilingualText("refused, nothing was decided", "refusé, rien n’a été décidé"),
    "accepted": BilingualText("fit to be assessed", "apte à être évalué"),
    "violation": BilingualText("to correct", "à corriger"),
    "warning": BilingualText("to check", "à vérifier"),
    "value": BilingualText("found", "trouvé"),
    "none": BilingualText("none", "aucun"),
}
_COLON, _SEMICOLON = BilingualText(": ", " : "), BilingualText("; ", " ; ")
_MARKS = {"eligible": "+", "not-eligible": "-", "undetermined": "?"}


def assessment_lines(assessment: Assessment, language: Language = "en") -> Iterator[Line]:
    """Say an assessment in lines."""

    def word(name: str) -> str:
        return _WORDS[name].get(language)

    yield Line(0, "patient", f"{assessment.patient}, {word('on')} {assessment.assessed_on.isoformat()}")
    strength = f" ({assessment.strength_label.get(language)})" if assessment.strength_label else ""
    yield Line(1, assessment.disposition, assessment.disposition_label.get(language).upper() + strength)
    for rule in assessment.deciding:
        yield Line(1, "why", word("why") + rule.restates.get(language) + _rests_on(rule.interpretations))
        for criterion in rule.criteria:
            yield Line(3, "detail", _criterion(criterion, language))
    for rule in assessment.open:
        yield Line(1, "why", word("possible") + rule.restates.get(language) + _rests_on(rule.interpretations))
    if assessment.options:
        yield Line(1, "heading", word("options"))
        for option in assessment.options:
            yield from _option(option, language)
    if assessment.missing:
        yield Line(1, "heading", word("missing"))
        for missing in assessment.missing:
            settles = ", ".join(label.get(language) for label in missing.would_settle_labels)
            yield Line(2, "missing", f"{missing.label.get(language)}{_COLON.get(language)}{settles}")
    for name, notices in (("warnings", assessment.warnings), ("assumptions", assessment.assumptions)):
        if notices:
            yield Line(1, "heading", word(name))
            for notice in notices:
                rests = _rests_on((notice.interpretation,) if notice.interpretation else ())
                yield Line(2, name, notice.message.get(language) + rests)
    if assessment.obligations:
        yield Line(
            1,
            "todo",
            word("obligations")
            + _SEMICOLON.get(language).join(each.label.get(language) for each in assessment.obligations),
        )
    yield from _safety(assessment, language)


def report_lines(report: ValidationReport, language: Language = "en") -> Iterator[Line]:
    """Say a report in lines."""

    def word(name: str) -> str:
        return _WORDS[name].get(language)

    verdict = word("accepted" if report.conforms else "refused")
    yield Line(0, "patient", f"{report.patient}{_COLON.get(language)}{verdict}")
    for finding in report.findings:
        yield Line(
            1, finding.severity, f"{word(finding.severity)}{_COLON.get(language)}{finding.message.get(language)}"
        )
        found = f"; {word('value')}{_COLON.get(language)}{finding.value}" if finding.value is not None else ""
        yield Line(2, "detail", f"{place(finding)}{found}")
        yield Line(2, "advice", finding.advice.get(language))


def place(finding: Finding) -> str:
    """Say where a finding is: the patient or her entry, and the key or property, each named once."""
    return finding.focus if finding.path in finding.focus else f"{finding.focus}, {finding.path}".strip(", ")


def _option(option: OptionAssessment, language: Language) -> Iterator[Line]:
    label = option.label.get(language)
    drugs = ", ".join(drug for each in option.drug_labels if (drug := each.get(language)) not in label)
    said = [_WORDS[option.status].get(language)]
    if option.line:
        said.append(_WORDS[option.line].get(language))
    if option.listed is not True:
        said.append(_WORDS["not-listed" if option.listed is False else "maybe-listed"].get(language))
    if option.contraindications:
        named = dict(zip(option.drugs, option.drug_labels, strict=True))
        drugs_told = dict.fromkeys(named[c.drug].get(language) for c in option.contraindications if c.drug in named)
        said.append(_WORDS["contraindicated"].get(language) + ", ".join(drugs_told))
    yield Line(
        2,
        option.status,
        f"{_MARKS[option.status]} {label}{f' ({drugs})' if drugs else ''}{_COLON.get(language)}{', '.join(said)}",
    )
    for criterion in option.criteria:
        yield Line(4, "detail", _criterion(criterion, language))
    for caution in option.cautions:
        if not caution.is_safety:
            yield Line(4, "caution", _WORDS["caution"].get(language) + caution.message.get(language))


def _safety(assessment: Assessment, language: Language) -> Iterator[Line]:
    """Say what stands beside the guideline, drug by drug, each with its source."""
    lines = [*_of_the_whole(assessment, language)]
    for option in assessment.options:
        for drug, label in zip(option.drugs, option.drug_labels, strict=True):
            told = [*_of_the_drug(assessment, option, drug, language)]
            lines += [Line(2, "heading", label.get(language)), *told] if told else []
    if lines:
        yield Line(1, "heading", _WORDS["safety"].get(language))
        yield from lines


def _of_the_whole(assessment: Assessment, language: Language) -> Iterator[Line]:
    for caution in assessment.cautions:
        yield _beside("caution", caution, language, indent=2)


def _of_the_drug(assessment: Assessment, option: OptionAssessment, drug: str, language: Language) -> Iterator[Line]:
    yield from (_beside("contraindication", c, language) for c in option.contraindications if c.drug == drug)
    yield from (_beside("caution", c, language) for c in option.cautions if c.is_safety and c.drug == drug)
    for each in assessment.adverse_events:
        if each.drug == drug:
            with_fresh_blank_nodes = "" if each.sourced else _WORDS["apart"].get(language)
            said = f"{with_fresh_blank_nodes}{each.kind.get(language)}{_COLON.get(language)}{each.events.get(language)}"
            yield Line(3, "detail", f"{said} [{each.source.get(language)}]")


def _beside(word: str, caution: Caution, language: Language, indent: int = 3) -> Line:
    said = _WORDS[word].get(language) + caution.message.get(language)
    return Line(indent, word, f"{said} [{caution.source.get(language)}]")


def _rests_on(interpretations: tuple[str, ...]) -> str:
    return f" [{', '.join(interpretations)}]" if interpretations else ""


def _criterion(criterion: CriterionAssessment, language: Language) -> str:
    status = _WORDS[criterion.status].get(language)
    shown = "; ".join(dict.fromkeys(_evidence(each, language) for each in criterion.evidence))
    return f"{criterion.label.get(language)}{_COLON.get(language)}{status}" + (f" ({shown})" if shown else "")


def _evidence(evidence: Evidence, language: Language) -> str:
    if evidence.value == []:
        return f"{evidence.fact}: {_WORDS['none'].get(language)}"
    if isinstance(evidence.value, Mapping):
        return f"{evidence.fact}: {' '.join(str(value) for value in evidence.value.values())}"
    value = str(evidence.value).lower() if isinstance(evidence.value, bool) else str(evidence.value)
    return f"{evidence.fact}: {value}"
