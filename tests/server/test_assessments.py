"""Cases over HTTP: answers, reports and problems."""

from __future__ import annotations

import gzip
import json

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg_server.views.assessments import MOST_BYTES
from tests.support.service import (
    BASE,
    DAY,
    EXAMPLE,
    OIC,
    PATIENT,
    RECORD,
    REFUSED,
    is_problem,
    post,
    triples,
)
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.server


# Assessments and validations


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", json.dumps(RECORD)),
        ("text/csv; charset=utf-8", f"patient,sex,menopausal_status\n{PATIENT},female,postmenopausal\n"),
        ("text/turtle", f"<{PATIENT}> a <{BASE}ns/Patient> ; <{BASE}ns/hasSex> <{BASE}ns/Female> ."),
        (
            "application/n-triples",
            f"<{PATIENT}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <{BASE}ns/Patient> .\n",
        ),
        (
            "application/ld+json",
            json.dumps({"@context": f"{BASE}ontology/context.jsonld", "@id": PATIENT, "@type": f"{BASE}ns/Patient"}),
        ),
        (
            "application/rdf+xml",
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            f'<o:Patient xmlns:o="{BASE}ns/" rdf:about="{PATIENT}"/></rdf:RDF>',
        ),
    ],
)
def test_a_case_is_read_by_its_type(client: FlaskClient, content_type: str, body: str) -> None:
    response = client.post("/assessments" + DAY, data=body, content_type=content_type)
    assert response.status_code == 200, response.text
    assert response.get_json()["patient"] == PATIENT
    assert client.post("/validations", data=body, content_type=content_type).get_json()["conforms"] is True


def test_an_assessment_is_the_one_of_the_library(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    response = client.post("/assessments" + DAY, data=EXAMPLE, content_type="text/turtle")
    [case] = knowledge_base.read(EXAMPLE, "ttl")
    assert response.get_json() == knowledge_base.assess(case, on=ON).to_json()
    assert response.headers["Cache-Control"] == "no-store"


def test_a_graph_of_an_assessment_is_read_back_equal(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    [case] = knowledge_base.read(EXAMPLE, "ttl")
    for media in ("text/turtle", "application/n-triples", "application/rdf+xml"):
        response = client.post(
            "/assessments" + DAY, data=EXAMPLE, content_type="text/turtle", headers={"Accept": media}
        )
        assert response.mimetype == media
        assert knowledge_base.read_assessments(triples(response)) == (knowledge_base.assess(case, on=ON),)


@pytest.mark.parametrize("path", ["/assessments", "/validations"])
def test_an_answer_comes_as_json_ld_with_our_context_and_as_a_page(client: FlaskClient, path: str) -> None:
    linked = post(client, path, RECORD, Accept="application/ld+json")
    assert json.loads(linked.data)["@context"] == f"{BASE}ontology/context.jsonld"
    page = post(client, path, {**RECORD, "patient": "<b>x</b>"}, Accept="text/html")
    assert page.mimetype == "text/html"
    assert "&lt;b&gt;x&lt;/b&gt;" in page.text
    assert "<b>x</b>" not in page.text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_page_says_the_short_answer_and_folds_the_rest(client: FlaskClient, language: str) -> None:
    page = post(client, f"/assessments{DAY}&language={language}", RECORD, Accept="text/html").text
    shown, folded = page.split("<details>")
    assert "<h1>" in shown
    assert shown.count('<p class="line') < 25
    said = {"en": ("Reason: ", "source, characters"), "fr": ("Motif\u00a0: ", "texte source, caractères")}[language]
    assert (said[0] in shown, said[1] in shown, said[1] in folded) == (True, False, True)


def test_the_language_is_that_of_the_parameter_or_of_the_header(client: FlaskClient) -> None:
    french = post(client, "/assessments?language=fr", RECORD).get_json()
    assert french != post(client, "/assessments", RECORD).get_json()
    assert french == post(client, "/assessments", RECORD, **{"Accept-Language": "fr-CA, en;q=0.5"}).get_json()


def test_empty_sections_are_read_as_none_where_that_is_asked(client: FlaskClient) -> None:
    sections = ("fractures", "treatment_history")
    record = {key: value for key, value in RECORD.items() if key not in sections} | {"t_score_total_hip": -2.7}
    open_, closed = (
        post(client, f"/assessments{DAY}{more}", record).get_json()
        for more in ("", "&assume-complete=fractures,treatments")
    )
    assert open_["disposition"] == "undetermined"
    assert closed["disposition"] != "undetermined"


def test_of_several_cases_a_refused_one_has_its_report_in_place(client: FlaskClient) -> None:
    first, second, third = post(client, "/assessments" + DAY, [RECORD, REFUSED, RECORD]).get_json()
    assert first == third
    assert "disposition" in first
    assert second["conforms"] is False
    graph = triples(post(client, "/assessments" + DAY, [RECORD, REFUSED], Accept="text/turtle"))
    kinds = {triple.object.value for triple in graph if isinstance(triple.object, ox.NamedNode)}
    assert kinds >= {f"{BASE}ns/Assessment", "http://www.w3.org/ns/shacl#ValidationReport"}


def test_a_refused_case_is_a_problem_with_the_members_of_its_report(client: FlaskClient) -> None:
    problem = is_problem(post(client, "/assessments" + DAY, REFUSED), 422)
    report = post(client, "/validations" + DAY, REFUSED)
    assert report.status_code == 200
    assert {key: problem[key] for key in report.get_json()} == report.get_json()
    french = is_problem(post(client, "/assessments?language=fr", REFUSED), 422)
    assert french["results"][0]["message"] != problem["results"][0]["message"]


def test_a_report_is_a_shacl_graph(client: FlaskClient) -> None:
    graph = triples(post(client, "/validations", REFUSED, Accept="application/n-triples"))
    found = {(triple.predicate.value, str(triple.object)) for triple in graph}
    assert ("http://www.w3.org/ns/shacl#conforms", '"false"^^<http://www.w3.org/2001/XMLSchema#boolean>') in found
    assert ("http://www.w3.org/ns/shacl#focusNode", f"<{PATIENT}>") in found
    named = {predicate.removeprefix("http://www.w3.org/ns/shacl#") for predicate, _ in found}
    assert {"resultPath", "resultSeverity", "sourceConstraintComponent", "sourceShape"} - named == set()


@pytest.mark.parametrize("path", ["/assessments", "/validations"])
@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("application/json", b"\xff\xfe", 400),
        ("text/turtle", "<urn:x> a", 400),
        ("application/ld+json", '{"@context": "file:///etc/hostname"}', 400),
        ("application/pdf", "x", 415),
        (None, "x", 415),
        ("application/json", b" " * (MOST_BYTES + 1), 413),
    ],
    ids=["not json", "nobody", "not text", "not turtle", "a context outside", "unknown type", "no type", "too large"],
)
def test_a_body_that_cannot_be_read_is_a_problem(
    client: FlaskClient, path: str, content_type: str | None, body: str | bytes, status: int
) -> None:
    is_problem(client.post(path, data=body, content_type=content_type), status)


