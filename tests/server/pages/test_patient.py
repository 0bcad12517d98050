"""The page of a patient: what is entered is read as a record is, and the answer is that of `assess`."""

from __future__ import annotations

import html
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from werkzeug.test import TestResponse

from osteo_kg import Assessment, KnowledgeBase
from osteo_kg.case import FIELDS
from osteo_kg.rdf import OSTEO
from osteo_kg_server.pages.patient.fields import Form
from osteo_kg_server.pages.patient.filled import Filled, filled_with
from tests.support.service import EXAMPLE
from tests.support.strategies import records
from tests.support.worked import ON, ROOT, exact_json

ANNA = {
    "on": ON.isoformat(),
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": "62",
    "t_score_total_hip": "-2.7",
    "fractures": "some",
    "fractures.1.site": "distal-radius",
    "fractures.1.mechanism": "low-energy",
    "treatment_history": "none",
}
SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
LIVE = {"HX-Request": "true"}


def entered(client: FlaskClient, fields: dict[str, Any], language: str = "en", **headers: str) -> TestResponse:
    """Post a form."""
    return client.post(f"/assess?language={language}", data=fields, headers=headers)


def fields_of(filled: Filled) -> dict[str, Any]:
    """Give the fields that a browser would send of a filled form."""
    rows = {
        ".".join(filter(None, (name, str(number), key))): text
        for name, several in filled.rows.items()
        for number, row in several.items()
        for key, text in row.items()
    }
    chosen = {name: list(values) for name, values in filled.chosen.items()}
    return {"on": filled.on, **filled.values, **filled.states, **chosen, **rows}


