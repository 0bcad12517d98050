"""The decision table as it is walked through: its rows, and every situation, by what is chosen of each fact."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask import current_app

from osteo_kg import Language
from osteo_kg.decision_table import Row, ValueWords, header, lines, minimised, settled_keys
from osteo_kg.reasoning import MET, NOT_APPLICABLE, UNKNOWN, CodedDimension, Engine, Key
from osteo_kg_server.service import Service

_KEPT = "osteo_kg_decision_tables"


@dataclass(frozen=True, slots=True)
class CoveredRow:
    """A row of the minimised table.

    Attributes:
        number: its place, from 1.
        row: what it covers and says.
        keys: the settled situations that it covers.
        rule: the IRI of the rule that decides them.
    """

    number: int
    row: Row
    keys: tuple[Key, ...]
    rule: str


class DecisionTable:
    """The situations of one guideline.

    Args:
        engine: the guideline at work.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine, self._dimensions = engine, engine.space.dimensions
        settled = engine.settled(settled_keys(engine))
        rules = engine.guideline.rules
        self.rows: list[CoveredRow] = []
        for number, row in enumerate(minimised(engine), start=1):
            keys = tuple(key for key in settled if row.covers(key))
            self.rows.append(CoveredRow(number, row, keys, rules[settled[keys[0]].rules.index(MET)].iri))
        self._values: dict[tuple[Language, int, str], str] = {}
        self._words: dict[Language, tuple[list[str], list[list[str]]]] = {}
        first = sum(isinstance(each, CodedDimension) for each in self._dimensions)
        self._starts = tuple(self._coded_starts(first))
        self._others = [each.values for each in self._dimensions[first:]]

    def words(self, language: Language) -> tuple[list[str], list[list[str]]]:
        """Give the heads of the columns, and the cells of each row."""
        if language not in self._words:
            self._words[language] = (
                header(self.engine, language),
                list(lines(self.engine, language, [each.row for each in self.rows])),
            )
        return self._words[language]

    def said(self, language: Language, place: int, value: str) -> str:
        """Say one value of one fact."""
        key = (language, place, value)
        if key not in self._values:
            self._values[key] = ValueWords(self.engine, language).value(self._dimensions[place], value)
        return self._values[key]

    def values(self, place: int) -> list[str]:
        """Give the values that one fact has in some situation."""
        found = dict.fromkeys(self._dimensions[place].values)
        if isinstance(self._dimensions[place], CodedDimension):
            found |= dict.fromkeys(start[place] for start in self._starts)
        return list(found)

    def is_settled(self, place: int, value: str) -> bool:
        """Whether a value of a fact leaves nothing open."""
        return value == NOT_APPLICABLE or self._dimensions[place].completions(value) == (value,)

    def covering(self, chosen: Mapping[int, str]) -> list[tuple[CoveredRow, int]]:
        """Give the rows that what is chosen may lead to, each with the number of its situations that this leaves."""
        allowed = {place: self._ways(place, value) for place, value in chosen.items()}
        found = []
        for row in self.rows:
            left = sum(all(key[place] in ways for place, ways in allowed.items()) for key in row.keys)
            if left:
                found.append((row, left))
        return found

    def _ways(self, place: int, value: str) -> frozenset[str]:
        """Give the settled values that a value may turn out to be; what is not known may also not apply."""
        if value == NOT_APPLICABLE:
            return frozenset({value})
        ways = frozenset(self._dimensions[place].completions(value))
        return ways | {NOT_APPLICABLE} if value == UNKNOWN else ways

    def count(self, chosen: Mapping[int, str], row: CoveredRow | None = None) -> int:
        """Count the situations that hold what is chosen, the unsettled ones too; with a row, those that it covers."""
        if row:
            return len(self._of_row(chosen, row))
        starts, others = self._held(chosen)
        return len(starts) * math.prod(len(values) for values in others)

    def part(self, chosen: Mapping[int, str], row: CoveredRow | None, start: int, stop: int) -> list[Key]:
        """Give the situations from one place to another, of those that `count` counts."""
        if row:
            return self._of_row(chosen, row)[start:stop]
        starts, others = self._held(chosen)
        size = math.prod(len(values) for values in others)
        return [self._at(starts, others, size, place) for place in range(start, min(stop, len(starts) * size))]

    @staticmethod
    def _of_row(chosen: Mapping[int, str], row: CoveredRow) -> list[Key]:
        return [key for key in row.keys if all(key[place] == value for place, value in chosen.items())]

    def _held(self, chosen: Mapping[int, str]) -> tuple[list[Key], list[tuple[str, ...]]]:
        first = len(self._dimensions) - len(self._others)
        starts = [start for start in self._starts if all(start[p] == value for p, value in chosen.items() if p < first)]
        others = [
            (chosen[place],) if place in chosen else values for place, values in enumerate(self._others, start=first)
        ]
        return starts, others

    @staticmethod
    def _at(starts: list[Key], others: list[tuple[str, ...]], size: int, place: int) -> Key:
        """Give one situation by its place, without going through those before it."""
        which, left = divmod(place, size)
        found: list[str] = []
        for values in reversed(others):
            left, each = divmod(left, len(values))
            found.insert(0, values[each])
        return (*starts[which], *found)

    def _coded_starts(self, first: int) -> Iterator[Key]:
        rest = tuple(each.values[0] for each in self._dimensions[first:])
        coded = itertools.product(*(each.values for each in self._dimensions[:first]))
        yield from dict.fromkeys(self.engine.space.canonical((*start, *rest))[:first] for start in coded)


def decision_table(serving: Service, guideline: str) -> DecisionTable:
    """Give the decision table of a guideline, made once for one version of the knowledge; the service is locked.

    Raises:
        UsageError: there is no such guideline.
    """
    engine = serving.knowledge_base.engine(guideline)
    kept: dict[tuple[str, str], DecisionTable] = current_app.extensions.setdefault(_KEPT, {})
    key = (serving.knowledge_base.knowledge.digest, engine.guideline.iri)
    if key not in kept:
        kept[key] = DecisionTable(engine)
    return kept[key]
