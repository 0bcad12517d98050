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
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import osteo_kg_server
from helpers import ON, ROOT
from osteo_kg import Dataset, KnowledgeBase, build_dataset

TOKEN = "secret-of-the-tests"
WRITER = {"Authorization": f"Bearer {TOKEN}"}
EXAMPLE = (ROOT / "examples" / "hip-fracture.ttl").read_bytes()
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


def _app(private: bool) -> Flask:
    knowledge_base = KnowledgeBase()
    dataset = build_dataset(knowledge_base, knowledge_base.read(EXAMPLE, "ttl"), on=ON)
    limits = osteo_kg_server.Limits(seconds=5, workers=2)
    chosen = osteo_kg_server.Settings(limits=limits, update_token=TOKEN, private=private)
    return osteo_kg_server.create_app(knowledge_base, dataset, chosen)


@pytest.fixture(scope="module")
def app() -> Flask:
    return _app(private=False)


@pytest.fixture(scope="module")
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def description(app: Flask) -> schemathesis.BaseSchema:
    """The description, as the service gives it, with the service to try it on."""
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


def _tried(operation: APIOperation[Any, Any, Any, Any]) -> None:
    @seed(1)
    @settings(max_examples=25, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def whatever_is_sent(case: schemathesis.Case) -> None:
        case.call_and_validate(headers=WRITER, checks=CHECKS)

    whatever_is_sent()


def test_whatever_is_sent_is_answered_as_is_described(description: schemathesis.BaseSchema) -> None:
    """No error of the service, and no status and no type that the description does not name."""
    operations = [each.ok() for each in description.get_all_operations()]
    assert operations
    failed = {}
    for each in operations:
        try:
            _tried(each)
        except FailureGroup as failure:
            failed[each.label] = [str(one) for one in failure.exceptions]
    assert failed == {}
