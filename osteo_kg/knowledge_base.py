"""The knowledge base: the pipeline from a case to an assessment, one step a line."""

from __future__ import annotations

import datetime
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pyoxigraph as ox

from osteo_kg.assessment.conclusions import conclusions
from osteo_kg.assessment.explanation import Explainer
from osteo_kg.assessment.model import Assessment
from osteo_kg.assessment.notices import Notices, cautions_of, source_findings
from osteo_kg.assessment.rdf import AssessmentGraph
from osteo_kg.assessment.safety import DrugSafety, Safety
from osteo_kg.case import (
    LISTING,
    Case,
    CaseFacts,
    Profile,
    RefusedCaseError,
    ValidationReport,
    day_of_assessment,
    derive_facts,
    read_case,
)
from osteo_kg.errors import UsageError
from osteo_kg.knowledge import Knowledge, load_knowledge, packaged_knowledge, read_guideline
from osteo_kg.rdf import GUIDELINE, OSTEO, OWL, RDF, RDFS
from osteo_kg.reasoning import Answer, Engine

if TYPE_CHECKING:
    from osteo_kg.validation import CaseValidator

Method = Literal["situation", "reasoning"]
DEFAULT_GUIDELINE = "oic-128-08-b"
_CHUNK: dict[Method, int] = {"situation": 500, "reasoning": 20}  # cases held in memory at a time


@dataclass(frozen=True)
class PreparedCase:
    """A case on one day of assessment: the facts derived from it, and what the shapes found.

    Attributes:
        on: the day of assessment.
        knowledge: what the facts were derived with.
    """

    case: Case
    on: datetime.date
    facts: CaseFacts
    report: ValidationReport
    knowledge: Knowledge


