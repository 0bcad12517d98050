"""The decision table: every situation with its answer, and the same on one page that a clinician can sign.

In the minimised table a row stands for all the settled situations that it covers, and a cell says under which
condition an option is open. Unknown facts need no rows: the reading R8 says what follows from the rows of every way
they could turn out.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from osteo_kg.bilingual import BilingualText, Language
from osteo_kg.decision_table.values import ValueWords
from osteo_kg.knowledge import Guideline
from osteo_kg.rdf import OSTEO
from osteo_kg.reasoning import MET, Answer, Engine, Key, Outcome

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
}
#: What a row says of one option: its line and the criteria that reserve it; None where it is not listed.
Cell = tuple[str | None, tuple[str, ...]] | None
Box = tuple[frozenset[str], ...]
Told = TypeVar("Told", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What all situations of a row have in common."""

    disposition: str
    strength: str | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the minimised table: the values it covers in each dimension, and the verdict."""

    values: Box
    verdict: Verdict

    def covers(self, key: Key) -> bool:
        """Whether a settled situation belongs to this row."""
        return all(value in allowed for value, allowed in zip(key, self.values, strict=True))


def settled_keys(engine: Engine) -> list[Key]:
    """Give every situation in which nothing is unknown."""
    return engine.space.settled_keys()


def minimised(engine: Engine) -> list[Row]:
    """Merge the settled situations into as few rows as box by box merging gives; the rows do not overlap."""
    outcomes = engine.settled(settled_keys(engine))
    found = [Row(*each) for each in merged({key: _verdict(engine, each) for key, each in outcomes.items()})]
    return sorted(found, key=lambda row: min(_rank(each) for key, each in outcomes.items() if row.covers(key)))


def _rank(outcome: Outcome) -> tuple[int, ...]:
    """Order rows as the rules of the guideline stand, and within a rule by the options listed."""
    return outcome.rules.index(MET), *(listing is not None for _, listing in outcome.options)


def merged(verdicts: Mapping[Key, Told]) -> list[tuple[Box, Told]]:
    """Merge situations of which the same is told into boxes that do not overlap, as few as this way gives."""
    rows = [(tuple(frozenset({value}) for value in key), verdict) for key, verdict in verdicts.items()]
    while True:
        before = len(rows)
        for place in range(len(rows[0][0]) if rows else 0):
            rows = _merged(rows, place)
        if len(rows) == before:
            return rows


def _merged(rows: Iterable[tuple[Box, Told]], place: int) -> list[tuple[Box, Told]]:
    groups: dict[tuple[Box, Told], frozenset[str]] = defaultdict(frozenset)
    for box, verdict in rows:
        groups[(*box[:place], *box[place + 1 :]), verdict] |= box[place]
    return [((*rest[:place], values, *rest[place:]), verdict) for (rest, verdict), values in groups.items()]


def _verdict(engine: Engine, outcome: Outcome) -> Verdict:
    def cell(listing: str | None) -> Cell:
        if listing is None:
            return None
        found = engine.guideline.listings[listing]
        return found.line, found.reserved_by

    return Verdict(outcome.disposition, outcome.strength, tuple(cell(listing) for _, listing in outcome.options))


def shown_values(engine: Engine, row: Row, language: Language) -> list[str]:
    """Write the values of a row: bands as intervals, entries by what must and what must not be there."""
    every = [frozenset(values) for values in zip(*settled_keys(engine), strict=True)]
    shown = ValueWords(engine, language)
    return [
        shown.values(dimension, values, full)
        for dimension, values, full in zip(engine.space.dimensions, row.values, every, strict=True)
    ]


def expanded(engine: Engine, rows: Iterable[Row], key: Key) -> dict[Key, Verdict]:
    """Give the verdicts that the minimised table holds for every way of one situation."""
    space = engine.space
    completions = dict.fromkeys(space.canonical(way) for way in space.completions(key))
    return {way: next(row.verdict for row in rows if row.covers(way)) for way in completions}


def every_answer(engine: Engine) -> Iterator[tuple[Key, Answer]]:
    """Give every situation with its answer, in a fixed order."""
    keys = list(engine.space.all_keys())
    engine.prepare(keys)
    for key in keys:
        yield key, engine.answer(key)


# The minimised table as rows of words.


def header(engine: Engine, language: Language) -> list[str]:
    """Name the columns of the minimised table."""
    terms = engine.knowledge.terms
    facts = [terms.label(each.fact).get(language) for each in engine.space.dimensions]
    kept = [fact for fact, shown in zip(facts, _telling(engine), strict=True) if shown]
    words = [_WORDS[name].get(language) for name in ("disposition", "strength")]
    return [*kept, *words, *(option.label.get(language) for option in engine.guideline.options)]


def lines(engine: Engine, language: Language, rows: Iterable[Row] | None = None) -> Iterator[list[str]]:
    """Write the rows of the minimised table, without the facts that stand in the cells as conditions only.

    Args:
        engine: the guideline at work.
        language: that of the words.
        rows: the rows, where they are made already.
    """
    telling = _telling(engine)
    for row in minimised(engine) if rows is None else rows:
        values = [value for value, shown in zip(shown_values(engine, row, language), telling, strict=True) if shown]
        yield [*values, *_said(engine, row, language)]


def _telling(engine: Engine) -> list[bool]:
    """Say of each fact whether some rule, and not only a condition on an option, rests on it."""
    guideline = engine.guideline
    used = {fact for rule in guideline.rules for each in rule.criteria for fact in guideline.criteria[each].facts}
    return [dimension.fact in used for dimension in engine.space.dimensions]


def _said(engine: Engine, row: Row, language: Language) -> list[str]:
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


def csv_lines(rows: Iterable[list[str]]) -> Iterator[str]:
    """Write rows as lines of CSV, one at a time."""
    for row in rows:
        yield _csv([row])


def _csv(rows: Iterable[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
