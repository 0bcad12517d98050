"""Finding one's way in FHIR JSON that may be of any shape: what is not as FHIR has it is simply not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osteo_kg.rdf import day_literal, day_text


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


def status(resource: Any, *path: str) -> str:
    """Give a status, which older FHIR writes as a plain code and newer FHIR as a concept."""
    return text(resource, *path) or text(resource, *path, "coding", "code")


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