class KnowledgeBase:
    """Validates and assesses cases with the loaded ontology, shapes and guidelines.

    Args:
        knowledge: the loaded modules; those that travel with the library when None.
        remember: whether to keep reasoned situations on disk (`OSTEO_KG_CACHE` moves the folder).
        safety: whether answers tell, beside the guideline, what product information says of the drugs.

    >>> knowledge_base = KnowledgeBase()
    >>> [case] = read_case(
    ...     '{"patient": "anna", "sex": "female", "menopausal_status": "postmenopausal", "age_years": 71,'
    ...     ' "t_score_total_hip": -3.1, "fractures": [], "treatment_history": []}', "json")
    >>> assessment = knowledge_base.assess(case)
    >>> assessment.disposition, assessment.strength
    ('treat', 'initiated')
    >>> [option.treatment for option in assessment.options if option.status == "undetermined"]
    ['raloxifene']
    """

    def __init__(self, knowledge: Knowledge | None = None, *, remember: bool = True, safety: bool = True) -> None:
        self.knowledge = knowledge or packaged_knowledge()
        self.remembers = remember
        self.notices = Notices(self.knowledge)
        self._safety = Safety(self.knowledge, self.notices) if safety else None
        self._explainers: dict[str, Explainer] = {}
        self._graphs: dict[str, AssessmentGraph] = {}
        self._parts: dict[str, KnowledgeBase] = {}

    def of_guideline(self, named: str) -> KnowledgeBase:
        """Give what answers for one guideline, named by its id or IRI: nothing that another one says counts there."""
        knowledge = self.knowledge.of_guideline(named)
        if knowledge is self.knowledge:
            return self
        guideline = named.removeprefix(GUIDELINE)
        if guideline not in self._parts:
            self._parts[guideline] = KnowledgeBase(knowledge, remember=self.remembers, safety=self.tells_safety)
        return self._parts[guideline]

    @classmethod
    def load(
        cls,
        folders: Iterable[Path] = (),
        *,
        readings: Mapping[str, str] | None = None,
        remember: bool = True,
        safety: bool = True,
        tell: Callable[[str], None] | None = None,
    ) -> KnowledgeBase:
        """Load what travels with the library, and the modules of further folders.

        Args:
            folders: folders of modules; one stands in for the packaged module whose IRI it has.
            readings: `other` for each interpretation, named as `I15`, of which the other reading is taken.
            remember: whether to keep reasoned situations on disk.
            safety: whether answers tell what product information says of the drugs.
            tell: what is told the warnings of the check of these modules, as sentences.

        Raises:
            KnowledgeError: a module cannot be used, or a guideline in it is not well formed.
            UsageError: an interpretation has no other reading that can be taken.
        """
        added = tuple(folders)
        if added:
            from osteo_kg.checking import check_before_use  # with pySHACL, which takes its time

            for sentence in check_before_use(added):
                if tell is not None:
                    tell(sentence)
        asked = readings or {}
        knowledge = load_knowledge(added, asked) if added else packaged_knowledge().read_otherwise(asked)
        return cls(knowledge, remember=remember, safety=safety)

    def read_otherwise(self, readings: Mapping[str, str]) -> KnowledgeBase:
        """Give the same by other readings; see `load`, which this spares where one is loaded."""
        return KnowledgeBase(
            self.knowledge.read_otherwise(readings), remember=self.remembers, safety=self._safety is not None
        )

    def read(
        self,
        data: bytes | str,
        format: str | None = None,
        *,
        name: str = "input",
        ignore_columns: Iterable[str] = (),
        profile: Profile | None = None,
        assume_postmenopausal_from: int | None = None,
        on: datetime.date | str | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> tuple[Case, ...]:
        """Read cases with the vocabulary of this knowledge base; see `read_case`.

        Raises:
            UnreadableCaseError: the input is not of its format, or holds no patient.
        """
        return read_case(
            data,
            format,
            name=name,
            terms=self.knowledge.terms,
            ignore_columns=ignore_columns,
            profile=profile,
            assume_postmenopausal_from=assume_postmenopausal_from,
            on=on,
            tell=tell,
        )

    def prepare(self, case: Case, *, on: datetime.date | str | None = None) -> PreparedCase:
        """Derive the facts of a case on the day of assessment (today when None), and check it.

        `validate` and `assess` take what this gives in the place of the case, so that it is done once. Where several
        guidelines are loaded it is prepared for the default one, and once more for another that is to answer.
        """
        own = self.of_guideline(DEFAULT_GUIDELINE)
        if own is not self:
            return own.prepare(case, on=on)
        day = day_of_assessment(on)
        facts = derive_facts(case, day, self.knowledge)
        raised = self.notices.raised(facts, ["warning"])
        report = self.validator.report(facts, day, sorted({each.kind.iri for each in raised}))
        report = replace(report, findings=(*report.findings, *source_findings(raised, case)))
        return PreparedCase(case, day, facts, report, self.knowledge)

    def validate(self, case: Case | PreparedCase, *, on: datetime.date | str | None = None) -> ValidationReport:
        """Check a case against the shapes (reading R10), on the day of assessment (today when None)."""
        return self._prepared(case, on).report

    def assess(
        self,
        case: Case | PreparedCase,
        *,
        on: datetime.date | str | None = None,
        assume_complete: Iterable[str] = (),
        by: Method = "situation",
        guideline: str = DEFAULT_GUIDELINE,
    ) -> Assessment:
        """Answer one case.

        Args:
            case: the case to assess.
            on: the day of assessment, as YYYY-MM-DD where it is text; today when None, and of a prepared case the day
                that it was prepared for.
            assume_complete: sections (`fractures`, `treatments`, `conditions`) whose emptiness means none (reading R9).
            by: `situation` looks the case's situation up, reasoning it when it is new; `reasoning` infers on the case
                itself, with no table. Both give equal assessments.
            guideline: the id of the guideline to apply.

        Raises:
            RefusedCaseError: the shapes refuse the case.
            UsageError: a section or guideline does not exist.
        """
        own = self.of_guideline(guideline)
        prepared = own._prepared(case, on)
        if not prepared.report.conforms:
            raise RefusedCaseError(prepared.report)
        [assessment] = own._answered([prepared], tuple(assume_complete), by, guideline)
        return assessment

    def assess_all(
        self,
        cases: Iterable[Case | PreparedCase],
        *,
        on: datetime.date | str | None = None,
        assume_complete: Iterable[str] = (),
        by: Method = "situation",
        guideline: str = DEFAULT_GUIDELINE,
    ) -> Iterator[Assessment | ValidationReport]:
        """Answer many cases in their order, a refused one with its report; new situations are reasoned in batches.

        The arguments are those of `assess`.

        Raises:
            UsageError: a section or guideline does not exist.
        """
        day, sections = day_of_assessment(on), tuple(assume_complete)
        own, remaining = self.of_guideline(guideline), iter(cases)
        while chunk := [own._prepared(case, day) for case in itertools.islice(remaining, _CHUNK[by])]:
            valid = [each for each in chunk if each.report.conforms]
            answered = own._answered(valid, sections, by, guideline)
            yield from (next(answered) if each.report.conforms else each.report for each in chunk)

    def _prepared(self, case: Case | PreparedCase, on: datetime.date | str | None) -> PreparedCase:
        if not isinstance(case, PreparedCase):
            return self.prepare(case, on=on)
        own = self.of_guideline(DEFAULT_GUIDELINE).knowledge
        return case if case.knowledge is own else self.prepare(case.case, on=case.on)

    def _answered(
        self, cases: Sequence[PreparedCase], sections: tuple[str, ...], by: Method, guideline: str
    ) -> Iterator[Assessment]:
        """The pipeline: say the closed world aloud, answer, explain, and put safety beside it."""
        explainer, engine = self.explainer(guideline), self.engine(guideline)
        completed = [self._completed(case.facts, sections) for case in cases]
        facts = [each for each, _, _ in completed]
        answers = engine.answers_by_reasoning(facts) if by == "reasoning" else engine.answers(facts)
        for case, (each, taken, assumed), answer in zip(cases, completed, answers, strict=True):
            assessment = explainer.assessment(each, case.on, answer, taken, assumed, engine.answer)
            yield self._safety.beside(assessment, each, taken, assumed) if self._safety else assessment

    def drug_safety(
        self, case: Case | PreparedCase, drugs: Iterable[str], *, on: datetime.date | str | None = None
    ) -> list[DrugSafety]:
        """Give what stands against each drug for the patient of a case that can be assessed, whatever is decided."""
        facts, taken, _ = self._completed(self._prepared(case, on).facts, ())
        raised = self.notices.raised(facts, ["caution"])
        found = [self._safety.of_drug(drug, facts, taken) if self._safety else DrugSafety(drug) for drug in drugs]
        return [replace(each, cautions=(*each.cautions, *cautions_of(raised, each.drug))) for each in found]

    def triples(self, assessment: Assessment, *, ended: datetime.datetime | None = None) -> list[ox.Triple]:
        """Write an assessment as a graph; `ended` is when it was made, where that is to be told."""
        return list(self._graph(assessment.guideline).triples(assessment, ended))

    def conclusions(self, answered: Sequence[tuple[Case | PreparedCase, Assessment]]) -> list[list[ox.Triple]]:
        """Give what follows about patients beside what their cases state, in their order: one graph for each.

        That are the types and links that OWL 2 RL adds, the numbers that are lifted, and the criteria and rules that
        are met or fail to be. Nameless nodes are those of the case.
        """
        ready = [
            (self.of_guideline(assessment.guideline)._prepared(case, assessment.assessed_on).facts, assessment)
            for case, assessment in answered
        ]
        found: dict[int, list[ox.Triple]] = {}
        for guideline in dict.fromkeys(assessment.guideline for _, assessment in ready):
            places = [place for place, (_, each) in enumerate(ready) if each.guideline == guideline]
            told = conclusions(self.engine(guideline), [ready[place] for place in places])
            found |= dict(zip(places, told, strict=True))
        return [found[place] for place in range(len(ready))]

    def read_assessments(
        self, triples: Iterable[ox.Triple], *, guideline: str = DEFAULT_GUIDELINE
    ) -> tuple[Assessment, ...]:
        """Read assessments back from a graph: each equals the one that was written.

        Raises:
            UnreadableCaseError: the triples hold no assessment, or one that is not whole.
        """
        return self._graph(guideline).read(triples)

    def _graph(self, guideline: str) -> AssessmentGraph:
        engine = self.engine(guideline)
        if engine.guideline.id not in self._graphs:
            self._graphs[engine.guideline.id] = AssessmentGraph(engine)
        return self._graphs[engine.guideline.id]

    def situation(self, text: str, *, guideline: str = DEFAULT_GUIDELINE) -> Answer:
        """Answer a situation named by the end of its IRI.

        Raises:
            UsageError: there is no such situation.
        """
        engine = self.engine(guideline)
        return engine.answer(engine.space.parse(text))

    def engine(self, guideline: str = DEFAULT_GUIDELINE) -> Engine:
        """Give the engine of one guideline, named by its id or IRI and loaded once."""
        return self.explainer(guideline).engine

    def explainer(self, named: str = DEFAULT_GUIDELINE) -> Explainer:
        """Give what explains the answers of one guideline, named by its id or IRI and loaded once."""
        own, guideline = self.of_guideline(named), named.removeprefix(GUIDELINE)
        if own is not self:
            return own.explainer(named)
        if guideline not in self._explainers:
            engine = Engine(self.knowledge, read_guideline(self.knowledge, guideline), remember=self.remembers)
            self._explainers[guideline] = Explainer(engine, self.notices)
        return self._explainers[guideline]

    def _completed(
        self, case_facts: CaseFacts, assume_complete: Iterable[str]
    ) -> tuple[CaseFacts, tuple[str, ...], tuple[str, ...]]:
        """Say the closed world aloud: sections with entries are complete, and others where the caller says so.

        One that is open is neither (docs/reference/reading.md R9). One with entries that is not taken as complete, by
        another reading, may hold more.
        """
        asked = {self.section(name) for name in assume_complete}
        said = case_facts.complete | case_facts.open
        left = {section for section, entries in case_facts.sections.items() if entries} - said
        taken = tuple(s for s in case_facts.sections if s in left and self.is_complete_with_entries(s))
        assumed = tuple(s for s in case_facts.sections if s in asked - said and s not in taken)
        more = left.difference(taken, assumed)
        completed = case_facts.completed(*taken, *assumed)
        return replace(completed, open=case_facts.open | more, asked=case_facts.open & asked), taken, assumed

    def is_complete_with_entries(self, section: str) -> bool:
        """Whether a section that has entries is taken as complete."""
        return OSTEO.SectionCompleteWithEntries.value in self.knowledge.triples.objects(section, RDF.type)

    def section(self, name: str) -> str:
        """Give the section that a caller names.

        Raises:
            UsageError: there is no such section.
        """
        kinds = self.knowledge.terms.kinds[OSTEO.RecordSection]
        sections = {key: iri for key, iri in kinds.items() if iri in LISTING}
        if name not in sections:
            raise UsageError(
                f"There is no section {name!r} of a record.",
                advice=f"Name any of: {', '.join(sorted(sections))}.",
            )
        return sections[name]

    @property
    def tells_safety(self) -> bool:
        """Whether answers tell what product information says."""
        return self._safety is not None

    @property
    def safety(self) -> Safety | None:
        """What tells, beside answers, what product information says; None where they do not tell it."""
        return self._safety

    def version_of(self, guideline: str) -> str | None:
        """Give the version of a guideline, named by its IRI; None where its module states none."""
        module = self.knowledge.triples.value(guideline, RDFS.isDefinedBy)
        return self.knowledge.triples.value(module, OWL.versionInfo) if module else None

    @functools.cached_property
    def validator(self) -> CaseValidator:
        """What checks cases against the shapes."""
        from osteo_kg.validation import CaseValidator  # with pySHACL, which a cohort that was planned does without

        return CaseValidator(self.knowledge)
