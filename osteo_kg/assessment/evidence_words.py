"""A fact of a record as people say it: by labels, with numbers and days as each language writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from osteo_kg.bilingual import BilingualText, joined, shown_day, shown_number
from osteo_kg.case import FIELDS, Field
from osteo_kg.knowledge import Terms

NONE = BilingualText("none", "aucun")
YES, NO = BilingualText("yes", "oui"), BilingualText("no", "non")
SAID_OF = BilingualText("{what}: {said}", "{what} : {said}")
_PLACED = BilingualText("T-score {what}", "T-score {what}")  # of a measurement that has a place


def shown_fact(fact: str, value: Any, terms: Terms) -> BilingualText:
    """Say a fact of the flat record.

    Args:
        fact: its key.
        value: its value, or one entry of it; the empty list where it is known to be none.
        terms: the vocabulary.
    """
    field = FIELDS[fact]
    if isinstance(value, Mapping):
        return joined(_parts(field, value, terms), ", ")
    what = terms.label(terms.fact_of.get(fact) or field.property or fact)
    if field.measurement is not None and field.measurement.place is not None:
        what = _PLACED.filled({"what": what})
    return SAID_OF.filled({"what": what, "said": NONE if value == [] else _value(field, value, terms)})


def _parts(field: Field, record: Mapping[str, Any], terms: Terms) -> Iterator[BilingualText]:
    """Say each field of an entry, what the entry is of before all; a number with what it counts."""
    for each in field.entry:
        if each.key in record:
            said = _value(each, record[each.key], terms)
            counts = each.property if each.kind == "whole" else None
            yield SAID_OF.filled({"what": terms.label(counts), "said": said}) if counts else said


def _value(field: Field, value: Any, terms: Terms) -> BilingualText:
    if field.values is not None:
        return terms.label(terms.kinds[field.values][value])
    if isinstance(value, bool):
        return YES if value else NO
    return shown_day(str(value)) if field.kind == "day" else shown_number(str(value))
