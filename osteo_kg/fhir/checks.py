"""Is a resource valid FHIR R4? fhir.resources says so; it is loaded when the first resource is checked."""

from __future__ import annotations

import functools
from collections.abc import Hashable, Iterator
from typing import Any

from osteo_kg.fhir.outlines import outline
from osteo_kg.records import Repeated

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


def keys_twice(node: Any) -> Iterator[str]:
    """Give the keys that stand twice in one object of a resource; one of their values was lost."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Repeated):
            yield from node.repeated
        inside = node.values() if isinstance(node, dict) else node
        waiting += reversed([item for item in inside if isinstance(item, dict | list)])
