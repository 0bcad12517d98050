"""Figures, readiness, logs and the end of the service, on the app and on the real process."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

import osteo_kg_server
from osteo_kg import KnowledgeBase, build_dataset
from osteo_kg.rdf.sparql import elsewhere
from osteo_kg_server.service import of
from osteo_kg_server.store import BusyError

pytestmark = pytest.mark.server


TOKEN = "secret-of-the-tests"
WRITER = {"Authorization": f"Bearer {TOKEN}"}
PATIENT, SCORE = "urn:case:secret-anna", "-3.14159"
RECORD = {
    "patient": PATIENT,
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 71,
    "t_score_total_hip": float(SCORE),
}
TRIPLES = f"<{PATIENT}> <urn:score> {SCORE} ."
LARGE = "SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 400000"
ENDLESS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
PART = "Content-Disposition: form-data; name=f; filename=x.ttl\r\nContent-Type: text/turtle"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FACTS = ("secret-anna", "3.14159", "postmenopausal")


def _app(knowledge_base: KnowledgeBase, **settings: Any) -> Flask:
    limits = osteo_kg_server.Limits(seconds=20, workers=2, wait_seconds=0.5)
    chosen = osteo_kg_server.Settings(limits=limits, update_token=TOKEN, **settings)
    return osteo_kg_server.create_app(knowledge_base, build_dataset(knowledge_base, ()), chosen)


@pytest.fixture(scope="module")
def app(knowledge_base: KnowledgeBase) -> Flask:
    return _app(knowledge_base)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def _figures(client: FlaskClient) -> dict[tuple[str, ...], float]:
    response = client.get("/metrics", headers=WRITER)
    assert response.mimetype == "text/plain"
    families = text_string_to_metric_families(response.text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


# Figures


def test_requests_are_counted_by_their_route(client: FlaskClient) -> None:
    key = ("osteo_kg_requests_total", "GET", "/cases/<path:patient>", "404")
    before = _figures(client).get(key, 0)
    client.get(f"/cases/{quote(PATIENT, safe='')}")
    after = _figures(client)
    assert after[key] == before + 1
    assert after["osteo_kg_request_seconds_count", "/cases/<path:patient>"] >= 1


def test_no_label_holds_what_a_client_wrote(client: FlaskClient) -> None:
    for path in (f"/cases/{PATIENT}", f"/store/{PATIENT}", f"/{PATIENT}", f"/ns/{PATIENT}", f"/store?graph={PATIENT}"):
        client.get(path)
        client.open(path, method="SECRET-ANNA")
    assert "secret-anna" not in client.get("/metrics").text.lower()


def test_queries_that_are_stopped_are_counted_by_their_limit(client: FlaskClient) -> None:
    before = _figures(client)
    assert client.get("/sparql", query_string={"query": ENDLESS, "timeout": "0.2"}).status_code == 503
    assert client.get("/sparql", query_string={"query": "#" * 2_000_000}).status_code == 413
    after = _figures(client)
    for limit in ("deadline", "too-large"):
        assert after["osteo_kg_stopped_total", limit] == before["osteo_kg_stopped_total", limit] + 1


def test_workers_triples_and_cases_are_counted(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    client.get("/sparql", query_string={"query": "ASK {}"})
    before = _figures(client)
    assert (before["osteo_kg_workers", "in-use"], before["osteo_kg_workers", "idle"]) == (0, 1)
    assert client.post("/cases", json=RECORD, headers=WRITER).status_code == 201
    assert client.put("/store?graph=urn:x", data=TRIPLES, content_type="text/turtle", headers=WRITER).status_code == 201
    after = _figures(client)
    assert after["osteo_kg_cases",] == before["osteo_kg_cases",] + 1
    assert after["osteo_kg_triples", "others"] == before["osteo_kg_triples", "others"] + 1
    assert after["osteo_kg_triples", "cases"] > before["osteo_kg_triples", "cases"]
    digest = knowledge_base.knowledge.digest
    assert [value for key, value in after.items() if key[0] == "osteo_kg_build_info" and digest in key] == [1]


def test_two_apps_count_apart(knowledge_base: KnowledgeBase, client: FlaskClient) -> None:
    client.get("/health")
    other = _app(knowledge_base).test_client()
    assert ("osteo_kg_requests_total", "GET", "/health", "200") not in _figures(other)


# Readiness


def test_the_service_is_not_ready_while_the_index_is_built(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/ready").get_json()["reassessment"] == {"due": 0, "done": 0}

    def check() -> None:
        raise BusyError("The index is being built.", advice="Ask again in a little while.")

    monkeypatch.setattr(of(app).store, "check", check)
    response = client.get("/ready")
    assert (response.status_code, response.mimetype) == (503, "application/problem+json")
    assert client.get("/health").status_code == 200


def test_an_index_that_died_is_whole_again_before_it_is_asked(app: Flask, client: FlaskClient) -> None:
    query = {"query": "SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"}
    before = client.get("/sparql", query_string=query).data
    workers = vars(of(app).store)["_workers"]
    workers.index._control.shutdown(2)
    workers.change([])
    answers: list[tuple[int, bytes]] = []

    def ask() -> None:
        response = app.test_client().get("/sparql", query_string=query)
        answers.append((response.status_code, response.data))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {data for status, data in answers if status == 200} == {before}
    assert client.get("/ready").status_code == 200


def test_an_answer_that_is_not_taken_gives_its_worker_back(client: FlaskClient) -> None:
    for _ in range(4):
        client.head("/sparql", query_string={"query": LARGE}).close()
        client.get("/sparql", query_string={"query": LARGE}, headers={"Accept-Encoding": "gzip"}).close()
    assert client.get("/sparql", query_string={"query": "ASK {}"}).status_code == 200
    assert _figures(client)["osteo_kg_workers", "in-use"] == 0


# What cannot be done


@pytest.mark.parametrize(
    "query",
    [
        "PREFIX ex: <urn:> SELECT * { ?s ex:a\\' ?o . SERVICE <urn:x> { ?a ?b ?c } FILTER(?o = 'x') }",
        "PREFIX ex: <urn:> SELECT * { ?s ex:a\\# ?o . SERVICE <urn:x> { ?a ?b ?c } }",
        "SELECT * { ?s ?p ?o FILTER(?o<9)SERVICE#>\n<urn:x> { ?a ?b ?c } }",
        "SELECT * { ?s ?p ?o FILTER(?o<9&&?o!='x>')SERVICE<urn:x> { ?a ?b ?c } FILTER(?c!='x') }",
        "SELECT * { ?s ?p 1SERVICE <urn:x> { ?a ?b ?c } }",
        "SELECT * { ?s ?p trueSERVICE <urn:x> { ?a ?b ?c } }",
        "SELECT * { SERVICESILENT<urn:x> { ?a ?b ?c } }",
        "PREFIX x: <urn:x> SELECT * { SERVICEx: { ?a ?b ?c } }",
    ],
)
def test_nothing_hides_that_a_query_reaches_outside(client: FlaskClient, query: str) -> None:
    response = client.get("/sparql", query_string={"query": query})
    assert response.status_code == 400
    assert "SERVICE" in response.get_json(force=True)["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "PREFIX s: <http://x.example/service#> SELECT ?service { ?service s:SERVICE ?x }",
        "SELECT * { ?s <http://x.example/O'Neil)SERVICE#> 'SERVICE' } # LOAD",
        "SELECT * { ?s <urn:service:x> 'x'@en-service }",
    ],
)
def test_a_word_that_only_looks_like_it_is_let_through(query: str) -> None:
    assert elsewhere(query) is None


@pytest.mark.parametrize(
    ("media", "body"),
    [
        ("text/turtle", "<urn:a> <urn:b> " + "(" * 1_000_000),
        ("application/rdf+xml", '<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' + "<r:li>" * 300_000),
        ("application/json", "[" * 1_000_000),
    ],
)
def test_a_body_that_is_nested_without_end_is_refused(client: FlaskClient, media: str, body: str) -> None:
    for path, headers in (("/validations", {}), ("/store?graph=urn:x", WRITER)):
        response = client.post(path, data=body, content_type=media, headers=headers)
        assert response.status_code in (400, 415)


def test_a_batch_of_cases_ends_at_the_deadline(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(range(0, 10_000, 15))
    monkeypatch.setattr("osteo_kg_server.views.assessments.time.monotonic", lambda: next(now))
    response = client.post("/validations", json=[{}] * 5)
    assert response.status_code == 503
    assert response.get_json(force=True)["type"].endswith("deadline-passed")


def test_a_form_without_a_file_does_not_empty_a_graph(client: FlaskClient) -> None:
    client.put("/store?graph=urn:y", data=TRIPLES, content_type="text/turtle", headers=WRITER)
    lost = client.put("/store?graph=urn:y", data=b"x", content_type="multipart/form-data; boundary=b", headers=WRITER)
    assert lost.status_code == 400
    assert SCORE in client.get("/store?graph=urn:y").text


def test_a_file_of_a_form_stays_in_memory(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object, **__: object) -> None:
        raise AssertionError("a file of a form is written to the disk")

    monkeypatch.setattr("werkzeug.formparser.default_stream_factory", opened)
    monkeypatch.setattr("tempfile.SpooledTemporaryFile", opened)
    form = f"--b\r\n{PART}\r\n\r\n{TRIPLES}{'#' * 600_000}\r\n--b--\r\n"
    media = "multipart/form-data; boundary=b"
    assert client.post("/store?graph=urn:f", data=form, content_type=media, headers=WRITER).status_code == 201


def test_a_cache_keeps_the_pages_of_sites_apart(knowledge_base: KnowledgeBase) -> None:
    client = _app(knowledge_base, cors_origins=("https://a.example",)).test_client()
    for origin in ("https://a.example", "https://b.example"):
        response = client.get("/ready", headers={"Origin": origin})
        assert "Origin" in response.headers["Vary"]
        assert response.headers.get("Access-Control-Allow-Origin") == (origin if "a." in origin else None)
        assert "Access-Control-Allow-Credentials" not in response.headers


def test_what_a_private_service_gives_is_kept_by_no_shared_cache(knowledge_base: KnowledgeBase) -> None:
    client = _app(knowledge_base, private=True).test_client()
    for path in ("/sparql?query=ASK%7B%7D", "/store?default", "/cases", "/ns/Treat.ttl"):
        response = client.get(path, headers=WRITER)
        assert response.status_code == 200
        assert {"private", "no-store"} & set(response.headers["Cache-Control"].replace(",", " ").split()), path
        again = client.get(path, headers={**WRITER, "If-None-Match": response.headers.get("ETag", "x")})
        assert (again.status_code, again.data) == (304, b"") if "ETag" in response.headers else (200, response.data)
        assert client.get(path).status_code == 401


# The real process


class _Process:
    """The service as a process, and what it says."""

    def __init__(self, log: Path, *flags: str) -> None:
        self._log = log
        command = [sys.executable, "-m", "osteo_kg", "serve", "--port", "0", "--no-examples", *flags]
        environment = {**os.environ, "OSTEO_KG_UPDATE_TOKEN": TOKEN}
        with log.open("wb") as file:
            self.process = subprocess.Popen(command, stderr=file, stdout=file, env=environment)
        while "listening on" not in (said := self.said()):
            assert self.process.poll() is None, said
            time.sleep(0.05)
        self.address = urlsplit(said.split("listening on ")[1].split()[0])

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.said().splitlines() if line.startswith("{")]

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port or 0, timeout=60)
        try:
            connection.request(method, path, body, {**WRITER, **headers})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def query(self, text: str, **more: str) -> tuple[int, bytes]:
        return self.send("GET", f"/sparql?{urlencode({'query': text, **more})}")

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture
def process(tmp_path: Path) -> Iterator[_Process]:
    started = _Process(tmp_path / "log", "--timeout", "20")
    yield started
    started.process.kill()
    started.process.wait()


def test_no_line_of_the_log_tells_a_fact_of_a_patient(process: _Process) -> None:
    store, case = f"/store?graph={quote(PATIENT)}", f"/cases/{quote(PATIENT, safe='')}"
    sparql, update = {"Content-Type": "application/sparql-query"}, {"Content-Type": "application/sparql-update"}
    turtle, record = {"Content-Type": "text/turtle"}, {"Content-Type": "application/json"}
    form = f"--b\r\nContent-Disposition: form-data; name=f; filename={PATIENT}\r\nContent-Type: text/turtle\r\n\r\n"
    for body in (json.dumps(RECORD), json.dumps([RECORD, {**RECORD, "sex": SCORE}]), "{" + SCORE):
        for path in ("/cases", "/assessments", "/validations"):
            process.send("POST", path, body, **record)
    page, multipart = {"Accept": "text/html"}, {"Content-Type": "multipart/form-data; boundary=b"}
    for fields in (RECORD, {**RECORD, "sex": SCORE}, {**RECORD, PATIENT: SCORE}, {**RECORD, "take": PATIENT}):
        process.send("POST", "/assess", urlencode(fields), **page, **FORM)
    for body in (json.dumps(RECORD), "{" + SCORE, TRIPLES):
        part = f"--b\r\nContent-Disposition: form-data; name=file; filename={PATIENT}.json\r\n\r\n{body}\r\n--b--\r\n"
        process.send("POST", "/assess", part, **page, **multipart)
    for method, path in (("GET", case), ("GET", f"{case}?x={SCORE}"), ("GET", f"/{PATIENT}"), ("SECRET-ANNA", case)):
        process.send(method, path)
    for method in ("PUT", "POST", "GET", "HEAD", "DELETE", "GET"):
        process.send(method, store, TRIPLES if method in ("PUT", "POST") else None, **turtle)
        process.send(method, f"/store/{PATIENT}", TRIPLES if method in ("PUT", "POST") else None, **turtle)
    process.send("PUT", store, TRIPLES + "<", **turtle)
    process.send("POST", store, f"{form}{TRIPLES}\r\n--b--\r\n", **multipart)
    for text in (f"INSERT DATA {{ {TRIPLES} }}", f"DELETE {{ ?s ?p {SCORE} }} WHERE {{ ?s ?p ?o }}", f"INSERT {SCORE}"):
        process.send("POST", "/update", text, **update)
    for text in (f"ASK {{ <{PATIENT}> ?p {SCORE} }}", f"ASK {{ <{PATIENT}> ", f'ASK {{ ?s ?p "{PATIENT}"^^<x y> }}'):
        process.query(text)
        process.send("POST", "/sparql", text, **sparql)
    process.query(f"{ENDLESS} #{PATIENT}", timeout="0.3")
    process.send("POST", "/update", gzip.compress(TRIPLES.encode())[:20], **update, **{"Content-Encoding": "gzip"})
    _leave_early(process, f"{LARGE} #{PATIENT}")
    assert process.end() == 0
    assert {line["outcome"] for line in process.lines() if "outcome" in line} >= {"answered", "refused", "deadline"}
    assert [fact for fact in FACTS if fact in process.said().lower()] == []


def _leave_early(process: _Process, query: str) -> None:
    connection = http.client.HTTPConnection(process.address.hostname or "", process.address.port or 0, timeout=60)
    connection.request("GET", f"/sparql?{urlencode({'query': query})}")
    connection.getresponse().read(100)
    connection.close()


def test_queries_are_logged_where_that_is_asked(tmp_path: Path) -> None:
    process = _Process(tmp_path / "log", "--log-queries")
    process.query("ASK { <urn:a> ?p 'é' }")
    process.send("POST", "/update", "CLEAR GRAPH <urn:x>", **{"Content-Type": "application/sparql-update"})
    assert process.end() == 0
    queries = [line["query"] for line in process.lines() if "query" in line]
    assert queries == ["ASK { <urn:a> ?p 'é' }", "CLEAR GRAPH <urn:x>"]


def test_what_was_asked_is_answered_to_the_end_before_the_service_ends(process: _Process) -> None:
    slow = "SELECT (COUNT(*) AS ?n) { { SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 3000000 } }"
    answers: list[tuple[int, bytes]] = []
    asking = [threading.Thread(target=lambda text=text: answers.append(process.query(text))) for text in (slow, LARGE)]
    for thread in asking:
        thread.start()
    time.sleep(0.5)
    assert process.end() == 0
    for thread in asking:
        thread.join()
    (small, large) = sorted(answers, key=lambda answer: len(answer[1]))
    assert small[0] == 200
    assert b"3000000" in small[1]
    assert large[0] == 200
    assert len(json.loads(large[1])["results"]["bindings"]) == 400_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is read, which Linux has")
def test_no_worker_outlives_the_service(process: _Process) -> None:
    process.query("ASK {}")
    children = _below(process.process.pid)
    assert children
    assert process.end() == 0
    assert [each for each in children if Path(f"/proc/{each}").exists()] == []


def _below(pid: int) -> list[int]:
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text(encoding="utf-8").rpartition(")")[2].split()[1])
        except OSError:  # it ended while this was read
            continue
    children = [child for child, parent in parents.items() if parent == pid]
    return [*children, *(each for child in children for each in _below(child))]
