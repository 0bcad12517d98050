"""Sentences in the two languages of the project."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
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
