"""Nothing unread makes an answer certain: what is uncertain or not read keeps its section open (reading.md, R14)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from osteo_kg import Assessment
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    ATC,
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
    medication,
    nothing_known,
    patient,
    read,
    reasons,
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


# Densitometry


def _unread(**change: Any) -> Resource:
    made = t_score("38264-8", -3.4, "2026-04-01")
    return {key: value for key, value in {**made, **change}.items() if value is not None}


@pytest.mark.parametrize(
    "resource",
    [
        _unread(valueQuantity={"value": -2.5, "comparator": "<", "unit": "{T-score}"}),
        _unread(valueQuantity=None, valueString="-3,4"),
        _unread(valueQuantity={"value": -3.4, "unit": "points"}),
        _unread(valueQuantity=None, dataAbsentReason=coded(("http://x", "as-text"))),
        _unread(bodySite={"text": "rachis"}),
        _unread(bodySite=coded((SNOMED, "421060004"))),
        _unread(code={"text": "T-score hanche totale"}),
        _unread(code=coded((UNKNOWN, "dxa"))),
    ],
    ids=["comparator", "text", "unit", "as-text", "place in words", "place in code", "words", "unit of a score"],
)
def test_an_unread_t_score_leaves_densitometry_open(knowledge_base: KnowledgeBase, resource: Resource) -> None:
    """The lowest is then at most what was read, and an answer is given only where every lower one agrees."""
    none, low = (GOOD_BONE, POSTMENOPAUSAL, NO_FRACTURE), t_score("38267-1", -3.5)
    assert assess(knowledge_base, *none).disposition == "no-treatment"
    answer = assess(knowledge_base, *none, resource)
    assert answer.disposition == "undetermined"
    assert set(answer.possible) == {"no-treatment", "specialist-opinion", "treat"}
    assert told(answer, "densitometry-unread")
    assert assess(knowledge_base, low, POSTMENOPAUSAL, NO_FRACTURE, resource).disposition == "treat"
    assert assess(knowledge_base, POSTMENOPAUSAL, resource).disposition == "densitometry-required"


@pytest.mark.parametrize(
    "resource",
    [
        _unread(status="preliminary"),
        _unread(valueQuantity=None),
        _unread(valueQuantity={"value": 0.7, "unit": "g/cm2"}),
        _unread(valueQuantity={"value": 70, "unit": "{%YAM}"}),
        _unread(bodySite={"text": "Radius 33 %"}),
        _unread(focus=[{"reference": "RelatedPerson/mother"}]),
        _unread(bodySite=coded((SNOMED, "119190009"))),
    ],
    ids=["preliminary", "no value", "density", "percent", "forearm", "mother", "shaft"],
)
def test_what_is_no_axial_t_score_of_hers_opens_nothing(knowledge_base: KnowledgeBase, resource: Resource) -> None:
    case = read(knowledge_base, GOOD_BONE, resource)
    assert said(case, "isOpenFor") == []
    assert reasons(case)


# Medications


@pytest.mark.parametrize("text", ["Prolia 60 mg", "acide zolédronique", "Bisphosphonate", "FOSAMAX 70 mg, cp", "THM"])
def test_a_drug_in_words_is_perhaps_a_treatment(knowledge_base: KnowledgeBase, text: str) -> None:
    one = medication("MedicationStatement", "active", "", "", medicationCodeableConcept={"text": text})
    case = read(knowledge_base, one)
    assert said(case, "isOpenFor") == ["TreatmentHistory"]
    assert said(case, "hasPastTreatment") == []


def test_a_medication_that_is_not_there_is_known_by_what_leads_to_it(knowledge_base: KnowledgeBase) -> None:
    """Without words it may be any drug."""
    for reference, is_open in (({"display": "Prolia"}, True), ({"display": "Paracetamol"}, False), ({}, True)):
        one = medication("MedicationStatement", "active", "", "")
        del one["medicationCodeableConcept"]
        case = read(knowledge_base, {**one, "medicationReference": {"reference": "Medication/gone", **reference}})
        assert said(case, "isOpenFor") == (["TreatmentHistory"] if is_open else [])


@pytest.mark.parametrize(
    "text", ["Paracetamol", "XGEVA 120 mg", "Zometa 4 mg/5 ml", "Actonel 30 mg", "Bondronat", "Trophigil"]
)
def test_another_drug_or_product_in_words_is_none(knowledge_base: KnowledgeBase, text: str) -> None:
    one = medication("MedicationStatement", "active", "", "", medicationCodeableConcept={"text": text})
    case = read(knowledge_base, one)
    assert said(case, "isOpenFor") == []
    assert text in " ".join(element for listed in reasons(case).values() for element in listed)


BDPM = "https://smt.esante.gouv.fr/terminologie-bdpm"


@pytest.mark.parametrize(
    ("system", "code", "drug"),
    [
        (BDPM, "62158815", ["Alendronate"]),
        (f"{BDPM}/", "3400949285785", ["Denosumab"]),
        ("urn:oid:1.2.250.1.213.2.3.1", "67306342", ["Zoledronate"]),
        ("https://smt.esante.gouv.fr/terminologie-atc", "M05BB04", ["Risedronate"]),
        (BDPM, "65243459", []),
        (BDPM, "62785629", []),
        (ATC, "G03CA04", []),
    ],
)
def test_a_french_product_is_read_by_its_code(
    knowledge_base: KnowledgeBase, system: str, code: str, drug: list[str]
) -> None:
    """Oncology products and local oestrogens of the same substances are not the treatment."""
    case = read(knowledge_base, medication("MedicationStatement", "active", system, code))
    assert (said(case, "withDrug"), said(case, "isOpenFor")) == (drug, [])


@pytest.mark.parametrize("status", ["active", "stopped", "unknown", "on-hold", "completed", "not-taken", "intended"])
@pytest.mark.parametrize("is_coded", [True, False])
def test_denosumab_of_whatever_status_tells_of_its_rebound(
    knowledge_base: KnowledgeBase, status: str, is_coded: bool
) -> None:
    concept = coded((BDPM, "64256891")) if is_coded else {"text": "Prolia"}
    one = medication("MedicationStatement", status, "", "", medicationCodeableConcept=concept)
    assert told(assess(knowledge_base, one, POSTMENOPAUSAL, GOOD_BONE), "denosumab-rebound")


@pytest.mark.parametrize(("status", "is_open"), [("ended", True), ("Active", True), ("not-done", False)])
def test_a_status_that_is_not_known_keeps_the_treatment_history_open(
    knowledge_base: KnowledgeBase, status: str, *, is_open: bool
) -> None:
    case = read(knowledge_base, medication("MedicationAdministration", status, ATC, "M05BA04"))
    assert said(case, "isOpenFor") == (["TreatmentHistory"] if is_open else [])


@pytest.mark.parametrize("status", ["entered-in-error", "draft", "cancelled"])
def test_denosumab_that_never_was_does_not(knowledge_base: KnowledgeBase, status: str) -> None:
    one = medication("MedicationRequest", status, BDPM, "64256891")
    assert not told(assess(knowledge_base, one, POSTMENOPAUSAL, GOOD_BONE), "denosumab-rebound")


# A record that is not whole


def test_a_bundle_that_goes_on_elsewhere_leaves_every_section_open(knowledge_base: KnowledgeBase) -> None:
    cut = json.loads(bundle(patient(), WRIST)) | {"link": [{"relation": "next", "url": "https://e/2"}]}
    [case] = knowledge_base.read(json.dumps(cut), "fhir", on=ON)
    sections = ["Densitometry", "FractureHistory", "MedicalHistory", "TreatmentHistory"]
    assert said(case, "isOpenFor") == sections


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


# The whole kind: a bundle, and the same bundle with one resource that has lost its codes.

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
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
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
