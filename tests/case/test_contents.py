"""What a case may hold, and findings that name where it is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from osteo_kg import KnowledgeBase
from tests.support.documents_of_cases import (
    WOMAN,
    fractured,
    one_case,
    record,
    refused_paths,
    scored,
    shown,
    values,
)
from tests.support.worked import ON

# What a case may hold


HEADER = "<urn:doc> a owl:Ontology ; owl:imports <https://w3id.org/osteo-kg/ontology/osteo-kg> ; rdfs:label 'x' ."


@pytest.mark.parametrize(
    ("statements", "path"),
    [
        (":anna a osteo:PatientWithSevereFracture .", "type"),
        (":anna a osteo:Elf .", "type"),
        (":anna osteo:hasLowEnergyFracture [ a osteo:VertebralFracture ] .", "hasLowEnergyFracture"),
        (":anna osteo:lowestTScore -3.0 .", "lowestTScore"),
        (":anna osteo:isEligibleFor osteo:TeriparatideOption .", "isEligibleFor"),
        (":anna osteo:hasShoeSize 38 .", "hasShoeSize"),
        (":anna osteo:withDrug osteo:Alendronate .", "withDrug"),
        (":anna osteo:hasFracture [ a osteo:VertebralFracture ; osteo:tScore -3.0 ] .", "tScore"),
        (":anna osteo:hasFracture [ a osteo:SevereFracture ] .", "type"),
        (":anna osteo:hasFracture [ a osteo:NonSevereFracture ] .", "type"),
        (":anna osteo:hasFracture [ a osteo:NonOsteoporoticFracture ] .", "type"),
        (":anna osteo:hasFracture 'vertebra' .", "type"),
        (":anna osteo:hasFracture ( [ a osteo:VertebralFracture ] ) .", "type"),
        (":anna osteo:hasFracture <<( :a :b :c )>> .", "hasFracture"),
        ("[] a osteo:VertebralFracture .", "type"),
        (":anna foaf:knows [ a osteo:VertebralFracture ] .", "type"),
        ("[] a osteo:PatientWithSevereFracture .", "type"),
        (":fall osteo:isFractureOf :anna .", "isFractureOf"),
        (":anna owl:sameAs :berta .", "sameAs"),
        (":berta owl:sameAs :anna .", "sameAs"),
        (":anna rdfs:subClassOf osteo:Patient .", "subClassOf"),
        (":anna a owl:Class .", "type"),
        (":anna a [ a owl:Restriction ; owl:onProperty osteo:hasSex ; owl:hasValue osteo:Male ] .", "hasValue"),
        ("osteo:DistalRadiusFracture rdfs:subClassOf osteo:SevereFracture .", "subClassOf"),
        ("osteo:VertebralFracture a osteo:HandFracture . :anna osteo:hasFracture osteo:VertebralFracture .", "type"),
        ("osteo:Alendronate a osteo:Raloxifene .", "type"),
        ("osteo:Female <urn:note> 3 .", "urn:note"),
        (":x <urn:note> osteo:Female .", "urn:note"),
        ("[] a owl:AllDifferent .", "type"),
        pytest.param(":anna lifted:leastAge 30 .", "leastAge"),
        pytest.param(":anna a lifted:Assessment .", "type"),
        pytest.param('lifted:Assessment lifted:day "2020-01-01T00:00:00"^^xsd:dateTime .', "day"),
        pytest.param(
            "osteo:DistalRadiusFracture a owl:Ontology ; rdfs:subClassOf osteo:SevereFracture .", "subClassOf"
        ),
    ],
)
def test_axioms_derived_facts_and_terms_out_of_place_are_refused(
    statements: str, path: str, knowledge_base: KnowledgeBase
) -> None:
    assert path in refused_paths(knowledge_base, one_case(WOMAN + statements))


@pytest.mark.parametrize("form", ["ttl", "json"])
def test_a_term_of_ours_is_no_patient(form: str, knowledge_base: KnowledgeBase) -> None:
    term = "https://w3id.org/osteo-kg/ns/LumbarSpine"
    text = {"ttl": WOMAN.replace(":anna", f"<{term}>"), "json": record(patient=term)}[form]
    assert not knowledge_base.validate(one_case(text, form), on=ON).conforms


@pytest.mark.parametrize(
    "statements",
    [
        HEADER,
        HEADER.replace("<urn:doc>", "[]"),
        ":anna a owl:NamedIndividual , owl:Thing .",
        ":other foaf:name 'not a patient' .",
    ],
)
def test_what_a_document_says_of_itself_is_accepted(statements: str, knowledge_base: KnowledgeBase) -> None:
    assessment = knowledge_base.assess(one_case(WOMAN + statements), on=ON)
    assert [each.code for each in assessment.warnings] == []


@pytest.mark.parametrize(
    ("statements", "ignored"),
    [
        (":anna foaf:name 'Anna' .", "http://xmlns.com/foaf/0.1/name"),
        (":anna a foaf:Person .", "http://xmlns.com/foaf/0.1/Person"),
        (":anna rdfs:label 'Anna' .", "http://www.w3.org/2000/01/rdf-schema#label"),
        (":anna osteo:hasFracture [ a osteo:AnkleFracture ; <urn:note> [ foaf:name 'x' ] ] .", "urn:note"),
    ],
)
def test_a_property_of_another_vocabulary_is_passed_over_and_warned_of(
    statements: str, ignored: str, knowledge_base: KnowledgeBase
) -> None:
    case = one_case(WOMAN + statements)
    assert case.ignored == (ignored,)
    [warning] = knowledge_base.assess(case, on=ON).warnings
    assert warning.code == "property-ignored"
    assert ignored in warning.message.en
    assert ignored in warning.message.fr


def test_a_bare_fracture_is_one_of_unspecified_site(knowledge_base: KnowledgeBase) -> None:
    """It counts as vertebral, other severe or non-severe: never as no fracture."""
    bare, named, flat = (
        knowledge_base.assess(case, on=ON)
        for case in (
            one_case(scored("-1.5") + ":anna osteo:hasFracture [ a osteo:Fracture ] ."),
            one_case(scored("-1.5") + ":anna osteo:hasFracture [ a osteo:UnspecifiedSiteFracture ] ."),
            one_case(record(patient="urn:case:anna", t_score_total_hip=-1.5, fractures=["unspecified"]), "json"),
        )
    )
    assert shown(bare) == shown(named) == shown(flat)
    assert bare.possible == ("specialist-opinion", "treat")


def test_a_fracture_class_beside_the_bare_one_names_the_site() -> None:
    case = one_case(fractured("a osteo:Fracture , osteo:AnkleFracture"))
    assert {value.rpartition("/")[2] for value in values(case, "22-rdf-syntax-ns#type")} == {
        "Patient",
        "AnkleFracture",
    }


# Finding what is wrong where it is


@pytest.mark.parametrize(
    ("fractures", "place"),
    [
        (["ankle", {"site": "ankle", "count": 2}], 2),
        pytest.param(["elbow", {"site": "ankle", "count": 2}], 2),
        pytest.param(["ankle", {"site": "ankle", "count": 2}, *["ankle"] * 9], 2),
    ],
)
def test_a_finding_names_the_entry_as_it_stands_in_the_record(
    fractures: list[Any], place: int, knowledge_base: KnowledgeBase
) -> None:
    report = knowledge_base.validate(one_case(record(fractures=fractures), "json"), on=ON)
    found = [each.focus for each in report.violations if "not of a vertebra" in each.message.en]
    assert found == [f"anna, fractures[{place}]"]


def test_reading_a_refused_case_again_gives_the_same_report(knowledge_base: KnowledgeBase) -> None:
    text = WOMAN + ":anna osteo:hasLowEnergyFracture [ a osteo:VertebralFracture ] ."
    reports = {json.dumps(knowledge_base.validate(one_case(text), on=ON).to_json()) for _ in range(5)}
    assert len(reports) == 1
