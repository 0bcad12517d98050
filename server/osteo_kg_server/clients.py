"""Clients of CDS Hooks, known by the signature of a JSON Web Token; keys stand in a file, and none is fetched."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from osteo_kg import UsageError

ALGORITHMS = ("ES384", "RS384")
_CLAIMS = ("iss", "aud", "exp", "iat", "jti")
_LONGEST = 300  # seconds that a token may be good for, so that few need be remembered


@dataclass(frozen=True, slots=True)
class Client:
    """A client that may call: who it says it is, where it says its keys are, and the keys by their id."""

    issuer: str
    keys_at: str | None
    keys: Mapping[str, jwt.PyJWK]


class Clients:
    """Verifies tokens, and remembers those that were used until they end.

    Args:
        file: the clients, as JSON.

    Raises:
        UsageError: the file cannot be read, or says what is not understood.
    """

    def __init__(self, file: Path) -> None:
        self._clients = {client.issuer: client for client in _read(file)}
        self._turn, self._used = threading.Lock(), dict[tuple[str, str], float]()

    def verify(self, token: str, audience: str) -> None:
        """Let a token pass that a known client has signed for this address, once.

        Raises:
            Unauthorized: it is none.
        """
        try:
            header = jwt.get_unverified_header(token)
            named = jwt.decode(token, options={"verify_signature": False}).get("iss")
            client = self._clients.get(named) if isinstance(named, str) else None
            key = _key(client, header)
            claims = jwt.decode(
                token, key, algorithms=[key.algorithm_name], audience=audience, options={"require": list(_CLAIMS)}
            )
        except (jwt.PyJWTError, OverflowError) as error:  # of a time without end
            raise refusal("The token is not good, or not for this address.") from error
        self._use(claims)

    def _use(self, claims: Mapping[str, Any]) -> None:
        times = claims["exp"], claims["iat"]
        if not all(isinstance(each, int) for each in times) or not isinstance(claims["jti"], str):
            raise refusal("The token has no jti, or no whole number of seconds as its time.")
        if times[0] - times[1] > _LONGEST:
            raise refusal(f"The token is good for more than {_LONGEST} seconds.")
        used, now = (claims["iss"], claims["jti"]), time.time()
        with self._turn:
            self._used = {each: end for each, end in self._used.items() if end > now}
            if used in self._used:
                raise refusal("The token was used before.")
            self._used[used] = float(claims["exp"])


def refusal(why: str) -> Unauthorized:
    """Say why a client is not let in, and what would be."""
    how = WWWAuthenticate("bearer", {"realm": "osteo-kg"})
    advice = f"Sign one for each call, by {' or '.join(ALGORITHMS)}."
    return Unauthorized(f"{why} {advice}", www_authenticate=how)


def _key(client: Client | None, header: Mapping[str, Any]) -> jwt.PyJWK:
    """Give the key that a header names: one of the client's, of the same algorithm, at the same address."""
    key = client.keys.get(str(header.get("kid"))) if client else None
    if client is None or key is None or header.get("typ") != "JWT" or header.get("alg") != key.algorithm_name:
        raise jwt.InvalidKeyError
    if header.get("jku", client.keys_at) != client.keys_at:
        raise jwt.InvalidKeyError
    return key


def _read(file: Path) -> list[Client]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))["clients"]
        return [Client(each["iss"], each.get("jku"), _keys(each["keys"])) for each in told]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        raise UsageError(
            f"The clients {file} cannot be read: {type(error).__name__}.",
            advice='Write {"clients": [{"iss": "…", "jku": "…", "keys": [a public JWK with kid and alg]}]}, '
            f"alg one of {', '.join(ALGORITHMS)}.",
        ) from error


def _keys(told: list[dict[str, Any]]) -> dict[str, jwt.PyJWK]:
    if any(each["alg"] not in ALGORITHMS for each in told):
        raise ValueError
    return {each["kid"]: jwt.PyJWK(each) for each in told}
