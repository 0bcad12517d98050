"""One knowledge base for all tests, with a cache of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from flask.testing import FlaskClient

import osteo_kg_server
from osteo_kg import Dataset
from osteo_kg.decision_table.table import settled_keys
from osteo_kg.knowledge_base import KnowledgeBase

_LEFT_OUT = re.compile(r"^pytestmark = .*pytest\.mark\.(slow|server)\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not even import a module that `make check` leaves out as a whole: imports are half of its minute."""
    if config.option.markexpr != "not slow and not server" or collection_path.suffix != ".py":
        return None
    return True if _LEFT_OUT.search(collection_path.read_text(encoding="utf-8")) else None


@pytest.fixture(scope="session", autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what the tests reason out of the user's cache; one worker reasons everything, and all of them read it."""
    before, base = os.environ.get("OSTEO_KG_CACHE"), tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "cache"
    os.environ["OSTEO_KG_CACHE"] = str(folder)
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            engine = KnowledgeBase().engine()
            engine.settled(settled_keys(engine))
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
