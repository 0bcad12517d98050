"""Which values the shapes cannot refuse: conditions on columns, made from the shapes themselves.

Only constraints on single values are read: patterns, types, bounds, alternatives of them. A value whose shapes hold
anything else is not screened, and its patients go to pySHACL, which alone refuses.
"""

from __future__ import annotations

import functools
import operator
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyoxigraph as ox

from osteo_kg.rdf import LIFTED, OSTEO, RDF, SH, XSD, Node

Condition = Callable[[Any], Any]  # of texts, by themselves or in a column
_Number = TypeVar("_Number", int, Decimal)
_FREE = {RDF.type, SH.path, SH.severity, SH.name, SH.message, SH.targetSubjectsOf, SH.targetObjectsOf, SH.targetClass}
_DECIMALS = 2  # of numbers that are looked up in a range
_STEPS = 10**_DECIMALS  # of a whole number


class Texts:
    """Texts that answer as a column does.

    Args:
        texts: the texts.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = pa.array(texts, pa.string())

    def re_search(self, pattern: str) -> Any:
        """Say of each text whether a pattern is found in it."""
        return pc.match_substring_regex(self._texts, pattern).to_numpy(zero_copy_only=False)


class Screen:
    """Reads the conditions on the values of properties off the shapes.

    Args:
        shapes: the text of `shapes/case.ttl`.
    """

    def __init__(self, shapes: bytes) -> None:
        self._said: dict[Node, list[tuple[ox.NamedNode, Any]]] = defaultdict(list)
        self._about: dict[ox.NamedNode, list[Node]] = defaultdict(list)
        for quad in ox.parse(shapes, format=ox.RdfFormat.TURTLE):
            if isinstance(quad.subject, ox.NamedNode | ox.BlankNode):
                self._said[quad.subject].append((quad.predicate, quad.object))
                if quad.predicate == SH.path and isinstance(quad.object, ox.NamedNode):
                    self._about[quad.object].append(quad.subject)

    def condition(
        self,
        property_: ox.NamedNode,
        datatype: ox.NamedNode,
        compared: Iterable[ox.NamedNode] = (),
        absent: Iterable[ox.NamedNode] = (),
    ) -> Condition | None:
        """Give the condition under which no shape refuses a value; None where that cannot be told from the value.

        Args:
            property_: the property that states the value.
            datatype: the type that the reader gives to the value.
            compared: the properties with which the caller compares the value itself.
            absent: the properties that nothing states that states this one.
        """
        nothing = set(absent)
        shapes = [
            shape
            for shape in self._about[property_]
            if self._refuses(shape) and nothing.isdisjoint(self._values(shape, SH.targetSubjectsOf))
        ]
        found = [self._all(shape, datatype, frozenset(compared)) for shape in shapes]
        return None if None in found else functools.partial(_every, [each for each in found if each is not None])

    def refused_numbers(self, written: Iterable[str]) -> Iterator[str]:
        """Give those decimal numbers, each written after its property, that a shape refuses or may refuse."""
        numbers: dict[str, list[str]] = defaultdict(list)
        for each in written:
            property_, _, number = each.partition(" ")
            numbers[property_].append(number)
        for property_, texts in numbers.items():
            condition = self.condition(ox.NamedNode(property_), XSD.decimal)
            passing = condition(Texts(texts)) if condition else False
            for text, passes in zip(texts, np.broadcast_to(passing, len(texts)), strict=True):
                if not passes:
                    yield f"{property_} {text}"

    def bounds(self, property_: ox.NamedNode) -> tuple[int, int] | None:
        """Give the whole numbers between which a number that was lifted must lie."""
        for shape in self._about[property_]:
            low, high = self._values(shape, SH.minInclusive), self._values(shape, SH.maxInclusive)
            if low and high:
                return int(low[0].value), int(high[0].value)
        return None

    def _values(self, node: Node, property_: ox.NamedNode) -> list[Any]:
        return [value for name, value in self._said[node] if name == property_]

    def _refuses(self, shape: Node) -> bool:
        """Whether a shape refuses by itself: it has a target, and is no warning."""
        targets = (SH.targetSubjectsOf, SH.targetObjectsOf, SH.targetClass)
        return SH.Violation in self._values(shape, SH.severity) and any(self._values(shape, each) for each in targets)

    def _all(self, shape: Node, datatype: ox.NamedNode, told: frozenset[ox.NamedNode]) -> Condition | None:
        """Give the condition of every constraint of a shape together; None where one of them cannot be told."""
        found: list[Condition] = []
        for name, value in self._said[shape]:
            if name in _FREE or name.value.startswith(OSTEO.iri):
                continue
            condition = self._one(name, value, datatype, told)
            if condition is None:
                return None
            found.append(condition)
        return functools.partial(_every, found)

    def _one(
        self, name: ox.NamedNode, value: Any, datatype: ox.NamedNode, told: frozenset[ox.NamedNode]
    ) -> Condition | None:
        if name == SH.datatype:
            return functools.partial(_constant, value == datatype)
        if name == SH.pattern:
            return operator.methodcaller("re_search", value.value)
        if name in (SH.maxCount, SH.minCount):
            return functools.partial(_constant, int(value.value) == 1)  # a flat record states one value
        if (name == SH.lessThanOrEquals and value in told) or (name == LIFTED.notAfter and name in told):
            return functools.partial(_constant, True)
        if name == SH["or"]:
            return self._any(value, datatype, told)
        if name == SH["not"]:
            inner = self._all(value, datatype, told)
            return None if inner is None else functools.partial(_negated, inner)
        return None

    def _any(self, alternatives: Node, datatype: ox.NamedNode, told: frozenset[ox.NamedNode]) -> Condition | None:
        each = [self._all(shape, datatype, told) for shape in self._listed(alternatives)]
        known = [condition for condition in each if condition is not None]
        return functools.partial(_some, known) if known else None

    def _listed(self, node: Node) -> Iterator[Node]:
        """Give the members of an RDF list."""
        while first := self._values(node, RDF.first):
            yield first[0]
            [node] = self._values(node, RDF.rest)


def whole_range(condition: Condition, low: int, high: int) -> tuple[int, int] | None:
    """Give the first and the last whole number that meet a condition; None where they leave a gap."""
    numbers = range(low, high + 1)
    found = _spans(numbers, condition, [str(number) for number in numbers])
    return found[0] if len(found) == 1 else None


def is_rounded(column: Any, decimals: int) -> Any:
    """Say which numbers have no more than so many decimals.

    None of them is made a whole number on the way: that would end the run where one is NaN, or has no end.
    """
    return column.round(decimals) == column if decimals else column % 1 == 0


def certain_numbers(condition: Condition | None, ranges: Sequence[tuple[float, float]], column: Any) -> Any:
    """Say of a column of numbers where no shape refuses the number: in one of some ranges, or else by its text."""
    if condition is None:
        return column.isnull()
    text = column.cast("string")
    by_text = text.re_search(r"^-?[0-9]+[.][0-9]+$") & condition(text)
    short = is_rounded(column, _DECIMALS) & (column != 0)  # which may have a sign
    widest_first = sorted(ranges, key=lambda each: each[0] - each[1])
    in_a_range = functools.reduce(operator.or_, (column.between(*each) for each in widest_first), ibis.literal(False))
    return ibis.ifelse(short, in_a_range, by_text).fill_null(column.isnull())


def number_ranges(condition: Condition, highest: int) -> list[tuple[float, float]]:
    """Give the ranges in which every number of few decimals meets a condition: the least and the greatest of each.

    Args:
        condition: the condition on the text of a number.
        highest: how far on each side of nought numbers are tried.
    """
    reach = highest * _STEPS
    steps = [Decimal(number) / _STEPS for number in range(-reach, reach + 1)]
    found = _spans(steps, condition, [f"{number:f}" for number in steps])
    return [(float(first), float(last)) for first, last in found]


def _spans(numbers: Sequence[_Number], condition: Condition, texts: list[str]) -> list[tuple[_Number, _Number]]:
    """Give the first and the last of each run of numbers whose texts meet a condition."""
    met = np.broadcast_to(condition(Texts(texts)), len(texts)).astype(np.int8)
    edges = np.diff(met, prepend=0, append=0)
    first, after = (np.flatnonzero(edges == edge).tolist() for edge in (1, -1))
    return [(numbers[start], numbers[end - 1]) for start, end in zip(first, after, strict=True)]


def _constant(truth: bool, _: object) -> bool:
    return truth


def _every(conditions: list[Condition], text: Any) -> Any:
    return functools.reduce(operator.and_, (condition(text) for condition in conditions), True)


def _some(conditions: list[Condition], text: Any) -> Any:
    return functools.reduce(operator.or_, (condition(text) for condition in conditions), False)


def _negated(condition: Condition, text: Any) -> Any:
    return condition(text) == False  # noqa: E712  # in Python and in a column
