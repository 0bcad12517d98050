"""Two variants of the knowledge compared: over every situation, or over the patients of a cohort."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from osteo_kg.cohort import CohortResult, assess_cohort
from osteo_kg.comparison.changes import KINDS, SAME, Change, Side, change, order_of
from osteo_kg.comparison.situations import JointSpace, KeyPair
from osteo_kg.comparison.variants import Variant
from osteo_kg.errors import IncompleteRunError
from osteo_kg.rdf import SITUATION
from osteo_kg.reasoning import Answer

_COLUMNS = ["patient", "before", "after"]
_AT_ONCE = 10_000  # rows


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one situation or patient.

    Attributes:
        patient: the patient; None where it is a situation.
        situations: the situation in either variant, by the end of its IRI.
    """

    patient: str | None
    situations: tuple[str, str]
    change: Change


@dataclass(frozen=True)
class Difference:
    """Two variants of the knowledge, and what became of each situation or patient.

    Attributes:
        total: how many were compared.
        rows: one for each in a fixed order; of situations whose answer is the same there may be none.
        counted: the first row of those whose situation is the same in either variant, and how many they are.
        of_patients: whether patients were compared, and not situations.
        refused: the patients who could not be assessed.
    """

    before: Variant
    after: Variant
    total: int
    rows: Sequence[Row]
    counted: Sequence[tuple[Row, int]]
    of_patients: bool = False
    refused: int = 0

    @functools.cached_property
    def changed(self) -> int:
        """How many have another answer."""
        return sum(count for row, count in self.counted if row.change.kinds)

    @functools.cached_property
    def kinds(self) -> Mapping[str, int]:
        """How many changed in each way; one that changed in several counts in each."""
        found: Counter[str] = Counter()
        for row, count in self.counted:
            found.update(dict.fromkeys(row.change.kinds, count))
        return {SAME: self.total - self.changed, **found}

    @functools.cached_property
    def groups(self) -> list[tuple[Row, int]]:
        """Those that changed for the same reason: one that stands for them, and how many they are.

        The gravest kind of change comes first, and of one kind the most frequent.
        """
        counts: Counter[Any] = Counter()
        first: dict[Any, Row] = {}
        for row, count in self.counted:
            if row.change.kinds:
                told = row.change
                group = (told.kinds, _shown(told.before), _shown(told.after))
                counts[group] += count
                first.setdefault(group, row)
        ordered = sorted(counts, key=lambda group: (KINDS.index(group[0][0]), -counts[group]))
        return [(first[group], counts[group]) for group in ordered]


def _shown(side: Side) -> tuple[Any, ...]:
    return side.possible, side.strength, side.rules


def compare_situations(before: Variant, after: Variant, *, every: bool = False) -> Difference:
    """Compare the answers to every situation.

    Args:
        before: the one variant.
        after: the other.
        every: whether to give a row to situations that no change reaches too, which takes longer.
    """
    engines = before.engine, after.engine
    space, compared = JointSpace(*engines), _Compared(before, after)

    def changes(keys: Sequence[KeyPair]) -> list[Change]:
        answers = [engine.decided([each[place] for each in keys]) for place, engine in enumerate(engines)]
        return [compared.change(*both) for both in zip(*answers, strict=True)]

    def are_changed(keys: Sequence[KeyPair]) -> list[bool]:
        return [bool(each.kinds) or each.before.lines != each.after.lines for each in changes(keys)]

    keys = list(space.every() if every else space.perhaps_changed(are_changed))
    rows = [
        Row(None, compared.named(pair), each)
        for pair, each in zip(keys, changes(keys), strict=True)
        if every or each.kinds
    ]
    return Difference(before, after, len(space), rows, [(row, 1) for row in rows])


def compare_patients(before: Variant, after: Variant, source: Any, **asked: Any) -> Difference:
    """Compare the answers to every patient of a cohort: one run of each variant, joined row by row.

    Args:
        before: the one variant.
        after: the other.
        source: what `assess_cohort` takes.
        **asked: what else it takes.

    Raises:
        IncompleteRunError: the variants did not assess the same patients.
    """
    return compare_runs(before, after, *(assessed(each, source, **asked) for each in (before, after)))


