"""From bytes to cases: every format says the same, and what is wrong is refused with a sentence, not a traceback."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import ON
from osteo_kg import Assessment, Case, KnowledgeBase, OsteoError, UnreadableCaseError, ValidationReport, read_case
from osteo_kg.rdf.terms import CONTEXT

FORMATS = ("ttl", "nt", "jsonld", "rdf", "json", "jsonl", "csv")
PREFIXES = """
    @prefix osteo: <https://w3id.org/osteo-kg/ns/> .
    @prefix lifted: <https://w3id.org/osteo-kg/lifted/> .
    @prefix owl: <http://www.w3.org/2002/07/owl#> .
    @prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
    @prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
    @prefix foaf: <http://xmlns.com/foaf/0.1/> .
    @prefix : <urn:case:> .
"""
WOMAN = ":anna a osteo:Patient ; osteo:hasSex osteo:Female ; osteo:hasMenopausalStatus osteo:Postmenopausal .\n"
TURTLE = f"""{PREFIXES}{WOMAN}
    :anna osteo:ageInYears 58 ; osteo:birthDate "1968-03-02"^^xsd:date ;
      osteo:hasBoneDensitometry :anna-1 , :anna-2 , :anna-3 ;
      osteo:hasFracture :anna-f1 , :anna-f2 , :anna-f3 ;
      osteo:hasPastTreatment :anna-t1 , :anna-t2 ;
      osteo:hasCondition osteo:SecondaryOsteoporosisCause ;
      osteo:climactericDisorders true ; osteo:lowPeripheralFractureRisk false .
    :anna-1 a osteo:BoneDensitometry ; osteo:hasSite osteo:LumbarSpine ; osteo:tScore -2.7 ;
      osteo:performedOn "2026-05-01"^^xsd:date .
    :anna-2 a osteo:BoneDensitometry ; osteo:hasSite osteo:FemoralNeck ; osteo:tScore -2.96 ;
      osteo:performedOn "2026-05-01"^^xsd:date .
    :anna-3 a osteo:BoneDensitometry ; osteo:hasSite osteo:TotalHip ; osteo:tScore -1 ;
      osteo:performedOn "2026-05-01"^^xsd:date .
    :anna-f1 a osteo:VertebralFracture ; osteo:hasMechanism osteo:LowEnergyTrauma ;
      osteo:occurredOn "2026-02-01"^^xsd:date ; osteo:fracturedVertebraCount 2 .
    :anna-f2 a osteo:DistalRadiusFracture .
    :anna-f3 a osteo:HandFracture ; osteo:hasMechanism osteo:HighEnergyTrauma .
    :anna-t1 a osteo:PastTreatment ; osteo:withDrug osteo:Alendronate ; osteo:hasOutcome osteo:Intolerance .
    :anna-t2 a osteo:PastTreatment ; osteo:withDrug osteo:Raloxifene .
