"""Patient: her name, sex, birth date and death."""

from __future__ import annotations

import datetime
from typing import Any

import pyoxigraph as ox

from osteo_kg.cases import BOOLEAN, day_literal
from osteo_kg.fhir.bundles import Gathered
from osteo_kg.fhir.elements import day, each, is_partial, span, text
from osteo_kg.fhir.facts import Facts, node
from osteo_kg.fhir.meanings import OWN_SYSTEM
from osteo_kg.vocabulary import OSTEO

_SEXES = {"female": OSTEO.Female, "male": OSTEO.Male}


def name_of(person: Gathered, fallback: str) -> str:
    """Give the patient's name: our identifier, or her id, or the URL of her entry."""
    own = (text(found, "value") for found in each(person.patient, "identifier") if text(found, "system") == OWN_SYSTEM)
    return next(own, "") or text(person.patient, "id") or person.url or fallback


def read_patient(patient: dict[str, Any], facts: Facts) -> None:
    """Read the Patient resource."""
    gender = text(patient, "gender")
    if gender in _SEXES:
        facts.say(facts.patient, OSTEO.hasSex, node(_SEXES[gender]))
    elif gender:
        facts.ignore(patient, OSTEO.ValueNotKnown, f"gender {gender}")
    born = patient.get("birthDate")
    if literal := day_literal(day(born) or ""):
        facts.say(facts.patient, OSTEO.birthDate, literal)
    elif is_partial(born):
        facts.ignore(patient, OSTEO.BirthDateNotWhole, f"birthDate {born}")
    if patient.get("deceasedBoolean") is True or patient.get("deceasedDateTime"):
        facts.say(facts.patient, OSTEO.isDeceased, ox.Literal("true", datatype=BOOLEAN))


def assume_postmenopausal(patient: dict[str, Any], facts: Facts, least_age: int, on: datetime.date) -> None:
    """Take a woman of at least an age, on the day of assessment, for post-menopausal, and say that it was assumed."""
    age = _least_age(patient.get("birthDate"), facts, on)
    if text(patient, "gender") == "female" and age is not None and age >= least_age:
        facts.say(facts.patient, OSTEO.hasMenopausalStatus, node(OSTEO.Postmenopausal))
        facts.say(facts.patient, OSTEO.menopausalStatusAssumed, ox.Literal("true", datatype=BOOLEAN))


def _least_age(born: Any, facts: Facts, on: datetime.date) -> int | None:
    """Give the completed years that a birth date, whole or not, leaves her with at least, or the age stated."""
    between, whole = span(born), day(born)
    if between or whole:
        birth = between[1] if between else datetime.date.fromisoformat(whole or "")
        return on.year - birth.year - ((birth.month, birth.day) > (on.month, on.day))
    stated = [t.object for t in facts.triples if t.predicate == node(OSTEO.ageInYears)]
    return min((int(age.value) for age in stated if isinstance(age, ox.Literal)), default=None)
