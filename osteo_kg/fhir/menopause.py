"""The menopausal status of one patient, settled once all statements are read: the newest counts."""

from __future__ import annotations

from typing import Any

from osteo_kg.fhir.facts import Facts, node
from osteo_kg.vocabulary import OSTEO


class Statements:
    """What was stated of the menopausal status, and when."""

    def __init__(self) -> None:
        self._made: list[tuple[str, str, dict[str, Any]]] = []

    def add(self, status: str, day: str | None, resource: dict[str, Any]) -> None:
        """Add a statement; one without a day is older than every one with a day."""
        self._made.append((day or "", status, resource))

    def __bool__(self) -> bool:
        """Whether anything was stated."""
        return bool(self._made)

    def settle(self, facts: Facts) -> None:
        """Write the newest statement; two of one day that contradict each other are both written, and refused."""
        newest = max((day for day, _, _ in self._made), default="")
        current = {status for day, status, _ in self._made if day == newest}
        for status in sorted(current):
            facts.say(facts.patient, OSTEO.hasMenopausalStatus, node(status))
        for day, status, resource in self._made:
            if day != newest and status not in current:
                facts.ignore(resource, OSTEO.NewerStatement)
