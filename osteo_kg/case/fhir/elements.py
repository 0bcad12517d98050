"""Finding one's way in FHIR JSON that may be of any shape: what is not as FHIR has it is simply not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from osteo_kg.rdf import day_literal, day_text, period_of


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
    """Whether a Bundle says that it is not all there is: a page follows, matches are lacking, or a part failed."""
    links = set(each(bundle, "link", "relation"))
    if "next" in links:
        return True
    entries = [entry for entry in each(bundle, "entry") if isinstance(entry, dict)]
    failed = any(text(entry, "response", "status").startswith(("4", "5")) for entry in entries)
    issues = [issue for entry in entries if (found := _outcome(entry)) for issue in each(found, "issue")]
    wrong = any(text(one, "severity") in ("error", "fatal") or text(one, "code") in _LEFT_OUT for one in issues)
    total = bundle.get("total")
    matches = sum(text(entry, "search", "mode") not in ("include", "outcome") for entry in entries)
    is_first = text(bundle, "type") == "searchset" and links.isdisjoint(("previous", "prev"))
    return failed or wrong or (is_first and isinstance(total, int | Decimal) and total > matches)


def _outcome(entry: dict[str, Any]) -> Any:
    """Give what the server says of the search in an entry; None where it is a result."""
    found = (first(entry, "resource"), first(entry, "response", "outcome"))
    return next((one for one in found if text(one, "resourceType") == "OperationOutcome"), None)


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
