"""FHIR of every shape: whose it is, whether it is valid, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from osteo_kg import UnreadableCaseError
from osteo_kg.cli.main import main
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import (
    HER,
    NO_FRACTURE,
    POSTMENOPAUSAL,
    RXNORM,
    SNOMED,
    Resource,
    bundle,
    coded,
    condition,
    dose,
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
from tests.support.hooks import hook, posted, prefetched
from tests.support.worked import ON

# Whose it is, and whether it is FHIR


def test_several_patients_of_one_bundle_are_several_cases(knowledge_base: KnowledgeBase) -> None:
    """Each has her own resources, however they refer to her."""
    other = {"resourceType": "Patient", "id": "other", "gender": "male"}
    his = condition(SNOMED, "5913000", subject={"reference": "https://fhir.example/r4/Patient/other/_history/2"})
    her, him = knowledge_base.read(bundle(patient(), other, his, POSTMENOPAUSAL), "fhir")
    assert (her.iri, him.iri) == ("urn:case:example", "urn:case:other")
    assert (fractures(her), fractures(him)) == ([], ["ProximalFemurFracture"])


@pytest.mark.parametrize("subject", [{"reference": "Patient/another"}, None])
def test_what_belongs_to_no_patient_is_not_given_to_her(knowledge_base: KnowledgeBase, subject: Resource) -> None:
    """Another patient's fracture is not hers, and one of nobody may be anybody's."""
    case = read(knowledge_base, condition(SNOMED, "5913000", subject=subject))
    assert fractures(case) == []
    assert reasons(case)["OtherPatient"] == ["Condition (SNOMED CT 5913000)"]
    assert said(case, "isOpenFor") == ([] if subject else ["FractureHistory"])


def test_ndjson_is_grouped_by_patient(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """One resource a line, in any order."""
    other = {"resourceType": "Patient", "id": "other"}
    lines = "\n".join(json.dumps(each) for each in (POSTMENOPAUSAL, other, patient()))
    for form in ("ndjson", "jsonl", "fhir"):
        him, her = knowledge_base.read(lines, form)
        assert (him.patient, her.patient) == ("other", "example")
        assert said(her, "hasMenopausalStatus") == ["Postmenopausal"]


def test_a_single_patient_is_a_case(knowledge_base: KnowledgeBase) -> None:
    """All but her sex and age is unknown."""
    [case] = knowledge_base.read(json.dumps(patient()), "json", name="p.json")
    assert said(case, "hasSex") == ["Female"]


def test_what_the_models_reject_is_read_and_told(knowledge_base: KnowledgeBase) -> None:
    """A status from nowhere and a stray element lose no fracture."""
    broken = condition(SNOMED, "5913000", onsetDateTime="2020-02-02", stray=1, recordedDate="yesterday")
    case = read(knowledge_base, broken)
    assert fractures(case) == ["ProximalFemurFracture"]
    [remark] = [each for each in case.remarks if each.kind == "invalidElement"]
    assert "stray" in remark.element
    assert "recordedDate" in remark.element
    assert told(knowledge_base.assess(case, on=ON), "element-invalid")


def test_a_key_that_stands_twice_loses_nothing_unseen(knowledge_base: KnowledgeBase) -> None:
    """Which of the two is meant cannot be told."""
    text = bundle(patient(), t_score("38267-1", 7777)).replace('"value": 7777', '"value": -1, "value": -3')
    [case] = knowledge_base.read(text, "fhir")
    assert "KeyTwice" in reasons(case)
    [case] = knowledge_base.read(bundle(patient()).replace('"id"', '"gender": "male", "id"'), "fhir")
    assert not knowledge_base.validate(case, on=ON).conforms


@pytest.mark.parametrize("text", ['{"resourceType": 7}', "[]", "{}", "{", '{"resourceType": "Bundle", "entry": 7}', ""])
def test_what_is_no_fhir_is_refused_with_a_sentence(knowledge_base: KnowledgeBase, text: str) -> None:
    """Never with anything but a sentence."""
    with pytest.raises(UnreadableCaseError):
        knowledge_base.read(text, "fhir")


SCRAMBLED: list[Any] = [None, 7, "x", [], {}, [[]], [None], {"coding": 7}, {"coding": [{"code": []}]}, [{"value": {}}]]


@pytest.mark.parametrize("value", SCRAMBLED, ids=str)
def test_elements_of_any_shape_are_read_without_an_error(knowledge_base: KnowledgeBase, value: Any) -> None:
    """Whatever stands where, the case is read and assessed, or refused by the shapes."""
    allergy = {"resourceType": "AllergyIntolerance", "patient": HER, "code": coded((RXNORM, "46041"))}
    drug = medication("MedicationRequest", "active", RXNORM, "77655", **dose(5))
    whole = [condition(SNOMED, "443165006", "2020-01-01"), t_score("38263-0", -2), drug, allergy, NO_FRACTURE]
    for resource in [patient(), *whole]:
        for key in set(resource) - {"resourceType", "id", "subject", "patient"}:
            knowledge_base.read(bundle(patient(), {**resource, key: value}), "fhir")
    for key in patient():
        if key != "resourceType":
            knowledge_base.read(bundle({**patient(), key: value}), "fhir", assume_postmenopausal_from=50)


def test_nothing_known_of_treatments_closes_them(knowledge_base: KnowledgeBase) -> None:
    """Each section has its own list."""
    assert said(read(knowledge_base, nothing_known("TreatmentHistory")), "isCompleteFor") == ["TreatmentHistory"]


# On the command line


def test_a_folder_is_a_bulk_export(tmp_path: Path) -> None:
    """The resources of all its NDJSON files are read together."""
    for kind, resource in (("Patient", patient()), ("Condition", POSTMENOPAUSAL)):
        (tmp_path / f"{kind}.ndjson").write_text(json.dumps(resource) + "\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["assess", str(tmp_path), "--on", "2026-11-22", "--format", "json"])
    assert json.loads(done.stdout)["disposition"] == "densitometry-required"


def test_a_conversion_says_that_elements_were_left_out(tmp_path: Path) -> None:
    """An RDF format does not name them."""
    file = tmp_path / "bundle.json"
    file.write_text(bundle(patient(), condition(SNOMED, "38341003")), encoding="utf-8")
    done = CliRunner().invoke(main, ["convert", str(file), "--to", "ttl"])
    assert done.exit_code == 0
    assert "elements of the source were not used" in done.stderr


@pytest.mark.parametrize("entry", [7, {}, {"resource": 7}, {"resource": {"id": "x"}}, {"resource": None}])
def test_an_entry_that_is_no_resource_is_told(knowledge_base: KnowledgeBase, entry: Any) -> None:
    whole = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient()}, entry]}
    [case] = knowledge_base.read(json.dumps(whole), "fhir")
    [remark] = [each for each in case.remarks if each.kind == "invalidElement"]
    assert remark.element == "Bundle (entry 2)"


def test_an_entry_that_only_asks_is_none_of_a_record(knowledge_base: KnowledgeBase) -> None:
    """A transaction deletes something; that is no fact of hers."""
    gone = {"request": {"method": "DELETE", "url": "Condition/1"}}
    whole = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": patient()}, gone]}
    [case] = knowledge_base.read(json.dumps(whole), "fhir")
    assert case.remarks == ()


def test_a_page_of_several_is_told(knowledge_base: KnowledgeBase) -> None:
    """Lest a part of a record be taken for the whole."""
    page = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": patient()}]}
    [case] = knowledge_base.read(json.dumps({**page, "link": [{"relation": "next", "url": "urn:2"}]}), "fhir")
    assert reasons(case)["PageNotGiven"] == ["Bundle"]
    [case] = knowledge_base.read(json.dumps({**page, "link": [{"relation": "self", "url": "urn:1"}]}), "fhir")
    assert case.remarks == ()


# Every way in


NOT_USED = [condition(SNOMED, "38341003"), condition(SNOMED, "5913000", recordedDate="yesterday")]
FIT = [patient(), *NOT_USED]
REFUSED = [patient(gender="male"), POSTMENOPAUSAL, *NOT_USED]
REMARKS = (
    "Not used: Condition (SNOMED CT 38341003)",
    "FHIR resource not valid, read in part: Condition/c-5913000",
)


@pytest.mark.parametrize("resources", [FIT, REFUSED], ids=["fit", "refused"])
@pytest.mark.parametrize("command", ["assess", "validate"])
def test_a_command_names_what_was_not_used(tmp_path: Path, command: str, resources: list[Resource]) -> None:
    """Whether the case is answered or refused."""
    file = tmp_path / "bundle.json"
    file.write_text(bundle(*resources), encoding="utf-8")
    done = CliRunner().invoke(main, [command, str(file), "--on", "2026-11-22"])
    assert [each for each in REMARKS if each not in done.output] == []


@pytest.mark.parametrize("resources", [FIT, REFUSED], ids=["fit", "refused"])
@pytest.mark.parametrize("path", ["/assessments", "/validations"])
def test_the_service_names_what_was_not_used(cds: FlaskClient, path: str, resources: list[Resource]) -> None:
    answer = cds.post(f"{path}?on=2026-11-22", data=bundle(*resources), content_type="application/fhir+json")
    assert [each for each in REMARKS if each not in answer.get_data(as_text=True)] == []


def test_a_hook_names_what_was_not_used(cds: FlaskClient, templates: dict[str, str]) -> None:
    for her, more in ((patient(), ()), (patient(gender="male"), (POSTMENOPAUSAL,))):
        prefetch = {**prefetched(templates, *NOT_USED, *more), "patient": her}
        answer = posted(cds, hook(prefetch=prefetch)).get_data(as_text=True).replace("\\\\", "")
        assert [each for each in REMARKS if each not in answer] == []


def test_a_hook_names_what_a_server_said_of_its_search(cds: FlaskClient, templates: dict[str, str]) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-supported"}]}
    entry = {"resource": outcome, "search": {"mode": "outcome"}}
    conditions = {"resourceType": "Bundle", "type": "searchset", "total": 0, "entry": [entry]}
    answer = posted(cds, hook(prefetch={**prefetched(templates), "conditions": conditions}))
    assert answer.status_code == 200
    assert "Not used: OperationOutcome" in answer.get_data(as_text=True)


# What a Bundle holds elsewhere, or changes in a way that is not read


def entered(knowledge_base: KnowledgeBase, entry: Any, **more: Any) -> list[str]:
    """Give the sections that an entry beside those of a woman leaves open."""
    whole = json.loads(bundle(patient(), condition(SNOMED, "263102004"))) | more
    whole["entry"].append(entry)
    [case] = knowledge_base.read(json.dumps(whole), "fhir", on=ON)
    return said(case, "isOpenFor")


OF_CONDITIONS = ["FractureHistory", "MedicalHistory"]
OF_ALL = ["Densitometry", "FractureHistory", "MedicalHistory", "TreatmentHistory"]
PATCHED = {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "W10="}


@pytest.mark.parametrize(
    ("entry", "sections"),
    [
        ({"fullUrl": "https://hospital.example/Condition/9"}, OF_CONDITIONS),
        ({"resource": None}, OF_ALL),
        ({"resource": {"code": {"text": "hip fracture"}}}, OF_ALL),
        ({"request": {"method": "PATCH", "url": "Observation/1"}, "resource": PATCHED}, ["Densitometry"]),
        ({"request": {"method": "DELETE", "url": "Condition?code=x"}}, OF_CONDITIONS),
        ({"response": {"status": "201", "location": "Condition/9/_history/1"}}, OF_CONDITIONS),
        ({"response": {"status": "200", "location": "Condition/c-263102004/_history/1"}}, []),
        ({"response": {"status": "204"}}, []),
        ({"request": {"method": "GET", "url": "Condition?patient=1"}}, []),
    ],
)
def test_an_entry_whose_resource_is_elsewhere_leaves_open_what_it_may_tell(
    knowledge_base: KnowledgeBase, entry: Any, sections: list[str]
) -> None:
    assert entered(knowledge_base, entry) == sections


def test_a_bundle_under_other_rules_or_with_issues_leaves_every_section_open(knowledge_base: KnowledgeBase) -> None:
    """R5 gives the issues of a search beside the entries."""
    lacking = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "incomplete"}]}
    for more in ({"implicitRules": "https://hospital.example/rules"}, {"type": "searchset", "issues": lacking}):
        assert entered(knowledge_base, {"resource": condition(SNOMED, "76498008")}, **more) == OF_ALL


@pytest.mark.parametrize("subject", [{}, {"subject": {"identifier": {"value": "1"}}}])
def test_what_names_no_patient_may_be_of_the_only_one(knowledge_base: KnowledgeBase, subject: Any) -> None:
    encounter = {"resourceType": "Encounter", "id": "e", "reasonCode": [{"text": "Hip fracture"}], **subject}
    assert entered(knowledge_base, {"resource": encounter}) == ["FractureHistory"]
    inside = {"resourceType": "Condition", "id": "c", "code": {"text": "Hip fracture"}}
    around = {"resourceType": "Encounter", "id": "e", "contained": [inside], **subject}
    assert "FractureHistory" in entered(knowledge_base, {"resource": around})


@pytest.mark.parametrize("kind", ["Questionnaire", "PlanDefinition", "Organization", "RelatedPerson", "ValueSet"])
def test_a_definition_or_another_person_tells_nothing_of_her(knowledge_base: KnowledgeBase, kind: str) -> None:
    assert entered(knowledge_base, {"resource": {"resourceType": kind, "id": "x", "title": "Hip fracture"}}) == []
