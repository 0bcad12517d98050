"""The short answer: what a clinician reads in ten seconds, as a value that text, pages and cards are made from.

The headline comes first and red flags directly under it; each option has its safety beside it. However much there is to
say, it fits into a number of lines: parts are put on one line, then shortened, and what is left out is counted. The
headline, red flags and options are never left out.
"""

from __future__ import annotations

import urllib.parse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from osteo_kg.assessment.evidence import NO, YES
from osteo_kg.assessment.model import Assessment, Caution, CriterionAssessment, Notice, OptionAssessment
from osteo_kg.assessment.readings import said_of
from osteo_kg.bilingual import COLON, SEMICOLON, BilingualText, Language, joined, shown_day, typeset

MOST_LINES = 25
#: The weight of a part that is never shortened.
WHOLE = 9
_LONGEST = 230  # characters of a line, where it can be shortened
WORDS = {
    "her": BilingualText("{who}, assessed {day}", "Patiente {who} – évaluation du {day}"),
    "them": BilingualText("{who}, assessed {day}", "Dossier {who} – évaluation du {day}"),
    "degree-open": BilingualText("{what} (how strongly: to be settled)", "{what} (degré à préciser)"),
    "why": BilingualText("Reason: ", "Motif : "),
    "facts": BilingualText("On record: ", "Au dossier : "),
    "possible": BilingualText("Rule that may still apply: ", "Règle éventuellement applicable : "),
    "options": BilingualText(
        "Treatment options (no order of preference)", "Options thérapeutiques (sans ordre de préférence)"
    ),
    "eligible": BilingualText("an option", "option possible"),
    "not-eligible": BilingualText("not an option", "option non retenue"),
    "undetermined": BilingualText("to be settled", "option à préciser"),
    "second": BilingualText("second line", "deuxième intention"),
    "not-listed": BilingualText(
        "not an option in this situation", "ne figure pas parmi les options de cette situation"
    ),
    "maybe-listed": BilingualText(
        "an option only in some of the remaining situations",
        "ne figure que dans certaines des situations encore possibles",
    ),
    "depends": BilingualText("depends on {what}", "selon : {what}"),
    "contraindicated": BilingualText(
        "Contraindication on record: {what} (see the options)",
        "Contre-indication notée au dossier : {what} (voir les options)",
    ),
    "asks": BilingualText("Before prescribing, still to be checked: ", "Avant de prescrire, reste à vérifier : "),
    "missing": BilingualText(
        "Missing information, and what it would settle: ", "Informations manquantes (et ce qu’elles préciseraient) : "
    ),
    "warnings": BilingualText("To note: ", "Points de vigilance : "),
    "assumptions": BilingualText("Assumptions made: ", "Hypothèses retenues : "),
    "obligations": BilingualText("To do: ", "À faire : "),
    "more": BilingualText("and {count} more", "et {count} de plus"),
    "met": YES,
    "not-met": NO,
    "unknown": BilingualText("not recorded", "non renseigné"),
}
DISCLAIMER = BilingualText(
    "Not a medical device; no clinician has reviewed this reading of the guideline.",
    "Ce logiciel n’est pas un dispositif médical ; "
    "aucun clinicien n’a validé cette interprétation de la recommandation.",
)
MARKS = {"eligible": "+", "not-eligible": "-", "undetermined": "?"}
FULL = BilingualText("Everything: --full", "Tout le détail : --full")
_ELIGIBLE, _NOT_ELIGIBLE, _UNDETERMINED = MARKS
_CASE = "urn:case:"
_MOST_CAUTIONS = 2  # of one option, on its line
_AROUND = 3  # lines: title, headline and disclaimer


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text: how far it is indented, what it is (for colour), and what it says."""

    indent: int
    role: str
    text: str

    def __str__(self) -> str:
        return "  " * self.indent + self.text


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a part says.

    Attributes:
        text: the sentence.
        brief: what stands for it among others on one line.
        role: what it is, where that is not what its part is.
    """

    text: str
    brief: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an answer: what it is, its heading, and what it says.

    Attributes:
        role: its name, and what its lines are.
        weight: a heavier part gets lines of its own first, and is left out last.
        spreads: whether each of its items may have a line of its own.
        separator: what stands between its items on one line.
    """

    role: str
    heading: str
    items: tuple[Item, ...]
    weight: int
    spreads: bool = True
    separator: str = " "


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """An answer in one language.

    Attributes:
        title: whom it is about, and the day.
        headline: what is to be done.
        disposition: its key.
        red_flags: what is to be read first, a sentence each.
        parts: the rest, in the order in which it is read.
        disclaimer: what every answer says of itself.
    """

    language: Language
    title: str
    headline: str
    disposition: str
    red_flags: tuple[str, ...]
    parts: tuple[Part, ...]
    disclaimer: str

    def of(self, *roles: str) -> tuple[Part, ...]:
        """Give the parts of these roles that say something."""
        return tuple(each for each in self.parts if each.role in roles)


def short_answer(assessment: Assessment, language: Language = "en") -> ShortAnswer:
    """Make the short answer of an assessment."""
    writer = _Writer(assessment, language)
    return ShortAnswer(
        language=language,
        title=writer.title(),
        headline=headline(assessment, language),
        disposition=assessment.disposition,
        red_flags=tuple(dict.fromkeys(writer.red_flags())),
        parts=tuple(each for each in writer.parts() if each.items),
        disclaimer=DISCLAIMER.get(language),
    )


def headline(assessment: Assessment, language: Language) -> str:
    """Say what is to be done, in a few words."""
    said = assessment.strength_label or assessment.disposition_label
    if assessment.options and any("strength" in each.would_settle for each in assessment.missing):
        said = WORDS["degree-open"].filled({"what": said})
    return capitalised(said.get(language))


def capitalised(text: str) -> str:
    """Write the first letter of a text large.

    >>> capitalised("éviter")
    'Éviter'
    """
    return text[:1].upper() + text[1:]


def title_of(assessment: Assessment, language: Language) -> str:
    """Say whom an answer is about, and of which day it is; until she is known to be a woman, it is about a record."""
    name = urllib.parse.unquote(assessment.patient.removeprefix(_CASE))
    day = shown_day(assessment.assessed_on.isoformat())
    said = WORDS["her" if assessment.obligations else "them"]
    return said.filled({"who": BilingualText(name, name), "day": day}).get(language)


def criterion_text(criterion: CriterionAssessment, language: Language) -> str:
    """Say a criterion, its status, and the facts on which that rests."""
    said = f"{criterion.label.get(language)}{COLON.get(language)}{WORDS[criterion.status].get(language)}"
    facts = dict.fromkeys(fact for each in criterion.evidence if (fact := each.shown.get(language)) != said)
    shown = SEMICOLON.get(language).join(facts)
    return f"{said} ({shown})" if shown else said


def rests_on(interpretations: Iterable[str | None]) -> str:
    """Name the interpretations that something rests on, in brackets."""
    named = ", ".join(each for each in interpretations if each)
    return f" [{named}]" if named else ""


def option_text(option: OptionAssessment, language: Language, *, criteria: Sequence[CriterionAssessment] = ()) -> str:
    """Say an option: its drugs, its status, its line, and the criteria that are given."""
    label = option.label.get(language)
    drugs = ", ".join(drug for each in option.drug_labels if (drug := each.get(language)) not in label)
    said = [WORDS[option.status].get(language)]
    if option.listed is not True and option.status != _UNDETERMINED:
        said = [WORDS["not-listed" if option.listed is False else "maybe-listed"].get(language)]
    if option.line:
        said.append(WORDS[option.line].get(language))
    named = f"{MARKS[option.status]} {label}{f' ({drugs})' if drugs else ''}{COLON.get(language)}{', '.join(said)}"
    return SEMICOLON.get(language).join([named, *(criterion_text(each, language) for each in criteria)])


class _Writer:
    """Writes the parts of one short answer."""

    def __init__(self, assessment: Assessment, language: Language) -> None:
        self._told, self._language = assessment, language

    def _word(self, name: str) -> str:
        return WORDS[name].get(self._language)

    def _in(self, text: BilingualText) -> str:
        return text.get(self._language)

    def _said(self, sentence: BilingualText) -> str:
        return capitalised(self._in(sentence))

    def title(self) -> str:
        return title_of(self._told, self._language)

    def red_flags(self) -> Iterator[str]:
        yield from (self._in(said_of(each)) for each in self._told.readings)
        yield from (self._said(each.message) for each in self._told.warnings if each.is_red_flag)
        of_options = (caution for option in self._told.options for caution in option.cautions)
        yield from (self._said(each.message) for each in (*self._told.cautions, *of_options) if each.is_red_flag)
        drugs = {
            drug: label
            for option in self._told.options
            for drug, label in zip(option.drugs, option.drug_labels, strict=True)
        }
        against = [
            drugs[each.drug] for option in self._told.options for each in option.contraindications if each.drug in drugs
        ]
        if against:
            yield self._in(WORDS["contraindicated"].filled({"what": joined(dict.fromkeys(against), ", ")}))

    def parts(self) -> Iterator[Part]:
        semicolon = SEMICOLON.get(self._language)
        yield Part("why", "", items_of(self._reasons()), 5)
        yield Part("options", self._word("options"), tuple(map(self._option, self._told.options)), WHOLE)
        yield Part("asks", self._word("asks"), items_of(self._asks()), 3, spreads=False, separator=semicolon)
        yield Part("missing", self._word("missing"), items_of(self._missing()), 6, separator=semicolon)
        yield Part("warnings", self._word("warnings"), tuple(self._warnings()), 4, separator=semicolon)
        yield Part(
            "assumptions",
            self._word("assumptions"),
            tuple(map(self._notice, self._told.assumptions)),
            2,
            separator=semicolon,
        )
        done = items_of(self._in(each.label) for each in self._told.obligations)
        yield Part("todo", self._word("obligations"), done, 1, spreads=False, separator=semicolon)

    def _reasons(self) -> Iterator[str]:
        for word, rules in (("why", self._told.deciding), ("possible", self._told.open)):
            for rule in rules:
                yield f"{self._word(word)}{self._in(rule.restates)}{rests_on(rule.interpretations)}"
        found = [fact for rule in self._told.deciding for each in rule.criteria for fact in each.evidence]
        facts = dict.fromkeys(self._in(each.shown) for each in found)
        if facts:
            yield f"{self._word('facts')}{SEMICOLON.get(self._language).join(facts)}."

    def _option(self, option: OptionAssessment) -> Item:
        telling = {_ELIGIBLE: "met", _NOT_ELIGIBLE: "not-met", _UNDETERMINED: "unknown"}[option.status]
        criteria = [each for each in option.criteria if each.status == telling]
        said = option_text(option, self._language, criteria=criteria if option.listed is not False else ())
        if option.status == _UNDETERMINED and not criteria:
            open_ = [each.label for each in self._told.missing if option.treatment in each.would_settle]
            depends = WORDS["depends"].filled({"what": joined(open_, ", ")})
            said += f"{SEMICOLON.get(self._language)}{self._in(depends)}" if open_ else ""
        recorded = [each for each in option.cautions if not each.asks]
        for mark, cautions in (("!!", option.contraindications), ("!", recorded)):
            if cautions:
                said += f"  {mark} {self._shortly(cautions)}"
        return Item(said, said, option.status)

    def _shortly(self, cautions: Sequence[Caution]) -> str:
        """Say the first of several cautions, and how many more there are."""
        messages = list(dict.fromkeys(self._in(each.message).rstrip(".") for each in cautions))
        told = messages[:_MOST_CAUTIONS]
        if len(messages) > len(told):
            told.append(_more(len(messages) - len(told), self._language))
        return SEMICOLON.get(self._language).join(told)

    def _asks(self) -> Iterator[str]:
        """Name what is to be asked, what most drugs ask for first."""
        asked = [
            text
            for option in self._told.options
            if option.status != _NOT_ELIGIBLE
            for caution in option.cautions
            for text in dict.fromkeys(caution.asks)
        ]
        yield from (self._in(text) for text, _ in Counter(asked).most_common())

    def _missing(self) -> Iterator[str]:
        for each in self._told.missing:
            settled = ", ".join(self._in(label) for label in each.would_settle_labels)
            yield f"{self._in(each.label)}{COLON.get(self._language)}{settled}"

    def _warnings(self) -> Iterator[Item]:
        """Give the warnings that are no red flags; of several of one kind the first, and how many more there are."""
        kinds: dict[str, list[Notice]] = {}
        for each in self._told.warnings:
            if not each.is_red_flag:
                kinds.setdefault(each.code, []).append(each)
        for first, *others in kinds.values():
            item = self._notice(first)
            more = f" ({_more(len(others), self._language)})" if others else ""
            yield Item(item.text + more, item.brief + more)
        yield from items_of(self._said(each.message) for each in self._told.cautions if not each.is_red_flag)

    def _notice(self, notice: Notice) -> Item:
        return Item(self._said(notice.message) + rests_on([notice.interpretation]), self._in(notice.label))


def items_of(texts: Iterable[str]) -> tuple[Item, ...]:
    """Make an item of each text."""
    return tuple(Item(text, text) for text in texts)


def _more(count: int, language: Language) -> str:
    return WORDS["more"].filled({"count": BilingualText(str(count), str(count))}).get(language)


# An answer in so many lines.


def short_lines(answer: ShortAnswer, most: int = MOST_LINES, everything: BilingualText = FULL) -> list[Line]:
    """Lay a short answer out.

    Args:
        answer: the answer.
        most: how many lines there may be.
        everything: where all the rest is to be found.
    """
    flags = Part("flag", "", items_of(answer.red_flags), WHOLE)
    parts = [each for each in (flags, *answer.parts) if each.items]
    room = most - _AROUND - sum(_least(each) for each in parts)
    left_out = 0
    for part in sorted((each for each in parts if each.weight < WHOLE), key=lambda each: each.weight):
        if room >= 0:
            break
        parts.remove(part)
        room, left_out = room + 1, left_out + len(part.items)
    spread = set()
    for part in sorted(parts, key=lambda each: -each.weight):
        wanted = _most(part) - _least(part)
        if part.spreads and wanted <= room:
            spread.add(part.role)
            room -= wanted
    counted = [capitalised(_more(left_out, answer.language)) + "."] if left_out else []
    last = " ".join([answer.disclaimer, *counted, everything.get(answer.language)])
    lines = [Line(0, "patient", answer.title), Line(1, answer.disposition, answer.headline)]
    for part in parts:
        lines += _spread(part) if part.role in spread else [_on_one_line(part, answer.language)]
    return [replace(line, text=typeset(line.text, answer.language)) for line in (*lines, Line(1, "note", last))]


def _least(part: Part) -> int:
    """The fewest lines of a part: one, but for options, which are never put together."""
    return _most(part) if part.role == "options" else 1


def _most(part: Part) -> int:
    return len(part.items) + bool(part.heading and len(part.items) > 1)


def _spread(part: Part) -> Iterator[Line]:
    if part.heading and len(part.items) > 1:
        yield Line(1, "heading", part.heading.rstrip(" :"))
        yield from (Line(2, each.role or part.role, capitalised(each.text)) for each in part.items)
    else:
        yield from (Line(1, each.role or part.role, part.heading + _marked(part, each.text)) for each in part.items)


def _marked(part: Part, text: str) -> str:
    return f"!! {text}" if part.role == "flag" else text


def _on_one_line(part: Part, language: Language) -> Line:
    texts = [each.brief if len(part.items) > 1 and part.weight < WHOLE else each.text for each in part.items]
    kept = list(texts)
    if part.weight < WHOLE:
        while len(kept) > 1 and len(part.heading) + sum(map(len, kept)) > _LONGEST:
            kept.pop()
    if len(kept) < len(texts):
        kept.append(_more(len(texts) - len(kept), language))
    said = part.separator.join(kept)
    return Line(1, part.role, part.heading + _marked(part, said))
