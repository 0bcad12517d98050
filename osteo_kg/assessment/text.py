"""An assessment whole, and a report, in sentences.

Nothing is decided here: every line is read off the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from osteo_kg.assessment.model import Assessment, Caution, OptionAssessment, RuleAssessment
from osteo_kg.assessment.short_form import (
    WORDS,
    Line,
    capitalised,
    criterion_text,
    option_text,
    rests_on,
    short_answer,
)
from osteo_kg.bilingual import COLON, SEMICOLON, BilingualText, Language, typeset
from osteo_kg.case import Finding, ValidationReport

_WORDS = {
    "caution": BilingualText("caution: ", "mise en garde : "),
    "contraindication": BilingualText("contraindication: ", "contre-indication : "),
    "safety": BilingualText(
        "Safety (separate from the guideline; not reviewed by a clinician)",
        "Sécurité d’emploi (hors recommandation ; non validée par un clinicien)",
    ),
    "apart": BilingualText("{kind} (no source found): {events}", "{kind} (source non retrouvée) : {events}"),
    "sourced": BilingualText("{kind}: {events}", "{kind} : {events}"),
    "rules": BilingualText("Rules", "Règles"),
    "cited": BilingualText("source, characters {start} to {end}", "texte source, caractères {start} à {end}"),
    "refused": BilingualText("refused, nothing was decided", "dossier refusé : aucune décision rendue"),
    "accepted": BilingualText("can be assessed", "dossier évaluable"),
    "violation": BilingualText("to correct", "à corriger"),
    "warning": BilingualText("to check", "à vérifier"),
    "value": BilingualText("value found", "valeur trouvée"),
}


def full_lines(assessment: Assessment, language: Language = "en") -> Iterator[Line]:
    """Say an assessment whole: every rule, criterion, fact and citation, and all that stands beside the guideline."""
    return _typeset(_whole(assessment, language), language)


def report_lines(report: ValidationReport, language: Language = "en") -> Iterator[Line]:
    """Say a report in lines."""
    return _typeset(_report(report, language), language)


def _typeset(lines: Iterator[Line], language: Language) -> Iterator[Line]:
    return (replace(line, text=typeset(line.text, language)) for line in lines)


def _whole(assessment: Assessment, language: Language) -> Iterator[Line]:
    answer = short_answer(assessment, language)
    yield Line(0, "patient", answer.title)
    yield Line(1, answer.disposition, answer.headline)
    yield from (Line(1, "flag", f"!! {each}") for each in answer.red_flags)
    for rule in (*assessment.deciding, *assessment.open):
        word = WORDS["why" if rule.status == "met" else "possible"].get(language)
        yield Line(1, "why", word + rule.restates.get(language) + rests_on(rule.interpretations))
        for criterion in rule.criteria:
            yield Line(3, "detail", criterion_text(criterion, language))
    if assessment.options:
        yield Line(1, "heading", WORDS["options"].get(language))
        for option in assessment.options:
            yield from _option(option, language)
    for part in answer.of("missing", "assumptions", "todo"):
        yield Line(1, "heading", part.heading.rstrip(" :"))
        yield from (Line(2, part.role, each.text) for each in part.items)
    ordinary = [each for each in assessment.warnings if not each.is_red_flag]
    if ordinary:
        yield Line(1, "heading", WORDS["warnings"].get(language).rstrip(" :"))
        for notice in ordinary:
            yield Line(2, "warnings", capitalised(notice.message.get(language)) + rests_on([notice.interpretation]))
    yield from _safety(assessment, language)
    yield Line(1, "heading", _WORDS["rules"].get(language))
    yield from (Line(2, "detail", _cited(rule, language)) for rule in assessment.rules)
    yield Line(1, "note", answer.disclaimer)


def _cited(rule: RuleAssessment, language: Language) -> str:
    span = {"start": str(rule.cites.start), "end": str(rule.cites.end)}
    cited = _WORDS["cited"].filled(span).get(language)
    status = WORDS[rule.status].get(language)
    return f"{rule.label.get(language)}{COLON.get(language)}{status} ({cited}){rests_on(rule.interpretations)}"


def _report(report: ValidationReport, language: Language) -> Iterator[Line]:
    colon = COLON.get(language)
    verdict = _WORDS["accepted" if report.conforms else "refused"].get(language)
    yield Line(0, "patient", f"{report.patient}{colon}{verdict}")
    for finding in report.findings:
        kind = _WORDS[finding.severity].get(language)
        yield Line(1, finding.severity, f"{kind}{colon}{finding.message.get(language)}")
        shown = finding.value_shown(language)
        value = "" if shown is None else f"{_WORDS['value'].get(language)}{colon}{shown}"
        yield Line(2, "detail", SEMICOLON.get(language).join(each for each in (place(finding), value) if each))
        yield Line(2, "advice", finding.advice.get(language))


def place(finding: Finding) -> str:
    """Say where a finding is: the patient or her entry, and the key or property, each named once."""
    is_named = finding.is_of_notice() or finding.path in finding.focus
    return finding.focus if is_named else f"{finding.focus}, {finding.path}".strip(", ")


def _option(option: OptionAssessment, language: Language) -> Iterator[Line]:
    yield Line(2, option.status, option_text(option, language))
    for criterion in option.criteria:
        yield Line(4, "detail", criterion_text(criterion, language))
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
            said = _WORDS["sourced" if each.sourced else "apart"].filled({"kind": each.kind, "events": each.events})
            yield Line(3, "detail", f"{said.get(language)} [{each.source.get(language)}]")


def _beside(word: str, caution: Caution, language: Language, indent: int = 3) -> Line:
    said = _WORDS[word].get(language) + caution.message.get(language)
    return Line(indent, word, f"{said} [{caution.source.get(language)}]")