def assessed(variant: Variant, source: Any, **asked: Any) -> CohortResult:
    """Assess a cohort by a variant, its decisions in memory; the arguments are those of `compare_patients`."""
    columns, guideline, decides = ("patient", "situation"), variant.guideline, variant.knowledge_base
    return assess_cohort(source, columns=columns, guideline=guideline, knowledge_base=decides, **asked)


def compare_runs(before: Variant, after: Variant, *runs: CohortResult) -> Difference:
    """Compare what two variants decided of the same patients.

    Args:
        before: the one variant.
        after: the other.
        *runs: what `assessed` gave for each.

    Raises:
        IncompleteRunError: the variants did not assess the same patients.
    """
    decided = [run.decisions for run in runs]
    assert all(each is not None for each in decided)  # no output was asked for
    first, second = (each for each in decided if each is not None)
    if not first["patient"].equals(second["patient"]):
        raise IncompleteRunError(
            f"{before.name} answered {len(first):,} patients and {after.name} {len(second):,}, or in another order.",
            advice="Correct the records that one of them refuses.",
        )
    rows = _PatientRows(first["patient"], first["situation"], second["situation"], _Compared(before, after))
    return Difference(before, after, len(rows), rows, list(rows.counted()), True, runs[0].summary.rejected)


class _PatientRows(Sequence[Row]):
    """A row for each patient, made when it is looked at: a nation's patients share few situations."""

    def __init__(
        self, patients: pa.ChunkedArray, before: pa.ChunkedArray, after: pa.ChunkedArray, compared: _Compared
    ) -> None:
        self._columns, self._compared = (patients, before, after), compared

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return list(map(self.__getitem__, range(*place.indices(len(self)))))
        return self._row(*(each[place].as_py() for each in self._columns))

    def __iter__(self) -> Iterator[Row]:
        for batch in pa.table(list(self._columns), _COLUMNS).to_batches(_AT_ONCE):
            yield from map(self._row, *(each.to_pylist() for each in batch.columns))

    def counted(self) -> Iterator[tuple[Row, int]]:
        """Give the first row of each pair of situations, and how many have that pair; the first pair first."""
        patient, *pair = _COLUMNS
        several = pa.table(list(self._columns), _COLUMNS).group_by(pair, use_threads=False)
        counted = several.aggregate([(patient, "first"), (patient, "count")]).to_pylist()
        self._compared.prepare(*({_text_of(each[name]) for each in counted} for name in pair))
        for each in counted:
            yield self._row(each["patient_first"], *(each[name] for name in pair)), each["patient_count"]

    def _row(self, patient: str, *situations: str) -> Row:
        before, after = map(_text_of, situations)
        return Row(patient, (before, after), self._compared.of_texts((before, after)))


def _text_of(situation: str) -> str:
    return situation.removeprefix(SITUATION).partition("/")[2]


class _Compared:
    """Compares answers of two variants, equal pairs once."""

    def __init__(self, before: Variant, after: Variant) -> None:
        self._engines = before.engine, after.engine
        self._order = order_of(after.knowledge_base.knowledge)
        self._found: dict[tuple[int, int], Change] = {}
        self._kept: list[Answer] = []  # so that no other answer gets the identity of one that was seen
        self.of_texts = functools.cache(self._of_texts)

    def prepare(self, *texts: Iterable[str]) -> None:
        """Reason the situations of each variant together, which takes less than one after the other."""
        for engine, of_variant in zip(self._engines, texts, strict=True):
            engine.prepare(map(engine.space.parse, of_variant))

    def named(self, pair: KeyPair) -> tuple[str, str]:
        first, second = (engine.space.text(key) for engine, key in zip(self._engines, pair, strict=True))
        return first, second

    def change(self, before: Answer, after: Answer) -> Change:
        identity = id(before), id(after)
        if identity not in self._found:
            self._kept += before, after
            first, second = (engine.guideline for engine in self._engines)
            self._found[identity] = change(Side.of(before, first), Side.of(after, second), self._order)
        return self._found[identity]

    def _of_texts(self, pair: tuple[str, str]) -> Change:
        keys = (engine.space.parse(text) for engine, text in zip(self._engines, pair, strict=True))
        [before], [after] = (engine.decided([key]) for engine, key in zip(self._engines, keys, strict=True))
        return self.change(before, after)
