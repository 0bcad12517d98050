"""The whole kind: a record, and the same record with one resource that has lost its codes (the reading, R14)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osteo_kg import Assessment
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    ATC,
    ICD_CM,
    ICD_WHO,
    NO_FRACTURE,
    POSTMENOPAUSAL,
    SNOMED,
    Resource,
    bundle,
    coded,
    condition,
    medication,
    nothing_known,
    patient,
    t_score,
)
from tests.support.strategies import how_many
from tests.support.worked import ON

TITLES = {
    (SNOMED, "5913000"): "Fracture of neck of femur",
    (SNOMED, "263102004"): "Fracture of wrist",
    (SNOMED, "125608002"): "Fracture of lumbar vertebra",
    (SNOMED, "71642004"): "Fracture of skull",
    (ICD_WHO, "S42.2"): "Fracture de l'extrémité supérieure de l'humérus",
    (ICD_WHO, "M48.56"): "Tassement vertébral, lombaire",
    (ICD_CM, "M80.051A"): "Osteoporosis with current pathological fracture, femur",
    (ICD_CM, "S22.42XA"): "Multiple fractures of ribs",
    (SNOMED, "59282003"): "Pulmonary embolism",
    (SNOMED, "198436008"): "Menopausal flushing",
    (SNOMED, "76498008"): "Postmenopausal state",
}
DRUGS = {(ATC, "M05BA04"): "Alendronic acid", (ATC, "M05BX04"): "Prolia", (ATC, "G03XC01"): "raloxifene"}


@st.composite
def bundles(draw: st.DrawFn) -> list[Resource]:
    """Draw the resources of a woman, each with codes and words."""
    made = [patient(), {**POSTMENOPAUSAL, "code": {**POSTMENOPAUSAL["code"], "text": "Post-menopausal"}}]
    days = st.sampled_from(["2024-03-01", "2025-06-01", None])
    for system, code in draw(st.lists(st.sampled_from(sorted(TITLES)), max_size=4)):
        one = condition(system, code, draw(days), id=f"c{len(made)}")
        made.append({**one, "code": {**one["code"], "text": TITLES[system, code]}})
    for system, code in draw(st.lists(st.sampled_from(sorted(DRUGS)), max_size=2)):
        status = draw(st.sampled_from(["active", "stopped", "completed"]))
        one = medication("MedicationStatement", status, system, code, id=f"m{len(made)}")
        concept = {**one["medicationCodeableConcept"], "text": DRUGS[system, code]}
        reason = draw(st.sampled_from([[], [coded((SNOMED, "59037007"))]]))
        made.append({**one, "medicationCodeableConcept": concept, "statusReason": reason})
    for code, title in (("38267-1", "T-score lumbar spine"), ("38264-8", "T-score total hip")):
        if (value := draw(st.sampled_from([None, -3.5, -2.6, -1.4, 0.2]))) is not None:
            one = t_score(code, value)
            made.append({**one, "code": {**one["code"], "text": title}})
    if draw(st.booleans()):
        made.append(NO_FRACTURE)
    if draw(st.booleans()):
        made.append(nothing_known("TreatmentHistory"))
    return made


def _without_codes(resource: Resource) -> Resource:
    key = "code" if "code" in resource else "medicationCodeableConcept"
    return {**resource, key: {"text": resource[key]["text"]}}


def _contradicts(partial: Assessment, whole: Assessment) -> bool:
    """Whether an answer is certain of something that another one does not say."""
    if partial.disposition == "densitometry-required":  # it says that a T-score is lacking, and none was read
        return False
    statuses = {each.treatment: each.status for each in whole.options}
    certain = [each for each in partial.options if each.status != "undetermined"]
    return (
        (partial.disposition != "undetermined" and partial.disposition != whole.disposition)
        or (partial.strength is not None and partial.strength != whole.strength)
        or any(statuses.get(each.treatment) != each.status for each in certain)
        or not set(whole.possible) <= set(partial.possible)
    )


@pytest.mark.slow
@settings(max_examples=how_many(50), deadline=None, suppress_health_check=list(HealthCheck))
@given(resources=bundles())
def test_no_answer_is_certain_of_what_the_lost_codes_would_contradict(
    knowledge_base: KnowledgeBase, resources: list[Resource]
) -> None:
    def answer(found: list[Resource]) -> Assessment:
        [case] = knowledge_base.read(bundle(*found), "fhir", on=ON)
        return knowledge_base.assess(case, on=ON)

    whole = answer(resources)
    for number, resource in enumerate(resources):
        if resource["resourceType"] not in ("Patient", "List"):
            partial = answer([*resources[:number], _without_codes(resource), *resources[number + 1 :]])
            assert not _contradicts(partial, whole), resource
