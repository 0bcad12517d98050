"""What the service says of itself is what it does: every route, every status, every type, whatever is sent."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import osteo_kg_server
from osteo_kg import Dataset, KnowledgeBase

pytestmark = pytest.mark.server


TOKEN = "secret-of-the-tests"
WRITER = {"Authorization": f"Bearer {TOKEN}"}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def _app(knowledge_base: KnowledgeBase, dataset: Dataset, private: bool) -> Flask:
    limits = osteo_kg_server.Limits(seconds=5, workers=2)
    chosen = osteo_kg_server.Settings(limits=limits, update_token=TOKEN, private=private)
    return osteo_kg_server.create_app(knowledge_base, dataset, chosen)


@pytest.fixture(scope="module")
def app(knowledge_base: KnowledgeBase, dataset: Dataset) -> Flask:
    return _app(knowledge_base, dataset, private=False)


@pytest.fixture(scope="module")
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def description(app: Flask) -> schemathesis.BaseSchema:
    """The description, as the service gives it, with the service to try it on."""
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


def _tried(operation: APIOperation[Any, Any, Any, Any]) -> None:
    @seed(1)
    @settings(max_examples=10, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def whatever_is_sent(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(headers={**WRITER, "Accept-Encoding": "identity"}, checks=CHECKS)

    whatever_is_sent()


def test_whatever_is_sent_is_answered_as_is_described(description: schemathesis.BaseSchema) -> None:
    """No error of the service, and no status and no type that the description does not name."""
    operations = [each.ok() for each in description.get_all_operations() if isinstance(each, Ok)]
    assert operations
    failed = {}
    for each in operations:
        try:
            _tried(each)
        except FailureGroup as failure:
            failed[each.label] = [str(one) for one in failure.exceptions]
    assert not failed, "\n".join(f"{label}: {each}" for label, found in failed.items() for each in found)


def test_every_view_is_described_in_its_own_words(client: FlaskClient) -> None:
    paths = client.get("/openapi.json").get_json()["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]
    assert [each for each in operations if not each["summary"].endswith(".")] == []
    assert {"/update", "/store", "/store/{path}", "/cases", "/cases/{patient}", "/metrics"} <= set(paths)


@pytest.mark.parametrize("private", [True, False])
def test_what_wants_a_token_says_so_and_holds_to_it(
    knowledge_base: KnowledgeBase, dataset: Dataset, private: bool
) -> None:
    client = _app(knowledge_base, dataset, private).test_client()
    open_ = set()
    for path, item in client.get("/openapi.json").get_json()["paths"].items():
        for method, operation in item.items():
            status = client.open(path.replace("{", "").replace("}", ""), method=method).status_code
            assert (status == 401) == ("security" in operation), (method, path, status)
            if "security" not in operation:
                open_.add((method, path))
    alone = {("get", path) for path in ("/health", "/ready", "/openapi.json", "/static/{name}")}
    assert open_ == alone if private else open_ > alone


def test_a_path_that_a_browser_asks_about_first_wants_no_token(knowledge_base: KnowledgeBase, dataset: Dataset) -> None:
    assert _app(knowledge_base, dataset, private=True).test_client().options("/sparql").status_code == 200
