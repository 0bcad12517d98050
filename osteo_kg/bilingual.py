"""Sentences in the two languages of the project."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = ("en", "fr")
#: The metadata of an attribute of a dataclass that its JSON leaves out.
BESIDE_JSON = {"beside_json": True}


@dataclass(frozen=True, slots=True)
class BilingualText:
    """One text in English and in French."""

    en: str
    fr: str

    def get(self, language: Language) -> str:
        """Give the text in one language."""
        return self.fr if language == "fr" else self.en

    def filled(self, values: Mapping[str, BilingualText | str]) -> BilingualText:
        """Put `values` in the places named between braces.

        >>> text = BilingualText("Not counted: {fracture}.", "Non comptée : {fracture}.")
        >>> text.filled({"fracture": BilingualText("hip", "hanche")}).fr
        'Non comptée : hanche.'
        """
        return BilingualText(_fill(self.en, values, "en"), _fill(self.fr, values, "fr"))


def _fill(template: str, values: Mapping[str, BilingualText | str], language: Language) -> str:
    for name, value in values.items():
        template = template.replace(
            "{" + name + "}", value.get(language) if isinstance(value, BilingualText) else value
        )
    return template


#: Marks between what is named and what is said of it, and between several things.
COLON, SEMICOLON = BilingualText(": ", " : "), BilingualText("; ", " ; ")


def joined(texts: Iterable[BilingualText], separator: BilingualText | str = SEMICOLON) -> BilingualText:
    """Put texts in one, one after the other."""
    found = list(texts)
    between = separator if isinstance(separator, BilingualText) else BilingualText(separator, separator)
    return BilingualText(between.en.join(each.en for each in found), between.fr.join(each.fr for each in found))


def noted(text: BilingualText, note: BilingualText) -> BilingualText:
    """Put a note behind a text, in brackets."""
    return BilingualText(f"{text.en} ({note.en})", f"{text.fr} ({note.fr})")


_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_DAY = re.compile(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def shown_number(written: str) -> BilingualText:
    """Write a number for people; what is no number stays as it is.

    >>> shown_number("-2.5").fr
    '−2,5'
    """
    if not _NUMBER.fullmatch(written):
        return BilingualText(written, written)
    return BilingualText(written, written.replace("-", "−").replace(".", ","))


def shown_day(written: str) -> BilingualText:
    """Write a day, a month or a year (as ISO 8601 has it) for people; what is none stays as it is.

    >>> shown_day("2026-11-27")
    BilingualText(en='27 November 2026', fr='27/11/2026')
    >>> shown_day("2026-13")
    BilingualText(en='2026-13', fr='2026-13')
    """
    found = _DAY.fullmatch(written)
    if not found or (found[2] and int(found[2]) - 1 not in range(len(_MONTHS))):
        return BilingualText(written, written)
    year, month, day = found.groups()
    named = [str(int(day))] if day else []
    named += [_MONTHS[int(month) - 1]] if month else []
    return BilingualText(" ".join([*named, year]), "/".join(each for each in (day, month, year) if each))


_QUOTED = re.compile(r"(“[^”]*”)")
_PERIOD_WITHIN = re.compile(r"(?<![\w/.-])(\d{4}-\d{2}-\d{2})/(\d{4}-\d{2}-\d{2})(?![\w/.-])", re.ASCII)
_DAY_WITHIN = re.compile(r"(?<![\w/.-])\d{4}-\d{2}(?:-\d{2})?(?![\w/.-])", re.ASCII)
_NEGATIVE_WITHIN = re.compile(r"(?<![^\s(<>=≤≥])-\d+(?:[.,]\d+)?(?![\w/.-])", re.ASCII)


def shown_element(written: str) -> BilingualText:
    """Write the name of an element for people: in French its days and negative numbers; what it quotes stays.

    >>> shown_element("Observation/t (LOINC 38267-1, -3.2, 2026-05-01)").fr
    'Observation/t (LOINC 38267-1, −3,2, 01/05/2026)'
    """
    parts = _QUOTED.split(written)
    return BilingualText(written, "".join(part if place % 2 else _in_french(part) for place, part in enumerate(parts)))


def _in_french(text: str) -> str:
    text = _PERIOD_WITHIN.sub(lambda found: f"du {shown_day(found[1]).fr} au {shown_day(found[2]).fr}", text)
    text = _DAY_WITHIN.sub(lambda found: shown_day(found[0]).fr, text)
    return _NEGATIVE_WITHIN.sub(lambda found: shown_number(found[0].replace(",", ".")).fr, text)


def shown_count(number: int) -> BilingualText:
    r"""Write a count for people, its thousands apart.

    >>> shown_count(12345)
    BilingualText(en='12,345', fr='12\u202f345')
    """
    grouped = f"{number:,}"
    return BilingualText(grouped, grouped.replace(",", "\u202f"))


def shown_share(share: float) -> BilingualText:
    r"""Write a share of 1 for people, in percent.

    >>> shown_share(0.3333)
    BilingualText(en='33.3%', fr='33,3\xa0%')
    """
    percent = f"{100 * share:.1f}"
    return BilingualText(f"{percent}%", f"{percent.replace('.', ',')}\u00a0%")


_NARROW, _WIDE = re.compile(r" (?=[;?!])"), re.compile(r" (?=[:»])|(?<=«) ")


def typeset(text: str, language: Language) -> str:
    """Put the spaces of French print before and inside its marks, so that no line breaks there."""
    return _WIDE.sub("\u00a0", _NARROW.sub("\u202f", text)) if language == "fr" else text


def to_json(value: Any, language: Language) -> Any:
    """Give a value as JSON has it: the attributes of a dataclass by their names, its sentences in one language.

    Attributes marked `BESIDE_JSON` are left out; a class may say by `as_json` what it is instead.
    """
    if isinstance(value, BilingualText):
        return value.get(language)
    if hasattr(value, "as_json"):
        return value.as_json(language)
    if is_dataclass(value):
        told = (each for each in fields(value) if not each.metadata.get("beside_json"))
        return {each.name: to_json(getattr(value, each.name), language) for each in told}
    if isinstance(value, tuple):
        return [to_json(each, language) for each in value]
    return value.isoformat() if isinstance(value, datetime.date) else value
