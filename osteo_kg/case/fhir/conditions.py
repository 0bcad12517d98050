"""Condition: fractures, menopause, climacteric disorders and medical history; and what may be one of them."""

from __future__ import annotations

from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import (
    Meaning,
    is_known,
    meanings,
    of_kind,
    of_term,
    raised_notices,
    says_nothing,
    sections_left_open,
)
from osteo_kg.case.fhir.elements import RULED_OUT, moment, status, statuses
from osteo_kg.case.fhir.fractures import Fractures, fracture_of, may_not_count, names_another_place
from osteo_kg.case.fhir.patient import MenopauseStatements
from osteo_kg.rdf import OSTEO, XSD, node_of

_CONFIRMED = "confirmed"
_ACTIVE = ("", "active", "recurrence", "relapse")


def read_condition(
    resource: dict[str, Any],
    builder: CaseBuilder,
    fractures: Fractures,
    menopause: MenopauseStatements,
    doubt: str = "",
) -> bool:
    """Read a Condition; False where its code concerns nothing here.

    Args:
        resource: the Condition.
        builder: what collects the case.
        fractures: the fractures read so far.
        menopause: what was stated of the menopause so far.
        doubt: why it is not certain to be hers, in words; empty where it is.
    """
    concept = resource.get("code")
    found = meanings(concept, builder.terms)
    verified = statuses(resource, "verificationStatus")
    if ruled_out := verified & RULED_OUT:
        builder.ignore(resource, OSTEO.StatusRulesOut, *sorted(ruled_out))
        fractures.settled(concept, found)
        return bool(found)
    for notice in raised_notices(concept, builder.terms):
        builder.raised(notice, resource)
    if not found:
        _leave_open(resource, builder, fractures)
    elif doubt or (verified and _CONFIRMED not in verified):
        _leave_doubt(resource, found, doubt or ", ".join(sorted(verified)), builder)
    else:
        _read(resource, found, builder, fractures, menopause)
    return bool(found)


def _leave_open(resource: dict[str, Any], builder: CaseBuilder, fractures: Fractures) -> None:
    """Keep open what an unread Condition may belong in; one that says nothing at all may be anything."""
    concept = resource.get("code")
    builder.unread(resource, concept)
    opened = set(sections_left_open(concept, builder.terms))
    if not is_known(concept, builder.terms):
        opened.add(OSTEO.MedicalHistory.value)
        if says_nothing(concept, builder.terms):
            opened.add(OSTEO.FractureHistory.value)
    for section in sorted(opened):
        if section != OSTEO.FractureHistory.value:
            builder.open(node_of(section), resource)
        else:
            fractures.left_open(resource, concept)


def _leave_doubt(resource: dict[str, Any], found: list[Meaning], why: str, builder: CaseBuilder) -> None:
    """Keep open what an uncertain Condition belongs in; it is neither counted nor dropped (the reading, R3)."""
    builder.ignore(resource, OSTEO.NotCertain, why)
    for kind, section in (
        (OSTEO.Fracture, OSTEO.FractureHistory),
        (OSTEO.MedicalCondition, OSTEO.MedicalHistory),
    ):
        if of_kind(found, kind, builder.terms):
            builder.open(section, resource, why)


def _read(
    resource: dict[str, Any],
    found: list[Meaning],
    builder: CaseBuilder,
    fractures: Fractures,
    menopause: MenopauseStatements,
) -> None:
    kinds = builder.terms
    history = of_kind(found, OSTEO.MedicalCondition, kinds)
    states = [*of_kind(found, OSTEO.MenopausalStatus, kinds), *of_term(found, OSTEO.ClimactericDisorders)]
    broken = of_kind(found, OSTEO.Fracture, kinds)
    if broken and may_not_count(resource, broken, kinds):
        builder.ignore(resource, OSTEO.NotCertain)
        fractures.left_open(resource, resource.get("code"))
    elif broken:
        fracture = fracture_of(resource, broken, builder)
        fractures.add(fracture)
        if names_another_place(fracture, kinds):
            builder.ignore(resource, OSTEO.WordsContradictCode)
            fractures.left_open(resource, resource.get("code"))
    for meaning in history:
        builder.say(builder.patient, OSTEO.hasCondition, node_of(meaning.term))
    if states and not _holds_today(resource):
        builder.ignore(resource, OSTEO.NoLongerHolds, status(resource, "clinicalStatus"))
    else:
        for state in states:
            _state(resource, state, builder, menopause)
    if not (broken or history or states):
        builder.ignore(resource, OSTEO.ValueNotUsable)


def _state(resource: dict[str, Any], meaning: Meaning, builder: CaseBuilder, menopause: MenopauseStatements) -> None:
    if meaning.term == OSTEO.ClimactericDisorders.value:
        builder.say(builder.patient, OSTEO.climactericDisorders, ox.Literal("true", datatype=XSD.boolean))
    else:
        at = builder.when(resource, "onset") or moment(resource.get("recordedDate"))
        menopause.add(meaning.term, at, resource, resource.get("code"), builder)


def _holds_today(resource: dict[str, Any]) -> bool:
    ended = any(key.startswith("abatement") and resource[key] not in (None, False) for key in resource)
    return status(resource, "clinicalStatus") in _ACTIVE and not ended
