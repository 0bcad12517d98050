"""Entries of a case that decide nothing: renal function, and densitometries of sites that never decide.

The shapes look at them one by one, so a case without them is decided alike where each of them passes by itself. An
entry is written as text without its day; those of one text are alike, as long as none is dated after the assessment.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from dataclasses import dataclass, replace

import pyoxigraph as ox

from osteo_kg.cases import Case, patient_iri
from osteo_kg.knowledge import Terms
from osteo_kg.lifting import day_term
from osteo_kg.triples import RDF_TYPE
from osteo_kg.vocabulary import OSTEO

_PART = "part"
_DAY = len("2026-11-22")
_PERFORMED, _SITE = str(OSTEO.performedOn), str(OSTEO.hasSite)
_LISTING = {str(OSTEO.hasRenalFunctionTest), str(OSTEO.hasBoneDensitometry)}
_SOME_DAY = " day"


@dataclass(frozen=True)
class Spared:
    """A case without the entries that decide nothing.

    Attributes:
        case: what is left of it.
        texts: the entries that were taken out, each as a text without its day.
        last: the newest day of them; None where none has a day.
        measured: whether a site that never decides was measured.
    """

    case: Case
    texts: tuple[str, ...] = ()
    last: str | None = None
    measured: bool = False


def spared(case: Case, terms: Terms) -> Spared:
    """Take the entries out that decide nothing; the whole case, where two of them may contradict each other."""
    about: dict[object, list[ox.Triple]] = defaultdict(list)
    for triple in case.triples:
        about[triple.subject].append(triple)
    out = {t.object: t.predicate for t in case.triples if t.predicate.value in _LISTING and _is_spare(t, about, terms)}
    places = [(_value(about[entry], _SITE), _value(about[entry], _PERFORMED)) for entry in out]
    sites = [place for place in places if place[0]]
    if not out or len(sites) > len(set(sites)):
        return Spared(case)
    days = [day[:_DAY] for _, day in places if day]
    kept = tuple(t for t in case.triples if t.subject not in out and t.object not in out)
    texts = tuple(_text(listing, about[entry]) for entry, listing in out.items())
    return Spared(replace(case, triples=kept), texts, max(days, default=None), bool(sites))


def part(text: str, on: datetime.date) -> Case:
    """Give a case that has this entry alone, of the day of assessment where it has a day."""
    patient = ox.NamedNode(patient_iri(_PART))
    listing, *said = text.replace(_SOME_DAY, f" {day_term(on)}").split("\n")
    lines = [
        f"{patient} {RDF_TYPE} <{OSTEO.Patient}>",
        f"{patient} {listing} _:entry",
        *(f"_:entry {each}" for each in said),
    ]
    triples = ox.parse("".join(f"{line} .\n" for line in lines), format=ox.RdfFormat.N_TRIPLES)
    return Case(_PART, patient.value, tuple(each.triple for each in triples))


def _is_spare(listed: ox.Triple, about: dict[object, list[ox.Triple]], terms: Terms) -> bool:
    if listed.predicate.value == str(OSTEO.hasRenalFunctionTest):
        return True
    return str(OSTEO.PeripheralSite) in terms.types.get(_value(about[listed.object], _SITE), ())


def _value(triples: list[ox.Triple], property_: str) -> str:
    return next((str(getattr(t.object, "value", "")) for t in triples if t.predicate.value == property_), "")


def _text(listing: ox.NamedNode, triples: list[ox.Triple]) -> str:
    said = (_SOME_DAY if t.predicate.value == _PERFORMED else f" {t.object}" for t in triples)
    return "\n".join([f"{listing}", *sorted(f"{t.predicate}{each}" for t, each in zip(triples, said, strict=True))])
