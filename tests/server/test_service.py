"""The service as it is run: health, logs, a real server, and the command."""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
import urllib.error
import urllib.request
from urllib.parse import urlencode

import pyoxigraph as ox
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from SPARQLWrapper import JSON, TURTLE, SPARQLWrapper

import osteo_kg_server
from osteo_kg.cli.main import main
from osteo_kg.dataset import Dataset
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg_server.views.assessments import MOST_BYTES
from tests.support.service import (
    CONSTRUCT,
    DAY,
    EXAMPLE,
    PATIENT,
    RECORD,
    REFUSED,
    SECRET,
    SELECT,
    is_problem,
    post,
)

pytestmark = pytest.mark.server


# Operation


def test_the_service_says_that_it_lives_and_is_ready(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    assert client.get("/health").get_json() == {"status": "alive"}
    assert client.get("/ready").get_json()["knowledge"] == knowledge_base.knowledge.digest


def test_every_route_is_described(app: Flask, client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert described ^ routes == set()


def test_an_unforeseen_error_is_a_problem_that_says_nothing_of_the_case(
    knowledge_base: KnowledgeBase, dataset: Dataset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = osteo_kg_server.create_app(knowledge_base, dataset).test_client()

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(PATIENT)

    monkeypatch.setattr(knowledge_base, "assess_all", fail)
    with caplog.at_level(logging.DEBUG):
        response = post(client, "/assessments", RECORD)
    is_problem(response, 500)
    assert PATIENT not in response.text
    assert "RuntimeError" in caplog.text
    assert PATIENT not in caplog.text


#: What a record says of the time, whose digits may be any.
CLOCK = ("created", "msecs", "relativeCreated")


def test_no_log_of_a_whole_run_tells_a_fact_of_a_patient(
    client: FlaskClient, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    told = (PATIENT, "secret", "3.14159", "postmenopausal")
    with caplog.at_level(logging.DEBUG):
        for path in ("/assessments", "/validations"):
            for accept in ("application/json", "text/turtle", "application/ld+json", "text/html"):
                for record in (RECORD, REFUSED, [RECORD, REFUSED], {**RECORD, "conditions": [SECRET]}, {PATIENT: 1}):
                    post(client, path, record, Accept=accept, **{"X-Request-Id": PATIENT})
            client.post(path, data=f"<{PATIENT}> a", content_type="text/turtle")
            client.post(path, data=EXAMPLE.replace(b"hip-fracture>", b"secret>"), content_type="text/turtle")
            client.get(f"{path}/{PATIENT}?patient={PATIENT}")
            post(client, f"{path}?{PATIENT}={SECRET}", RECORD)
        client.get("/sparql", query_string={"query": f"ASK {{ <{PATIENT}> ?p 3.14159 }}"})
        client.get("/sparql", query_string={"query": f"ASK {{ <{PATIENT}> "})
        client.open("/health", method="SECRET")
        request = urllib.request.Request(
            f"{address}/assessments", json.dumps(RECORD).encode(), {"Content-Type": "text/csv"}
        )
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(request)
    assert caplog.records
    for each in caplog.records:
        said = {name: value for name, value in each.__dict__.items() if name not in CLOCK}
        text = f"{each.getMessage()} {each.exc_info} {said}".lower()
        assert [fact for fact in told if fact in text] == [], each.name


def test_a_log_line_says_which_request_ended_how(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="osteo_kg_server"):
        response = client.get("/ns/Treat?language=fr")
    [line] = [json.loads(record.getMessage()) for record in caplog.records if record.name == "osteo_kg_server"]
    assert line.pop("milliseconds") >= 0
    assert line == {
        "request": response.headers["X-Request-Id"],
        "method": "GET",
        "path": "/ns/<term>",
        "status": 303,
        "outcome": "answered",
    }


# A real server


def test_a_real_server_answers(address: str) -> None:
    with urllib.request.urlopen(f"{address}/sparql?{urlencode({'query': SELECT})}") as response:
        assert json.load(response)["results"]["bindings"]
        assert response.headers["Server"] is None
    request = urllib.request.Request(f"{address}/assessments{DAY}", EXAMPLE, {"Content-Type": "text/turtle"})
    with urllib.request.urlopen(request) as response:
        assert json.load(response)["disposition"] == "treat"


def test_a_real_server_refuses_a_body_that_is_too_large_with_a_problem(address: str) -> None:
    body = b" " * (MOST_BYTES + 1)
    request = urllib.request.Request(f"{address}/assessments", body, {"Content-Type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as response:
        assert response.code == 413
        assert json.load(response)["status"] == 413


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_of_others_is_answered(address: str, method: str) -> None:
    wrapper = SPARQLWrapper(f"{address}/sparql")
    wrapper.setMethod(method)
    wrapper.setQuery(SELECT)
    wrapper.setReturnFormat(JSON)
    found = wrapper.query().convert()
    assert isinstance(found, dict)
    assert found["results"]["bindings"][0]["d"]["value"].endswith("Treat")
    wrapper.setQuery(CONSTRUCT)
    wrapper.setReturnFormat(TURTLE)
    data = wrapper.query().convert()
    assert isinstance(data, bytes)
    assert list(ox.parse(data, format=ox.RdfFormat.TURTLE))


def test_many_clients_at_once_get_the_same_answers(address: str) -> None:
    answers: list[bytes] = []

    def ask() -> None:
        request = urllib.request.Request(f"{address}/assessments{DAY}", EXAMPLE, {"Content-Type": "text/turtle"})
        for _ in range(3):
            with urllib.request.urlopen(request) as response:
                answers.append(response.read())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 12
    assert len(set(answers)) == 1


# The command


def test_the_command_serves_the_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[tuple[Flask, str, int]] = []
    monkeypatch.setattr(
        "osteo_kg_server.command.wsgi.serve", lambda app, *, host, port: served.append((app, host, port))
    )
    result = CliRunner().invoke(main, ["serve", "--port", "8099"])
    assert result.exit_code == 0, result.output
    [(app, host, port)] = served
    assert (host, port) == ("127.0.0.1", 8099)
    response = app.test_client().get("/sparql", query_string={"query": SELECT})
    assert response.get_json(force=True)["results"]["bindings"]


def test_the_command_says_what_is_wrong_with_an_address(
    monkeypatch: pytest.MonkeyPatch, knowledge_base: KnowledgeBase, dataset: Dataset, address: str
) -> None:
    monkeypatch.setattr(KnowledgeBase, "load", lambda *_, **__: knowledge_base)
    monkeypatch.setattr("osteo_kg_server.command.build_dataset", lambda *_: dataset)
    monkeypatch.setattr("osteo_kg_server.logs.to_standard_error", lambda: None)
    result = CliRunner().invoke(main, ["serve", "--port", address.rsplit(":", 1)[1]])
    assert result.exit_code == 2
    assert "cannot be listened on" in result.stderr


def test_the_command_says_that_the_server_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "osteo_kg_server.command", None)
    result = CliRunner().invoke(main, ["serve"])
    assert result.exit_code == 2
    assert "The command serve cannot be loaded" in result.stderr