"""
RECORD: dict[str, Any] = {
    "patient": "urn:case:anna",
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 58,
    "birth_date": "1968-03-02",
    "t_score_lumbar_spine": -2.7,
    "t_score_femoral_neck": -2.96,
    "t_score_total_hip": -1,
    "densitometry_date": "2026-05-01",
    "fractures": [
        {"site": "vertebra", "mechanism": "low-energy", "date": "2026-02-01", "count": 2},
        "distal-radius",
        {"site": "hand", "mechanism": "high-energy"},
    ],
    "treatment_history": [{"drug": "alendronate", "outcome": "intolerance"}, {"drug": "raloxifene"}],
    "conditions": ["secondary-osteoporosis-cause"],
    "climacteric_disorders": True,
    "low_peripheral_fracture_risk": False,
}
CELLS = {
    **{key: str(value).lower() for key, value in RECORD.items()},
    "fractures": "vertebra:low-energy:2026-02-01:x2;distal-radius;hand:high-energy",
    "treatment_history": "alendronate:intolerance;raloxifene",
    "conditions": "secondary-osteoporosis-cause",
}
LINKED: dict[str, Any] = {
    "@context": CONTEXT,
    "id": "urn:case:anna",
    "type": "Patient",
    "hasSex": "Female",
    "hasMenopausalStatus": "Postmenopausal",
    "ageInYears": 58,
    "birthDate": "1968-03-02",
    "hasBoneDensitometry": [
        {
            "id": f"urn:case:anna-{place}",
            "type": "BoneDensitometry",
            "hasSite": site,
            "tScore": score,
            "performedOn": "2026-05-01",
        }
        for place, (site, score) in enumerate((("LumbarSpine", -2.7), ("FemoralNeck", -2.96), ("TotalHip", -1)))
    ],
    "hasFracture": [
        {
            "id": "urn:case:anna-f1",
            "type": "VertebralFracture",
            "hasMechanism": "LowEnergyTrauma",
            "occurredOn": "2026-02-01",
            "fracturedVertebraCount": 2,
        },
        {"id": "urn:case:anna-f2", "type": "DistalRadiusFracture"},
        {"id": "urn:case:anna-f3", "type": "HandFracture", "hasMechanism": "HighEnergyTrauma"},
    ],
    "hasPastTreatment": [
        {"id": "urn:case:anna-t1", "type": "PastTreatment", "withDrug": "Alendronate", "hasOutcome": "Intolerance"},
        {"id": "urn:case:anna-t2", "type": "PastTreatment", "withDrug": "Raloxifene"},
    ],
    "hasCondition": "SecondaryOsteoporosisCause",
    "climactericDisorders": True,
    "lowPeripheralFractureRisk": False,
}


def _rewritten(form: ox.RdfFormat) -> str:
    written = ox.serialize(ox.parse(TURTLE, format=ox.RdfFormat.TURTLE), format=form)
    assert written is not None
    return written.decode()


DOCUMENTS = {
    "ttl": TURTLE,
    "nt": _rewritten(ox.RdfFormat.N_TRIPLES),
    "rdf": _rewritten(ox.RdfFormat.RDF_XML),
    "jsonld": json.dumps(LINKED),
    "json": json.dumps(RECORD),
    "jsonl": json.dumps(RECORD) + "\n",
    "csv": ",".join(CELLS) + "\r\n" + ",".join(CELLS.values()) + "\r\n",
}


def _one(text: str | bytes, form: str | None = "ttl", **options: Any) -> Case:
    [case] = read_case(PREFIXES + text if form == "ttl" and isinstance(text, str) else text, form, **options)
    return case


def _record(**changes: Any) -> str:
    woman = {"patient": "anna", "sex": "female", "menopausal_status": "postmenopausal"}
    return json.dumps({**woman, **changes})


def _linked(**changes: Any) -> str:
    woman = {"@id": ":anna", "@type": "Patient", "hasSex": "Female", "hasMenopausalStatus": "Postmenopausal"}
    return json.dumps({**woman, **{"@id": "urn:case:anna"}, **changes})


def _scored(*literals: str) -> str:
    scores = " , ".join(literals)
    return (
        f"{WOMAN} :anna osteo:hasBoneDensitometry "
        f"[ a osteo:BoneDensitometry ; osteo:hasSite osteo:TotalHip ; osteo:tScore {scores} ] ."
    )


def _aged(literal: str) -> str:
    return f"{WOMAN} :anna osteo:ageInYears {literal} ."


def _born(literal: str) -> str:
    return f"{WOMAN} :anna osteo:birthDate {literal} ."


def _fractured(statements: str) -> str:
    return f"{WOMAN} :anna osteo:hasFracture [ {statements} ] ."


def _counted(literal: str) -> str:
    return _fractured(f"a osteo:VertebralFracture ; osteo:fracturedVertebraCount {literal}")


def _xml(inner: str, declarations: str = "") -> str:
    doctype = f"<!DOCTYPE rdf:RDF [{declarations}]>" if declarations else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{doctype}'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:osteo="https://w3id.org/osteo-kg/ns/">'
        f'<osteo:Patient rdf:about="urn:case:anna">{inner}</osteo:Patient></rdf:RDF>'
    )


def _typed(property_: str, datatype: str, text: str) -> str:
    iri = f"http://www.w3.org/2001/XMLSchema#{datatype}"
    return f'<osteo:{property_} rdf:datatype="{iri}">{text}</osteo:{property_}>'


def _shown(assessment: Assessment) -> dict[str, Any]:
    return assessment.to_json("en")


def _values(case: Case, property_: str) -> set[str]:
    found = (t.object for t in case.triples if t.predicate.value.endswith(f"/{property_}"))
    return {term.value for term in found if isinstance(term, ox.NamedNode | ox.Literal)}


def _refused_paths(knowledge_base: KnowledgeBase, case: Case) -> set[str]:
    """Give the paths of the violations; each says in both languages what is wrong and what to do."""
    violations = knowledge_base.validate(case, on=ON).violations
    assert all(
        text for each in violations for text in (each.message.en, each.message.fr, each.advice.en, each.advice.fr)
    )
    return {each.path.rpartition("#")[2].rpartition("/")[2] for each in violations}


# Every format says the same


@pytest.fixture(scope="module")
def expected(knowledge_base: KnowledgeBase) -> dict[str, Any]:
    assessment = knowledge_base.assess(_one(TURTLE.encode()), on=ON)
    assert assessment.disposition == "treat"
    assert {each.code for each in assessment.warnings} >= {"high-energy-not-counted", "secondary-cause"}
    return _shown(assessment)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_assessment(
    form: str, knowledge_base: KnowledgeBase, expected: dict[str, Any]
) -> None:
    case = _one(DOCUMENTS[form].encode(), form)
    assert _shown(knowledge_base.assess(case, on=ON)) == expected


@pytest.mark.parametrize("form", FORMATS)
def test_a_byte_order_mark_changes_nothing(form: str) -> None:
    marked, plain = (_one(mark + DOCUMENTS[form].encode(), form) for mark in (b"\xef\xbb\xbf", b""))
    assert set(marked.triples) == set(plain.triples)
    assert marked.findings == plain.findings == ()


@pytest.mark.parametrize("form", FORMATS)
def test_text_that_is_not_utf_8_is_said_to_be_so(form: str) -> None:
    with pytest.raises(UnreadableCaseError, match="UTF-8"):
        read_case(DOCUMENTS[form].encode("utf-16"), form)


@pytest.mark.parametrize("form", FORMATS)
def test_the_extension_of_a_name_gives_the_format(form: str) -> None:
    assert _one(DOCUMENTS[form].encode(), None, name=f"ward.{form.upper()}").patient == "urn:case:anna"


@pytest.mark.parametrize(("form", "name"), [("parquet", "x.ttl"), (None, "cases"), (None, "-")])
def test_a_format_that_is_not_known_is_refused_naming_those_that_are(form: str | None, name: str) -> None:
    with pytest.raises(UnreadableCaseError, match="jsonl"):
        read_case("", form, name=name)


def test_triples_may_stand_in_any_order(knowledge_base: KnowledgeBase, expected: dict[str, Any]) -> None:
    lines = DOCUMENTS["nt"].splitlines(keepends=True)
    for seed in range(5):
        random.Random(seed).shuffle(lines)
        assert _shown(knowledge_base.assess(_one("".join(lines), "nt"), on=ON)) == expected


def test_reading_a_case_with_blank_entries_again_gives_the_same_assessment(knowledge_base: KnowledgeBase) -> None:
    sites = ("Vertebral", "ProximalFemur", "Pelvic", "DistalRadius", "Ankle")
    text = _scored("-3.2") + "".join(f":anna osteo:hasFracture [ a osteo:{site}Fracture ] ." for site in sites)
    shown = {json.dumps(_shown(knowledge_base.assess(_one(text), on=ON))) for _ in range(10)}
    assert len(shown) == 1


# Patients


def test_several_patients_of_one_input_are_kept_apart(knowledge_base: KnowledgeBase) -> None:
    text = f"{TURTLE} :berta a osteo:Patient ; osteo:hasSex osteo:Male ."
    anna, berta = read_case(text, "ttl")
    assert (anna.patient, berta.patient) == ("urn:case:anna", "urn:case:berta")
    assert len(berta.triples) == 2
    assert knowledge_base.assess(berta, on=ON).disposition == "out-of-scope"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("ttl", f"{PREFIXES} [] a osteo:Patient . [] a osteo:Patient ."),
        ("jsonld", '[{"type": "Patient"}, {"@type": "https://w3id.org/osteo-kg/ns/Patient"}]'),
        ("json", '[{"sex": "female"}, {"patient": "", "sex": "female"}]'),
        ("jsonl", '{"sex": "female"}\n\n{"patient": null}\n'),
        ("csv", "sex\nfemale\nfemale\n"),
    ],
)
def test_a_patient_without_a_name_is_called_by_file_and_row(form: str, text: str) -> None:
    cases = read_case(text, form, name=f"ward 3.{form}")
    assert [case.patient for case in cases] == [f"ward 3.{form}#1", f"ward 3.{form}#2"]
    assert [case.iri for case in cases] == [f"urn:case:ward%203.{form}%23{row}" for row in (1, 2)]


@pytest.mark.parametrize(
    ("name", "iri"),
    [
        ("anna", "urn:case:anna"),
        ("ward 3/12", "urn:case:ward%203%2F12"),
        ("é%20", "urn:case:%C3%A9%2520"),
        ("<urn:x>", "urn:case:%3Curn%3Ax%3E"),
        ("urn:case:anna", "urn:case:anna"),
        ("https://example.org/anna", "https://example.org/anna"),
        ("a\0b\n", "urn:case:a%00b%0A"),
    ],
)
def test_a_local_id_is_echoed_and_percent_encoded_in_rdf(name: str, iri: str) -> None:
    case = _one(_record(patient=name), "json")
    assert (case.patient, case.iri) == (name, iri)
    assert {t.subject for t in case.triples} == {ox.NamedNode(iri)}


def test_a_repeated_id_is_two_cases() -> None:
    cases = read_case("patient,sex\nanna,female\nanna,male\n", "csv")
    assert [case.patient for case in cases] == ["anna", "anna"]
    assert cases[0].triples != cases[1].triples


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("ttl", ""),
        ("ttl", f"{PREFIXES} :anna osteo:hasSex osteo:Female ."),
        ("nt", ""),
        ("rdf", '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'),
        ("jsonld", "[]"),
        ("jsonld", '{"@id": "urn:a"}'),
        ("json", "[]"),
        ("jsonl", "\n\n"),
        ("csv", ""),
        pytest.param("csv", "patient,sex\n"),
    ],
)
def test_an_input_without_a_patient_is_refused(form: str, text: str) -> None:
    with pytest.raises(UnreadableCaseError):
        read_case(text, form)


# Values


@pytest.mark.parametrize(
    "literal",
    ["-2.70", "-2.7e0", "-27e-1", '"-2.7"^^xsd:float', '"-02.7"^^xsd:double', '"-2.7"^^xsd:decimal , -2.70 , -2.7e0'],
)
def test_t_scores_of_other_numeric_types_are_the_same_decimal(literal: str, knowledge_base: KnowledgeBase) -> None:
    same, plain = (knowledge_base.assess(_one(_scored(each)), on=ON) for each in (literal, "-2.7"))
    assert _shown(same) == _shown(plain)


@pytest.mark.parametrize("literal", ["-3", '"-3"^^xsd:int', '"-3"^^xsd:long', '"-3.000"^^xsd:decimal', "-3e0"])
def test_a_whole_t_score_is_a_decimal_too(literal: str, knowledge_base: KnowledgeBase) -> None:
    case = _one(_scored(literal) + " :anna osteo:isCompleteFor osteo:FractureHistory .")
    assert knowledge_base.assess(case, on=ON).disposition == "treat"


@pytest.mark.parametrize(
    "literal", ["62.0", "62e0", '"62"^^xsd:int', '"62"^^xsd:nonNegativeInteger', '"062"^^xsd:integer', "62, 62.0"]
)
def test_ages_of_other_numeric_types_are_the_same_integer(literal: str) -> None:
    assert _values(_one(_aged(literal)), "ageInYears") == {"62"}


@pytest.mark.parametrize("literal", ['"1"^^xsd:boolean', "true", "true , 1 ".replace(" 1 ", '"1"^^xsd:boolean')])
def test_one_is_true(literal: str) -> None:
    assert _values(_one(f"{WOMAN} :anna osteo:climactericDisorders {literal} ."), "climactericDisorders") == {"true"}


@pytest.mark.parametrize(
    "literal",
    [
        '"1968-03-02"^^xsd:date',
        '"1968-03-02Z"^^xsd:date',
        '"1968-03-02-05:00"^^xsd:date',
        '"1968-03-02T00:00:00"^^xsd:dateTime',
        '"1968-03-02T23:30:00-05:00"^^xsd:dateTime',
        '"1968-03-02T00:30:00.5+14:00"^^xsd:dateTime',
        '"1968-03-02T23:59:59Z"^^xsd:dateTime , "1968-03-02"^^xsd:date',
    ],
)
def test_a_day_is_the_date_as_written_whatever_the_time_zone(literal: str, knowledge_base: KnowledgeBase) -> None:
    case = _one(_born(literal))
    assert _values(case, "birthDate") == {"1968-03-02T00:00:00"}
    assert knowledge_base.validate(case, on=ON).conforms


def test_the_day_of_assessment_is_the_last_day_that_a_fact_may_have(knowledge_base: KnowledgeBase) -> None:
    late, later = (
        _one(_fractured(f'a osteo:VertebralFracture ; osteo:occurredOn "{day}"^^xsd:dateTime'))
        for day in ("2026-11-22T23:59:59.9-12:00", "2026-11-23T00:00:00+14:00")
    )
    assert _refused_paths(knowledge_base, late) == set()
    assert _refused_paths(knowledge_base, later) == {"occurredOn"}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        *((_scored(each), "tScore") for each in ('"-2.7"', '"-2.7"@en', '"-2,7"^^xsd:decimal', '"-2.7"^^<urn:kg>')),
        *((_scored(each), "tScore") for each in ('"NaN"^^xsd:double', '"-INF"^^xsd:double', "-10.01", "1e30")),
        *(
            (_scored(each), "tScore")
            for each in ("1e999999999", "-1e-999999999", '"\\u0000"^^xsd:decimal', "-2.7, -2.8")
        ),
        *((_scored(f'"{each}"^^xsd:decimal'), "tScore") for each in ("２", "−2.7", "-2_7", "-2.7 SD", "", "9" * 9999)),
        (_scored("-2." + "7" * 19), "tScore"),
        *((_aged(each), "ageInYears") for each in ("62.5", "-1", "121", "1e9", '"62"', '"x"^^xsd:integer', "61, 62")),
        pytest.param(_aged("1e30"), "ageInYears"),
        (_aged('"' + "9" * 9999 + '"^^xsd:integer'), "ageInYears"),
        *(
            (_born(f'"{each}"^^xsd:date'), "birthDate")
            for each in ("1968-02-30", "1968", "0000-01-01", "11968-03-02", "")
        ),
        *((_born(each), "birthDate") for each in ('"1968-03-02"', '"1968"^^xsd:gYear', '"2026-11-23"^^xsd:date')),
        *((_counted(each), "fracturedVertebraCount") for each in ("0", "-1", "1.5", '"2"', "1, 2")),
        (_counted('"' + "9" * 9999 + '"^^xsd:integer'), "fracturedVertebraCount"),
        pytest.param(_counted("1e30"), "fracturedVertebraCount"),
        *(pytest.param(_counted(f'"{each}"^^xsd:integer'), "fracturedVertebraCount") for each in ("²", "٣")),
        *(
            pytest.param(_born(f'"{each}"^^xsd:dateTime'), "birthDate")
            for each in ("1968-03-02 00:00:00", "19680302T000000", "1968-W10-6")
        ),
    ],
)
def test_a_value_that_is_ill_typed_or_out_of_range_is_refused(
    text: str, path: str, knowledge_base: KnowledgeBase
) -> None:
    case = _one(text)
    assert path in _refused_paths(knowledge_base, case)


@pytest.mark.parametrize(
    ("text", "property_", "value"),
    [
        (_xml(_typed("ageInYears", "integer", "\n  55\n")), "ageInYears", "55"),
        (
            _xml(
                "<osteo:hasBoneDensitometry><osteo:BoneDensitometry>"
                '<osteo:hasSite rdf:resource="https://w3id.org/osteo-kg/ns/TotalHip"/>'
                f"{_typed('tScore', 'decimal', ' -3.2 ')}"
                "</osteo:BoneDensitometry></osteo:hasBoneDensitometry>"
            ),
            "tScore",
            "-3.2",
        ),
    ],
)
def test_a_number_with_blanks_around_it_is_that_number_or_refused(
    text: str, property_: str, value: str, knowledge_base: KnowledgeBase
) -> None:
    """RDF/XML indented by a program has them."""
    case = _one(text, "rdf")
    assert _values(case, property_) == {value} or not knowledge_base.validate(case, on=ON).conforms


@pytest.mark.parametrize("zone", ["+99:99", "+14:01"])
def test_a_time_zone_that_does_not_exist_is_refused(zone: str, knowledge_base: KnowledgeBase) -> None:
    assert not knowledge_base.validate(_one(_born(f'"1968-03-02{zone}"^^xsd:date')), on=ON).conforms


# What a case may hold


def _found(statements: str) -> str:
    return WOMAN + statements


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
    assert path in _refused_paths(knowledge_base, _one(_found(statements)))


@pytest.mark.parametrize("form", ["ttl", "json"])
def test_a_term_of_ours_is_no_patient(form: str, knowledge_base: KnowledgeBase) -> None:
    term = "https://w3id.org/osteo-kg/ns/LumbarSpine"
    text = {"ttl": WOMAN.replace(":anna", f"<{term}>"), "json": _record(patient=term)}[form]
    assert not knowledge_base.validate(_one(text, form), on=ON).conforms


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
    assessment = knowledge_base.assess(_one(_found(statements)), on=ON)
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
    case = _one(_found(statements))
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
            _one(_scored("-1.5") + ":anna osteo:hasFracture [ a osteo:Fracture ] ."),
            _one(_scored("-1.5") + ":anna osteo:hasFracture [ a osteo:UnspecifiedSiteFracture ] ."),
            _one(_record(patient="urn:case:anna", t_score_total_hip=-1.5, fractures=[{"mechanism": None}]), "json"),
        )
    )
    assert _shown(bare) == _shown(named) == _shown(flat)
    assert bare.possible == ("specialist-opinion", "treat")


def test_a_fracture_class_beside_the_bare_one_names_the_site() -> None:
    case = _one(_fractured("a osteo:Fracture , osteo:AnkleFracture"))
    assert {value.rpartition("/")[2] for value in _values(case, "22-rdf-syntax-ns#type")} == {
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
    report = knowledge_base.validate(_one(_record(fractures=fractures), "json"), on=ON)
    found = [each.focus for each in report.violations if "not of a vertebra" in each.message.en]
    assert found == [f"anna, fractures[{place}]"]


def test_reading_a_refused_case_again_gives_the_same_report(knowledge_base: KnowledgeBase) -> None:
    text = _found(":anna osteo:hasLowEnergyFracture [ a osteo:VertebralFracture ] .")
    reports = {json.dumps(knowledge_base.validate(_one(text), on=ON).to_json()) for _ in range(5)}
    assert len(reports) == 1


# JSON


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ('{"patient": "anna", "sex": "female", "sex": "male"}', "sex", "twice"),
        ('{"patient": "anna", "sex": "female", "sex": "female"}', "sex", "twice"),
        ('{"patient": "anna", "fractures": [{"site": "hand", "site": "vertebra"}]}', "fractures", "twice"),
        (_record(tscore_total_hip=-2.5), "tscore_total_hip", "'t_score_total_hip'"),
        (_record(Sex="female"), "Sex", "'sex'"),
        (_record(age=62), "age", "age_years"),
        (_record(xyz=1), "xyz", "age_years, birth_date"),
        (_record(fractures=[{"site": "ankle", "dat": "2026-01-01"}]), "fractures", "'date'"),
        (_record(treatment_history=[{"drug": "denosumab", "dose": 1}]), "treatment_history", "drug"),
        (_record(fractures=["vertebrae"]), "fractures", "'vertebra'"),
        (_record(treatment_history=["alendronat"]), "treatment_history", "'alendronate'"),
        (_record(conditions=["glucocorticoids"]), "conditions", "glucocorticoid"),
        (_record(sex="Female"), "sex", "'female'"),
        (_record(t_score_total_hip="-2.5"), "t_score_total_hip", "number"),
        (_record(age_years="62"), "age_years", "62"),
        (_record(fractures=[{"site": "vertebra", "count": "2"}]), "fractures", "number"),
        ('{"patient": "anna", "t_score_total_hip": NaN}', "t_score_total_hip", "T-score"),
        ('{"patient": "anna", "age_years": -Infinity}', "age_years", "age"),
        ('{"patient": "anna", "t_score_total_hip": -1e999999999}', "t_score_total_hip", "T-score"),
        ('{"patient": "anna", "age_years": ' + "9" * 9999 + "}", "age_years", "age"),
        pytest.param('{"patient": "anna", "age_years": 1e30}', "age_years", "age"),
        (_record(climacteric_disorders="true"), "climacteric_disorders", "true"),
        (_record(climacteric_disorders=1), "climacteric_disorders", "true"),
        (_record(fractures="vertebra"), "fractures", "list"),
        (_record(fractures=[None]), "fractures", "object"),
        (_record(fractures={"site": "ankle"}), "fractures", "list"),
        (_record(treatment_history=[{"outcome": "failure"}]), "treatment_history", "drug"),
        (_record(patient=5), "patient", "text"),
        (_record(birth_date="02/03/1968"), "birth_date", "ISO"),
        (_record(densitometry_date="May"), "densitometry_date", "date"),
    ],
)
def test_a_record_that_is_wrong_is_refused_saying_what_to_do(
    text: str, path: str, said: str, knowledge_base: KnowledgeBase
) -> None:
    report = knowledge_base.validate(_one(text, "json"), on=ON)
    found = [finding for finding in report.violations if finding.path == path]
    assert [each for each in found if said in f"{each.message.en} {each.advice.en}"], report.violations


def test_null_is_unknown() -> None:
    missing = {key: None for key in RECORD if key not in ("patient", "sex", "menopausal_status")}
    entry = {"site": "ankle", "mechanism": None, "date": None, "count": None}
    assert _one(_record(**missing), "json") == _one(_record(), "json")
    assert _one(_record(fractures=[entry]), "json") == _one(_record(fractures=["ankle"]), "json")


def test_an_empty_list_says_that_there_is_none(knowledge_base: KnowledgeBase) -> None:
    none, unknown = (
        knowledge_base.assess(_one(_record(t_score_total_hip=-2.5, **each), "json"), on=ON)
        for each in (dict[str, Any](fractures=[]), {})
    )
    assert (none.disposition, unknown.disposition) == ("specialist-opinion", "undetermined")


def test_bare_keys_stand_for_entries() -> None:
    bare = _record(fractures=["vertebra"], treatment_history=["raloxifene"])
    full = _record(fractures=[{"site": "vertebra"}], treatment_history=[{"drug": "raloxifene"}])
    assert _one(bare, "json") == _one(full, "json")


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        ("json", "", "line 1"),
        ("json", '{"patient": "anna",}', "line 1"),
        ("json", "5", "object"),
    ],
)
def test_what_is_not_a_record_is_refused_saying_where(form: str, text: str, said: str) -> None:
    with pytest.raises(UnreadableCaseError, match=said):
        read_case(text, form)


# CSV


def _row(text: str, column: str = "fractures", **options: Any) -> Case:
    return _one(f"patient,{column}\r\nanna,{text}\r\n", "csv", **options)


@pytest.mark.parametrize(
    ("column", "cell", "value"),
    [
        ("fractures", "vertebra:low-energy:2026-02-01:x2;distal-radius", None),
        ("fractures", " vertebra:x2:2026-02-01:low-energy ; distal-radius ", None),
        ("fractures", '"vertebra:low-energy:2026-02-01:x2;distal-radius"', None),
        ("fractures", "none", []),
        ("treatment_history", "none", []),
        ("conditions", "none", []),
        ("conditions", "secondary-osteoporosis-cause", ["secondary-osteoporosis-cause"]),
        ("treatment_history", "alendronate:intolerance", [{"drug": "alendronate", "outcome": "intolerance"}]),
        ("fractures", "", "unknown"),
        ("fractures", '""', "unknown"),
        ("fractures", "  ", "unknown"),
        ("t_score_total_hip", "-2.50", -2.5),
        ("t_score_total_hip", "-2.5", -2.5),
        ("age_years", "62", 62),
        ("climacteric_disorders", "false", False),
    ],
)
def test_a_cell_says_what_a_value_of_json_says(
    column: str, cell: str, value: Any, knowledge_base: KnowledgeBase
) -> None:
    first = {"site": "vertebra", "mechanism": "low-energy", "date": "2026-02-01", "count": 2}
    said = [first, "distal-radius"] if value is None else value
    record = {"patient": "anna"} if said == "unknown" else {"patient": "anna", column: said}
    cell_says, json_says = (
        _shown(knowledge_base.assess(case, on=ON)) for case in (_row(cell, column), _one(json.dumps(record), "json"))
    )
    assert cell_says == json_says


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("fractures", "vertebra;"),
        ("fractures", "None"),
        ("fractures", "none;vertebra"),
        ("fractures", "vertebra:x0"),
        ("fractures", "vertebra:X2"),
        ("fractures", "vertebra:2026-02-30"),
        ("fractures", "elbow"),
        ("treatment_history", "alendronate:intolerance:failure"),
        ("t_score_total_hip", '"-2,5"'),
        ("t_score_total_hip", "−2.5"),
        ("t_score_total_hip", "-2.5 SD"),
        ("age_years", "62y"),
        ("climacteric_disorders", "TRUE"),
        ("climacteric_disorders", "1"),
        ("sex", "F"),
        *(
            pytest.param("fractures", cell)
            for cell in (
                "vertebra:low-energy:high-energy",
                "vertebra:x2:x3",
                "vertebra:2026-02-01:2025-02-01",
            )
        ),
    ],
)
def test_a_cell_that_is_wrong_is_refused_under_its_column(
    column: str, cell: str, knowledge_base: KnowledgeBase
) -> None:
    assert column in _refused_paths(knowledge_base, _row(cell, column))


def test_quoted_cells_hold_commas_quotes_and_line_ends() -> None:
    [case] = read_case('patient,sex\r\n"a,""b""\r\nc",female\r\n', "csv")
    assert case.patient == 'a,"b"\r\nc'


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_end_of_line_will_do(ending: str) -> None:
    cases = read_case(ending.join(("patient,sex", "anna,female", "", "berta,male", "")), "csv")
    assert [case.patient for case in cases] == ["anna", "berta"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("patient,sexe\nanna,female\n", "'sexe'.*'sex'.*--ignore-columns"),
        ("patient;sex\nanna;female\n", "patient;sex"),
        ("patient,sex,sex\nanna,female,female\n", "'sex' twice"),
        ('patient,sex\n"anna,female\n', "CSV"),
        ("patient,sex\n" + "a" * 200_000 + ",female\n", "CSV"),
    ],
)
def test_a_table_that_is_wrong_is_refused_saying_where(text: str, said: str) -> None:
    with pytest.raises(UnreadableCaseError, match=said):
        read_case(text, "csv")


def test_unknown_columns_are_passed_over_by_name_or_all() -> None:
    text = "patient,ward,sex,bed\nanna,3,female,12\n"
    plain = _one("patient,sex\nanna,female\n", "csv")
    assert _one(text, "csv", ignore_columns=["ward", "bed"]) == plain
    assert _one(text, "csv", ignore_columns=["all"]) == plain
    with pytest.raises(UnreadableCaseError, match="'bed'"):
        read_case(text, "csv", ignore_columns=["ward"])


def test_a_known_column_named_to_be_passed_over_is_passed_over() -> None:
    assert _values(_row("female", "sex", ignore_columns=["sex"]), "hasSex") == set()


# JSON-LD


FOREIGN: dict[str, Callable[[str], Any]] = {
    "remote": lambda url: {"@context": url},
    "a local file": lambda url: {"@context": "file:///etc/hostname"},
    "a relative file": lambda url: {"@context": "context.jsonld"},
    "nested": lambda url: {"hasFracture": {"@context": url, "@type": "VertebralFracture"}},
    "deeply nested": lambda url: {"hasFracture": [{"@type": "VertebralFracture", "urn:x": [[{"@context": url}]]}]},
    "in a list": lambda url: {"@context": [CONTEXT, url]},
    "an object": lambda url: {"@context": {"@vocab": "urn:x"}},
    "an import": lambda url: {"@context": {"@import": url}},
    "empty": lambda url: {"@context": {}},
    "null": lambda url: {"@context": None},
    "in a value": lambda url: {"birthDate": {"@value": "1968-03-02", "@context": url}},
    "beside a number": lambda url: {"ageInYears": {"@value": 62, "@context": url}},
    "in a JSON literal": lambda url: {"urn:x": {"@type": "@json", "@value": {"@context": url}}},
}


@pytest.mark.parametrize("where", FOREIGN)
def test_a_foreign_context_is_refused_and_nothing_is_opened(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*args: object, **options: object) -> None:
        raise AssertionError(f"opened {args}")

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        document = _linked(**FOREIGN[where](f"http://127.0.0.1:{server.getsockname()[1]}/context.jsonld"))
        for owner, name in (("socket.socket", "connect"), ("builtins", "open"), ("io", "open"), ("os", "open")):
            monkeypatch.setattr(f"{owner}.{name}", opened)
        with pytest.raises(UnreadableCaseError, match="context"):
            read_case(document, "jsonld")
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("context", [{}, {"@context": CONTEXT}, {"@context": [CONTEXT]}])
@pytest.mark.parametrize("shape", ["object", "array", "graph"])
def test_our_context_may_be_named_or_left_out(context: dict[str, Any], shape: str) -> None:
    body = json.loads(_linked(birthDate="1968-03-02", **(context if shape != "graph" else {})))
    document = {"object": body, "array": [body], "graph": {**context, "@graph": [body]}}[shape]
    case = _one(json.dumps(document), "jsonld")
    assert _values(case, "birthDate") == {"1968-03-02T00:00:00"}
    assert _values(case, "hasSex") == {"https://w3id.org/osteo-kg/ns/Female"}


@pytest.mark.parametrize(
    ("form", "text", "said"),
    [
        ("json", '[{"patient": "anna"}, 5]', "not a JSON object"),
        ("jsonl", '{"patient": "anna"}\n{"patient": \n', "line 2"),
        ("jsonl", '{"patient": "anna"}\n[]', "not a JSON object"),
        ("csv", "patient,sex\nanna,female\nberta,female,x\n", "row 2 has 3 cells"),
        ("csv", "patient,sex\nanna,female\nberta\n", "row 2 has 1 cells"),
    ],
)
def test_one_record_that_cannot_be_read_is_refused_and_the_others_are_answered(
    knowledge_base: KnowledgeBase, form: str, text: str, said: str
) -> None:
    first, second = knowledge_base.assess_all(knowledge_base.read(text, form), on=ON)
    assert isinstance(first, Assessment)
    assert isinstance(second, ValidationReport)
    assert said in second.violations[0].message.en


def test_a_fracture_of_no_class_is_one_of_unspecified_site(knowledge_base: KnowledgeBase) -> None:
    case = _one(_found(":anna osteo:hasFracture [ osteo:hasMechanism osteo:LowEnergyTrauma ] ."))
    assert "fractures=unspecified;" in knowledge_base.assess(case, on=ON).situation


@pytest.mark.parametrize("node", [":anna a osteo:Fracture", ":anna osteo:hasBoneDensitometry [ a osteo:Fracture ]"])
def test_the_class_of_fractures_on_anything_else_is_refused(knowledge_base: KnowledgeBase, node: str) -> None:
    assert not knowledge_base.validate(_one(_found(f"{node} .")), on=ON).conforms


def test_a_side_of_the_spine_is_refused(knowledge_base: KnowledgeBase) -> None:
    spine = "[ osteo:hasSite osteo:LumbarSpine ; osteo:tScore -2.5 ; osteo:hasSide osteo:LeftSide ]"
    assert "hasSite" in _refused_paths(knowledge_base, _one(_found(f":anna osteo:hasBoneDensitometry {spine} .")))


def test_what_stands_beside_a_graph_is_read_too() -> None:
    document = _linked(**{"@graph": [{"@id": "urn:b", "@type": "Patient"}]})
    assert {case.iri for case in read_case(document, "jsonld")} == {"urn:case:anna", "urn:b"}


def test_the_date_of_no_densitometry_is_said_to_be_ignored(knowledge_base: KnowledgeBase) -> None:
    [case] = read_case('{"patient": "anna", "densitometry_date": "2026-05-01"}', "json")
    assert [each.code for each in knowledge_base.assess(case, on=ON).warnings] == ["property-ignored"]


@pytest.mark.parametrize("number", ["-2.10", "-2.1", "-21e-1"])
def test_a_json_ld_number_is_the_decimal_written(number: str, knowledge_base: KnowledgeBase) -> None:
    """As a double, -2.1 would not be equal to the decimal."""
    document = _linked(hasBoneDensitometry={"@type": "BoneDensitometry", "hasSite": "TotalHip", "tScore": 0.125})
    linked, plain = (_one(document.replace("0.125", number), "jsonld"), _one(_scored("-2.1")))
    assert _shown(knowledge_base.assess(linked, on=ON)) == _shown(knowledge_base.assess(plain, on=ON))


@pytest.mark.parametrize(
    "document",
    [
        '{"@id": "urn:a", "@type": "Patient", "hasSex": "Female", "hasSex": "Male"}',
        '{"@id": 5, "@type": "Patient"}',
        '"Patient"',
        "null",
        '{"@graph": null}',
    ],
)
def test_a_json_ld_document_that_is_wrong_is_refused(document: str) -> None:
    with pytest.raises(UnreadableCaseError):
        read_case(document, "jsonld")


# RDF/XML


@pytest.mark.parametrize(
    "declarations",
    [
        '<!ENTITY e SYSTEM "file://{file}">',
        '<!ENTITY e PUBLIC "p" "file://{file}">',
        '<!ENTITY % p SYSTEM "file://{file}"> %p; <!ENTITY e "x">',
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY e "&a;&a;&a;&a;">',
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY e "&#38;a;&#38;a;">',
        "<!ENTITY a 'aaaaaaaaaa'>\n<!ENTITY\te\n'&a;'>",
    ],
)
def test_an_external_or_nested_entity_is_refused(declarations: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    text = _xml('<x:note xmlns:x="urn:x:">&e;</x:note>', declarations.replace("{file}", str(secret)))
    with pytest.raises(UnreadableCaseError, match="entity"):
        read_case(text, "rdf")


def test_a_plain_entity_is_replaced() -> None:
    sex = '<osteo:hasSex rdf:resource="&osteo;Female"/>'
    case = _one(_xml(sex, '<!ENTITY osteo "https://w3id.org/osteo-kg/ns/">'), "rdf")
    assert _values(case, "hasSex") == {"https://w3id.org/osteo-kg/ns/Female"}


def test_an_external_document_type_is_not_opened() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        doctype = f'<!DOCTYPE rdf:RDF SYSTEM "http://127.0.0.1:{server.getsockname()[1]}/x.dtd">'
        assert _one(_xml("").replace("?>", f"?>{doctype}", 1), "rdf").patient == "urn:case:anna"
        with pytest.raises(BlockingIOError):
            server.accept()


# What nobody should send


def _outcome(knowledge_base: KnowledgeBase, data: bytes | str, form: str) -> str:
    """Read, validate and assess as far as it goes. Anything but an `OsteoError` goes through to the test."""
    try:
        cases = read_case(data, form)
    except OsteoError as error:
        return "unreadable" if error.message and error.advice else "unexplained"
    for case in cases[:3]:
        prepared = knowledge_base.prepare(case, on=ON)
        report = prepared.report
        json.dumps(report.to_json("fr")).encode()
        if report.conforms:
            json.dumps(_shown(knowledge_base.assess(prepared))).encode()
    return "read"


NESTED: list[tuple[str, Callable[[int], str]]] = [
    ("json", lambda n: '{"fractures": ' + "[" * n + "]" * n + "}"),
    ("json", lambda n: '{"sex": ' + '{"sex":' * n + "1" + "}" * n + "}"),
    ("jsonl", lambda n: '{"patient": ' + "[" * n + "]" * n + "}"),
    ("jsonld", lambda n: '{"@type": "Patient", "urn:x": ' + "[" * n + "]" * n + "}"),
    ("jsonld", lambda n: '{"@type": "Patient", "hasFracture": ' + '{"hasFracture":' * n + "{}" + "}" * n + "}"),
    ("ttl", lambda n: f"{PREFIXES}{WOMAN} :anna <urn:x> " + "(" * n + ")" * n + " ."),
    (
        "ttl",
        lambda n: f"{PREFIXES}{WOMAN} :anna osteo:hasFracture " + "[ osteo:hasFracture " * n + "1" + "]" * n + " .",
    ),
    ("rdf", lambda n: _xml("<osteo:hasFracture><osteo:Fracture>" * n + "</osteo:Fracture></osteo:hasFracture>" * n)),
]


@pytest.mark.parametrize("depth", [90, 900])
@pytest.mark.parametrize("place", range(len(NESTED)))
def test_deep_nesting_is_read_or_refused(place: int, depth: int, knowledge_base: KnowledgeBase) -> None:
    form, nested = NESTED[place]
    assert _outcome(knowledge_base, nested(depth), form) in ("read", "unreadable")


@pytest.mark.parametrize("place", [place for place, (form, _) in enumerate(NESTED) if form != "rdf"])
def test_very_deep_nesting_is_read_or_refused(place: int) -> None:
    """As deep as this, what is read is not a case that anybody validates."""
    form, nested = NESTED[place]
    with contextlib.suppress(OsteoError):
        assert len(read_case(nested(50_000), form)) == 1


TRIPLE_IN_TRIPLE: dict[str, Callable[[int], str]] = {
    "ttl": lambda n: f"{PREFIXES}{WOMAN} :anna <urn:x> " + "<<( :a :b " * n + ":c" + ")>>" * n + " .",
    "nt": lambda n: "<urn:a> <urn:b> " + "<<( <urn:a> <urn:b> " * n + "<urn:c>" + " )>>" * n + " .",
}


@pytest.mark.parametrize("form", TRIPLE_IN_TRIPLE)
@pytest.mark.parametrize("depth", [900, pytest.param(50_000)])
def test_triples_in_triples_do_not_end_the_process(form: str, depth: int) -> None:
    """In a process of its own, since no exception is raised where the stack overflows."""
    script = (
        "import sys; from osteo_kg import OsteoError, read_case\n"
        f"try: read_case(sys.stdin.buffer.read(), {form!r})\n"
        "except OsteoError: pass"
    )
    document = TRIPLE_IN_TRIPLE[form](depth).encode()
    done = subprocess.run([sys.executable, "-c", script], input=document, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        pytest.param("json", _record(patient="\ud800")),
        pytest.param("json", _record(birth_date="\ud800")),
        pytest.param("json", _record(t_score_total_hip="\ud800")),
        pytest.param("json", _record(fractures=[{"site": "ankle", "date": "\udfff"}])),
        ("json", _record(**{"sex": "\ud800", "\ud800": 1, "fractures": ["\ud800"]})),
        ("jsonld", _linked(birthDate="\ud800", **{"\ud800": "\ud800"})),
        ("json", "\ud800"),
        ("ttl", f"{WOMAN} :anna osteo:birthDate '\\uD800' ."),
        ("csv", "patient,sex\n\ud800,female\n"),
        ("json", _record(patient="\0", birth_date="\0", t_score_total_hip="\0", fractures=["\0"])),
        ("json", "\0"),
        ("csv", "patient,sex\na\0,fe\0male\n"),
        ("ttl", f"{PREFIXES}{WOMAN} :anna osteo:birthDate '\\u0000'^^xsd:date ; <urn:x> '\0' ."),
        ("nt", "\0"),
        ("rdf", _xml("<osteo:x>&#0;</osteo:x>")),
        ("jsonld", _linked(birthDate="\0")),
        ("ttl", f"{PREFIXES}{WOMAN} :anna osteo:birthDate '{'9' * 1_000_000}'^^xsd:date ."),
        ("json", _record(patient="x" * 1_000_000, sex="y" * 1_000_000)),
        ("json", json.dumps({"k" * 100_000: 1})),
    ],
)
def test_surrogates_nulls_and_very_long_values_are_read_or_refused(
    form: str, text: str, knowledge_base: KnowledgeBase
) -> None:
    assert _outcome(knowledge_base, text, form) in ("read", "unreadable")


def test_a_lone_surrogate_in_a_name_of_a_file_can_be_echoed() -> None:
    """An operating system gives names that are not UTF-8 in this way."""
    with pytest.raises(UnreadableCaseError):
        read_case("x", "ttl", name="\udcff.ttl")


EXAMPLES = settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)
NUMBERS = (
    "1e999999999", "-1e-999999999", "1e30", "1e400", "0e500", "9" * 40, "-2.123456789012345678901", "-0", "-0.0", "+5",
    "007", "0x1f", "1_0", "5 ", "٣", "²", "\u2212", "∞", "NaN", "null", "true", "62.0", "1968-02-30", "12026-01-01",
)  # fmt: skip
HOSTILE = (
    *NUMBERS,
    "\\ud800", "\0", "\u202e", "\u00a0", '"', "'", "<", ">", "[", "]", "{", "}", "(", ")", ";", ":", ",", "\r", "\n",
    "", "&e;", "<!ENTITY e 'x'>", "@context", "@graph", "@value", "@list", "@reverse", "@id", "_:b", "none",
    "owl:sameAs", "rdfs:subClassOf", "osteo:Fracture", "https://w3id.org/osteo-kg/ns/SevereFracture",
    "2026-02-30", "2026-11-23",
)  # fmt: skip
TOKEN = re.compile(r"[\w.:+-]+|\W")


@st.composite
def _mutated(draw: st.DrawFn, form: str) -> str:
    """Change a few words of a valid document: gone, doubled, swapped, or replaced by what nobody should send."""
    tokens = TOKEN.findall(DOCUMENTS[form])
    for _ in range(draw(st.integers(1, 4))):
        place, other = (draw(st.integers(0, len(tokens) - 1)) for _ in range(2))
        length = draw(st.sampled_from((1, 1, 1, 5, 40)))
        change = draw(st.sampled_from(("drop", "double", "swap", "replace", "replace", "replace")))
        if change == "drop":
            del tokens[place : place + length]
        elif change == "double":
            tokens[place:place] = tokens[place : place + length]
        elif change == "swap":
            tokens[place], tokens[other] = tokens[other], tokens[place]
        else:
            tokens[place] = draw(st.sampled_from(HOSTILE) | st.sampled_from(tokens))
        if not tokens:
            return ""
    return "".join(tokens)


@pytest.mark.parametrize("form", FORMATS)
def test_random_bytes_are_read_or_refused(form: str, knowledge_base: KnowledgeBase) -> None:
    @EXAMPLES
    @given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
    def check(data: bytes) -> None:
        assert _outcome(knowledge_base, data, form) in ("read", "unreadable")

    check()


@pytest.mark.parametrize("form", FORMATS)
def test_a_valid_document_that_was_damaged_is_read_or_refused(form: str, knowledge_base: KnowledgeBase) -> None:
    """What is read can be validated and, where it conforms, assessed."""
    seen: set[str] = set()

    @EXAMPLES
    @given(_mutated(form))
    def check(text: str) -> None:
        seen.add(_outcome(knowledge_base, text, form))

    check()
    assert "read" in seen
    assert seen <= {"read", "unreadable"}


@pytest.mark.parametrize("form", ["json", "csv", "ttl"])
def test_any_number_in_the_place_of_any_other_is_read_or_refused(form: str, knowledge_base: KnowledgeBase) -> None:
    tokens = TOKEN.findall(DOCUMENTS[form])
    places = [place for place, token in enumerate(tokens) if re.match(r"-?\d|true$|false$", token)]
    for place, number in itertools.product(places, NUMBERS):
        text = "".join([*tokens[:place], number, *tokens[place + 1 :]])
        assert _outcome(knowledge_base, text, form) in ("read", "unreadable")
