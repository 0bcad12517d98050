"""Observation: T-scores, menopause, and the statements that travel in the project's own code system."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import OWN_SYSTEM, Meaning, meanings, of_kind, of_term, shown, why_unread
from osteo_kg.case.fhir.elements import each, extension, first, text
from osteo_kg.case.fhir.patient import MenopauseStatements
from osteo_kg.case.fields import BEYOND_THE_RECORD, STATED, FieldKind
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, XSD, day_literal, node_of

_USED = ("final", "amended", "corrected")
#: What a statement about the patient is, by the property that makes it, which is its code too.
STATEMENTS: dict[ox.NamedNode, FieldKind] = {
    each.property: each.kind for each in STATED if each.property and each.kind in ("truth", "whole", "decimal")
}
STATEMENTS |= {ox.NamedNode(property_): kind for property_, kind in BEYOND_THE_RECORD.items()}
_VALUES = {"truth": "valueBoolean", "whole": "valueInteger", "decimal": "valueQuantity"}


def read_observation(resource: dict[str, Any], builder: CaseBuilder, menopause: MenopauseStatements) -> bool:
    """Read an Observation and its components; False where no code concerns anything here."""
    parts = list(_parts(resource))
    concerned = [_concerns(part, builder) for part in parts]
    if not any(concerned):
        builder.unread(resource, resource.get("code"))
        return False
    if text(resource, "status") not in _USED:
        builder.ignore(resource, OSTEO.StatusRulesOut, f"status {text(resource, 'status') or '?'}")
        return True
    for part, concerns in zip(parts, concerned, strict=True):
        if concerns:
            _read(part, builder, menopause)
        elif part is not resource:
            builder.unread(part, part.get("code"))
    return True


def _parts(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give an observation, and each of its components as one with the date and the body site of the whole."""
    yield resource
    for component in each(resource, "component"):
        if isinstance(component, dict):
            whole = {key: value for key, value in resource.items() if not key.startswith(("value", "component"))}
            yield whole | component


def _concerns(part: dict[str, Any], builder: CaseBuilder) -> bool:
    code = part.get("code")
    return bool(meanings(code, builder.terms)) or why_unread(code, builder.terms) == OSTEO.DensityNotTScore


def _read(part: dict[str, Any], builder: CaseBuilder, menopause: MenopauseStatements) -> None:
    found = meanings(part.get("code"), builder.terms)
    if not found:
        builder.ignore(part, OSTEO.DensityNotTScore, _code(part, builder))
    elif scored := [
        *of_term(found, OSTEO.tScore, OSTEO.AxialTScore),
        *of_kind(found, OSTEO.DensitometrySite, builder.terms),
    ]:
        read_t_score(part, scored, builder)
    elif of_term(found, OSTEO.RecordedMenopausalStatus):
        _status(part, builder, menopause)
    elif said := of_kind(found, OSTEO.MenopausalStatus, builder.terms):
        _finding(part, said[0], builder, menopause)
    elif measured := of_term(found, *map(node_of, MEASURES)):
        read_renal_function(part, measured[0], builder)
    elif stated := [each for each in found if _stating(each, builder.terms) in STATEMENTS]:
        _statement(part, _stating(stated[0], builder.terms), builder)
    else:
        builder.ignore(part, OSTEO.ValueNotUsable, _code(part, builder))


def _status(part: dict[str, Any], builder: CaseBuilder, menopause: MenopauseStatements) -> None:
    """Read an observation of the menopause, whose value decides."""
    said = of_kind(meanings(part.get("valueCodeableConcept"), builder.terms), OSTEO.MenopausalStatus, builder.terms)
    if said:
        menopause.add(said[0].term, builder.day_of(part, "effective"), part)
    else:
        builder.ignore(part, OSTEO.ValueNotKnown, _code(part, builder))


def _finding(part: dict[str, Any], said: Meaning, builder: CaseBuilder, menopause: MenopauseStatements) -> None:
    """Read a status that stands as the code, with true as its value."""
    if part.get("valueBoolean") is True:
        menopause.add(said.term, builder.day_of(part, "effective"), part)
    else:
        builder.ignore(part, OSTEO.ValueNotKnown, _code(part, builder))


def _stating(meaning: Meaning, terms: Terms) -> ox.NamedNode:
    """Give the property that a code stands for, by itself or as the fact that it states."""
    return node_of(terms.stated_by.get(meaning.term, meaning.term))


def _statement(part: dict[str, Any], property_: ox.NamedNode, builder: CaseBuilder) -> None:
    """Read a statement about the patient; its value is of the kind that its field has."""
    kind = STATEMENTS[property_]
    value = first(part, _VALUES[kind], "value") if kind == "decimal" else part.get(_VALUES[kind])
    if kind == "truth" and isinstance(value, bool):
        builder.say(builder.patient, property_, ox.Literal(str(value).lower(), datatype=XSD.boolean))
    elif kind != "truth" and isinstance(value, Decimal):
        datatype = XSD.integer if kind == "whole" else XSD.decimal
        builder.say(builder.patient, property_, ox.Literal(f"{value:f}", datatype=datatype))
    else:
        builder.ignore(part, OSTEO.ValueNotUsable, _code(part, builder))


def _code(part: dict[str, Any], builder: CaseBuilder) -> str:
    system, value = text(part, "code", "coding", "system"), text(part, "code", "coding", "code")
    return shown((system, value), builder.terms)


