"""The summary as a page to publish: counts with their shares, figures, what was read, and how to cite it.

The figures are SVG in the page itself: bars need no library, and a page of a registry has to fetch nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from osteo_kg import package_data
from osteo_kg.bilingual import COLON, LANGUAGES, Language, shown_count, shown_number, shown_share, typeset
from osteo_kg.cohort.results import methods, score_plots
from osteo_kg.cohort.results.figures import Axes, Column, Figure, Row, Stretch, bars, even_counts, histogram
from osteo_kg.cohort.results.methods import About
from osteo_kg.cohort.results.report_words import FORMATS, WORDS
from osteo_kg.cohort.results.score_plots import Distribution, Panel
from osteo_kg.cohort.results.shown_counts import ShownCounts
from osteo_kg.cohort.results.summary import DECIDED, LISTED, READ, REFUSED, Summary

_ELIGIBLE, _OPEN = "eligible", "undetermined"
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class _Table:
    """A table: the heads of its columns, and in each line first what it is of."""

    caption: str
    head: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Branch:
    name: str
    figures: tuple[Figure, ...]
    table: _Table


def page(summary: Summary, distribution: Distribution, about: About) -> str:
    """Write the page; it holds counts only, and needs nothing beside it."""
    view = _View(summary, distribution, about)
    return package_data.template("cohort_report.html").render(
        view=view,
        say=view.say,
        language=summary.language,
        about=about,
        paragraphs=[
            (each, methods.paragraph(summary, about, view.counts, each))
            for each in sorted(LANGUAGES, key=lambda each: each != summary.language)
        ],
    )


class _View:
    """What stands on the page, in the language of the summary."""

    def __init__(self, summary: Summary, distribution: Distribution, about: About) -> None:
        self._summary = summary
        self._distribution = distribution
        self._about = about
        self._language: Language = summary.language
        self.counts = ShownCounts(summary, about.small_cells)

    def say(self, name: str, **values: object) -> str:
        """Give words of the page, with what stands in the places between braces."""
        text = WORDS[name].get(self._language)
        for key, value in values.items():
            text = text.replace("{" + key + "}", str(value))
        return typeset(text, self._language)

    # words

    def _called(self, key: str) -> str:
        return self._beginning(self._summary.called(key))

    def _beginning(self, text: str) -> str:
        """Write words as the beginning of a line."""
        return typeset(text[:1].upper() + text[1:], self._language)

    def _number(self, count: int | None) -> str:
        return methods.number(count, self._language, WORDS["suppressed"])

    def _share(self, count: int | None, total: int | None) -> str:
        return shown_share(count / total).get(self._language) if count is not None and total else "–"

    def _value(self, count: int | None, total: int | None) -> str:
        return (
            self._number(count)
            if count is None or not total
            else f"{self._number(count)} ({self._share(count, total)})"
        )

    def _shares(self) -> list[str]:
        return [shown_share(each).get(self._language).replace(",0", "").replace(".0", "") for each in _TICKS]

    def _of(self, total: int | None, what: str) -> str:
        """Say what shares are of."""
        return (
            self.say("of-unknown") if total is None else self.say("of", total=self._number(total), what=self.say(what))
        )

    def _table(
        self,
        caption: str,
        first: str,
        counts: Mapping[str, int | None],
        total: int | None,
        what: str,
    ) -> _Table:
        """Make a table of counts, by what each is called, with their shares."""
        lines = tuple((name, self._number(count), self._share(count, total)) for name, count in counts.items())
        return _Table(caption, (self.say(first), self.say("records"), self._of(total, what)), lines)

    # the head of the page

    @property
    def title(self) -> str:
        """The title of the page."""
        return self.say("title", guideline=self._about.guideline.get(self._language))

    @property
    def disclaimer(self) -> str:
        """What the page is not."""
        return self.say("disclaimer", review=self._summary.called(self._summary.review))

    @property
    def day(self) -> str:
        """The day of assessment."""
        return methods.day(self._summary.on, self._language)

    @property
    def most(self) -> int:
        """The largest count that is small."""
        return self._about.small_cells - 1

    # records and persons

    @property
    def who(self) -> _Table:
        """What was read, and of whom."""
        persons = self.counts.persons
        found = {
            "read": self.counts.of(READ),
            "refused": self.counts.of(REFUSED),
            "decided": self.counts.of(DECIDED),
            "persons": persons.persons,
        }
        if self._summary.repeated_ids.ids:
            found |= {
                "repeated": persons.repeated,
                "repeated-rows": persons.repeated_rows,
                "differently": persons.differently,
            }
        if self._summary.rows_without_id:
            found["unnamed"] = persons.unnamed
        lines = tuple((self.say(name), self._number(count)) for name, count in found.items())
        return _Table(self.say("who-caption"), ("", self.say("count")), lines)

    # what is recommended

    def _outcomes(self) -> dict[str, int | None]:
        """Give how many records have each outcome, by what it is called; those that are suppressed come last."""
        found = {self._called(key): count for key, count in self.counts.parts("disposition").items()}
        refused = {self.say("refused"): self.counts.of(REFUSED)} if self._summary.rejected else {}
        both = refused | found
        return {name: both[name] for name in sorted(both, key=lambda each: both[each] is None)}

    @property
    def flow(self) -> _Table:
        """The outcomes as a table."""
        read = self.counts.of(READ)
        return self._table(self.say("flow-caption"), "course", self._outcomes(), read, "what-read")

    @property
    def flow_figure(self) -> Figure | None:
        """From all records to each outcome; what is suppressed is one bar. None where nothing may be drawn."""
        read = self.counts.of(READ)
        if not read:
            return None
        outcomes = self._outcomes()
        shown = {name: count for name, count in outcomes.items() if count is not None}
        left, lines = read - sum(shown.values()), len(outcomes) - len(shown)
        bars_ = [(self.say("all"), read, 0, "filled")]
        start = 0
        for name, count in shown.items():
            bars_.append((name, count, start, "filled"))
            start += count
        if lines:
            bars_.append((self.say("rest", count=lines), left, start, "dashed"))
        rows = [
            Row(name, value := self._value(count, read), (self._stretch(name, value, start, count, read, kind),))
            for name, count, start, kind in bars_
        ]
        return bars(self.say("flow-caption"), rows, self._of(read, "what-read"), self._shares())

    def _stretch(self, name: str, value: str, start: int, count: int, total: int, kind: str = "filled") -> Stretch:
        return Stretch(start / total, count / total, f"{name}{COLON.get(self._language)}{value}", kind)

    @property
    def strengths(self) -> Iterator[_Table]:
        """How strongly each course of action is recommended, where the guideline says so."""
        for disposition in self.counts.parts("disposition"):
            parts = self.counts.parts("strength", disposition)
            if any(parts):
                named = {self._called(key) if key else self.say("degree-open"): count for key, count in parts.items()}
                caption = self.say("strength-caption", what=self._called(disposition))
                total = self.counts.of(("disposition", disposition))
                yield self._table(caption, "degree", named, total, "what-these")

    # options

    def _statuses(self) -> Iterator[tuple[str, dict[str, int | None]]]:
        for option in self._summary.options:
            yield self._called(option), self.counts.parts("option", option)

    @property
    def options(self) -> _Table | None:
        """The status of every option."""
        if not self._summary.options:
            return None
        total = self.counts.of(LISTED)
        found = list(self._statuses())
        told = {each for _, counts in found for each in counts}
        known = sorted(told, key=lambda each: (each != _ELIGIBLE, each != _OPEN, each))
        head = [self.say("option"), *(self._status(each) for each in known)]
        lines = tuple((name, *(self._value(counts.get(each, 0), total) for each in known)) for name, counts in found)
        caption = f"{self.say('options-caption')} ({self._number(total)})"
        return _Table(caption, tuple(head), lines)

    def _status(self, key: str) -> str:
        return self._beginning(self._summary.statuses[key].get(self._language))

    @property
    def options_figure(self) -> Figure | None:
        """How many have each option, and of how many that is open."""
        total = self.counts.of(LISTED)
        rows = list(self._option_rows(total)) if total else []
        if not rows:
            return None
        return bars(self.say("options-caption"), rows, self._of(total, "what-listed"), self._shares())

    def _option_rows(self, total: int) -> Iterator[Row]:
        for name, counts in self._statuses():
            eligible, is_open = counts.get(_ELIGIBLE, 0), counts.get(_OPEN, 0)
            if eligible is None:
                yield Row(name, self._number(None), ())
                continue
            stretches = [self._stretch(self._status(_ELIGIBLE), self._value(eligible, total), 0, eligible, total)]
            if is_open:
                value = self._value(is_open, total)
                stretches.append(self._stretch(self._status(_OPEN), value, eligible, is_open, total, "outlined"))
            yield Row(name, self._value(eligible, total), tuple(stretches))

    # what is missing, and notices

    @property
    def _base(self) -> tuple[int | None, str]:
        """What shares of notices are of: the decided, or all records where the former is suppressed."""
        decided = self.counts.of(DECIDED)
        return (self.counts.of(READ), "what-read") if decided is None else (decided, "what-decided")

    @property
    def missing(self) -> _Table | None:
        """How many lack each fact."""
        counts = {self._called(key): count for key, count in self.counts.parts("missing").items()}
        return self._table(self.say("missing-caption"), "fact", counts, *self._base) if counts else None

    @property
    def missing_figure(self) -> Figure | None:
        """How many lack each fact, as bars."""
        total, what = self._base
        counts = {self._called(key): count for key, count in self.counts.parts("missing").items() if count}
        if not total or not counts:
            return None
        rows = [
            Row(name, value := self._value(count, total), (self._stretch(name, value, 0, count, total),))
            for name, count in counts.items()
        ]
        return bars(self.say("missing-caption"), rows, self._of(total, what), self._shares())

    @property
    def notices(self) -> Iterator[tuple[str, _Table]]:
        """The warnings and the assumptions, each with the heading of its section."""
        for name, found in (("warnings", self._summary.warnings), ("assumptions", self._summary.assumptions)):
            if found:
                counts = {self._called(code): count for code, count in self.counts.notices(found).items()}
                yield self.say(name), self._table(self.say(f"{name}-caption"), "notice", counts, *self._base)

    # T-scores

    @property
    def branches(self) -> Iterator[_Branch]:
        """The histograms of each branch of the guideline, with their numbers."""
        totals = self.counts.parts("disposition")
        panels = score_plots.panels(self._distribution, totals, self._about.small_cells)
        by_branch = groupby(sorted(panels, key=lambda each: each.branch), key=lambda each: each.branch)
        for branch, found in by_branch:
            of_branch = list(found)
            figures = tuple(self._histogram(each) for each in of_branch)
            lines = tuple(line for each in of_branch for line in self._lines(each))
            head = (self.say("course"), self.say("score"), self.say("records"), self.say("panel-share"))
            name = self._beginning(branch)
            yield _Branch(name, figures, _Table(name, head, lines))

    def _histogram(self, panel: Panel) -> Figure:
        total = panel.total
        name = self.say("panel", what=self._called(panel.disposition), total=self._number(total))
        columns = [
            Column(count, f"{self._bin(place)}{COLON.get(self._language)}{self._value(count, total)}")
            for place, count in enumerate(panel.columns)
        ]
        edges = {
            place + 1: shown_number(str(edge // 10)).get(self._language)
            for place, edge in enumerate(score_plots.EDGES)
            if not edge % 10
        }
        ticks = [
            (count, self._number(count), self._share(count, total) if count <= total else "")
            for count in even_counts(max(each or 0 for each in panel.columns))
        ]
        shares = self.say("axis-share", total=self._number(total))
        axes = Axes(edges, self.say("axis-score"), self.say("axis-records"), shares)
        return histogram(name, columns, axes, ticks)

    def _lines(self, panel: Panel) -> Iterator[tuple[str, ...]]:
        for place, count in enumerate(panel.columns):
            if count != 0:
                share = self._share(count, panel.total)
                yield self._called(panel.disposition), self._bin(place), self._number(count), share

    def _bin(self, column: int) -> str:
        lower, upper = (
            None if each is None else shown_number(f"{each.normalize():f}").get(self._language)
            for each in score_plots.bounds(column)
        )
        name = "bin-least" if lower is None else "bin-most" if upper is None else "bin"
        return self.say(name, lower=lower, upper=upper)

    # what the report rests on

    @property
    def inputs(self) -> _Table:
        """What was read, with which software, knowledge and guideline."""
        lines = tuple((self.say(name), typeset(text, self._language)) for name, text in self._rests_on() if text)
        return _Table(self.say("inputs-caption"), ("", ""), lines)

    def _rests_on(self) -> Iterable[tuple[str, str]]:
        about, summary = self._about, self._summary
        yield "input", ", ".join(about.inputs)
        if about.files:
            size = methods.size(about.size, self._language)
            yield "files", self.say("files-of", count=self._number(about.files), size=size)
        yield "format", ", ".join(FORMATS.get(each, each) for each in about.formats)
        yield "read", self._number(self.counts.of(READ))
        yield "day", self.day
        yield "guideline", f"{about.guideline.get(self._language)} <{summary.guideline}>"
        yield "edition", about.edition
        yield "software", f"osteo-kg {summary.software}"
        yield "knowledge", summary.knowledge
        yield "profile", about.profile or self.say("no-profile")
        yield "sections", ", ".join(map(self._called, about.sections)) or self.say("no-section")
        if about.assumed_age is not None:
            yield "age", self.say("years", age=shown_count(about.assumed_age).get(self._language))
