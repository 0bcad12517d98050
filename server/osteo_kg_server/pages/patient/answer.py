"""The answer to one case as a page shows it: the short answer first, then why, what else, and what would change it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from osteo_kg import Assessment, BilingualText, Case, KnowledgeBase, Language
from osteo_kg.assessment import WORDS, Line, ShortAnswer, full_lines, short_answer
from osteo_kg.case import FIELDS
from osteo_kg.exploration import Change, Question, changes, next_question, strips
from osteo_kg.knowledge_base import PreparedCase
from osteo_kg.rdf import GUIDELINE, OSTEO, SITUATION
from osteo_kg_server.pages.patient.drawing import Drawing, drawn
from osteo_kg_server.pages.source import passage

#: How a disposition is shown beside its words: the kind of its box, and a sign.
SIGNS = {
    "treat": ("act", "✔"),
    "specialist-opinion": ("doubt", "→"),
    "no-treatment": ("good", "–"),
    "densitometry-required": ("doubt", "…"),
    "out-of-scope": ("out", "⊘"),
    "undetermined": ("doubt", "?"),
}
#: What templates of answers use beside the answer.
WORDING: dict[str, Any] = {"SIGNS": SIGNS, "WORDS": WORDS}
_NO_SIGN = ("out", "•")
_UNNAMED = re.compile(r"(form|file|input)#[0-9]+")  # whom the record does not name
_SAFETY = re.compile(r"  (!!?) ")
_QUERY = """PREFIX osteo: <https://w3id.org/osteo-kg/ns/>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>

SELECT ?rule ?restates ?criterion ?start ?end
WHERE {
  VALUES ?rule { %s }
  ?rule osteo:restates ?restates ; osteo:cites ?span ; osteo:requires/rdfs:label ?criterion .
  ?span osteo:spanStart ?start ; osteo:spanEnd ?end .
  FILTER(LANG(?restates) = "%s" && LANG(?criterion) = "%s")
}
ORDER BY ?rule ?criterion"""


@dataclass(frozen=True, slots=True)
class OptionShown:
    """An option: its mark, its sentence, and what of safety stands beside it, with whether it is a contraindication."""

    role: str
    mark: str
    text: str
    safety: tuple[tuple[bool, str], ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """An interpretation: what was in question, how it was read, and what the other reading would say."""

    key: str
    address: str
    question: BilingualText | None
    reading: BilingualText | None
    other: BilingualText | None
    can_be_taken: bool


@dataclass(frozen=True, slots=True)
class OtherAnswer:
    """What the other reading of an interpretation says of the same case.

    Attributes:
        key: the name of the interpretation.
        reading: how it is then read.
        is_same: whether it says the same.
    """

    key: str
    reading: BilingualText
    headline: str
    options: tuple[OptionShown, ...]
    is_same: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that applies, or still may, with its source.

    Attributes:
        is_met: whether it applies.
        criteria: each criterion with its status (`met`, `not-met`, `unknown`) and the facts that it rests on.
        start: where its passage begins in the source, in code points.
        end: where it ends.
        passage: the text of it, where the source is at hand.
    """

    label: BilingualText
    restates: BilingualText
    address: str
    is_met: bool
    criteria: tuple[tuple[BilingualText, str, tuple[BilingualText, ...]], ...]
    start: int
    end: int
    passage: str | None
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class AnswerShown:
    """Everything that the page says of one case that was answered."""

    short: ShortAnswer
    is_named: bool
    tone: str
    sign: str
    options: tuple[OptionShown, ...]
    question: Question | None
    field: str
    settles: tuple[BilingualText, ...]
    drawings: tuple[Drawing, ...]
    changes: tuple[Change, ...]
    reasons: tuple[Reason, ...]
    full: tuple[Line, ...]
    situation: str
    sparql: str


