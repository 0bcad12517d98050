"""From a case in RDF back to the flat record (the contracts, section 3). What a flat record cannot hold is an error."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fields import (
    DENSITOMETRY,
    KEYS,
    LISTING,
    LISTS,
    RENAL_FUNCTION,
    SECTIONS,
    STATED,
    Field,
    Measurement,
    day_field,
    measured,
)
from osteo_kg.case.model import Case
from osteo_kg.errors import UsageError
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, RDF, XSD, Node, day_literal, day_text, decimal_text, local_name, period_text

_Facts = dict[ox.NamedNode, list[Any]]  # what is said of one node, by property
_NAMES = {
    DENSITOMETRY: "a densitometry",
    RENAL_FUNCTION: "a test of renal function",
}


def record_of(case: Case, terms: Terms) -> dict[str, Any]:
    """Give the flat record of a case: what is unknown is left out, numbers keep their digits.

    Raises:
        UsageError: the case says something that has no place in a flat record.

    >>> from osteo_kg.knowledge.loading import packaged_knowledge
    >>> from osteo_kg.case.reading import read_case
    >>> [case] = read_case('<urn:p> a <https://w3id.org/osteo-kg/ns/Patient> .', "ttl")
    >>> record_of(case, packaged_knowledge().terms)
    {'patient': 'urn:p'}
    """
    flattener = _Flattener(case, terms)
    record = flattener.record()
    if flattener.unfit:
        raise UsageError(
            f"{case.patient}: a flat record has no place for {'; '.join(dict.fromkeys(flattener.unfit))}.",
            advice="Convert to an RDF format instead: ttl, nt, jsonld or rdf.",
        )
    return {key: record[key] for key in KEYS if key in record}


def completeness_implied(case: Case) -> tuple[str, ...]:
    """Give the keys of the sections whose completeness, stated beside entries, a flat record only implies.

    A list with entries is taken as complete, so the answer is the same but for the assumption that it names.
    """
    stated = {triple.object for triple in case.triples if triple.predicate == OSTEO.isCompleteFor}
    listed = {triple.predicate for triple in case.triples}
    return tuple(key for key, section in SECTIONS.items() if section in stated and LISTING[section.value] in listed)


class _Flattener:
    """Takes what it understands out of the statements of a case; what is left over does not fit."""

    def __init__(self, case: Case, terms: Terms) -> None:
        self.case = case
        self.terms = terms
        self.unfit = [f"what the reader refuses: {each.message.en.rstrip('.')}" for each in case.findings]
        self.unfit += [f"the property <{each}>, which is not read" for each in case.ignored]
        self.facts: dict[Any, _Facts] = defaultdict(lambda: defaultdict(list))
        for triple in case.triples:
            self.facts[triple.subject][triple.predicate].append(triple.object)

    def record(self) -> dict[str, Any]:
        """Give the record, noting what does not fit."""
        own = self.facts.pop(ox.NamedNode(self.case.iri), {})
        record: dict[str, Any] = {"patient": self.case.patient if self.case.flat else self.case.iri}
        self._types(own, OSTEO.Patient)
        record |= {field.key: self._value(own, field) for field in STATED}
        for measurement in (DENSITOMETRY, RENAL_FUNCTION):
            record |= self._measured(own, measurement)
        record |= self._sections(own)
        self._leftover(own)
        self.unfit += [f"what is said of {node} beside" for node in self.facts]
        return {key: value for key, value in record.items() if value is not None}

    def _measured(self, own: _Facts, measurement: Measurement) -> dict[str, Any]:
        """Give the numbers of a measurement, and their day, which must be the same."""
        name, dated = _NAMES[measurement], day_field(measurement)
        record: dict[str, Any] = {}
        days = set()
        for facts in self._entries(own, measurement.property):
            self._types(facts, measurement.entry_class, optional=True)
            fields = [field for field in measured(measurement) if self._is_at(facts, field, measurement)]
            days.add(self._value(facts, dated) or self._period(facts, dated))
            found = {field.key: value for field in fields if (value := self._value(facts, field)) is not None}
            place = self._one(facts, measurement.place) if measurement.place else None
            if not fields:
                what = self.terms.label(place.value).en if isinstance(place, ox.NamedNode) else "no stated site"
                self.unfit.append(f"{name} of this site: {what}")
            elif not found:
                self.unfit.append(f"{name} without a number")
            elif found.keys() & record.keys():
                self.unfit.append(f"several results of {name}: {', '.join(sorted(found))}")
            record |= found
            self._leftover(facts)
        if len(days) > 1:
            self.unfit.append(f"results of {name} that differ in their date")
        return {**record, dated.key: next(iter(days), None)}

    def _period(self, facts: _Facts, field: Field) -> str | None:
        """Give the month or the year that the first and the last day of a period stand for."""
        if field.period is None:
            return None
        first, last = (day_text(getattr(self._one(facts, each), "value", "")) for each in field.period)
        text = period_text(first, last)
        if text is None and (first or last):
            self.unfit.append(f"a period that is neither a month nor a year: {first} to {last}")
        return text

    def _is_at(self, facts: _Facts, field: Field, measurement: Measurement) -> bool:
        """Whether a measurement was taken at the place that a field speaks of."""
        return measurement.place is None or ox.NamedNode(self.terms.fact_of[field.key]) in facts.get(
            measurement.place, ()
        )

    def _sections(self, own: _Facts) -> Iterator[tuple[str, list[Any]]]:
        complete = own.pop(OSTEO.isCompleteFor, [])
        for field in LISTS:
            assert field.property is not None  # it is a list
            entries: list[Any]
            if field.entry:
                entries = [self._entry(each, field) for each in self._entries(own, field.property)]
            else:
                entries = [self._key(each, field) for each in own.pop(field.property, [])]
            if entries or (field.section and field.section in complete):
                yield field.key, entries
        known = SECTIONS.values()
        self.unfit += [f"the section {each.value}" for each in complete if each not in known]

    def _entry(self, facts: _Facts, field: Field) -> dict[str, Any]:
        if field.entry_class:
            self._types(facts, field.entry_class, optional=True)
        entry = {each.key: self._value(facts, each) for each in field.entry}
        main = field.entry[0]
        if entry[main.key] is None:
            self.unfit.append(f"an entry of {field.key} without a {main.key}")
        self._leftover(facts)
        return {key: value for key, value in entry.items() if value is not None}

    def _entries(self, own: _Facts, property_: ox.NamedNode) -> Iterator[_Facts]:
        """Give what is said of each entry, in the order of the case; an entry of a flat record has no name."""
        for node in own.pop(property_, []):
            if not isinstance(node, ox.BlankNode):
                self.unfit.append(f"the name of an entry: {node.value}")
            yield self.facts.pop(node, defaultdict(list))

    def _one(self, facts: _Facts, property_: ox.NamedNode) -> Any:
        values = facts.pop(property_, [])
        if len(values) > 1:
            what = "an entry of {} classes" if property_ == RDF.type else f"{{}} values of {_named(property_)}"
            self.unfit.append(what.format(len(values)))
        return values[0] if values else None

    def _value(self, facts: _Facts, field: Field) -> Any:
        """Give the value of a field, as the flat record has it."""
        assert field.property  # only the name of a patient has none
        value = self._one(facts, field.property)
        if value is None:
            return None
        if field.kind == "coded":
            return self._key(value, field)
        found = _READ[field.kind](value) if isinstance(value, ox.Literal) else None
        if found is None:
            self.unfit.append(f"{value.value!r} as {_named(field.property)}")
        return found

    def _key(self, value: Any, field: Field) -> str | None:
        assert field.values  # a coded value is one of a class
        key = self.terms.keys.get(value.value) if isinstance(value, ox.NamedNode) else None
        if key is not None and self.terms.kinds[field.values].get(key) == value.value:
            return key
        self.unfit.append(f"{value.value!r}, which is not a known {self.terms.label(field.values).en}")
        return None

    def _types(self, facts: _Facts, known: ox.NamedNode, *, optional: bool = False) -> None:
        found = set(facts.pop(RDF.type, []))
        if not optional or found:
            self.unfit += [f"the class {name}" for name in sorted(_named(each) for each in found ^ {known})]

    def _leftover(self, facts: _Facts) -> None:
        self.unfit += [_named(property_) for property_ in facts]


def _named(term: Node) -> str:
    return f"osteo:{local_name(term.value)}"


def _score(literal: ox.Literal) -> Decimal | None:
    text = decimal_text(literal.value) if literal.datatype == XSD.decimal else None
    return None if text is None else Decimal(text)


def _whole(literal: ox.Literal) -> int | None:
    text = decimal_text(literal.value) if literal.datatype == XSD.integer else None
    return int(text) if text is not None and "." not in text else None


def _day(literal: ox.Literal) -> str | None:
    is_day = literal.datatype == XSD.dateTime and day_literal(literal.value) == literal
    return day_text(literal.value) if is_day else None


def _truth(literal: ox.Literal) -> bool | None:
    return {"true": True, "false": False}.get(literal.value) if literal.datatype == XSD.boolean else None


_READ: dict[str, Callable[[ox.Literal], Any]] = {"decimal": _score, "whole": _whole, "day": _day, "truth": _truth}
