"""A cohort from files to a file: abstract, answer each situation once, join back."""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from osteo_kg import package_data
from osteo_kg.assessment.readings import said_of_knowledge
from osteo_kg.bilingual import Language
from osteo_kg.case import SECTIONS, ColumnsRead
from osteo_kg.cohort import engines, failures
from osteo_kg.cohort.fallback import Fallback, Rejected
from osteo_kg.cohort.plan import Plan, planned
from osteo_kg.cohort.request import CohortResult, Progress, Request, Step, silent
from osteo_kg.cohort.results import explanations, files, page
from osteo_kg.cohort.results.counts import Counts
from osteo_kg.cohort.results.decisions import Decisions
from osteo_kg.cohort.results.files import GraphOutput
from osteo_kg.cohort.results.metadata import ResultMetadata, written_beside
from osteo_kg.cohort.results.methods import About, input_names
from osteo_kg.cohort.results.persons import Persons, count_persons
from osteo_kg.cohort.results.score_plots import Branches, Distribution
from osteo_kg.cohort.results.summary import summarised
from osteo_kg.cohort.sources.base import InputFile, Reading, Source, Wanted, found
from osteo_kg.cohort.sources.memory import TABLE
from osteo_kg.cohort.sources.registry import sources
from osteo_kg.errors import IncompleteRunError, UnreadableCaseError, UsageError
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import OWL, RDFS

_ORDERED_BELOW = 100_000  # patients that a file has in their order, since it costs nothing to speak of


@failures.told()
def assess(knowledge_base: KnowledgeBase, request: Request, progress: Progress = silent) -> CohortResult:
    """Assess a cohort, and write what is asked for; nothing stands under its name before everything is written.

    Raises:
        UnreadableCaseError: an input cannot be read at all.
        UsageError: a section, a guideline or a format does not exist.
        IncompleteRunError: a patient would be lost.
        UnfinishedRunError: room, rights or memory gave out, or another run has an output.
    """
    format_name = files.checked_format(request.output) if request.output else None
    inputs = found(request.inputs, request.input_format)
    files.check_places(request.written, [each.path for each in inputs])
    knowledge_base = knowledge_base.of_guideline(request.guideline)
    asked = [knowledge_base.section(name) for name in request.assume_complete]
    with contextlib.ExitStack() as stack:
        stack.enter_context(files.locked(request.written))
        scratch = stack.enter_context(files.scratch(request.output))
        together = stack.enter_context(files.together())
        written = together.path(request.output) if request.output else None  # first of all: it gets its name last
        rejected = stack.enter_context(together.text(request.rejected)) if request.rejected else None
        formats = {each.format_name for each in inputs}
        plan = stack.enter_context(planned(knowledge_base, request.guideline, request.on, asked, formats))
        engine = stack.enter_context(engines.opened(request.engine, request.spark_master, scratch, plan.queries))
        terms = knowledge_base.knowledge.terms
        profile = request.profile_by(terms)
        reading = Reading(terms, profile, scratch, plan.parts, request.postmenopausal, plan.queries)
        run = _Run(plan, engine, sources(inputs, reading, request.table), progress)
        run.abstract()
        reports = Rejected(rejected, keep=written is None, language=request.language, scratch=scratch)
        run.decide(reports, request.assume_complete)
        decisions = None
        if request.output and written and format_name:
            told = run.metadata(request)
            run.write(written, format_name, told)
            if format_name != "parquet":
                with together.text(written_beside(request.output)) as file:
                    file.write(told.to_text() + "\n")
        else:
            decisions = run.kept(request.columns)
        if request.explanations:
            with together.text(request.explanations) as file:
                explanations.write(run.decisions, request.on, file)
        remarks, language = run.remarks(request.language), request.language
        summary = summarised(
            run.decisions,
            run.counts,
            reports.shown,
            reports.count,
            request.on,
            run.persons(),
            remarks,
            run.fallback.reasons,
            language,
        )
        summary = replace(summary, columns=run.columns_read())
        if request.report:
            with together.text(request.report) as file:
                file.write(page.page(summary, run.distribution(language), run.about(request, inputs)))
    return CohortResult(summary, decisions, reports.table())


