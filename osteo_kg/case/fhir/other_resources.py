"""Reasons, findings and problems that other resources name, which may be fractures that no Condition states."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteo_kg.case.fhir.bundles import ABOUT_OTHERS, Resource, kinship
from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import meanings, of_kind, sections_left_open
from osteo_kg.case.fhir.densitometry import Densitometry
from osteo_kg.case.fhir.elements import RULED_OUT, each, status, statuses, text, words
from osteo_kg.case.fhir.fractures import Fractures
from osteo_kg.rdf import OSTEO

#: Where a resource says why something was done, or what was found; the keys of FHIR R4, and those that R5 renamed.
_ELEMENTS = (
    "reasonCode",
    "reasonReference",
    "reason",
    "finding",
    "problem",
    "conclusionCode",
    "diagnosis",
    "indication",
    "complication",
    "addresses",
)
_OF_TYPE = {
    "AdverseEvent": ("event",),
    "Flag": ("code",),
    "Observation": ("code", "valueCodeableConcept"),
    "Procedure": ("code",),
}
_TEXTS = ("conclusion", "summary", "valueString")
_NEVER_WAS = ("entered-in-error", "cancelled", "not-done", "rejected")
_NOT_FINAL = ("registered", "partial", "preliminary")


def read_mentions(
    resource: Resource, fractures: Fractures, builder: CaseBuilder, *, is_read: bool, hers: frozenset[str] = frozenset()
) -> None:
    """Take note of what a resource names that may be a fracture (docs/reference/reading.md, R14).

    Args:
        resource: a resource that is no Condition.
        fractures: the fractures of the patient.
        builder: what collects the case.
        is_read: whether facts were read of the resource, so that what it is about is known.
        hers: the names, by type and id, of the resources that are read by themselves.
    """
    if resource["resourceType"] in ABOUT_OTHERS or status(resource, "status") in _NEVER_WAS:
        return
    for concept in _concepts(resource, hers, is_read=is_read):
        found = meanings(concept, builder.terms)
        broken = of_kind(found, OSTEO.Fracture, builder.terms)
        if broken or (not found and OSTEO.FractureHistory.value in sections_left_open(concept, builder.terms)):
            fractures.mentioned(resource, concept, broken)


def read_free_text(
    resource: Resource, fractures: Fractures, densitometry: Densitometry, builder: CaseBuilder, *, is_read: bool
) -> None:
    """Take note of what the notes of a resource name, and of every T-score that stands in words (R2, R14).

    Args:
        resource: any resource of hers.
        fractures: the fractures of the patient.
        densitometry: the T-scores of the patient.
        builder: what collects the case.
        is_read: whether facts were read of the resource; what is not used beside them is named.
    """
    never_was = status(resource, "status") in _NEVER_WAS or statuses(resource, "verificationStatus") & RULED_OUT
    if resource["resourceType"] in ABOUT_OTHERS or never_was:
        return
    notes = [{"text": said} for said in each(resource, "note", "text") if isinstance(said, str) and said.strip()]
    for note in notes:
        if is_read:
            builder.ignore(resource, OSTEO.FreeTextNotRead, concept=note)
        if OSTEO.FractureHistory.value in sections_left_open(note, builder.terms):
            fractures.mentioned(resource, note, ())
    if status(resource, "status") not in _NOT_FINAL:
        stated = [resource.get("code")] if resource["resourceType"] == "Condition" else []
        for concept in (*stated, *notes, *_concepts(resource, frozenset(), is_read=is_read)):
            for said in words(concept):
                densitometry.mentioned(resource, said, builder.terms)


def _concepts(resource: Resource, hers: frozenset[str], *, is_read: bool) -> Iterator[Any]:
    own = _OF_TYPE.get(resource["resourceType"], ()) if not is_read else ()
    denied = resource.get("valueBoolean") is False
    for key in (*_ELEMENTS, *(own if not denied else ())):
        for node in each(resource, key):
            if isinstance(node, dict):
                yield from (inner for inner in _inside(node) if not _is_read_by_itself(inner, hers))
    if not is_read:
        parts = [resource, *(part for part in each(resource, "component") if _is_a_finding(part))]
        yield from ({"text": said} for part in parts for key in _TEXTS if (said := text(part, key)))
        yield from ({"text": said} for said in each(resource, "presentedForm", "title") if isinstance(said, str))
        yield from (found for part in parts[1:] for key in own for found in each(part, key))


def _is_a_finding(component: Any) -> bool:
    return isinstance(component, dict) and component.get("valueBoolean") is not False


def _is_read_by_itself(node: Any, hers: frozenset[str]) -> bool:
    """Whether a reference leads to a resource of the record; one of an entry without a name is taken to."""
    reference = text(node, "reference")
    return reference.startswith(("urn:", "#")) or (bool(reference) and kinship(reference) in hers)


_INNER = (
    "itemCodeableConcept",
    "itemReference",
    "diagnosisCodeableConcept",
    "diagnosisReference",
    "condition",
    "concept",
    "value",
)


def _inside(node: dict[str, Any]) -> Iterator[Any]:
    """Give a concept or a reference, or those that stand inside an element, however deep."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        inner = [found for key in _INNER for found in each(node, key) if isinstance(found, dict)]
        waiting += inner
        yield from [] if inner else [node]
