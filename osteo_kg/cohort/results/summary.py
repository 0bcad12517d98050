"""What a run amounts to: counts that a paper can quote, with the versions they hold for."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from osteo_kg import package_data
from osteo_kg.case import ColumnsRead, ValidationReport
from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.cohort.results.decisions import Decisions
from osteo_kg.knowledge import Guideline, Rule
from osteo_kg.rdf import OSTEO
from osteo_kg.reasoning import LOWEST_T_SCORE, MET, Answer


@dataclass(frozen=True)
class Summary:
    """What was found in a cohort.

    Attributes:
        patients: how many records were read.
        decided: how many of them were decided.
        rejected: how many were refused.
        situations: into how many situations the decided ones fell.
        dispositions: how many have each disposition, by key.
        strengths: how many have each strength, by key.
        options: for each option, how many of those to be treated have each status.
        missing: of those whose disposition is undetermined, or who need a measurement, how many lack each fact that
            would settle it; one patient may lack several.
        warnings: how many carry each warning, by code.
        assumptions: how many rest on each assumption, by code.
        remarks: what the input holds beside patients.
        columns: what each column of the input was read as, and which were passed over.
        shown: the first reports of those refused.
        words: what each key is called in English.
    """

    on: datetime.date
    guideline: str
    software: str
    knowledge: str
    review: str
    patients: int
    decided: int
    rejected: int
    situations: int
    dispositions: Mapping[str, int]
    strengths: Mapping[str, int]
    options: Mapping[str, Mapping[str, int]]
    missing: Mapping[str, int]
    warnings: Mapping[str, int]
    assumptions: Mapping[str, int]
    remarks: tuple[str, ...] = ()
    columns: tuple[ColumnsRead, ...] = ()
    shown: tuple[ValidationReport, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Give the summary as JSON has it."""
        told = {name: value for name, value in vars(self).items() if name not in ("shown", "words", "on")}
        return {"assessed_on": self.on.isoformat(), **told, "columns": [each.to_json() for each in self.columns]}

    def lines(self) -> Iterator[str]:
        """Give the summary as lines of text, fit to be quoted."""
        yield f"Patients on {self.on.isoformat()}: {self.patients:,}"
        yield f"Decided: {self.decided:,}; refused: {self.rejected:,}"
        yield from self.remarks
        yield from filter(None, (each.sentence() for each in self.columns))
        yield f"Situations: {self.situations:,}"
        yield from self._counted("Disposition", self.dispositions)
        yield from self._counted("Strength", self.strengths)
        yield from self._counted("Blocked, some by several things", self.missing, "by a missing ")
        for option, statuses in self.options.items():
            title = f"{self.called(option)}, of those to be treated"
            yield from self._counted(title, statuses, of=sum(statuses.values()))
        yield from self._counted("Warnings", self.warnings)
        yield from self._counted("Assumptions", self.assumptions)
        yield f"{self.guideline} ({self.review}); osteo-kg {self.software}; knowledge {self.knowledge}."

    def called(self, key: str) -> str:
        """Give the English words for a key."""
        return self.words.get(key, key.replace("-", " "))

    def _counted(self, title: str, counts: Mapping[str, int], before: str = "", of: int = 0) -> Iterator[str]:
        """Give each count as a line, with its share of those decided, or of fewer."""
        if counts:
            yield f"{title}:"
        for key, count in counts.items():
            yield f"  {before}{self.called(key)}: {count:,} ({count / (of or self.decided):.1%})"


