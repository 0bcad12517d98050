"""T-scores in columns: what a score is told, where it lies among the cuts, and whether a shape may refuse it.

Most scores are written with two decimals at most, and of those there are a few thousand: what columns say of them is
worked out once each and joined to the records. Every other score is asked the same by itself.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from osteo_kg.case import SCORES
from osteo_kg.cohort.abstraction import columns
from osteo_kg.cohort.abstraction.columns import number_cuts
from osteo_kg.cohort.abstraction.measurements import FURTHER
from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.cohort.abstraction.shape_conditions import Condition, certain_numbers, number_ranges
from osteo_kg.rdf import OSTEO
from osteo_kg.reasoning import LOWEST_T_SCORE

LOWEST = "lowest"
_FAR = Decimal(1000)
_HIGHEST_SCORE = 20  # on each side of nought, where scores are worked out once each
_STEPS = 100  # of a whole score
_SCORE = "number"
_ROLES = ("as_lowest", "as_other")

Told = Callable[[Mapping[str, Any], Mapping[str, Any]], int]  # the bits of the notices of a record beyond another's


class Scores:
    """Reads T-scores.

    Args:
        parts: what reads parts of records.
        measured: a record that states a score everywhere, of the day of assessment.
        told: gives the bits of the notices of a record that another one does not raise.
        condition: gives the condition under which no shape refuses a score; None where that cannot be told from it.
    """

    def __init__(
        self, parts: LibraryProbe, measured: Mapping[str, Any], told: Told, condition: Callable[[], Condition | None]
    ) -> None:
        self.cuts = number_cuts(parts, LOWEST_T_SCORE)
        self._asked_condition = condition
        triples = parts.knowledge_base.knowledge.triples
        self._least_decimals = min(int(number) for _, number in triples.pairs(OSTEO.leastDecimals))
        self._measured, self._told = dict(measured), told

    # what is worked out once

    @staticmethod
    def numbers() -> pa.Table:
        """Give the scores of few decimals; not nought, which may have a sign."""
        reach = _HIGHEST_SCORE * _STEPS
        return pa.table({_SCORE: [number / _STEPS for number in range(-reach, reach + 1) if number]})

    def read(self, numbers: ir.Table) -> ir.Table:
        """Give what columns say of each of some scores."""
        score = numbers[_SCORE]
        is_long = columns.shows_decimals(score, self._least_decimals)
        return numbers.select(
            _SCORE,
            plain=self._passes(score),
            is_long=is_long,
            place=self.cuts.place(score),
            rounded=score.round(1),
            **{role: self._by_place(score, is_long, masks) for role, masks in self._masks.items()},
        )

    @staticmethod
    def read_of(flat: ir.Table) -> list[str]:
        """Name the columns of a table that are read here."""
        keys = (*SCORES, *FURTHER)
        return [name for name in (*keys, *map(columns.decimals_key, keys)) if name in flat.columns]

    @staticmethod
    def joined(flat: ir.Table, read: ir.Table) -> ir.Table:
        """Join to every record what was read of its scores and of the lowest of them."""
        for key in (*SCORES, LOWEST):
            own = read.select(**{_of(key, name): read[name] for name in read.columns})
            flat = flat.left_join(own, columns.number(flat[key]) == own[_of(key, _SCORE)])
        return flat

    # what records are told

    def passes(self, flat: ir.Table, key: str) -> Any:
        """Say where no shape refuses a score."""
        return _known(flat, key, "plain", self._passes(columns.number(flat[key])), ibis.literal(True))

    def place(self, flat: ir.Table) -> Any:
        """Give the place of the lowest score among the cuts."""
        return _known(flat, LOWEST, "place", self.cuts.place(flat[LOWEST]), self.cuts.none).cast("int64")

    @staticmethod
    def rounded(flat: ir.Table) -> Any:
        """Give the lowest score to a tenth."""
        return _known(flat, LOWEST, "rounded", flat[LOWEST].round(1), ibis.null("float64"))

    def marks(self, flat: ir.Table) -> Any:
        """Give the notices of the lowest score, and of any other by itself: by its place, and by its decimals."""
        keys = [*SCORES, *(key for key in FURTHER if key in flat.columns)]
        if not any(columns.decimals_key(key) in flat.columns for key in keys):  # a number shows its own, wherever it is
            return functools.reduce(operator.or_, (self._shown_marks(flat, key) for key in (LOWEST, *keys)))
        is_long = {key: self._is_long(flat, key) for key in keys}
        is_lowest = (many & (columns.number(flat[key]) == flat[LOWEST]) for key, many in is_long.items())
        found = self._by_place(flat[LOWEST], functools.reduce(operator.or_, is_lowest), self._masks[_ROLES[0]])
        for key, many in is_long.items():
            found |= self._by_place(columns.number(flat[key]), many, self._masks[_ROLES[1]])
        return found

    def _shown_marks(self, flat: ir.Table, key: str) -> Any:
        """Give the notices of a score that shows all decimals that it was written with."""
        role, score = _ROLES[key != LOWEST], columns.number(flat[key])
        asked = self._by_place(score, columns.shows_decimals(score, self._least_decimals), self._masks[role])
        return _known(flat, key, role, asked, 0)

    def _by_place(self, score: Any, is_long: Any, masks: tuple[Sequence[int], Sequence[int]]) -> Any:
        """Give the notices of a score by its place: of one of few decimals, and of one of many."""
        few, many = (self.cuts.masks(score, each) for each in masks)
        return ibis.ifelse(is_long.fill_null(False), many, few)

    def _is_long(self, flat: ir.Table, key: str) -> Any:
        """Say where a score has so many decimals, in its digits or as it was written, that a notice doubts it."""
        least, written = self._least_decimals, columns.decimals_key(key)
        shown = _known(
            flat, key, "is_long", columns.shows_decimals(columns.number(flat[key]), least), ibis.literal(False)
        )
        return shown | (flat[written] >= least).fill_null(False) if written in flat.columns else shown

    def _passes(self, score: Any) -> Any:
        return certain_numbers(self._condition, self._ranges, score)

    @functools.cached_property
    def _condition(self) -> Condition | None:
        return self._asked_condition()

    @functools.cached_property
    def _ranges(self) -> list[tuple[float, float]]:
        return number_ranges(self._condition, _HIGHEST_SCORE) if self._condition else []

    @functools.cached_property
    def _masks(self) -> dict[str, tuple[Sequence[int], Sequence[int]]]:
        """Give the bits of each place: of the lowest score and of another one, each of few decimals and of many."""
        fewest, examples = self._least_decimals - 1, self.cuts.examples(-_FAR, _FAR)
        few, many = [round(each, fewest) for each in examples], [self._with_decimals(each) for each in examples]
        low = self._measured | dict.fromkeys(SCORES, -_FAR)
        lowest = [[self._told(self._measured | dict.fromkeys(SCORES, e), {}) for e in each] for each in (few, many)]
        other = [[self._told(low | dict.fromkeys(SCORES[1:], e), low) for e in each] for each in (few, many)]
        return {role: (masks[0], masks[1]) for role, masks in zip(_ROLES, (lowest, other), strict=True)}

    def _with_decimals(self, number: Decimal) -> Decimal:
        return number.quantize(Decimal(1).scaleb(-max(self._least_decimals, -int(number.as_tuple().exponent))))


def _of(key: str, name: str) -> str:
    """Name the column of what was read of one of the scores of a record."""
    return f"{name}_of_{key}"


def _known(flat: ir.Table, key: str, name: str, asked: Any, nothing: Any) -> Any:
    """Give what was read of a score, or where it was not read, what it is asked; something else where there is none."""
    asked = ibis.ifelse(flat[key].isnull(), nothing, asked)
    return flat[_of(key, name)].coalesce(asked) if _of(key, name) in flat.columns else asked
