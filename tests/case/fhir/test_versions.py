"""Whose a resource is, which of its versions counts, and of which release of FHIR it is (the reading, R14)."""

from __future__ import annotations

import json

import pytest

from osteo_kg import UnreadableCaseError
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.bundles import SNOMED, Resource, bundle, condition, fractures, patient, reasons, said, t_score
from tests.support.worked import ON

HIP = condition(SNOMED, "5913000", id="c")
WRIST = condition(SNOMED, "263102004", id="c")


def history(*entries: Resource, kind: str = "history") -> str:
    """Write a bundle of entries as they are."""
    return json.dumps({"resourceType": "Bundle", "type": kind, "entry": list(entries)})


def put(resource: Resource, version: int | None = None, changed: str = "", url: str = "") -> Resource:
    """Make the entry of a version of a resource."""
    meta = {key: value for key, value in (("versionId", version and f"{version}"), ("lastUpdated", changed)) if value}
    return {"resource": {**resource, **({"meta": meta} if meta else {})}, **({"fullUrl": url} if url else {})}


def deleted(name: str, changed: str = "") -> Resource:
    """Make the entry of a deletion."""
    return {
        "request": {"method": "DELETE", "url": name},
        **({"response": {"lastModified": changed}} if changed else {}),
    }


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        ([put(HIP, 1), put(WRIST, 2)], ["DistalRadiusFracture"]),
        ([put(HIP, 10), put(WRIST, 9)], ["ProximalFemurFracture"]),
        (
            [put(HIP, changed="2026-01-02T00:00:00Z"), put(WRIST, changed="2026-01-01T00:00:00Z")],
            ["ProximalFemurFracture"],
        ),
        ([put(HIP), put(WRIST)], ["ProximalFemurFracture"]),
        ([deleted("Condition/c"), put(HIP)], []),
        ([put(HIP), deleted("Condition/c")], ["ProximalFemurFracture"]),
        (
            [deleted("Condition/c", "2026-01-01T00:00:00Z"), put(HIP, changed="2026-02-01T00:00:00Z")],
            ["ProximalFemurFracture"],
        ),
        ([deleted("Condition/other"), put(HIP)], ["ProximalFemurFracture"]),
        (
            [put(HIP, changed="2026-01-01T23:30:00-05:00"), put(WRIST, changed="2026-01-02T01:00:00Z")],
            ["ProximalFemurFracture"],
        ),
        (
            [put(HIP, changed="2026-01-01T10:00:00.5Z"), put(WRIST, changed="2026-01-01T10:00:00Z")],
            ["ProximalFemurFracture"],
        ),
        (
            [{**put(HIP), "response": {"etag": 'W/"1"'}}, {**put(WRIST), "response": {"etag": 'W/"2"'}}],
            ["DistalRadiusFracture"],
        ),
    ],
)
def test_the_newest_version_counts_and_none_where_it_is_deleted(
    knowledge_base: KnowledgeBase, entries: list[Resource], left: list[str]
) -> None:
    """A history gives the newest first."""
    [case] = knowledge_base.read(history(put(patient()), *entries), "fhir", on=ON)
    assert fractures(case) == left
    told = reasons(case)
    assert ("ElementDeleted" in told or "OlderVersion" in told) == (
        len(left) != len(entries) - ("request" in str(entries))
    )


def test_a_deletion_of_another_file_deletes_too(knowledge_base: KnowledgeBase) -> None:
    """A bulk export names in files of their own what was deleted."""
    lines = [json.dumps(patient()), json.dumps(HIP), history(deleted("Condition/c"), kind="transaction")]
    [case] = knowledge_base.read("\n".join(lines), "fhir", on=ON)
    assert fractures(case) == []
    assert "ElementDeleted" in reasons(case)


def test_one_resource_twice_is_one(knowledge_base: KnowledgeBase) -> None:
    """Whatever the server says of each copy; a vertebra in two resources may be two."""
    spine = condition(SNOMED, "125608002", id="spine")
    copies = [put(patient()), put(spine), put({**spine, "meta": {"source": "import"}})]
    [case] = knowledge_base.read(history(*copies, kind="collection"), "fhir", on=ON)
    assert (fractures(case), said(case, "fracturedVertebraCountAtMost")) == (["VertebralFracture"], [])


