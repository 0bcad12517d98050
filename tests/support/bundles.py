"""FHIR bundles for tests, resource by resource."""

from __future__ import annotations

import json
from typing import Any

from osteo_kg import Assessment, Case
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.worked import ON

SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
ICD_CM, ICD_WHO = "http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10"
ATC, RXNORM = "http://www.whocc.no/atc", "http://www.nlm.nih.gov/research/umls/rxnorm"
OWN = "https://w3id.org/osteo-kg/ns/"
Resource = dict[str, Any]
HER = {"reference": "Patient/example"}


def coded(*codings: tuple[str, str], **more: Any) -> Resource:
    """Make a CodeableConcept."""
    return {"coding": [{"system": system, "code": code} for system, code in codings], **more}


def patient(**more: Any) -> Resource:
    """Make a woman of seventy."""
    return {"resourceType": "Patient", "id": "example", "gender": "female", "birthDate": "1956-03-02", **more}


def condition(system: str, code: str, onset: str | None = None, **more: Any) -> Resource:
    """Make a Condition of hers."""
    made = {"resourceType": "Condition", "id": f"c-{code}", "subject": HER, "code": coded((system, code))}
    return {**made, **({"onsetDateTime": onset} if onset else {}), **more}


def t_score(code: str, value: Any, day: str = "2026-03-01", unit: str = "{T-score}", **more: Any) -> Resource:
    """Make an Observation of a T-score of hers."""
    return {
        "resourceType": "Observation",
        "id": f"o-{code}-{value}",
        "status": "final",
        "code": coded((LOINC, code)),
        "subject": HER,
        "effectiveDateTime": day,
        "valueQuantity": {"value": value, **({"unit": unit, "code": unit} if unit else {})},
        **more,
    }


def medication(kind: str, status: str, system: str, code: str, **more: Any) -> Resource:
    """Make a MedicationStatement, MedicationRequest or MedicationAdministration of hers."""
    concept = coded((system, code))
    made = {"resourceType": kind, "id": f"m-{code}", "status": status, "subject": HER}
    return {**made, "medicationCodeableConcept": concept, **more}


def nothing_known(section: str) -> Resource:
    """Make the empty List that says that a section of her record is complete."""
    return {
        "resourceType": "List",
        "status": "current",
        "mode": "snapshot",
        "subject": HER,
        "code": coded((OWN, section)),
        "emptyReason": coded(("http://terminology.hl7.org/CodeSystem/list-empty-reason", "nilknown")),
    }


#: Her creatinine clearance.
RENAL = {
    "resourceType": "Observation",
    "id": "clearance",
    "status": "final",
    "code": coded((LOINC, "35591-7")),
    "subject": HER,
    "effectiveDateTime": "2026-10-01",
    "valueQuantity": {"value": 80, "unit": "mL/min", "code": "mL/min"},
}


def egfr(value: Any = 60, day: str | None = "2026-01-01", **more: Any) -> Resource:
    """Make an Observation of a filtration rate of hers; `more` replaces its elements, and takes out those of None."""
    quantity = {"value": value, "unit": "mL/min/{1.73_m2}"}
    made = t_score("62238-1", 0) | {"id": f"egfr-{value}", "valueQuantity": quantity, "effectiveDateTime": day} | more
    return {key: each for key, each in made.items() if each is not None}


_LESS = {"value": 15, "unit": "mL/min", "comparator": "<"}
_IN_WORDS: Resource = {"code": {"text": "eGFR"}, "valueQuantity": {"value": 15, "unit": "mL/min"}}
_OLD, _LATER = egfr(), "2026-03-01"


def _unread(day: str | None = _LATER, **more: Any) -> Resource:
    """Make one that cannot be used."""
    return egfr("x", day, **({"valueQuantity": _LESS} | more))


def _absent(reason: str) -> Resource:
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    return {"valueQuantity": None, "dataAbsentReason": coded((system, reason))}


