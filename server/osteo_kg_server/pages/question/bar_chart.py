"""A chart of bars, where a question counts something for each of several things: what is drawn, and where."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from osteo_kg.rdf import tokens

_MOST_BARS = 60
_LINE, _BAR, _GAP = 18, 16, 10  # pixels: the height of a line of words, of a bar, and between two things
_WIDEST = 78  # per cent of the width that the longest bar takes; its number stands behind it
_LETTERS = 44  # of a line of words, which a small screen has room for
_COUNTING = ("COUNT", "SUM")


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: where it begins from above, how wide it is in per cent, which column it is of, and what it counts."""

    top: int
    width: float
    series: int
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """What is counted for one thing: the words above the bars, each with where it stands, and the bars."""

    words: tuple[tuple[int, str], ...]
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its height in pixels, what it counts, and the bars of each thing."""

    height: int
    counted: tuple[str, ...]
    groups: tuple[Group, ...]


def counted(query: str) -> frozenset[str]:
    """Give the variables of a query that hold a count or a sum.

    >>> sorted(counted("SELECT ?c (COUNT(*) AS ?n) (STR(?c) AS ?s) { ?x a ?c } GROUP BY ?c"))
    ['n']
    """
    found, counts = set(), False
    for token, after in itertools.pairwise(tokens(query)):
        if token.is_word(*_COUNTING):
            counts = True
        elif token.is_mark("{", "}"):
            counts = False
        elif token.is_word("AS"):
            if counts and after.kind == "variable":
                found.add(after.text[1:])
            counts = False
    return frozenset(found)


def drawn(names: Sequence[str], rows: Sequence[Sequence[str]], counts: frozenset[str]) -> Chart | None:
    """Draw the counts of a table; None where there are none, or too many to be seen.

    Args:
        names: the columns.
        rows: the text of every cell.
        counts: the columns that hold counts.
    """
    series = [place for place, name in enumerate(names) if name in counts]
    labels = [place for place in range(len(names)) if place not in series]
    if not series or not labels or not 1 < len(rows) <= _MOST_BARS:
        return None
    try:
        values = [[Decimal(row[place] or 0) for place in series] for row in rows]
        most, least = max(map(max, values)), min(map(min, values))
        can_be_drawn = most.is_finite() and most > 0 <= least
    except ArithmeticError:  # what is no number
        can_be_drawn = False
    if not can_be_drawn:
        return None
    top, groups = 0, []
    for row, of_row in zip(rows, values, strict=True):
        group, top = _group(", ".join(row[place] for place in labels if row[place]), of_row, most, top)
        groups.append(_named(group, [names[place] for place in series] if len(series) > 1 else []))
    return Chart(top, tuple(names[place] for place in series), tuple(groups))


def _group(label: str, values: Sequence[Decimal], most: Decimal, top: int) -> tuple[Group, int]:
    """Lay out what is counted for one thing, and give where the next one begins."""
    words = []
    for line in textwrap.wrap(label, _LETTERS) or ["–"]:
        top += _LINE
        words.append((top, line))
    top += _GAP // 2
    bars = []
    for series, value in enumerate(values):
        bars.append(Bar(top, round(float(_WIDEST * value / most), 1), series, f"{value.normalize():f}"))
        top += _BAR + 1
    return Group(tuple(words), tuple(bars)), top + _GAP


def _named(group: Group, names: Sequence[str]) -> Group:
    """Say behind each bar of which column it is, where there are several."""
    if not names:
        return group
    bars = (Bar(each.top, each.width, each.series, f"{each.text} {names[each.series]}") for each in group.bars)
    return Group(group.words, tuple(bars))
