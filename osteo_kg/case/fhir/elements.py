"""Finding one's way in FHIR JSON that may be of any shape: what is not as FHIR has it is simply not there."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC
from decimal import Decimal
from typing import Any

from osteo_kg.rdf import day_literal, day_text, period_of

_TYPE_IN_A_PLACE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)(?:[/?]|$)")
_VERSION_NUMBER = re.compile(r'(?:W/)?"?([0-9]{1,18})"?')


def extension(resource: dict[str, Any], url: str, value: str) -> Any:
    """Give the value of an extension, named by the IRI of the property that it states."""
    extensions = resource.get("extension")
    found = extensions if isinstance(extensions, list) else []
    return next((first(each, value) for each in found if isinstance(each, dict) and each.get("url") == url), None)


def each(node: Any, *path: str) -> Iterator[Any]:
    """Give every value at the end of a path; a list on the way is followed into each of its items.

    >>> list(each({"code": {"coding": [{"code": "a"}, {"code": "b"}]}}, "code", "coding", "code"))
    ['a', 'b']
    """
    for place, key in enumerate(path):
        if not isinstance(node, dict):
            return _in_each(node, *path[place:])
        node = node.get(key)
    return _in_each(node) if isinstance(node, list) else iter(() if node is None else (node,))


def _in_each(node: Any, *path: str) -> Iterator[Any]:
    for item in node if isinstance(node, list) else ():
        yield from each(item, *path)


def first(node: Any, *path: str) -> Any:
    """Give the first value at the end of a path; None where there is none."""
    return next(each(node, *path), None)


def text(node: Any, *path: str) -> str:
    """Give the first text at the end of a path; empty where there is none."""
    for found in each(node, *path):
        if isinstance(found, str):
            return found
    return ""


def codings(concept: Any) -> Iterator[tuple[str, str]]:
    """Give the system and the code of every coding of a concept, a list of concepts, or a single coding."""
    for found in (*each(concept, "coding"), *each(concept)):
        system, code = text(found, "system"), text(found, "code").strip()
        if code and isinstance(found, dict):
            yield system, code


def words(*concepts: Any) -> tuple[str, ...]:
    """Give what concepts, lists of concepts or single codings say in words: texts and displays, each once."""
    found = (
        word
        for concept in concepts
        for node in each(concept)
        for word in (*each(node, "text"), *each(node, "coding", "display"), *each(node, "display"))
    )
    return tuple(dict.fromkeys(word.strip() for word in found if isinstance(word, str) and word.strip()))


#: What an issue of a search is called that left results out.
_LEFT_OUT = frozenset(("incomplete", "timeout", "throttled", "too-costly", "suppressed", "lock-error", "transient"))


def is_partial(bundle: Any) -> bool:
    """Whether a Bundle says that it is not all there is: a page follows, matches are lacking, or a part failed.

    One under rules that only its author knows may say anything.
    """
    links = set(each(bundle, "link", "relation"))
    if "next" in links or bundle.get("implicitRules"):
        return True
    entries = [entry for entry in each(bundle, "entry") if isinstance(entry, dict)]
    failed = any(text(entry, "response", "status").startswith(("4", "5")) for entry in entries)
    outcomes = (first(bundle, "issues"), *(_outcome(entry) for entry in entries))
    issues = [issue for found in outcomes if found for issue in each(found, "issue")]
    wrong = any(text(one, "severity") in ("error", "fatal") or text(one, "code") in _LEFT_OUT for one in issues)
    total = bundle.get("total")
    matches = sum(text(entry, "search", "mode") not in ("include", "outcome") for entry in entries)
    is_first = text(bundle, "type") == "searchset" and links.isdisjoint(("previous", "prev"))
    return failed or wrong or (is_first and isinstance(total, int | Decimal) and total > matches)


def _outcome(entry: dict[str, Any]) -> Any:
    """Give what the server says of the search in an entry; None where it is a result."""
    found = (first(entry, "resource"), first(entry, "response", "outcome"))
    return next((one for one in found if text(one, "resourceType") == "OperationOutcome"), None)


#: Types of resources that tell of no patient where they name none, beside those that define something.
OF_NO_PATIENT = frozenset(
    (
        "AuditEvent",
        "Binary",
        "CodeSystem",
        "ConceptMap",
        "Device",
        "Endpoint",
        "HealthcareService",
        "InsurancePlan",
        "Library",
        "Measure",
        "MedicationKnowledge",
        "MessageHeader",
        "OperationOutcome",
        "Provenance",
        "Questionnaire",
        "ResearchStudy",
        "Substance",
        "ValueSet",
    )
)


def instant(written: str) -> str:
    """Give an instant in universal time, so that instants are in the order of their texts; empty where it is none."""
    try:
        instant = datetime.datetime.fromisoformat(written)
        return (
            (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC).isoformat("T", "microseconds")
        )
    except (ValueError, OverflowError):
        return ""


def version_of(stated: str, tag: str, url: str) -> int:
    """Give the number of a version, by the resource, by the answer of the server or by its URL; 0 without one."""
    found = (_VERSION_NUMBER.fullmatch(written) for written in (stated, tag, url.rpartition("/_history/")[2]))
    return next((int(match[1]) for match in found if match), 0)


def is_resource(node: Any) -> bool:
    """Whether a node is a resource, by having a type."""
    return isinstance(node, dict) and isinstance(node.get("resourceType"), str)


def something_at(place: str) -> dict[str, Any]:
    """Give a Bundle of something that is not known, of the type that its place on a server names."""
    named = _TYPE_IN_A_PLACE.search(place)
    return {"entry": [{"resource": {"resourceType": named[1]}}]} if named else {}


#: Elements that change what a resource says, in a way that only their author knows.
_MODIFYING = ("modifierExtension", "implicitRules")


def modifiers(resource: dict[str, Any]) -> tuple[str, ...]:
    """Give the names of the elements that change what a resource, or a part of it, says."""
    found: dict[str, None] = {}
    waiting: list[Any] = [resource]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found |= {key: None for key in _MODIFYING if node.get(key)}
            waiting += [value for key, value in node.items() if isinstance(value, dict | list) and key != "contained"]
        else:
            waiting += [item for item in node if isinstance(item, dict | list)]
    return tuple(key for key in _MODIFYING if key in found)


_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
#: Labels of a resource of which elements were taken out on the way.
_TAKEN_OUT = frozenset(("SUBSETTED", "REDACTED", "MASKED"))


def reasons_absent(part: Any) -> frozenset[str]:
    """Give the codes of why an observation has no value: as it says, by an extension, or by its labels."""
    stated = [reason for key in part if key.startswith("_value") for reason in _absent_by_extension(part[key])]
    labels = {f"{code}" for key in ("tag", "security") for code in each(part, "meta", key, "code")}
    return frozenset((*each(part, "dataAbsentReason", "coding", "code"), *stated, *(labels & _TAKEN_OUT)))


def _absent_by_extension(node: Any) -> Iterator[str]:
    yield from (text(one, "valueCode") for one in each(node, "extension") if text(one, "url") == _ABSENT)


#: Verification statuses that say that a condition or an allergy is none.
RULED_OUT = frozenset(("refuted", "entered-in-error"))


def status(resource: Any, *path: str) -> str:
    """Give a status, which older FHIR writes as a plain code and newer FHIR as a concept."""
    return text(resource, *path) or text(resource, *path, "coding", "code")


def statuses(resource: Any, *path: str) -> frozenset[str]:
    """Give every status of a concept, by its codes, or by its words where it has none."""
    found = (*each(resource, *path), *each(resource, *path, "coding", "code"))
    stated = {each.strip().casefold() for each in found if isinstance(each, str)} - {""}
    said = text(resource, *path, "text").strip().casefold()
    return frozenset(stated or ({said} if said else ()))


def day(value: Any) -> str | None:
    """Give the day of a date or a date-time as written; None where it is neither, or has no day.

    >>> day("2021-11-10T19:14:41.088720-08:00"), day("2021-11")
    ('2021-11-10', None)
    """
    if not isinstance(value, str):
        return None
    literal = day_literal(value)
    written = value.partition("T")[0] if literal is None else value
    literal = literal or day_literal(written)
    return day_text(literal.value) if literal else None


@dataclass(frozen=True, slots=True)
class When:
    """When something was: on a day, or in a period of which the first and the last day are known (ISO 8601)."""

    first: str
    last: str

    @property
    def day(self) -> str | None:
        """The day; None where only a period is known."""
        return self.first if self.first == self.last else None

    def __str__(self) -> str:
        """Give the day, or the first and the last one."""
        return self.day or f"{self.first}/{self.last}"


def when(resource: Any, key: str) -> When | None:
    """Give when a resource says that something was, under any form that the element has in FHIR.

    >>> str(when({"effectiveDateTime": "2024-02"}, "effective"))
    '2024-02-01/2024-02-29'
    """
    for ending in ("DateTime", "Date", "Instant", ""):
        if found := moment(first(resource, f"{key}{ending}")):
            return found
    start, end = (moment(first(resource, f"{key}Period", side)) for side in ("start", "end"))
    if start and end:
        return When(start.first, max(start.first, end.last))
    return start or end or moment(first(resource, f"{key}Timing", "event"))


def moment(value: Any) -> When | None:
    """Give the day of a date, or the days between which a year or a month lies; None where it is neither."""
    if whole := day(value):
        return When(whole, whole)
    between = period_of(value)
    return When(between[0].isoformat(), between[1].isoformat()) if between else None


def concept_of(resource: Any) -> Any:
    """Give what a resource is about: its code, or that of its medication."""
    found = (first(resource, *path) for path in (("code",), ("medicationCodeableConcept",), ("medication", "concept")))
    return next((each for each in found if each is not None), None)


#: Where the date of a resource stands, what tells most of the matter first.
_DATES = (
    "effective",
    "onset",
    "occurrence",
    "performed",
    "issued",
    "recordedDate",
    "authoredOn",
    "dateAsserted",
    "date",
)


def dated(resource: Any) -> str:
    """Give the date of a resource as a person would look for it; empty where it has none."""
    found = (when(resource, key) for key in _DATES)
    return next((str(each) for each in found if each), "")
