"""Is a resource valid FHIR R4? fhir.resources says so; it is loaded when the first resource is checked."""

from __future__ import annotations

import functools
import re
from collections.abc import Hashable, Iterator
from decimal import Decimal
from typing import Any

from osteo_kg.case.record import Repeated
from osteo_kg.rdf import day_text, is_a_day

_REMEMBERED = 20_000  # outlines


def problems(resource: dict[str, Any]) -> tuple[str, ...]:
    """Give the elements of a resource that its model refuses, such as `valueQuantity.value`."""
    from pydantic import ValidationError

    try:
        _model(resource["resourceType"]).model_validate(resource)
    except ValidationError as error:
        paths = (".".join(str(part) for part in each["loc"]) for each in error.errors(include_url=False))
        return tuple(dict.fromkeys(path or "resourceType" for path in paths))
    return ()


class Checks:
    """Checks many resources, those of one outline once."""

    def __init__(self) -> None:
        self._found: dict[Hashable, tuple[str, ...]] = {}

    def problems(self, resource: dict[str, Any]) -> tuple[str, ...]:
        """Give the elements of a resource that its model refuses."""
        key = outline(resource)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            found = self._found[key] = problems(resource)
        return found


@functools.cache
def _model(name: str) -> Any:
    from fhir.resources.R4B import get_fhir_model_class

    return get_fhir_model_class(name)


#: Elements that a type of resource has in another release of FHIR only.
_OF_RELEASES = {
    "R5": {
        "MedicationStatement": ("medication", "adherence", "renderedDosageInstruction"),
        "MedicationRequest": ("medication", "renderedDosageInstruction"),
        "MedicationAdministration": ("medication", "occurenceDateTime", "occurencePeriod"),
        "MedicationDispense": ("medication", "recorded"),
        "Condition": ("participant",),
        "AllergyIntolerance": ("participant",),
        "Observation": ("triggeredBy", "bodyStructure", "instantiatesReference"),
    },
    "STU3": {
        "MedicationStatement": ("taken", "wasNotTaken", "reasonForUseCodeableConcept"),
        "Condition": ("assertedDate", "dateRecorded"),
        "AllergyIntolerance": ("assertedDate", "substance"),
        "Observation": ("comments",),
    },
}


def release_of(resource: dict[str, Any]) -> str:
    """Give the release of FHIR that the elements of a resource show, where it is not R4; empty where it is.

    >>> release_of({"resourceType": "MedicationStatement", "medication": {"concept": {"text": "Prolia"}}})
    'R5'
    """
    for release, types in _OF_RELEASES.items():
        if not resource.keys().isdisjoint(types.get(resource["resourceType"], ())):
            return release
    return ""


def keys_twice(node: Any) -> Iterator[str]:
    """Give the keys that stand twice in one object of a resource; one of their values was lost."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Repeated):
            yield from node.repeated
        inside = node.values() if isinstance(node, dict) else node
        waiting += reversed([item for item in inside if isinstance(item, dict | list)])


# The outline of a resource: all of it but what differs from one patient to the next, such as ids, days and scores.

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
_REFERENCE = re.compile(r"[A-Za-z0-9\-._:/]+", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-](0\d|1[0-3]):[0-5]\d))?", re.ASCII
)
_DIGIT = re.compile(r"\d")
_FORMS = {"id": _ID, "reference": _REFERENCE}


def outline(resource: dict[str, Any]) -> Hashable:
    """Give the outline of a resource.

    >>> one = {"resourceType": "Observation", "id": "a", "effectiveDateTime": "2024-02-29", "status": "final"}
    >>> outline(one) == outline({**one, "id": "b", "effectiveDateTime": "2025-01-31"})
    True
    >>> outline(one) == outline({**one, "effectiveDateTime": "2025-02-29"})
    False
    """
    return tuple((key, _of(key, value)) for key, value in resource.items())


def _of(key: str, value: Any) -> Hashable:
    if isinstance(value, str):
        return _of_text(key, value)
    if isinstance(value, dict):
        return outline(value)
    if isinstance(value, list):
        return ("list", *(_of(key, each) for each in value))
    if isinstance(value, Decimal) and key == "value":
        return Decimal
    return type(value), f"{value}"  # 1, true and 1.0 are equal in Python


def _of_text(key: str, value: str) -> Hashable:
    format_name = _FORMS.get(key)
    if format_name is not None:
        return format_name if format_name.fullmatch(value) else value
    if value[:1].isdigit() and _MOMENT.fullmatch(value) and is_a_day(day_text(value)):
        return _MOMENT, _DIGIT.sub("0", value)
    return value