def summarised(
    decisions: Decisions,
    counts: Mapping[tuple[int, int], int],
    refused: Iterable[ValidationReport],
    rejected: int,
    on: datetime.date,
    remarks: Iterable[str] = (),
) -> Summary:
    """Count what was decided.

    Args:
        decisions: the answers.
        counts: how many patients have each situation, by its number, with each set of notices.
        refused: the first reports of those refused.
        rejected: how many were refused.
        on: the day of assessment.
        remarks: what the input holds beside patients.
    """
    engine, tally = decisions.parts.engine, _Tally(decisions)
    situations, told = Counter[int](), Counter[int]()
    for (number, marks), count in counts.items():
        situations[number] += count
        told[marks & decisions.allowed[number]] += count
    for number, count in situations.items():
        tally.answered(number, count)
    for marks, count in told.items():
        tally.told(marks, count)
    decided = sum(counts.values())
    return Summary(
        on=on,
        guideline=engine.guideline.iri,
        software=package_data.software_version(),
        knowledge=engine.knowledge.digest,
        review=engine.guideline.review,
        patients=decided + rejected,
        decided=decided,
        rejected=rejected,
        situations=len({decisions.keys[number] for number in situations}),
        dispositions=_falling(tally.dispositions),
        strengths=_falling(tally.strengths),
        options={option: _falling(each) for option, each in tally.options.items()},
        missing=_falling(tally.missing),
        warnings=_falling(tally.warnings),
        assumptions=_falling(tally.assumptions),
        remarks=tuple(remarks),
        shown=tuple(refused),
        words=_words(decisions.parts),
    )


def _words(parts: LibraryProbe) -> dict[str, str]:
    """Give what the keys of a summary are called: facts, dispositions, strengths, notices and options."""
    terms = parts.knowledge_base.knowledge.terms
    named = {key: fact for fact, key in terms.record_keys.items()}
    for kind in (OSTEO.Disposition, OSTEO.Strength, OSTEO.NoticeCode):
        named |= terms.kinds.get(kind, {})
    options = {option.key: option.label.en for option in parts.engine.guideline.options}
    return {key: terms.label(iri).en for key, iri in named.items()} | options


class _Tally:
    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions
        self._options = {each.iri: each.key for each in decisions.parts.engine.guideline.options}
        self._facts = decisions.parts.knowledge_base.knowledge.terms.record_keys
        self.dispositions: Counter[str] = Counter()
        self.strengths: Counter[str] = Counter()
        self.options: dict[str, Counter[str]] = {}
        self.missing: Counter[str] = Counter()
        self.warnings: Counter[str] = Counter()
        self.assumptions: Counter[str] = Counter()

    def answered(self, number: int, count: int) -> None:
        """Count patients of one situation."""
        answer = self._decisions.answers[self._decisions.keys[number]]
        self.dispositions[answer.disposition] += count
        if answer.strength:
            self.strengths[answer.strength] += count
        for option in answer.options:
            self.options.setdefault(self._options[option.option], Counter())[option.status] += count
        for fact, settles in answer.missing:
            if "disposition" in settles:
                self.missing[self._facts[fact]] += count

    def told(self, marks: int, count: int) -> None:
        """Count patients who are told the same notices."""
        for code, category in {(mark.code, mark.category) for mark in self._decisions.parts.marks.told(marks)}:
            (self.warnings if category == "warning" else self.assumptions)[code] += count


def _falling(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


# The branches of a guideline: what its rules ask for before they look at the T-score.

OPEN, ONLY = "several branches remain", "all patients"


class Branches:
    """Says in which branch of a guideline an answer lies.

    Args:
        guideline: the guideline; a branch is called by what it asks for and not every branch does.
    """

    def __init__(self, guideline: Guideline) -> None:
        self._guideline = guideline
        asked = {rule.iri: frozenset(self._before_the_score(rule)) for rule in guideline.rules}
        drawn = [asked[rule.iri] for rule in guideline.rules if len(asked[rule.iri]) < len(rule.criteria)]
        shared = frozenset.intersection(*drawn) if drawn else frozenset[str]()
        branches = {each for each in asked.values() if each != shared}
        self._branches = {self._called(each - shared): each for each in branches}

    def of(self, answer: Answer) -> str:
        """Give the branch that an answer certainly lies in, by name."""
        if not self._branches:
            return ONLY
        found = [name for name, asked in self._branches.items() if all(answer.criteria[each] == MET for each in asked)]
        return found[0] if len(found) == 1 else OPEN

    def _before_the_score(self, rule: Rule) -> list[str]:
        return [each for each in rule.criteria if self._guideline.criteria[each].tested != LOWEST_T_SCORE]

    def _called(self, criteria: frozenset[str]) -> str:
        return ", ".join(sorted(self._guideline.criteria[each].label.en for each in criteria))
