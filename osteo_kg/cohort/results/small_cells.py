"""Small cells: which counts of a page are suppressed, so that none of a few persons is shown or can be calculated.

A count from 1 to below the limit is suppressed, and then others, until no suppressed one follows from what is shown:

- in a total and its parts, the suppressed parts are at least two, and each may be as large as the limit for all that
  is shown (or, where every part is suppressed, has several values at least);
- the parts of a suppressed total are suppressed;
- no suppressed count is a sum or a difference of shown ones, of whichever tables. Tables hang together since what is
  recommended follows from the guideline: how many are to be treated imperatively may be how many may have an option.

What cannot be excluded is that somebody who knows more than the page and the guideline narrows a count down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

SMALL_CELLS = 5
_LEAST_VALUES = 2  # that a suppressed count must be able to have
_NEARLY_NOTHING = 1e-6  # what is left of a vector that is a sum of others, as floats have it

Cell = tuple[str, ...]  # what a count is of: its table, and its place there


@dataclass(frozen=True, slots=True)
class Partition:
    """A total, and the parts that it is the sum of."""

    total: Cell
    parts: tuple[Cell, ...]


def suppressed(
    profiles: Mapping[frozenset[Cell], int],
    partitions: Iterable[Partition],
    limit: int,
    unshown: Collection[Cell] = (),
) -> frozenset[Cell]:
    """Give the cells that are not to be shown.

    Args:
        profiles: how many count in the same cells.
        partitions: the totals and their parts.
        limit: counts from 1 to below it are small; 0 and 1 let every count be shown.
        unshown: cells that no table shows, but that follow from what it shows, such as how many a notice does not
            concern.
    """
    return frozenset(_Suppression(profiles, tuple(partitions), limit, frozenset(unshown)).run())


def protected(hidden: Sequence[int], limit: int, slack: int = 0) -> bool:
    """Whether suppressed parts stay unknown to whoever knows their sum: each may be 1, and as large as the limit.

    Args:
        hidden: the suppressed parts, none of them 0.
        limit: the least count that is not small.
        slack: what is known in addition to be in the total, of which nobody knows how much there is.
    """
    if not hidden:
        return True
    return (len(hidden) > 1 or slack > 0) and sum(hidden) + slack - (len(hidden) - 1) >= limit


class _Suppression:
    def __init__(
        self,
        profiles: Mapping[frozenset[Cell], int],
        partitions: tuple[Partition, ...],
        limit: int,
        unshown: frozenset[Cell],
    ) -> None:
        self._counts: Counter[Cell] = Counter()
        for cells, count in profiles.items():
            self._counts.update(dict.fromkeys(cells, count))
        self._partitions = partitions
        self._limit = limit
        self._unshown = unshown
        self._vectors = {
            cell: np.array([float(cell in cells) for cells, count in profiles.items() if count])
            for cell, count in self._counts.items()
            if count
        }
        self._hidden = {cell for cell, count in self._counts.items() if 0 < count < limit}

    def run(self) -> set[Cell]:
        """Suppress until nothing more has to be."""
        before = -1
        while before < len(self._hidden):
            before = len(self._hidden)
            for partition in self._partitions:
                self._protect(partition)
            if before == len(self._hidden):
                self._break_sums()
        return self._hidden

    def _protect(self, partition: Partition) -> None:
        parts = [each for each in partition.parts if self._counts[each]]
        if partition.total in self._hidden and not self._unshown.intersection(parts):
            self._hidden.update(parts)  # their sum would tell the total
            return
        while not protected(self._counts_of(parts), self._limit) and (more := self._smallest_shown(parts)):
            self._hidden.add(more)
        inside = self._counts_of(parts)
        if inside and (len(inside) < _LEAST_VALUES or sum(inside) - len(inside) + 1 < _LEAST_VALUES):
            self._hidden.update({partition.total} & self._vectors.keys())

    def _counts_of(self, parts: Iterable[Cell]) -> list[int]:
        return [self._counts[each] for each in parts if each in self._hidden]

    def _smallest_shown(self, cells: Iterable[Cell]) -> Cell | None:
        shown = [each for each in cells if each not in self._hidden and self._counts[each]]
        return min(shown, key=lambda each: (self._counts[each], each), default=None)

    def _break_sums(self) -> None:
        """Suppress a cell of the first sum or difference of shown cells that gives a suppressed one."""
        shown = [each for each in self._vectors if each not in self._hidden and each not in self._unshown]
        matrix = np.array([self._vectors[each] for each in shown])
        if not len(matrix):
            return
        inverse = np.linalg.pinv(matrix.T)
        for cell in sorted(self._hidden):
            weights = inverse @ self._vectors[cell]
            if np.abs(matrix.T @ weights - self._vectors[cell]).max() < _NEARLY_NOTHING:
                used = [each for each, weight in zip(shown, weights, strict=True) if abs(weight) > _NEARLY_NOTHING]
                self._hidden.add(self._smallest_shown(used) or cell)
                return
