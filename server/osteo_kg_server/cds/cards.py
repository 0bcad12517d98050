"""Cards: what an answer becomes on the screen of whoever looks at the patient."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from osteo_kg import Assessment, KnowledgeBase, Language, Text
from osteo_kg_server.cds import words
from osteo_kg_server.cds.detail import detail
from osteo_kg_server.cds.drafts import ELIGIBLE, Choice, Drafter, choices, forbidding
from osteo_kg_server.cds.hooks import Hook, Json
from osteo_kg_server.cds.prefetch import Sent

_LONGEST = 139  # characters of a summary
_TREAT, UNDETERMINED, OUT_OF_SCOPE = "treat", "undetermined", "out-of-scope"
_INDICATORS = {_TREAT: "warning", "densitometry-required": "warning"}
#: What the dispositions that ask for no drug ask for.
_SERVICES = {"densitometry-required": words.DENSITOMETRY, "specialist-opinion": words.REFERRAL}


@dataclass(frozen=True, slots=True)
class Cards:
    """Writes the cards of one answer."""

    knowledge_base: KnowledgeBase
    assessment: Assessment
    sent: Sent
    hook: Hook
    language: Language

    def view(self) -> list[Json]:
        """Give the card of a patient who is looked at; none where she is out of scope."""
        found = self.assessment
        if found.disposition == OUT_OF_SCOPE:
            return []
        card = self.card(self._what(), _INDICATORS.get(found.disposition, "info"))
        suggestions = list(self._suggestions())
        return [{**card, "suggestions": suggestions, "selectionBehavior": "at-most-one"} if suggestions else card]

    def card(self, summary: str, indicator: str, about: Iterable[str] = ()) -> Json:
        """Write a card without suggestions; `about` is what its detail says of an order."""
        guideline = self.knowledge_base.engine(self.assessment.guideline).guideline
        return {
            "uuid": str(uuid.uuid4()),
            "summary": shortened(summary),
            "detail": detail(self.assessment, self.sent, self._withheld(), about, self.language),
            "indicator": indicator,
            "source": {"label": self._source(guideline.label, guideline.iri), "url": guideline.iri},
        }

    def _source(self, label: Text, iri: str) -> str:
        version = self.knowledge_base.version_of(iri)
        return label.in_(self.language) + (f", {version}" if version else "")

    def _what(self) -> str:
        """Say what is to be done, and why or what is missing, the most important first."""
        found = self.assessment
        strength = f" ({found.strength_label.in_(self.language)})" if found.strength_label else ""
        said = f"{words.SUBJECT.in_(self.language)}{self.colon}{found.disposition_label.in_(self.language)}{strength}."
        if found.disposition == UNDETERMINED:
            facts = ", ".join(each.label.in_(self.language) for each in found.missing)
            return f"{said} {words.MISSING.in_(self.language)}{facts}" if facts else said
        ongoing = forbidding(found, self.knowledge_base)
        if found.disposition == _TREAT and words.ONGOING in ongoing:
            said += f" {self._sentence(words.ONGOING)}"
        return " ".join([said, *(rule.restates.in_(self.language) for rule in found.deciding)])

    def _sentence(self, text: Text) -> str:
        said = text.in_(self.language)
        return f"{said[0].upper()}{said[1:]}."

    def _suggestions(self) -> Iterator[Json]:
        found, drafter = self.assessment, Drafter(self.knowledge_base, self.hook, self.language)
        if found.disposition in _SERVICES and not any(each.code == "deceased" for each in found.warnings):
            yield drafter.service(found.disposition, _SERVICES[found.disposition])
        if not forbidding(found, self.knowledge_base):
            yield from (drafter.drug(each) for each in self._eligible() if not each.against)

    def _eligible(self) -> Iterator[Choice]:
        return (each for each in choices(self.assessment, self.knowledge_base) if each.status == ELIGIBLE)

    def _withheld(self) -> Iterator[tuple[Text, Text]]:
        general = forbidding(self.assessment, self.knowledge_base)
        for each in self._eligible():
            yield from ((each.label, why) for why in (*general, *each.against))

    @property
    def colon(self) -> str:
        """What stands between a subject and what is said of it."""
        return words.COLON.in_(self.language)


def shortened(text: str) -> str:
    """Give a text that fits into a summary, cut between words.

    >>> shortened("Treat."), len(shortened("word " * 50)) < 140
    ('Treat.', True)
    """
    if len(text) <= _LONGEST:
        return text
    return text[: _LONGEST - 1].rpartition(" ")[0].rstrip(" ,;:(") + "…"
