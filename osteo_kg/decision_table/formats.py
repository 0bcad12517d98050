"""The decision table written out: as text for a terminal, as CSV, as an HTML page, as triples."""

from __future__ import annotations

import io
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from osteo_kg import package_data
from osteo_kg.bilingual import BilingualText, Language
from osteo_kg.decision_table.table import csv_lines, every_answer, header, lines
from osteo_kg.rdf import SITUATION
from osteo_kg.reasoning import Engine

_WIDE = 240  # characters of a printed table where there is no terminal to ask
_NOTE = BilingualText(
    "Not reviewed by a clinician; not a medical device. A fact that is not known leaves every row possible that it "
    "could lead to.",
    "Non validée par un clinicien ; pas un dispositif médical. Toute information manquante laisse ouvertes les "
    "lignes auxquelles elle pourrait conduire.",
)


def as_text(engine: Engine, language: Language, width: int | None = None) -> str:
    """Draw the minimised table for a terminal of so many characters, or a wide page."""
    table = Table(show_lines=True, caption=_NOTE.get(language))
    rows = [header(engine, language), *lines(engine, language)]
    for cells in zip(*rows, strict=True):
        longest = max((len(word) for cell in cells for word in cell.split()), default=0)
        table.add_column(cells[0], overflow="fold", min_width=None if width else longest)
    for line in rows[1:]:
        table.add_row(*line)
    console = Console(width=width or _WIDE, file=io.StringIO(), color_system=None)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def as_csv(engine: Engine, language: Language) -> str:
    """Write the minimised table as CSV."""
    return "".join(csv_lines([header(engine, language), *lines(engine, language)]))


def as_html(engine: Engine, language: Language) -> str:
    """Write the minimised table as a page to print and sign."""
    return package_data.template("decision_table.html").render(
        language=language,
        title=engine.guideline.label.get(language),
        header=header(engine, language),
        lines=lines(engine, language),
        note=_NOTE.get(language),
    )


def every_header(engine: Engine) -> list[str]:
    """Name the columns of the whole table: keys, not labels, since it is for machines."""
    facts = [engine.knowledge.terms.record_keys[each.fact] for each in engine.space.dimensions]
    options = [option.key.replace("-", "_") for option in engine.guideline.options]
    return ["situation", *facts, "disposition", "strength", "possible", *options, "missing"]


def every_line(engine: Engine) -> Iterator[list[str]]:
    """Write every situation as one line of keys."""
    for key, answer in every_answer(engine):
        statuses = [option.status for option in answer.options] or [""] * len(engine.guideline.options)
        missing = " ".join(engine.knowledge.terms.record_keys[fact] for fact, _ in answer.missing)
        iri = f"{SITUATION}{engine.guideline.id}/{engine.space.text(key)}"
        yield [
            iri,
            *key,
            answer.disposition,
            answer.strength or "",
            " ".join(answer.possible),
            *statuses,
            missing,
        ]
