"""What became of one answer: stronger or weaker, more or fewer options, decided or undetermined.

Which disposition and which strength is the stronger, the ontology says (`osteo:isStrongerThan`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from osteo_kg.knowledge import Guideline, Knowledge
from osteo_kg.rdf import OSTEO
from osteo_kg.reasoning import ELIGIBLE, MET, NOT_ELIGIBLE, NOT_MET, UNDETERMINED, Answer

SAME = "same"
STRONGER, WEAKER, OTHER = "stronger", "weaker", "other"
DECIDED, OPENED, NARROWER, WIDER = "decided", "undetermined", "narrower", "wider"
MORE, FEWER = "more-options", "fewer-options"
OPTIONS_DECIDED, OPTIONS_OPENED = "options-decided", "options-undetermined"
STRENGTH, LINE, OBLIGATIONS = "strength", "line", "obligations"
#: Every kind of change, the gravest first. An answer may change in several.
KINDS = (
    *(STRONGER, WEAKER, OTHER, DECIDED, OPENED, NARROWER, WIDER, STRENGTH),
    *(MORE, FEWER, OPTIONS_DECIDED, OPTIONS_OPENED, LINE, OBLIGATIONS),
)


class Ordered(Protocol):
    """Says which of two keys is the stronger."""

    def __call__(self, before: str, after: str) -> str:
        """Give `stronger`, `weaker` or `other`: what the second is beside the first."""


def order_of(knowledge: Knowledge) -> Ordered:
    """Read the order of dispositions and of strengths, whatever follows from it included."""
    weaker: dict[str, set[str]] = {}
    for stronger, other in knowledge.triples.pairs(OSTEO.isStrongerThan):
        weaker.setdefault(knowledge.terms.key(stronger), set()).add(knowledge.terms.key(other))

    def is_stronger(key: str, other: str) -> bool:
        return any(each == other or is_stronger(each, other) for each in weaker.get(key, ()))

    def ordered(before: str, after: str) -> str:
        return STRONGER if is_stronger(after, before) else WEAKER if is_stronger(before, after) else OTHER

    return ordered


@dataclass(frozen=True, slots=True)
class Side:
    """One of two answers.

    Attributes:
        rules: the rules that apply, or where none does for certain those that may, by IRI.
        options: the status of each option, by key; empty where there are none.
    """

    disposition: str
    possible: tuple[str, ...]
    strength: str | None
    rules: tuple[str, ...]
    options: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, str | None], ...]
    obligations: tuple[str, ...]

    @classmethod
    def of(cls, answer: Answer, guideline: Guideline) -> Side:
        """Read off an answer what it is compared by."""
        keys = {each.iri: each.key for each in guideline.options}
        return cls(
            disposition=answer.disposition,
            possible=answer.possible,
            strength=answer.strength,
            rules=tuple(_reasons(answer, guideline)),
            options=tuple((keys[each.option], each.status) for each in answer.options),
            lines=tuple((keys[each.option], each.line) for each in answer.options),
            obligations=answer.obligations,
        )


def _reasons(answer: Answer, guideline: Guideline) -> Iterator[str]:
    """Give the rules that lead to an answer: those that apply, else those that may."""
    met = [rule.iri for rule in guideline.rules if answer.rules[rule.iri] == MET]
    maybe = (
        each for each in guideline.rules if answer.rules[each.iri] != NOT_MET and each.disposition in answer.possible
    )
    yield from met or (rule.iri for rule in maybe)


@dataclass(frozen=True, slots=True)
class Change:
    """Two answers to the same situation, and how they differ.

    Attributes:
        kinds: some of `KINDS` in their order; none where both answers are the same.
    """

    before: Side
    after: Side
    kinds: tuple[str, ...]


def change(before: Side, after: Side, order: Ordered) -> Change:
    """Compare two answers."""
    found = {*_of_disposition(before, after, order), *_of_options(before, after)}
    if before.obligations != after.obligations:
        found.add(OBLIGATIONS)
    return Change(before, after, tuple(kind for kind in KINDS if kind in found))


def _of_disposition(before: Side, after: Side, order: Ordered) -> Iterator[str]:
    if before.possible != after.possible:
        yield _of_possible(before, after, order)
    elif before.strength != after.strength:
        both = before.strength and after.strength
        yield order(before.strength or "", after.strength or "") if both else STRENGTH


def _of_possible(before: Side, after: Side, order: Ordered) -> str:
    if UNDETERMINED not in (before.disposition, after.disposition):
        return order(before.disposition, after.disposition)
    if before.disposition != after.disposition:
        return OPENED if after.disposition == UNDETERMINED else DECIDED
    earlier, later = set(before.possible), set(after.possible)
    return NARROWER if later < earlier else WIDER if later > earlier else OTHER


def _of_options(before: Side, after: Side) -> Iterator[str]:
    """Compare options where both answers have some: that a disposition has none is said by the disposition."""
    if not before.options or not after.options:
        return
    earlier, later = dict(before.options), dict(after.options)
    for key in earlier.keys() | later.keys():
        then, now = earlier.get(key, NOT_ELIGIBLE), later.get(key, NOT_ELIGIBLE)
        if then != now:
            yield _OF_STATUS.get((then, now), OPTIONS_OPENED if now == UNDETERMINED else OPTIONS_DECIDED)
    lines, later_lines = dict(before.lines), dict(after.lines)
    open_ = [key for key in earlier if NOT_ELIGIBLE not in (earlier[key], later.get(key, NOT_ELIGIBLE))]
    if any(lines[key] != later_lines[key] for key in open_):
        yield LINE


_OF_STATUS: Mapping[tuple[str, str], str] = {(NOT_ELIGIBLE, ELIGIBLE): MORE, (ELIGIBLE, NOT_ELIGIBLE): FEWER}
