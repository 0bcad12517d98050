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
from osteo_kg.reasoning import Answer, Key

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
        counted: the first row of those whose situation is the same in either variant, and how many they are; of those
            whose answer is the same there may be none.
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
        return list(map(_is_changed, changes(keys)))

    keys = list(space.every() if every else space.perhaps_changed(are_changed))
    rows = [
        Row(None, compared.named(pair), each)
        for pair, each in zip(keys, changes(keys), strict=True)
        if every or each.kinds
    ]
    return Difference(before, after, len(space), rows, [(row, 1) for row in rows])


def _is_changed(way: Change) -> bool:
    """Whether what a settled situation is answered can change what one that may turn out so is answered."""
    return bool(way.kinds) or way.before.lines != way.after.lines


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
        patient, *situations = (each[place].as_py() for each in self._columns)
        return self._row(patient, *map(_text_of, situations))

    def __iter__(self) -> Iterator[Row]:
        for batch in pa.table(list(self._columns), _COLUMNS).to_batches(_AT_ONCE):
            patients, *situations = (each.to_pylist() for each in batch.columns)
            yield from map(self._row, patients, *(map(_text_of, each) for each in situations))

    def counted(self) -> Iterator[tuple[Row, int]]:
        """Give the first row of each pair of situations that may differ, and how many have it, in their order."""
        patient, *pair = _COLUMNS
        table = pa.table(list(self._columns), _COLUMNS).unify_dictionaries()
        several = table.group_by(pair, use_threads=False)
        counted = several.aggregate([(patient, "first"), (patient, "count")]).to_pylist()
        told = [(_text_of(each[pair[0]]), _text_of(each[pair[1]])) for each in counted]
        self._compared.prepare(*map(set, zip(*told, strict=True)))
        for each, texts in zip(counted, told, strict=True):
            if self._compared.may_differ(texts):
                yield self._row(each[f"{patient}_first"], *texts), each[f"{patient}_count"]

    def _row(self, patient: str, before: str, after: str) -> Row:
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
        self._keys = [functools.cache(engine.space.parse) for engine in self._engines]
        self._differs = functools.cache(self._is_different)

    def prepare(self, *texts: Iterable[str]) -> None:
        """Reason the situations of each variant together, which takes less than one after the other."""
        for engine, parse, of_variant in zip(self._engines, self._keys, texts, strict=True):
            engine.prepare(map(parse, of_variant))

    def may_differ(self, pair: tuple[str, str]) -> bool:
        """Say whether some way that a situation may turn out has another answer: if none has, its own is the same.

        That is known of few ways, and for many situations, in less time than it takes to combine their answers.
        """
        first, second = (parse(text) for parse, text in zip(self._keys, pair, strict=True))
        return first != second or self._differs(first)

    def _is_different(self, key: Key) -> bool:
        before, after = (engine.space for engine in self._engines)
        place = before.first_open(key)
        if place != after.first_open(key):
            return True
        if place is not None:
            ways = before.completions_at(key, place)
            return ways != after.completions_at(key, place) or any(map(self._differs, ways))
        [first], [second] = (engine.decided([key]) for engine in self._engines)
        return _is_changed(self.change(first, second))

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
        keys = (parse(text) for parse, text in zip(self._keys, pair, strict=True))
        [before], [after] = (engine.decided([key]) for engine, key in zip(self._engines, keys, strict=True))
        return self.change(before, after)