class _Page(HTMLParser):
    """What a page has of ids, labels, controls and references to ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.controls: list[tuple[str, dict[str, str | None], bool]] = []
        self.described: set[str] = set()
        self._in_label = self._in_template = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self._in_label += tag == "label"
        self._in_template += tag == "template"
        if self._in_template:
            return
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "label" and found.get("for"):
            self.labelled.add(str(found["for"]))
        self.described |= set(str(found.get("aria-describedby") or "").split())
        if tag in ("input", "select"):
            self.controls.append((tag, found, bool(self._in_label)))

    def handle_endtag(self, tag: str) -> None:
        self._in_label -= tag == "label"
        self._in_template -= tag == "template"


@settings(max_examples=8, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(record=records())
def test_the_answer_of_the_form_is_that_of_assess(
    client: FlaskClient, knowledge_base: KnowledgeBase, record: dict[str, Any]
) -> None:
    same_as_assess(client, knowledge_base, record)


def same_as_assess(client: FlaskClient, knowledge_base: KnowledgeBase, record: dict[str, Any]) -> None:
    """Enter a record, and compare the answer with that of the library."""
    form = Form(knowledge_base.knowledge)
    fields = fields_of(filled_with(record, form, ON.isoformat()))
    [case] = knowledge_base.read(exact_json(record), "json")
    taken = entered(client, {**fields, "take": "answer-json"})
    report = knowledge_base.validate(case, on=ON)
    if not report.conforms:
        assert taken.status_code == 422
        return
    expected = knowledge_base.assess(case, on=ON)
    assert taken.get_json() == expected.to_json()
    page = entered(client, fields, **LIVE).text
    assert headline(page) == (expected.strength_label or expected.disposition_label).en.lower() or expected.missing
    assert page.count('<li class="eligible') == sum(each.status == "eligible" for each in expected.options)


def headline(page: str) -> str:
    """Give the headline of an answer."""
    found = re.search(r'<h2 class="headline">.*?</span> ([^<]*)</h2>', page)
    assert found
    return found[1].lower()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_form_asks_for_every_field_of_the_record_in_words_of_the_ontology(
    client: FlaskClient, knowledge_base: KnowledgeBase, language: str
) -> None:
    page = client.get(f"/assess?language={language}").text
    described = dict(knowledge_base.knowledge.triples.pairs(OSTEO.fieldKey))
    expected = set(FIELDS) | {f"{key}.{e.key}" for key, f in FIELDS.items() for e in f.entry}
    assert set(described.values()) == expected
    for iri in described:
        label = knowledge_base.knowledge.terms.label(iri)
        assert label.en != label.fr or label.en in ("Site", "Date")
        assert (label.fr if language == "fr" else label.en) in page


def test_nothing_is_chosen_at_first(client: FlaskClient) -> None:
    page = _Page(client.get("/assess").text)
    checked = [each for _, each, _ in page.controls if "checked" in each]
    assert checked
    assert {each["value"] for each in checked} == {""}


@pytest.mark.parametrize("filled", [{}, {**ANNA, "fractures.2.site": "hipp", "age_years": "x", "on": "?"}])
def test_every_control_has_a_label_and_every_reference_leads_somewhere(
    client: FlaskClient, filled: dict[str, str]
) -> None:
    text = entered(client, {**filled, "add": "treatment_history"}).text
    page = _Page(text)
    assert len(page.ids) == len(set(page.ids))
    for _, attributes, in_label in page.controls:
        assert in_label or attributes.get("id") in page.labelled, attributes
    assert page.described - {""} <= set(page.ids)


def test_the_root_is_the_form_for_people_and_the_dataset_for_machines(client: FlaskClient) -> None:
    page = client.get("/", headers={"Accept": "text/html"})
    assert '<form id="patient"' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert client.get("/", headers={"Accept": "text/turtle"}).status_code == 303


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"sexx": "female"}, "There is no field &#39;sexx&#39;"),
        ({"fractures.1.sitee": "hand"}, "There is no field"),
        ({"fractures.1": "hand"}, "There is no field"),
        ({"conditions.1.value": "stroke"}, "There is no field"),
        ({"sex": ["female", "male"]}, "more than once"),
        ({"fractures": "perhaps"}, "neither that there are none"),
    ],
)
def test_a_field_that_is_misspelt_or_repeated_is_refused(
    client: FlaskClient, fields: dict[str, Any], problem: str
) -> None:
    response = client.post("/assess", data=fields, headers={"Accept": "text/html"})
    assert response.status_code == 400
    assert problem in response.text


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"age_years": "old"}, "age_years"),
        ({"age_years": "1234567890123456789012345678901"}, "age_years"),
        ({"t_score_total_hip": "-30"}, "t_score_total_hip"),
        ({"t_score_total_hip": "0.85 g/cm2"}, "t_score_total_hip"),
        ({"t_score_total_hip": "1e5"}, "t_score_total_hip"),
        ({"sex": "woman"}, "sex"),
        ({"climacteric_disorders": "maybe"}, "climacteric_disorders"),
        ({"birth_date": "1920-13-01"}, "birth_date"),
        ({"fractures.3.site": "", "fractures.7.site": "hipp"}, "fractures.7"),
        ({"fractures.1.site": "vertebra", "fractures.4.site": "vertebra", "fractures.4.count": "0"}, "fractures.4"),
        ({"fractures": "none", "fractures.1.site": "hand"}, "fractures"),
        ({"treatment_history.2.outcome": "failure"}, "treatment_history.2"),
        ({"conditions.1": "no-such"}, "conditions.1"),
        ({"open_sections": "nowhere"}, "open_sections"),
        ({"on": "tomorrow"}, "on"),
        ({"sex": "male", "menopausal_status": "postmenopausal"}, "sex"),
        ({"t_score_total_hip": "-2", "densitometry_date": "01/05/2026"}, "densitometry_date"),
    ],
)
def test_what_is_refused_is_said_beside_its_field_and_on_top(
    client: FlaskClient, fields: dict[str, str], at: str
) -> None:
    whole, live = entered(client, fields), entered(client, fields, **LIVE)
    assert (whole.status_code, live.status_code) == (422, 200)
    for page in (whole.text, live.text):
        assert re.search(rf'id="wrong-{re.escape(at)}"[^>]*><p>', page)
        assert f'<a href="#field-{at}">' in page
        assert 'class="headline"' not in page


@pytest.mark.parametrize(("written", "read"), [("-2,7", "-2.7"), ("−2.7", "-2.7"), (" -2.7 ", "-2.7"), ("+0,3", "0.3")])
def test_a_number_may_be_written_as_people_write_it(client: FlaskClient, written: str, read: str) -> None:
    taken = entered(client, {**ANNA, "t_score_total_hip": written, "take": "case-json"})
    assert f'"t_score_total_hip": {read}' in taken.text


def test_some_that_are_not_listed_yet_count_as_not_known(client: FlaskClient) -> None:
    without = {key: value for key, value in ANNA.items() if not key.startswith("fractures")}
    some, unknown = (
        entered(client, {**without, "fractures": state, "take": "answer-json"}).get_json() for state in ("some", "")
    )
    assert some == unknown
    assert some["disposition"] == "undetermined"
    assert "count as not known" in entered(client, {**without, "fractures": "some"}, **LIVE).text


def test_rows_are_added_and_removed_without_a_script_and_everything_is_kept(client: FlaskClient) -> None:
    more = entered(client, {**ANNA, "add": "fractures"})
    assert more.status_code == 200
    assert 'name="fractures.2.site"' in more.text
    assert re.search(r'<option value="distal-radius" selected>', more.text)
    assert 'value="-2.7"' in more.text
    less = entered(client, {**ANNA, "remove": "fractures.1"})
    assert 'name="fractures.1.site"' not in less.text
    assert 'value="-2.7"' in less.text


def test_a_change_is_answered_by_the_live_part_alone(client: FlaskClient) -> None:
    part = entered(client, ANNA, **LIVE)
    assert "<html" not in part.text
    assert '<form id="patient"' not in part.text
    assert headline(part.text) == "treatment proposed"
    assert 'id="wrong-age_years" hx-swap-oob="true"' in part.text


def test_a_folded_group_opens_where_it_holds_something(client: FlaskClient) -> None:
    empty, filled = client.get("/assess").text, entered(client, {**ANNA, "conditions.1": "stroke"}).text
    opened = '<details class="group" open>'
    assert filled.count(opened) == empty.count(opened) + 2  # treatments are known to be none


@pytest.mark.parametrize("headers", [{}, LIVE])
def test_nothing_that_is_posted_is_cached_or_in_an_address(client: FlaskClient, headers: dict[str, str]) -> None:
    response = entered(client, {**ANNA, "patient": "secret-anna"}, **headers)
    assert response.headers["Cache-Control"] == "no-store"
    assert not {"Set-Cookie", "Location", "ETag", "HX-Push-Url"} & set(response.headers.keys())
    addresses = re.findall(r'(?:href|action|src|hx-post)="([^"]*)"', response.text)
    assert addresses
    assert not [each for each in addresses if re.search(r"secret|-2[.]7|62|birth", each)]


def test_the_form_asks_the_browser_to_remember_nothing(client: FlaskClient) -> None:
    page = client.get("/assess")
    assert 'autocomplete="off"' in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert '"historyEnabled": false' in page.text
    script = (ROOT / "server/osteo_kg_server/pages/static/patient.js").read_text(encoding="utf-8")
    assert not re.search(r"localStorage|sessionStorage|document[.]cookie|indexedDB|https?:|pushState", script)


@pytest.mark.parametrize(
    "name",
    [
        *(each for each in ("patient", "sex", "menopausal_status", "age_years", "birth_date", "t_score_lumbar_spine")),
        *("densitometry_date", "climacteric_disorders", "egfr", "renal_function_date", "open_sections", "on"),
        *("fractures.1.site", "fractures.1.mechanism", "fractures.1.date", "fractures.1.count", "conditions.1"),
        *("treatment_history.1.drug", "treatment_history.1.outcome", "add", "remove", "take", SCRIPT, "fractures"),
    ],
)
def test_no_field_can_put_a_script_on_the_page(client: FlaskClient, name: str) -> None:
    for headers in ({}, LIVE):
        response = client.post("/assess", data={**ANNA, name: SCRIPT}, headers={"Accept": "text/html", **headers})
        assert "<script>" not in response.text
        assert "<img" not in response.text


@pytest.mark.parametrize("format_name", ["json", "ttl", "csv", "nt"])
def test_no_file_can_put_a_script_on_the_page(client: FlaskClient, format_name: str) -> None:
    iri = "urn:case:<script>alert(1)</script>"
    texts = {
        "json": json.dumps({"patient": SCRIPT, "sex": SCRIPT, SCRIPT: 1}),
        "ttl": f'<urn:x"><script>alert(1)</script>> a <{OSTEO.iri}Patient> .',
        "csv": f"patient,sex\n{iri},female\n",
        "nt": f'<urn:p> <urn:{SCRIPT}> "{SCRIPT}" .',
    }
    response = sent(client, texts[format_name].encode(), f"{SCRIPT}.{format_name}")
    assert response.status_code < 500
    assert "<script>" not in response.text
    assert "<img" not in response.text


def sent(client: FlaskClient, data: bytes, name: str) -> TestResponse:
    """Send a file."""
    fields = {"file": (io.BytesIO(data), name), "on": ON.isoformat()}
    return client.post("/assess", data=fields, content_type="multipart/form-data", headers={"Accept": "text/html"})


@pytest.mark.parametrize("take", ["case-turtle", "case-json", "case-fhir"])
def test_a_case_that_is_taken_along_is_read_back_into_the_same_form(client: FlaskClient, take: str) -> None:
    file = entered(client, {**ANNA, "patient": "anna", "take": take})
    name = re.fullmatch(r'attachment; filename="(.*)"', file.headers["Content-Disposition"])
    assert name
    assert file.headers["Cache-Control"] == "no-store"
    page = sent(client, file.data, name[1]).text
    assert re.search(r'name="age_years" value="62"', page)
    assert re.search(r'<option value="distal-radius" selected>', page)
    assert headline(page) == "treatment proposed"


@pytest.mark.parametrize("take", ["answer-turtle", "answer-json", "answer-fhir"])
def test_an_answer_is_taken_along(client: FlaskClient, knowledge_base: KnowledgeBase, take: str) -> None:
    file = entered(client, {**ANNA, "take": take})
    assert file.headers["Content-Disposition"].startswith('attachment; filename="answer')
    if take == "answer-turtle":
        triples = [each.triple for each in ox.parse(file.data, format=ox.RdfFormat.TURTLE)]
        [assessment] = knowledge_base.read_assessments(triples)
        assert assessment.disposition == "treat"
    elif take == "answer-fhir":
        assert file.get_json(force=True)["resourceType"] == "Bundle"
    else:
        assert file.get_json()["disposition"] == "treat"


def test_a_file_that_the_form_cannot_show_is_answered_whole_and_says_so(client: FlaskClient) -> None:
    bundle = (ROOT / "examples" / "fhir" / "bundle.json").read_bytes()
    shown = sent(client, bundle, "bundle.json")
    assert shown.status_code == 200
    assert 'class="headline"' in shown.text
    score = f"<urn:p> a <{OSTEO.iri}Patient> ; <{OSTEO.iri}isDeceased> true ."
    unshown = sent(client, score.encode(), "p.ttl").text
    assert "it cannot show all of the file" in unshown
    assert "isDeceased" in unshown
    assert 'class="headline"' in unshown
    carried = re.search(r'name="case" value="([^"]*)"', unshown)
    assert carried
    fields = {"case": html.unescape(carried[1]), "on": ON.isoformat(), "take": "answer-json"}
    answer = client.post("/assess", data=fields, content_type="multipart/form-data")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="answer.json"'
    assert answer.get_json()["patient"] == "urn:p"


def test_an_empty_form_offers_an_invented_patient_and_says_who_answers(client: FlaskClient) -> None:
    page = client.get("/assess").text
    case = re.search(r'name="case" value="([^"]*)"', page)
    assert case
    filled = client.post("/assess", data={"case": html.unescape(case[1])}, content_type="multipart/form-data").text
    assert headline(filled) == "treatment imperative"
    assert re.search(r'name="age_years" value="71"', filled)
    assert 'name="case"' not in filled
    assert 'href="/guideline/oic-128-08-b"' in filled
    assert "no clinician has reviewed" in filled


def test_the_other_reading_says_on_request_what_it_would_say_of_the_patient(
    client: FlaskClient, knowledge_base: KnowledgeBase
) -> None:
    asked = {**ANNA, "t_score_lumbar_spine": "-2.5"}
    assert 'name="reading" value="I15"' in entered(client, asked).text
    page = entered(client, {**asked, "reading": "I15"}).text
    _, found, other = page.partition('id="other-reading"')
    assert found
    said = other.partition("</div>")[0]
    assert "I15" in said
    assert "Specialist opinion" in said
    assert headline(page) == "treatment proposed"
    assert 'id="other-reading"' not in entered(client, {**asked, "reading": "I15"}, **LIVE).text
    assert entered(client, {**asked, "reading": "I99"}).status_code == 400


def test_a_turtle_file_fills_the_form(client: FlaskClient) -> None:
    page = sent(client, EXAMPLE, "hip-fracture.ttl").text
    assert re.search(r'<option value="proximal-femur" selected>', page)
    assert 'class="headline"' in page


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b'[{"sex": "female"}, {"sex": "male"}]', "two.json", "holds 2 patients"),
        (b"{", "broken.json", "not"),
        (b"\xff\xfe\x00", "x.csv", "utf-16"),
        (b"MZ", "x.exe", "kind of the file is not known"),
        (b'{"sexx": "female"}', "x.json", "sexx"),
        (b"", "x.json", ""),
    ],
)
def test_a_file_that_cannot_be_read_is_said_to_be_beside_it(
    client: FlaskClient, data: bytes, name: str, said: str
) -> None:
    response = sent(client, data, name)
    assert response.status_code == 422
    found = re.search(r'id="wrong-file"><p>(.*?)</p>', response.text, re.DOTALL)
    assert found
    assert said in found[1]
    assert 'class="headline"' not in response.text


def test_a_passage_is_shown_only_where_the_text_is_the_one_that_is_cited(
    client: FlaskClient, knowledge_base: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("x" * 10_000, encoding="utf-8")
    for named in ("", str(other), str(tmp_path / "none.txt")):
        monkeypatch.setenv("OSTEO_KG_SOURCE", named)
        assert "<blockquote" not in entered(client, ANNA, **LIVE).text
    source = ROOT.parent / "shared" / "guideline" / "oic-128-08-b.txt"
    if source.exists():
        monkeypatch.setenv("OSTEO_KG_SOURCE", str(source))
        assert "<blockquote" in entered(client, ANNA, **LIVE).text


def test_the_answer_says_what_comes_next_what_would_change_it_and_where_she_stands(client: FlaskClient) -> None:
    page = entered(client, ANNA, **LIVE).text
    assert "The next question worth asking" in page
    assert "What would change this answer" in page
    assert page.count('<figure class="strip">') == 2
    assert "this patient" in page
    assert "/situation/oic-128-08-b/" in page
    assert "/sparql?query=" in page


def test_the_page_of_posted_cases_says_the_same(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    taken = entered(client, {**ANNA, "take": "case-json"}).data
    page = client.post(
        f"/assessments?on={ON}", data=taken, content_type="application/json", headers={"Accept": "text/html"}
    ).text
    part = entered(client, ANNA, **LIVE).text
    said = [re.sub(r"\s+", " ", each) for each in re.findall(r"<li>(.*?)</li>", part, re.DOTALL)]
    told = re.sub(r"\s+", " ", page)
    assert [each for each in said[:20] if each not in told] == []
    assert isinstance(knowledge_base.assess(knowledge_base.read(taken, "json")[0], on=ON), Assessment)


def test_the_service_describes_the_form(client: FlaskClient) -> None:
    described = client.get("/openapi.json").get_json()["paths"]["/assess"]
    assert set(described) == {"get", "post"}
    assert set(described["post"]["requestBody"]["content"]) == {
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    }


def test_a_form_that_is_too_large_is_refused(app: Flask) -> None:
    response = app.test_client().post("/assess", data={"patient": "x" * 11_000_000})
    assert response.status_code == 413
