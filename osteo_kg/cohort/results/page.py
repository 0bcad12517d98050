"""The summary as a page: who is left at each step, what is decided, and where the T-scores lie in each branch.

The figures are SVG in the page itself: bars need no library, and a page of a registry has to fetch nothing.
"""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate

from osteo_kg.cohort.results.summary import Summary

#: How many have each score, by branch of the guideline and by disposition.
Distribution = Mapping[str, Mapping[str, Counter[float]]]
_WIDTH, _LEFT, _RIGHT, _LINE = 860, 270, 140, 28
_LOW, _HIGH, _HEIGHT, _MARGIN = -6, 4, 150, 10
_STEP = (_WIDTH - 2 * _MARGIN) / ((_HIGH - _LOW) * 10 + 1)  # a tenth of a T-score
_COLOURS = ("#3b6ea5", "#c26a3d", "#5b8c5a", "#8d5a97", "#b59b3b", "#4d9aa6", "#7a7a7a")
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:56em;margin:2em auto;padding:0 1em;color:#222}svg{width:100%;height:auto}"
    "td{padding:.1em 1em .1em 0}td+td{text-align:right;font-variant-numeric:tabular-nums}.key{margin-right:1.2em}"
)


def page(summary: Summary, distribution: Distribution) -> str:
    """Write the page; it holds counts only, and needs nothing beside it."""
    return "".join(_parts(summary, distribution))


def _parts(summary: Summary, distribution: Distribution) -> Iterator[str]:
    title = f"Patients on {summary.on.isoformat()}: {summary.patients:,}"
    yield f"<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'/><title>{title}</title>"
    yield f"<style>{_STYLE}</style></head><body><h1>{title}</h1>"
    yield "<p>Not a medical device; no clinician has reviewed this reading of the guideline.</p>"
    yield "<h2>From all patients to each disposition</h2>" + _attrition(summary)
    for heading, counts in (
        ("Strength", summary.strengths),
        ("Blocked by a missing fact, some by several", summary.missing),
    ):
        yield _table(heading, counts, summary)
    yield "<h2>Lowest T-score, by branch of the guideline</h2>"
    colours = dict(zip(sorted(summary.dispositions), _COLOURS, strict=False))
    yield f"<p>{''.join(_key(summary.called(each), colour) for each, colour in colours.items())}</p>"
    for branch, scores in sorted(distribution.items()):
        yield _histogram(branch, scores, colours, summary)
    for option, statuses in summary.options.items():
        yield _table(f"{summary.called(option)}, of those to be treated", statuses, summary)
    for heading, counts in (("Warnings", summary.warnings), ("Assumptions", summary.assumptions)):
        yield _table(heading, counts, summary)
    yield f"<p>{html.escape(summary.guideline)} ({html.escape(summary.review)}); "
    yield f"osteo-kg {html.escape(summary.software)}; knowledge {summary.knowledge}.</p></body></html>\n"


def _attrition(summary: Summary) -> str:
    """Draw all patients, then whom each outcome takes of them: each bar begins where the one before it ends."""
    outcomes = {"refused by the shapes": summary.rejected}
    outcomes |= {summary.called(key): count for key, count in summary.dispositions.items()}
    starts = [0, *accumulate(outcomes.values())]
    bars = [_bar(0, "all patients", 0, summary.patients, summary.patients, _COLOURS[-1])]
    for line, ((name, count), start) in enumerate(zip(outcomes.items(), starts, strict=False), 1):
        bars.append(_bar(line, name, start, count, summary.patients, _COLOURS[0]))
    return _figure("".join(bars), len(bars) * _LINE, "Who is left at each step")


def _bar(line: int, name: str, start: int, count: int, total: int, colour: str) -> str:
    scale = (_WIDTH - _LEFT - _RIGHT) / (total or 1)
    x, width, base = _LEFT + start * scale, count * scale, line * _LINE + 19
    return (
        f"<text x='{_LEFT - 10}' y='{base}' text-anchor='end'>{html.escape(name)}</text>"
        f"<rect x='{x:.1f}' y='{line * _LINE + 4}' width='{width:.1f}' height='20' fill='{colour}'/>"
        f"<text x='{x + width + 6:.1f}' y='{base}'>{count:,} ({count / (total or 1):.1%})</text>"
    )


def _histogram(branch: str, scores: Mapping[str, Counter[float]], colours: Mapping[str, str], summary: Summary) -> str:
    """Draw how many of a branch have each score, what is decided of them one upon the other."""
    heights = sum(scores.values(), Counter[float]())
    scale, below = (_HEIGHT - 20) / max(heights.values()), Counter[float]()
    columns = []
    for disposition, colour in colours.items():
        name = html.escape(summary.called(disposition))
        for score, count in sorted(scores.get(disposition, {}).items()):
            below[score] += count
            place = f"x='{_across(score):.1f}' y='{_HEIGHT - below[score] * scale:.1f}'"
            size = f"width='{_STEP * 0.9:.1f}' height='{count * scale:.1f}'"
            columns.append(f"<rect {place} {size} fill='{colour}'><title>{score:.1f}, {name}: {count:,}</title></rect>")
    heading = f"<h3>{html.escape(branch)}: {heights.total():,}</h3>"
    return heading + _figure("".join(columns) + _axis(), _HEIGHT + 20, branch)


def _axis() -> str:
    ticks = [(tick, _across(tick) + _STEP * 0.45) for tick in range(_LOW, _HIGH + 1)]
    words = f"y='{_HEIGHT + 15}' font-size='12' text-anchor='middle'"
    return "".join(f"<text x='{x:.1f}' {words}>{tick}</text>" for tick, x in ticks)


def _across(score: float) -> float:
    """Give the place of a score on the axis; what lies beyond stands at its end."""
    return _MARGIN + (min(max(score, _LOW), _HIGH) - _LOW) * 10 * _STEP


def _figure(content: str, height: int, name: str) -> str:
    label = html.escape(name, quote=True)
    return f"<svg viewBox='0 0 {_WIDTH} {height}' role='img' aria-label='{label}' font-size='14'>{content}</svg>"


def _key(name: str, colour: str) -> str:
    return f"<span class='key'><span style='color:{colour}'>&#9632;</span> {html.escape(name)}</span>"


def _table(heading: str, counts: Mapping[str, int], summary: Summary) -> str:
    """Give counts under a heading; nothing where there are none."""
    rows = "".join(f"<tr><td>{html.escape(summary.called(key))}</td><td>{n:,}</td></tr>" for key, n in counts.items())
    return f"<h2>{html.escape(heading)}</h2><table>{rows}</table>" if rows else ""
