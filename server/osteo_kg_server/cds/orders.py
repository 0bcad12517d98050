"""The orders of a call: of which drugs they are, and which of them cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from osteo_kg import KnowledgeBase, Order, read_order
from osteo_kg_server.cds.hooks import Hook, Json


@dataclass(frozen=True, slots=True)
class Unread:
    """An order of which it cannot be told what it is of; `name` is its type and id."""

    name: str
    order: Order


@dataclass(frozen=True, slots=True)
class Orders:
    """What is ordered: drugs of ours, each once, and orders that cannot be read."""

    drugs: tuple[str, ...]
    unread: tuple[Unread, ...]


def read_orders(hook: Hook, beside: Sequence[Json], knowledge_base: KnowledgeBase) -> Orders:
    """Read the orders of a call; they may refer to its other orders, and to what else was sent."""
    medications = [each for each in (*hook.medications, *beside) if each["resourceType"] == "Medication"]
    read = [
        (each, read_order(each, medications, knowledge_base.knowledge.terms))
        for each in hook.drafts
        if each["resourceType"] == "MedicationRequest"
    ]
    drugs = dict.fromkeys(drug for _, order in read for drug in order.drugs)
    return Orders(tuple(drugs), tuple(_unread(read)))


def _unread(read: list[tuple[Json, Order]]) -> Iterator[Unread]:
    for resource, order in read:
        if not order.told:
            own = resource.get("id")
            yield Unread(f"MedicationRequest/{own}" if isinstance(own, str) else "MedicationRequest", order)
