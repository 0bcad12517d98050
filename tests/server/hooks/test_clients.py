"""Clients of CDS Hooks: let in by a token that they signed, once."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from flask.testing import FlaskClient

import osteo_kg_server
from osteo_kg import Dataset, UsageError
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg_server.auth import Clients
from tests.support.hooks import (
    SERVICE,
    Resource,
    hook,
)

pytestmark = pytest.mark.server


# Clients

ISSUER, KEYS_AT = "https://ehr.example", "https://ehr.example/jwks.json"


@pytest.fixture(scope="module")
def keys() -> dict[str, Any]:
    return {
        "ES384": ec.generate_private_key(ec.SECP384R1()),
        "RS384": rsa.generate_private_key(65537, 2048),
        "other": ec.generate_private_key(ec.SECP384R1()),
    }


@pytest.fixture(scope="module")
def guarded(
    knowledge_base: KnowledgeBase, keys: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> FlaskClient:
    made: dict[str, Any] = {"ES384": jwt.algorithms.ECAlgorithm, "RS384": jwt.algorithms.RSAAlgorithm}
    public = [
        {**writer.to_jwk(keys[alg].public_key(), as_dict=True), "kid": alg, "alg": alg} for alg, writer in made.items()
    ]
    file = tmp_path_factory.mktemp("clients") / "clients.json"
    file.write_text(json.dumps({"clients": [{"iss": ISSUER, "jku": KEYS_AT, "keys": public}]}), encoding="utf-8")
    chosen = osteo_kg_server.Settings(cds_clients=file, public_url="https://cds.example")
    return osteo_kg_server.create_app(knowledge_base, Dataset({}), chosen).test_client()


def token(key: Any, alg: str, header: Resource | None = None, **claims: Any) -> str:
    now = int(time.time())
    said = {
        "iss": ISSUER,
        "aud": f"https://cds.example{SERVICE}",
        "iat": now,
        "exp": now + 60,
        "jti": str(uuid.uuid4()),
    }
    named = {"kid": alg, "jku": KEYS_AT, **(header or {})}
    return jwt.encode({k: v for k, v in {**said, **claims}.items() if v is not None}, key, alg, headers=named)


def called(guarded: FlaskClient, bearer: str) -> int:
    headers = {"Authorization": f"Bearer {bearer}"}
    return guarded.post(SERVICE, json=hook(), headers=headers).status_code  # 412: let in, without a prefetch


@pytest.mark.parametrize("alg", ["ES384", "RS384"])
def test_a_token_lets_in_once(guarded: FlaskClient, keys: dict[str, Any], alg: str) -> None:
    signed = token(keys[alg], alg)
    assert [called(guarded, signed), called(guarded, signed)] == [412, 401]


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://other.example"},
        {"aud": "https://cds.example/cds-services/other"},
        {"exp": 1},
        {"exp": int(time.time()) + 10_000},
        {"exp": str(int(time.time()) + 60)},
        {"exp": float("inf")},
        {"iat": 1.5},
        {"iat": float("inf")},
        {"iat": None},
        {"jti": None},
        {"header": {"jku": "https://other.example/jwks.json"}},
        {"header": {"kid": "RS384"}},
        {"header": {"kid": "none"}},
        {"header": {"typ": "at+jwt"}},
    ],
)
def test_a_token_that_is_not_good_is_refused(
    guarded: FlaskClient, keys: dict[str, Any], change: dict[str, Any]
) -> None:
    assert called(guarded, token(keys["ES384"], "ES384", **change)) == 401


def test_a_signature_of_another_or_of_another_kind_is_refused(guarded: FlaskClient, keys: dict[str, Any]) -> None:
    named = {"kid": "ES384"}
    assert called(guarded, token(keys["other"], "ES384")) == 401
    assert called(guarded, token("a secret that is long enough, and more than that", "HS384", named)) == 401
    assert called(guarded, token("", "none", named)) == 401
    assert called(guarded, "no.token.atall") == 401
    assert guarded.post(SERVICE, json=hook()).status_code == 401
    assert guarded.post(f"{SERVICE}/feedback", json={"feedback": []}).status_code == 401
    assert guarded.get("/cds-services").status_code == 200


@pytest.mark.parametrize("text", ["", "[]", '{"clients": [{"iss": "x", "keys": [{"kid": "1", "alg": "HS384"}]}]}'])
def test_a_file_of_clients_that_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "clients.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        Clients(file)
