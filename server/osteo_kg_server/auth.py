"""Who may read and who may write: bearer tokens (RFC 6750) with their rights."""

from __future__ import annotations

import datetime
import hmac
import json
import re
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
        if token is None:
            raise refusal(None)
        if (held := self._right_of(token)) is None:
            raise refusal("The token is none that is known here.")
        if right == "write" and held != "write":
            raise Forbidden("This token may read and not write. Use one that may.")

    @property
    def knows_clients(self) -> bool:
        """Say whether a hook wants the token of a client."""
        return self._clients is not None

    def _verify(self, clients: Clients) -> None:
        given = request.authorization
        if given is None or given.type != "bearer" or not given.token:
            raise refusal(None, _SIGN)
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
_LEEWAY = 60  # seconds by which the clocks of a client and of the service may differ
_SIGN = f"Sign one for each call, by {' or '.join(ALGORITHMS)}."


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
        self._clients = {client.issuer: client for client in _clients_in(file)}
        self._lock, self._used = threading.Lock(), dict[tuple[str, str], float]()

    def verify(self, token: str, audience: str) -> None:
        """Let a token pass that a known client has signed for this address, once.

        Raises:
            Unauthorized: it is none; the description says what of it is not good.
        """
        claims: dict[str, Any] = {}
        try:
            header = jwt.get_unverified_header(token)
            claims |= jwt.decode(token, options={"verify_signature": False})
            key = self._key(header, claims)
            jwt.decode(token, key, [key.algorithm_name], {"require": list(_CLAIMS)}, audience=audience, leeway=_LEEWAY)
        except (jwt.PyJWTError, OverflowError) as error:  # the second of a time without end
            raise refusal(_why(error, claims, audience), _SIGN) from error
        self._use(claims)

    def _key(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> jwt.PyJWK:
        """Give the key that a token names: one of its issuer's, of the same algorithm, at the same address."""
        issuer = claims.get("iss")
        client = self._clients.get(issuer) if isinstance(issuer, str) else None
        key = client.keys.get(str(header.get("kid"))) if client else None
        if header.get("alg") not in ALGORITHMS:
            why = "It is signed by an algorithm that is not taken."
        elif client is None:
            why = "Its issuer (iss) is not known here."
        elif header.get("typ") != "JWT":
            why = "The typ of its header is not JWT."
        elif header.get("jku", client.keys_at) != client.keys_at:
            why = "Its keys are said to be at an address (jku) that is not known of its issuer."
        elif key is None:
            why = "Its key (kid) is not known of its issuer."
        elif header["alg"] != key.algorithm_name:
            why = f"Its algorithm (alg) is not that of its key, which is {key.algorithm_name}."
        else:
            return key
        raise _NotTakenError(why)

    def _use(self, claims: Mapping[str, Any]) -> None:
        times = claims["exp"], claims["iat"]
        if not all(isinstance(each, int) for each in times):
            raise refusal("Its times (exp, iat) are not whole numbers of seconds.", _SIGN)
        if times[0] - times[1] > _LONGEST:
            raise refusal(f"It is good for more than {_LONGEST} seconds.", _SIGN)
        used, now = (claims["iss"], claims["jti"]), time.time()
        with self._lock:
            self._used = {each: end for each, end in self._used.items() if end > now}
            if used in self._used:
                raise refusal("It was used before (jti).", _SIGN)
            self._used[used] = float(claims["exp"]) + _LEEWAY


class _NotTakenError(jwt.InvalidTokenError):
    """A token is not taken, for the reason that is the message."""


#: What of a token is not good, by the error that the library raises; the first that fits.
_WHYS: tuple[tuple[type[Exception], str], ...] = (
    (_NotTakenError, "{error}"),
    (jwt.MissingRequiredClaimError, "It has no {error.claim}."),
    (jwt.InvalidSignatureError, "Its signature is not that of the key that it names."),
    (jwt.InvalidAudienceError, "It is for another address: its aud has to be {audience}"),
    (jwt.ExpiredSignatureError, "It expired at {expired} (now {now}, clocks may differ by {leeway} seconds)."),
    (jwt.ImmatureSignatureError, "It is not valid before {valid} (now {now}, clocks may differ by {leeway} seconds)."),
    (jwt.InvalidIssuedAtError, "Its iat is not a number of seconds."),
    (jwt.exceptions.InvalidJTIError, "Its jti is not a text."),
    (Exception, "It is no JSON Web Token that can be read."),
)


def _why(error: Exception, claims: Mapping[str, Any], audience: str) -> str:
    sentence = next(text for kind, text in _WHYS if isinstance(error, kind))
    beginnings = [claims[name] for name in ("iat", "nbf") if isinstance(claims.get(name), int | float)]
    return sentence.format(
        error=error,
        audience=audience,
        expired=_moment(claims.get("exp")),
        valid=_moment(max(beginnings, default=None)),
        now=_moment(time.time()),
        leeway=_LEEWAY,
    )


def _moment(seconds: Any) -> str:
    """Write a moment in UTC; one that is no date is only said to be outside the calendar."""
    try:
        return datetime.datetime.fromtimestamp(int(seconds), datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (TypeError, ValueError, OverflowError, OSError):
        return "a time outside the calendar"


def refusal(why: str | None, advice: str = "Send one as 'Authorization: Bearer TOKEN'.") -> Unauthorized:
    """Say why a token is not taken, and what to do, as RFC 6750 has it.

    Args:
        why: what is not good of the token, in ASCII; None where there is none, which is no error of the token.
        advice: what to do.
    """
    how: dict[str, str | None] = {"realm": "osteo-kg"}
    if why is not None:
        told = re.sub(r"[^ !#-\[\]-~]", "?", why)  # what an error_description may hold
        how |= {"error": "invalid_token", "error_description": told}
    said = f"The token is not taken. {why}" if why else "A token is wanted."
    return Unauthorized(f"{said} {advice}", www_authenticate=WWWAuthenticate("bearer", how))


def _clients_in(file: Path) -> list[Client]:
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
