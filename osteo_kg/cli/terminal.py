"""What the command line prints: answers and reports on standard output, complaints and progress on standard error."""

from __future__ import annotations

import datetime
import gzip
import json
import os
import sys
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import track

from osteo_kg.assessment.model import Assessment
from osteo_kg.assessment.readings import said_of_knowledge
from osteo_kg.assessment.short_form import Line, short_answer, short_lines
from osteo_kg.assessment.text import full_lines, place, report_lines
from osteo_kg.bilingual import BilingualText, Language
from osteo_kg.case import Case, ValidationReport, read_folder, read_profile
from osteo_kg.case.files import packing, unpacked_name
from osteo_kg.case.folders import check_none
from osteo_kg.errors import OsteoError, UnreadableCaseError
from osteo_kg.knowledge import Knowledge
from osteo_kg.knowledge_base import KnowledgeBase

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
    "flag": "bold red",
    "note": "dim",
    "contraindication": "bold red",
    "warnings": "yellow",
    "heading": "bold",
}


def tell_readings(knowledge: Knowledge, guidelines: Iterable[str], language: Language = "en") -> None:
    """Say on standard error which readings were switched, beside what cannot say it itself."""
    for guideline in guidelines if knowledge.readings else ():
        for each in said_of_knowledge(knowledge, guideline):
            complain(each.get(language))


def write(
    answers: Iterable[Assessment | ValidationReport],
    format_name: str,
    language: Language,
    several: bool,
    full: bool = False,
    guidelines: Mapping[str, BilingualText] | None = None,
) -> None:
    """Write answers in `text`, `json` or `jsonl`.

    Args:
        answers: the answers, or the reports of cases that are refused.
        format_name: the format.
        language: the language of the sentences.
        several: whether there may be several answers, which are an array in JSON.
        full: whether text tells everything.
        guidelines: what each guideline is called, by IRI, where text is to say which one answers.
    """
    if format_name == "jsonl":
        for answer in answers:
            click.echo(json.dumps(answer.to_json(language), ensure_ascii=False))
    elif format_name == "json":
        documents = [answer.to_json(language) for answer in answers]
        if documents:
            click.echo(json.dumps(documents if several else documents[0], ensure_ascii=False, indent=2))
    else:
        console = Console(highlight=False, soft_wrap=True, emoji=False, markup=False)
        for number, answer in enumerate(answers):
            if number:
                console.print()
            if guidelines and isinstance(answer, Assessment):
                console.print(guidelines[answer.guideline].get(language), style=_COLOURS["heading"])
            for line in _lines(answer, language, full):
                console.print(str(line), style=_COLOURS.get(line.role))


def _lines(answer: Assessment | ValidationReport, language: Language, full: bool) -> Iterable[Line]:
    if isinstance(answer, ValidationReport):
        return report_lines(answer, language)
    return full_lines(answer, language) if full else short_lines(short_answer(answer, language))


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
        shown = finding.value_shown(language)
        found = f" ({shown})" if shown is not None else ""
        complain(f"{place(finding)}{found}: {finding.message.get(language)} {finding.advice.get(language)}")


def complain(sentence: str) -> None:
    """Say one sentence on standard error."""
    click.echo(f"osteo-kg: {sentence}", err=True)


# What the commands read: the cases of files, or of standard input.


def read_cases(
    knowledge_base: KnowledgeBase,
    files: Iterable[str],
    *,
    input_format: str | None = None,
    ignore_columns: tuple[str, ...] = (),
    profile: Path | None = None,
    assume_postmenopausal_from: int | None = None,
    on: datetime.date | None = None,
) -> tuple[list[Case], int]:
    """Read every file that can be read; say of the others what is wrong, and count them.

    A folder is FHIR, and one source: a bulk export, whose resources are read together, or Bundles.
    """
    cases: list[Case] = []
    unread = 0
    read_by = None if profile is None else read_profile(profile, knowledge_base.knowledge.terms)
    for file in files:
        try:
            path, assumed = Path(file), assume_postmenopausal_from
            if path.is_dir():
                terms = knowledge_base.knowledge.terms
                cases += read_folder(path, terms=terms, assume_postmenopausal_from=assumed, on=on, tell=complain)
                continue
            read = knowledge_base.read(
                content(file),
                input_format,
                name=_name(file),
                ignore_columns=ignore_columns,
                profile=read_by,
                assume_postmenopausal_from=assumed,
                on=on,
                tell=complain,
            )
            if file != "-" and any(case.flat for case in read):
                ignored = (*ignore_columns, *(read_by.ignore if read_by else ()))
                check_none(Path(os.path.abspath(file)), ignored)
            cases += read
        except OSError as error:
            unread += 1
            complain(f"{file} cannot be opened: {error.strerror or error}. Check its name and its rights.")
        except OsteoError as error:
            unread += 1
            complain(str(error))
    return cases, unread


def content(file: str) -> bytes:
    """Give what a file holds, compressed or not."""
    data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    way = packing(data)
    try:
        return data if way is None else gzip.decompress(data) if way == "gz" else _from_zstd(data)
    except (EOFError, OSError, ValueError, zlib.error) as error:
        raise UnreadableCaseError(f"{_name(file)} cannot be unpacked: {error}.", advice="Check the file.") from error


def _from_zstd(data: bytes) -> bytes:
    from osteo_kg.case.record_columns import from_zstd  # who reads nothing so compressed does not wait for pyarrow

    return from_zstd(data)


def _name(file: str) -> str:
    return unpacked_name(Path(file).name).encode("utf-8", "replace").decode("utf-8")
