"""Orders that a card drafts, and the drugs of which it drafts none."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from osteo_kg import Assessment, BilingualText, KnowledgeBase, Language
from osteo_kg.assessment import Caution, DrugSafety
from osteo_kg.rdf import OSTEO, PREFIXES
from osteo_kg_server.cds import messages
from osteo_kg_server.cds.request import Hook, Json

_OWN = PREFIXES["osteo"]
ELIGIBLE, NOT_ELIGIBLE = "eligible", "not-eligible"
#: Warnings that forbid every draft of a drug.
_FORBIDDING = {"already-treated": messages.ONGOING, "deceased": messages.DECEASED}
_FAILED, _RENAL = "failure-or-intolerance-recorded", "renal-function-to-check"


@dataclass(frozen=True, slots=True)
class Choice:
    """A drug of an option: the status of the option, and what stands against ordering the drug, gravest first."""

    drug: str
    label: BilingualText
    status: str
    against: tuple[BilingualText, ...]


def choices(assessment: Assessment, knowledge_base: KnowledgeBase) -> Iterator[Choice]:
    """Give every drug of every option of an answer."""
    for option in assessment.options:
        for drug, label in zip(option.drugs, option.drug_labels, strict=True):
            own = [each for each in option.contraindications if each.drug == drug]
            speaking = _against(own, [each for each in option.cautions if each.drug == drug], knowledge_base)
            yield Choice(drug, label, option.status, speaking)


def against(found: DrugSafety, knowledge_base: KnowledgeBase) -> tuple[BilingualText, ...]:
    """Give what stands against a drug, gravest first, whatever the guideline says of it."""
    return _against(found.contraindications, found.cautions, knowledge_base)


def _against(
    contraindications: Sequence[Caution], cautions: Sequence[Caution], knowledge_base: KnowledgeBase
) -> tuple[BilingualText, ...]:
    limits = knowledge_base.knowledge.terms.kinds[OSTEO.RenalLimit]
    told = {each.code for each in cautions}
    found = {
        messages.CONTRAINDICATED: bool(contraindications),
        messages.FAILED: _FAILED in told,
        messages.LIMIT: not contraindications and not told.isdisjoint(limits),
        messages.RENAL: _RENAL in told,
    }
    return tuple(why for why, holds in found.items() if holds)


def forbidding(assessment: Assessment, knowledge_base: KnowledgeBase) -> tuple[BilingualText, ...]:
    """Give what stands against any draft of a drug."""
    told = {each.code for each in assessment.warnings}
    found = [why for code, why in _FORBIDDING.items() if code in told]
    return (*found, *(() if knowledge_base.tells_safety else (messages.UNCHECKED,)))


@dataclass(frozen=True, slots=True)
class Drafter:
    """Writes suggestions for one patient, in one language."""

    knowledge_base: KnowledgeBase
    hook: Hook
    language: Language

    def drug(self, choice: Choice) -> Json:
        """Suggest an order of a drug."""
        concept = self._concept(choice.drug, choice.label)
        return self._suggestion(choice.label, self._order("MedicationRequest", medicationCodeableConcept=concept))

    def service(self, disposition: str, label: BilingualText) -> Json:
        """Suggest an order of what a disposition asks for."""
        term = self.knowledge_base.knowledge.terms.kinds[OSTEO.Disposition][disposition]
        return self._suggestion(label, self._order("ServiceRequest", code=self._concept(term, label)))

    def _order(self, kind: str, **what: Json) -> Json:
        order: Json = {"resourceType": kind, "status": "draft", "intent": "order", **what}
        order["subject"] = {"reference": f"Patient/{self.hook.patient}"}
        encounter = self.hook.encounter
        return {**order, "encounter": {"reference": f"Encounter/{encounter}"}} if encounter else order

    def _suggestion(self, label: BilingualText, order: Json) -> Json:
        said = messages.DRAFT.filled({"what": label}).get(self.language)
        action = {"type": "create", "description": said, "resource": order}
        return {"label": said, "uuid": str(uuid.uuid4()), "actions": [action]}

    def _concept(self, term: str, label: BilingualText) -> Json:
        """Give the concept of a term: our own code, and the published ones that an order of it carries."""
        triples, terms = self.knowledge_base.knowledge.triples, self.knowledge_base.knowledge.terms
        carried = set(triples.objects(term, OSTEO.isOrderedAs))
        codings = [{"system": _OWN, "code": term.removeprefix(_OWN), "display": terms.label(term).get(self.language)}]
        found = [code for code in terms.codes.all if code.iri in carried]
        codings += [{"system": code.system, "code": code.value} for code in sorted(found, key=lambda code: code.iri)]
        return {"coding": codings, "text": label.get(self.language)}
