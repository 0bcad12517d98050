"""Observation: T-scores, menopause, and the statements that travel in the project's own code system."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.cases import BOOLEAN, INTEGER
from osteo_kg.fhir.densitometry import read_t_score
from osteo_kg.fhir.elements import each, text
from osteo_kg.fhir.facts import Facts
from osteo_kg.fhir.meanings import Meaning, meanings, of_kind, of_term, shown, why_unread
from osteo_kg.fhir.menopause import Statements
from osteo_kg.fhir.renal import MEASURES, read_renal_function
from osteo_kg.vocabulary import OSTEO

_USED = ("final", "amended", "corrected")
_STATEMENTS = {
    str(property_): property_
    for property_ in (OSTEO.climactericDisorders, OSTEO.lowPeripheralFractureRisk, OSTEO.menopausalStatusAssumed)
} | {
    str(OSTEO.ClimactericDisorders): OSTEO.climactericDisorders,
    str(OSTEO.LowPeripheralFractureRisk): OSTEO.lowPeripheralFractureRisk,
}


def read_observation(resource: dict[str, Any], facts: Facts, menopause: Statements) -> bool:
    """Read an Observation and its components; False where no code concerns anything here."""
    parts = list(_parts(resource))
    concerned = [_concerns(part, facts) for part in parts]
    if not any(concerned):
        facts.unread(resource, resource.get("code"))
        return False
    if text(resource, "status") not in _USED:
        facts.ignore(resource, OSTEO.StatusRulesOut, f"status {text(resource, 'status') or '?'}")
        return True
    for part, concerns in zip(parts, concerned, strict=True):
        if concerns:
            _read(part, facts, menopause)
        elif part is not resource:
            facts.unread(part, part.get("code"))
    return True


def _parts(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give an observation, and each of its components as one with the date and the body site of the whole."""
    yield resource
    for component in each(resource, "component"):
        if isinstance(component, dict):
            whole = {key: value for key, value in resource.items() if not key.startswith(("value", "component"))}
            yield whole | component


def _concerns(part: dict[str, Any], facts: Facts) -> bool:
    code = part.get("code")
    return bool(meanings(code, facts.terms)) or why_unread(code, facts.terms) == str(OSTEO.DensityNotTScore)


def _read(part: dict[str, Any], facts: Facts, menopause: Statements) -> None:
    found = meanings(part.get("code"), facts.terms)
    if not found:
        facts.ignore(part, OSTEO.DensityNotTScore, _code(part, facts))
    elif scored := [
        *of_term(found, OSTEO.tScore, OSTEO.AxialTScore),
        *of_kind(found, OSTEO.DensitometrySite, facts.terms),
    ]:
        read_t_score(part, scored, facts)
    elif of_term(found, OSTEO.RecordedMenopausalStatus):
        _status(part, facts, menopause)
    elif said := of_kind(found, OSTEO.MenopausalStatus, facts.terms):
        _finding(part, said[0], facts, menopause)
    elif measured := of_term(found, *MEASURES):
        read_renal_function(part, measured[0], facts)
    elif stated := of_term(found, *_STATEMENTS):
        _statement(part, _STATEMENTS[stated[0].term], facts)
    elif of_term(found, OSTEO.ageInYears, OSTEO.AgeAtAssessment) and isinstance(part.get("valueInteger"), Decimal):
        facts.say(facts.patient, OSTEO.ageInYears, ox.Literal(f"{part['valueInteger']:f}", datatype=INTEGER))
    else:
        facts.ignore(part, OSTEO.ValueNotUsable, _code(part, facts))


def _status(part: dict[str, Any], facts: Facts, menopause: Statements) -> None:
    """Read an observation of the menopause, whose value decides."""
    said = of_kind(meanings(part.get("valueCodeableConcept"), facts.terms), OSTEO.MenopausalStatus, facts.terms)
    if said:
        menopause.add(said[0].term, facts.day_of(part, "effective"), part)
    else:
        facts.ignore(part, OSTEO.ValueNotKnown, _code(part, facts))


def _finding(part: dict[str, Any], said: Meaning, facts: Facts, menopause: Statements) -> None:
    """Read a status that stands as the code, with true as its value."""
    if part.get("valueBoolean") is True:
        menopause.add(said.term, facts.day_of(part, "effective"), part)
    else:
        facts.ignore(part, OSTEO.ValueNotKnown, _code(part, facts))


def _statement(part: dict[str, Any], property_: str, facts: Facts) -> None:
    value = part.get("valueBoolean")
    if isinstance(value, bool):
        facts.say(facts.patient, property_, ox.Literal(str(value).lower(), datatype=BOOLEAN))
    else:
        facts.ignore(part, OSTEO.ValueNotUsable, _code(part, facts))


def _code(part: dict[str, Any], facts: Facts) -> str:
    system, value = text(part, "code", "coding", "system"), text(part, "code", "coding", "code")
    return shown((system, value), facts.terms)
