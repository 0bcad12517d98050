"""Every format says the same, and every patient of an input is kept apart."""

from __future__ import annotations

import json
import random
from typing import Any

import pyoxigraph as ox
import pytest

from osteo_kg import KnowledgeBase, UnreadableCaseError, read_case
from tests.support.documents_of_cases import (
    DOCUMENTS,
    FORMATS,
    PREFIXES,
    TURTLE,
    one_case,
    record,
    scored,
    shown,
)
from tests.support.worked import ON

# Every format says the same


@pytest.fixture(scope="module")
def expected(knowledge_base: KnowledgeBase) -> dict[str, Any]:
    assessment = knowledge_base.assess(one_case(TURTLE.encode()), on=ON)
    assert assessment.disposition == "treat"
    assert {each.code for each in assessment.warnings} >= {"high-energy-not-counted", "secondary-cause"}
    return shown(assessment)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_gives_the_same_assessment(
    form: str, knowledge_base: KnowledgeBase, expected: dict[str, Any]
) -> None:
    case = one_case(DOCUMENTS[form].encode(), form)
    assert shown(knowledge_base.assess(case, on=ON)) == expected


@pytest.mark.parametrize("form", FORMATS)
def test_a_byte_order_mark_changes_nothing(form: str) -> None:
    marked, plain = (one_case(mark + DOCUMENTS[form].encode(), form) for mark in (b"\xef\xbb\xbf", b""))
    assert set(marked.triples) == set(plain.triples)
    assert marked.findings == plain.findings == ()


@pytest.mark.parametrize("form", FORMATS)
def test_text_that_is_not_utf_8_is_said_to_be_so(form: str) -> None:
    with pytest.raises(UnreadableCaseError, match="UTF-8"):
        read_case(DOCUMENTS[form].encode("utf-16"), form)


@pytest.mark.parametrize("form", FORMATS)
def test_the_extension_of_a_name_gives_the_format(form: str) -> None:
    assert one_case(DOCUMENTS[form].encode(), None, name=f"ward.{form.upper()}").patient == "urn:case:anna"


@pytest.mark.parametrize(("form", "name"), [("docx", "x.ttl"), (None, "cases"), (None, "-")])
def test_a_format_that_is_not_known_is_refused_naming_those_that_are(form: str | None, name: str) -> None:
    with pytest.raises(UnreadableCaseError, match="jsonl"):
        read_case("", form, name=name)


def test_triples_may_stand_in_any_order(knowledge_base: KnowledgeBase, expected: dict[str, Any]) -> None:
    lines = DOCUMENTS["nt"].splitlines(keepends=True)
    for seed in range(5):
        random.Random(seed).shuffle(lines)
        assert shown(knowledge_base.assess(one_case("".join(lines), "nt"), on=ON)) == expected


def test_reading_a_case_with_blank_entries_again_gives_the_same_assessment(knowledge_base: KnowledgeBase) -> None:
    sites = ("Vertebral", "ProximalFemur", "Pelvic", "DistalRadius", "Ankle")
    text = scored("-3.2") + "".join(f":anna osteo:hasFracture [ a osteo:{site}Fracture ] ." for site in sites)
    answers = {json.dumps(shown(knowledge_base.assess(one_case(text), on=ON))) for _ in range(10)}
    assert len(answers) == 1


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
    case = one_case(record(patient=name), "json")
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
