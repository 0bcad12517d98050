"""From a case in RDF back to the flat record of design.md section 3.3. What a flat record cannot hold is an error."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.model import Case
from osteo_kg.case.record import CODED, KEYS, RENAL, SCORES, SECTIONS, STATEMENTS
from osteo_kg.errors import UsageError
from osteo_kg.knowledge.terms import Terms
from osteo_kg.rdf.lookup import RDF_TYPE
from osteo_kg.rdf.terms import BOOLEAN, DATE_TIME, DECIMAL, INTEGER, OSTEO, day_literal, decimal_text, local_name

_LISTED_BY = {
    str(OSTEO.FractureHistory): str(OSTEO.hasFracture),
    str(OSTEO.TreatmentHistory): str(OSTEO.hasPastTreatment),
    str(OSTEO.MedicalHistory): str(OSTEO.hasCondition),
}
_DAY = len("2026-11-22")
_Node = ox.NamedNode | ox.BlankNode
_Read = Callable[[ox.Literal], Any]  # a value of the flat record; None where it is not one


def record_of(case: Case, terms: Terms) -> dict[str, Any]:
    """Give the flat record of a case: what is unknown is left out, numbers keep their digits.

    Raises:
        UsageError: the case says something that has no place in a flat record.

    >>> from osteo_kg.knowledge import packaged_knowledge
    >>> from osteo_kg.reading import read_case
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
    stated = {getattr(t.object, "value", "") for t in case.triples if t.predicate.value == str(OSTEO.isCompleteFor)}
    listed = {triple.predicate.value for triple in case.triples}
    return tuple(
        key for key, section in SECTIONS.items() if str(section) in stated and _LISTED_BY[str(section)] in listed
    )


