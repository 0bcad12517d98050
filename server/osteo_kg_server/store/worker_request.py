"""A request while a worker is at it: its answer as it comes, and the reason where none comes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from osteo_kg import QueryError, UnwritableError
from osteo_kg.dataset import not_sparql
from osteo_kg.rdf import ResultKind
from osteo_kg_server.errors import BusyError, DeadlineError, NotOfferedError, TooLargeError
from osteo_kg_server.store import worker_protocol
from osteo_kg_server.store.base import WHOLE
from osteo_kg_server.store.worker_pool import Worker
from osteo_kg_server.store.worker_protocol import KIND_OF

_GRACE = 0.05  # seconds by which a worker may die before its deadline, as clocks have it


class Running:
    """A request that a worker is at.

    Args:
        worker: the worker, which has been asked.
        request: what it was asked.
        since: when, by `time.perf_counter`.

    Attributes:
        worker: the worker.
    """

    def __init__(self, worker: Worker, request: dict[str, Any], since: float) -> None:
        self.worker, self._request = worker, request
        self._seconds = float(request["seconds"])
        self._until = since + self._seconds
        self._kind: ResultKind | None = None
        self._first: bytes | bytearray = b""

    @property
    def kind(self) -> ResultKind:
        """The kind of the result, which is waited for.

        Raises:
            OsteoError: what the worker died of, or could not do.
        """
        if self._kind is None:
            tag, message = self._next()
            self._kind = KIND_OF[bytes(message[:1])]
            self._first = message[1:] if tag == worker_protocol.WHOLE else b""
        return self._kind

    @property
    def format_name(self) -> str:
        """The format of the result."""
        return str(self._request["formats"][self.kind])

    def told(self) -> dict[str, Any]:
        """Wait for what an update would change.

        Raises:
            OsteoError: what the worker died of, or could not do.
        """
        told: dict[str, Any] = json.loads(self._next()[1])
        return told

    def until(self, most: int) -> Iterator[bytes | bytearray]:
        """Give the next parts of the answer, up to its end or to so many bytes."""
        assert self.kind  # it comes first
        first, self._first = self._first, b""
        yield first
        while not self.worker.done and most > 0:
            _, part = self._next()
            most -= len(part)
            yield part

    def _next(self) -> tuple[bytes, bytes | bytearray]:
        try:
            tag, message = self.worker.receive()
        except EOFError as error:
            raise self._died() from error
        if tag == worker_protocol.ERROR:
            raise _error(json.loads(message), self._request)
        return tag, message

    def _died(self) -> Exception:
        if (self.worker.gone_at or time.perf_counter()) >= self._until - _GRACE:
            return DeadlineError(
                f"It took longer than {self._seconds:g} seconds and was stopped.",
                advice="Ask for less, or in smaller parts.",
            )
        return TooLargeError(
            "It needed more memory, or was deeper, than is allowed, and was stopped.",
            advice="Ask for less, or in smaller parts.",
        )


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a worker answers to a request of HTTP by itself.

    Attributes:
        status: the status.
        head: what stands before the body on the wire, as far as the app says it.
        body: the whole body.
    """

    status: int
    head: bytes
    body: memoryview


class Begun:
    """A request of HTTP that a worker answers by itself, unless its answer is a long one, an error, or none.

    Args:
        lent: the worker, which has been asked; or that none got free.
        let_go: takes the worker back.
        here: where a store looks for what the query of a thread goes on from.
    """

    def __init__(
        self,
        lent: Worker | BusyError,
        let_go: Callable[[Worker], None],
        here: threading.local,
    ) -> None:
        self._lent: Worker | BusyError | None = lent
        self._since = time.perf_counter()
        self._let_go, self._here = let_go, here

    @property
    def has_a_worker(self) -> bool:
        """Whether a worker is at it still, and has not declined."""
        return isinstance(self._lent, Worker)

    def fileno(self) -> int:
        """Give the number of the file that can be read when the answer comes."""
        assert isinstance(self._lent, Worker)
        return self._lent.line.fileno()

    def arrived(self) -> HttpAnswer | None:
        """Give the answer, and let go of the worker, where all of it has come; it does not wait."""
        assert isinstance(self._lent, Worker)
        try:
            part = self._lent.arrived()
        except EOFError:  # who goes on with it will be told so, too
            return None
        return self._answer(self._lent, part) if part is not None else None

    def awaited(self) -> HttpAnswer | None:
        """Wait for the answer, and let go of the worker; None where the service is to answer."""
        if not isinstance(self._lent, Worker):
            return None
        try:
            return self._answer(self._lent, self._lent.receive())
        except EOFError:
            return None

    def carried_on(self, work: Callable[[], None]) -> None:
        """Have the service answer, its query by what the worker has said of it and still says."""
        self._here.begun = self if self._lent else None
        try:
            work()
        finally:
            if self._here.begun is self:  # no query has taken it over
                self._here.begun = None
                self.close()

    def running(self, request: dict[str, Any]) -> Running:
        """Take the worker for one that was asked this.

        Raises:
            BusyError: there was none.
        """
        if isinstance(self._lent, BusyError):
            raise self._lent
        assert self._lent is not None
        return Running(self._lent, request, self._since)

    def close(self) -> None:
        """Let go of the worker."""
        lent, self._lent = self._lent, None
        if isinstance(lent, Worker):
            self._let_go(lent)

    def _answer(self, worker: Worker, part: tuple[bytes, bytes | bytearray]) -> HttpAnswer | None:
        tag, message = part
        if tag not in (worker_protocol.ANSWERED, worker_protocol.DECLINED):
            worker.put_back(part)
            return None
        self.close()
        return HttpAnswer(*worker_protocol.answer_of(message)) if tag == worker_protocol.ANSWERED else None


def rest(first: list[bytes | bytearray], running: Running, held: ExitStack) -> Iterator[bytes]:
    """Give a long result bit by bit; where it cannot be ended the error goes through, and the client is cut off."""
    with held:
        yield from map(bytes, first)
        while not running.worker.done:
            yield from map(bytes, running.until(WHOLE))


def _error(told: dict[str, Any], request: dict[str, Any]) -> Exception:
    if told["error"] == "not-offered":
        return NotOfferedError(told["kind"])
    if told["error"] == "unwritable":
        return UnwritableError(told["message"], advice=told["advice"])
    if told["error"] == "too-large":
        return TooLargeError("The result is larger than is allowed.", advice="Ask for less of it, with LIMIT.")
    if told["error"] == "syntax":
        is_update = request["what"] == "update"
        return not_sparql(request[request["what"]], told["message"], update=is_update)
    return QueryError(f"This cannot be evaluated: {told['message']}.", advice="Ask in another way.")
