"""Cards: what an answer becomes on the screen of whoever looks at the patient."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from osteo_kg import Assessment, BilingualText, KnowledgeBase, Language
from osteo_kg.assessment import assessment_lines
from osteo_kg_server.cds import messages
from osteo_kg_server.cds.prefetch import Sent
from osteo_kg_server.cds.request import Hook, Json
from osteo_kg_server.cds.suggestions import ELIGIBLE, Choice, Drafter, choices, forbidding

_LONGEST = 139  # characters of a summary
_TREAT, UNDETERMINED, OUT_OF_SCOPE = "treat", "undetermined", "out-of-scope"
_INDICATORS = {_TREAT: "warning", "densitometry-required": "warning"}
#: What the dispositions that ask for no drug ask for.
_SERVICES = {"densitometry-required": messages.DENSITOMETRY, "specialist-opinion": messages.REFERRAL}


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

    def _source(self, label: BilingualText, iri: str) -> str:
        version = self.knowledge_base.version_of(iri)
        return label.get(self.language) + (f", {version}" if version else "")

    def _what(self) -> str:
        """Say what is to be done, and why or what is missing, the most important first."""
        found = self.assessment
        strength = f" ({found.strength_label.get(self.language)})" if found.strength_label else ""
        said = (
            f"{messages.SUBJECT.get(self.language)}{self.colon}{found.disposition_label.get(self.language)}{strength}."
        )
        if found.disposition == UNDETERMINED:
            facts = ", ".join(each.label.get(self.language) for each in found.missing)
            return f"{said} {messages.MISSING.get(self.language)}{facts}" if facts else said
        ongoing = forbidding(found, self.knowledge_base)
        if found.disposition == _TREAT and messages.ONGOING in ongoing:
            said += f" {self._sentence(messages.ONGOING)}"
        return " ".join([said, *(rule.restates.get(self.language) for rule in found.deciding)])

    def _sentence(self, text: BilingualText) -> str:
        said = text.get(self.language)
        return f"{said[0].upper()}{said[1:]}."

    def _suggestions(self) -> Iterator[Json]:
        found, drafter = self.assessment, Drafter(self.knowledge_base, self.hook, self.language)
        if found.disposition in _SERVICES and not any(each.code == "deceased" for each in found.warnings):
            yield drafter.service(found.disposition, _SERVICES[found.disposition])
        if not forbidding(found, self.knowledge_base):
            yield from (drafter.drug(each) for each in self._eligible() if not each.against)

    def _eligible(self) -> Iterator[Choice]:
        return (each for each in choices(self.assessment, self.knowledge_base) if each.status == ELIGIBLE)

    def _withheld(self) -> Iterator[tuple[BilingualText, BilingualText]]:
        general = forbidding(self.assessment, self.knowledge_base)
        for each in self._eligible():
            yield from ((each.label, why) for why in (*general, *each.against))

    @property
    def colon(self) -> str:
        """What stands between a subject and what is said of it."""
        return messages.COLON.get(self.language)


def shortened(text: str) -> str:
    """Give a text that fits into a summary, cut between words.

    >>> shortened("Treat."), len(shortened("word " * 50)) < 140
    ('Treat.', True)
    """
    if len(text) <= _LONGEST:
        return text
    return text[: _LONGEST - 1].rpartition(" ")[0].rstrip(" ,;:(") + "…"


# The detail of a card, in GitHub Flavored Markdown: what the answer says, whole, and what the record said.

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
_OPENING = re.compile(r"^([+-]|\d+(?=[.)]))")


def escaped(text: str) -> str:
    """Write a text so that Markdown shows it as it is, on one line."""
    plain = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return _OPENING.sub(lambda found: f"\\{found[0]}" if found[0] in "+-" else f"{found[0]}\\", plain)


def detail(
    assessment: Assessment,
    sent: Sent,
    withheld: Iterable[tuple[BilingualText, BilingualText]],
    about: Iterable[str],
    language: Language,
) -> str:
    """Write all that is to be read beside a card.

    Args:
        assessment: the answer.
        sent: what it rests on.
        withheld: the drugs of which there is no draft, each with the reason.
        about: what is to be said of an order.
        language: that of the reader.
    """
    parts = [
        *_section(messages.ABOUT, about, language),
        *_answer(assessment, language),
        *_section(messages.RULES, _rules(assessment, language), language),
        *_section(messages.NOT_DRAFTED, (_joined(drug, why, language) for drug, why in withheld), language),
        *_section(messages.RECORD, _record(sent, language), language),
        "",
        f"*{escaped(messages.DISCLAIMER.get(language))}*",
    ]
    return "\n".join(parts).strip()


def _answer(assessment: Assessment, language: Language) -> Iterator[str]:
    """Write the lines of an answer as headings and lists; the first line names the patient, and is left out."""
    above: list[int] = []
    for line in list(assessment_lines(assessment, language))[1:]:
        if line.role == "heading" and line.indent <= 1:
            above = []
            yield from _heading(line.text)
            continue
        above = [each for each in above if each < line.indent]
        yield f"{'  ' * len(above)}- {escaped(line.text)}"
        above.append(line.indent)


def _rules(assessment: Assessment, language: Language) -> Iterator[str]:
    for rule in (*assessment.deciding, *assessment.open):
        span = {"start": str(rule.cites.start), "end": str(rule.cites.end)}
        cited = messages.CITED.filled(span).get(language)
        yield f"{rule.label.get(language)} ({rule.id.rsplit('/', 1)[-1]}){messages.COLON.get(language)}{cited}"


def _record(sent: Sent, language: Language) -> Iterator[str]:
    for said, keys in (
        (messages.EMPTY, sent.empty),
        (messages.LACKING, sent.lacking),
        (messages.FETCHED, sent.fetched),
    ):
        if keys:
            yield said.get(language) + ", ".join(keys)


def _joined(what: BilingualText, why: BilingualText, language: Language) -> str:
    return what.get(language) + messages.COLON.get(language) + why.get(language)


def _section(title: BilingualText, items: Iterable[str], language: Language) -> Iterator[str]:
    found = [f"- {escaped(each)}" for each in items]
    if found:
        yield from _heading(title.get(language))
        yield from found


def _heading(text: str) -> Iterator[str]:
    yield from ("", f"**{escaped(text)}**", "")
