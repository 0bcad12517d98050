"""What a report rests on, and the paragraph for the methods section that says so."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from osteo_kg.bilingual import BilingualText, Language, shown_count, shown_day, typeset
from osteo_kg.cohort.results.report_words import METHODS
from osteo_kg.cohort.results.shown_counts import ShownCounts
from osteo_kg.cohort.results.small_cells import SMALL_CELLS
from osteo_kg.cohort.results.summary import DECIDED, READ, REFUSED, Summary

_MOST_NAMES = 10  # names of many files may be names of patients


@dataclass(frozen=True)
class About:
    """What a report rests on, beside its summary.

    Attributes:
        guideline: what the guideline is called.
        edition: the version of its reading in the ontology; empty where it has none.
        inputs: what was read, as the caller named it, without folders.
        files: how many files that were.
        size: their bytes.
        formats: their formats.
        sections: the sections whose emptiness means none, by key.
        assumed_age: the age from which a woman whose menopausal status is not recorded is taken for post-menopausal.
        profile: the name of the import profile.
        small_cells: counts from 1 to below it are suppressed.
    """

    guideline: BilingualText
    edition: str
    inputs: tuple[str, ...]
    files: int
    size: int
    formats: tuple[str, ...]
    sections: tuple[str, ...] = ()
    assumed_age: int | None = None
    profile: str | None = None
    small_cells: int = SMALL_CELLS

    @property
    def suppresses(self) -> bool:
        """Whether any count is suppressed for being small."""
        return self.small_cells > 1


def input_names(inputs: Sequence[str]) -> tuple[str, ...]:
    """Give what was read as a page may name it: without folders, and of more than a few inputs their number only.

    >>> input_names(["data/2026/*.csv", "women.parquet"])
    ('*.csv', 'women.parquet')
    """
    if len(inputs) > _MOST_NAMES:
        return ()
    return tuple(Path(each).name or Path(each).resolve().name for each in inputs)


def number(count: int | None, language: Language, otherwise: BilingualText) -> str:
    """Write a count, or what stands where it is suppressed."""
    return (otherwise if count is None else shown_count(count)).get(language)


def day(on: datetime.date, language: Language) -> str:
    """Write a day for people."""
    return shown_day(on.isoformat()).get(language)


def paragraph(summary: Summary, about: About, counts: ShownCounts, language: Language) -> str:
    """Write the paragraph for the methods section, ready to copy."""

    def say(name: str, **values: str) -> str:
        text = METHODS[name].get(language)
        for key, value in values.items():
            text = text.replace("{" + key + "}", value)
        return text

    return typeset(" ".join(_sentences(summary, about, counts, language, say)), language)


def _sentences(
    summary: Summary, about: About, counts: ShownCounts, language: Language, say: Callable[..., str]
) -> Iterator[str]:
    def named(key: str) -> str:
        return summary.words[key].get(language) if key in summary.words else key

    def told(count: int | None) -> str:
        return number(count, language, METHODS["suppressed"])

    yield say(
        "software",
        software=summary.software,
        knowledge=summary.knowledge,
        guideline=about.guideline.get(language),
        edition=say("edition", edition=about.edition) if about.edition else "",
        review=named(summary.review),
        day=day(summary.on, language),
    )
    cells = {"read": READ, "decided": DECIDED, "refused": REFUSED}
    whole = {name: told(counts.of(cell)) for name, cell in cells.items()}
    yield say("counts", persons=told(counts.persons.persons), **whole)
    yield say("unknown")
    if about.sections:
        yield say("sections", sections=", ".join(named(each) for each in about.sections))
    if about.assumed_age is not None:
        yield say("age", age=str(about.assumed_age))
    if about.profile:
        yield say("profile", profile=about.profile)
    if about.suppresses:
        yield say("small", most=str(about.small_cells - 1))


def size(count: int, language: Language) -> str:
    r"""Write a number of bytes for people.

    >>> size(1_234_567, "fr")
    '1,2\xa0Mo'
    """
    units = ("B", "kB", "MB", "GB", "TB") if language == "en" else ("o", "ko", "Mo", "Go", "To")
    place = min((len(str(count)) - 1) // 3, len(units) - 1)
    written = f"{count / 1000**place:.1f}" if place else str(count)
    return f"{written.replace('.', ',') if language == 'fr' else written}\u00a0{units[place]}"
