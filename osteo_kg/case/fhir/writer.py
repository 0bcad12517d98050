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
from osteo_kg.case.fhir.observations import MEASURES
from osteo_kg.case.model import Case
from osteo_kg.knowledge.terms import Terms
from osteo_kg.rdf.lookup import RDF_TYPE
from osteo_kg.rdf.terms import OSTEO, local_name

_DAY = len("2026-11-22")
_EMPTY_REASON = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_STATUSES = {str(OSTEO.Ongoing): "active", str(OSTEO.Completed): "completed", "": "unknown"}
_RENAL_UNIT = "mL/min"
_GENDERS = {str(OSTEO.Female): "female", str(OSTEO.Male): "male"}
_STATEMENTS = (OSTEO.climactericDisorders, OSTEO.lowPeripheralFractureRisk, OSTEO.menopausalStatusAssumed)
_SECTIONS = {
    str(OSTEO.FractureHistory): str(OSTEO.hasFracture),
    str(OSTEO.TreatmentHistory): str(OSTEO.hasPastTreatment),
    str(OSTEO.MedicalHistory): str(OSTEO.hasCondition),
}
_Facts = dict[str, list[Any]]


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
            self._facts[triple.subject][triple.predicate.value].append(triple.object)
        self._own = self._facts[ox.NamedNode(case.iri)]
        self._urls: dict[str, list[str]] = defaultdict(list)

    def entries(self) -> Iterator[Resource]:
        """Give an entry for each resource; the lists of sections come last, since they name the others."""
        yield self._entry(self._patient(), "")
        yield from (self._entry(each, property_) for property_, each in self._resources())
        yield from (self._entry(self._section(each.value), "") for each in self._own[str(OSTEO.isCompleteFor)])

    def _entry(self, resource: Resource, property_: str) -> Resource:
        if resource["resourceType"] != "Patient":
            resource |= {"subject": {"reference": self._url("patient")}}
            url = self._url(f"{property_} {sum(map(len, self._urls.values()))}")
            self._urls[property_].append(url)
        else:
            url = self._url("patient")
        return {"fullUrl": url, "resource": resource}

    def _url(self, what: str) -> str:
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{self._case.iri} {self._number} {what}").urn

    def _resources(self) -> Iterator[tuple[str, Resource]]:
        writers: dict[str, Callable[[Any], Resource]] = {
            str(OSTEO.hasMenopausalStatus): self._status,
            str(OSTEO.ageInYears): self._age,
            str(OSTEO.hasBoneDensitometry): self._densitometry,
            str(OSTEO.hasFracture): self._fracture,
            str(OSTEO.hasPastTreatment): self._treatment,
            str(OSTEO.hasRenalFunctionTest): self._renal_function,
            str(OSTEO.hasCondition): lambda value: self._condition(value.value),
        }
        for property_, write in writers.items():
            yield from ((property_, write(value)) for value in self._own[property_])
        for property_ in map(str, _STATEMENTS):
            for value in self._own[property_]:
                yield property_, self._observation(property_, valueBoolean=value.value == "true")

    def _patient(self) -> Resource:
        own = {key: values[0].value for key, values in self._own.items() if values}
        found: Resource = {
            "resourceType": "Patient",
            "identifier": [{"system": OWN_SYSTEM, "value": self._case.iri}],
            "gender": _GENDERS.get(own.get(str(OSTEO.hasSex), "")),
            "birthDate": own.get(str(OSTEO.birthDate), "")[:_DAY] or None,
        }
        if str(OSTEO.isDeceased) in own:
            found["deceasedBoolean"] = own[str(OSTEO.isDeceased)] == "true"
        return {key: value for key, value in found.items() if value is not None}

    def _status(self, status: ox.NamedNode) -> Resource:
        return self._observation(str(OSTEO.RecordedMenopausalStatus), valueCodeableConcept=self._concept(status.value))

    def _age(self, age: ox.Literal) -> Resource:
        return self._observation(str(OSTEO.ageInYears), valueInteger=int(age.value))

    def _densitometry(self, node: Any) -> Resource:
        facts = self._facts[node]
        site, side, day = (_value(facts, each) for each in (OSTEO.hasSite, OSTEO.hasSide, OSTEO.performedOn))
        found = self._observation(str(OSTEO.tScore))
        found["code"]["coding"] += self._loinc(site, side)
        if site:
            found["bodySite"] = self._concept(site, beside=False)
        if side:
            found["extension"] = [{"url": str(OSTEO.hasSide), "valueCode": local_name(side)}]
        if day:
            found["effectiveDateTime"] = day[:_DAY]
        score = _value(facts, OSTEO.tScore)
        return {**found, "valueQuantity": {"value": Decimal(score)}} if score else found

    def _loinc(self, site: str, side: str) -> list[Resource]:
        """Give the published code of a T-score of a site and side; a site without one may be read from another's."""
        read_from = [other for other, sites in self._terms.limits["readAs"].items() if site in sites]
        codes = [code for term in (site, *read_from) for code in self._terms.codes.of(term)]
        found = next((code for code in codes if code.facts.get("impliesSide", ("",)) == (side,)), None)
        return [{"system": found.system, "code": found.value}] if found else []

    def _renal_function(self, node: Any) -> Resource:
        """Give the one measure of a test; a second one in the same test has no place, and does not fit."""
        facts = self._facts[node]
        measure, stated = next(
            (each for each in MEASURES.items() if _value(facts, each[1])), next(iter(MEASURES.items()))
        )
        found = self._observation(measure)
        if day := _value(facts, OSTEO.performedOn):
            found["effectiveDateTime"] = day[:_DAY]
        value = _value(facts, stated)
        return {**found, "valueQuantity": {"value": Decimal(value), "unit": _RENAL_UNIT}} if value else found

    def _fracture(self, node: Any) -> Resource:
        facts = self._facts[node]
        found = self._condition(facts[RDF_TYPE.value][0].value)
        mechanism, count = _value(facts, OSTEO.hasMechanism), _value(facts, OSTEO.fracturedVertebraCount)
        extensions: list[Resource] = []
        if mechanism:
            concept = self._concept(mechanism)
            extensions.append({"url": str(OSTEO.hasMechanism), "valueCodeableConcept": concept})
        if count:
            extensions.append({"url": str(OSTEO.fracturedVertebraCount), "valueInteger": int(count)})
        if extensions:
            found["extension"] = extensions
        if day := _value(facts, OSTEO.occurredOn):
            found["onsetDateTime"] = day[:_DAY]
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
        if urls := self._urls[_SECTIONS.get(section, "")]:
            return {**found, "entry": [{"item": {"reference": url}} for url in urls]}
        return {**found, "emptyReason": {"coding": [{"system": _EMPTY_REASON, "code": "nilknown"}]}}

    def _concept(self, term: str, *, beside: bool = True) -> Resource:
        """Give the concept of a term: our own code, and where the ontology matches one, a published code."""
        own = {"system": OWN_SYSTEM, "code": term.removeprefix(OWN_SYSTEM), "display": self._terms.label(term).en}
        matched = self._terms.codes.match(term) if beside else None
        return {"coding": [own, *([{"system": matched.system, "code": matched.value}] if matched else [])]}


def _value(facts: _Facts, property_: str) -> str:
    """Give the first value of a property; empty where there is none."""
    return next((str(each.value) for each in facts.get(str(property_), ())), "")
