"""What a run amounts to: counts that a paper can quote, with the versions they hold for."""

from __future__ import annotations

import dataclasses
import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import pyoxigraph as ox

from osteo_kg import package_data
from osteo_kg.bilingual import (
    COLON,
    SEMICOLON,
    BilingualText,
    Language,
    shown_count,
    shown_day,
    shown_share,
)
from osteo_kg.case import ColumnsRead, ValidationReport
from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.cohort.results.counts import Counts
from osteo_kg.cohort.results.decisions import Decided, Decisions
from osteo_kg.cohort.results.persons import Persons, RepeatedIds
from osteo_kg.cohort.results.small_cells import Cell
from osteo_kg.rdf import OSTEO

Profile = frozenset[Cell]  # all that a record counts in

READ, REFUSED, DECIDED, LISTED = ("read",), ("refused",), ("decided",), ("options",)
_NO_STRENGTH = ""
_WORDS = {
    "patients": BilingualText("Patients on {day}", "Dossiers au {day}"),
    "persons": BilingualText("Persons", "Personnes"),
    "repeated": BilingualText("ids on several rows", "identifiants sur plusieurs lignes"),
    "rows": BilingualText("{count} rows", "{count} lignes"),
    "differently": BilingualText(
        "of these with rows decided differently", "dont les lignes conduisent à des conduites différentes"
    ),
    "unnamed": BilingualText(
        "rows without an id, each counted as a person", "lignes sans identifiant, chacune comptée comme une personne"
    ),
    "decided": BilingualText("Decided", "Évalués"),
    "refused": BilingualText("refused", "refusés"),
    "one by one": BilingualText("Assessed one by one", "Évalués un par un"),
    "situations": BilingualText("Situations", "Situations"),
    "disposition": BilingualText("Disposition", "Conduite à tenir"),
    "strength": BilingualText("Strength", "Degré de la recommandation"),
    "blocked": BilingualText(
        "Blocked, some by several things", "Bloqués par une information manquante, certains par plusieurs"
    ),
    "by": BilingualText("by a missing ", ""),
    "treated": BilingualText("{option}, of those to be treated", "{option}, parmi les dossiers à traiter"),
    "warnings": BilingualText("Warnings", "Points de vigilance"),
    "assumptions": BilingualText("Assumptions", "Hypothèses"),
    "knowledge": BilingualText("knowledge", "connaissances"),
}


