"""Reasons, findings and problems that other resources name, which may be fractures that no Condition states."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import Any

from osteo_kg.case.fhir.bundles import ABOUT_OTHERS, Resource, kinship
from osteo_kg.case.fhir.case_builder import CaseBuilder
from osteo_kg.case.fhir.codings import is_known, meanings, of_kind, sections_left_open
from osteo_kg.case.fhir.densitometry import Densitometry
from osteo_kg.case.fhir.elements import RULED_OUT, each, status, statuses, text, words
from osteo_kg.case.fhir.fractures import Fractures
from osteo_kg.case.fhir.medications import Treatments
from osteo_kg.knowledge import FALSE, NONE, Terms
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
    "AdverseEvent": ("event", "code"),
    "Observation": ("code", "valueCodeableConcept", "interpretation"),
    "DiagnosticReport": (),  # its code says what was looked for
}
_OF_ANY_TYPE = ("code",)
_TEXTS = ("conclusion", "summary", "valueString", "description")
#: Documents, which are looked through from end to end.
_DOCUMENTS = (
    "Basic",
    "ClinicalImpression",
    "Communication",
    "Composition",
    "DocumentReference",
    "ImagingStudy",
    "List",
    "Media",
    "QuestionnaireResponse",
)
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
    for concept in _concepts(resource, hers, builder.terms, is_read=is_read):
        found = meanings(concept, builder.terms)
        broken = of_kind(found, OSTEO.Fracture, builder.terms)
        if broken or (not found and OSTEO.FractureHistory.value in sections_left_open(concept, builder.terms)):
            fractures.mentioned(resource, concept, broken)


def read_free_text(
    resource: Resource,
    fractures: Fractures,
    densitometry: Densitometry,
    treatments: Treatments,
    builder: CaseBuilder,
    *,
    is_read: bool,
    hers: frozenset[str] = frozenset(),
) -> None:
    """Take note of what the notes of a resource name, and of every T-score and drug that stands in words (R2, R14).

    Args:
        resource: any resource of hers.
        fractures: the fractures of the patient.
        densitometry: the T-scores of the patient.
        treatments: the treatments of the patient.
        builder: what collects the case.
        is_read: whether facts were read of the resource; what is not used beside them is named.
        hers: the names, by type and id, of the resources that are read by themselves.
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
        for concept in (*stated, *notes, *_concepts(resource, hers, builder.terms, is_read=is_read)):
            for said in words(concept):
                densitometry.mentioned(resource, said, builder.terms)
                if concept is not resource.get("code") or _may_be_of_a_drug(resource, builder.terms):
                    treatments.mentioned(resource, said, builder.terms)


def _may_be_of_a_drug(resource: Resource, terms: Terms) -> bool:
    """Whether the words of a code may tell of a treatment: not of a laboratory's, nor beside a code that is known."""
    return resource["resourceType"] != "Observation" and not is_known(resource.get("code"), terms)


def _concepts(resource: Resource, hers: frozenset[str], terms: Terms, *, is_read: bool) -> Iterator[Any]:
    own = _OF_TYPE.get(resource["resourceType"], _OF_ANY_TYPE) if not (is_read or "intent" in resource) else ()
    denied = resource.get("valueBoolean") is False
    if resource["resourceType"] in _DOCUMENTS and not is_read:
        yield from _of_document({key: value for key, value in resource.items() if key != "text"}, hers, terms)
        return
    for key in (*_ELEMENTS, *(own if not denied else ())):
        for node in each(resource, key):
            if isinstance(node, dict):
                yield from (inner for inner in _inside(node) if not _is_read_by_itself(inner, hers))
    if not is_read:
        parts = [resource, *(part for part in each(resource, "component") if _is_a_finding(part))]
        yield from ({"text": said} for part in parts for key in _TEXTS if (said := text(part, key)))
        yield from (found for form in each(resource, "presentedForm") for found in _of_document(form, hers, terms))
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


# Documents: what stands in them, whatever the element, and the answers to their questions.

#: Elements that name persons, places and other documents, and nothing of what a document tells.
_APART = frozenset(
    (
        "attester",
        "author",
        "authenticator",
        "contained",
        "context",
        "custodian",
        "encounter",
        "extension",
        "facility",
        "identifier",
        "interpreter",
        "location",
        "meta",
        "note",
        "patient",
        "performer",
        "practiceSetting",
        "procedureReference",
        "protocol",
        "questionnaire",
        "recipient",
        "relatesTo",
        "requester",
        "sender",
        "source",
        "subject",
    )
)
_IN_WORDS = frozenset(
    ("comment", "contentString", "description", "display", "div", "summary", "text", "title", "valueString")
)
_TAG = re.compile(r"<[^>]*>")


def _of_document(document: dict[str, Any], hers: frozenset[str], terms: Terms) -> Iterator[Any]:
    """Give every concept and text of a document, attachments in plain words included."""
    waiting: list[Any] = [document]
    while waiting:
        node: Any = waiting.pop()
        if isinstance(node, list):
            waiting += reversed(node)
        elif isinstance(node, dict) and not _is_read_by_itself(node, hers):
            if "linkId" in node:
                yield from _answers(node, terms)
            elif "coding" in node or ("code" in node and "system" in node):
                yield node
            else:
                texts = [value for key, value in node.items() if key in _IN_WORDS and isinstance(value, str)]
                yield from ({"text": said} for found in (*texts, _attached(node)) if (said := _plain(found)))
                inner = (value for key, value in node.items() if key not in _APART and isinstance(value, dict | list))
                waiting += reversed(list(inner))


def _attached(attachment: dict[str, Any]) -> str:
    """Give the words of an attachment that holds some; empty where it holds none, or what is no text."""
    data, kind = attachment.get("data"), text(attachment, "contentType")
    if not isinstance(data, str) or not kind.startswith("text/"):
        return ""
    try:
        return base64.b64decode(data).decode("utf-8", errors="replace")
    except (binascii.Error, ValueError):
        return ""


def _plain(said: str) -> str:
    return " ".join(_TAG.sub(" ", said).split())


def _answers(item: dict[str, Any], terms: Terms, asked: str = "") -> Iterator[Any]:
    """Give the answers to a question and to those below it, each with its question; what is denied is left out."""
    asked = " ".join(part for part in (asked, text(item, "text")) if part)
    for answer in each(item, "answer"):
        if not isinstance(answer, dict):
            continue
        value = next((answer[key] for key in answer if key.startswith("value")), None)
        said = text(value, "display") if isinstance(value, dict) else "" if value is True else f"{value}"
        is_denied = value is False or any(terms.table_words.means(said, word) for word in (FALSE, NONE))
        if value is not None and not is_denied:
            yield {"text": f"{asked}: {said}" if said else asked, "coding": [value] if isinstance(value, dict) else []}
        yield from _below(answer, terms, asked)
    yield from _below(item, terms, asked)


def _below(node: dict[str, Any], terms: Terms, asked: str) -> Iterator[Any]:
    below: Iterable[Any] = each(node, "item")
    yield from (found for item in below if isinstance(item, dict) for found in _answers(item, terms, asked))
