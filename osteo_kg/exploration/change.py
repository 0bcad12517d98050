"""What would change an answer: each single fact whose change leads to another disposition, or opens an option.

Which facts may be offered, and how they can change, is said of them in the ontology (`osteo:canChangeBy`): nobody is
told to change her age, and a fracture that happened stays.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from osteo_kg.assessment.evidence import NO, YES
from osteo_kg.bilingual import BilingualText
from osteo_kg.exploration.question import questions
from osteo_kg.exploration.words import band_text, decision_text, kind_text
from osteo_kg.rdf import OSTEO
from osteo_kg.reasoning import (
    ELIGIBLE,
    UNDETERMINED,
    UNKNOWN,
    Answer,
    BandDimension,
    Dimension,
    Engine,
    Key,
    SectionDimension,
    StatementDimension,
)

_YES_OR_NO = {"true": YES, "false": NO}
_MORE = BilingualText("one more: {what}", "en plus : {what}")


@dataclass(frozen=True, slots=True)
class Change:
    """One fact, what it would have to become, and what the answer would then be.

    Attributes:
        fact: the fact, by IRI.
        key: its key in the flat record.
        label: what it is called.
        value: the value of the dimension that it would have; of a section the kind of entry that would be there more.
        becomes: the same in words.
        distance: how far away it is: bands between here and there, or one.
        decision: what would be decided.
        disposition: the key of the disposition there.
        opens: the options that would be open, and are not.
        situation: the key of the situation there.
    """

    fact: str
    key: str
    label: BilingualText
    value: str
    becomes: BilingualText
    distance: int
    decision: BilingualText
    disposition: str
    opens: tuple[BilingualText, ...]
    situation: Key


@dataclass(frozen=True, slots=True)
class _Step:
    value: str
    named: str
    becomes: BilingualText
    distance: int


def changes(engine: Engine, key: Key, open_sections: Collection[str] = ()) -> tuple[Change, ...]:
    """Give every single change that leads to another disposition or opens an option, the nearest first.

    A fact that is not known is no change but a question: see `next_question`.

    Args:
        engine: the guideline at work.
        key: the situation of the patient.
        open_sections: the sections of her record in which more may be than was read, by IRI.
    """
    now, found = engine.answer(key), []
    steps = [(fact, step) for fact, place in _in_order(engine) for step in _steps(engine, key, place, open_sections)]
    there = [engine.space.changed(key, engine.space.places[fact], step.value) for fact, step in steps]
    engine.prepare(there)
    seen = set()
    for (fact, step), situation in zip(steps, there, strict=True):
        then = engine.answer(situation)
        opens = _opened(now, then)
        is_other = then.disposition not in (now.disposition, UNDETERMINED)
        told = (fact, step.becomes if step.named else "", then.possible, then.strength, opens)
        if (is_other or opens) and told not in seen:
            seen.add(told)
            found.append(_change(engine, fact, step, then, opens, situation))
    return tuple(sorted(found, key=lambda each: each.distance))


def _in_order(engine: Engine) -> Iterator[tuple[str, int]]:
    for each in questions(engine):
        if engine.knowledge.triples.objects(each.fact, OSTEO.canChangeBy):
            yield each.fact, engine.space.places[each.fact]


def _change(engine: Engine, fact: str, step: _Step, then: Answer, opens: frozenset[str], situation: Key) -> Change:
    terms = engine.knowledge.terms
    return Change(
        fact=fact,
        key=terms.record_keys[fact],
        label=terms.label(fact),
        value=step.named or step.value,
        becomes=step.becomes,
        distance=step.distance,
        decision=decision_text(engine.knowledge, then),
        disposition=then.disposition,
        opens=tuple(each.label for each in engine.guideline.options if each.iri in opens),
        situation=situation,
    )


def _opened(now: Answer, then: Answer) -> frozenset[str]:
    before = {each.option for each in now.options if each.status == ELIGIBLE}
    return frozenset(each.option for each in then.options if each.status == ELIGIBLE) - before


def _steps(engine: Engine, key: Key, place: int, open_sections: Collection[str]) -> Iterator[_Step]:
    dimension, value = engine.space.dimensions[place], key[place]
    ways = engine.knowledge.triples.objects(dimension.fact, OSTEO.canChangeBy)
    if OSTEO.NewValue.value in ways:
        yield from _new_values(dimension, value, open_sections)
    if OSTEO.FurtherEntry.value in ways and isinstance(dimension, SectionDimension) and value != UNKNOWN:
        yield from _further_entries(engine, dimension, value)


def _new_values(dimension: Dimension, value: str, open_sections: Collection[str]) -> Iterator[_Step]:
    if isinstance(dimension, StatementDimension):
        yield from (
            _Step(each, "", _YES_OR_NO[each], 1)
            for each in dimension.completions(UNKNOWN)
            if value != UNKNOWN and each != value
        )
    if isinstance(dimension, BandDimension):
        is_open = dimension.section in open_sections
        ladder = [dimension.value_of(each.inside, is_open) for each in dimension.bands]
        if value in ladder:
            here = ladder.index(value)
            yield from (
                _Step(each, "", band_text(dimension.bands[there]), abs(there - here))
                for there, each in sorted(enumerate(ladder), key=lambda step: abs(step[0] - here))
                if there != here
            )


def _further_entries(engine: Engine, dimension: SectionDimension, value: str) -> Iterator[_Step]:
    """Give the value that a section has once a further entry of each kind is there."""
    for kind in dimension.kinds:
        grown = dimension.with_further(value, kind)
        if grown is not None and grown != value:
            yield _Step(grown, kind, _MORE.filled({"what": kind_text(engine.knowledge, kind)}), 1)
