"""The `query` command: SPARQL over the knowledge, the decision table and cases with their answers."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import click

from osteo_kg.cli import options
from osteo_kg.cli.terminal import complain, read_cases, tell_readings
from osteo_kg.dataset import build_dataset, told_unknown, unknown_terms
from osteo_kg.errors import UsageError
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import GRAPH_FORMATS, SOLUTION_FORMATS


@click.command()
@click.argument("query", metavar="QUERY|FILE.rq")
@click.argument("files", nargs=-1, metavar="[FILE...]")
@click.option(
    "--format",
    "format_name",
    type=click.Choice([*SOLUTION_FORMATS, *GRAPH_FORMATS]),
    help="Format of the result (csv, or turtle for a graph).",
)
@options.on
@options.reading
@options.knowledge
@options.readings
@options.guideline
def query(
    query: str,
    files: tuple[str, ...],
    format_name: str | None,
    on: datetime.date | None,
    folders: tuple[Path, ...],
    readings: dict[str, str],
    guideline: str,
    **reading: Any,
) -> None:
    """Answer a SPARQL query over the knowledge, the decision table, and the patients of FILE... with their answers."""
    knowledge_base = KnowledgeBase.load(folders, readings=readings, tell=complain)
    tell_readings(knowledge_base.knowledge, [guideline])
    cases, unread = read_cases(knowledge_base, files, on=on, **reading)
    dataset = build_dataset(knowledge_base, cases, on=on, guideline=guideline)
    text = _text(query)
    result = dataset.query(text)
    for warning in told_unknown(unknown_terms(text, dataset.terms), dataset.terms):
        click.echo(f"Warning: {warning}", err=True)
    usual = {"graph": "turtle", "boolean": "json", "solutions": "csv"}[result.kind]
    click.echo(result.written(format_name or usual).decode("utf-8"), nl=False)
    if unread:
        raise click.exceptions.Exit(options.INPUT_AT_FAULT)


def _text(query: str) -> str:
    """Give the query itself, or the text of the file that is named."""
    if not query.endswith(".rq"):
        return query
    try:
        return Path(query).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"The query file {query} cannot be read: {error}.", advice="Check its name.") from error


commands: tuple[click.Command, ...] = (query,)
