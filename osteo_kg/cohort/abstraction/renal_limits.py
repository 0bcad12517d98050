"""Renal function in columns: what a number leaves open depends on the conditions beside it, and on the answer.

Columns give the place of each number between the limits; what the library tells of two places beside a list of
conditions is joined back.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from osteo_kg.case import RENAL_FUNCTION, SECTIONS, measured
from osteo_kg.cohort.abstraction import columns
from osteo_kg.cohort.abstraction.columns import Cuts
from osteo_kg.cohort.abstraction.entry_lists import ListText
from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.rdf import OSTEO

_KEYS = tuple(field.key for field in measured(RENAL_FUNCTION))
_CONDITIONS = next(key for key, section in SECTIONS.items() if section == OSTEO.MedicalHistory)
_LEAST, _FAR = Decimal(0), Decimal(1000)
_TEXT, _PLACE, _MARKS = "renal_conditions", "renal_places", "renal_marks"


class RenalLimits:
    """Reads what numbers of renal function are told of.

    Args:
        parts: what reads parts of records.
    """

    def __init__(self, parts: LibraryProbe) -> None:
        self._parts = parts
        safety, terms = parts.knowledge_base.safety, parts.knowledge_base.knowledge.terms
        iris = safety.renal_conditions if safety else frozenset()
        self._deciding = {terms.key(iri): iri for iri in iris}
        self._bounds = functools.cache(lambda found: safety.renal_bounds(found) if safety else ())
        self._cuts = self._cuts_of(self._deciding)
        self._found: dict[tuple[tuple[str, ...], tuple[int, ...]], int] = {}

    def _cuts_of(self, conditions: Iterable[str]) -> Cuts[Decimal]:
        return Cuts(self._bounds(frozenset(self._deciding[each] for each in conditions)))

    def places(self, flat: ir.Table) -> Any:
        """Give the places of the numbers as one number; null where there is no number."""
        numbers = [columns.number(flat[key]) for key in _KEYS]
        total: Any = ibis.literal(0, "int64")
        for number in numbers:
            total = total * (self._cuts.none + 1) + self._cuts.place(number)
        is_stated = functools.reduce(operator.or_, (number.notnull() for number in numbers))
        return ibis.ifelse(is_stated, total, ibis.null("int64"))

    @staticmethod
    def pairs(stage: ir.Table) -> ir.Table:
        """Give the different lists of conditions with the places of numbers beside them."""
        found = stage.filter(stage.plain, stage.renal.notnull())
        return found.select(text=found[_CONDITIONS], place=found.renal).distinct()

    def table(self, pairs: pa.Table) -> pa.Table:
        """Read pairs: the notices of each that raises any."""
        found = {
            (text, place): self._marks(text, place) for text, place in zip(*pairs.to_pydict().values(), strict=True)
        }
        telling = [(text, place, marks) for (text, place), marks in found.items() if marks]
        texts, places, marks = zip(*telling, strict=True) if telling else ((), (), ())
        kinds = {_TEXT: pa.string(), _PLACE: pa.int64(), _MARKS: pa.int64()}
        return pa.table([texts, places, marks], pa.schema(kinds.items()))

    @staticmethod
    def joined(stage: ir.Table, table: ir.Table) -> tuple[ir.Table, Any]:
        """Join back what was read: the table, and the bits of its notices."""
        joined = stage.left_join(table, [stage[_CONDITIONS] == table[_TEXT], stage.renal == table[_PLACE]])
        return joined, joined[_MARKS].fill_null(0)

    def _marks(self, text: str, place: int) -> int:
        conditions = tuple(sorted(set(ListText.of(text).entries) & self._deciding.keys()))
        cuts = self._cuts_of(conditions)
        numbers = [
            self._cuts.examples(-_FAR, _FAR)[each] if each < self._cuts.none else None for each in self._of(place)
        ]
        places = tuple(cuts.place_of(number) for number in numbers)
        if (conditions, places) not in self._found:
            self._found[conditions, places] = self._read(conditions, cuts, places)
        return self._found[conditions, places]

    def _of(self, place: int) -> tuple[int, ...]:
        """Give the place of each number."""
        found = []
        for _ in _KEYS:
            place, each = divmod(place, self._cuts.none + 1)
            found.append(each)
        return tuple(reversed(found))

    def _read(self, conditions: tuple[str, ...], cuts: Cuts[Decimal], places: tuple[int, ...]) -> int:
        examples = cuts.examples(_LEAST, _FAR)
        numbers = {key: examples[each] for key, each in zip(_KEYS, places, strict=True) if each < cuts.none}
        return self._parts.marks.mask(self._parts.wanted({_CONDITIONS: list(conditions), **numbers}))
