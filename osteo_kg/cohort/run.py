"""A cohort from files to a file: abstract, answer each situation once, join back."""

from __future__ import annotations

import contextlib
import datetime
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from osteo_kg.bilingual import Language
from osteo_kg.case import SECTIONS
from osteo_kg.case.fhir import Assumption
from osteo_kg.cohort import engines
from osteo_kg.cohort.abstraction.compile import Abstraction
from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.cohort.fallback import Fallback, Rejected
from osteo_kg.cohort.results import explanations, files, notebook, page
from osteo_kg.cohort.results.decisions import Decisions
from osteo_kg.cohort.results.files import GraphOutput
from osteo_kg.cohort.results.summary import Branches, Summary, summarised
from osteo_kg.cohort.sources.base import Reading, Source, Wanted, found
from osteo_kg.cohort.sources.registry import sources
from osteo_kg.errors import IncompleteRunError
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase

Step = Literal["Reading", "Abstracting", "One by one", "Writing"]
_KEEPS_ORDER = 100_000  # a join turns to its smaller side: of so many patients it is never they, and their order stays


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
        renamed: the key that a column of another name holds.
        ignore: columns to pass over.
        input_format: the format of every input, by name.
        engine: `duckdb` or `spark`.
        spark_master: the master of the Spark session.
        assume_postmenopausal_from: in FHIR, the age from which a woman whose status is not recorded is taken for
            post-menopausal; never when None.
        table: a table in memory, in place of inputs.
        language: the language of the reports of those refused.
    """

    inputs: tuple[str, ...]
    output: Path | None
    on: datetime.date
    assume_complete: tuple[str, ...] = ()
    guideline: str = DEFAULT_GUIDELINE
    rejected: Path | None = None
    explanations: Path | None = None
    report: Path | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    input_format: str | None = None
    engine: str = "duckdb"
    spark_master: str = "local[*]"
    assume_postmenopausal_from: int | None = None
    table: Any = None
    language: Language = "en"

    @property
    def written(self) -> tuple[Path, ...]:
        """The files that are written, the decisions first."""
        outputs = (self.output, self.rejected, self.explanations, self.report)
        return tuple(each for each in outputs if each is not None)

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


def assess(knowledge_base: KnowledgeBase, request: Request, progress: Progress = silent) -> CohortResult:
    """Assess a cohort, and write what is asked for; nothing stands under its name before everything is written.

    Raises:
        UnreadableCaseError: an input cannot be read at all.
        UsageError: a section, a guideline or a format does not exist.
        IncompleteRunError: a patient would be lost.
    """
    format_name = files.checked_format(request.output) if request.output else None
    inputs = found(request.inputs, request.input_format)
    files.check_places(request.written, [each.path for each in inputs])
    asked = [knowledge_base.section(name) for name in request.assume_complete]
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(files.scratch(request.output))
        together = stack.enter_context(files.together())
        written = together.path(request.output) if request.output else None  # first of all: it gets its name last
        rejected = stack.enter_context(together.text(request.rejected)) if request.rejected else None
        engine = stack.enter_context(engines.opened(request.engine, request.spark_master, scratch))
        terms, ignore = knowledge_base.knowledge.terms, frozenset(request.ignore)
        parts = LibraryProbe(knowledge_base, request.guideline, request.on, asked)
        reading = Reading(terms, ignore, request.renamed, scratch, parts, request.postmenopausal)
        run = _Run(parts, engine, sources(inputs, reading, request.table), progress)
        run.abstract()
        reports = Rejected(rejected, keep=written is None, language=request.language, scratch=scratch)
        run.decide(reports, request.assume_complete)
        decisions = None
        if written and format_name:
            run.write(written, format_name, request.on)
        else:
            decisions = run.kept()
        if request.explanations:
            with together.text(request.explanations) as file:
                explanations.write(run.decisions, request.on, file)
        summary = summarised(run.decisions, run.counts, reports.shown, reports.count, request.on, run.remarks())
        if request.report:
            with together.text(request.report) as file:
                file.write(page.page(summary, run.distribution()))
    return CohortResult(summary, decisions, reports.table())


class _Run:
    """One run over the sources of one request."""

    def __init__(
        self, parts: LibraryProbe, engine: engines.CohortEngine, given: list[Source], progress: Progress
    ) -> None:
        self._engine = engine
        self._sources = given
        self._progress = progress
        self._parts = parts
        self._abstraction = Abstraction(parts)
        self.decisions = Decisions(parts)
        self.counts: Counter[tuple[int, int]] = Counter()
        self.fallback: Fallback
        self._rejected: Rejected
        self._lean: ir.Table
        self._size = 0

    def abstract(self) -> None:
        """Reduce every record to its situation and its notices."""
        self._progress("Reading", 0, 0)
        flats = [source.flat(self._engine) for source in self._sources]
        self._size = sum(self._engine.arrow(flat.agg(size=flat.count()))["size"][0].as_py() for flat in flats)
        self._progress("Reading", self._size, self._size)
        with self._watched("Abstracting"):
            self._abstract(flats)

    def _abstract(self, flats: list[ir.Table]) -> None:
        stages = [self._abstraction.stage(flat) for flat in flats]
        stage = self._engine.kept(ibis.union(*stages) if len(stages) > 1 else stages[0], "stage")
        dictionaries = {}
        for key in SECTIONS:
            texts = self._engine.arrow(self._abstraction.texts(stage, key))["text"].to_pylist()
            read = self._abstraction.dictionary(key, texts)
            dictionaries[key] = self._engine.small(pa.table(_typed(read)))
        self._lean = self._engine.kept(self._abstraction.whole(stage, dictionaries), "lean")

    def decide(self, rejected: Rejected, sections: tuple[str, ...]) -> None:
        """Answer every situation, and assess by itself every record that columns cannot answer for."""
        self._rejected = rejected
        lean = self._lean
        pairs = lean.filter(lean.plain).group_by("situation", "marks").agg(count=lambda t: t.count())
        raised: dict[int, int] = defaultdict(int)
        found = self._engine.arrow(pairs).to_pydict()
        for number, marks, count in zip(found["situation"], found["marks"], found["count"], strict=True):
            self.counts[number, marks] = count
            raised[number] |= marks
        self.decisions.answer({number: self._abstraction.key(number) for number in raised}, raised)
        self.fallback = Fallback(self._parts, self.decisions, rejected, sections)
        wanted = self._not_plain()
        total = sum(len(each) for each in wanted.values())
        done = 0
        for many in self.fallback.assess(self._cases(wanted)):
            done += many
            self._progress("One by one", done, total)
        self.counts.update(self.fallback.counted())

    def _not_plain(self) -> dict[str, set[int]]:
        lean = self._lean
        wanted: dict[str, set[int]] = {}
        for row in self._engine.arrow(lean.filter(~lean.plain).select("file", "number")).to_pylist():
            wanted.setdefault(row["file"], set()).add(row["number"])
        return wanted

    def _cases(self, wanted: Wanted) -> Iterator[tuple[str, int, Any]]:
        for source in self._sources:
            own = {str(path): wanted[str(path)] for path in source.files if str(path) in wanted}
            if own:
                yield from source.cases(self._engine, own)

    def remarks(self) -> Iterator[str]:
        """Say what stands in the sources beside patients."""
        for source in self._sources:
            yield from source.remarks()

    def result(self) -> ir.Table:
        """Join every record with what its situation is answered and what its notices say."""
        lean = self._with_own(self._lean)
        told = {marks & self.decisions.allowed[number] for number, marks in self.counts}
        answers, notices = self._engine.small(self.decisions.table()), self._engine.small(self.decisions.notices(told))
        decided = lean.inner_join(answers, [("situation", "situation_number")])
        marked = decided.mutate(told_of=decided.marks & decided.allowed)
        whole = marked.inner_join(notices, [("told_of", "told")])
        name = whole.file.re_extract(r"([^/\\]+)$", 1) + "#" + whole.number.cast("string")
        patient = whole.patient.nullif("").fill_null(name)
        if sum(self.counts.values()) < _KEEPS_ORDER:
            whole = whole.order_by("file", "number")
        return whole.select(patient=patient, **self._answer(whole), warnings="warnings", assumptions="assumptions")

    def distribution(self) -> page.Distribution:
        """Count the lowest T-scores, rounded to a tenth, by branch of the guideline and by what is decided."""
        lean, branches = self._lean, Branches(self._parts.engine.guideline)
        counts = (
            lean.filter(lean.plain, lean.score.notnull())
            .group_by("situation", "score")
            .agg(count=lambda table: table.count())
        )
        found: page.Distribution = defaultdict(lambda: defaultdict(Counter))
        for row in self._engine.arrow(counts).to_pylist():
            answer = self.decisions.answers[self.decisions.keys[row["situation"]]]
            found[branches.of(answer)][answer.disposition][row["score"]] += row["count"]
        return found

    def write(self, path: Path, format_name: str, on: datetime.date) -> None:
        """Write the decisions."""
        with self._watched("Writing"):
            if format_name in files.GRAPHS:
                output = GraphOutput(self.decisions, on, quads=format_name == "nq")
                rows = output.write(self.result(), path, self._engine)
            else:
                rows = files.write(self.result(), path, format_name, self._engine)
        self._see_that_nobody_is_lost(rows)

    def kept(self) -> pa.Table:
        """Give the decisions as a table in memory."""
        with self._watched("Writing"):
            table = self._engine.arrow(self.result())
        self._see_that_nobody_is_lost(len(table))
        return table

    def _see_that_nobody_is_lost(self, rows: int) -> None:
        """See that every patient read is decided or refused, and every one decided written.

        Raises:
            IncompleteRunError: one is not.
        """
        decided, refused = sum(self.counts.values()), self._rejected.count
        if self._size != decided + refused or rows != decided:
            raise IncompleteRunError(
                f"{self._size:,} patients were read, {decided:,} decided, {refused:,} refused and {rows:,} written: "
                "some would be lost, and so nothing was written.",
                advice="Report it with the format of the input, and assess its files one by one.",
            )

    @contextlib.contextmanager
    def _watched(self, what: Step) -> Iterator[None]:
        """Tell with how many patients a step is done."""
        size, tell = self._size, self._progress
        tell(what, 0, size)
        with self._engine.watched(lambda share: tell(what, int(share * size), size)):
            yield
        tell(what, size, size)

    def _answer(self, whole: ir.Table) -> dict[str, Any]:
        names = {"situation": "situation_right"}
        return {name: whole[names.get(name, name)] for name in self.decisions.columns}

    def _with_own(self, lean: ir.Table) -> ir.Table:
        if not len(self.fallback):
            return lean
        own = self._engine.small(self.fallback.table())
        both = lean.left_join(own, [lean.file == own.own_file, lean.number == own.own_number])
        chosen = both.filter(both.plain | both.own_situation.notnull())
        return chosen.select(
            "file",
            "number",
            patient=ibis.ifelse(chosen.plain, chosen.patient, chosen.own_patient),
            situation=ibis.ifelse(chosen.plain, chosen.situation, chosen.own_situation),
            marks=ibis.ifelse(chosen.plain, chosen.marks, chosen.own_marks),
        )


def _typed(read: Mapping[str, list[Any]]) -> dict[str, pa.Array]:
    kinds = {"text": pa.string(), "plain": pa.bool_()}
    return {name: pa.array(values, kinds.get(name.rsplit("_", 1)[-1], pa.int64())) for name, values in read.items()}
