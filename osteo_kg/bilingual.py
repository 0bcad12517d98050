"""Sentences in the two languages of the project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = ("en", "fr")


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

        >>> Text("Not counted: {fracture}.", "Non comptée : {fracture}.").filled({"fracture": Text("hip", "hanche")}).fr
        'Non comptée : hanche.'
        """
        return BilingualText(_fill(self.en, values, "en"), _fill(self.fr, values, "fr"))


def _fill(template: str, values: Mapping[str, BilingualText | str], language: Language) -> str:
    for name, value in values.items():
        template = template.replace(
            "{" + name + "}", value.get(language) if isinstance(value, BilingualText) else value
        )
    return template
