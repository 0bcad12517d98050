"""The decision table written out: as text for a terminal, as CSV, as an HTML page, as triples."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.table import Table

from osteo_kg import package_data
from osteo_kg.bilingual import BilingualText, Language
from osteo_kg.decision_table.table import Cell, Row, every_answer, minimised, shown_values
from osteo_kg.knowledge import Guideline
from osteo_kg.rdf import OSTEO, SITUATION
from osteo_kg.reasoning import Engine

_WIDE = 240  # characters of a printed table where there is no terminal to ask
_WORDS = {
    "disposition": BilingualText("course of action", "conduite à tenir"),
    "strength": BilingualText("strength", "degré de la recommandation"),
    "possible": BilingualText("possible", "possible"),
    "missing": BilingualText("missing", "information manquante"),
    "open": BilingualText("an option", "possible"),
    "closed": BilingualText("–", "–"),
    "if": BilingualText("if", "si"),
    "and": BilingualText("and", "et"),
    "second": BilingualText("second line", "deuxième intention"),
    "note": BilingualText(
        "Not reviewed by a clinician; not a medical device. A fact that is not known leaves every row possible that it "
        "could lead to.",
        "Non validée par un clinicien ; pas un dispositif médical. Toute information manquante laisse ouvertes les "
        "lignes auxquelles elle pourrait conduire.",
    ),
}


def header(engine: Engine, language: Language) -> list[str]:
    """Name the columns of the minimised table."""
    terms = engine.knowledge.terms
    facts = [terms.label(each.fact).get(language) for each in engine.space.dimensions]
    kept = [fact for fact, shown in zip(facts, _telling(engine), strict=True) if shown]
    words = [_WORDS[name].get(language) for name in ("disposition", "strength")]
    return [*kept, *words, *(option.label.get(language) for option in engine.guideline.options)]


def lines(engine: Engine, language: Language) -> Iterator[list[str]]:
    """Write the rows of the minimised table, without the facts that stand in the cells as conditions only."""
    telling = _telling(engine)
    for row in minimised(engine):
        values = [value for value, shown in zip(shown_values(engine, row, language), telling, strict=True) if shown]
        yield [*values, *_verdict(engine, row, language)]


def _telling(engine: Engine) -> list[bool]:
    """Say of each fact whether some rule, and not only a condition on an option, rests on it."""
    guideline = engine.guideline
    used = {fact for rule in guideline.rules for each in rule.criteria for fact in guideline.criteria[each].facts}
    return [dimension.fact in used for dimension in engine.space.dimensions]


def _verdict(engine: Engine, row: Row, language: Language) -> list[str]:
    kinds = engine.knowledge.terms.kinds
    label = engine.knowledge.terms.label
    disposition = label(kinds[OSTEO.Disposition][row.verdict.disposition]).get(language)
    strength = row.verdict.strength
    named = label(kinds[OSTEO.Strength][strength]).get(language) if strength else ""
    cells = row.verdict.cells or (None,) * len(engine.guideline.options)
    shown = [_cell(engine.guideline, cell, language) if row.verdict.cells else "" for cell in cells]
    return [disposition, named, *shown]


def _cell(guideline: Guideline, cell: Cell, language: Language) -> str:
    def word(name: str) -> str:
        return _WORDS[name].get(language)

    if cell is None:
        return word("closed")
    line, reserved_by = cell
    said = word(line) if line else word("open")
    if not reserved_by:
        return said
    conditions = f" {word('and')} ".join(guideline.criteria[each].label.get(language) for each in reserved_by)
    return f"{said}, {word('if')} {conditions}"


def as_text(engine: Engine, language: Language, width: int | None = None) -> str:
    """Draw the minimised table for a terminal of so many characters, or a wide page."""
    table = Table(show_lines=True, caption=_WORDS["note"].get(language))
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
    return _csv([header(engine, language), *lines(engine, language)])


def as_html(engine: Engine, language: Language) -> str:
    """Write the minimised table as a page to print and sign."""
    return package_data.template("decision_table.html").render(
        language=language,
        title=engine.guideline.label.get(language),
        header=header(engine, language),
        lines=lines(engine, language),
        note=_WORDS["note"].get(language),
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


def csv_lines(rows: Iterable[list[str]]) -> Iterator[str]:
    """Write rows as lines of CSV, one at a time."""
    for row in rows:
        yield _csv([row])


def _csv(rows: Iterable[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
