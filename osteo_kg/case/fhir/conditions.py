"""Condition: fractures, menopause, climacteric disorders and medical history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import OWN_SYSTEM, Meaning, meanings, of_kind, of_term, shown
from osteo_kg.case.fhir.elements import codings, day, extension, status
from osteo_kg.case.fhir.patient import MenopauseStatements
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, XSD, day_literal, node_of

_RULED_OUT = ("refuted", "entered-in-error")
_ACTIVE = ("", "active", "recurrence", "relapse")


def read_condition(
    resource: dict[str, Any], builder: CaseBuilder, fractures: Fractures, menopause: MenopauseStatements
) -> bool:
    """Read a Condition; False where its code concerns nothing here."""
    found = meanings(resource.get("code"), builder.terms)
    if not found:
        builder.unread(resource, resource.get("code"))
        return False
    if status(resource, "verificationStatus") in _RULED_OUT:
        builder.ignore(resource, OSTEO.StatusRulesOut, _told(found, status(resource, "verificationStatus"), builder))
        return True
    kinds = builder.terms
    history = of_kind(found, OSTEO.MedicalCondition, kinds)
    states = [*of_kind(found, OSTEO.MenopausalStatus, kinds), *of_term(found, OSTEO.ClimactericDisorders)]
    if broken := of_kind(found, OSTEO.Fracture, kinds):
        fractures.add(_fracture(resource, broken, builder))
    for meaning in history:
        builder.say(builder.patient, OSTEO.hasCondition, node_of(meaning.term))
    if states and not _holds_today(resource):
        builder.ignore(resource, OSTEO.NoLongerHolds, _told(states, status(resource, "clinicalStatus"), builder))
    else:
        for state in states:
            _state(resource, state, builder, menopause)
    if not (broken or history or states):
        builder.ignore(resource, OSTEO.ValueNotUsable, _told(found, "", builder))
    return True


def _state(resource: dict[str, Any], meaning: Meaning, builder: CaseBuilder, menopause: MenopauseStatements) -> None:
    if meaning.term == OSTEO.ClimactericDisorders.value:
        builder.say(builder.patient, OSTEO.climactericDisorders, ox.Literal("true", datatype=XSD.boolean))
    else:
        menopause.add(meaning.term, builder.day_of(resource, "onset") or day(resource.get("recordedDate")), resource)


def _fracture(resource: dict[str, Any], found: list[Meaning], builder: CaseBuilder) -> Fracture:
    """Make the fracture of a Condition: its own code first, then the code or the body site that says most."""
    at = of_kind(meanings(resource.get("bodySite"), builder.terms), OSTEO.Fracture, builder.terms)
    unspecified = OSTEO.UnspecifiedSiteFracture.value
    meaning = min([*found, *at], key=lambda each: (not each.own, each.term == unspecified))
    return Fracture(meaning, builder.day_of(resource, "onset"), resource)


def _holds_today(resource: dict[str, Any]) -> bool:
    ended = any(key.startswith("abatement") and resource[key] not in (None, False) for key in resource)
    return status(resource, "clinicalStatus") in _ACTIVE and not ended


def _told(found: list[Meaning], what: str, builder: CaseBuilder) -> str:
    return ", ".join(part for part in (shown(found[0].coding, builder.terms), what) if part)


# Fractures of one patient, settled once all are read: what repeats another, and what another says better.


@dataclass(frozen=True)
class Fracture:
    """A fracture as a Condition has it; `day` is None where the date has none."""

    meaning: Meaning
    day: str | None
    resource: dict[str, Any]

    @property
    def broad(self) -> bool:
        """Whether a published code says why the bone broke, or too broadly where."""
        return not self.meaning.own and self.meaning.term == OSTEO.UnspecifiedSiteFracture.value

    @property
    def mechanism(self) -> str | None:
        """Give the mechanism, which travels in the project's own code system."""
        concept = extension(self.resource, OSTEO.hasMechanism.value, "valueCodeableConcept")
        return next((system + code for system, code in codings(concept) if system == OWN_SYSTEM), None)


class Fractures:
    """The fractures that were read of one patient."""

    def __init__(self) -> None:
        self._read: list[Fracture] = []

    def add(self, fracture: Fracture) -> None:
        """Add one as it was read."""
        self._read.append(fracture)

    def settle(self, builder: CaseBuilder) -> None:
        """Write every fracture that stands for itself, and say of the others why they do not."""
        once = list(self._once(builder))
        for each in once:
            if each.broad and any(_says_where(other, each, builder.terms) for other in once):
                builder.ignore(each.resource, OSTEO.SiteSaidElsewhere, shown(each.meaning.coding, builder.terms))
            else:
                _write(each, builder)

    def _once(self, builder: CaseBuilder) -> Iterator[Fracture]:
        """Drop what repeats another: of one code and one date, unless the project's own code makes it an entry."""
        seen: set[tuple[tuple[str, str], str | None]] = set()
        for each in self._read:
            key = each.meaning.coding, each.day
            if key in seen and not each.meaning.own:
                builder.ignore(each.resource, OSTEO.SameEntryTwice, shown(each.meaning.coding, builder.terms))
                continue
            seen.add(key)
            yield each


def _says_where(other: Fracture, broad: Fracture, terms: Terms) -> bool:
    """Whether another fracture of the same date gives the site that a broad code leaves open."""
    if broad.day is None or other.day != broad.day or other.meaning.term == OSTEO.UnspecifiedSiteFracture.value:
        return False
    if terms.is_a(other.mechanism or "", OSTEO.ExcludingMechanism):
        return False
    sites = broad.meaning.fact("isNarrowedBy")
    return other.meaning.term in (sites or (other.meaning.term,)) and OSTEO.QualifyingFracture.value in terms.types.get(
        other.meaning.term, ()
    )


def _write(fracture: Fracture, builder: CaseBuilder) -> None:
    entry = builder.entry(OSTEO.hasFracture, node_of(fracture.meaning.term))
    if fracture.day:
        literal = day_literal(fracture.day)
        assert literal is not None  # it was read as a day
        builder.say(entry, OSTEO.occurredOn, literal)
    if mechanism := fracture.mechanism:
        builder.say(entry, OSTEO.hasMechanism, node_of(mechanism))
    count = extension(fracture.resource, OSTEO.fracturedVertebraCount.value, "valueInteger")
    if count is not None:
        builder.say(entry, OSTEO.fracturedVertebraCount, ox.Literal(f"{count}", datatype=XSD.integer))
    if fracture.meaning.says("leavesLevelOpen"):
        builder.open_level(fracture.resource, fracture.meaning.coding)
