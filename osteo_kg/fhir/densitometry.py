"""T-scores: at which site, of which side, when, and whether the value is a T-score at all."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.cases import DECIMAL, day_literal
from osteo_kg.fhir.elements import each, first, text
from osteo_kg.fhir.facts import Facts, node
from osteo_kg.fhir.fractures import extension
from osteo_kg.fhir.meanings import OWN_SYSTEM, Meaning, meanings, of_kind, shown
from osteo_kg.vocabulary import OSTEO


def read_t_score(part: dict[str, Any], found: list[Meaning], facts: Facts) -> None:
    """Read an observation whose code is that of a T-score; what cannot be used is noted."""
    told = shown(found[0].coding, facts.terms)
    if (reason := _why_no_score(part, facts)) is not None:
        facts.ignore(part, reason, ", ".join((told, *_value_told(part))))
        return
    site = _site(part, found, facts)
    if site is None:
        facts.ignore(part, OSTEO.BodySiteNotKnown, ", ".join((told, *_words(part))))
        return
    entry = facts.entry(OSTEO.hasBoneDensitometry, OSTEO.BoneDensitometry)
    if site:
        facts.say(entry, OSTEO.hasSite, node(site))
    facts.say(entry, OSTEO.tScore, ox.Literal(f"{_value(part):f}", datatype=DECIMAL))
    _side(part, found, entry, facts)
    _day(part, entry, facts)
    if not found[0].own and str(OSTEO.PeripheralSite) in facts.terms.types.get(site, ()):
        facts.ignore(part, OSTEO.SiteNeverDecides, ", ".join((told, *_value_told(part))))


def _why_no_score(part: dict[str, Any], facts: Facts) -> str | None:
    accepted = facts.terms.limits["acceptedUnit"].get(str(OSTEO.AxialTScore), frozenset())
    written = {text(part, "valueQuantity", key) for key in ("code", "unit")} - {""}
    if not isinstance(_value(part), Decimal) or text(part, "valueQuantity", "comparator"):
        return OSTEO.ValueNotUsable
    return None if written <= accepted else OSTEO.UnitNotAccepted


def _value(part: dict[str, Any]) -> Any:
    quantity = first(part, "valueQuantity", "value")
    return part.get("valueInteger") if quantity is None else quantity


def _value_told(part: dict[str, Any]) -> tuple[str, ...]:
    words = (text(part, "valueQuantity", "comparator"), _value(part), text(part, "valueQuantity", "unit"))
    told = " ".join(f"{word}" for word in words if word is not None and word != "")
    return (told,) if told else ()


def _site(part: dict[str, Any], found: list[Meaning], facts: Facts) -> str | None:
    """Give the site: a body site that is known wins over the code.

    None where one is stated that is not known, and the code leaves the site open; empty where nothing is stated.
    """
    terms = facts.terms
    stated = of_kind(meanings(part.get("bodySite"), terms), OSTEO.DensitometrySite, terms)
    named = stated[0].term if stated else _named(part, facts)
    if named:
        return named
    by_code = next((each.term for each in of_kind(found, OSTEO.DensitometrySite, terms)), "")
    is_open = not by_code or by_code in terms.limits["readAs"]
    return None if is_open and part.get("bodySite") else by_code


def _named(part: dict[str, Any], facts: Facts) -> str | None:
    """Give the site whose label stands in the words of the body site; one that never decides comes first."""
    said = _plain(" ".join(_words(part)))
    sites = facts.terms.kinds[str(OSTEO.DensitometrySite)].values()
    named = [site for site in sites if any(_plain(word) in said for word in _labels(site, facts))]
    return min(named, key=lambda site: str(OSTEO.PeripheralSite) not in facts.terms.types[site], default=None)


def _labels(site: str, facts: Facts) -> tuple[str, str]:
    label = facts.terms.label(site)
    return label.en, label.fr


def _words(part: dict[str, Any]) -> tuple[str, ...]:
    found = (*each(part, "bodySite", "text"), *each(part, "bodySite", "coding", "display"))
    return tuple(word for word in found if isinstance(word, str))


def _plain(words: str) -> str:
    return words.casefold().replace("’", "'")


def _side(part: dict[str, Any], found: list[Meaning], entry: ox.BlankNode, facts: Facts) -> None:
    stated = extension(part, str(OSTEO.hasSide), "valueCode")
    sides = (
        [OWN_SYSTEM + stated] if isinstance(stated, str) else [s for each in found for s in each.fact("impliesSide")]
    )
    for side in sides[:1]:
        if str(OSTEO.Side) in facts.terms.types.get(side, ()):
            facts.say(entry, OSTEO.hasSide, node(side))


def _day(part: dict[str, Any], entry: ox.BlankNode, facts: Facts) -> None:
    literal = day_literal(facts.day_of(part, "effective") or "")
    if literal is not None:
        facts.say(entry, OSTEO.performedOn, literal)
