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
from werkzeug.http import parse_dict_header

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


def not_good(now: int) -> dict[str, tuple[dict[str, Any], str]]:
    """Give tokens that are not good at a second, each as what of it is changed and what is told."""
    return {
        "of nobody known": ({"iss": "https://other.example"}, "Its issuer (iss) is not known here."),
        "without an issuer": ({"iss": None}, "Its issuer (iss) is not known here."),
        "for elsewhere": (
            {"aud": "https://cds.example/cds-services/other"},
            f"It is for another address: its aud has to be https://cds.example{SERVICE}",
        ),
        "for nowhere": ({"aud": None}, "It has no aud."),
        "expired": ({"exp": 1}, "It expired at 1970-01-01T00:00:01Z (now 2"),
        "just expired": ({"iat": now - 200, "exp": now - 70}, "It expired at 2"),
        "expired before all time": ({"exp": -(10**20)}, "It expired at a time outside the calendar (now 2"),
        "not yet valid": ({"nbf": now + 3600, "exp": now + 60}, "It is not valid before 2"),
        "issued in the future": ({"iat": now + 3600, "exp": now + 3660}, "It is not valid before 2"),
        "good for too long": ({"exp": now + 10_000}, "It is good for more than 300 seconds."),
        "ends at a word": ({"exp": str(now + 60)}, "Its times (exp, iat) are not whole numbers of seconds."),
        "ends never": ({"exp": float("inf")}, "It is no JSON Web Token that can be read."),
        "issued in half a second": ({"iat": 1.5}, "Its times (exp, iat) are not whole numbers of seconds."),
        "issued never": ({"iat": float("inf")}, "Its iat is not a number of seconds."),
        "without a beginning": ({"iat": None}, "It has no iat."),
        "without an end": ({"exp": None}, "It has no exp."),
        "without a name": ({"jti": None}, "It has no jti."),
        "named by a number": ({"jti": 7}, "Its jti is not a text."),
        "keys elsewhere": (
            {"header": {"jku": "https://other.example/jwks.json"}},
            "at an address (jku) that is not known",
        ),
        "another kind of key": ({"header": {"kid": "RS384"}}, "not that of its key, which is RS384."),
        "no key": ({"header": {"kid": "none"}}, "Its key (kid) is not known of its issuer."),
        "another type": ({"header": {"typ": "at+jwt"}}, "The typ of its header is not JWT."),
    }


def refused(guarded: FlaskClient, bearer: str | None) -> str:
    """Give why a token is not taken, as the problem document and RFC 6750 say it alike."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer is not None else {}
    answer = guarded.post(SERVICE, json=hook(), headers=headers)
    assert answer.status_code == 401
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer ")
    told = parse_dict_header(challenge.removeprefix("Bearer "))
    detail: str = answer.get_json()["detail"]
    assert told["realm"] == "osteo-kg"
    if bearer is None:
        assert set(told) == {"realm"}
        return detail
    assert told["error"] == "invalid_token"
    assert str(told["error_description"]) in detail
    return str(told["error_description"])


@pytest.mark.parametrize("case", not_good(0))
def test_a_token_that_is_not_good_is_refused_with_the_reason(
    guarded: FlaskClient, keys: dict[str, Any], case: str
) -> None:
    change, why = not_good(int(time.time()))[case]
    assert why in refused(guarded, token(keys["ES384"], "ES384", **change))


def test_clocks_may_differ_by_a_minute(guarded: FlaskClient, keys: dict[str, Any]) -> None:
    now = int(time.time())
    assert called(guarded, token(keys["ES384"], "ES384", iat=now - 100, exp=now - 45)) == 412
    assert called(guarded, token(keys["ES384"], "ES384", iat=now + 45, nbf=now + 45, exp=now + 105)) == 412


def test_a_token_that_has_just_expired_is_not_taken_twice(guarded: FlaskClient, keys: dict[str, Any]) -> None:
    now = int(time.time())
    signed = token(keys["ES384"], "ES384", iat=now - 100, exp=now - 30)
    assert called(guarded, signed) == 412
    assert refused(guarded, signed) == "It was used before (jti)."


def test_a_signature_of_another_or_of_another_kind_is_refused(guarded: FlaskClient, keys: dict[str, Any]) -> None:
    named = {"kid": "ES384"}
    secret = "a secret that is long enough, and more than that"
    assert refused(guarded, token(keys["other"], "ES384")) == "Its signature is not that of the key that it names."
    assert refused(guarded, token(secret, "HS384", named)) == "It is signed by an algorithm that is not taken."
    assert refused(guarded, token("", "none", named)) == "It is signed by an algorithm that is not taken."
    assert refused(guarded, "no.token.atall") == "It is no JSON Web Token that can be read."


def test_no_token_is_no_error_of_one(guarded: FlaskClient) -> None:
    advice = "Sign one for each call, by ES384 or RS384."
    assert refused(guarded, None) == f"A token is wanted. {advice}"
    basic = guarded.post(SERVICE, json=hook(), headers={"Authorization": "Basic YTpi"})
    assert (basic.status_code, basic.get_json()["detail"]) == (401, f"A token is wanted. {advice}")
    assert guarded.post(f"{SERVICE}/feedback", json={"feedback": []}).status_code == 401
    assert guarded.get("/cds-services").status_code == 200


def test_an_address_with_odd_letters_keeps_the_header_sound(guarded: FlaskClient, keys: dict[str, Any]) -> None:
    answer = guarded.post(
        "/cds-services/é%22",
        json=hook(),
        headers={"Authorization": f"Bearer {token(keys['ES384'], 'ES384', aud='https://elsewhere.example')}"},
    )
    assert answer.status_code == 401
    assert "its aud has to be https://cds.example/cds-services/??" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("text", ["", "[]", '{"clients": [{"iss": "x", "keys": [{"kid": "1", "alg": "HS384"}]}]}'])
def test_a_file_of_clients_that_is_not_understood_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "clients.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        Clients(file)
