"""Cards: what an answer becomes on the screen of whoever looks at the patient."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from osteo_kg import Assessment, BilingualText, KnowledgeBase, Language
from osteo_kg.assessment import WHOLE, Caution, DrugSafety, Line, Part, headline, items_of, short_answer, short_lines
from osteo_kg.bilingual import COLON, SEMICOLON
from osteo_kg.case import Order, read_order
from osteo_kg.rdf import PREFIXES
from osteo_kg_server.cds import messages
from osteo_kg_server.cds.prefetch import Sent
from osteo_kg_server.cds.request import Hook, Json
from osteo_kg_server.cds.suggestions import ELIGIBLE, NOT_ELIGIBLE, Choice, Drafter, against, choices, forbidding

_LONGEST = 139  # characters of a summary
_MOST_LINES = 15  # of a detail
_MOST_KEYS = 5  # of what was searched for, in one sentence
_TREAT, UNDETERMINED, OUT_OF_SCOPE = "treat", "undetermined", "out-of-scope"
_INDICATORS = {_TREAT: "warning", "densitometry-required": "warning"}
#: What the dispositions that ask for no drug ask for.
_SERVICES = {"densitometry-required": messages.DENSITOMETRY, "specialist-opinion": messages.REFERRAL}


@dataclass(frozen=True, slots=True)
class Cards:
    """Writes the cards of one answer.

    Attributes:
        address: the service, as clients know it.
    """

    knowledge_base: KnowledgeBase
    assessment: Assessment
    sent: Sent
    hook: Hook
    language: Language
    address: str

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
            "links": [self._link(guideline.iri)],
        }

    def _link(self, guideline: str) -> Json:
        """Lead to every rule with its criteria, on a page of the service: an address names nothing of a patient."""
        url = f"{self.address}/guideline/{guideline.rsplit('/', 1)[-1]}"
        return {"label": messages.EVERYTHING.get(self.language), "url": url, "type": "absolute"}

    def _source(self, label: BilingualText, iri: str) -> str:
        version = self.knowledge_base.version_of(iri)
        return label.get(self.language) + (f", {version}" if version else "")

    def _what(self) -> str:
        """Say what is to be done, and why or what is missing, the most important first."""
        found = self.assessment
        what = headline(found, self.language)
        said = f"{messages.SUBJECT.get(self.language)}{self.colon}{what[:1].lower()}{what[1:]}."
        if found.disposition == UNDETERMINED:
            facts = ", ".join(each.label.get(self.language) for each in found.missing)
            return f"{said[:-1]}{self.colon}{facts}" if facts else said
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
        return COLON.get(self.language)


def shortened(text: str) -> str:
    """Give a text that fits into a summary, cut between words.

    >>> shortened("Treat."), len(shortened("word " * 50)) < 140
    ('Treat.', True)
    """
    if len(text) <= _LONGEST:
        return text
    return text[: _LONGEST - 1].rpartition(" ")[0].rstrip(" ,;:(") + "…"


# The detail of a card, in GitHub Flavored Markdown: the short answer, and what the record did not say.

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
    """Write what is to be read beside a card, in few lines; the rest is behind its link.

    Args:
        assessment: the answer.
        sent: what it rests on.
        withheld: the drugs of which there is no draft, each with the reason.
        about: what is to be said of an order.
        language: that of the reader.
    """
    answer = short_answer(assessment, language)
    not_drafted = (_joined(drug, why, language) for drug, why in withheld)
    parts = (
        _part("about", messages.ABOUT, about, WHOLE, language),
        *answer.of("why", "options", "missing", "warnings", "assumptions"),
        _part("withheld", messages.NOT_DRAFTED, not_drafted, 5, language),
        _part("record", messages.RECORD, _record(sent, language), 5 if sent.lacking else 1, language),
    )
    shown = replace(answer, parts=tuple(each for each in parts if each.items))
    _, what, *rest = short_lines(shown, _MOST_LINES + 1, messages.THE_REST)  # whom it is about stands elsewhere
    return "\n".join([f"**{escaped(what.text)}**", *map(_bullet, rest)])


def _part(role: str, title: BilingualText, items: Iterable[str], weight: int, language: Language) -> Part:
    return Part(role, title.get(language), items_of(items), weight, separator=SEMICOLON.get(language))


def _bullet(line: Line) -> str:
    return f"{'  ' * (line.indent - 1)}- {escaped(line.text)}"


def _record(sent: Sent, language: Language) -> Iterator[str]:
    for said, keys in (
        (messages.EMPTY, sent.empty),
        *((messages.LACKING[why], keys) for why, keys in sent.lacking.items()),
        (messages.FETCHED, sent.fetched),
    ):
        if keys:
            more = [f"… ({len(keys)})"] if len(keys) > _MOST_KEYS else []
            yield said.get(language) + ", ".join([*keys[:_MOST_KEYS], *more])


def _joined(what: BilingualText, why: BilingualText, language: Language) -> str:
    return what.get(language) + COLON.get(language) + why.get(language)


# Cards about orders: what stands against the drug, what the guideline says of it, and what could not be read.

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