def shown(
    knowledge_base: KnowledgeBase, assessment: Assessment, language: Language, case: PreparedCase | None = None
) -> AnswerShown:
    """Give what is shown of an assessment.

    Args:
        knowledge_base: what answered.
        assessment: the answer.
        language: that of the page.
        case: the case as it was prepared; without it no number is marked, and nothing is said of other answers.
    """
    engine = knowledge_base.engine(assessment.guideline)
    key = engine.space.parse(assessment.situation_key)
    short = short_answer(assessment, language)
    answer = engine.answer(key)
    question = next_question(engine, answer)
    numbers = dict(case.facts.numbers) if case else {}
    tone, sign = SIGNS.get(assessment.disposition, _NO_SIGN)
    in_scope = bool(assessment.obligations) or len(assessment.possible) > 1
    return AnswerShown(
        short=short,
        is_named=not _UNNAMED.fullmatch(assessment.patient),
        tone=tone,
        sign=sign,
        options=tuple(_options(short)),
        question=question,
        field=_field_of(question.key) if question else "",
        settles=tuple(
            label
            for each in assessment.missing
            if question and each.fact == question.key
            for label in each.would_settle_labels
        ),
        drawings=tuple(drawn(each) for each in strips(engine, key, numbers)) if in_scope else (),
        changes=changes(engine, key, case.facts.open) if case else (),
        reasons=tuple(_reasons(knowledge_base, assessment)),
        full=tuple(full_lines(assessment, language)),
        situation="/situation/" + assessment.situation.removeprefix(SITUATION),
        sparql=_in_sparql(assessment, language),
    )


def by_other_reading(other: KnowledgeBase, assessment: Assessment, language: Language, case: Case) -> OtherAnswer:
    """Ask another reading about a case that was answered.

    Args:
        other: what decides by it.
        assessment: the answer by the packaged reading.
        language: that of the page.
        case: the case.
    """
    told = other.assess(case, on=assessment.assessed_on)
    before, after = short_answer(assessment, language), short_answer(told, language)
    options = tuple(_options(after))
    is_same = before.headline == after.headline and options == tuple(_options(before))
    [taken] = told.readings
    return OtherAnswer(taken.interpretation, taken.reading, after.headline, options, is_same)


def _options(short: ShortAnswer) -> Iterator[OptionShown]:
    for part in short.of("options"):
        for item in part.items:
            said, *safety = _SAFETY.split(item.text)
            mark, _, text = said.partition(" ")
            pairs = zip(safety[::2], safety[1::2], strict=True)
            yield OptionShown(item.role, mark, text, tuple((sign == "!!", each) for sign, each in pairs))


def _reasons(knowledge_base: KnowledgeBase, assessment: Assessment) -> Iterator[Reason]:
    digest = knowledge_base.knowledge.triples.value(assessment.guideline, OSTEO.spanDigest)
    for rule in (*assessment.deciding, *assessment.open):
        yield Reason(
            label=rule.label,
            restates=rule.restates,
            address=_address(rule.id),
            is_met=rule.status == "met",
            criteria=tuple(
                (each.label, each.status, tuple(dict.fromkeys(fact.shown for fact in each.evidence)))
                for each in rule.criteria
            ),
            start=rule.cites.start,
            end=rule.cites.end,
            passage=passage(rule.cites, digest),
            readings=tuple(_readings(knowledge_base, assessment.guideline, rule.interpretations)),
        )


def _readings(knowledge_base: KnowledgeBase, guideline: str, keys: Sequence[str]) -> Iterator[Reading]:
    triples = knowledge_base.knowledge.triples
    named = {each.key: each.iri for each in knowledge_base.engine(guideline).guideline.interpretations}
    for key in keys:
        iri = named[key]
        question, reading, other = (
            triples.text(iri, each) for each in (OSTEO.question, OSTEO.reading, OSTEO.otherReading)
        )
        can_be_taken = key in knowledge_base.knowledge.other_readings
        yield Reading(key, _address(iri), question, reading, other, can_be_taken)


def _address(iri: str) -> str:
    return "/guideline/" + iri.removeprefix(GUIDELINE)


def _in_sparql(assessment: Assessment, language: Language) -> str:
    """Give the address of the query that gives these reasons; rules of the guideline are in it, and no patient."""
    rules = " ".join(f"<{rule.id}>" for rule in (*assessment.deciding, *assessment.open))
    return "/sparql?" + urlencode({"query": _QUERY % (rules, language, language)})


def _field_of(key: str) -> str:
    """Give the field of the form that states a fact; of one that several numbers state, the first of them."""
    return next((name for name in FIELDS if name == key), None) or next(
        (name for name in FIELDS if name.startswith(key)), key
    )