def test_a_body_packed_by_gzip_is_unpacked_within_its_limit(client: FlaskClient) -> None:
    def send(data: bytes, packing: str = "gzip") -> TestResponse:
        headers = {"Content-Encoding": packing}
        return client.post("/assessments" + DAY, data=data, content_type="application/json", headers=headers)

    packed = gzip.compress(json.dumps(RECORD).encode())
    assert send(packed).get_json() == post(client, "/assessments" + DAY, RECORD).get_json()
    assert send(packed, "GZIP").status_code == 200
    is_problem(send(json.dumps(RECORD).encode()), 400)
    is_problem(send(packed[:-9]), 400)
    is_problem(send(b""), 400)
    is_problem(send(packed, "br"), 415)
    is_problem(send(gzip.compress(b" " * (MOST_BYTES + 1))), 413)


def test_a_body_packed_in_several_members_is_read_to_its_end(client: FlaskClient) -> None:
    two = json.dumps([RECORD, RECORD]).encode()
    packed = gzip.compress(two[:20]) + gzip.compress(two[20:])
    headers = {"Content-Encoding": "gzip"}
    response = client.post("/assessments" + DAY, data=packed, content_type="application/json", headers=headers)
    assert len(response.get_json()) == 2
    assert is_problem(client.post("/assessments", data=packed + b"x", content_type="text/csv", headers=headers), 400)


@pytest.mark.parametrize(
    "asked",
    [
        "on=yesterday",
        "language=de",
        "assume-complete=nothing",
        "assume_complete=fractures",
        "guideline=none",
        f"guideline=x%23{OIC}",
        f"guideline=http://x.example/{OIC}",
        "on=2026-11-22&on=2026-11-23",
    ],
)
def test_a_parameter_that_is_not_understood_is_a_problem(client: FlaskClient, asked: str) -> None:
    is_problem(post(client, "/assessments?" + asked, RECORD), 400)


@pytest.mark.parametrize("path", ["/assessments", "/validations", "/sparql?query=ASK%7B%7D", "/ns/Treat"])
def test_what_is_not_acceptable_is_a_problem_that_names_what_is(client: FlaskClient, path: str) -> None:
    headers = {"Accept": "image/png"}
    by_get = path.startswith(("/sparql", "/ns"))
    response = client.get(path, headers=headers) if by_get else post(client, path, RECORD, **headers)
    assert "text/turtle" in is_problem(response, 406)["detail"] or "sparql-results+json" in response.text


BUNDLE = ROOT / "examples" / "fhir" / "bundle.json"


@pytest.mark.parametrize("content_type", ["application/fhir+json", "application/json"])
def test_a_fhir_bundle_is_answered(client: FlaskClient, content_type: str) -> None:
    """What is assumed of the menopause is what the caller asks."""
    body = BUNDLE.read_bytes()
    unknown = client.post("/assessments" + DAY, data=body, content_type=content_type)
    assert unknown.get_json()["disposition"] == "undetermined"
    assumed = client.post(f"/assessments{DAY}&assume-postmenopausal-from=60", data=body, content_type=content_type)
    assert assumed.get_json()["disposition"] == "treat"


@pytest.mark.parametrize("age", ["sixty", "-1", "1000", ""])
def test_an_age_that_is_none_is_refused(client: FlaskClient, age: str) -> None:
    """With a sentence."""
    answer = client.post(f"/assessments{DAY}&assume-postmenopausal-from={age}", data=BUNDLE.read_bytes())
    assert answer.status_code == 400


@pytest.mark.parametrize("body", ['{"resourceType": "Observation"}', '{"resourceType": "Bundle"}', "[]", "{"])
def test_fhir_without_a_patient_is_refused(client: FlaskClient, body: str) -> None:
    """Never with a failure of the service."""
    assert client.post("/assessments", data=body, content_type="application/fhir+json").status_code == 400
