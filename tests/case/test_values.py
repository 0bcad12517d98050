"""Values are read as written, or refused."""

from __future__ import annotations

import pytest

from osteo_kg import KnowledgeBase
from tests.support.documents_of_cases import (
    WOMAN,
    aged,
    born,
    counted,
    fractured,
    one_case,
    rdf_xml,
    refused_paths,
    scored,
    shown,
    typed,
    values,
)
from tests.support.worked import ON

# Values


@pytest.mark.parametrize(
    "literal",
    ["-2.70", "-2.7e0", "-27e-1", '"-2.7"^^xsd:float', '"-02.7"^^xsd:double', '"-2.7"^^xsd:decimal , -2.70 , -2.7e0'],
)
def test_t_scores_of_other_numeric_types_are_the_same_decimal(literal: str, knowledge_base: KnowledgeBase) -> None:
    same, plain = (knowledge_base.assess(one_case(scored(each)), on=ON) for each in (literal, "-2.7"))
    assert shown(same) == shown(plain)


@pytest.mark.parametrize("literal", ["-3", '"-3"^^xsd:int', '"-3"^^xsd:long', '"-3.000"^^xsd:decimal', "-3e0"])
def test_a_whole_t_score_is_a_decimal_too(literal: str, knowledge_base: KnowledgeBase) -> None:
    case = one_case(scored(literal) + " :anna osteo:isCompleteFor osteo:FractureHistory .")
    assert knowledge_base.assess(case, on=ON).disposition == "treat"


@pytest.mark.parametrize(
    "literal", ["62.0", "62e0", '"62"^^xsd:int', '"62"^^xsd:nonNegativeInteger', '"062"^^xsd:integer', "62, 62.0"]
)
def test_ages_of_other_numeric_types_are_the_same_integer(literal: str) -> None:
    assert values(one_case(aged(literal)), "ageInYears") == {"62"}


@pytest.mark.parametrize("literal", ['"1"^^xsd:boolean', "true", "true , 1 ".replace(" 1 ", '"1"^^xsd:boolean')])
def test_one_is_true(literal: str) -> None:
    assert values(one_case(f"{WOMAN} :anna osteo:climactericDisorders {literal} ."), "climactericDisorders") == {"true"}


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
    case = one_case(born(literal))
    assert values(case, "birthDate") == {"1968-03-02T00:00:00"}
    assert knowledge_base.validate(case, on=ON).conforms


def test_the_day_of_assessment_is_the_last_day_that_a_fact_may_have(knowledge_base: KnowledgeBase) -> None:
    late, later = (
        one_case(fractured(f'a osteo:VertebralFracture ; osteo:occurredOn "{day}"^^xsd:dateTime'))
        for day in ("2026-11-22T23:59:59.9-12:00", "2026-11-23T00:00:00+14:00")
    )
    assert refused_paths(knowledge_base, late) == set()
    assert refused_paths(knowledge_base, later) == {"occurredOn"}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        *((scored(each), "tScore") for each in ('"-2.7"', '"-2.7"@en', '"-2,7"^^xsd:decimal', '"-2.7"^^<urn:kg>')),
        *((scored(each), "tScore") for each in ('"NaN"^^xsd:double', '"-INF"^^xsd:double', "-10.01", "1e30")),
        *(
            (scored(each), "tScore")
            for each in ("1e999999999", "-1e-999999999", '"\\u0000"^^xsd:decimal', "-2.7, -2.8")
        ),
        *((scored(f'"{each}"^^xsd:decimal'), "tScore") for each in ("２", "−2.7", "-2_7", "-2.7 SD", "", "9" * 9999)),
        (scored("-2." + "7" * 19), "tScore"),
        *((aged(each), "ageInYears") for each in ("62.5", "-1", "121", "1e9", '"62"', '"x"^^xsd:integer', "61, 62")),
        pytest.param(aged("1e30"), "ageInYears"),
        (aged('"' + "9" * 9999 + '"^^xsd:integer'), "ageInYears"),
        *(
            (born(f'"{each}"^^xsd:date'), "birthDate")
            for each in ("1968-02-30", "1968", "0000-01-01", "11968-03-02", "")
        ),
        *((born(each), "birthDate") for each in ('"1968-03-02"', '"1968"^^xsd:gYear', '"2026-11-23"^^xsd:date')),
        *((counted(each), "fracturedVertebraCount") for each in ("0", "-1", "1.5", '"2"', "1, 2")),
        (counted('"' + "9" * 9999 + '"^^xsd:integer'), "fracturedVertebraCount"),
        pytest.param(counted("1e30"), "fracturedVertebraCount"),
        *(pytest.param(counted(f'"{each}"^^xsd:integer'), "fracturedVertebraCount") for each in ("²", "٣")),
        *(
            pytest.param(born(f'"{each}"^^xsd:dateTime'), "birthDate")
            for each in ("1968-03-02 00:00:00", "19680302T000000", "1968-W10-6")
        ),
    ],
)
def test_a_value_that_is_ill_typed_or_out_of_range_is_refused(
    text: str, path: str, knowledge_base: KnowledgeBase
) -> None:
    case = one_case(text)
    assert path in refused_paths(knowledge_base, case)


@pytest.mark.parametrize(
    ("text", "property_", "value"),
    [
        (rdf_xml(typed("ageInYears", "integer", "\n  55\n")), "ageInYears", "55"),
        (
            rdf_xml(
                "<osteo:hasBoneDensitometry><osteo:BoneDensitometry>"
                '<osteo:hasSite rdf:resource="https://w3id.org/osteo-kg/ns/TotalHip"/>'
                f"{typed('tScore', 'decimal', ' -3.2 ')}"
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
    case = one_case(text, "rdf")
    assert values(case, property_) == {value} or not knowledge_base.validate(case, on=ON).conforms


@pytest.mark.parametrize("zone", ["+99:99", "+14:01"])
def test_a_time_zone_that_does_not_exist_is_refused(zone: str, knowledge_base: KnowledgeBase) -> None:
    assert not knowledge_base.validate(one_case(born(f'"1968-03-02{zone}"^^xsd:date')), on=ON).conforms
