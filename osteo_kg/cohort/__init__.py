"""Cohorts: a nation's patients decided by their situations.

Only the abstraction is compiled to columns: from a record to its situation, and to the notices that it may raise.
The bands come from the loaded criteria and limits; lists of entries are collected, read once each by the library and
joined back. Every different situation is answered once by the engine. What cannot be read off columns with
certainty goes one by one through the library itself.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path

from osteo_kg.case import Profile
from osteo_kg.cohort.results.summary import Summary
from osteo_kg.cohort.run import CohortResult, Progress, Request, assess
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase

__all__ = ["CohortResult", "Profile", "Progress", "Summary", "assess_cohort"]


def assess_cohort(
    source: str | Path | Iterable[str | Path],
    output: str | Path | None = None,
    *,
    on: datetime.date | None = None,
    assume_complete: Iterable[str] = (),
    guideline: str = DEFAULT_GUIDELINE,
    engine: str = "duckdb",
    rejected: str | Path | None = None,
    explanations: str | Path | None = None,
    report: str | Path | None = None,
    profile: Profile | str | Path | None = None,
    renamed: Mapping[str, str] | None = None,
    ignore: Iterable[str] = (),
    input_format: str | None = None,
    spark_master: str = "local[*]",
    assume_postmenopausal_from: int | None = None,
    knowledge_base: KnowledgeBase | None = None,
    progress: Progress | None = None,
) -> CohortResult:
    """Decide every patient of a cohort, each situation once (contracts.md, section 8).

    Args:
        source: a file, a folder or a glob of flat records, of N-Triples or of FHIR; or several.
        output: the file of decisions, its format by its extension; None to have them as a table in memory.
        on: the day of assessment; today when None.
        assume_complete: sections (`fractures`, `treatments`, `conditions`) whose emptiness means none.
        guideline: the id of the guideline.
        engine: `duckdb` or `spark`.
        rejected: the file of the reports of those refused.
        explanations: the file of the situations met, each explained once.
        report: the file of the summary as a page.
        profile: what the source calls our keys and values, or a file that says so (contracts.md, section 9).
        renamed: the key that a column of another name holds, beside the profile.
        ignore: columns to pass over, beside the profile; `all` passes over every unknown one that is not nearly a key.
        input_format: the format of every input, by name; by extension when None.
        spark_master: the master of the Spark session.
        assume_postmenopausal_from: in FHIR, the age from which a woman whose status is not recorded is taken for
            post-menopausal; never when None.
        knowledge_base: what decides; that of the packaged knowledge when None.
        progress: told now and then what is done, to how many patients, of how many.

    Raises:
        UnreadableCaseError: an input cannot be read at all.
        UsageError: a section, a guideline or a format does not exist.
        IncompleteRunError: a patient would be lost; nothing is written then.
    """
    request = Request(
        inputs=(str(source),) if isinstance(source, str | Path) else tuple(map(str, source)),
        output=None if output is None else Path(output),
        on=on or datetime.date.today(),
        assume_complete=tuple(assume_complete),
        guideline=guideline,
        rejected=None if rejected is None else Path(rejected),
        explanations=None if explanations is None else Path(explanations),
        report=None if report is None else Path(report),
        profile=Path(profile) if isinstance(profile, str) else profile,
        renamed=renamed or {},
        ignore=tuple(ignore),
        input_format=input_format,
        engine=engine,
        spark_master=spark_master,
        assume_postmenopausal_from=assume_postmenopausal_from,
    )
    return assess(knowledge_base or KnowledgeBase(), request, progress or (lambda *_: None))
