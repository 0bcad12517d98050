"""The counts of a summary as a page shows them: None where they are suppressed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from osteo_kg.cohort.results.small_cells import Cell, Partition, suppressed
from osteo_kg.cohort.results.summary import DECIDED, LISTED, READ, REFUSED, Summary

_BLOCKED = ("missing",)  # several facts may be missing, so that their counts have no total; they are guarded as parts


class ShownPersons(NamedTuple):
    """How many persons there are, how many have several records, and how many of these are decided differently."""

    persons: int | None
    repeated: int | None
    repeated_rows: int | None
    differently: int | None
    unnamed: int | None


class ShownCounts:
    """Says of every count of a summary whether it is shown.

    Args:
        summary: the counts.
        limit: counts from 1 to below it are suppressed, and others with them.
    """

    def __init__(self, summary: Summary, limit: int) -> None:
        self._summary = summary
        self._limit = limit
        self._counts: Counter[Cell] = Counter()
        for cells, count in summary.profiles.items():
            self._counts.update(dict.fromkeys(cells, count))
        facts = [each for each in self._counts if each[0] == "missing"]
        profiles = {
            cells | ({_without(each) for each in facts if each not in cells} if DECIDED in cells else set()): count
            for cells, count in summary.profiles.items()
        }
        self._hidden = suppressed(profiles, self._partitions(facts), limit, {_without(each) for each in facts})

    def of(self, cell: Cell) -> int | None:
        """Give the count of a cell; None where it is suppressed."""
        return None if cell in self._hidden else self._counts[cell]

    def parts(self, *table: str) -> dict[str, int | None]:
        """Give the counts of a table by their last words, falling, those that are suppressed last."""
        found = {cell[-1]: self.of(cell) for cell in self._counts if cell[:-1] == table and len(cell) == len(table) + 1}
        return _falling(found)

    def notices(self, counts: Mapping[str, int]) -> dict[str, int | None]:
        """Give the counts of notices; each stands for itself, and for those whom it does not concern."""
        return _falling({code: self._apart(count, self._summary.decided, DECIDED) for code, count in counts.items()})

    @property
    def persons(self) -> ShownPersons:
        """Whom the records are of; how many persons there are tells how many have several records, if few have."""
        found = self._summary.repeated_ids
        few = self._is_small(found.ids)
        differently = self._small_as_none(found.several_dispositions)
        if few or self._is_small(found.ids - found.several_dispositions):
            differently = None
        return ShownPersons(
            persons=None if few or READ in self._hidden else self._small_as_none(self._summary.persons),
            repeated=None if few else found.ids,
            repeated_rows=None if few else found.rows,
            differently=differently,
            unnamed=self._small_as_none(self._summary.rows_without_id),
        )

    def _partitions(self, facts: list[Cell]) -> Iterator[Partition]:
        tables: dict[Cell, list[Cell]] = defaultdict(list)
        for cell in self._counts:
            tables[cell[:-1]].append(cell)
        yield Partition(READ, (REFUSED, DECIDED))
        yield Partition(READ, (REFUSED, *tables["disposition",]))
        for table, cells in tables.items():
            if table[:1] == ("strength",):
                yield Partition(("disposition", table[1]), tuple(cells))
            elif table[:1] == ("option",):
                yield Partition(LISTED, tuple(cells))
        yield from (Partition(DECIDED, (each, _without(each))) for each in facts)
        yield Partition(_BLOCKED, tuple(facts))

    def _apart(self, count: int, total: int, of: Cell) -> int | None:
        rest = total - count
        told = self._is_small(rest) or (not rest and of in self._hidden)
        return None if told or self._is_small(count) else count

    def _is_small(self, count: int) -> bool:
        return 0 < count < self._limit

    def _small_as_none(self, count: int) -> int | None:
        return None if self._is_small(count) else count


def _without(cell: Cell) -> Cell:
    return ("without", *cell)


def _falling(counts: Mapping[str, int | None]) -> dict[str, int | None]:
    return dict(sorted(counts.items(), key=lambda item: (item[1] is None, -(item[1] or 0), item[0])))
