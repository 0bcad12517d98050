"""What the command line prints: answers and reports on standard output, complaints and progress on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import track

from osteo_kg.assessment import Assessment
from osteo_kg.report import ValidationReport
from osteo_kg.texts import Language, Text
from osteo_kg.wording import Line, assessment_lines, place, report_lines

_LONG_RUN = 200  # cases from which a progress bar is worth its line
_COLOURS = {
    "patient": "bold",
    "treat": "bold red",
    "specialist-opinion": "bold yellow",
    "no-treatment": "bold green",
    "eligible": "green",
    "undetermined": "yellow",
    "not-eligible": "dim",
    "detail": "dim",
    "violation": "red",
    "caution": "yellow",
    "contraindication": "bold red",
    "warnings": "yellow",
    "heading": "bold",
}
_DISCLAIMER = Text(
    "Not a medical device; no clinician has reviewed this reading of the guideline.",
    "Pas un dispositif médical ; aucun clinicien n’a relu cette lecture de la recommandation.",
)


def write(answers: Iterable[Assessment | ValidationReport], form: str, language: Language, several: bool) -> None:
    """Write answers in `text`, `json` or `jsonl`; several answers are an array in JSON."""
    if form == "jsonl":
        for answer in answers:
            click.echo(json.dumps(answer.to_json(language), ensure_ascii=False))
    elif form == "json":
        documents = [answer.to_json(language) for answer in answers]
        if documents:
            click.echo(json.dumps(documents if several else documents[0], ensure_ascii=False, indent=2))
    else:
        console = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
        answered = False
        for answer in answers:
            answered = True
            for line in _lines(answer, language):
                console.print(str(line), style=_COLOURS.get(line.role))
            console.print()
        if answered:
            console.print(_DISCLAIMER.in_(language), style="dim")


def _lines(answer: Assessment | ValidationReport, language: Language) -> Iterator[Line]:
    if isinstance(answer, ValidationReport):
        return report_lines(answer, language)
    return assessment_lines(answer, language)


_Item = TypeVar("_Item")


class Refusals:
    """Passes answers on one at a time, and keeps the reports of those that were refused."""

    def __init__(self, answers: Iterable[Assessment | ValidationReport]) -> None:
        self._answers = answers
        self.reports: list[ValidationReport] = []

    def __iter__(self) -> Iterator[Assessment | ValidationReport]:
        for answer in self._answers:
            if isinstance(answer, ValidationReport):
                self.reports.append(answer)
            yield answer


def progress(items: Iterable[_Item], what: str, total: int) -> Iterable[_Item]:
    """Show a bar on the terminal while a long run goes on; nothing elsewhere."""
    console = Console(stderr=True)
    if total < _LONG_RUN or not console.is_terminal:
        return items
    return track(items, description=what, total=total, console=console, transient=True)


def complain_of(report: ValidationReport, language: Language) -> None:
    """Say on standard error why a case is refused: where, what is wrong, what to do."""
    for finding in report.violations:
        found = f" ({finding.value})" if finding.value is not None else ""
        complain(f"{place(finding)}{found}: {finding.message.in_(language)} {finding.advice.in_(language)}")


def complain(sentence: str) -> None:
    """Say one sentence on standard error."""
    click.echo(f"osteo-kg: {sentence}", err=True)
