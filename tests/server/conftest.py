"""The service that the tests of its parts ask."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import waitress
from flask import Flask
from flask.testing import FlaskClient

import osteo_kg_server
from osteo_kg.dataset import Dataset, build_dataset
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg_server.wsgi import options, refuse_like_the_app
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
    server = waitress.create_server(app, host="127.0.0.1", port=0, **options(app))
    refuse_like_the_app(server, app)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    thread.join(timeout=5)
