"""Queries and updates as requests to the two addresses of a remote store, so many at once and within limits."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlencode, urlsplit

from osteo_kg import UsageError
from osteo_kg_server.store import replies
from osteo_kg_server.store.base import BusyError, Limits, Load, TooLargeError
from osteo_kg_server.store.credentials import Credentials
from osteo_kg_server.store.limited import LimitedWriter
from osteo_kg_server.store.transport import Reply, Transport

Fields = Mapping[str, str | Sequence[str]]


@dataclasses.dataclass(frozen=True, slots=True)
class Remote:
    """Where a remote store is, and how to show oneself to it.

    Attributes:
        query: the address for queries.
        update: the address for updates; by `query` when None.
        user: a name, where the store wants one.
        password: its password.
    """

    query: str
    update: str | None = None
    user: str | None = None
    password: str | None = None

    @property
    def for_updates(self) -> str:
        """The address for updates: that of queries, `/query` at its end turned into `/update`."""
        if self.update:
            return self.update
        return self.query.removesuffix("/query") + "/update" if self.query.endswith("/query") else self.query

    @property
    def credentials(self) -> Credentials | None:
        """What the store is shown, if anything."""
        return Credentials(self.user, self.password or "") if self.user else None


class Endpoint:
    """What answers the requests of one store.

    Args:
        remote: where it is.
        limits: what a client may use.

    Attributes:
        in_use: how many requests it is at.

    Raises:
        UsageError: there is no such address.
    """

    def __init__(self, remote: Remote, limits: Limits) -> None:
        self._limits = limits
        self._query, self._update = _checked(remote.query), _checked(remote.for_updates)
        self._transport = Transport(tuple({self._query, self._update}), limits.workers, remote.credentials)
        self._free = threading.Semaphore(limits.workers)
        self.in_use = 0

    @property
    def load(self) -> Load:
        """Say how many requests are under way."""
        return Load(in_use=self.in_use, idle=self._limits.workers - self.in_use)

    @contextmanager
    def asked(self, text: str, form: str, fields: Fields, seconds: float | None = None) -> Iterator[Reply]:
        """Send a query, as a form, which every store reads; the reply is a result in the format."""
        body = urlencode({"query": text, **fields}, doseq=True).encode("ascii")
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": replies.ACCEPTED[form]}
        with self._one_more(), self._transport.post(self._query, body, headers, self._seconds(seconds)) as reply:
            replies.check_result(reply, form)
            yield reply

    def limited(self, reply: Reply, form: str, parts: list[bytes]) -> Iterator[int]:
        """Read a result into `parts` within the limits; give how many bytes were read so far."""
        writer, count = LimitedWriter(parts.append, form, self._limits.rows, self._limits.result_bytes), 0
        for chunk in reply.chunks():
            count += writer.write(chunk)
            yield count

    def result(self, text: str, form: str, fields: Fields, seconds: float | None = None, most: int = 2 << 30) -> bytes:
        """Give a whole result, of so many bytes at most."""
        parts: list[bytes] = []
        with self.asked(text, form, fields, seconds) as reply:
            for count in self.limited(reply, form, parts):
                if count > most:
                    raise TooLargeError(
                        "The result is larger than is allowed.", advice="Ask for less, or as N-Triples."
                    )
        return b"".join(parts)

    def holds(self, text: str, fields: Fields | None = None) -> bool:
        """Answer an `ASK`."""
        return b"true" in replies.boolean(self.result(text, "json", fields or {}), "json")

    def rows(self, text: str) -> list[dict[str, str]]:
        """Answer a `SELECT`: the value of each variable in each solution."""
        return replies.rows(self.result(text, "json", {}))

    def send(self, text: str, seconds: float | None = None) -> None:
        """Send an update, if there is anything in it."""
        if not text:
            return
        headers = {"Content-Type": "application/sparql-update", "Accept": "*/*"}
        body = text.encode("utf-8")
        with self._one_more(), self._transport.post(self._update, body, headers, self._seconds(seconds)) as reply:
            replies.check_status(reply)
            for _ in reply.chunks():
                pass

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _seconds(self, seconds: float | None) -> float:
        return self._limits.seconds if seconds is None else seconds

    @contextmanager
    def _one_more(self) -> Iterator[None]:
        if not self._free.acquire(timeout=self._limits.wait_seconds):
            raise BusyError("Too many queries run at this moment.", advice="Ask again in a little while.")
        self.in_use += 1
        try:
            yield
        finally:
            self.in_use -= 1
            self._free.release()


def _checked(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.fragment:
        raise UsageError(
            "The address of the store cannot be used.",
            advice="Give http:// or https://, a host and a path; a name and a password have settings of their own.",
        )
    return address
