"""Which readings of its guideline were switched, as every answer says it."""

from __future__ import annotations

from collections.abc import Iterable

from osteo_kg.assessment.model import TakenReading
from osteo_kg.bilingual import COLON, BilingualText, Language
from osteo_kg.knowledge import Guideline, Knowledge, read_guideline

OTHER_READING = BilingualText("Other reading taken", "Autre interprétation retenue")


def taken_readings(guideline: Guideline, switched: Iterable[str]) -> tuple[TakenReading, ...]:
    """Give the interpretations of a guideline that were switched, with what their other reading says.

    Args:
        guideline: the guideline; what was switched in another is no business of its answers.
        switched: the interpretations that were switched, by IRI.
    """
    wanted = frozenset(switched)
    nothing = BilingualText("", "")
    return tuple(
        TakenReading(each.key, each.other_reading or nothing)
        for each in guideline.interpretations
        if each.iri in wanted
    )


def said_of(reading: TakenReading) -> BilingualText:
    """Say that another reading was taken.

    >>> said_of(TakenReading("I6", BilingualText("Both excluded.", "Les deux exclus."))).en
    'Other reading taken: I6, both excluded.'
    """
    return BilingualText(_said(reading, "en"), _said(reading, "fr"))


def _said(reading: TakenReading, language: Language) -> str:
    what = _small(reading.reading.get(language))
    return f"{OTHER_READING.get(language)}{COLON.get(language)}{reading.interpretation}, {what}"


def said_of_knowledge(knowledge: Knowledge, identifier: str) -> tuple[BilingualText, ...]:
    """Say which readings of a guideline, named by its id, were switched: for what is no single answer."""
    return tuple(map(said_of, taken_readings(read_guideline(knowledge, identifier), knowledge.switched)))


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]