@dataclass(frozen=True)
class Summary:
    """What was found in a cohort.

    Attributes:
        patients: how many records were read, each a case of its own.
        persons: of how many persons; a record without an id counts as one.
        rows_without_id: how many records have no id.
        repeated_ids: the ids that several records have.
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
        one_by_one: how many records columns could not answer for, so that each was assessed by itself, by why.
        columns: what each column of the input was read as, and which were passed over.
        shown: the first reports of those refused.
        words: what each key is called.
        statuses: what each status of an option is called.
        profiles: how many records count in the same cells of all tables but those of the notices.
        language: the language of the text.
    """

    on: datetime.date
    guideline: str
    software: str
    knowledge: str
    review: str
    patients: int
    persons: int
    rows_without_id: int
    repeated_ids: RepeatedIds
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
    one_by_one: Mapping[str, int] = field(default_factory=dict)
    columns: tuple[ColumnsRead, ...] = ()
    shown: tuple[ValidationReport, ...] = ()
    words: Mapping[str, BilingualText] = field(default_factory=dict)
    statuses: Mapping[str, BilingualText] = field(default_factory=dict)
    profiles: Mapping[Profile, int] = field(default_factory=dict)
    language: Language = "en"

    def to_json(self) -> dict[str, Any]:
        """Give the summary as JSON has it."""
        told = {name: value for name, value in vars(self).items() if name not in _BESIDE_JSON}
        told |= {"repeated_ids": dataclasses.asdict(self.repeated_ids)}
        return {"assessed_on": self.on.isoformat(), **told, "columns": [each.to_json() for each in self.columns]}

    def lines(self) -> Iterator[str]:
        """Give the summary as lines of text, fit to be quoted."""
        day = self.on.isoformat() if self.language == "en" else shown_day(self.on.isoformat()).fr
        yield self._line("patients", self.patients).replace("{day}", day)
        yield from self._persons()
        yield self._semicolon.join([self._line("decided", self.decided), self._line("refused", self.rejected)])
        yield from self._counted(self._word("one by one"), self.one_by_one, of=self.patients)
        yield from self.remarks
        yield from filter(None, (each.sentence() for each in self.columns))
        yield self._line("situations", self.situations)
        yield from self._counted(self._word("disposition"), self.dispositions)
        yield from self._counted(self._word("strength"), self.strengths)
        yield from self._counted(self._word("blocked"), self.missing, self._word("by"))
        for option, statuses in self.options.items():
            title = self._word("treated").replace("{option}", self.called(option))
            named = {status: label.get(self.language) for status, label in self.statuses.items()}
            yield from self._counted(title, statuses, of=sum(statuses.values()), names=named)
        yield from self._counted(self._word("warnings"), self.warnings)
        yield from self._counted(self._word("assumptions"), self.assumptions)
        versions = (f"osteo-kg {self.software}", f"{self._word('knowledge')} {self.knowledge}")
        yield self._semicolon.join([f"{self.guideline} ({self.called(self.review)})", *versions]) + "."

    def __repr__(self) -> str:
        counts = (
            f"{self.patients:,} patients on {self.on.isoformat()}, {self.decided:,} decided, {self.rejected:,} refused"
        )
        found = (f"  {self.called(key)}: {count:,}" for key, count in self.dispositions.items())
        return "\n".join([f"<Summary: {counts}", *found]) + ">"

    def _repr_html_(self) -> str:
        """Show the counts in a notebook."""
        dispositions = [(self.called(key), count) for key, count in self.dispositions.items()]
        return package_data.template("notebook_summary.html").render(summary=self, dispositions=dispositions)

    def called(self, key: str) -> str:
        """Give the words for a key."""
        return self.words[key].get(self.language) if key in self.words else key.replace("-", " ")

    def _word(self, name: str) -> str:
        return _WORDS[name].get(self.language)

    def _line(self, name: str, count: int) -> str:
        return self._word(name) + COLON.get(self.language) + self._number(count)

    def _number(self, count: int) -> str:
        return shown_count(count).get(self.language)

    @property
    def _semicolon(self) -> str:
        return SEMICOLON.get(self.language)

    def _persons(self) -> Iterator[str]:
        """Say how many persons there are, and where that is not how many records."""
        yield self._line("persons", self.persons)
        repeated = self.repeated_ids
        if repeated.ids:
            rows = self._word("rows").replace("{count}", self._number(repeated.rows))
            differently = self._line("differently", repeated.several_dispositions)
            yield f"  {self._line('repeated', repeated.ids)} ({rows}){self._semicolon}{differently}"
        if self.rows_without_id:
            yield f"  {self._line('unnamed', self.rows_without_id)}"

    def _counted(
        self,
        title: str,
        counts: Mapping[str, int],
        before: str = "",
        of: int = 0,
        names: Mapping[str, str] = MappingProxyType({}),
    ) -> Iterator[str]:
        """Give each count as a line, with its share of those decided, or of fewer."""
        colon = COLON.get(self.language)
        if counts:
            yield title + colon.rstrip()
        for key, count in counts.items():
            share = shown_share(count / (of or self.decided)).get(self.language)
            yield f"  {before}{names.get(key) or self.called(key)}{colon}{self._number(count)} ({share})"


_BESIDE_JSON = ("shown", "words", "statuses", "profiles", "language", "on")


