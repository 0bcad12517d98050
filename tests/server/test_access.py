"""Who may read and write: tokens, their rights, their rotation."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import osteo_kg_server
from osteo_kg import Dataset, KnowledgeBase, UsageError
from osteo_kg_server import Settings

pytestmark = pytest.mark.server


INSERT = {"data": {"update": "INSERT DATA { <urn:a> <urn:b> 1 }"}}
ASK = "/sparql?query=ASK%20%7B%3Fs%20%3Fp%20%3Fo%7D"


def _client(knowledge_base: KnowledgeBase, **settings: object) -> FlaskClient:
    made = Settings(scratch=True, **settings)  # type: ignore[arg-type]
    return osteo_kg_server.create_app(knowledge_base, Dataset({}), made).test_client()


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _written(path: Path, text: str) -> None:
    """Write a file so that its time differs, however fast this is."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_nothing_can_be_written_where_no_token_may(knowledge_base: KnowledgeBase) -> None:
    client = _client(knowledge_base)
    for response in (
        client.post("/update", **INSERT),
        client.put("/store?default", data="", content_type="text/turtle"),
        client.delete("/store?default"),
        client.post("/cases", json={}),
        client.delete("/cases/urn:case:anna"),
    ):
        assert response.status_code == 403
        assert "OSTEO_KG_UPDATE_TOKEN" in response.get_json(force=True)["detail"]


def test_a_token_of_the_environment_writes_and_no_other_does(knowledge_base: KnowledgeBase) -> None:
    client = _client(knowledge_base, update_token="long-enough")
    assert client.post("/update", headers=_bearer("long-enough"), **INSERT).status_code == 204
    for headers in ({}, _bearer("long-enougH"), {"Authorization": "Basic bG9uZy1lbm91Z2g="}):
        refused = client.post("/update", headers=headers, **INSERT)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].lower().startswith("bearer")


def test_tokens_have_rights_and_change_without_a_restart(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    _written(file, "# of the ward\nread reader-token\nwrite writer-token\n\n")
    client = _client(knowledge_base, tokens=file, private=True)
    assert client.get(ASK).status_code == 401
    assert client.get(ASK, headers=_bearer("reader-token")).status_code == 200
    assert client.post("/update", headers=_bearer("reader-token"), **INSERT).status_code == 403
    assert client.post("/update", headers=_bearer("writer-token"), **INSERT).status_code == 204
    _written(file, "write newer-token\n")
    assert client.get(ASK, headers=_bearer("reader-token")).status_code == 401
    assert client.get(ASK, headers=_bearer("newer-token")).status_code == 200
    _written(file, "nonsense")
    assert client.get(ASK, headers=_bearer("newer-token")).status_code == 401


@pytest.mark.parametrize("text", ["admin a-long-token", "write short", "write"])
def test_a_file_of_tokens_that_is_not_understood_stops_the_start(
    knowledge_base: KnowledgeBase, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"read a-good-token\n{text}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="Line 2"):
        _client(knowledge_base, tokens=file)


@pytest.mark.parametrize(
    "path", [ASK, "/store?default", "/cases", "/ns/Treat", "/ontology/core", "/.well-known/void", "/sparql"]
)
def test_a_private_service_wants_a_token_for_every_reading(knowledge_base: KnowledgeBase, path: str) -> None:
    client = _client(knowledge_base, update_token="long-enough", private=True)
    assert client.get(path).status_code == 401
    assert client.get(path, headers=_bearer("long-enough")).status_code in (200, 303, 404)
    assert client.get("/health").status_code == 200
