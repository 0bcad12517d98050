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
