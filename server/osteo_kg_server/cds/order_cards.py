"""Cards about orders: what stands against the drug, what the guideline says of it, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from osteo_kg import BilingualText, KnowledgeBase
from osteo_kg.assessment import Caution, DrugSafety
from osteo_kg.case import Order, read_order
from osteo_kg.rdf import PREFIXES
from osteo_kg_server.cds import messages
from osteo_kg_server.cds.cards import OUT_OF_SCOPE, UNDETERMINED, Cards
from osteo_kg_server.cds.request import Hook, Json
from osteo_kg_server.cds.suggestions import ELIGIBLE, NOT_ELIGIBLE, against, choices

REASONS = PREFIXES["osteo"].removesuffix("ns/") + "cds-hooks/override-reason"
_CRITICAL, _WARNING, _INFO = "critical", "warning", "info"


@dataclass(frozen=True, slots=True)
class OrderCards:
    """Writes a card for each drug that is ordered and that something is to be said of.

    A contraindication is told whatever the guideline decides; out of its scope there is no card.

    Attributes:
        ordered: the drugs, with what stands against each.
        unread: the orders of which it cannot be told what they are of.
    """

    cards: Cards
    ordered: Sequence[DrugSafety]
    unread: Sequence[Unread]

    def all(self) -> list[Json]:
        """Give every card."""
        if self._disposition == OUT_OF_SCOPE:
            return []
        told = [(each, [*against(each, self.cards.knowledge_base), *self._said_of(each.drug)]) for each in self.ordered]
        return [*(self._card(each, said) for each, said in told if said), *self._of_unread()]

    def _said_of(self, drug: str) -> Iterator[BilingualText]:
        """Say what keeps a drug from being an open option; while the disposition is open, none is closed."""
        known = choices(self.cards.assessment, self.cards.knowledge_base)
        status = next((each.status for each in known if each.drug == drug), None)
        if status == NOT_ELIGIBLE or (status is None and self._disposition != UNDETERMINED):
            yield messages.OUTSIDE
        elif status != ELIGIBLE:
            yield messages.OPEN

    def _card(self, found: DrugSafety, said: Sequence[BilingualText]) -> Json:
        label = self._label(found.drug)
        indicator = (
            _CRITICAL if messages.CONTRAINDICATED in said else _INFO if list(said) == [messages.OPEN] else _WARNING
        )
        about = [self._told(each) for each in (*found.contraindications, *found.cautions)]
        return self._with_reasons(f"{self._in(label)}{self.cards.colon}{self._listed(said)}", indicator, about)

    def _of_unread(self) -> Iterator[Json]:
        """Give one card for all orders that cannot be read; a stronger one where a drug of ours may be ordered."""
        if not self.unread:
            return
        doubtful = any(each.order.perhaps or each.order.silent for each in self.unread)
        perhaps = [self._label(drug) for each in self.unread for drug in each.order.perhaps]
        summary = self._in(messages.UNREAD)
        if perhaps:
            summary += f" {self._in(messages.PERHAPS)}{self._listed(list(dict.fromkeys(perhaps)))}"
        about = [f"{each.name}{self.cards.colon}{self._why(each)}" for each in self.unread]
        yield self._with_reasons(summary, _WARNING if doubtful else _INFO, about)

    def _why(self, unread: Unread) -> str:
        if unread.order.perhaps:
            drugs = [self._label(drug) for drug in unread.order.perhaps]
            return f"{self._in(messages.PERHAPS)}{self._listed(drugs)}"
        return self._in(messages.NO_DRUG if unread.order.silent else messages.NO_CODE)

    def _with_reasons(self, summary: str, indicator: str, about: Sequence[str]) -> Json:
        reasons = [
            {"system": REASONS, "code": code, "display": self._in(text)} for code, text in messages.REASONS.items()
        ]
        return {**self.cards.card(summary, indicator, about), "overrideReasons": reasons}

    def _told(self, caution: Caution) -> str:
        return f"{self._in(caution.message)} [{self._in(caution.source)}]"

    def _label(self, drug: str) -> BilingualText:
        return self.cards.knowledge_base.knowledge.terms.label(drug)

    def _listed(self, texts: Sequence[BilingualText]) -> str:
        return ", ".join(self._in(each) for each in texts)

    def _in(self, text: BilingualText) -> str:
        return text.get(self.cards.language)

    @property
    def _disposition(self) -> str:
        return self.cards.assessment.disposition


# The orders of a call: of which drugs they are, and which of them cannot be read.


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
