"""Figures of the page of a cohort: where bars, columns, axes and words stand.

A figure is as wide as a small telephone, and its words are as large there as the text around it; on a wider page all
of it grows. What bars stand for is written beside them, so that no colour has to be told from another.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

WIDTH = 400
_LINE, _BAR, _GAP, _AXIS = 16, 14, 8, 40  # heights: of a line, of a bar, below it, of the axis
_LEFT, _SPAN = 4, 250  # where bars begin, and how long the longest may be
_LETTERS = 58  # of a line of words
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_PLOT_LEFT, _PLOT_RIGHT, _PLOT_TOP, _PLOT_HEIGHT = 52, 348, 22, 84
_STEPS = (1, 2, 5, 10)
_MOST_TICKS = 4


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the length of a bar, as shares of the whole.

    Attributes:
        kind: `filled`, `outlined`, or `dashed` where it holds what is suppressed.
    """

    start: float
    share: float
    title: str
    kind: str = "filled"


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A bar or a column where it stands."""

    x: float
    y: float
    width: float
    height: float
    title: str
    kind: str = "filled"


@dataclass(frozen=True, slots=True)
class Words:
    """Words where they stand; `anchor` says with which end."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Rule:
    """A thin line."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, slots=True)
class Figure:
    """What is drawn, and what it is called for those who do not see it."""

    name: str
    description: str
    height: float
    rectangles: tuple[Rectangle, ...]
    words: tuple[Words, ...]
    rules: tuple[Rule, ...]
    width: int = WIDTH


@dataclass(frozen=True, slots=True)
class Row:
    """A bar to be drawn: its name, what is written behind it, and its stretches."""

    name: str
    value: str
    stretches: tuple[Stretch, ...]


def bars(name: str, rows: Sequence[Row], axis: str, shares: Sequence[str]) -> Figure:
    """Draw bars below their names, over an axis of shares.

    Args:
        name: what the figure is called.
        rows: the bars.
        axis: what the shares are of.
        shares: how the five shares of the axis are written.
    """
    rectangles, words, y = list[Rectangle](), list[Words](), 0.0
    for row in rows:
        for line in textwrap.wrap(row.name, _LETTERS):
            y += _LINE
            words.append(Words(_LEFT, y - 4, line))
        for each in row.stretches:
            x = _LEFT + each.start * _SPAN
            rectangles.append(Rectangle(x, y, each.share * _SPAN, _BAR, each.title, each.kind))
        words.append(Words(_LEFT + _SPAN + 6, y + _BAR - 3, row.value))
        y += _BAR + _GAP
    places = [_LEFT + share * _SPAN for share in _SHARES]
    words += [
        Words(place, y + 12, text, "start" if place == _LEFT else "middle")
        for place, text in zip(places, shares, strict=True)
    ]
    words.append(Words(_LEFT, y + 30, axis))
    rules = (*(Rule(place, 0, place, y) for place in places), Rule(_LEFT, y, _LEFT + _SPAN, y))
    told = "; ".join(f"{row.name}: {row.value}" for row in rows)
    return Figure(name, told, y + _AXIS, tuple(rectangles), tuple(words), rules)


@dataclass(frozen=True, slots=True)
class Column:
    """A column to be drawn: how many, None where that is suppressed, and what is told of it."""

    count: int | None
    title: str


@dataclass(frozen=True, slots=True)
class Axes:
    """What stands along a histogram: the edges between columns that are named, and the names of the three axes."""

    edges: Mapping[int, str]
    across: str
    counts: str
    shares: str


def histogram(name: str, columns: Sequence[Column], axes: Axes, ticks: Iterable[tuple[int, str, str]]) -> Figure:
    """Draw a histogram: counts on the left, shares on the right.

    Args:
        name: what the figure is called.
        columns: the columns from left to right.
        axes: what stands along it.
        ticks: counts of the axis, each written as a count and as a share; the last is the highest.
    """
    marks = list(ticks)
    scale = _PLOT_HEIGHT / max(marks[-1][0], 1)
    step, floor = (_PLOT_RIGHT - _PLOT_LEFT) / len(columns), _PLOT_TOP + _PLOT_HEIGHT
    rectangles, words, rules = list[Rectangle](), list[Words](), list[Rule]()
    for place, each in enumerate(columns):
        x = _PLOT_LEFT + place * step
        if each.count is None:
            words.append(Words(x + step / 2, floor - 3, "×", "middle"))
        elif each.count:
            high = each.count * scale
            rectangles.append(Rectangle(x + 1, floor - high, step - 2, high, each.title))
    for count, as_count, as_share in marks:
        y = floor - count * scale
        rules.append(Rule(_PLOT_LEFT, y, _PLOT_RIGHT, y))
        words += [Words(_PLOT_LEFT - 4, y + 4, as_count, "end"), Words(_PLOT_RIGHT + 4, y + 4, as_share)]
    for edge, text in axes.edges.items():
        x = _PLOT_LEFT + edge * step
        rules.append(Rule(x, floor, x, floor + 4))
        words.append(Words(x, floor + 16, text, "middle"))
    words += [
        Words(0, 11, axes.counts),
        Words(WIDTH, 11, axes.shares, "end"),
        Words((_PLOT_LEFT + _PLOT_RIGHT) / 2, floor + 32, axes.across, "middle"),
    ]
    told = "; ".join(each.title for each in columns if each.count is None or each.count)
    return Figure(name, told, floor + _AXIS, tuple(rectangles), tuple(words), tuple(rules))


def even_counts(most: int) -> Iterator[int]:
    """Give counts for an axis: round ones from 0 to the first that is not below `most`.

    >>> list(even_counts(7)), list(even_counts(1)), list(even_counts(1234))
    ([0, 2, 4, 6, 8], [0, 1], [0, 500, 1000, 1500])
    """
    size = 10 ** max(math.floor(math.log10(max(most, 1))) - 1, 0)
    steps = (size * step * power for power in (1, 10) for step in _STEPS)
    step = next(each for each in steps if each * _MOST_TICKS >= most)
    yield from range(0, math.ceil(most / step) * step + 1, step)
