"""The command line (docs/reference/contracts.md, section 5).

It reads, asks the knowledge base, and writes; it decides nothing.
"""

from __future__ import annotations

import datetime
import io
import itertools
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from typing import Any, cast

import click
from rich.console import Console

from osteo_kg import package_data
from osteo_kg.assessment.fhir import guidance_bundle
from osteo_kg.assessment.model import Assessment
from osteo_kg.bilingual import Language
from osteo_kg.case import ValidationReport
from osteo_kg.cli import check, cohort, convert, diff, options, query
from osteo_kg.cli.terminal import Refusals, complain, complain_of, progress, read_cases, tell_readings, write
from osteo_kg.decision_table import csv_lines, formats
from osteo_kg.decision_table.fhir import plan_definition
from osteo_kg.decision_table.rdf import write_turtle
from osteo_kg.errors import KnowledgeError, OsteoError
from osteo_kg.knowledge import ONTOLOGY_FORMATS, written_ontology
from osteo_kg.knowledge_base import KnowledgeBase, Method
from osteo_kg.rdf import ANSWER_FORMATS, written_graph
from osteo_kg.stopping import Stopped, stoppable, was_stopped


class _Main(click.Group):
    """The group of commands. Every error of the library becomes a sentence and an exit status here, and only here."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_further_commands().names})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in _further_commands().names:
            return own
        try:
            return cast(click.Command, _further_commands()[cmd_name].load())
        except ImportError as error:
            complain(f"The command {cmd_name} cannot be loaded: {error}. Install osteo-kg again, with all it needs.")
            raise click.exceptions.Exit(options.INPUT_AT_FAULT) from error

    def main(self, *args: Any, **options: Any) -> Any:
        with stoppable():
            return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")  # a terminal without accents is no reason to stop
        try:
            return super().invoke(ctx)
        except (Stopped, KeyboardInterrupt) as error:
            raise _stopped(error if isinstance(error, Stopped) else Stopped(signal.SIGINT)) from error
        except OsteoError as error:
            complain(str(error))
            raise click.exceptions.Exit(
                options.KNOWLEDGE_AT_FAULT if isinstance(error, KnowledgeError) else options.INPUT_AT_FAULT
            ) from error
        except Exception as error:
            if isinstance(error, click.exceptions.Exit) or (stopped := was_stopped()) is None:
                raise
            raise _stopped(stopped) from error  # whatever was interrupted may say so in its own way


def _stopped(stopped: Stopped) -> click.exceptions.Exit:
    complain(str(stopped))
    return click.exceptions.Exit(128 + stopped.number)


def _further_commands() -> EntryPoints:
    """Find the commands of other packages, such as `serve`; each is loaded when it is asked for."""
    return entry_points(group="osteo_kg.commands")


def _inputs(command: options.Command) -> options.Command:
    """Add what every command that reads patients takes."""
    files = click.argument("files", nargs=-1, required=True, metavar="FILE...")
    for option in (options.knowledge, options.reading, options.on, files):
        command = option(command)
    return command


@click.group(cls=_Main, epilog=options.EXIT_STATUSES)
@click.version_option(package_data.software_version(), prog_name="osteo-kg")
def main() -> None:
    """Ask a treatment guideline for post-menopausal osteoporosis what it says of a patient, and why.

    Not a medical device; no clinician has reviewed this reading of the guideline.
    """


@main.command()
@_inputs
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json", "jsonl", *ANSWER_FORMATS, "fhir"]),
    default="text",
    help="Format of the answers.",
)
@options.language
@options.full
@options.assume_complete
@options.no_safety
@options.readings
@click.option(
    "--by",
    type=click.Choice(["situation", "reasoning"]),
    default="situation",
    help="By the table of situations, or by reasoning on the case itself; both answer the same.",
)
@options.guidelines
def assess(
    files: tuple[str, ...],
    on: datetime.date | None,
    folders: tuple[Path, ...],
    format_name: str,
    language: Language,
    full: bool,
    assume_complete: tuple[str, ...],
    no_safety: bool,
    by: Method,
    guidelines: tuple[str, ...],
    readings: dict[str, str],
    **reading: Any,
) -> None:
    """Assess the patients of FILE... (RDF, flat records or FHIR; - is standard input)."""
    knowledge_base = KnowledgeBase.load(folders, readings=readings, safety=not no_safety, tell=complain)
    cases, unread = read_cases(knowledge_base, files, on=on, **reading)
    prepared = itertools.tee((knowledge_base.prepare(case, on=on) for case in cases), len(guidelines))
    for_each = [
        knowledge_base.assess_all(each, on=on, assume_complete=assume_complete, by=by, guideline=guideline)
        for each, guideline in zip(prepared, guidelines, strict=True)
    ]
    total = len(cases) * len(guidelines)
    answers = Refusals(progress(_one_by_one(for_each), "Assessing", total))
    if format_name in ANSWER_FORMATS:
        made = datetime.datetime.now(datetime.UTC)
        triples = (t for a in answers if isinstance(a, Assessment) for t in knowledge_base.triples(a, ended=made))
        click.echo(written_graph(triples, format_name), nl=False)
    elif format_name == "fhir":
        given = (each for each in answers if isinstance(each, Assessment))
        _print_json(guidance_bundle(given, knowledge_base.knowledge.terms, language))
    else:
        asked = [knowledge_base.engine(each).guideline for each in guidelines]
        named = {each.iri: each.label for each in asked} if len(asked) > 1 else None
        write(answers, format_name, language, several=total > 1, full=full, guidelines=named)
    _end(unread, answers.reports, language)


@main.command()
@_inputs
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json", "jsonl"]),
    default="text",
    help="Format of the reports.",
)
@options.language
def validate(
    files: tuple[str, ...],
    on: datetime.date | None,
    folders: tuple[Path, ...],
    format_name: str,
    language: Language,
    **reading: Any,
) -> None:
    """Say of the patients of FILE... whether they can be assessed, and what to correct."""
    knowledge_base = KnowledgeBase.load(folders, tell=complain)
    cases, unread = read_cases(knowledge_base, files, on=on, **reading)
    reports = [knowledge_base.validate(case, on=on) for case in progress(cases, "Validating", len(cases))]
    write(reports, format_name, language, several=len(reports) > 1)
    _end(unread, [report for report in reports if not report.conforms], language)


@main.command()
@click.option("--all", "everything", is_flag=True, help="Every situation, those with unknown facts too.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "csv", "html", "turtle", "fhir"]),
    default="text",
    help="Format.",
)
@options.knowledge
@options.readings
@options.guideline
@options.language
def table(
    everything: bool,
    format_name: str,
    folders: tuple[Path, ...],
    readings: dict[str, str],
    guideline: str,
    language: Language,
) -> None:
    """Print the decision table: one page that a clinician can sign, or every situation.

    As Turtle, it is every situation; as FHIR, a PlanDefinition of the rules that the table follows from.
    """
    engine = KnowledgeBase.load(folders, readings=readings, tell=complain).engine(guideline)
    tell_readings(engine.knowledge, [guideline], language)
    if format_name == "turtle":
        write_turtle(engine, sys.stdout.buffer)
    elif format_name == "fhir":
        _print_json(plan_definition(engine.guideline, engine.knowledge, language))
    elif everything:
        rows = formats.every_line(engine)
        if format_name == "csv":
            for line in csv_lines([formats.every_header(engine)]):
                click.echo(line, nl=False)
            for line in csv_lines(rows):
                click.echo(line, nl=False)
        elif format_name == "text":
            for row in rows:
                click.echo("  ".join(cell or "-" for cell in row[1:]))
        else:
            raise click.UsageError("The whole table is too long for a page. Ask for --format csv, text or turtle.")
    elif format_name == "csv":
        click.echo(formats.as_csv(engine, language), nl=False)
    elif format_name == "html":
        click.echo(formats.as_html(engine, language), nl=False)
    else:
        width = Console().width if sys.stdout.isatty() else None
        click.echo(formats.as_text(engine, language, width), nl=False)


@main.command()
@click.option("--format", "format_name", type=click.Choice(list(ONTOLOGY_FORMATS)), default="turtle", help="Format.")
@options.knowledge
def ontology(format_name: str, folders: tuple[Path, ...]) -> None:
    """Print the whole ontology: all modules merged under one header, without imports."""
    click.echo(written_ontology(KnowledgeBase.load(folders, tell=complain).knowledge, format_name), nl=False)


def _print_json(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=2).encode())


def _one_by_one(
    for_each: Sequence[Iterator[Assessment | ValidationReport]],
) -> Iterator[Assessment | ValidationReport]:
    """Give for each case what every guideline answers, in turn; a refused case has one report."""
    for answers in zip(*for_each, strict=True):
        yield from answers[:1] if isinstance(answers[0], ValidationReport) else answers


def _end(unread: int, refused: list[ValidationReport], language: Language) -> None:
    """Say on standard error what was refused, and end with the status that says so."""
    for report in refused:
        complain_of(report, language)
    if unread or refused:
        raise click.exceptions.Exit(options.INPUT_AT_FAULT)


for command in (*check.commands, *cohort.commands, *convert.commands, *diff.commands, *query.commands):
    main.add_command(command)


if __name__ == "__main__":
    main()
