"""The options that commands share (docs/reference/contracts.md, section 5)."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from osteo_kg.bilingual import LANGUAGES
from osteo_kg.case import INPUT_FORMATS, day_of_assessment
from osteo_kg.errors import UsageError
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE

Command = TypeVar("Command", bound=Callable[..., Any])
KNOWLEDGE_AT_FAULT, INPUT_AT_FAULT = 1, 2
EXIT_STATUSES = f"""Exit status: 0, every patient was answered; {KNOWLEDGE_AT_FAULT}, the knowledge is at fault: a
module cannot be read, or its rules leave a gap or overlap; {INPUT_AT_FAULT}, a file could not be read, a case was
refused, or the command was called wrongly. Where one file or case is at fault, the others are answered all the same."""


class Day(click.ParamType[datetime.date]):
    """A day written YYYY-MM-DD."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime.date:
        """Read a day; the short form without hyphens is no day here."""
        try:
            return day_of_assessment(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


class Words(click.ParamType[tuple[str, ...]]):
    """Words separated by commas."""

    name = "words"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Split at commas; what is split already stays."""
        if isinstance(value, tuple):
            return value
        return tuple(word.strip() for word in str(value).split(",") if word.strip())


on = click.option("--on", type=Day(), metavar="DATE", help="Day of assessment, such as 2026-11-22 (today).")
language = click.option("--language", type=click.Choice(LANGUAGES), default="en", help="Language of the sentences.")
input_format = click.option(
    "--input-format",
    metavar="FORMAT",
    type=click.Choice(list(INPUT_FORMATS)),
    help="Format of the input, where the file name does not tell it.",
)
ignore_columns = click.option(
    "--ignore-columns",
    type=Words(),
    default=(),
    metavar="NAMES",
    help="Columns to pass over, separated by commas; all for every unknown one that is not nearly a key.",
)
profile = click.option(
    "--profile",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Import profile (YAML): what a table calls our columns and values; `template profile` proposes one.",
)
assume_postmenopausal, assume_postmenopausal_in_hooks = (
    click.option(
        "--assume-postmenopausal-from",
        type=click.IntRange(min=0),
        metavar="AGE",
        help=f"In {where}, take a woman of this age or more for post-menopausal where her status is not recorded.",
    )
    for where in ("FHIR", "CDS Hooks")
)


def reading(command: Command) -> Command:
    """Add the options of how patients are read; `read_cases` takes them by the same names."""
    for option in (assume_postmenopausal, profile, ignore_columns, input_format):
        command = option(command)
    return command


knowledge, knowledge_of_the_environment = (
    click.option(
        "--knowledge",
        "folders",
        multiple=True,
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        envvar=variable,
        help="Add modules of a folder; repeatable.",
    )
    for variable in (None, "OSTEO_KG_KNOWLEDGE")
)


class Readings(click.ParamType[dict[str, str]]):
    """One reading written as I15=other."""

    name = "reading"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        """Split the name of the interpretation from the choice."""
        if isinstance(value, dict):
            return value
        key, is_pair, choice = str(value).partition("=")
        if not is_pair:
            self.fail(f"{value!r} is not a reading. Write it as I15=other.", param, ctx)
        return {key.strip(): choice.strip()}


def _together(context: click.Context, parameter: click.Parameter, value: Sequence[dict[str, str]]) -> dict[str, str]:
    """Put the readings that were given into one."""
    return {key: choice for each in value for key, choice in each.items()}


readings = click.option(
    "--reading",
    "readings",
    type=Readings(),
    multiple=True,
    callback=_together,
    metavar="NAME=other",
    help="Take the other reading of an interpretation, such as I15=other; repeatable. Every answer says so.",
)
guideline = click.option(
    "--guideline", default=DEFAULT_GUIDELINE, metavar="ID", show_default=True, help="Guideline to apply."
)
guidelines = click.option(
    "--guideline",
    "guidelines",
    multiple=True,
    default=(DEFAULT_GUIDELINE,),
    metavar="ID",
    help="Guideline to apply; repeatable.",
)
no_safety = click.option(
    "--no-safety",
    is_flag=True,
    help="Leave out what product information says of the drugs, beside the guideline.",
)
full = click.option(
    "--full", is_flag=True, help="In text, tell every rule, criterion, fact and citation, and all that safety says."
)
assume_complete = click.option(
    "--assume-complete",
    type=Words(),
    default=(),
    metavar="SECTIONS",
    help="Sections whose emptiness means none: any of fractures,treatments,conditions.",
)
