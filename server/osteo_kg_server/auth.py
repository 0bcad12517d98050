"""Who may read and who may write: bearer tokens (RFC 6750) with their rights."""

from __future__ import annotations

import hmac
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import jwt
from flask import request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from osteo_kg import UsageError
from osteo_kg_server import logs
from osteo_kg_server.settings import Settings

Right = Literal["read", "write", "hook"]
_LEAST = 8  # characters of a token; shorter ones are guessed


class Access:
    """Compares tokens in a time that does not depend on how much of one is right.

    Args:
        settings: the tokens, and whether reading wants one.

    Raises:
        UsageError: the file of tokens cannot be read, or says what is not understood.
    """

    def __init__(self, settings: Settings) -> None:
        self._single, self._file, self._private = settings.update_token, settings.tokens, settings.private
        self._address, file = settings.public_url, settings.cds_clients
        self._clients = Clients(file) if file else None
        self._lock, self._read_at, self._of_file = threading.Lock(), 0, dict[str, Right]()
        if self._file is not None:
            try:
                self._of_file, self._read_at = _read(self._file), self._file.stat().st_mtime_ns
            except (OSError, UnicodeError) as error:
                raise UsageError(f"The tokens {self._file} cannot be read: {error}.", advice="Check it.") from error

    @property
    def can_be_written(self) -> bool:
        """Say whether there is any token that may write."""
        return "write" in self._tokens().values()

    def want(self, right: Right) -> None:
        """Let a request pass that has the right; writing includes reading.

        A hook wants the token of a client where clients are named, and else the right to read.

        Raises:
            Unauthorized: there is no token, or none that is known.
            Forbidden: the token has not the right, or no token at all may write.
        """
        if right == "hook" and self._clients:
            self._verify(self._clients)
            return
        if right != "write" and not self._private:
            return
        if right == "write" and not self.can_be_written:
            raise Forbidden("Nothing can be written here. Start the service with OSTEO_KG_UPDATE_TOKEN or --tokens.")
        given = request.authorization
        token = given.token if given and given.type == "bearer" else None
        if token is None or (held := self._right_of(token)) is None:
            how = WWWAuthenticate("bearer", {"realm": "osteo-kg"})
            raise Unauthorized("A token is wanted. Send it as 'Authorization: Bearer TOKEN'.", www_authenticate=how)
        if right == "write" and held != "write":
            raise Forbidden("This token may read and not write. Use one that may.")

    @property
    def knows_clients(self) -> bool:
        """Say whether a hook wants the token of a client."""
        return self._clients is not None

    def _verify(self, clients: Clients) -> None:
        given = request.authorization
        if given is None or given.type != "bearer" or not given.token:
            raise refusal("A token is wanted.")
        clients.verify(given.token, (self._address or request.host_url).rstrip("/") + request.path)

    def _right_of(self, token: str) -> Right | None:
        held: Right | None = None
        for known, right in self._tokens().items():
            if hmac.compare_digest(known.encode("utf-8"), token.encode("utf-8")):
                held = right
        return held

    def _tokens(self) -> dict[str, Right]:
        self._refresh()
        single: dict[str, Right] = {self._single: "write"} if self._single else {}
        return {**self._of_file, **single}

    def _refresh(self) -> None:
        """Read the file again where it changed; while it cannot be read, no token of it counts."""
        if self._file is None:
            return
        with self._lock:
            try:
                changed = self._file.stat().st_mtime_ns
                if changed != self._read_at:
                    self._of_file, self._read_at = _read(self._file), changed
            except (OSError, UnicodeError, UsageError) as error:
                logs.failure(error)
                self._of_file, self._read_at = {}, 0


def _read(file: Path) -> dict[str, Right]:
    tokens: dict[str, Right] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        right, _, token = line.strip().partition(" ")
        if not right or right.startswith("#"):
            continue
        if right not in ("read", "write") or len(token.strip()) < _LEAST:
            raise UsageError(
                f"Line {number} of the tokens {file} is not understood.",
                advice=f"Write 'read TOKEN' or 'write TOKEN', a token of {_LEAST} characters or more.",
            )
        tokens[token.strip()] = "write" if right == "write" else "read"
    return tokens


# Clients of CDS Hooks, known by the signature of a JSON Web Token; keys stand in a file, and none is fetched.

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
        self._clients = {client.issuer: client for client in _read_OF_CLIENTS(file)}
        self._lock, self._used = threading.Lock(), dict[tuple[str, str], float]()

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
        with self._lock:
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


def _read_OF_CLIENTS(file: Path) -> list[Client]:
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
