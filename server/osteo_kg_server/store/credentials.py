"""A name and a password, shown to a remote store when it asks: Digest (RFC 7616) or Basic (RFC 7617)."""

from __future__ import annotations

import base64
import threading
import urllib.request


class Credentials:
    """Answers the challenges of a store, and remembers the last.

    Args:
        user: the name.
        password: the password.
    """

    def __init__(self, user: str, password: str) -> None:
        self._basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        self._known, self._user, self._password = known, user, password
        self._digest = urllib.request.HTTPDigestAuthHandler(known)
        self._challenge: dict[str, str] | None = None
        self._wanted: str | None = None
        self._turn = threading.Lock()

    def challenged(self, challenge: str) -> bool:
        """Take note of a challenge (`WWW-Authenticate`); say whether it can be answered."""
        scheme, _, rest = challenge.strip().partition(" ")
        with self._turn:
            self._wanted = scheme.lower()
            if self._wanted == "digest":
                self._challenge = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
        return self._wanted in ("basic", "digest")

    def header(self, address: str) -> str | None:
        """Give the `Authorization` of a POST to an address, as the last challenge wants it; None before any."""
        with self._turn:
            if self._wanted == "digest" and self._challenge is not None:
                self._known.add_password(None, address, self._user, self._password)
                request = urllib.request.Request(address, data=b"", method="POST")
                found = self._digest.get_authorization(request, self._challenge)
                return f"Digest {found}" if found else None
            return self._basic if self._wanted == "basic" else None
