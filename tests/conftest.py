"""One knowledge base for all tests, with a cache of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

import osteo_kg_server
from osteo_kg import Dataset
from osteo_kg.knowledge_base import KnowledgeBase


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the tests reason out of the user's cache."""
    before = os.environ.get("OSTEO_KG_CACHE")
    os.environ["OSTEO_KG_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["OSTEO_KG_CACHE"]
    else:
        os.environ["OSTEO_KG_CACHE"] = before


@pytest.fixture(scope="session")
def knowledge_base(cache_folder: None) -> KnowledgeBase:
    """The knowledge base that travels with the library."""
    return KnowledgeBase()


@pytest.fixture(scope="session")
def cds(knowledge_base: KnowledgeBase) -> FlaskClient:
    """A client of CDS Hooks, at a service with nothing but its knowledge base."""
    return osteo_kg_server.create_app(knowledge_base, Dataset({})).test_client()


@pytest.fixture(scope="session")
def templates(cds: FlaskClient) -> dict[str, str]:
    """The prefetch that the service asks for."""
    [first, *_] = cds.get("/cds-services").get_json()["services"]
    prefetch: dict[str, str] = first["prefetch"]
    return prefetch
