"""From cases to a FHIR Bundle: the project's own code first, a code of a published terminology beside it."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.bundles import Resource
from osteo_kg.case.fhir.codings import OWN_SYSTEM
from osteo_kg.case.fhir.observations import MEASURES, STATEMENTS
from osteo_kg.case.fields import LISTING
from osteo_kg.case.model import Case
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, RDF, day_text, local_name, period_text

_EMPTY_REASON = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_STATUSES = {OSTEO.Ongoing.value: "active", OSTEO.Completed.value: "completed", "": "unknown"}
_RENAL_UNIT = "mL/min"
_GENDERS = {OSTEO.Female.value: "female", OSTEO.Male.value: "male"}
_Facts = dict[ox.NamedNode, list[Any]]


def bundle_of(cases: Iterable[Case], terms: Terms) -> Resource:
    """Give one Bundle with the resources of every case."""
    entries = [entry for number, case in enumerate(cases, 1) for entry in _Exporter(case, number, terms).entries()]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


class _Exporter:
    """Writes the resources of one case."""

    def __init__(self, case: Case, number: int, terms: Terms) -> None:
        self._case = case
        self._number = number
        self._terms = terms
        self._facts: dict[Any, _Facts] = defaultdict(lambda: defaultdict(list))
        for triple in case.triples:
            self._facts[triple.subject][triple.predicate].append(triple.object)
        self._own = self._facts[ox.NamedNode(case.iri)]
        self._urls: dict[ox.NamedNode | None, list[str]] = defaultdict(list)

    def entries(self) -> Iterator[Resource]:
        """Give an entry for each resource; the lists of sections come last, since they name the others."""
        yield self._entry(self._patient())
        yield from (self._entry(each, property_) for property_, each in self._resources())
        yield from (self._entry(self._section(each.value)) for each in self._own[OSTEO.isCompleteFor])
        yield from (self._entry(self._open_section(each.value)) for each in self._own[OSTEO.isOpenFor])

    def _entry(self, resource: Resource, property_: ox.NamedNode | None = None) -> Resource:
        if resource["resourceType"] != "Patient":
            resource |= {"subject": {"reference": self._url("patient")}}
            url = self._url(f"{property_.value if property_ else ''} {sum(map(len, self._urls.values()))}")
            self._urls[property_].append(url)
        else:
            url = self._url("patient")
        return {"fullUrl": url, "resource": resource}

    def _url(self, what: str) -> str:
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{self._case.iri} {self._number} {what}").urn

    def _resources(self) -> Iterator[tuple[ox.NamedNode, Resource]]:
        writers: dict[ox.NamedNode, Callable[[Any], Resource]] = {
            OSTEO.hasMenopausalStatus: self._status,
            OSTEO.hasBoneDensitometry: self._densitometry,
            OSTEO.hasFracture: self._fracture,
            OSTEO.hasPastTreatment: self._treatment,
            OSTEO.hasRenalFunctionTest: self._renal_function,
            OSTEO.hasCondition: lambda value: self._condition(value.value),
        }
        for property_, write in writers.items():
            yield from ((property_, write(value)) for value in self._own[property_])
        for property_, kind in STATEMENTS.items():
            for value in self._own[property_] if property_ != OSTEO.isDeceased else ():
                yield property_, self._observation(property_.value, **_statement(kind, value.value))

    def _patient(self) -> Resource:
        sex, born, deceased = (_value(self._own, each) for each in (OSTEO.hasSex, OSTEO.birthDate, OSTEO.isDeceased))
        found: Resource = {
            "resourceType": "Patient",
            "identifier": [{"system": OWN_SYSTEM, "value": self._case.iri}],
            "gender": _GENDERS.get(sex),
            "birthDate": day_text(born) or None,
            "deceasedBoolean": deceased == "true" if deceased else None,
        }
        return {key: value for key, value in found.items() if value is not None}

    def _status(self, status: ox.NamedNode) -> Resource:
        return self._observation(OSTEO.RecordedMenopausalStatus.value, valueCodeableConcept=self._concept(status.value))

    def _densitometry(self, node: Any) -> Resource:
        facts = self._facts[node]
        site, side = (_value(facts, each) for each in (OSTEO.hasSite, OSTEO.hasSide))
        found = self._observation(OSTEO.tScore.value)
        found["code"]["coding"] += self._loinc(site, side)
        if site:
            found["bodySite"] = self._concept(site, beside=False)
        if side:
            found["extension"] = [{"url": OSTEO.hasSide.value, "valueCode": local_name(side)}]
        found |= _performed(facts)
        score = _value(facts, OSTEO.tScore)
        return {**found, "valueQuantity": {"value": Decimal(score)}} if score else found

    def _loinc(self, site: str, side: str) -> list[Resource]:
        """Give the published code of a T-score of a site and side; a site without one may be read from another's."""
        read_from = [other for other, sites in self._terms.limits["readAs"].items() if site in sites]
        codes = [code for term in (site, *read_from) for code in self._terms.codes.of(term)]
        codes = [code for code in codes if self._terms.codes.systems[code.system] == OSTEO.Loinc.value]
        found = next((code for code in codes if code.facts.get("impliesSide", ("",)) == (side,)), None)
        return [{"system": found.system, "code": found.value}] if found else []

    def _renal_function(self, node: Any) -> Resource:
        """Give the one measure of a test; a second one in the same test has no place, and does not fit."""
        facts = self._facts[node]
        measure, stated = next(
            (each for each in MEASURES.items() if _value(facts, each[1])), next(iter(MEASURES.items()))
        )
        found = self._observation(measure)
        found |= _performed(facts)
        value = _value(facts, stated)
        return {**found, "valueQuantity": {"value": Decimal(value), "unit": _RENAL_UNIT}} if value else found

    def _fracture(self, node: Any) -> Resource:
        facts = self._facts[node]
        found = self._condition(facts[RDF.type][0].value)
        mechanism = _value(facts, OSTEO.hasMechanism)
        extensions: list[Resource] = []
        if mechanism:
            concept = self._concept(mechanism)
            extensions.append({"url": OSTEO.hasMechanism.value, "valueCodeableConcept": concept})
        for property_ in (OSTEO.fracturedVertebraCount, OSTEO.fracturedVertebraCountAtMost):
            if count := _value(facts, property_):
                extensions.append({"url": property_.value, "valueInteger": int(count)})
        if extensions:
            found["extension"] = extensions
        if day := _value(facts, OSTEO.occurredOn):
            found["onsetDateTime"] = day_text(day)
        return found

    def _treatment(self, node: Any) -> Resource:
        facts = self._facts[node]
        outcome = _value(facts, OSTEO.hasOutcome)
        found: Resource = {
            "resourceType": "MedicationStatement",
            "status": _STATUSES.get(outcome, "stopped"),
            "medicationCodeableConcept": self._concept(_value(facts, OSTEO.withDrug)),
        }
        return {**found, "statusReason": [self._concept(outcome)]} if outcome else found

    def _condition(self, term: str) -> Resource:
        confirmed = {"coding": [{"system": _VERIFICATION, "code": "confirmed"}]}
        return {"resourceType": "Condition", "verificationStatus": confirmed, "code": self._concept(term)}

    def _observation(self, term: str, **value: Any) -> Resource:
        return {"resourceType": "Observation", "status": "final", "code": self._concept(term), **value}

    def _section(self, section: str) -> Resource:
        found: Resource = {"resourceType": "List", "status": "current", "mode": "snapshot"}
        found["code"] = self._concept(section)
        if urls := self._urls[LISTING.get(section)]:
            return {**found, "entry": [{"item": {"reference": url}} for url in urls]}
        return {**found, "emptyReason": {"coding": [{"system": _EMPTY_REASON, "code": "nilknown"}]}}

    def _open_section(self, section: str) -> Resource:
        found: Resource = {"resourceType": "List", "status": "current", "mode": "snapshot"}
        extension = {"url": OSTEO.isOpenFor.value, "valueBoolean": True}
        return {**found, "code": self._concept(section), "extension": [extension]}

    def _concept(self, term: str, *, beside: bool = True) -> Resource:
        """Give the concept of a term: our own code, and where the ontology matches one, a published code."""
        own = {"system": OWN_SYSTEM, "code": term.removeprefix(OWN_SYSTEM), "display": self._terms.label(term).en}
        matched = self._terms.codes.match(term) if beside else None
        return {"coding": [own, *([{"system": matched.system, "code": matched.value}] if matched else [])]}


def _value(facts: _Facts, property_: ox.NamedNode) -> str:
    """Give the first value of a property; empty where there is none."""
    return next((str(each.value) for each in facts.get(property_, ())), "")


def _performed(facts: _Facts) -> Resource:
    """Give the day of a measurement, or the month, the year or the period in which it was performed."""
    if day := _value(facts, OSTEO.performedOn):
        return {"effectiveDateTime": day_text(day)}
    first, last = (day_text(_value(facts, each)) for each in (OSTEO.performedFrom, OSTEO.performedUntil))
    if not first or not last:
        return {}
    partial = period_text(first, last)
    return {"effectiveDateTime": partial} if partial else {"effectivePeriod": {"start": first, "end": last}}


def _statement(kind: str, value: str) -> Resource:
    """Give the value of a statement about the patient as an Observation has it."""
    if kind == "truth":
        return {"valueBoolean": value == "true"}
    return {"valueInteger": int(value)} if kind == "whole" else {"valueQuantity": {"value": Decimal(value)}}