# T-scores: at which site, of which side, when, and whether the value is a T-score at all.


def read_t_score(part: dict[str, Any], found: list[Meaning], builder: CaseBuilder) -> None:
    """Read an observation whose code is that of a T-score; what cannot be used is noted."""
    told = shown(found[0].coding, builder.terms)
    if (reason := _why_no_score(part, builder)) is not None:
        builder.ignore(part, reason, ", ".join((told, *_value_told(part))))
        return
    site = _site(part, found, builder)
    if site is None:
        builder.ignore(part, OSTEO.BodySiteNotKnown, ", ".join((told, *_words(part))))
        return
    entry = builder.entry(OSTEO.hasBoneDensitometry, OSTEO.BoneDensitometry)
    if site:
        builder.say(entry, OSTEO.hasSite, node_of(site))
    builder.say(entry, OSTEO.tScore, ox.Literal(f"{_value(part):f}", datatype=XSD.decimal))
    _side(part, found, entry, builder)
    _day(part, entry, builder)
    if not found[0].own and builder.terms.is_a(site, OSTEO.PeripheralSite):
        builder.ignore(part, OSTEO.SiteNeverDecides, ", ".join((told, *_value_told(part))))


def _why_no_score(part: dict[str, Any], builder: CaseBuilder) -> ox.NamedNode | None:
    accepted = builder.terms.limits["acceptedUnit"].get(OSTEO.AxialTScore.value, frozenset())
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


def _site(part: dict[str, Any], found: list[Meaning], builder: CaseBuilder) -> str | None:
    """Give the site: a body site that is known wins over the code.

    None where one is stated that is not known, and the code leaves the site open; empty where nothing is stated.
    """
    terms = builder.terms
    stated = of_kind(meanings(part.get("bodySite"), terms), OSTEO.DensitometrySite, terms)
    named = stated[0].term if stated else _named(part, builder)
    if named:
        return named
    by_code = next((each.term for each in of_kind(found, OSTEO.DensitometrySite, terms)), "")
    is_open = not by_code or by_code in terms.limits["readAs"]
    return None if is_open and part.get("bodySite") else by_code


def _named(part: dict[str, Any], builder: CaseBuilder) -> str | None:
    """Give the site whose label stands in the words of the body site; one that never decides comes first."""
    said = _plain(" ".join(_words(part)))
    sites = builder.terms.kinds[OSTEO.DensitometrySite].values()
    named = [site for site in sites if any(_plain(word) in said for word in _labels(site, builder))]
    return min(named, key=lambda site: OSTEO.PeripheralSite.value not in builder.terms.types[site], default=None)


def _labels(site: str, builder: CaseBuilder) -> tuple[str, str]:
    label = builder.terms.label(site)
    return label.en, label.fr


def _words(part: dict[str, Any]) -> tuple[str, ...]:
    found = (*each(part, "bodySite", "text"), *each(part, "bodySite", "coding", "display"))
    return tuple(word for word in found if isinstance(word, str))


def _plain(words: str) -> str:
    return words.casefold().replace("’", "'")


def _side(part: dict[str, Any], found: list[Meaning], entry: ox.BlankNode, builder: CaseBuilder) -> None:
    stated = extension(part, OSTEO.hasSide.value, "valueCode")
    sides = (
        [OWN_SYSTEM + stated] if isinstance(stated, str) else [s for each in found for s in each.fact("impliesSide")]
    )
    for side in sides[:1]:
        if builder.terms.is_a(side, OSTEO.Side):
            builder.say(entry, OSTEO.hasSide, node_of(side))


def _day(part: dict[str, Any], entry: ox.BlankNode, builder: CaseBuilder) -> None:
    literal = day_literal(builder.day_of(part, "effective") or "")
    if literal is not None:
        builder.say(entry, OSTEO.performedOn, literal)


# Renal function: creatinine clearance and estimated filtration rate, in a unit that their limits are set in.

#: The property that states each measure.
MEASURES = {
    OSTEO.CreatinineClearance.value: OSTEO.creatinineClearance,
    OSTEO.EstimatedGfr.value: OSTEO.estimatedGfr,
}


def read_renal_function(part: dict[str, Any], measure: Meaning, builder: CaseBuilder) -> None:
    """Read an observation of renal function; one without a unit is not used, since its limits are in one."""
    value = first(part, "valueQuantity", "value")
    if not isinstance(value, Decimal) or text(part, "valueQuantity", "comparator"):
        builder.ignore(part, OSTEO.ValueNotUsable, shown(measure.coding, builder.terms))
        return
    written = {text(part, "valueQuantity", key) for key in ("code", "unit")} - {""}
    if not written & builder.terms.limits["acceptedUnit"].get(measure.term, frozenset()):
        builder.ignore(part, OSTEO.UnitNotAccepted, shown(measure.coding, builder.terms))
        return
    entry = builder.entry(OSTEO.hasRenalFunctionTest, OSTEO.RenalFunctionTest)
    builder.say(entry, MEASURES[measure.term], ox.Literal(f"{value:f}", datatype=XSD.decimal))
    measured = day_literal(builder.day_of(part, "effective") or "")
    if measured is not None:
        builder.say(entry, OSTEO.performedOn, measured)