def summarised(
    decisions: Decisions,
    counts: Counts,
    refused: Iterable[ValidationReport],
    rejected: int,
    on: datetime.date,
    persons: Persons,
    remarks: Iterable[str] = (),
    one_by_one: Mapping[BilingualText, int] = MappingProxyType({}),
    language: Language = "en",
) -> Summary:
    """Count what was decided.

    Args:
        decisions: the answers.
        counts: how many patients have each situation with each set of notices.
        refused: the first reports of those refused.
        rejected: how many were refused.
        on: the day of assessment.
        persons: who stands behind the records.
        remarks: what the input holds beside patients.
        one_by_one: how many were assessed one by one, by why.
        language: the language of the text.
    """
    engine, tally = decisions.parts.engine, _Tally(decisions)
    situations, answered = counts.of_situations(), Counter[Decided]()
    for number, count in situations.items():
        answered[decisions.decided[decisions.keys[number]]] += count
    for each, count in answered.items():
        tally.answered(each, count)
    for marks, count in counts.told(decisions.allowed).items():
        tally.told(marks, count)
    decided = counts.total
    return Summary(
        on=on,
        guideline=engine.guideline.iri,
        software=package_data.software_version(),
        knowledge=engine.knowledge.digest,
        review=engine.guideline.review,
        patients=decided + rejected,
        persons=persons.persons,
        rows_without_id=persons.rows_without_id,
        repeated_ids=persons.repeated_ids,
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
        one_by_one=_falling(Counter({why.en: count for why, count in one_by_one.items()})),
        shown=tuple(refused),
        words=_words(decisions.parts) | {why.en: why for why in one_by_one},
        statuses=_labels(decisions.parts, OSTEO.AssessmentStatus),
        profiles=tally.profiles | ({frozenset({READ, REFUSED}): rejected} if rejected else {}),
        language=language,
    )


def _words(parts: LibraryProbe) -> dict[str, BilingualText]:
    """Give what the keys of a summary are called: facts, dispositions, strengths, notices and options."""
    terms = parts.knowledge_base.knowledge.terms
    facts = {key: terms.label(fact) for fact, key in terms.record_keys.items()}
    kinds = (OSTEO.ReviewStatus, OSTEO.RecordSection, OSTEO.Disposition, OSTEO.Strength, OSTEO.NoticeCode)
    named = [_labels(parts, kind) for kind in kinds]
    options = {option.key: option.label for option in parts.engine.guideline.options}
    return {key: label for each in (facts, *named, options) for key, label in each.items()}


def _labels(parts: LibraryProbe, kind: ox.NamedNode) -> dict[str, BilingualText]:
    terms = parts.knowledge_base.knowledge.terms
    return {key: terms.label(iri) for key, iri in terms.kinds.get(kind, {}).items()}


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
        self.profiles: Counter[Profile] = Counter()

    def answered(self, answer: Decided, count: int) -> None:
        """Count patients who are answered the same."""
        self.dispositions[answer.disposition] += count
        if answer.strength:
            self.strengths[answer.strength] += count
        for option, status in answer.statuses:
            self.options.setdefault(self._options[option], Counter())[status] += count
        for fact, settles in answer.missing:
            if "disposition" in settles:
                self.missing[self._facts[fact]] += count
        self.profiles[frozenset(self._cells(answer))] += count

    def _cells(self, answer: Decided) -> Iterator[Cell]:
        """Give the cells that a record with an answer counts in."""
        yield from (READ, DECIDED, ("disposition", answer.disposition))
        yield "strength", answer.disposition, answer.strength or _NO_STRENGTH
        yield from ((LISTED,) if answer.statuses else ())
        yield from (("option", self._options[option], status) for option, status in answer.statuses)
        yield from (("missing", self._facts[fact]) for fact, settles in answer.missing if "disposition" in settles)

    def told(self, marks: int, count: int) -> None:
        """Count patients who are told the same notices."""
        for code, category in {(mark.code, mark.category) for mark in self._decisions.parts.marks.told(marks)}:
            (self.warnings if category == "warning" else self.assumptions)[code] += count


def _falling(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