def test_equal_ids_under_two_identifiers_of_entries_are_two_patients(knowledge_base: KnowledgeBase) -> None:
    entries = [put(patient(), url="urn:uuid:a"), put(patient(), url="urn:uuid:b")]
    entries += [put({**HIP, "subject": {"reference": "urn:uuid:b"}}, url="urn:uuid:c")]
    cases = knowledge_base.read(history(*entries, kind="collection"), "fhir", on=ON)
    assert {case.patient: fractures(case) for case in cases} == {
        "urn:uuid:a": [],
        "urn:uuid:b": ["ProximalFemurFracture"],
    }


def test_what_a_report_has_as_result_is_hers(knowledge_base: KnowledgeBase) -> None:
    score = {key: value for key, value in t_score("38267-1", -2.7).items() if key != "subject"}
    report = {"resourceType": "DiagnosticReport", "status": "final", "subject": HIP["subject"]}
    report["result"] = [{"reference": f"Observation/{score['id']}"}]
    [case] = knowledge_base.read(history(put(patient()), put(score), put(report), kind="collection"), "fhir", on=ON)
    assert said(case, "tScore") == ["-2.7"]


def test_equal_ids_of_two_servers_are_two_patients(knowledge_base: KnowledgeBase) -> None:
    """Each has her own resources, and is named by where she comes from."""
    entries = [
        put(resource, url=f"https://{server}.example/fhir/{resource['resourceType']}/{resource['id']}")
        for server, her in (("a", HIP), ("b", WRIST))
        for resource in (patient(), her)
    ]
    cases = knowledge_base.read(history(*entries, kind="collection"), "fhir", on=ON)
    assert {case.patient: fractures(case) for case in cases} == {
        "https://a.example/fhir/Patient/example": ["ProximalFemurFracture"],
        "https://b.example/fhir/Patient/example": ["DistalRadiusFracture"],
    }


def test_two_patient_resources_of_one_woman_are_told_of_each_other(knowledge_base: KnowledgeBase) -> None:
    """They are read apart, and neither is taken for the whole of her record."""
    for kind, is_open in (("replaces", True), ("refer", False)):
        newer = patient(link=[{"other": {"reference": "Patient/old"}, "type": kind}])
        older = {**patient(), "id": "old"}
        for case in knowledge_base.read(bundle(newer, older), "fhir", on=ON):
            assert bool(said(case, "isOpenFor")) is is_open


def test_resources_inside_parameters_are_read(knowledge_base: KnowledgeBase) -> None:
    inside = [{"name": "record", "part": [{"name": "each", "resource": HIP}]}, {"name": "who", "resource": patient()}]
    [case] = knowledge_base.read(json.dumps({"resourceType": "Parameters", "parameter": inside}), "fhir", on=ON)
    assert fractures(case) == ["ProximalFemurFracture"]


def test_what_a_resource_contains_is_read_with_its_date(knowledge_base: KnowledgeBase) -> None:
    score = t_score("38267-1", -2.7)
    inside = {key: value for key, value in score.items() if key not in ("subject", "effectiveDateTime")}
    report = {"resourceType": "DiagnosticReport", "status": "final", "subject": score["subject"], "contained": [inside]}
    [case] = knowledge_base.read(
        history(put(patient()), put({**report, "effectiveDateTime": "2026-03-05"}), kind="collection"), "fhir", on=ON
    )
    assert (said(case, "tScore"), said(case, "performedOn")) == (["-2.7"], ["2026-03-05T00:00:00"])


@pytest.mark.parametrize(
    ("change", "release"),
    [
        ({"medication": {"concept": {"text": "Prolia"}}, "status": "recorded"}, "FHIR R5"),
        ({"medicationCodeableConcept": {"text": "Prolia"}, "taken": "y", "status": "active"}, "FHIR STU3"),
    ],
)
def test_another_release_of_fhir_is_named(knowledge_base: KnowledgeBase, change: Resource, release: str) -> None:
    """And what it may say keeps its section open."""
    one = {"resourceType": "MedicationStatement", "id": "m", "subject": {"reference": "Patient/example"}, **change}
    [case] = knowledge_base.read(history(put(patient()), put(one), kind="collection"), "fhir", on=ON)
    assert release in reasons(case)["OtherRelease"][0]
    assert said(case, "isOpenFor") == ["TreatmentHistory"]


@pytest.mark.parametrize("format_name", ["fhir", "json", "xml"])
def test_fhir_in_xml_is_named_for_what_it_is(knowledge_base: KnowledgeBase, format_name: str) -> None:
    text = '<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir"><type value="collection"/></Bundle>'
    with pytest.raises(UnreadableCaseError, match="FHIR in XML") as caught:
        knowledge_base.read(text, format_name, name="record.xml")
    assert "JSON" in str(caught.value.advice)
