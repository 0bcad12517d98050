"""What is asked of a cohort, and what comes back."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa

from osteo_kg.bilingual import Language
from osteo_kg.case import PLAIN, Profile, profile_of, read_profile
from osteo_kg.case.fhir import Assumption
from osteo_kg.cohort.results import notebook
from osteo_kg.cohort.results.metadata import written_beside
from osteo_kg.cohort.results.small_cells import SMALL_CELLS
from osteo_kg.cohort.results.summary import Summary
from osteo_kg.knowledge import Terms
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE

Step = Literal["Reading", "Abstracting", "One by one", "Writing"]


class Progress(Protocol):
    """Is called now and then while a run goes on, from another thread too, and should return at once."""

    def __call__(self, step: Step, done: int, total: int) -> None:
        """Take note of a step: to how many patients it is done, of how many; 0 where that is not known yet."""


def silent(step: Step, done: int, total: int) -> None:
    """Tell nobody how far a run is."""


@dataclass(frozen=True)
class Request:
    """What is asked of a cohort.

    Attributes:
        inputs: files, folders and globs.
        output: the file of decisions, its format by its extension; None to have them in memory.
        on: the day of assessment.
        assume_complete: sections whose emptiness means none.
        guideline: the id of the guideline.
        rejected: the file of the reports of those refused.
        explanations: the file of the situations, each explained once.
        report: the file of the summary as a page.
        profile: what the input calls our keys and values, or the file that says so.
        renamed: the key that a column of another name holds, beside the profile.
        ignore: columns to pass over, beside the profile.
        input_format: the format of every input, by name.
        engine: `duckdb` or `spark`.
        spark_master: the master of the Spark session.
        assume_postmenopausal_from: in FHIR, the age from which a woman whose status is not recorded is taken for
            post-menopausal; never when None.
        language: the language of the summary, of its page, and of the reports of those refused.
        small_cells: the page suppresses counts below this, and others from which they could be calculated.
        columns: the columns of decisions in memory; all of them where none is named.
        table: a table in memory, in place of inputs.
    """

    inputs: tuple[str, ...]
    output: Path | None
    on: datetime.date
    assume_complete: tuple[str, ...] = ()
    guideline: str = DEFAULT_GUIDELINE
    rejected: Path | None = None
    explanations: Path | None = None
    report: Path | None = None
    profile: Profile | Path | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    input_format: str | None = None
    engine: str = "duckdb"
    spark_master: str = "local[*]"
    assume_postmenopausal_from: int | None = None
    language: Language = "en"
    small_cells: int = SMALL_CELLS
    columns: tuple[str, ...] = ()
    table: Any = None

    @property
    def written(self) -> tuple[Path, ...]:
        """The files that are written, the decisions first."""
        beside = written_beside(self.output) if self.output and self.output.suffix.lower() != ".parquet" else None
        outputs = (self.output, self.rejected, self.explanations, self.report, beside)
        return tuple(each for each in outputs if each is not None)

    def profile_by(self, terms: Terms) -> Profile:
        """Give the profile that the input is read by, with what was asked for beside it.

        Raises:
            UsageError: the profile says what no profile says.
        """
        stated = self.profile or PLAIN
        read = read_profile(stated, terms) if isinstance(stated, Path) else profile_of(stated, "the profile", terms)
        return read.with_options(self.renamed, self.ignore)

    @property
    def postmenopausal(self) -> Assumption | None:
        """What to assume in FHIR of a woman whose menopausal status is not recorded."""
        least_age = self.assume_postmenopausal_from
        return None if least_age is None else Assumption(least_age, self.on)


@dataclass(frozen=True)
class CohortResult:
    """What a run gives back.

    Attributes:
        summary: what was found, in counts.
        decisions: a row for each patient who was decided; None where they were written to a file.
        rejected: a row for each patient who was refused, with the findings; None likewise.
    """

    summary: Summary
    decisions: pa.Table | None = None
    rejected: pa.Table | None = None

    def __repr__(self) -> str:
        return f"<CohortResult: {notebook.sizes(self.decisions, self.rejected)}\n  {self.summary!r}>"

    def _repr_html_(self) -> str:
        """Show the counts, and the first decisions and refusals, in a notebook."""
        return self.summary._repr_html_() + notebook.tables(self.decisions, self.rejected)
