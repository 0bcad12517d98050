"""The page of a situation: what holds and what is not known, what follows by which rules, and what lies beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask import Response

from osteo_kg import Language
from osteo_kg.bilingual import COLON, BilingualText
from osteo_kg.decision_table import ValueWords
from osteo_kg.knowledge import Guideline
from osteo_kg.rdf import GUIDELINE, OSTEO, SITUATION
from osteo_kg.reasoning import (
    MET,
    NOT_APPLICABLE,
    UNKNOWN,
    Answer,
    BandDimension,
    CodedDimension,
    Dimension,
    Engine,
    Key,
    OptionAnswer,
    StatementDimension,
)
from osteo_kg_server.http.parameters import language
from osteo_kg_server.pages.knowledge.index import KnowledgeIndex, index, remembered
from osteo_kg_server.pages.knowledge.links import Link, address_of, alternates_of, link_to, name_of
from osteo_kg_server.pages.layout import Crumb, here, page
from osteo_kg_server.service import service

_NOTHING = BilingualText("Nothing is known", "Aucune information")
_OPEN_DEGREE = BilingualText("how strongly: to be settled", "degré à préciser")
_DISPOSITION = BilingualText("the course of action", "la conduite à tenir")
_STRENGTH = BilingualText("the strength of the recommendation", "le degré de la recommandation")
TABLE_CRUMB = {"en": Crumb("Decision table", "/table"), "fr": Crumb("Table de décision", "/table")}


@dataclass(frozen=True, slots=True)
class Fact:
    """What a situation holds of one fact: its name, the value in words, and whether anything is left open."""

    name: Link
    value: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """One option in a situation."""

    option: Link
    status: Link
    line: str
    conditions: tuple[tuple[Link, Link], ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that decides, or that may: its sentence, and the interpretations that it rests on."""

    rule: Link
    restates: str
    interpretations: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A situation that differs in one fact: that fact, its value there, and the answer there."""

    fact: str
    link: Link
    headline: str
    differs: bool


class SituationWords:
    """Writes situations of one guideline in one language.

    Args:
        engine: the guideline at work.
        known: the index of the knowledge.
        language: that of the words.
    """

    def __init__(self, engine: Engine, known: KnowledgeIndex, language: Language) -> None:
        self.engine, self._known, self.language = engine, known, language
        self._values = ValueWords(engine, language)

    def facts(self, key: Key) -> list[Fact]:
        """Say each fact of a situation."""
        return [
            Fact(
                link_to(self._known, each.fact, self.language),
                self._values.value(each, value),
                value != NOT_APPLICABLE and each.completions(value) != (value,),
            )
            for each, value in zip(self.engine.space.dimensions, key, strict=True)
        ]

    def sentence(self, key: Key) -> str:
        """Say on one line what is known in a situation."""
        said = [self._briefly(*each) for each in zip(self.engine.space.dimensions, key, strict=True)]
        told = ", ".join(each for each in said if each) or _NOTHING.get(self.language)
        return told[:1].upper() + told[1:]

    def _briefly(self, dimension: Dimension, value: str) -> str:
        if value in (UNKNOWN, NOT_APPLICABLE):
            return ""
        said = self._values.value(dimension, value)
        if isinstance(dimension, CodedDimension):
            return said
        name = name_of(self._known, dimension.fact, self.language)
        between = " " if isinstance(dimension, BandDimension) else COLON.get(self.language)
        return f"{name}{between}{said}"

    def value(self, dimension: Dimension, value: str) -> str:
        """Say one value of one fact."""
        return self._values.value(dimension, value)

    def headline(self, answer: Answer) -> str:
        """Say in a few words what an answer comes to."""
        kinds = self._known.knowledge.terms.kinds
        kind, name = (OSTEO.Strength, answer.strength) if answer.strength else (OSTEO.Disposition, answer.disposition)
        said = name_of(self._known, kinds[kind][name], self.language)
        if answer.options and any("strength" in settles for _, settles in answer.missing):
            said = f"{said} ({_OPEN_DEGREE.get(self.language)})"
        return said[:1].upper() + said[1:]

    def link(self, key: Key, text: str) -> Link:
        """Lead to a situation."""
        return Link(text, here(address_of(f"{SITUATION}{self.engine.guideline.id}/{self.engine.space.text(key)}")))


@remembered
def situation_page(iri: str) -> Response:
    """Make the page of a situation that there is."""
    known, spoken, serving = index(), language(), service()
    guideline, _, text = iri.removeprefix(SITUATION).partition("/")
    with serving.lock:
        engine = serving.knowledge_base.engine(guideline)
        words = SituationWords(engine, known, spoken)
        key = engine.space.parse(text)
        answer = engine.answer(key)
        beside, others = list(_beside(words, key)), list(_changed(words, key))
    rules = _Rules(known, engine.guideline, answer, spoken)
    return page(
        "knowledge/situation.html",
        spoken,
        title=words.sentence(key),
        crumbs=[TABLE_CRUMB[spoken]],
        alternates=alternates_of(iri),
        iri=iri,
        definition=known.definition(OSTEO.Situation.value),
        guideline=link_to(known, GUIDELINE + guideline, spoken),
        headline=words.headline(answer),
        disposition=_named(known, OSTEO.Disposition.value, answer.disposition, spoken),
        possible=[_named(known, OSTEO.Disposition.value, each, spoken) for each in answer.possible],
        facts=words.facts(key),
        options=[_choice(known, engine.guideline, answer, each, spoken) for each in answer.options],
        deciding=rules.with_status(MET),
        open_rules=rules.with_status(UNKNOWN),
        missing=_missing(known, engine.guideline, answer, spoken),
        obligations=[_named(known, OSTEO.Obligation.value, each, spoken) for each in answer.obligations],
        beside=beside,
        others=others,
    )


def _named(known: KnowledgeIndex, kind: str, key: str, language: Language) -> Link:
    return link_to(known, known.knowledge.terms.kinds[OSTEO[kind.removeprefix(OSTEO.iri)]][key], language)


def _status(known: KnowledgeIndex, status: str, language: Language) -> Link:
    found = known.knowledge.terms.kinds[OSTEO.AssessmentStatus]
    return link_to(known, found[status], language)


def _choice(
    known: KnowledgeIndex, guideline: Guideline, answer: Answer, option: OptionAnswer, language: Language
) -> Choice:
    terms = known.knowledge.terms
    reserved = dict.fromkeys(each for iri in option.listings for each in guideline.listings[iri].reserved_by)
    return Choice(
        link_to(known, option.option, language),
        _status(known, option.status, language),
        terms.label(terms.kinds[OSTEO.TreatmentLine][option.line]).get(language) if option.line else "",
        tuple((link_to(known, each, language), _status(known, answer.criteria[each], language)) for each in reserved),
    )


class _Rules:
    """Gives the rules of an answer by their status."""

    def __init__(self, known: KnowledgeIndex, guideline: Guideline, answer: Answer, language: Language) -> None:
        self._known, self._guideline, self._answer, self.language = known, guideline, answer, language

    def with_status(self, status: str) -> list[Reason]:
        """Give the rules that have a status, in the order of the guideline."""
        return [
            Reason(
                link_to(self._known, rule.iri, self.language),
                rule.restates.get(self.language),
                tuple(
                    link_to(self._known, each.iri, self.language)
                    for each in self._guideline.interpretations_of(rule.iri, *rule.criteria)
                ),
            )
            for rule in self._guideline.rules
            if self._answer.rules[rule.iri] == status
        ]


def _missing(
    known: KnowledgeIndex, guideline: Guideline, answer: Answer, language: Language
) -> list[tuple[Link, list[Link]]]:
    """Give each fact that would change the answer, with what it would settle."""
    options = {each.key: link_to(known, each.iri, language) for each in guideline.options}
    parts = {
        "disposition": Link(_DISPOSITION.get(language)),
        "strength": Link(_STRENGTH.get(language)),
        **options,
    }
    return [
        (link_to(known, fact, language), [parts.get(each, Link(each)) for each in settles])
        for fact, settles in answer.missing
    ]


def _beside(words: SituationWords, key: Key) -> Iterator[Neighbour]:
    """Give the situations across the next threshold below and above."""
    for place, (dimension, value) in enumerate(zip(words.engine.space.dimensions, key, strict=True)):
        if isinstance(dimension, BandDimension):
            yield from _neighbours(words, key, place, [each for each in dimension.beside(value) if each])


def _changed(words: SituationWords, key: Key) -> Iterator[Neighbour]:
    """Give the situations in which one fact has another settled value."""
    for place, (dimension, value) in enumerate(zip(words.engine.space.dimensions, key, strict=True)):
        if value != NOT_APPLICABLE:
            values = [each for each in dimension.values if each != value and dimension.completions(each) == (each,)]
            yield from _neighbours(words, key, place, values)


def _neighbours(words: SituationWords, key: Key, place: int, values: Sequence[str]) -> Iterator[Neighbour]:
    engine = words.engine
    dimension, here_said = engine.space.dimensions[place], engine.answer(key)
    fact = engine.knowledge.terms.label(dimension.fact).get(words.language)
    for value in values:
        other = engine.space.changed(key, place, value)
        if other == key:
            continue
        said = words.value(dimension, value)
        if isinstance(dimension, StatementDimension | CodedDimension):
            said = said[:1].upper() + said[1:]
        answer = engine.answer(other)
        differs = (answer.possible, answer.strength, answer.options) != (
            here_said.possible,
            here_said.strength,
            here_said.options,
        )
        yield Neighbour(fact, words.link(other, said), words.headline(answer), differs)
