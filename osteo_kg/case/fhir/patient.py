"""Patient: her name, sex, birth date and death."""

from __future__ import annotations

import datetime
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.bundles import Gathered
from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import OWN_SYSTEM, is_contradicted
from osteo_kg.case.fhir.elements import When, day, each, modifiers, text
from osteo_kg.rdf import OSTEO, XSD, day_literal, is_period, node_of, period_of

_SEXES = {"female": OSTEO.Female, "male": OSTEO.Male}


def name_of(person: Gathered, fallback: str) -> str:
    """Give the patient's name: our identifier, or her id, or the URL of her entry, which tells equal ids apart."""
    own = (text(found, "value") for found in each(person.patient, "identifier") if text(found, "system") == OWN_SYSTEM)
    if stated := next(own, ""):
        return stated
    names = (person.url, text(person.patient, "id")) if person.shares_id else (text(person.patient, "id"), person.url)
    return next((name for name in names if name), fallback)


def read_patient(patient: dict[str, Any], builder: CaseBuilder) -> None:
    """Read the Patient resource; what an unknown modifier changes is not certain, and not read."""
    if changed := modifiers(patient):
        builder.ignore(patient, OSTEO.NotCertain, *changed)
        return
    gender = text(patient, "gender")
    if gender in _SEXES:
        builder.say(builder.patient, OSTEO.hasSex, node_of(_SEXES[gender]))
    elif gender:
        builder.ignore(patient, OSTEO.ValueNotKnown, f"gender {gender}")
    born = patient.get("birthDate")
    if literal := day_literal(day(born) or ""):
        builder.say(builder.patient, OSTEO.birthDate, literal)
    elif is_period(born):
        builder.ignore(patient, OSTEO.BirthDateNotWhole, f"birthDate {born}")
    if patient.get("deceasedBoolean") is True or patient.get("deceasedDateTime"):
        builder.say(builder.patient, OSTEO.isDeceased, ox.Literal("true", datatype=XSD.boolean))


def assume_postmenopausal(patient: dict[str, Any], builder: CaseBuilder, least_age: int, on: datetime.date) -> None:
    """Take a woman of at least an age, on the day of assessment, for post-menopausal, and say that it was assumed."""
    age = _least_age(patient.get("birthDate"), builder, on)
    if text(patient, "gender") == "female" and age is not None and age >= least_age:
        builder.say(builder.patient, OSTEO.hasMenopausalStatus, OSTEO.Postmenopausal)
        builder.say(builder.patient, OSTEO.menopausalStatusAssumed, ox.Literal("true", datatype=XSD.boolean))


def _least_age(born: Any, builder: CaseBuilder, on: datetime.date) -> int | None:
    """Give the completed years that a birth date, whole or not, leaves her with at least, or the age stated."""
    between, whole = period_of(born), day(born)
    if between or whole:
        birth = between[1] if between else datetime.date.fromisoformat(whole or "")
        return on.year - birth.year - ((birth.month, birth.day) > (on.month, on.day))
    stated = [t.object for t in builder.triples if t.predicate == OSTEO.ageInYears]
    return min((int(age.value) for age in stated if isinstance(age, ox.Literal)), default=None)


# The menopausal status of one patient, settled once all statements are read: the newest counts.


class MenopauseStatements:
    """What was stated of the menopausal status, and when."""

    def __init__(self) -> None:
        self._made: list[tuple[When | None, str, dict[str, Any]]] = []

    def add(self, status: str, at: When | None, resource: dict[str, Any], concept: Any, builder: CaseBuilder) -> None:
        """Add a statement that a concept makes; one without a date is older than every one with a date."""
        self._made.append((at, status, resource))
        if is_contradicted(concept, status, builder.terms):
            builder.ignore(resource, OSTEO.WordsContradictCode, concept=concept)

    def __bool__(self) -> bool:
        """Whether anything was stated."""
        return bool(self._made)

    def settle(self, builder: CaseBuilder) -> None:
        """Write the newest statement.

        Two of one day that contradict each other are both written, and refused; where it is not known which of two is
        the newer one, nothing is known.
        """
        newest = [
            (at, status) for at, status, _ in self._made if not any(_replaces(other, at) for other, *_ in self._made)
        ]
        current = {status for _, status in newest}
        if len(current) > 1 and any(at is not None and at.day is None for at, _ in newest):
            current = set()
        for status in sorted(current):
            builder.say(builder.patient, OSTEO.hasMenopausalStatus, node_of(status))
        for _, status, resource in self._made:
            if status not in current:
                builder.ignore(resource, OSTEO.NewerStatement if current else OSTEO.DateNotWhole)


def _replaces(one: When | None, other: When | None) -> bool:
    return one is not None and (other is None or one.first > other.last)
