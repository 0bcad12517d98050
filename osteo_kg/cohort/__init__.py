"""Cohorts: a nation's patients decided by their situations.

Only the abstraction is compiled to columns: from a record to its situation, and to the notices that it may raise.
The bands come from the loaded criteria and limits; lists of entries are collected, read once each by the library and
joined back. Every different situation is answered once by the engine. What cannot be read off columns with
certainty goes one by one through the library itself.
"""

from __future__ import annotations

import datetime
import functools
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn, Protocol

from osteo_kg.bilingual import Language
from osteo_kg.case import Profile, day_of_assessment
from osteo_kg.cohort.request import CohortResult, Progress, Request, silent
from osteo_kg.cohort.results.small_cells import SMALL_CELLS
from osteo_kg.cohort.results.summary import Summary
from osteo_kg.cohort.run import assess
from osteo_kg.cohort.sources.memory import is_table
from osteo_kg.errors import UsageError
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase

__all__ = ["CohortResult", "Profile", "Progress", "Summary", "TableInMemory", "assess_cohort"]


class TableInMemory(Protocol):
    """A table with the Arrow PyCapsule interface: of pyarrow, pandas, polars, DuckDB and others."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Give the table as a stream of Arrow."""


def assess_cohort(
    source: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] | TableInMemory,
    output: str | os.PathLike[str] | None = None,
    *,
    on: datetime.date | str | None = None,
    assume_complete: Iterable[str] = (),
    guideline: str = DEFAULT_GUIDELINE,
    engine: str = "duckdb",
    rejected: str | os.PathLike[str] | None = None,
    explanations: str | os.PathLike[str] | None = None,
    report: str | os.PathLike[str] | None = None,
    profile: Profile | str | os.PathLike[str] | None = None,
    renamed: Mapping[str, str] | None = None,
    ignore: Iterable[str] = (),
    input_format: str | None = None,
    spark_master: str = "local[*]",
    assume_postmenopausal_from: int | None = None,
    language: Language = "en",
    small_cells: int = SMALL_CELLS,
    columns: Iterable[str] = (),
    knowledge_base: KnowledgeBase | None = None,
    progress: Progress | None = None,
) -> CohortResult:
    """Decide every patient of a cohort, each situation once (docs/reference/contracts.md, section 8).

    Args:
        source: a file, a folder or a glob of flat records, of N-Triples or of FHIR; or several; or a table in memory,
            one row for each patient: a Table or RecordBatchReader of pyarrow, a DataFrame of pandas or polars, a
            relation of DuckDB, or anything else with the Arrow PyCapsule interface. In pandas a NaN is missing, a
            whole float an integer, and row labels are a column where they have a name; elsewhere a NaN refuses its
            patient. A row without a patient is called `table#<row>`, the first one `table#1`.
        output: the file of decisions, its format by its extension; None to have them as a table in memory.
        on: the day of assessment, as YYYY-MM-DD where it is text; today when None.
        assume_complete: sections (`fractures`, `treatments`, `conditions`) whose emptiness means none.
        guideline: the id of the guideline.
        engine: `duckdb` or `spark`.
        rejected: the file of the reports of those refused.
        explanations: the file of the situations met, each explained once.
        report: the file of the summary as a page.
        profile: what the source calls our keys and values, or a file that says so (the contracts, section 9).
        renamed: the key that a column of another name holds, beside the profile.
        ignore: columns to pass over, beside the profile; `all` passes over every unknown one that is not nearly a key.
        input_format: the format of every file, by name; by extension when None.
        spark_master: the master of the Spark session.
        assume_postmenopausal_from: in FHIR, the age from which a woman whose status is not recorded is taken for
            post-menopausal; never when None.
        language: the language of the summary, of its page and of what is said of those refused, `en` or `fr`.
        small_cells: the page suppresses counts from 1 to below this, and others from which they could be calculated;
            0 or 1 suppresses none.
        columns: the columns of the decisions that are kept in memory, texts of answers as codes of a dictionary
            (with DuckDB); all of them as texts where none is named.
        knowledge_base: what decides; that of the packaged knowledge when None, which is loaded once in a process.
        progress: told now and then what is done, to how many patients, of how many.

    Raises:
        UnreadableCaseError: an input cannot be read at all.
        UsageError: the source is neither paths nor a table, `on` is no day, or a section, a guideline, a format or a
            column does not exist.
        IncompleteRunError: a patient would be lost; nothing is written then.
    """
    table = source if is_table(source) else None
    request = Request(
        inputs=() if table is not None else _paths(source),
        output=_path(output),
        on=day_of_assessment(on),
        assume_complete=_words(assume_complete),
        guideline=guideline,
        rejected=_path(rejected),
        explanations=_path(explanations),
        report=_path(report),
        profile=profile if profile is None or isinstance(profile, Profile) else Path(profile),
        renamed=renamed or {},
        ignore=_words(ignore),
        input_format=input_format,
        engine=engine,
        spark_master=spark_master,
        assume_postmenopausal_from=assume_postmenopausal_from,
        language=language,
        small_cells=small_cells,
        columns=_words(columns),
        table=table,
    )
    return assess(knowledge_base or _packaged_knowledge_base(), request, progress or silent)


@functools.cache
def _packaged_knowledge_base() -> KnowledgeBase:
    """Load the packaged knowledge, which takes seconds, once."""
    return KnowledgeBase()


def _path(named: str | os.PathLike[str] | None) -> Path | None:
    return None if named is None else Path(named)


def _words(given: Iterable[str]) -> tuple[str, ...]:
    """Give words as they were meant, one alone too."""
    return (given,) if isinstance(given, str) else tuple(given)


def _paths(source: object) -> tuple[str, ...]:
    """Give the paths that are named.

    Raises:
        UsageError: something else than paths is given.
    """
    if isinstance(source, str | os.PathLike | Mapping) or not isinstance(source, Iterable):
        source = [source]
    named = [os.fspath(each) if isinstance(each, str | os.PathLike) else _no_path(each) for each in source]
    if not named:
        raise UsageError("No file is named.", advice="Name one at least.")
    return tuple(named)


def _no_path(given: object) -> NoReturn:
    raise UsageError(
        f"A cohort is not read from a {type(given).__name__}.",
        advice="Give a path, several, or one table: of pyarrow, pandas, polars or DuckDB. Of a list of records "
        "pyarrow.Table.from_pylist makes a table.",
    )
