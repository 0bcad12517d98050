"""A fact of a record as evidence: said by labels, and as a graph in the terms in which a case states it.

In a sentence, numbers and days stand as each language writes them. In the graph (the contracts, section 4) a number, a
day or a yes or no is a literal, a coded value is its individual, and an entry of a list is described as the case
describes it; what is written is read back as the flat record has it.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText, joined, shown_day, shown_number
from osteo_kg.case import FIELDS, Field
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, XSD, Node, day_of, day_text, period_of, period_text

Values = Callable[[Node, ox.NamedNode], list[Any]]
_NUMBERS = {"whole": XSD.integer, "decimal": XSD.decimal}
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


class EvidenceTerms:
    """Writes facts of the flat record as triples, and reads them back.

    Args:
        terms: the vocabulary of cases.
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    def written(self, node: Node, fact: str, value: Any) -> Iterator[ox.Triple]:
        """Write what a piece of evidence quotes.

        Args:
            node: the evidence.
            fact: the key of the fact.
            value: its value, or one entry of it; the empty list where it is known to be none.
        """
        field = FIELDS[fact]
        if value == []:
            yield ox.Triple(node, OSTEO.isEvidenceOfNone, _truth(True))
        elif isinstance(value, Mapping):
            yield from self._entry(node, field, value)
        elif field.values is not None:
            yield ox.Triple(node, OSTEO.hasEvidenceTerm, self._named(field, value))
        elif between := period_of(value):
            for property_, day in zip((OSTEO.evidenceFrom, OSTEO.evidenceUntil), between, strict=True):
                yield ox.Triple(node, property_, day_of(day))
        elif value is not None:
            yield ox.Triple(node, OSTEO.evidenceValue, _literal(field, value))

    def _entry(self, node: Node, field: Field, entry: Mapping[str, Any]) -> Iterator[ox.Triple]:
        described = ox.BlankNode()
        yield ox.Triple(node, OSTEO.hasEvidenceEntry, described)
        for each in field.entry:
            if each.key in entry and each.property is not None:
                value = entry[each.key]
                yield ox.Triple(
                    described, each.property, self._named(each, value) if each.values else _literal(each, value)
                )

    def read(self, node: Node, fact: str, values: Values) -> Any:
        """Read what a piece of evidence quotes; None where it quotes nothing.

        Args:
            node: the evidence.
            fact: the key of the fact.
            values: gives the values of a property of a node.

        Raises:
            UnreadableCaseError: it quotes a term, a number or a day that no record has.
        """
        try:
            return self._read(node, FIELDS[fact], values)
        except (KeyError, ValueError, AttributeError) as error:
            raise UnreadableCaseError(
                f"The evidence of {fact} cannot be read.", advice="Give it as it was written."
            ) from error

    def _read(self, node: Node, field: Field, values: Values) -> Any:
        if values(node, OSTEO.isEvidenceOfNone):
            return []
        for entry in values(node, OSTEO.hasEvidenceEntry):
            return dict(self._read_entry(field, entry, values))
        for term in values(node, OSTEO.hasEvidenceTerm):
            return self._key(field, term)
        for literal in values(node, OSTEO.evidenceValue):
            return _read(field, literal)
        days = [values(node, each) for each in (OSTEO.evidenceFrom, OSTEO.evidenceUntil)]
        return period_text(*(day_text(each[0].value) for each in days)) if all(days) else None

    def _read_entry(self, field: Field, entry: Node, values: Values) -> Iterator[tuple[str, Any]]:
        for each in field.entry:
            for found in values(entry, each.property) if each.property is not None else ():
                yield each.key, self._key(each, found) if each.values else _read(each, found)

    def _named(self, field: Field, key: str) -> ox.NamedNode:
        assert field.values is not None  # it is coded
        return ox.NamedNode(self._terms.kinds[field.values][key])

    def _key(self, field: Field, term: Any) -> str:
        assert field.values is not None  # it is coded
        key = self._terms.key(term.value)
        if self._terms.kinds[field.values][key] != term.value:
            raise ValueError(term)
        return key


def _truth(truth: bool) -> ox.Literal:
    return ox.Literal("true" if truth else "false", datatype=XSD.boolean)


def _literal(field: Field, value: Any) -> ox.Literal:
    if field.kind == "truth":
        return _truth(value)
    if field.kind == "day":
        return day_of(datetime.date.fromisoformat(value))
    return ox.Literal(f"{Decimal(str(value)):f}", datatype=_NUMBERS[field.kind])


def _read(field: Field, literal: Any) -> Any:
    if field.kind == "truth":
        return literal.value == "true"
    if field.kind == "day":
        return day_text(literal.value)
    return float(literal.value) if "." in literal.value else int(literal.value)
