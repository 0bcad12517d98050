"""Requests to another server: to its own addresses only, within a deadline that holds for the whole of them.

A timeout of a socket begins anew with every byte, and a server that sends one now and then would never be left. So each
request is watched, and its socket is shut down when its time has passed.
"""

from __future__ import annotations

import base64
import socket
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from osteo_kg_server.errors import DeadlineError, StoreUnavailableError

_CHUNK = 1 << 16  # bytes
_CONNECTING = 5.0  # seconds
_watched = threading.local()
_ADVICE = "Ask again later; if it stays so, tell whoever runs this service."


class Watch:
    """Shuts the socket of a request down once its time has passed.

    Args:
        seconds: the time.

    Attributes:
        passed: whether it has passed.
    """

    def __init__(self, seconds: float) -> None:
        self.passed, self.seconds = False, seconds
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._timer.start()

    def over(self, connected: socket.socket | None) -> None:
        """Watch over a socket, instead of any before."""
        with self._lock:
            self._socket = connected
        if self.passed:
            self._cut()

    def end(self) -> None:
        """Watch no longer."""
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def _cut(self) -> None:
        with self._lock:
            self.passed = True
            if self._socket is not None:
                with suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _notice(connected: socket.socket | None) -> None:
    watch: Watch | None = getattr(_watched, "watch", None)
    if watch is not None and connected is not None:
        watch.over(connected)


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _notice(self.sock)

    def putrequest(self, *arguments: object, **more: object) -> None:
        _notice(self.sock)
        super().putrequest(*arguments, **more)  # type: ignore[arg-type]  # handed on as they came


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _notice(self.sock)

    def putrequest(self, *arguments: object, **more: object) -> None:
        _notice(self.sock)
        super().putrequest(*arguments, **more)  # type: ignore[arg-type]  # handed on as they came


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Reply:
    """What a server answers, while it does; to be left with `with`."""

    def __init__(self, response: urllib3.BaseHTTPResponse, watch: Watch) -> None:
        self._response, self._watch, self._whole = response, watch, False
        self.status, self.headers = response.status, response.headers

    @property
    def media(self) -> str:
        """The media type, without parameters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    def chunks(self) -> Iterator[bytes]:
        """Give the body bit by bit.

        Raises:
            DeadlineError: the time has passed.
            StoreUnavailableError: it breaks off.
        """
        try:
            yield from self._response.stream(_CHUNK, decode_content=False)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _failed(error, self._watch) from None
        if self._watch.passed:
            raise _late(self._watch)
        self._whole = True

    def start(self, most: int) -> bytes:
        """Give the body, or the beginning of a long one."""
        parts, left = [], most
        for chunk in self.chunks():
            parts.append(chunk)
            left -= len(chunk)
            if left <= 0:
                break
        return b"".join(parts)[:most]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._watch.end()
        if not self._whole:
            self._response.close()
        self._response.release_conn()


class Transport:
    """Connections to the addresses of one store.

    Args:
        addresses: where requests may go.
        connections: how many are kept open to each.
        credentials: what to answer a challenge with.
    """

    def __init__(self, addresses: tuple[str, ...], connections: int, credentials: Credentials | None) -> None:
        self._pools = {address: pool_of(address, connections) for address in addresses}
        self._credentials = credentials

    def post(self, address: str, body: bytes, headers: Mapping[str, str], seconds: float) -> Reply:
        """Send a request to one of the addresses; a redirection is not followed.

        Raises:
            DeadlineError: the time has passed.
            StoreUnavailableError: there is no answer.
        """
        watch = Watch(seconds)
        try:
            reply = self._sent(address, body, headers, watch)
            challenge = reply.headers.get("WWW-Authenticate", "") if reply.status == 401 else ""
            if challenge and self._credentials is not None and self._credentials.challenged(challenge):
                reply.start(_CHUNK)
                reply = self._sent(address, body, headers, watch)
        except BaseException:
            watch.end()
            raise
        return reply

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.close()

    def _sent(self, address: str, body: bytes, headers: Mapping[str, str], watch: Watch) -> Reply:
        shown = self._credentials.header(address) if self._credentials is not None else None
        parts = urlsplit(address)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return requested(
            self._pools[address],
            "POST",
            target,
            {**headers, **({"Authorization": shown} if shown else {})},
            watch,
            body,
        )


def requested(
    pool: urllib3.HTTPConnectionPool,
    method: str,
    target: str,
    headers: Mapping[str, str],
    watch: Watch,
    body: bytes | None = None,
) -> Reply:
    """Send a request; a redirection is not followed, and nothing is unpacked.

    Raises:
        DeadlineError: the time has passed.
        StoreUnavailableError: there is no answer.
    """
    _watched.watch = watch
    try:
        response = pool.urlopen(
            method,
            target,
            body=body,
            headers={**headers, "Accept-Encoding": "identity"},
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
            timeout=urllib3.Timeout(connect=min(_CONNECTING, watch.seconds), read=watch.seconds),
        )
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _failed(error, watch) from None
    finally:
        _watched.watch = None
    if watch.passed:  # in the middle of the head, which looks whole
        response.close()
        raise _late(watch)
    return Reply(response, watch)


def pool_of(address: str, connections: int) -> urllib3.HTTPConnectionPool:
    """Give a pool of connections to the host of an address."""
    parts = urlsplit(address)
    kind = _SecurePool if parts.scheme == "https" else _Pool
    return kind(parts.hostname or "", port=parts.port, maxsize=connections, block=False)


def _failed(error: Exception, watch: Watch) -> DeadlineError | StoreUnavailableError:
    if isinstance(error, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
        return StoreUnavailableError("The store behind this service cannot be reached.", advice=_ADVICE)
    if watch.passed or isinstance(error, urllib3.exceptions.TimeoutError):
        return _late(watch)
    return StoreUnavailableError("The store behind this service broke its answer off.", advice=_ADVICE)


def _late(watch: Watch) -> DeadlineError:
    return DeadlineError(
        f"It took longer than {watch.seconds:g} seconds and was left.", advice="Ask for less, or in smaller parts."
    )


# A name and a password, shown to a remote store when it asks: Digest (RFC 7616) or Basic (RFC 7617).


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
        self._lock = threading.Lock()

    def challenged(self, challenge: str) -> bool:
        """Take note of a challenge (`WWW-Authenticate`); say whether it can be answered."""
        scheme, _, rest = challenge.strip().partition(" ")
        with self._lock:
            self._wanted = scheme.lower()
            if self._wanted == "digest":
                self._challenge = urllib.request.parse_keqv_list(urllib.request.parse_http_list(rest))
        return self._wanted in ("basic", "digest")

    def header(self, address: str) -> str | None:
        """Give the `Authorization` of a POST to an address, as the last challenge wants it; None before any."""
        with self._lock:
            if self._wanted == "digest" and self._challenge is not None:
                self._known.add_password(None, address, self._user, self._password)
                request = urllib.request.Request(address, data=b"", method="POST")
                found = self._digest.get_authorization(request, self._challenge)
                return f"Digest {found}" if found else None
            return self._basic if self._wanted == "basic" else None
