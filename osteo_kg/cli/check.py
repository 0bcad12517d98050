"""The command about modules: `check` (docs/reference/contracts.md, section 5)."""

from __future__ import annotations

import json
from pathlib import Path

import click

from osteo_kg.bilingual import Language
from osteo_kg.cli import options
from osteo_kg.errors import UsageError


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE|DIR]...", type=click.Path(path_type=Path))
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    envvar="OSTEO_KG_SOURCE",
    help="Text that a guideline was written from, to look its spans up in; repeatable.",
)
@click.option("--format", "format_name", type=click.Choice(["text", "json", "sarif"]), default="text", help="Format.")
@options.language
def check(paths: tuple[Path, ...], sources: tuple[Path, ...], format_name: str, language: Language) -> None:
    """Check modules of the ontology as they lie: syntax, terms, guidelines, style, spans, and what an edit changes.

    A file that holds an installed module stands in for it. Without FILE or DIR, the installed modules are checked.
    Exit status: 0, nothing has to be done; 1, there is an error or a warning; 2, a path cannot be read.
    """
    from osteo_kg.checking import check as check_modules  # with pySHACL, which takes its time
    from osteo_kg.checking import formats, is_clean

    try:
        findings = check_modules(paths, sources=sources)
    except OSError as error:
        reason = f"{error.filename} cannot be read: {error.strerror or error}."
        raise UsageError(reason, advice="Check its name and its rights.") from error
    if format_name == "text":
        click.echo(formats.as_text(findings, language), nl=False)
    else:
        write = formats.as_json if format_name == "json" else formats.as_sarif
        click.echo(json.dumps(write(findings, language), ensure_ascii=False, indent=2).encode())
    if not is_clean(findings):
        raise click.exceptions.Exit(options.KNOWLEDGE_AT_FAULT)


commands: tuple[click.Command, ...] = (check,)
