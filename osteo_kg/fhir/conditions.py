"""Condition: fractures, menopause, climacteric disorders and medical history."""

from __future__ import annotations

from typing import Any

import pyoxigraph as ox

from osteo_kg.cases import BOOLEAN
from osteo_kg.fhir.elements import day, status
from osteo_kg.fhir.facts import Facts, node
from osteo_kg.fhir.fractures import Fracture, Fractures
from osteo_kg.fhir.meanings import Meaning, meanings, of_kind, of_term, shown
from osteo_kg.fhir.menopause import Statements
from osteo_kg.vocabulary import OSTEO

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
