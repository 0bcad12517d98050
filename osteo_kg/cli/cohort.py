"""The commands about cohorts: `cohort` and `explain` (docs/reference/contracts.md, section 5)."""

from __future__ import annotations

import contextlib
import datetime
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml
from rich.console import Console
from rich.progress import Progress, ProgressColumn, Task
from rich.text import Text as RichText

from osteo_kg.bilingual import BilingualText, Language, shown_count
from osteo_kg.case import KEYS, OF_A_KEY, nearest
from osteo_kg.cli import options
from osteo_kg.cli.terminal import complain, complain_of, write
from osteo_kg.errors import UsageError
from osteo_kg.knowledge import OTHER
from osteo_kg.knowledge_base import KnowledgeBase

if TYPE_CHECKING:
    from osteo_kg.cohort.results.metadata import ResultMetadata

_FILE = click.Path(dir_okay=False, path_type=Path)
_SHOWN = 12  # digits of a digest
_REFUSED = BilingualText(
    "{count} were refused. All reports: --rejected FILE.",
    "{count} ont été refusés. Tous les rapports : --rejected FILE.",
)
_FORMATS = ("parquet", "csv", "xlsx", "jsonl", "json", "ntriples", "nquads", "fhir")


@click.command()
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--output", type=_FILE, required=True, metavar="FILE", help="File of decisions: .parquet .csv .jsonl .nt .nq."
)
@options.on
@options.assume_complete
@click.option("--rejected", type=_FILE, metavar="FILE", help="File of the reports of those refused (.jsonl).")
@click.option(
    "--explanations", type=_FILE, metavar="FILE", help="File of every situation met, explained once (.jsonl)."
)
@click.option("--report", type=_FILE, metavar="FILE", help="File of the summary as a page (.html).")
@click.option(
    "--map",
    "mappings",
    multiple=True,
    metavar="KEY=COLUMN|FILE",
    help="Name of a key in the input; or a YAML file of them.",
)
@click.option("--input-format", type=click.Choice(_FORMATS), help="Format of the input.")
@options.profile
@options.ignore_columns
@options.assume_postmenopausal
@click.option("--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", help="What runs the plan.")
@click.option(
    "--spark-master", default="local[*]", show_default=True, metavar="URL", help="Master of the Spark session."
)
@options.knowledge
@options.readings
@options.guideline
@options.language
@click.option(
    "--small-cells",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    metavar="N",
    help="In --report, suppress counts from 1 to N - 1, and what they could be calculated from; 0 suppresses none.",
)
@click.option(
    "--format", "format_name", type=click.Choice(["text", "json"]), default="text", help="Format of the summary."
)
def cohort(
    inputs: tuple[str, ...],
    output: Path,
    on: datetime.date | None,
    mappings: tuple[str, ...],
    ignore_columns: tuple[str, ...],
    folders: tuple[Path, ...],
    readings: dict[str, str],
    format_name: str,
    **asked: Any,
) -> None:
    """Decide every patient of INPUT... (files, folders, globs; - is standard input, with --input-format).

    They may be .parquet .csv .xlsx .jsonl .json .nt .nq, or FHIR as .ndjson or .json; text may be .gz or .zst.
    A summary is printed. Nothing stands under the name of an output before everything is written.
    """
    from osteo_kg.cohort import assess_cohort  # the other commands do not wait for DuckDB and Ibis

    with _progress() as progress:
        summary = assess_cohort(
            inputs,
            output,
            on=on,
            renamed=_renamed(mappings),
            ignore=ignore_columns,
            knowledge_base=KnowledgeBase.load(folders, readings=readings, tell=complain),
            progress=progress,
            **asked,
        ).summary
    for remark in (*summary.remarks, *filter(None, (each.sentence(asked["language"]) for each in summary.columns))):
        complain(remark)
    click.echo(json.dumps(summary.to_json(), indent=2) if format_name == "json" else "\n".join(summary.lines()))
    if summary.rejected and not asked["rejected"]:
        for report in summary.shown:
            complain_of(report, asked["language"])
        refused = {"count": shown_count(summary.rejected)}
        complain(_REFUSED.filled(refused).get(asked["language"]))
        raise click.exceptions.Exit(options.INPUT_AT_FAULT)


