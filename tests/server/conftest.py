"""The service that the tests of its parts ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

import osteo_kg_server
from osteo_kg.dataset import Dataset, build_dataset
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg_server import wsgi
from tests.support.service import (
    BASE,
    EXAMPLE,
)
from tests.support.worked import ON


@pytest.fixture(scope="module")
def dataset(knowledge_base: KnowledgeBase) -> Dataset:
    return build_dataset(knowledge_base, knowledge_base.read(EXAMPLE, "ttl"), on=ON)


@pytest.fixture(scope="module")
def app(knowledge_base: KnowledgeBase, dataset: Dataset) -> Flask:
    return osteo_kg_server.create_app(knowledge_base, dataset)


@pytest.fixture(scope="module")
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(scope="module")
def situation(knowledge_base: KnowledgeBase) -> str:
    """The path of the situation that the example is in."""
    [case] = knowledge_base.read(EXAMPLE, "ttl")
    return "/" + knowledge_base.assess(case, on=ON).situation.removeprefix(BASE)


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    """The address of a real server on a free port."""
    with wsgi.served(app) as found:
        yield found
