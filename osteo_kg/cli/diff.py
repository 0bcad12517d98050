"""The `diff` command: what a reading, an edited module or another guideline changes."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import click

from osteo_kg.bilingual import Language
from osteo_kg.cli import options
from osteo_kg.errors import UsageError
from osteo_kg.knowledge import PACKAGED

_MOST_VARIANTS = 2


@click.command()
@click.argument("named", nargs=-1, required=True, metavar="[A] B [COHORT]")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "csv", "json", "html"]),
    default="text",
    help="A summary, every situation or patient, or the summary for machines and as a page.",
)
@click.option("--only-changed", is_flag=True, help="In CSV, leave out those whose answer is the same.")
@options.on
@options.assume_complete
@options.knowledge
@options.guideline
@options.language
def diff(
    named: tuple[str, ...],
    format_name: str,
    only_changed: bool,
    on: datetime.date | None,
    assume_complete: tuple[str, ...],
    folders: tuple[Path, ...],
    guideline: str,
    language: Language,
) -> None:
    """Say what B changes beside A: for every situation, or for every patient of COHORT.

    A and B are `packaged`, a reading such as I15=other (several with commas), a folder or file of modules, or the id of
    a guideline; without A, it is `packaged`. COHORT is a file that `cohort` reads.
    """
    from osteo_kg import comparison  # the other commands do not wait for DuckDB and Ibis

    *variants, last = named
    cohort = None if comparison.is_variant(last, folders) or (not variants and not Path(last).exists()) else last
    names = variants if cohort else [*variants, last]
    if not names or len(names) > _MOST_VARIANTS:
        raise UsageError(
            f"{len(names)} variants of the knowledge are named.",
            advice="Name two, or one that is compared with the packaged knowledge, and a cohort after them if wanted.",
        )
    before, after = (comparison.variant(each, guideline, folders) for each in [PACKAGED, *names][-_MOST_VARIANTS:])
    if cohort:
        found = comparison.compare_patients(before, after, cohort, on=on, assume_complete=assume_complete)
    else:
        found = comparison.compare_situations(before, after, every=format_name == "csv" and not only_changed)
    if format_name == "csv":
        for line in comparison.csv_of(found, only_changed):
            click.echo(line, nl=False)
    elif format_name == "json":
        click.echo(json.dumps(comparison.json_of(found, language), ensure_ascii=False, indent=2))
    elif format_name == "html":
        click.echo(comparison.html_of(found, language))
    else:
        click.echo("\n".join(comparison.text_of(found, language)))


commands: tuple[click.Command, ...] = (diff,)
