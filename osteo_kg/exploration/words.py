"""Bands and what is decided in them, in words."""

from __future__ import annotations

from osteo_kg.bilingual import BilingualText, shown_number
from osteo_kg.knowledge import Knowledge
from osteo_kg.rdf import OSTEO
from osteo_kg.reasoning import Answer, Band

_AND = BilingualText("{low} and {high}", "{low} et {high}")
_ANY = BilingualText("any value", "toute valeur")


def band_text(band: Band) -> BilingualText:
    """Write a band as an interval.

    >>> from decimal import Decimal
    >>> band_text(Band(Decimal("-3"), False, Decimal("-2"), True)).en
    '> -3 and ≤ -2'
    """
    low = _bound("≥" if band.low_included else ">", band.low)
    high = _bound("≤" if band.high_included else "<", band.high)
    if low and high:
        return _AND.filled({"low": low, "high": high})
    return low or high or _ANY


def _bound(sign: str, number: object) -> BilingualText | None:
    if number is None:
        return None
    shown = shown_number(f"{number:f}")
    return BilingualText(f"{sign} {shown.en}", f"{sign} {shown.fr}")


def decision_text(knowledge: Knowledge, answer: Answer) -> BilingualText:
    """Name what an answer decides: its strength where it has one, else its disposition."""
    kinds, terms = knowledge.terms.kinds, knowledge.terms
    if answer.strength:
        return terms.label(kinds[OSTEO.Strength][answer.strength])
    return terms.label(kinds[OSTEO.Disposition][answer.disposition])


def kind_text(knowledge: Knowledge, name: str) -> BilingualText:
    """Name a kind of entry of a section by the short label of the class of patients that it leads to."""
    triples = knowledge.triples
    for iri, known in triples.pairs(OSTEO.situationName):
        if known == name and (text := triples.text(iri, OSTEO.shortLabel)):
            return text
    return BilingualText(name, name)
