"""How many patients have each situation with each set of notices, counted without a step for each pair of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

_Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """Pairs of a situation, by its number, and a set of notices, by its bits, each with the number of its patients.

    Attributes:
        numbers: the numbers of the situations.
        marks: the bits of the notices that are raised, beside each.
        patients: how many patients have both.
    """

    numbers: _Whole
    marks: _Whole
    patients: _Whole

    @classmethod
    def of(cls, table: pa.Table) -> Counts:
        """Take the columns `situation`, `marks` and `count` of a table."""
        return cls(*(_whole(table[name].to_numpy()) for name in ("situation", "marks", "count")))

    def with_single(self, pairs: Iterable[tuple[int, int]]) -> Counts:
        """Add patients one at a time, by the situation and the notices of each."""
        found = Counter(pairs)
        numbers, marks = ([pair[place] for pair in found] for place in (0, 1))
        more = zip((self.numbers, self.marks, self.patients), (numbers, marks, list(found.values())), strict=True)
        return Counts(*(np.concatenate([before, _whole(new)]) for before, new in more))

    @property
    def total(self) -> int:
        """How many patients there are."""
        return int(self.patients.sum())

    def raised(self) -> dict[int, int]:
        """Give for each situation the bits of all notices that some patient in it raises."""
        order = np.argsort(self.numbers, kind="stable")
        numbers, first = np.unique(self.numbers[order], return_index=True)
        if not len(numbers):
            return {}
        return dict(zip(numbers.tolist(), np.bitwise_or.reduceat(self.marks[order], first).tolist(), strict=True))

    def of_situations(self) -> dict[int, int]:
        """Give the number of patients in each situation."""
        return self._added(self.numbers)

    def told(self, allowed: Mapping[int, int]) -> dict[int, int]:
        """Give the number of patients who are told each set of notices, of those that their situations let through."""
        numbers, places = np.unique(self.numbers, return_inverse=True)
        let_through = _whole([allowed[number] for number in numbers.tolist()])
        return self._added(self.marks & let_through[places] if len(numbers) else self.marks)

    def _added(self, by: _Whole) -> dict[int, int]:
        values, places = np.unique(by, return_inverse=True)
        added = np.zeros(len(values), np.int64)
        np.add.at(added, places, self.patients)
        return dict(zip(values.tolist(), added.tolist(), strict=True))


def _whole(values: object) -> _Whole:
    return np.asarray(values, dtype=np.int64)
