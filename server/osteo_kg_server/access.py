"""Who may read and who may write: bearer tokens (RFC 6750) with their rights."""

from __future__ import annotations

import hmac
import threading
from pathlib import Path
from typing import Literal

from flask import request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from osteo_kg import UsageError
from osteo_kg_server import logs
from osteo_kg_server.clients import Clients, refusal
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
        self._turn, self._read_at, self._of_file = threading.Lock(), 0, dict[str, Right]()
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
        with self._turn:
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
