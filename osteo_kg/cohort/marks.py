"""Marks: what a record may be told beside its answer, each with the thing that an answer must say for it to be told.

A notice is told where the record and the answer both say so: a score just above a threshold is near it, and that
is told where the answer depends on that threshold. So every notice is a bit of a record, and every answer a mask.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from osteo_kg.errors import KnowledgeError

_BITS = 62  # of a signed integer of 64


@dataclass(frozen=True, slots=True)
class Mark:
    """One notice, and what an answer must say for it to be told: a property and a value; None for every answer."""

    code: str
    category: str
    aspect: tuple[str, str] | None = None


class Marks:
    """Gives every mark a bit of its own, in the order in which they are met."""

    def __init__(self) -> None:
        self._bits: dict[Mark, int] = {}

    def mask(self, marks: Iterable[Mark]) -> int:
        """Give the bits of some marks."""
        total = 0
        for mark in marks:
            total |= self._bit(mark)
        return total

    def told(self, mask: int) -> list[Mark]:
        """Give the marks of some bits."""
        return [mark for mark, bit in self._bits.items() if mask & bit]

    def _bit(self, mark: Mark) -> int:
        if mark not in self._bits:
            if len(self._bits) == _BITS:
                raise KnowledgeError(
                    "The notices of the loaded modules are too many for a cohort.",
                    advice="Assess the patients one by one.",
                )
            self._bits[mark] = 1 << len(self._bits)
        return self._bits[mark]
