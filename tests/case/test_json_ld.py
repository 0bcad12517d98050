"""JSON-LD in its many shapes; nothing outside is opened."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from osteo_kg import Assessment, KnowledgeBase, UnreadableCaseError, ValidationReport, read_case
from osteo_kg.package_data import json_ld_context_document
from osteo_kg.rdf.terms import CONTEXT
from tests.support.documents_of_cases import (
    WOMAN,
    linked,
    one_case,
    refused_paths,
    scored,
    shown,
    values,
)
from tests.support.worked import ON

# JSON-LD


FOREIGN: dict[str, Callable[[str], Any]] = {
    "remote": lambda url: {"@context": url},
    "a local file": lambda url: {"@context": "file:///etc/hostname"},
    "a relative file": lambda url: {"@context": "context.jsonld"},
    "nested": lambda url: {"hasFracture": {"@context": url, "@type": "VertebralFracture"}},
    "deeply nested": lambda url: {"hasFracture": [{"@type": "VertebralFracture", "urn:x": [[{"@context": url}]]}]},
    "in a list": lambda url: {"@context": [CONTEXT, url]},
    "an import": lambda url: {"@context": {"@import": url}},
    "beside an object": lambda url: {"@context": [{"@vocab": "https://w3id.org/osteo-kg/ns/"}, url]},
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
        document = linked(**FOREIGN[where](f"http://127.0.0.1:{server.getsockname()[1]}/context.jsonld"))
        for owner, name in (("socket.socket", "connect"), ("builtins", "open"), ("io", "open"), ("os", "open")):
            monkeypatch.setattr(f"{owner}.{name}", opened)
        with pytest.raises(UnreadableCaseError, match="context"):
            read_case(document, "jsonld")
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("context", [{}, {"@context": CONTEXT}, {"@context": [CONTEXT]}])
@pytest.mark.parametrize("shape", ["object", "array", "graph"])
def test_our_context_may_be_named_or_left_out(context: dict[str, Any], shape: str) -> None:
    body = json.loads(linked(birthDate="1968-03-02", **(context if shape != "graph" else {})))
    document = {"object": body, "array": [body], "graph": {**context, "@graph": [body]}}[shape]
    case = one_case(json.dumps(document), "jsonld")
    assert values(case, "birthDate") == {"1968-03-02T00:00:00"}
    assert values(case, "hasSex") == {"https://w3id.org/osteo-kg/ns/Female"}


_VOCABULARY = "https://w3id.org/osteo-kg/ns/"
_TYPED = {"hasSex": {"@type": "@vocab"}, "hasMenopausalStatus": {"@type": "@vocab"}, "hasSite": {"@type": "@vocab"}}


@pytest.mark.parametrize(
    ("context", "written"),
    [
        ({}, str),
        ({"@version": 1.1, "@vocab": _VOCABULARY, **_TYPED}, str),
        (json.loads(json_ld_context_document())["@context"], str),
        ([CONTEXT, {"xs": "http://www.w3.org/2001/XMLSchema#"}], str),
        ({"o": _VOCABULARY}, lambda text: text.replace('"hasFracture"', '"o:hasFracture"').replace('"Ver', '"o:Ver')),
        ({"bruch": {"@id": _VOCABULARY + "hasFracture"}}, lambda text: text.replace("hasFracture", "bruch")),
    ],
)
def test_a_context_that_stands_in_the_document_is_read(
    knowledge_base: KnowledgeBase, context: Any, written: Callable[[str], str]
) -> None:
    body = written(linked(hasFracture={"@type": "VertebralFracture"}))
    case = one_case(json.dumps({"@context": context, **json.loads(body)}), "jsonld")
    assert values(case, "hasSex") == {_VOCABULARY + "Female"}
    assert "vertebra" in knowledge_base.assess(case, on=ON).situation


@pytest.mark.parametrize(
    "context",
    [None, {"hasFracture": None}, {"@vocab": None}, {"hasFracture": "@index"}, {"hasFracture": {"@id": "@nest"}}],
)
def test_a_context_by_which_a_statement_would_be_lost_is_refused(context: Any) -> None:
    document = linked(hasFracture={"@type": "VertebralFracture"}, **{"@context": context})
    with pytest.raises(UnreadableCaseError, match="would be lost"):
        read_case(document, "jsonld")


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
    case = one_case(WOMAN + (":anna osteo:hasFracture [ osteo:hasMechanism osteo:LowEnergyTrauma ] ."))
    assert "fractures=unspecified;" in knowledge_base.assess(case, on=ON).situation


@pytest.mark.parametrize("node", [":anna a osteo:Fracture", ":anna osteo:hasBoneDensitometry [ a osteo:Fracture ]"])
def test_the_class_of_fractures_on_anything_else_is_refused(knowledge_base: KnowledgeBase, node: str) -> None:
    assert not knowledge_base.validate(one_case(WOMAN + (f"{node} .")), on=ON).conforms


def test_a_side_of_the_spine_is_refused(knowledge_base: KnowledgeBase) -> None:
    spine = "[ osteo:hasSite osteo:LumbarSpine ; osteo:tScore -2.5 ; osteo:hasSide osteo:LeftSide ]"
    assert "hasSite" in refused_paths(knowledge_base, one_case(WOMAN + (f":anna osteo:hasBoneDensitometry {spine} .")))


def test_what_stands_beside_a_graph_is_read_too() -> None:
    document = linked(**{"@graph": [{"@id": "urn:b", "@type": "Patient"}]})
    assert {case.iri for case in read_case(document, "jsonld")} == {"urn:case:anna", "urn:b"}


def test_the_date_of_no_densitometry_is_said_to_be_ignored(knowledge_base: KnowledgeBase) -> None:
    [case] = read_case('{"patient": "anna", "densitometry_date": "2026-05-01"}', "json")
    assert [each.code for each in knowledge_base.assess(case, on=ON).warnings] == ["property-ignored"]


@pytest.mark.parametrize("number", ["-2.10", "-2.1", "-21e-1"])
def test_a_json_ld_number_is_the_decimal_written(number: str, knowledge_base: KnowledgeBase) -> None:
    """As a double, -2.1 would not be equal to the decimal."""
    document = linked(hasBoneDensitometry={"@type": "BoneDensitometry", "hasSite": "TotalHip", "tScore": 0.125})
    from_json_ld, plain = (one_case(document.replace("0.125", number), "jsonld"), one_case(scored("-2.1")))
    assert shown(knowledge_base.assess(from_json_ld, on=ON)) == shown(knowledge_base.assess(plain, on=ON))


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