class _Run:
    """One run over the sources of one request."""

    def __init__(self, plan: Plan, engine: engines.CohortEngine, given: list[Source], progress: Progress) -> None:
        self._engine = engine
        self._sources = given
        self._progress = progress
        self._parts = plan.parts
        self._abstraction, self._key = plan.abstraction, plan.key
        self.decisions = Decisions(plan.parts, plan.decided, plan.weighed)
        self.counts: Counts
        self.fallback: Fallback
        self._rejected: Rejected
        self._lean: ir.Table
        self._size = 0

    def abstract(self) -> None:
        """Reduce every record to its situation and its notices."""
        self._progress("Reading", 0, 0)
        read = [source.flat(self._engine) for source in self._sources]
        flats = [self._engine.named(flat, f"flat_{place}") for place, flat in enumerate(read)]
        sizes = (self._engine.fetched("size", partial(_size, flat), [flat]) for flat in flats)
        self._size = sum(each["size"][0].as_py() for each in sizes)
        if not self._size:
            raise UnreadableCaseError("The input holds no patient.", advice="Send one record at least.")
        self._progress("Reading", self._size, self._size)
        with self._watched("Abstracting"):
            self._abstract(flats)

    def _abstract(self, flats: list[ir.Table]) -> None:
        numbers = self._engine.lookup(self._abstraction.scores.numbers(), "score_numbers")
        scores = self._engine.computed("scores", lambda: self._abstraction.scores.read(numbers), [numbers])
        stage = self._engine.computed("stage", lambda: self._stage(flats, scores), [*flats, scores])
        dictionaries = {}
        for key in SECTIONS:
            texts = self._engine.fetched(f"texts_{key}", partial(self._abstraction.texts, stage, key), [stage])
            read = self._abstraction.dictionary(key, texts["text"].to_pylist())
            dictionaries[key] = self._engine.lookup(pa.table(_typed(read)), f"read_{key}")
        limits = self._abstraction.renal_limits
        found = limits.table(self._engine.fetched("renal_pairs", partial(limits.pairs, stage), [stage]))
        renal = self._engine.lookup(found, "renal_limits") if len(found) else None
        whole = partial(self._abstraction.whole, stage, dictionaries, renal)
        tables = [stage, *dictionaries.values(), *([] if renal is None else [renal])]
        self._lean = self._engine.computed("lean", whole, tables)

    def _stage(self, flats: list[ir.Table], scores: ir.Table) -> ir.Table:
        stages = [self._abstraction.stage(flat, scores) for flat in flats]
        return ibis.union(*stages) if len(stages) > 1 else stages[0]

    def decide(self, rejected: Rejected, sections: tuple[str, ...]) -> None:
        """Answer every situation, and assess by itself every record that columns cannot answer for."""
        self._rejected = rejected
        counts = Counts.of(self._engine.fetched("pairs", partial(_pairs, self._lean), [self._lean]))
        raised = counts.raised()
        self.decisions.answer({number: self._key(number) for number in raised}, raised)
        wanted, not_held = self._not_plain()
        self.fallback = Fallback(self._parts, self.decisions, rejected, sections, not_held)
        total = sum(len(each) for each in wanted.values())
        done = 0
        for many in self.fallback.assess(self._cases(wanted)):
            done += many
            self._progress("One by one", done, total)
        self.counts = counts.with_single(self.fallback.counted())

    def _not_plain(self) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
        """Give the numbers of the records to be assessed one by one, and of those that columns do not hold."""
        lean = self._lean
        wanted, not_held = defaultdict[str, set[int]](set), defaultdict[str, set[int]](set)
        for row in self._engine.fetched("not_plain", partial(_not_plain, lean), [lean]).to_pylist():
            wanted[row["file"]].add(row["number"])
            if not row["readable"]:
                not_held[row["file"]].add(row["number"])
        return wanted, not_held

    def _cases(self, wanted: Wanted) -> Iterator[tuple[str, int, Any]]:
        for source in self._sources:
            own = {str(path): wanted[str(path)] for path in source.files if str(path) in wanted}
            if own:
                yield from source.cases(self._engine, own)

    def remarks(self, language: Language) -> Iterator[str]:
        """Say which readings were switched, and what stands in the sources beside patients."""
        engine = self._parts.engine
        yield from (each.get(language) for each in said_of_knowledge(engine.knowledge, engine.guideline.id))
        for source in self._sources:
            yield from source.remarks(language)

    def columns_read(self) -> tuple[ColumnsRead, ...]:
        """Say what the columns of the sources were read as."""
        return tuple(each for source in self._sources for each in source.columns_read())

    def result(self, *, coded: bool = False, ordered: bool = False) -> ir.Table:
        """Join every record with what its situation is answered and what its notices say.

        Args:
            coded: whether texts are codes of a dictionary.
            ordered: whether the records must be in the order of the input; a few always are.
        """
        told = self.counts.told(self.decisions.allowed)
        answers = self._engine.lookup(self.decisions.table(), "answers", coded=coded)
        notices = self._engine.lookup(self.decisions.notices(told), "notices", coded=coded)
        own = self._engine.lookup(self.fallback.table(), "own") if len(self.fallback) else None
        ordered = ordered or self.counts.total < _ORDERED_BELOW
        name = f"result{'_with_own' * (own is not None)}{'_in_order' * ordered}"
        read = [self._lean, answers, notices, *([] if own is None else [own])]
        words = pa.list_(pa.string())
        columns = {"patient": pa.string(), **self.decisions.columns, "warnings": words, "assumptions": words}
        build = partial(self._result, answers, notices, own, ordered)
        return self._engine.planned(name, build, read, pa.schema(columns.items()))

    def _result(self, answers: ir.Table, notices: ir.Table, own: ir.Table | None, ordered: bool) -> ir.Table:
        lean = self._lean if own is None else _with_own(self._lean, own)
        decided = lean.inner_join(answers, [("situation", "situation_number")])
        marked = decided.mutate(told_of=decided.marks & decided.allowed)
        whole = marked.inner_join(notices, [("told_of", "told")])
        name = whole.file.re_extract(r"([^/\\]+)$", 1) + "#" + whole.number.cast("string")
        patient = whole.patient.nullif("").fill_null(name)
        if ordered:
            whole = whole.order_by("file", "number")
        return whole.select(patient=patient, **self._answer(whole), warnings="warnings", assumptions="assumptions")

    def persons(self) -> Persons:
        """Count the persons behind the records, in tables where an id repeats."""
        decided = {number: self.decisions.decided[key].disposition for number, key in self.decisions.keys.items()}
        own = self.fallback.table() if len(self.fallback) else None
        lean = self._lean if own is None else _named(self._lean, self._engine.small(self.fallback.names()))
        return count_persons(self._engine, lean, self._size, decided, own)

    def distribution(self, language: Language) -> Distribution:
        """Count the lowest T-scores, rounded to a tenth, by branch of the guideline and by what is decided."""
        lean, branches = self._lean, Branches(self._parts.engine.guideline, language)
        counts = (
            lean.filter(lean.plain, lean.score.notnull())
            .group_by("situation", "score")
            .agg(count=lambda table: table.count())
        )
        found: Distribution = defaultdict(lambda: defaultdict(Counter))
        for row in self._engine.arrow(counts).to_pylist():
            answer = self.decisions.answers[self.decisions.keys[row["situation"]]]
            found[branches.of(answer)][answer.disposition][row["score"]] += row["count"]
        return found

    def metadata(self, request: Request) -> ResultMetadata:
        """Give what the decisions say of themselves."""
        engine = self._parts.engine
        return ResultMetadata(
            request.on,
            engine.guideline.iri,
            package_data.software_version(),
            engine.knowledge.digest,
            next((source.reading.profile.text for source in self._sources), None),
            list(engine.knowledge.readings),
        )

    def about(self, request: Request, inputs: Sequence[InputFile]) -> About:
        """Say what a report of the run rests on."""
        guideline, triples = self._parts.engine.guideline, self._parts.knowledge_base.knowledge.triples
        module = triples.value(guideline.iri, RDFS.isDefinedBy)
        return About(
            guideline=guideline.label,
            edition=(module and triples.value(module, OWL.versionInfo)) or "",
            inputs=input_names(request.inputs) or (TABLE,),
            files=len(inputs),
            size=sum(path.stat().st_size for each in self._sources for path in each.files if path.is_absolute()),
            formats=tuple(dict.fromkeys(each.format_name for each in inputs)),
            sections=request.assume_complete,
            assumed_age=request.assume_postmenopausal_from,
            small_cells=request.small_cells,
            profile=request.profile.name if isinstance(request.profile, Path) else None,
        )

    def write(self, path: Path, format_name: str, told: ResultMetadata) -> None:
        """Write the decisions."""
        with self._watched("Writing"):
            if format_name in files.GRAPHS:
                output = GraphOutput(self.decisions, told.assessed_on, quads=format_name == "nq")
                rows = output.write(self.result(), path, self._engine)
            else:
                result = self.result(coded=format_name == "parquet")
                rows = files.write(result, path, format_name, self._engine, told)
        self._see_that_nobody_is_lost(rows)

    def kept(self, columns: Sequence[str] = ()) -> pa.Table:
        """Give the decisions as a table in memory, in the order of the input: who has a table puts them beside it.

        Args:
            columns: those that are wanted, their texts as codes of a dictionary; all of them where none is named.

        Raises:
            UsageError: there is no such column.
        """
        with self._watched("Writing"):
            result = self.result(coded=bool(columns), ordered=True)
            if unknown := [each for each in columns if each not in result.columns]:
                raise UsageError(
                    f"Decisions have no column {unknown[0]!r}.", advice=f"Name any of: {', '.join(result.columns)}."
                )
            table = self._engine.arrow(result.select(*columns) if columns else result)
        self._see_that_nobody_is_lost(len(table))
        return table

    def _see_that_nobody_is_lost(self, rows: int) -> None:
        """See that every patient read is decided or refused, and every one decided written.

        Raises:
            IncompleteRunError: one is not.
        """
        decided, refused = self.counts.total, self._rejected.count
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


def _size(flat: ir.Table) -> ir.Table:
    return flat.agg(size=flat.count())


def _pairs(lean: ir.Table) -> ir.Table:
    """Count the records of each situation with each set of notices."""
    return lean.filter(lean.plain).group_by("situation", "marks").agg(count=lambda pairs: pairs.count())


def _not_plain(lean: ir.Table) -> ir.Table:
    return lean.filter(~lean.plain).select("file", "number", "readable")


def _named(lean: ir.Table, names: ir.Table) -> ir.Table:
    """Give records that columns do not hold the names that reading them gave."""
    both = lean.left_join(names, [lean.file == names.own_file, lean.number == names.own_number])
    return both.select(
        "file", "number", "plain", "situation", patient=both.patient.nullif("").coalesce(both.own_patient)
    )


def _with_own(lean: ir.Table, own: ir.Table) -> ir.Table:
    """Put what was found of each case by itself in the place of what columns say of it."""
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
