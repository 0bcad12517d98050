"""The situations that two variants of the knowledge tell apart together, each with its name in either.

Where both read a fact alike its values are the same. Where they do not (a threshold moved, another guideline looks at
other facts) it is cut as finely as one of them cuts it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from osteo_kg.case import Atom, Entry
from osteo_kg.reasoning import (
    BandDimension,
    CodedDimension,
    Dimension,
    Engine,
    Key,
    SectionDimension,
    refined,
)

KeyPair = tuple[Key, Key]
_Pair = tuple[str, str]


class JointSpace:
    """The situations of two engines together.

    Args:
        before: the one engine.
        after: the other.
    """

    def __init__(self, before: Engine, after: Engine) -> None:
        self._engines = before, after
        sides = [{each.fact: each for each in engine.space.dimensions} for engine in self._engines]
        self._facts = list(dict.fromkeys(fact for side in sides for fact in side))
        atoms = [atom for each in {**before.closures, **after.closures} for atom in each]
        first, second = sides
        self._values = [list(dict.fromkeys(_values(first.get(fact), second.get(fact), atoms))) for fact in self._facts]
        self._places = [[self._facts.index(fact) for fact in side] for side in sides]
        self._ways = [_ways(first.get(fact), second.get(fact), pairs) for fact, pairs in self._by_fact()]

    def __len__(self) -> int:
        """Count the situations: those whose coded values say the same are one."""
        coded = [isinstance(self._dimension(fact), CodedDimension) for fact in self._facts]
        starts = [values if of_code else values[:1] for values, of_code in zip(self._values, coded, strict=True)]
        others = (len(values) for values, of_code in zip(self._values, coded, strict=True) if not of_code)
        return len(set(map(self._keys, itertools.product(*starts)))) * math.prod(others)

    def every(self) -> Iterator[KeyPair]:
        """Give every situation once, as the key that it has in each of the two."""
        return iter(dict.fromkeys(map(self._keys, itertools.product(*self._values))))

    def perhaps_changed(self, is_changed: Callable[[Sequence[KeyPair]], Sequence[bool]]) -> Iterator[KeyPair]:
        """Give the situations that some change may reach: one of the ways that they may turn out has another answer.

        Args:
            is_changed: says of settled situations whether their answers differ.
        """
        settled = [values for values, _ in self._ways]
        keys = list(map(self._keys, itertools.product(*settled)))
        found = np.array(is_changed(keys), dtype=np.int32).reshape([len(values) for values in settled])
        for axis, (_, leads_to) in enumerate(self._ways):
            found = np.moveaxis(np.tensordot(leads_to, found, axes=(1, axis)), 0, axis).clip(max=1)
        chosen = (
            tuple(values[number] for values, number in zip(self._values, numbers, strict=True))
            for numbers in np.argwhere(found).tolist()
        )
        return iter(dict.fromkeys(map(self._keys, chosen)))

    def _by_fact(self) -> Iterator[tuple[str, list[_Pair]]]:
        return zip(self._facts, self._values, strict=True)

    def _dimension(self, fact: str) -> Dimension:
        return next(each for engine in self._engines for each in engine.space.dimensions if each.fact == fact)

    def _keys(self, chosen: tuple[_Pair, ...]) -> KeyPair:
        first, second = (
            engine.space.canonical(tuple(chosen[place][number] for place in places))
            for number, (engine, places) in enumerate(zip(self._engines, self._places, strict=True))
        )
        return first, second


def _ways(
    first: Dimension | None, second: Dimension | None, pairs: Sequence[_Pair]
) -> tuple[list[_Pair], npt.NDArray[np.int32]]:
    """Give the settled values of a fact in both engines, and which of them each value may turn out to be."""
    dimensions = (first, second)

    def completions(pair: _Pair) -> list[tuple[str, ...]]:
        return [each.completions(value) if each else () for each, value in zip(dimensions, pair, strict=True)]

    ways = [completions(pair) for pair in pairs]
    settled = [pair for pair, told in zip(pairs, ways, strict=True) if not any(each[1:] for each in told)]
    leads_to = [
        [all(not each or value in each for each, value in zip(told, way, strict=True)) for way in settled]
        for told in ways
    ]
    return settled, np.array(leads_to, dtype=np.int32)


def _values(first: Dimension | None, second: Dimension | None, atoms: Iterable[Atom]) -> Iterable[_Pair]:
    """Give every value of a fact in both engines; in one that does not look at it, it has none."""
    if first is None or second is None:
        return [(value, value) for each in (first, second) if each for value in each.values]
    if isinstance(first, BandDimension) and isinstance(second, BandDimension):
        return _numbers(first, second)
    if isinstance(first, SectionDimension) and isinstance(second, SectionDimension):
        return _sections(first, second, atoms)
    if isinstance(first, CodedDimension) and isinstance(second, CodedDimension):
        return _codes(first, second)
    return [(value, value) for value in first.values]


def _numbers(first: BandDimension, second: BandDimension) -> Iterator[_Pair]:
    joint = refined(first, second)
    for is_open in (False, True) if joint.section else (False,):
        for band in joint.bands:
            yield first.value_of(band.inside, is_open), second.value_of(band.inside, is_open)
    yield first.value_of(None), second.value_of(None)


def _codes(first: CodedDimension, second: CodedDimension) -> Iterator[_Pair]:
    shared = [value for value in first.values if value in second.values]
    yield from ((value, value) for value in shared)


def _sections(first: SectionDimension, second: SectionDimension, atoms: Iterable[Atom]) -> Iterator[_Pair]:
    if first.states == second.states and all(_alike(first, second, atom) for atom in atoms):
        yield from ((value, value) for value in first.values)
        return
    yield first.value_of((), False), second.value_of((), False)
    for entries in _entry_lists(first, second, atoms):
        for is_open in (False, True):
            yield first.value_of(entries, True, is_open), second.value_of(entries, True, is_open)


def _alike(first: SectionDimension, second: SectionDimension, atom: Atom) -> bool:
    entry = _entry(atom)
    return first.name_of(entry) == second.name_of(entry)


def _entry_lists(
    first: SectionDimension, second: SectionDimension, atoms: Iterable[Atom]
) -> Iterator[tuple[Entry, ...]]:
    """Give every list of entries that a section may tell from another, each kind as often as it is counted."""
    stand_ins: dict[tuple[str | None, str | None], Entry] = {}
    for atom in atoms:
        entry = _entry(atom)
        stand_ins.setdefault((first.name_of(entry), second.name_of(entry)), entry)
    stand_ins.pop((None, None), None)
    most = [_most(first, second, names) for names in stand_ins]
    for counts in itertools.product(*(range(each + 1) for each in most)):
        yield tuple(entry for entry, times in zip(stand_ins.values(), counts, strict=True) for _ in range(times))


def _most(first: SectionDimension, second: SectionDimension, names: tuple[str | None, str | None]) -> int:
    caps = [
        each.kinds[name][1] for each, name in zip((first, second), names, strict=True) if name and name in each.kinds
    ]
    return max(caps, default=1)


def _entry(atom: Atom) -> Entry:
    return Entry(atom, True, None, {})
