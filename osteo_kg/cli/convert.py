"""The commands about records: `convert`, `template`, `schema` and `shapes` (docs/reference/contracts.md, section 5)."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import click

from osteo_kg.case import (
    OUTPUT_FORMATS,
    RDF_OUTPUT_FORMATS,
    SAYING_COMPLETENESS,
    Case,
    ValidationReport,
    check_fits,
    completeness_implied,
    empty_record,
    names_shared,
    proposed,
    shared_names,
    write_cases,
)
from osteo_kg.cli import options
from osteo_kg.cli.terminal import complain, complain_of, content, read_cases
from osteo_kg.errors import UsageError
from osteo_kg.json_schema import assessment_schema, record_schema
from osteo_kg.knowledge import Terms, guideline_template, read_guideline
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.portable_shapes import portable_shapes


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--to", "format_name", type=click.Choice(OUTPUT_FORMATS), required=True, help="Format to write.")
@options.reading
@options.knowledge
def convert(
    files: tuple[str, ...],
    format_name: str,
    folders: tuple[Path, ...],
    **reading: Any,
) -> None:
    """Write the patients of FILE... in another format.

    A patient who does not fit into the format is refused, and the others are written.
    """
    knowledge_base = KnowledgeBase.load(folders, tell=complain)
    terms = knowledge_base.knowledge.terms
    cases, unread = read_cases(knowledge_base, files, **reading)
    shared = shared_names(cases) if format_name in RDF_OUTPUT_FORMATS else frozenset[str]()
    fitting = [case for case in cases if _fits(case, format_name, terms, shared)]
    if fitting:
        click.echo(write_cases(fitting, format_name, terms).encode(), nl=False)
    if unread or len(fitting) < len(cases):
        raise click.exceptions.Exit(options.INPUT_AT_FAULT)


def _fits(case: Case, format_name: str, terms: Terms, shared: frozenset[str]) -> bool:
    """Say whether a case can be written, and complain where it cannot."""
    if case.findings:
        complain_of(ValidationReport(case.patient, datetime.date.today(), case.findings), "en")
        return False
    try:
        check_fits(case, format_name, terms)
        for key in completeness_implied(case) if format_name not in SAYING_COMPLETENESS else ():
            said = f"goes without saying in {format_name}, as for any list with entries"
            complain(f"{case.patient}: that {key} is complete {said}.")
    except UsageError as error:
        complain(str(error))
        return False
    if case.remarks:
        complain(
            f"{case.patient}: elements of the source were not used; {format_name} does not name them, and assess does."
        )
    common = names_shared(case, shared)
    if common:
        complain(
            f"{case.patient}: several patients of the input are called, or speak of, {', '.join(common)}. "
            "In one graph they would run together. Convert them one file at a time."
        )
    return not common


@click.command()
@click.argument(
    "format_name", type=click.Choice(["csv", "json", "profile", "guideline"]), metavar="csv|json|profile|guideline"
)
@click.argument("file", required=False, metavar="[FILE|ID]")
@options.knowledge
def template(format_name: str, file: str | None, folders: tuple[Path, ...]) -> None:
    """Print a record to fill in, in which everything is unknown; or the import profile that FILE seems to want.

    FILE is a table, .csv or .xlsx, in any encoding and with any separator. What cannot be told from it is a comment.
    With guideline, print a small guideline in Turtle to start from, called ID.
    """
    if format_name == "guideline":
        click.echo(guideline_template(file).encode(), nl=False)
        return
    if (format_name == "profile") != (file is not None):
        raise UsageError("A profile is proposed for a file.", advice="Run osteo-kg template profile FILE.")
    if file is None:
        click.echo(empty_record(format_name).encode(), nl=False)
        return
    try:
        data = content(file)
    except OSError as error:
        raise UsageError(
            f"{file} cannot be opened: {error.strerror or error}.", advice="Check its name and its rights."
        ) from error
    terms, name = KnowledgeBase.load(folders, tell=complain).knowledge.terms, Path(file).name
    click.echo(proposed(data, name, terms).encode(), nl=False)


@click.command()
@click.argument("document", type=click.Choice(["record", "assessment"]), metavar="record|assessment")
@options.knowledge
@options.guideline
def schema(document: str, folders: tuple[Path, ...], guideline: str) -> None:
    """Print the JSON Schema of a flat record, or of an assessment."""
    knowledge = KnowledgeBase.load(folders, tell=complain).knowledge
    if document == "record":
        found = record_schema(knowledge.terms)
    else:
        found = assessment_schema(knowledge, read_guideline(knowledge, guideline))
    click.echo(json.dumps(found, ensure_ascii=False, indent=2).encode())


@click.command()
@options.on
@click.option("--sparql", is_flag=True, help="Add constraints in SPARQL, for what SHACL Core cannot say.")
@click.option(
    "--ignore-property",
    "ignored",
    multiple=True,
    metavar="IRI",
    help="Property of another vocabulary to pass over; may be repeated. With --sparql all of them are.",
)
@options.knowledge
def shapes(on: datetime.date | None, sparql: bool, ignored: tuple[str, ...], folders: tuple[Path, ...]) -> None:
    """Print the shapes by which another engine of SHACL refuses the cases that validate refuses, on one day.

    They are complete in themselves, in SHACL Core, and are made of the shapes that validate itself uses.
    """
    knowledge = KnowledgeBase.load(folders, tell=complain).knowledge
    day = on or datetime.date.today()
    click.echo(portable_shapes(knowledge, day, sparql=sparql, ignored=ignored).encode(), nl=False)


commands: tuple[click.Command, ...] = (convert, template, schema, shapes)
