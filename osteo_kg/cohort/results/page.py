"""The summary as a page: who is left at each step, what is decided, and where the T-scores lie in each branch.

The figures are SVG in the page itself: bars need no library, and a page of a registry has to fetch nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from osteo_kg import package_data
from osteo_kg.cohort.results.summary import Summary

#: How many have each score, by branch of the guideline and by disposition.
Distribution = Mapping[str, Mapping[str, Counter[float]]]
_WIDTH, _LEFT, _RIGHT, _LINE = 860, 270, 140, 28
_LOW, _HIGH, _HEIGHT, _MARGIN = -6, 4, 150, 10
_STEP = (_WIDTH - 2 * _MARGIN) / ((_HIGH - _LOW) * 10 + 1)  # a tenth of a T-score
_COLOURS = ("#3b6ea5", "#c26a3d", "#5b8c5a", "#8d5a97", "#b59b3b", "#4d9aa6", "#7a7a7a")


@dataclass(frozen=True, slots=True)
class _Bar:
    name: str
    count: int
    share: float  # per cent
    x: float
    width: float
    base: int
    colour: str
    x0: int = _LEFT


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    x: float
    y: float
    height: float
    colour: str
    width: float = _STEP * 0.9


@dataclass(frozen=True, slots=True)
class _Histogram:
    branch: str
    total: int
    columns: tuple[_Column, ...]
    height: int = _HEIGHT


def page(summary: Summary, distribution: Distribution) -> str:
    """Write the page; it holds counts only, and needs nothing beside it."""

    def named(counts: Mapping[str, int]) -> list[tuple[str, int]]:
        return [(summary.called(key), count) for key, count in counts.items()]

    colours = dict(zip(sorted(summary.dispositions), _COLOURS, strict=False))
    return package_data.template("cohort_summary.html").render(
        summary=summary,
        title=f"Patients on {summary.on.isoformat()}: {summary.patients:,}",
        width=_WIDTH,
        bars=list(_bars(summary)),
        legend=[(summary.called(each), colour) for each, colour in colours.items()],
        histograms=[_histogram(*each, colours, summary) for each in sorted(distribution.items())],
        ticks=[(tick, _across(tick) + _STEP * 0.45) for tick in range(_LOW, _HIGH + 1)],
        strengths=named(summary.strengths),
        missing=named(summary.missing),
        options=[
            (f"{summary.called(option)}, of those to be treated", named(statuses))
            for option, statuses in summary.options.items()
        ],
        warnings=named(summary.warnings),
        assumptions=named(summary.assumptions),
    )


def _bars(summary: Summary) -> Iterator[_Bar]:
    """Draw all patients, then whom each outcome takes of them: each bar begins where the one before it ends."""
    total = summary.patients or 1
    scale = (_WIDTH - _LEFT - _RIGHT) / total
    outcomes = {"refused by the shapes": summary.rejected}
    outcomes |= {summary.called(key): count for key, count in summary.dispositions.items()}
    bars = [("all patients", summary.patients, 0, _COLOURS[-1])]
    starts = accumulate(outcomes.values(), initial=0)
    bars += [(name, count, start, _COLOURS[0]) for (name, count), start in zip(outcomes.items(), starts, strict=False)]
    for line, (name, count, start, colour) in enumerate(bars):
        place = _LEFT + start * scale
        yield _Bar(name, count, 100 * count / total, place, count * scale, line * _LINE + 19, colour)


def _histogram(
    branch: str, scores: Mapping[str, Counter[float]], colours: Mapping[str, str], summary: Summary
) -> _Histogram:
    """Draw how many of a branch have each score, what is decided of them one upon the other."""
    heights = sum(scores.values(), Counter[float]())
    scale, below = (_HEIGHT - 20) / max(heights.values()), Counter[float]()
    columns = []
    for disposition, colour in colours.items():
        name = summary.called(disposition)
        for score, count in sorted(scores.get(disposition, {}).items()):
            below[score] += count
            title = f"{score:.1f}, {name}: {count:,}"
            top = _HEIGHT - below[score] * scale
            columns.append(_Column(title, _across(score), top, count * scale, colour))
    return _Histogram(branch, heights.total(), tuple(columns))


def _across(score: float) -> float:
    """Give the place of a score on the axis; what lies beyond stands at its end."""
    return _MARGIN + (min(max(score, _LOW), _HIGH) - _LOW) * 10 * _STEP
