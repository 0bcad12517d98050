"""Patient: her name, sex, birth date and death."""

from __future__ import annotations

import datetime
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.bundles import Gathered
from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import OWN_SYSTEM
from osteo_kg.case.fhir.elements import day, each, text
from osteo_kg.rdf import OSTEO, XSD, day_literal, is_period, node_of, period_of

_SEXES = {"female": OSTEO.Female, "male": OSTEO.Male}


def name_of(person: Gathered, fallback: str) -> str:
    """Give the patient's name: our identifier, or her id, or the URL of her entry."""
    own = (text(found, "value") for found in each(person.patient, "identifier") if text(found, "system") == OWN_SYSTEM)
    return next(own, "") or text(person.patient, "id") or person.url or fallback


def read_patient(patient: dict[str, Any], builder: CaseBuilder) -> None:
    """Read the Patient resource."""
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
        self._made: list[tuple[str, str, dict[str, Any]]] = []

    def add(self, status: str, day: str | None, resource: dict[str, Any]) -> None:
        """Add a statement; one without a day is older than every one with a day."""
        self._made.append((day or "", status, resource))

    def __bool__(self) -> bool:
        """Whether anything was stated."""
        return bool(self._made)

    def settle(self, builder: CaseBuilder) -> None:
        """Write the newest statement; two of one day that contradict each other are both written, and refused."""
        newest = max((stated for stated, _, _ in self._made), default="")
        current = {status for stated, status, _ in self._made if stated == newest}
        for status in sorted(current):
            builder.say(builder.patient, OSTEO.hasMenopausalStatus, node_of(status))
        for stated, status, resource in self._made:
            if stated != newest and status not in current:
                builder.ignore(resource, OSTEO.NewerStatement)
