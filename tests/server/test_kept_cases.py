"""Cases that are kept: written with their answers, asked in one query, forgotten, and assessed anew."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import osteo_kg_server
from osteo_kg import Assessment, Dataset, KnowledgeBase, build_dataset
from osteo_kg.dataset import GRAPH, graph_iri
from osteo_kg_server import Settings
from osteo_kg_server.service import of
from tests.support.bundles import (
    NO_FRACTURE,
    POSTMENOPAUSAL,
    RXNORM,
    SNOMED,
    bundle,
    condition,
    medication,
    patient,
    t_score,
)
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.server


TOKEN = {"Authorization": "Bearer long-enough"}
DAY = f"?on={ON.isoformat()}"
ANNA: dict[str, Any] = {
    "patient": "anna",
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 71,
    "t_score_total_hip": -3.10,
    "fractures": [{"site": "vertebra", "mechanism": "low-energy", "count": 2}],
    "treatment_history": [],
}
WHO = """PREFIX osteo: <https://w3id.org/osteo-kg/ns/>
SELECT ?patient { ?a osteo:assesses ?patient . ?patient osteo:isEligibleFor osteo:TeriparatideOption }
ORDER BY ?patient"""


@pytest.fixture(scope="module")
def dataset(knowledge_base: KnowledgeBase) -> Dataset:
    return build_dataset(knowledge_base, on=ON)


@pytest.fixture(scope="module")
def app(knowledge_base: KnowledgeBase, dataset: Dataset) -> Iterator[Flask]:
    app = osteo_kg_server.create_app(knowledge_base, dataset, Settings(update_token="long-enough"))
    yield app
    of(app).store.close()


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    """A client of a service that keeps nothing yet."""
    client = app.test_client()
    yield client
    while cases := client.get("/cases").get_json()["cases"]:
        for case in cases:
            assert client.delete(case["case"].removeprefix("http://localhost"), headers=TOKEN).status_code == 204


def _keep(client: FlaskClient, record: Any, more: str = DAY) -> TestResponse:
    return client.post(f"/cases{more}", json=record, headers=TOKEN)


def _who(client: FlaskClient) -> list[str]:
    found = client.get("/sparql", query_string={"query": WHO}).get_json(force=True)
    return [row["patient"]["value"] for row in found["results"]["bindings"]]


def test_a_case_is_kept_with_its_answer_and_both_can_be_asked(
    client: FlaskClient, knowledge_base: KnowledgeBase
) -> None:
    kept = _keep(client, ANNA)
    assert kept.status_code == 201
    assert kept.headers["Location"] == "http://localhost/cases/urn%3Acase%3Aanna"
    assert kept.get_json() == client.post("/assessments" + DAY, json=ANNA).get_json()
    assert _who(client) == ["urn:case:anna"]
    read = client.get("/cases/urn%3Acase%3Aanna").get_json()
    assert read == {"patient": "urn:case:anna", "assessment": kept.get_json()}
    graph = client.get("/cases/urn%3Acase%3Aanna", headers={"Accept": "text/turtle"})
    assert b"-3.10" in graph.data or b"-3.1" in graph.data
    [again] = knowledge_base.read(graph.data, "ttl")
    assert knowledge_base.assess(again, on=ON).disposition == kept.get_json()["disposition"]


def test_a_case_that_is_sent_again_takes_the_place_of_the_one_before(client: FlaskClient) -> None:
    assert _keep(client, ANNA).status_code == 201
    assert _keep(client, {**ANNA, "fractures": []}).status_code == 200
    assert _who(client) == []
    assert client.get("/cases").get_json()["count"] == 1


def test_a_case_is_forgotten_with_its_answer(client: FlaskClient) -> None:
    _keep(client, ANNA)
    assert client.delete("/cases/urn%3Acase%3Aanna", headers=TOKEN).status_code == 204
    assert _who(client) == []
    for response in (client.get("/cases/urn:case:anna"), client.delete("/cases/urn:case:anna", headers=TOKEN)):
        assert response.status_code == 404
    assert client.get("/store", query_string={"graph": graph_iri("assessments", "urn:case:anna")}).status_code == 404


def test_a_refused_case_is_not_kept(client: FlaskClient) -> None:
    refused = _keep(client, {**ANNA, "sex": "male"})
    assert refused.status_code == 422
    assert refused.get_json(force=True)["conforms"] is False
    first, second = _keep(client, [ANNA, {**ANNA, "patient": "bob", "sex": "male"}]).get_json()
    assert (first["disposition"], second["conforms"]) == ("treat", False)
    assert client.get("/cases").get_json()["count"] == 1


def test_two_cases_of_one_patient_at_once_are_refused_whole(client: FlaskClient) -> None:
    assert _keep(client, [ANNA, ANNA]).status_code == 400
    assert client.get("/cases").get_json()["count"] == 0


def test_cases_without_a_name_do_not_take_one_anothers_place(client: FlaskClient) -> None:
    nameless = {key: value for key, value in ANNA.items() if key != "patient"}
    places = {_keep(client, nameless).headers["Location"] for _ in range(3)}
    assert len(places) == 3
    assert {client.get(place.removeprefix("http://localhost")).status_code for place in places} == {200}


def test_an_iri_with_slashes_and_signs_names_a_case(client: FlaskClient) -> None:
    name = "http://x.example/ward/3?bed=4&x=%20"
    place = _keep(client, {**ANNA, "patient": name}).headers["Location"]
    assert client.get(place.removeprefix("http://localhost")).get_json()["patient"] == name


def test_cases_are_listed_a_page_at_a_time(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("osteo_kg_server.views.cases.PAGE", 2)
    _keep(client, [{**ANNA, "patient": name} for name in ("a", "b", "c")])
    first = client.get("/cases").get_json()
    second = client.get(first["next"].removeprefix("http://localhost")).get_json()
    assert [case["patient"] for case in [*first["cases"], *second["cases"]]] == [f"urn:case:{n}" for n in "abc"]
    assert "next" not in second


def test_the_situation_of_a_kept_case_can_be_asked_about(client: FlaskClient) -> None:
    unknown = {**ANNA, "fractures": None}
    situation = _keep(client, unknown).get_json()["situation"]
    query = f"ASK {{ GRAPH <{GRAPH}situations> {{ <{situation}> ?p ?o }} }}"
    assert client.get("/sparql", query_string={"query": query}).get_json(force=True)["boolean"] is True


def test_the_knowledge_is_never_written(client: FlaskClient) -> None:
    for update in (
        f"INSERT DATA {{ GRAPH <{GRAPH}ontology> {{ <urn:a> <urn:b> 1 }} }}",
        f"CLEAR GRAPH <{GRAPH}shapes>",
        f"WITH <{GRAPH}situations> DELETE {{ ?s ?p ?o }} WHERE {{ ?s ?p ?o }}",
        "INSERT { GRAPH ?g { <urn:a> <urn:b> 1 } } WHERE { GRAPH ?g { ?s ?p ?o } }",
        "CLEAR ALL",
        "DROP ALL",
        f"INSERT DATA {{ <urn:a> <urn:b> 1 }} ; DROP GRAPH <{GRAPH}inferred>",
    ):
        refused = client.post("/update", data={"update": update}, headers=TOKEN)
        assert refused.status_code == 403, update
        assert refused.get_json(force=True)["detail"].endswith(".")
    graph = {"graph": GRAPH + "ontology"}
    assert (
        client.put("/store", query_string=graph, data="", content_type="text/turtle", headers=TOKEN).status_code == 403
    )
    assert client.delete("/store", query_string=graph, headers=TOKEN).status_code == 403
    gone = client.get("/sparql", query_string={"query": "ASK { <urn:a> ?p ?o }"})
    assert gone.get_json(force=True)["boolean"] is False


def test_a_graph_of_the_knowledge_is_handed_out_as_it_was_loaded(client: FlaskClient, dataset: Dataset) -> None:
    response = client.get(
        "/store", query_string={"graph": GRAPH + "ontology"}, headers={"Accept": "application/n-triples"}
    )
    got = {str(quad.triple.object) for quad in ox.parse(response.data, format=ox.RdfFormat.N_TRIPLES)}
    kept = {str(triple.object) for triple in dataset.graphs[GRAPH + "ontology"]}
    literals = {text for text in kept if text.startswith('"')}
    assert literals - got == set()


# On disk, and with other knowledge


@pytest.fixture
def older(knowledge_base: KnowledgeBase, dataset: Dataset, tmp_path: Path) -> Path:
    """A store on disk that holds a case assessed with other knowledge."""
    app = osteo_kg_server.create_app(knowledge_base, dataset, Settings(update_token="long-enough", store=str(tmp_path)))
    assert _keep(app.test_client(), ANNA).status_code == 201
    store = of(app).store
    graph = graph_iri("assessments", "urn:case:anna")
    pattern = f"{{ ?a <{_DIGEST}> ?o }}"
    update = f"WITH <{graph}> DELETE {pattern} INSERT {{ ?a <{_DIGEST}> 'older' }} WHERE {pattern}"
    app.test_client().post("/update", data={"update": update}, headers=TOKEN)
    store.set_note("knowledge", "older")
    store.close()
    return tmp_path


_DIGEST = "https://w3id.org/osteo-kg/ns/knowledgeDigest"


def test_kept_cases_are_assessed_anew_when_the_knowledge_has_changed(
    knowledge_base: KnowledgeBase, dataset: Dataset, older: Path
) -> None:
    app = osteo_kg_server.create_app(knowledge_base, dataset, Settings(store=str(older)))
    client, until = app.test_client(), time.monotonic() + 60
    while client.get("/cases").get_json()["reassessment"] != {"due": 1, "done": 1}:
        assert time.monotonic() < until
        time.sleep(0.05)
    told = client.get("/cases/urn:case:anna").get_json()["assessment"]
    assert told["version"]["knowledge"] == knowledge_base.knowledge.digest
    assert told["patient"] == "anna"
    of(app).store.close()


def test_what_is_kept_on_disk_is_there_after_a_restart(
    knowledge_base: KnowledgeBase, dataset: Dataset, tmp_path: Path
) -> None:
    settings = Settings(update_token="long-enough", store=str(tmp_path))
    for expected in (201, 200):
        app = osteo_kg_server.create_app(knowledge_base, dataset, settings)
        assert _keep(app.test_client(), ANNA).status_code == expected
        assert _who(app.test_client()) == ["urn:case:anna"]
        of(app).store.close()


def test_examples_are_loaded_into_a_new_store_once(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    [case] = knowledge_base.read((ROOT / "examples" / "hip-fracture.ttl").read_bytes(), "ttl")
    loaded = build_dataset(knowledge_base, [case], on=ON)
    settings = Settings(update_token="long-enough", store=str(tmp_path))
    app = osteo_kg_server.create_app(knowledge_base, loaded, settings)
    assert isinstance(of(app).keeper.assessment(case.iri), Assessment)
    app.test_client().delete(f"/cases/{case.iri}", headers=TOKEN)
    of(app).store.close()
    app = osteo_kg_server.create_app(knowledge_base, loaded, settings)
    assert app.test_client().get("/cases").get_json()["count"] == 0
    of(app).store.close()


# What a case cannot state


@pytest.fixture
def bundled(client: FlaskClient) -> Any:
    """Keep a bundle, have its case assessed anew, and give both answers."""

    def again(text: str, more: str = DAY) -> tuple[Any, Any]:
        headers = {**TOKEN, "Content-Type": "application/fhir+json"}
        kept = client.post(f"/cases{more}", data=text, headers=headers)
        assert kept.status_code == 201, kept.get_data(as_text=True)
        _age(client)
        return kept.get_json(), client.get("/cases/urn:case:example").get_json()["assessment"]

    return again


def _age(client: FlaskClient, patient: str = "urn:case:example") -> None:
    """Have a case assessed anew, on the day of the tests, as if it came of older knowledge."""
    pattern = f"{{ ?a <{_DIGEST}> ?o }}"
    graph = graph_iri("assessments", patient)
    update = f"WITH <{graph}> DELETE {pattern} INSERT {{ ?a <{_DIGEST}> 'older' }} WHERE {pattern}"
    assert client.post("/update", data={"update": update}, headers=TOKEN).status_code in (200, 204)
    of(client.application).keeper.assess_anew([patient], ON)


def test_a_kept_bundle_says_the_same_when_it_is_assessed_anew(bundled: Any) -> None:
    """With every remark about its source, and the bounds of a year of birth."""
    text = bundle(
        {**patient(), "birthDate": "1970"},
        POSTMENOPAUSAL,
        NO_FRACTURE,
        t_score("38267-1", -3.2),
        t_score("38265-5", -3.4),
        condition(SNOMED, "50448004", recordedDate="yesterday"),
        medication("MedicationStatement", "stopped", RXNORM, "77655"),
    )
    kept, anew = bundled(text)
    assert anew == kept
    codes = {each["code"] for each in (*kept["warnings"], *kept["assumptions"])}
    wanted = {"element-ignored", "element-invalid", "vertebral-level-assumed", "drug-product-assumed"}
    assert wanted - codes == set()
    assert "birthDate 1970" in str(kept["warnings"])


def test_sections_that_were_read_as_complete_stay_so(bundled: Any) -> None:
    text = bundle(patient(), POSTMENOPAUSAL, t_score("38267-1", -3.2))
    kept, anew = bundled(text, f"{DAY}&assume-complete=fractures,treatments")
    assert anew == kept
    assert kept["strength"] == "initiated"
    assert {each["code"] for each in kept["assumptions"]} == {"section-assumed-complete"}


def test_properties_that_were_ignored_stay_named(client: FlaskClient) -> None:
    turtle = """@prefix osteo: <https://w3id.org/osteo-kg/ns/> .
        <urn:case:example> a osteo:Patient ; osteo:hasSex osteo:Female ; <urn:weight> 60 ."""
    headers = {**TOKEN, "Content-Type": "text/turtle"}
    kept = client.post(f"/cases{DAY}", data=turtle, headers=headers).get_json()
    _age(client)
    assert client.get("/cases/urn:case:example").get_json()["assessment"] == kept
    assert "property-ignored" in {each["code"] for each in kept["warnings"]}


def test_what_is_said_of_a_source_goes_with_its_case(client: FlaskClient) -> None:
    headers = {**TOKEN, "Content-Type": "application/fhir+json"}
    graph = {"graph": graph_iri("sources", "urn:case:example")}
    text = bundle(patient(), t_score("38265-5", -3.4))
    client.post(f"/cases{DAY}", data=text, headers=headers)
    assert b"38265-5" in client.get("/store", query_string=graph).data
    client.post(f"/cases{DAY}", data=bundle(patient()), headers=headers)
    assert client.get("/store", query_string=graph).status_code == 404
    client.post(f"/cases{DAY}", data=text, headers=headers)
    client.delete("/cases/urn:case:example", headers=TOKEN)
    assert client.get("/store", query_string=graph).status_code == 404


def test_cases_of_another_guideline_keep_to_it(tmp_path: Path) -> None:
    second = KnowledgeBase.load([ROOT / "tests" / "second-guideline"])
    app = osteo_kg_server.create_app(second, Dataset({}), Settings(update_token="long-enough"))
    client = app.test_client()
    kept = _keep(client, {**ANNA, "patient": "urn:case:example"}, f"{DAY}&guideline=second").get_json()
    assert client.get("/cases/urn:case:example").get_json()["assessment"] == kept
    _age(client)
    assert client.get("/cases/urn:case:example").get_json()["assessment"] == kept


def test_what_hangs_on_one_patient_hangs_on_no_other(client: FlaskClient) -> None:
    """Nameless entries of two records have one label each, and in one store they would be one."""
    _keep(client, [ANNA, {**ANNA, "patient": "berta", "t_score_total_hip": 1.0}])
    query = """PREFIX osteo: <https://w3id.org/osteo-kg/ns/>
    SELECT ?p ?t { ?p osteo:hasBoneDensitometry/osteo:tScore ?t } ORDER BY ?p"""
    found = client.get("/sparql", query_string={"query": query}).get_json(force=True)["results"]["bindings"]
    assert [row["p"]["value"] for row in found] == ["urn:case:anna", "urn:case:berta"]


def test_what_hangs_on_one_patient_of_a_dataset_hangs_on_no_other(knowledge_base: KnowledgeBase) -> None:
    both = knowledge_base.read(json.dumps([ANNA, {**ANNA, "patient": "berta"}]), "json")
    graphs = build_dataset(knowledge_base, both, on=ON).graphs
    labels = [
        {t.object for t in graphs[graph_iri("cases", case.iri)] if isinstance(t.object, ox.BlankNode)} for case in both
    ]
    assert labels[0]
    assert labels[0] & labels[1] == set()


FOLLOWS = """PREFIX osteo: <https://w3id.org/osteo-kg/ns/>
ASK { GRAPH <https://w3id.org/osteo-kg/graph/inferred/urn%3Acase%3Aanna> {
  <urn:case:anna> a osteo:PostmenopausalWoman , osteo:PatientWithSevereFracture ;
    osteo:lowestTScore -3.1 ; osteo:completedYears 71 ; osteo:meets ?criterion .
  ?fracture a osteo:SevereFracture ; osteo:isLowEnergyFractureOf <urn:case:anna> }
  GRAPH ?case { <urn:case:anna> osteo:hasFracture ?fracture } }"""


def test_what_follows_about_a_patient_comes_and_goes_with_her_case(client: FlaskClient) -> None:
    def follows() -> bool:
        return bool(client.get("/sparql", query_string={"query": FOLLOWS}).get_json(force=True)["boolean"])

    assert not follows()
    assert client.post("/cases" + DAY, json=ANNA, headers=TOKEN).status_code == 201
    assert follows()
    address = client.get("/graph/inferred/urn%3Acase%3Aanna").headers["Location"]
    assert "lowestTScore" in client.get(address).text
    assert client.delete("/cases/urn%3Acase%3Aanna", headers=TOKEN).status_code == 204
    assert not follows()
    assert client.get(address).status_code == 404


def test_the_neighbours_of_a_kept_patient_are_there_though_facts_are_unknown(client: FlaskClient) -> None:
    unknown = {"patient": "b", "t_score_total_hip": -2.05}
    assert client.post("/cases" + DAY, json=unknown, headers=TOKEN).status_code == 201
    question = (ROOT / "examples" / "questions" / "answers-that-a-lower-t-score-changes.rq").read_text("utf-8")
    rows = client.get("/sparql", query_string={"query": question, "format": "csv"}).text.splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == []
    closer = {"patient": "b", "t_score_total_hip": -2.95, "sex": "female", "menopausal_status": "postmenopausal"}
    assert client.post("/cases" + DAY, json=closer, headers=TOKEN).status_code == 200
    rows = client.get("/sparql", query_string={"query": question, "format": "csv"}).text.splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [["urn:case:b", "0.05"]]