class _Flattener:
    """Takes what it understands out of the statements of a case; what is left over does not fit."""

    def __init__(self, case: Case, terms: Terms) -> None:
        self.case = case
        self.terms = terms
        self.unfit = [f"what the reader refuses: {each.message.en.rstrip('.')}" for each in case.findings]
        self.unfit += [f"the property <{each}>, which is not read" for each in case.ignored]
        self.facts: dict[Any, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
        for triple in case.triples:
            self.facts[triple.subject][triple.predicate.value].append(triple.object)

    def record(self) -> dict[str, Any]:
        """Give the record, noting what does not fit."""
        own = self.facts.pop(ox.NamedNode(self.case.iri), {})
        record: dict[str, Any] = {"patient": self.case.patient if self.case.flat else self.case.iri}
        self._types(own, {str(OSTEO.Patient)})
        for key, (property_, kind) in CODED.items():
            record[key] = self._coded(own, property_, kind)
        record["age_years"] = self._literal(own, OSTEO.ageInYears, _whole)
        record["birth_date"] = self._literal(own, OSTEO.birthDate, _day)
        for key, property_ in STATEMENTS.items():
            record[key] = self._literal(own, property_, _truth)
        record |= self._scores(own)
        record |= self._renal(own)
        record |= self._sections(own)
        self._leftover(own)
        self.unfit += [f"what is said of {node} beside" for node in self.facts]
        return {key: value for key, value in record.items() if value is not None}

    def _scores(self, own: dict[str, list[Any]]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        days = set()
        for facts in self._entries(own, OSTEO.hasBoneDensitometry):
            self._types(facts, {str(OSTEO.BoneDensitometry)}, optional=True)
            site = self._one(facts, OSTEO.hasSite)
            score = self._literal(facts, OSTEO.tScore, _score)
            days.add(self._literal(facts, OSTEO.performedOn, _day))
            key = self.terms.record_keys.get(site.value) if isinstance(site, ox.NamedNode) else None
            if key not in SCORES:
                what = self.terms.label(site.value).en if isinstance(site, ox.NamedNode) else "no stated site"
                self.unfit.append(f"a densitometry of this site: {what}")
            elif key in record:
                self.unfit.append(f"several densitometries of one site: {self.terms.label(site.value).en}")
            elif score is None:
                self.unfit.append("a densitometry without a T-score")
            else:
                record[key] = score
            self._leftover(facts)
        if len(days) > 1:
            self.unfit.append("densitometries that differ in their date")
        return {**record, "densitometry_date": next(iter(days), None)}

    def _renal(self, own: dict[str, list[Any]]) -> dict[str, Any]:
        record: dict[str, Any] = {}
        days = set()
        for facts in self._entries(own, OSTEO.hasRenalFunctionTest):
            self._types(facts, {str(OSTEO.RenalFunctionTest)}, optional=True)
            days.add(self._literal(facts, OSTEO.performedOn, _day))
            found = {key: self._literal(facts, property_, _score) for key, property_ in RENAL.items()}
            found = {key: value for key, value in found.items() if value is not None}
            if found.keys() & record.keys() or not found:
                self.unfit.append("tests of renal function that repeat a measure, or give none")
            record |= found
            self._leftover(facts)
        if len(days) > 1:
            self.unfit.append("tests of renal function that differ in their date")
        return {**record, "renal_function_date": next(iter(days), None)}

    def _sections(self, own: dict[str, list[Any]]) -> Iterator[tuple[str, list[Any]]]:
        complete = own.pop(str(OSTEO.isCompleteFor), [])
        sections: dict[str, list[Any]] = {
            "fractures": [self._fracture(each) for each in self._entries(own, OSTEO.hasFracture)],
            "treatment_history": [self._treatment(each) for each in self._entries(own, OSTEO.hasPastTreatment)],
            "conditions": [self._key(each, OSTEO.MedicalCondition) for each in own.pop(str(OSTEO.hasCondition), [])],
        }
        for key, entries in sections.items():
            stated = ox.NamedNode(str(SECTIONS[key])) in complete
            if stated or entries:
                yield key, entries
        known = {str(each) for each in SECTIONS.values()}
        self.unfit += [f"the section {each.value}" for each in complete if each.value not in known]

    def _fracture(self, facts: dict[str, list[Any]]) -> dict[str, Any]:
        kinds = facts.pop(RDF_TYPE.value, [])
        if len(kinds) != 1:
            self.unfit.append(f"a fracture of {len(kinds)} classes")
        entry = {
            "site": self._key(kinds[0], OSTEO.Fracture) if len(kinds) == 1 else None,
            "mechanism": self._coded(facts, OSTEO.hasMechanism, OSTEO.FractureMechanism),
            "date": self._literal(facts, OSTEO.occurredOn, _day),
            "count": self._literal(facts, OSTEO.fracturedVertebraCount, _whole),
        }
        self._leftover(facts)
        return {key: value for key, value in entry.items() if value is not None}

    def _treatment(self, facts: dict[str, list[Any]]) -> dict[str, Any]:
        self._types(facts, {str(OSTEO.PastTreatment)}, optional=True)
        entry = {
            "drug": self._coded(facts, OSTEO.withDrug, OSTEO.Drug),
            "outcome": self._coded(facts, OSTEO.hasOutcome, OSTEO.TreatmentOutcome),
        }
        if entry["drug"] is None:
            self.unfit.append("a treatment without a drug")
        self._leftover(facts)
        return {key: value for key, value in entry.items() if value is not None}

    def _entries(self, own: dict[str, list[Any]], property_: str) -> Iterator[dict[str, list[Any]]]:
        """Give what is said of each entry, in the order of the case; an entry of a flat record has no name."""
        for node in own.pop(str(property_), []):
            if not isinstance(node, ox.BlankNode):
                self.unfit.append(f"the name of an entry: {node.value}")
            yield self.facts.pop(node, {})

    def _one(self, facts: dict[str, list[Any]], property_: str) -> Any:
        values = facts.pop(str(property_), [])
        if len(values) > 1:
            self.unfit.append(f"several values of osteo:{local_name(property_)}")
        return values[0] if values else None

    def _coded(self, facts: dict[str, list[Any]], property_: str, kind: str) -> str | None:
        value = self._one(facts, property_)
        return None if value is None else self._key(value, kind)

    def _key(self, value: Any, kind: str) -> str | None:
        key = self.terms.keys.get(value.value) if isinstance(value, ox.NamedNode) else None
        if key is not None and self.terms.kinds[str(kind)].get(key) == value.value:
            return key
        self.unfit.append(f"{value.value!r}, which is not a known {self.terms.label(str(kind)).en}")
        return None

    def _literal(self, facts: dict[str, list[Any]], property_: str, read: _Read) -> Any:
        value = self._one(facts, property_)
        found = read(value) if isinstance(value, ox.Literal) else None
        if value is not None and found is None:
            self.unfit.append(f"{value.value!r} as osteo:{local_name(property_)}")
        return found

    def _types(self, facts: dict[str, list[Any]], known: set[str], *, optional: bool = False) -> None:
        found = {each.value for each in facts.pop(RDF_TYPE.value, [])}
        if not optional or found:
            self.unfit += [f"the class osteo:{local_name(each)}" for each in sorted(found ^ known)]

    def _leftover(self, facts: dict[str, list[Any]]) -> None:
        self.unfit += [f"osteo:{local_name(property_)}" for property_ in facts]


def _score(literal: ox.Literal) -> Decimal | None:
    text = decimal_text(literal.value) if literal.datatype == DECIMAL else None
    return None if text is None else Decimal(text)


def _whole(literal: ox.Literal) -> int | None:
    text = decimal_text(literal.value) if literal.datatype == INTEGER else None
    return int(text) if text is not None and "." not in text else None


def _day(literal: ox.Literal) -> str | None:
    is_day = literal.datatype == DATE_TIME and day_literal(literal.value) == literal
    return literal.value[:_DAY] if is_day else None


def _truth(literal: ox.Literal) -> bool | None:
    return {"true": True, "false": False}.get(literal.value) if literal.datatype == BOOLEAN else None
