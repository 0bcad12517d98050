"""Condition: fractures, menopause, climacteric disorders and medical history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.case_builder import Facts, node
from osteo_kg.case.fhir.codings import OWN_SYSTEM, Meaning, meanings, of_kind, of_term, shown
from osteo_kg.case.fhir.elements import codings, day, extension, status
from osteo_kg.case.fhir.patient import Statements
from osteo_kg.knowledge.terms import Terms
from osteo_kg.rdf.terms import BOOLEAN, INTEGER, OSTEO, day_literal

_RULED_OUT = ("refuted", "entered-in-error")
_ACTIVE = ("", "active", "recurrence", "relapse")


def read_condition(resource: dict[str, Any], facts: Facts, fractures: Fractures, menopause: Statements) -> bool:
    """Read a Condition; False where its code concerns nothing here."""
    found = meanings(resource.get("code"), facts.terms)
    if not found:
        facts.unread(resource, resource.get("code"))
        return False
    if status(resource, "verificationStatus") in _RULED_OUT:
        facts.ignore(resource, OSTEO.StatusRulesOut, _told(found, status(resource, "verificationStatus"), facts))
        return True
    kinds = facts.terms
    history = of_kind(found, OSTEO.MedicalCondition, kinds)
    states = [*of_kind(found, OSTEO.MenopausalStatus, kinds), *of_term(found, OSTEO.ClimactericDisorders)]
    if broken := of_kind(found, OSTEO.Fracture, kinds):
        fractures.add(_fracture(resource, broken, facts))
    for meaning in history:
        facts.say(facts.patient, OSTEO.hasCondition, node(meaning.term))
    if states and not _holds_today(resource):
        facts.ignore(resource, OSTEO.NoLongerHolds, _told(states, status(resource, "clinicalStatus"), facts))
    else:
        for state in states:
            _state(resource, state, facts, menopause)
    if not (broken or history or states):
        facts.ignore(resource, OSTEO.ValueNotUsable, _told(found, "", facts))
    return True


def _state(resource: dict[str, Any], meaning: Meaning, facts: Facts, menopause: Statements) -> None:
    if meaning.term == str(OSTEO.ClimactericDisorders):
        facts.say(facts.patient, OSTEO.climactericDisorders, ox.Literal("true", datatype=BOOLEAN))
    else:
        menopause.add(meaning.term, facts.day_of(resource, "onset") or day(resource.get("recordedDate")), resource)


def _fracture(resource: dict[str, Any], found: list[Meaning], facts: Facts) -> Fracture:
    """Make the fracture of a Condition: its own code first, then the code or the body site that says most."""
    at = of_kind(meanings(resource.get("bodySite"), facts.terms), OSTEO.Fracture, facts.terms)
    unspecified = str(OSTEO.UnspecifiedSiteFracture)
    meaning = min([*found, *at], key=lambda each: (not each.own, each.term == unspecified))
    return Fracture(meaning, facts.day_of(resource, "onset"), resource)


def _holds_today(resource: dict[str, Any]) -> bool:
    ended = any(key.startswith("abatement") and resource[key] not in (None, False) for key in resource)
    return status(resource, "clinicalStatus") in _ACTIVE and not ended


def _told(found: list[Meaning], what: str, facts: Facts) -> str:
    return ", ".join(part for part in (shown(found[0].coding, facts.terms), what) if part)


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
        return not self.meaning.own and self.meaning.term == str(OSTEO.UnspecifiedSiteFracture)

    @property
    def mechanism(self) -> str | None:
        """Give the mechanism, which travels in the project's own code system."""
        concept = extension(self.resource, str(OSTEO.hasMechanism), "valueCodeableConcept")
        return next((system + code for system, code in codings(concept) if system == OWN_SYSTEM), None)


class Fractures:
    """The fractures that were read of one patient."""

    def __init__(self) -> None:
        self._read: list[Fracture] = []

    def add(self, fracture: Fracture) -> None:
        """Add one as it was read."""
        self._read.append(fracture)

    def settle(self, facts: Facts) -> None:
        """Write every fracture that stands for itself, and say of the others why they do not."""
        once = list(self._once(facts))
        for each in once:
            if each.broad and any(_says_where(other, each, facts.terms) for other in once):
                facts.ignore(each.resource, OSTEO.SiteSaidElsewhere, shown(each.meaning.coding, facts.terms))
            else:
                _write(each, facts)

    def _once(self, facts: Facts) -> Iterator[Fracture]:
        """Drop what repeats another: of one code and one date, unless the project's own code makes it an entry."""
        seen: set[tuple[tuple[str, str], str | None]] = set()
        for each in self._read:
            key = each.meaning.coding, each.day
            if key in seen and not each.meaning.own:
                facts.ignore(each.resource, OSTEO.SameEntryTwice, shown(each.meaning.coding, facts.terms))
                continue
            seen.add(key)
            yield each


def _says_where(other: Fracture, broad: Fracture, terms: Terms) -> bool:
    """Whether another fracture of the same date gives the site that a broad code leaves open."""
    if broad.day is None or other.day != broad.day or other.meaning.term == str(OSTEO.UnspecifiedSiteFracture):
        return False
    if str(OSTEO.ExcludingMechanism) in terms.types.get(other.mechanism or "", ()):
        return False
    sites = broad.meaning.fact("isNarrowedBy")
    return other.meaning.term in (sites or (other.meaning.term,)) and str(OSTEO.QualifyingFracture) in terms.types.get(
        other.meaning.term, ()
    )


def _write(fracture: Fracture, facts: Facts) -> None:
    entry = facts.entry(OSTEO.hasFracture, fracture.meaning.term)
    if fracture.day:
        literal = day_literal(fracture.day)
        assert literal is not None  # it was read as a day
        facts.say(entry, OSTEO.occurredOn, literal)
    if mechanism := fracture.mechanism:
        facts.say(entry, OSTEO.hasMechanism, node(mechanism))
    count = extension(fracture.resource, str(OSTEO.fracturedVertebraCount), "valueInteger")
    if count is not None:
        facts.say(entry, OSTEO.fracturedVertebraCount, ox.Literal(f"{count}", datatype=INTEGER))
    if fracture.meaning.says("leavesLevelOpen"):
        facts.open_level(fracture.resource, fracture.meaning.coding)
