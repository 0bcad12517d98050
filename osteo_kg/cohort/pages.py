"""The summary as a page: who is left at each step, what is decided, and where the T-scores lie."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterator, Mapping

from osteo_kg.cohort.summary import Summary

Distribution = dict[str, Counter[float]]
_WIDTH, _HEIGHT, _LINE = 720, 90, 26
_COLOURS = ("#3b6ea5", "#c26a3d", "#5b8c5a", "#8d5a97", "#b59b3b", "#4d9aa6", "#7a7a7a")
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}svg{max-width:100%}"
    "td{padding:.1em 1em .1em 0}td:last-child{text-align:right}"
)


def page(summary: Summary, distribution: Mapping[str, Counter[float]]) -> str:
    """Write the page; it holds counts only, and needs nothing beside it."""
    return "".join(_parts(summary, distribution))


def _parts(summary: Summary, distribution: Mapping[str, Counter[float]]) -> Iterator[str]:
    yield f"<!DOCTYPE html><html lang='en'><meta charset='utf-8'><title>Cohort</title><style>{_STYLE}</style>"
    yield f"<h1>{summary.patients:,} patients on {summary.on.isoformat()}</h1>"
    yield "<p>Not a medical device; no clinician has reviewed this reading of the guideline.</p>"
    yield "<h2>From all patients to each disposition</h2>"
    yield _bars({"patients": summary.patients, "decided": summary.decided, **summary.dispositions})
    if summary.missing:
        yield "<h2>Lacking, and would settle the disposition</h2>" + _bars(summary.missing)
    yield "<h2>Lowest T-score, by what is decided</h2>"
    for place, (branch, scores) in enumerate(sorted(distribution.items())):
        yield _histogram(branch, scores, _COLOURS[place % len(_COLOURS)])
    for title, counts in (("Warnings", summary.warnings), ("Assumptions", summary.assumptions)):
        yield f"<h2>{title}</h2>{_table(counts)}"
    yield f"<p>{html.escape(summary.guideline)} ({summary.review}); osteo-kg {html.escape(summary.software)}; "
    yield f"knowledge {summary.knowledge}.</p></html>\n"


def _bars(counts: Mapping[str, int]) -> str:
    """Draw one bar for each count, the longest across the page."""
    most = max(counts.values(), default=0) or 1
    rows = [
        f"<rect x='220' y='{place * _LINE + 4}' height='18' width='{count / most * (_WIDTH - 340):.1f}' "
        "fill='#3b6ea5'/>"
        f"<text x='210' y='{place * _LINE + 18}' text-anchor='end'>{html.escape(name)}</text>"
        f"<text x='{225 + count / most * (_WIDTH - 340):.1f}' y='{place * _LINE + 18}'>{count:,}</text>"
        for place, (name, count) in enumerate(counts.items())
    ]
    return f"<svg viewBox='0 0 {_WIDTH} {len(counts) * _LINE}' role='img' font-size='14'>{''.join(rows)}</svg>"


def _histogram(branch: str, scores: Counter[float], colour: str) -> str:
    """Draw how many have each score, on one scale for every branch."""
    most = max(scores.values())
    low, high = -6.0, 4.0
    step = _WIDTH / ((high - low) * 10)
    columns = [
        f"<rect x='{(score - low) * 10 * step:.1f}' y='{_HEIGHT - count / most * 60:.1f}' width='{step * 0.9:.1f}' "
        f"height='{count / most * 60:.1f}' fill='{colour}'><title>{score:.1f}: {count:,}</title></rect>"
        for score, count in sorted(scores.items())
        if low <= score <= high
    ]
    ticks = [
        f"<text x='{(tick - low) * 10 * step:.1f}' y='{_HEIGHT + 14}' font-size='11'>{tick}</text>"
        for tick in range(int(low), int(high))
    ]
    title = f"<text x='0' y='14'>{html.escape(branch)} ({sum(scores.values()):,})</text>"
    return (
        f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT + 18}' role='img' font-size='14'>{title}{''.join(columns + ticks)}</svg>"
    )


def _table(counts: Mapping[str, int]) -> str:
    rows = "".join(f"<tr><td>{html.escape(name)}<td>{count:,}" for name, count in counts.items())
    return f"<table>{rows}</table>"
