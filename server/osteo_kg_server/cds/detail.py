"""The detail of a card, in GitHub Flavored Markdown: what the answer says, whole, and what the record said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from osteo_kg import Assessment, Language, Text, assessment_lines
from osteo_kg_server.cds import words
from osteo_kg_server.cds.prefetch import Sent

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&!])")
_OPENING = re.compile(r"^([+-]|\d+(?=[.)]))")


def escaped(text: str) -> str:
    """Write a text so that Markdown shows it as it is, on one line."""
    plain = _SPECIAL.sub(r"\\\1", " ".join(text.split()))
    return _OPENING.sub(lambda found: f"\\{found[0]}" if found[0] in "+-" else f"{found[0]}\\", plain)


def detail(
    assessment: Assessment,
    sent: Sent,
    withheld: Iterable[tuple[Text, Text]],
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
        *_section(words.ABOUT, about, language),
        *_answer(assessment, language),
        *_section(words.RULES, _rules(assessment, language), language),
        *_section(words.NOT_DRAFTED, (_joined(drug, why, language) for drug, why in withheld), language),
        *_section(words.RECORD, _record(sent, language), language),
        "",
        f"*{escaped(words.DISCLAIMER.in_(language))}*",
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
        cited = words.CITED.filled(span).in_(language)
        yield f"{rule.label.in_(language)} ({rule.id.rsplit('/', 1)[-1]}){words.COLON.in_(language)}{cited}"


def _record(sent: Sent, language: Language) -> Iterator[str]:
    for said, keys in ((words.EMPTY, sent.empty), (words.LACKING, sent.lacking), (words.FETCHED, sent.fetched)):
        if keys:
            yield said.in_(language) + ", ".join(keys)


def _joined(what: Text, why: Text, language: Language) -> str:
    return what.in_(language) + words.COLON.in_(language) + why.in_(language)


def _section(title: Text, items: Iterable[str], language: Language) -> Iterator[str]:
    found = [f"- {escaped(each)}" for each in items]
    if found:
        yield from _heading(title.in_(language))
        yield from found


def _heading(text: str) -> Iterator[str]:
    yield from ("", f"**{escaped(text)}**", "")