#: Renal function with something that cannot be used beside it, and the numbers that count all the same.
RENAL_BESIDE_UNREAD: dict[str, tuple[list[Resource], list[str]]] = {
    "a comparator": ([_OLD, _unread()], []),
    "in the other order": ([_unread(), _OLD], []),
    "words": ([_OLD, _unread(valueQuantity=None, valueString="< 15")], []),
    "a number in words": ([_OLD, _unread(valueQuantity={"value": "15", "unit": "mL/min"})], []),
    "another unit": ([_OLD, _unread(valueQuantity={"value": 0.9, "unit": "mL/s"})], []),
    "no unit": ([_OLD, _unread(valueQuantity={"value": 15})], []),
    "an error": ([_OLD, _unread(**_absent("error"))], []),
    "a value and why there is none": ([_OLD, egfr(15, _LATER, dataAbsentReason={"text": "error"})], []),
    "not performed": ([_OLD, _unread(**_absent("not-performed"))], ["60"]),
    "nothing at all": ([_OLD, _unread(valueQuantity=None)], ["60"]),
    "judged without a value": ([_OLD, _unread(valueQuantity=None, interpretation=[{"text": "low"}])], []),
    "a note without a value": ([_OLD, _unread(valueQuantity=None, note=[{"text": "14"}])], []),
    "status unknown": ([_OLD, egfr(15, _LATER, status="unknown")], []),
    "preliminary": ([_OLD, egfr(15, _LATER, status="preliminary")], []),
    "no status": ([_OLD, egfr(15, _LATER, status=None)], []),
    "in error": ([_OLD, egfr(15, _LATER, status="entered-in-error")], ["60"]),
    "cancelled": ([_OLD, egfr(15, _LATER, status="cancelled")], ["60"]),
    "of somebody else": ([_OLD, egfr(15, _LATER, focus=[{"reference": "Patient/other"}])], ["60"]),
    "perhaps of somebody else": ([_OLD, egfr(15, _LATER, focus=[{"display": "her"}])], []),
    "a modifier": ([_OLD, egfr(15, _LATER, modifierExtension=[{"url": "urn:m", "valueBoolean": True}])], []),
    "a component": (
        [_OLD, _unread(valueQuantity=None, component=[{"code": coded((LOINC, "62238-1")), "valueQuantity": _LESS}])],
        [],
    ),
    "undated": ([_OLD, _unread(None)], []),
    "a date that is none": ([_OLD, _unread("hier")], []),
    "the same day": ([_OLD, _unread("2026-01-01")], []),
    "the day before": ([_OLD, _unread("2025-12-31")], ["60"]),
    "the same day, at some hour": ([_OLD, _unread("2026-01-01T08:00:00Z")], []),
    "the month of the day": ([_OLD, _unread("2026-01")], []),
    "the year of the day": ([_OLD, _unread("2026")], []),
    "the month before": ([_OLD, _unread("2025-12")], ["60"]),
    "the year before": ([_OLD, _unread("2025")], ["60"]),
    "a period around the day": (
        [_OLD, _unread(None, effectivePeriod={"start": "2025-12-30", "end": "2026-01-02"})],
        [],
    ),
    "a period before the day": (
        [_OLD, _unread(None, effectivePeriod={"start": "2025-12-30", "end": "2025-12-31"})],
        ["60"],
    ),
    "undated beside a day": ([egfr(day=None), _unread()], []),
    "a month beside a day in it": ([egfr(day="2026-03"), _unread()], []),
    "a month after a day": ([egfr(day="2026-04"), _unread()], ["60"]),
    "the other measure": ([_OLD, {**RENAL, "effectiveDateTime": _LATER, "valueQuantity": _LESS}], []),
    "beside the other measure": ([RENAL, _unread("2026-10-02")], []),
    "after one, before another": ([_OLD, _unread(), egfr(45, "2026-06-01")], ["45", "60"]),
    "after one, before the other measure": ([_OLD, _unread(), RENAL], ["80"]),
    "between unread ones": ([_unread("2025-01-01"), _OLD, _unread("2026-02-01")], []),
    "two days, and unread after both": ([_OLD, egfr(45, "2026-02-01"), _unread()], []),
    "a code that is not read": ([_OLD, egfr(15, _LATER, code=coded((LOINC, "48642-3"), text="GFR/1.73 sq M"))], []),
    "a code that is not read, before": ([_OLD, egfr(15, "2025-01-01", code={"text": "DFG (CKD-EPI)"})], ["60"]),
    "words alone": ([_OLD, egfr(15, _LATER, code={"text": "Clairance de la créatinine (Cockcroft)"})], []),
    "words of something else": ([_OLD, egfr(300, _LATER, code={"text": "Créatinine sérique"})], ["60"]),
    "a component in words": (
        [_OLD, egfr(15, _LATER, valueQuantity=None, code={"text": "Bilan"}, component=[_IN_WORDS])],
        [],
    ),
    "unread alone": ([_unread()], []),
}
POSTMENOPAUSAL = condition(SNOMED, "76498008")
NO_FRACTURE = nothing_known("FractureHistory")


def dose(value: float, unit: str = "mg") -> Resource:
    """State a dose."""
    return {"dosageInstruction": [{"doseAndRate": [{"doseQuantity": {"value": value, "unit": unit}}]}]}


def bundle(*resources: Resource, kind: str = "collection") -> str:
    """Write a bundle as text."""
    return json.dumps(
        {"resourceType": "Bundle", "type": kind, "entry": [{"resource": resource} for resource in resources]}
    )


def read(knowledge_base: KnowledgeBase, *resources: Resource, **wishes: Any) -> Case:
    """Read the case of her bundle."""
    [case] = knowledge_base.read(bundle(patient(), *resources), "fhir", on=ON, **wishes)
    return case


def assess(knowledge_base: KnowledgeBase, *resources: Resource, **wishes: Any) -> Assessment:
    """Assess her bundle."""
    return knowledge_base.assess(read(knowledge_base, *resources, **wishes), on=ON)


def told(assessment: Assessment, code: str) -> list[str]:
    """Give the sentences of the notices of one code."""
    return [each.message.en for each in (*assessment.warnings, *assessment.assumptions) if each.code == code]


def reasons(case: Case) -> dict[str, list[str]]:
    """Give the elements of a case that were not used, by the reason."""
    found: dict[str, list[str]] = {}
    for remark in case.remarks:
        if remark.reason is not None:
            found.setdefault(remark.reason.removeprefix(OWN), []).append(remark.element)
    return found


def said(case: Case, property_: str) -> list[str]:
    """Give what a case says by a property, wherever it stands: values and last parts of IRIs, sorted."""
    values = (getattr(t.object, "value", "") for t in case.triples if t.predicate.value == OWN + property_)
    return sorted(value.removeprefix(OWN) for value in values)


def fractures(case: Case) -> list[str]:
    """Give the classes of the fractures of a case, sorted."""
    entries = {t.object for t in case.triples if t.predicate.value == OWN + "hasFracture"}
    kinds = (t.object for t in case.triples if t.subject in entries and t.predicate.value.endswith("#type"))
    return sorted(getattr(kind, "value", "").removeprefix(OWN) for kind in kinds)
