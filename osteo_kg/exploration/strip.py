"""Strips: for a number that the guideline looks at, what it says in each of its bands, all else being as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from osteo_kg.bilingual import BilingualText
from osteo_kg.exploration.words import band_text, decision_text
from osteo_kg.reasoning import NONE, NOT_ELIGIBLE, UNKNOWN, Answer, Band, BandDimension, Engine, Key


@dataclass(frozen=True, slots=True)
class StripBand:
    """One band of a strip.

    Attributes:
        text: its bounds, in words.
        decision: what is decided in it.
        disposition: the key of its disposition.
        remaining: the options that remain in it and not in every band.
        may_be_here: whether the number of the patient lies, or may lie, in it.
    """

    band: Band
    text: BilingualText
    decision: BilingualText
    disposition: str
    remaining: tuple[BilingualText, ...]
    may_be_here: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """The bands of one number, from the lowest.

    Attributes:
        fact: the fact, by IRI.
        key: its key in the flat record.
        number: the number of the patient; None where it is not known.
        is_at_most: whether her number may be lower than what was read.
    """

    fact: str
    key: str
    label: BilingualText
    bands: tuple[StripBand, ...]
    number: Decimal | None
    is_at_most: bool


def strips(engine: Engine, key: Key, numbers: dict[str, Decimal] | None = None) -> tuple[Strip, ...]:
    """Give a strip for every number that makes a difference, all else being as it is; those that decide come first.

    Args:
        engine: the guideline at work.
        key: the situation of the patient.
        numbers: what is known of her, by the property that states it; may be more than the guideline looks at.
    """
    found = []
    for place, dimension in enumerate(engine.space.dimensions):
        if not isinstance(dimension, BandDimension):
            continue
        answers = [engine.answer(engine.space.changed(key, place, band.name)) for band in dimension.bands]
        if len({each.decided for each in answers}) > 1:
            number = (numbers or {}).get(dimension.predicate)
            found.append(_strip(engine, dimension, key[place], number, answers))
    return tuple(sorted(found, key=lambda strip: len({band.decision for band in strip.bands}) == 1))


def _strip(
    engine: Engine, dimension: BandDimension, value: str, number: Decimal | None, answers: list[Answer]
) -> Strip:
    terms = engine.knowledge.terms
    may_be = () if value in (NONE, UNKNOWN) else dimension.completions(value)
    everywhere = set.intersection(*(_open(each) for each in answers))
    decides = len({(each.possible, each.strength) for each in answers}) > 1
    bands = tuple(
        StripBand(
            band=band,
            text=band_text(band),
            decision=decision_text(engine.knowledge, answer),
            disposition=answer.disposition,
            remaining=() if decides else tuple(_labels(engine, _open(answer) - everywhere)),
            may_be_here=band.name in may_be,
        )
        for band, answer in zip(dimension.bands, answers, strict=True)
    )
    fact = dimension.fact
    return Strip(fact, terms.record_keys[fact], terms.label(fact), bands, number, len(may_be) > 1)


def _open(answer: Answer) -> set[str]:
    """Give the options that remain: open, or to be settled."""
    return {each.option for each in answer.options if each.status != NOT_ELIGIBLE}


def _labels(engine: Engine, options: set[str]) -> Iterator[BilingualText]:
    yield from (each.label for each in engine.guideline.options if each.iri in options)
