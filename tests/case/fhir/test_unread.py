"""Nothing unread makes an answer certain: what is uncertain or not read keeps its section open (the reading, R14)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    HER,
    ICD_CM,
    ICD_WHO,
    NO_FRACTURE,
    POSTMENOPAUSAL,
    SNOMED,
    Resource,
    assess,
    bundle,
    coded,
    condition,
    fractures,
    patient,
    read,
    said,
    t_score,
    told,
)
from tests.support.worked import ON

WRIST = condition(SNOMED, "263102004", "2025-02-02")
GOOD_BONE = t_score("38267-1", 0.1)
POOR_BONE = t_score("38267-1", -1.5)
UNKNOWN = "https://hospital.example/problems"


def words(text: str, **more: Any) -> Resource:
    """Make a Condition that has words and no code."""
    return {"resourceType": "Condition", "id": "w", "subject": HER, "code": {"text": text}, **more}


# Words


@pytest.mark.parametrize(
    "text",
    [
        "Hip fracture 2023",
        "Fracture du col du fémur gauche",
        "FRACTURE COL FEMUR",
        "Tassement vertébral",
        "tassement vertebral L3",
        "Tassement D12",
        "vertèbre tassée",
        "Collapsed vertebra",
        "vertebral collapse T8",
        "Wedging of vertebra",
        "Compression of L1",
        "Broken arm",
        "col du fémur cassé",
        "Colles",
        "volet costal",
        "Pseudarthrose",
        "Ostéosynthèse de hanche",
        "Vertébroplastie",
        "Fracture risk, and a fractured hip in 2019",
        "Oberschenkelhalsfraktur",
        "# NOF 2021",
        "ORIF hip",
        "Fx humerus",
        "cassure du col du fémur",
        "vertebral height loss T12",
        "sans fracture récente, tassement ancien de L2",
        "Ostéoporose sévère avec tassements multiples",
        "Burst L1",
        "frattura del femore",
    ],
)
def test_words_of_a_fracture_keep_the_history_open(knowledge_base: KnowledgeBase, text: str) -> None:
    """A wrist that is read counts; the answer waits for the other."""
    answer = assess(knowledge_base, WRIST, words(text), POSTMENOPAUSAL, POOR_BONE)
    assert answer.disposition == "undetermined"
    assert set(answer.possible) == {"specialist-opinion", "treat"}
    assert text in told(answer, "section-open")[0]


@pytest.mark.parametrize(
    "text",
    [
        "Fract. ESF gauche",
        "fract vertébrale",
        "FR. col fémoral",
        "Fr du poignet G",
        "Hip #",
        "Left hip # 2019",
        "# 5th metatarsal",
        "rib #s",
        "fxs T12 L1",
        "Fx",
        "frx poignet",
        "Cimentoplastie L2",
        "Cementoplastie L2",
        "Ostéosynthèse par clou gamma",
        "PTH post-traumatique",
        "VCF L1",
        "No hip #, fx of wrist",
    ],
)
def test_a_short_form_of_fracture_keeps_the_history_open(knowledge_base: KnowledgeBase, text: str) -> None:
    assert "FractureHistory" in said(read(knowledge_base, WRIST, words(text)), "isOpenFor")


@pytest.mark.parametrize(
    "text",
    [
        "fraction",
        "Fract. d'éjection 40 %",
        "FR 18/min",
        "FR 18/min, douleur hanche",
        "#1",
        "Problem #2: hip pain",
        "No hip #",
        "pas de fract. vertébrale",
        "risque de fx",
        "Family history of hip #",
        "ATCD familial de fract. ESF",
        "PTH pour coxarthrose",
        "Avulsion de l'ongle du pied",
    ],
)
def test_what_only_looks_like_a_short_form_opens_no_history(knowledge_base: KnowledgeBase, text: str) -> None:
    assert said(read(knowledge_base, WRIST, words(text)), "isOpenFor") == ["MedicalHistory"]


@pytest.mark.parametrize(
    "text",
    [
        "Osteoporosis without current pathological fracture",
        "Ostéoporose sans fracture pathologique",
        "No history of fracture",
        "Family history of hip fracture",
        "Antécédents familiaux de fracture",
        "Fracture risk",
        "Risque fracturaire",
        "Fracture dentaire",
        "Fractured dental restorative material",
        "Fracture of corpus cavernosum penis",
        "Collapse of lung",
        "Broken heart syndrome",
        "Spinal cord compression",
        "Hypertension",
        "Wedge resection",
        "Congestion nasale",
        "pas de tassement vertébral",
        "No vertebral collapse",
        "ostéoporose non fracturaire",
        "Fracture exclue",
    ],
)
def test_other_words_open_no_history_of_fractures(knowledge_base: KnowledgeBase, text: str) -> None:
    """An unread condition leaves the medical history open all the same, without a warning."""
    case = read(knowledge_base, WRIST, words(text))
    assert said(case, "isOpenFor") == ["MedicalHistory"]
    assert not told(assess(knowledge_base, WRIST, words(text), POSTMENOPAUSAL, POOR_BONE), "section-open")


def test_words_never_state_a_fact(knowledge_base: KnowledgeBase) -> None:
    assert fractures(read(knowledge_base, words("Fracture vertébrale ostéoporotique L1"))) == []


# Codes


@pytest.mark.parametrize(
    ("system", "code"),
    [
        (ICD_WHO, "S62.8"),
        (ICD_WHO, "S92"),
        (ICD_WHO, "T02.3"),
        (ICD_WHO, "M84.4"),
        (ICD_CM, "S62.10"),
        (ICD_CM, "M84.351A"),
        (ICD_CM, "M97.01XA"),
        (ICD_CM, "Z87.81"),
        (ICD_CM, "M80.9"),
        (ICD_CM, "T08"),
        (ICD_WHO, "Z09.4"),
        (SNOMED, "125605004"),
        (SNOMED, "704067000"),
    ],
)
def test_a_code_that_may_be_a_fracture_keeps_the_history_open(
    knowledge_base: KnowledgeBase, system: str, code: str
) -> None:
    case = read(knowledge_base, condition(system, code))
    assert fractures(case) == []
    assert "FractureHistory" in said(case, "isOpenFor")


@pytest.mark.parametrize(("system", "code"), [(ICD_WHO, "I10"), (ICD_CM, "E11.9"), (SNOMED, "64859006")])
def test_a_code_outside_every_family_opens_nothing_by_its_words(
    knowledge_base: KnowledgeBase, system: str, code: str
) -> None:
    """Its chapter says what it is; what is known here is read as what it is."""
    one = condition(system, code)
    one["code"]["text"] = "fracture"
    assert "FractureHistory" not in said(read(knowledge_base, one), "isOpenFor")


def test_a_condition_that_says_nothing_may_be_anything(knowledge_base: KnowledgeBase) -> None:
    """No words, and a code that no family places."""
    for silent in (condition(SNOMED, "999999"), condition(UNKNOWN, "x"), words("")):
        assert said(read(knowledge_base, silent), "isOpenFor") == ["FractureHistory", "MedicalHistory"]


@pytest.mark.parametrize("status", ["unconfirmed", "provisional", "differential", "suspected", "unknown"])
def test_an_uncertain_fracture_is_neither_counted_nor_dropped(knowledge_base: KnowledgeBase, status: str) -> None:
    perhaps = condition(SNOMED, "263225007", verificationStatus=coded(("http://x", status)))
    answer = assess(knowledge_base, perhaps, NO_FRACTURE, POSTMENOPAUSAL, POOR_BONE)
    assert set(answer.possible) == {"no-treatment", "specialist-opinion", "treat"}
    assert status in told(answer, "section-open")[0]


@pytest.mark.parametrize(
    "status",
    [
        {"coding": [{"system": SNOMED, "code": "415684004"}, {"code": "differential"}]},
        {"text": "Differential"},
        "differential",
    ],
)
def test_a_status_is_looked_for_in_every_form(knowledge_base: KnowledgeBase, status: Any) -> None:
    case = read(knowledge_base, condition(SNOMED, "263225007", verificationStatus=status))
    assert (fractures(case), said(case, "isOpenFor")) == ([], ["FractureHistory"])


def test_what_an_unknown_modifier_changes_is_not_certain(knowledge_base: KnowledgeBase) -> None:
    """It may negate all; a list that has one, or names nobody, closes nothing."""
    modified = {"modifierExtension": [{"url": "https://hospital.example/absent", "valueBoolean": True}]}
    case = read(knowledge_base, {**WRIST, **modified}, {**NO_FRACTURE, **modified})
    assert (fractures(case), said(case, "isOpenFor")) == ([], ["FractureHistory"])
    nobodys = {key: value for key, value in NO_FRACTURE.items() if key != "subject"}
    assert said(case, "isCompleteFor") == said(read(knowledge_base, nobodys), "isCompleteFor") == []


def test_a_focus_without_a_reference_leaves_densitometry_open(knowledge_base: KnowledgeBase) -> None:
    case = read(knowledge_base, {**GOOD_BONE, "focus": [{"display": "her mother"}]})
    assert (said(case, "tScore"), said(case, "isOpenFor")) == ([], ["Densitometry"])


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_a_section_closes_again_when_the_entry_is_refuted(knowledge_base: KnowledgeBase, status: str) -> None:
    ruled_out = words("Hip fracture", verificationStatus=coded(("http://x", status)))
    assert said(read(knowledge_base, ruled_out), "isOpenFor") == []


# Other resources


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Encounter", "reasonCode": [{"text": "Fracture de hanche"}]},
        {"resourceType": "Encounter", "reasonCode": [coded((ICD_WHO, "S72.0"))]},
        {"resourceType": "Procedure", "status": "completed", "code": {"text": "Ostéosynthèse du fémur"}},
        {"resourceType": "Procedure", "status": "completed", "reasonCode": [{"text": "hip fracture"}]},
        {"resourceType": "DiagnosticReport", "status": "final", "conclusion": "Fracture-tassement de L1."},
        {"resourceType": "DiagnosticReport", "status": "final", "conclusionCode": [coded((SNOMED, "5913000"))]},
        {"resourceType": "ClinicalImpression", "finding": [{"itemCodeableConcept": {"text": "Hip fracture"}}]},
        {
            "resourceType": "Encounter",
            "diagnosis": [{"condition": {"reference": "Condition/gone", "display": "Hip fracture"}}],
        },
        {"resourceType": "Claim", "diagnosis": [{"diagnosisCodeableConcept": coded((ICD_CM, "S72.001A"))}]},
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "History of fracture"},
            "valueBoolean": True,
        },
        {"resourceType": "Observation", "status": "final", "code": {"text": "X-ray"}, "valueString": "Hip fracture"},
        {"resourceType": "MedicationRequest", "status": "active", "reasonCode": [{"text": "After hip fracture"}]},
        {"resourceType": "Encounter", "reason": [{"value": [{"concept": {"text": "Hip fracture"}}]}]},
        {"resourceType": "Encounter", "diagnosis": [{"condition": [{"concept": coded((ICD_WHO, "S72.0"))}]}]},
        {"resourceType": "CarePlan", "addresses": [{"display": "Hip fracture"}]},
        {"resourceType": "ClinicalImpression", "summary": "Tassement de L1"},
        {
            "resourceType": "Observation",
            "status": "final",
            "code": {"text": "X-ray"},
            "component": [{"code": {"text": "Finding"}, "valueString": "Hip fracture"}],
        },
    ],
    ids=lambda resource: resource["resourceType"],
)
def test_a_fracture_that_another_resource_names_keeps_the_history_open(
    knowledge_base: KnowledgeBase, resource: Resource
) -> None:
    assert "FractureHistory" in said(read(knowledge_base, {**resource, "subject": HER}), "isOpenFor")


@pytest.mark.parametrize(
    "resource",
    [
        {
            "resourceType": "FamilyMemberHistory",
            "status": "completed",
            "condition": [{"code": {"text": "Hip fracture"}}],
        },
        {"resourceType": "Observation", "status": "final", "code": {"text": "Fracture"}, "valueBoolean": False},
        {"resourceType": "Procedure", "status": "not-done", "code": {"text": "Fixation of fracture"}},
        {"resourceType": "Encounter", "reasonCode": [{"text": "Bone density scan: fracture risk"}]},
        {"resourceType": "Encounter", "reasonCode": [coded((SNOMED, "263102004"))]},
    ],
)
def test_what_is_not_hers_denied_or_read_already_opens_nothing(
    knowledge_base: KnowledgeBase, resource: Resource
) -> None:
    """An encounter for a fracture that a Condition states is for that one."""
    assert "FractureHistory" not in said(read(knowledge_base, WRIST, {**resource, "subject": HER}), "isOpenFor")


# A record that is not whole


def test_a_list_that_names_what_is_not_here_leaves_its_section_open(knowledge_base: KnowledgeBase) -> None:
    listed = {key: value for key, value in NO_FRACTURE.items() if key != "emptyReason"}
    for name, is_open in (("gone", True), (WRIST["id"], False)):
        section = {**listed, "entry": [{"item": {"reference": f"Condition/{name}"}}]}
        case = read(knowledge_base, WRIST, section)
        assert (said(case, "isOpenFor"), said(case, "isCompleteFor")) == (
            (["FractureHistory"], []) if is_open else ([], ["FractureHistory"])
        )


def test_a_bundle_that_goes_on_elsewhere_leaves_every_section_open(knowledge_base: KnowledgeBase) -> None:
    cut = json.loads(bundle(patient(), WRIST)) | {"link": [{"relation": "next", "url": "https://e/2"}]}
    [case] = knowledge_base.read(json.dumps(cut), "fhir", on=ON)
    sections = ["Densitometry", "FractureHistory", "MedicalHistory", "TreatmentHistory"]
    assert said(case, "isOpenFor") == sections


@pytest.mark.parametrize(
    "change",
    [
        {"type": "searchset", "total": 99},
        {"type": "batch-response", "entry": [{"response": {"status": "404"}}]},
        {"type": "searchset", "entry": [{"resource": {"issue": [{"severity": "warning", "code": "incomplete"}]}}]},
        {
            "entry": [
                {"response": {"status": "500", "outcome": {"issue": [{"severity": "error", "code": "exception"}]}}}
            ]
        },
    ],
)
def test_a_bundle_that_says_that_something_is_lacking_leaves_every_section_open(
    knowledge_base: KnowledgeBase, change: Resource
) -> None:
    """An entry without a name of its type is what a server says of its search."""
    whole = json.loads(bundle(patient(), WRIST))
    for entry in change.get("entry", []):
        entry.get("resource", {}).setdefault("resourceType", "OperationOutcome")
        entry.get("response", {}).get("outcome", {}).setdefault("resourceType", "OperationOutcome")
    [case] = knowledge_base.read(
        json.dumps({**whole, **change, "entry": whole["entry"] + change.get("entry", [])}), "fhir", on=ON
    )
    assert len(said(case, "isOpenFor")) == 4


def test_a_bundle_of_all_its_matches_is_whole(knowledge_base: KnowledgeBase) -> None:
    for change in (
        {"type": "searchset", "total": 2},
        {"type": "searchset", "total": 99, "link": [{"relation": "previous", "url": "https://e/1"}]},
        {"type": "collection", "total": 99},
    ):
        [case] = knowledge_base.read(json.dumps(json.loads(bundle(patient(), WRIST)) | change), "fhir", on=ON)
        assert said(case, "isOpenFor") == []


def test_a_page_inside_another_resource_goes_on_too(knowledge_base: KnowledgeBase) -> None:
    page = json.loads(bundle(patient(), GOOD_BONE)) | {"link": [{"relation": "next", "url": "https://e/2"}]}
    for around in (json.loads(bundle(page)), {"resourceType": "Parameters", "parameter": [{"resource": page}]}):
        [case] = knowledge_base.read(json.dumps(around), "fhir", on=ON)
        assert "FractureHistory" in said(case, "isOpenFor")


def test_a_search_for_one_type_that_goes_on_leaves_open_what_that_type_tells(knowledge_base: KnowledgeBase) -> None:
    page = json.loads(bundle(GOOD_BONE, kind="searchset")) | {"link": [{"relation": "next", "url": "https://e/2"}]}
    whole = json.loads(bundle(patient()))
    whole["entry"].append({"resource": page})
    lines = "\n".join((json.dumps(patient()), json.dumps(page)))
    [case] = knowledge_base.read(lines, "fhir", on=ON)
    assert said(case, "isOpenFor") == ["Densitometry"]