@click.command()
@click.argument("result", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="RESULT")
@click.option("--patient", required=True, metavar="ID", help="The patient, as the input names her.")
@click.option(
    "--explanations",
    type=click.Path(exists=True, path_type=Path),
    metavar="FILE",
    help="What the run wrote; for --format json.",
)
@click.option("--format", "format_name", type=click.Choice(["text", "json"]), default="text", help="Format.")
@options.on
@options.language
@options.full
@options.knowledge
@options.readings
def explain(
    result: Path,
    patient: str,
    explanations: Path | None,
    format_name: str,
    on: datetime.date | None,
    language: Language,
    full: bool,
    folders: tuple[Path, ...],
    readings: dict[str, str],
) -> None:
    """Explain the decision of one patient in RESULT, a file that `cohort` wrote.

    RESULT says itself on which day, with which knowledge and with which readings it was decided; --on and --reading are
    for one that does not.
    """
    from osteo_kg.cohort.results import explanations as written
    from osteo_kg.cohort.results.metadata import metadata_of

    decision = written.decision_of(result, patient)
    stated = metadata_of(result)
    taken = readings or dict.fromkeys(stated.readings if stated else (), OTHER)
    loaded = KnowledgeBase.load(folders, readings=taken, tell=complain)
    knowledge_base = loaded.of_guideline(written.guideline_of(decision))
    day = stated.assessed_on if stated else on or datetime.date.today()
    for remark in _compared(result, stated, on, knowledge_base.knowledge.digest):
        complain(remark)
    assessment = written.explained(knowledge_base, decision, day)
    if format_name == "text":
        write([assessment], "text", language, several=False, full=full)
        return
    found = (
        written.explanation_in(explanations, decision["situation"]) if explanations else assessment.to_json(language)
    )
    click.echo(json.dumps({"decision": decision, "explanation": found}, ensure_ascii=False, indent=2))


def _compared(result: Path, stated: ResultMetadata | None, on: datetime.date | None, knowledge: str) -> Iterator[str]:
    """Say where what a result says of itself is not what it is explained with."""
    if stated is None:
        if on is None:
            yield f"{result.name} does not say on which day it was decided; it is explained for today. Give --on."
        return
    if on is not None and on != stated.assessed_on:
        yield f"{result.name} was decided on {stated.assessed_on}, and is explained for that day, not for {on}."
    if stated.knowledge != knowledge:
        yield (
            f"{result.name} was decided with knowledge {stated.knowledge[:_SHOWN]} by osteo-kg {stated.software}, and "
            f"is explained with {knowledge[:_SHOWN]}, which may say otherwise. Install that version, or decide anew."
        )


def _renamed(mappings: tuple[str, ...]) -> Mapping[str, str]:
    """Give the key of each column that has another name, by the name of the column."""
    found: dict[str, str] = {}
    for mapping in mappings:
        key, is_pair, column = mapping.partition("=")
        pairs = {key: column} if is_pair else _mapping_file(Path(mapping))
        for known, name in pairs.items():
            if known not in KEYS:
                raise UsageError(f"There is no key {known!r}.", advice=nearest(str(known), KEYS, shortest=OF_A_KEY).en)
            found[str(name)] = known
    return found


def _mapping_file(path: Path) -> dict[str, str]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise UsageError(
            f"{path} is not a YAML file that can be read.", advice="Write lines of KEY: COLUMN."
        ) from error
    if not isinstance(content, dict):
        raise UsageError(f"{path} holds no keys.", advice="Write lines of KEY: COLUMN.")
    return content


@contextlib.contextmanager
def _progress() -> Iterator[Callable[..., None]]:
    """Show what is done, how fast, and how long the rest takes, on a terminal."""
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), _Rate())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        tasks: dict[str, Any] = {}
        most: dict[str, int] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what)
            most[what] = max(done, most.get(what, 0))  # a step of several queries does not go back
            progress.update(tasks[what], completed=most[what], total=total or None)

        yield told


class _Rate(ProgressColumn):
    """Patients a second."""

    def render(self, task: Task) -> RichText:
        """Write the rate."""
        return RichText(f"{task.speed:,.0f} patients/s" if task.speed else "")


commands: tuple[click.Command, ...] = (cohort, explain)
