"""From a connection to the app and back: the app is called in threads, and nobody who is slow holds one.

A request is handed to a thread when its body has arrived, and an answer is sent from the loop of connections. A long
answer comes out of the app part by part, each when its client has taken those before.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import WSGIApplication

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from osteo_kg_server import logs
from osteo_kg_server.serving.connection import LINGER, SILENT, Connection
from osteo_kg_server.serving.threads import Threads, settle
from osteo_kg_server.store import LocalStore
from osteo_kg_server.store.worker_request import Begun, HttpAnswer

_A_LITTLE = 1 << 20  # bytes by which a body may be too large and still be read to its end
_END = b""
_LINES_AFTER = 0.05  # seconds for which lines of the log are put together
_LINES_WAIT = 20  # times that lines were put together and not yet written, after which the log is waited for
_WRITTEN = 5.0  # seconds for the last lines to be written
_NEVER_WITH_A_BODY = (204, 304)
_COMMON: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.errors": sys.stderr,
    "wsgi.input_terminated": True,
    "wsgi.multithread": True,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}
_Environment = dict[str, Any]


class _GoneError(Exception):
    """The client went away, or fell silent, before it had sent its body."""


@dataclass(frozen=True, slots=True)
class ForAWorker:
    """A request that a worker may answer.

    Attributes:
        store: what has workers.
        asked: the request, as their app reads it.
        route: its route, for the log.
        since: when it came, by `time.perf_counter`.
    """

    store: LocalStore
    asked: dict[str, Any]
    route: str
    since: float = field(default_factory=time.perf_counter)

    def begun_at_once(self) -> Begun | None:
        """Have a worker begin that is idle; None where none is."""
        return self.store.begin_at_once(self.asked)

    def answered(self, begun: Begun | None, answer: Callable[[], None]) -> HttpAnswer | None:
        """Wait for what a worker answers; None where the service has answered, from what the worker said.

        Args:
            begun: what a worker has begun; one is waited for where None.
            answer: has the service answer.
        """
        begun = begun or self.store.begin(self.asked)
        said = begun.awaited()
        if said is None:
            begun.carried_on(answer)
        return said


class Bridge:
    """An app of ASGI around one of WSGI.

    Args:
        app: the app.
        workers: how many workers there may be.
        beside: how many requests it may be at while every worker is taken.
        most: bytes of a body; of a larger one the app is told its length only, and refuses it.
        choose: says by scope and body of a request how a worker answers it; None where that is for the app.
        log: hears of what a worker has answered, and gives the line of the log.
    """

    def __init__(
        self,
        app: WSGIApplication,
        workers: int,
        beside: int,
        most: int,
        choose: Callable[[Any, bytes], ForAWorker | None],
        log: Callable[[logs.Ended], str],
    ) -> None:
        self._app, self._most, self._choose, self._log = app, most, choose, log
        # who has a worker already never waits for those who wait for one, and so has threads of its own
        self._with_a_worker, self._others = Threads(workers), Threads(workers + beside)
        self._lines, self._writer = list[str](), Threads(1)

    def close(self) -> None:
        """Let the threads end, once they are done with what they were given."""
        self._write_lines()
        for each in (self._with_a_worker, self._others, self._writer):
            each.close()
        self._writer.wait(_WRITTEN)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request that has a body, once that has been read."""
        environment = wsgi_environment(scope)
        try:
            is_whole = await self._body(environment, receive)
        except _GoneError:
            scope["connection"].cut_off()
            return
        connection: Connection = scope["connection"]
        chosen = self._chosen(scope, environment["wsgi.input"].getvalue()) if is_whole else None
        answer = self._answer_to(environment, chosen)
        said = await (self._said(chosen, answer) if chosen else self._others.done(answer.begin))
        if chosen and said:
            self._have_sent(send.__self__, chosen, said)
            return
        if answer.body is None:
            await self._sent_in_parts(answer, scope, send)
            return
        if is_whole:
            connection.send_whole(send.__self__, answer.head, answer.body)
            return
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        await _linger(receive)
        await send({"type": "http.response.body", "body": _END})

    def answer(self, cycle: RequestResponseCycle) -> None:
        """Answer a request without a body: no task is made for it, which would take as long as the app does."""
        chosen = self._chosen(cycle.scope, b"")
        begun = chosen.begun_at_once() if chosen else None
        if chosen and begun:
            asyncio.get_running_loop().add_reader(begun.fileno(), self._arrived, cycle, chosen, begun)
        else:
            self._answer_in_a_thread(cycle, chosen, None)

    def _chosen(self, scope: Any, body: bytes) -> ForAWorker | None:
        """Choose whether a worker is to answer; while lines of the log stand, everything goes the way that waits."""
        return self._choose(scope, body) if self._writer.waiting < _LINES_WAIT else None

    def _arrived(self, cycle: RequestResponseCycle, chosen: ForAWorker, begun: Begun) -> None:
        """Send what a worker has answered; all that would have to be waited for is for a thread."""
        asyncio.get_running_loop().remove_reader(begun.fileno())
        said = begun.arrived()
        if said:
            self._have_sent(cycle, chosen, said)
        else:
            self._answer_in_a_thread(cycle, chosen, begun)

    def _answer_in_a_thread(self, cycle: RequestResponseCycle, chosen: ForAWorker | None, begun: Begun | None) -> None:
        """Have the app answer, or a worker that has to be waited for."""
        answer = self._answer_to(wsgi_environment(cycle.scope), chosen)

        def send(said: HttpAnswer | None) -> None:
            if chosen and said:
                self._have_sent(cycle, chosen, said)
            else:
                self._answered(cycle, answer)

        work = partial(chosen.answered, begun, answer.begin) if chosen else answer.begin
        self._threads_for(begun).hand_over(work, send, partial(self._failed, cycle))

    def _threads_for(self, begun: Begun | None) -> Threads:
        return self._with_a_worker if begun and begun.has_a_worker else self._others

    def _answer_to(self, environment: _Environment, chosen: ForAWorker | None) -> Answer:
        return Answer(self._app, {**environment, logs.STARTED: chosen.since} if chosen else environment)

    def _have_sent(self, cycle: RequestResponseCycle, chosen: ForAWorker, said: HttpAnswer) -> None:
        """Send what a worker has answered, and log it as the app would."""
        request = logs.new_id()
        ended = logs.Ended(request, cycle.scope["method"], chosen.route, said.status, chosen.since, "answered", None)
        connection: Connection = cycle.scope["connection"]  # type: ignore[typeddict-item]
        connection.send_whole(cycle, b"%sX-Request-Id: %s\r\n" % (said.head, request.encode()), said.body)
        if not self._lines:
            asyncio.get_running_loop().call_later(_LINES_AFTER, self._write_lines)
        self._lines.append(self._log(ended))

    def _write_lines(self) -> None:
        """Have the lines of the log written by a thread: whoever reads them may be slow, or gone."""
        lines, self._lines = self._lines, []
        if lines:
            self._writer.do(partial(logs.write, lines))

    def _answered(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        connection: Connection = cycle.scope["connection"]  # type: ignore[typeddict-item]  # it is put there by itself
        if answer.body is not None:
            connection.send_whole(cycle, answer.head, answer.body)
            return

        async def rest(scope: Any, _: Any, send: Any) -> None:
            await self._sent_in_parts(answer, scope, send)

        connection.go_on(cycle, rest)

    @staticmethod
    def _failed(cycle: RequestResponseCycle, error: BaseException) -> None:
        async def told(*_: Any) -> None:
            raise error

        connection: Connection = cycle.scope["connection"]  # type: ignore[typeddict-item]
        connection.go_on(cycle, told)

    async def _said(self, chosen: ForAWorker, answer: Answer) -> HttpAnswer | None:
        """Wait for what a worker answers; None where the app has answered."""
        begun, loop = chosen.begun_at_once(), asyncio.get_running_loop()
        if begun:
            readable: asyncio.Future[None] = loop.create_future()
            loop.add_reader(begun.fileno(), settle, readable, readable.set_result, None)
            try:
                await readable
            finally:
                loop.remove_reader(begun.fileno())
        said = begun.arrived() if begun else None
        work = partial(chosen.answered, begun, answer.begin)
        return said or await self._threads_for(begun).done(work)

    async def _sent_in_parts(self, answer: Answer, scope: Any, send: Any) -> None:
        """Send an answer part by part; where it cannot be ended the client is cut off, and knows that it is not whole.

        In HTTP/1.0 it ends with its connection.
        """
        connection: Connection = scope["connection"]
        is_framed = scope["http_version"] != "1.0"
        try:
            if not is_framed:
                connection.cycle.chunked_encoding = False
            await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
            while await connection.taken():
                part = await self._with_a_worker.done(answer.next)
                if part == _END and is_framed:
                    await send({"type": "http.response.body", "body": _END})
                if part == _END:
                    break
                if is_framed:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
                else:
                    connection.transport.write(part)
        except Exception:  # the log tells of it, and nothing can be said to the client any more
            is_framed = False
        finally:
            await asyncio.shield(self._with_a_worker.done(answer.close))
            if not is_framed:
                connection.cut_off()

    async def _body(self, environment: _Environment, receive: Any) -> bool:
        """Read the body of a request, and say whether that was all of it; one that is too large is not kept.

        Raises:
            _GoneError: its client went away.
        """
        declared, most = int(environment.get("CONTENT_LENGTH", 0)), self._most + _A_LITTLE
        parts, size, more = list[bytes](), 0, declared <= most
        while more and size <= most:
            part, more = await _next_of(receive)
            size += len(part)
            if size <= self._most:
                parts.append(part)
        size = max(size, declared)
        set_body(environment, size, b"".join(parts) if size <= self._most else b"")
        return declared <= most and not more


class Answer:
    """What the app answers to one request. Its methods run in threads, one after the other.

    Args:
        app: the app.
        environment: the request, as WSGI has it.

    Attributes:
        status: the status.
        body: the whole body; None where it comes in parts.
    """

    def __init__(self, app: WSGIApplication, environment: _Environment) -> None:
        self._app, self._environment = app, environment
        self.status, self._headers = 0, list[tuple[str, str]]()
        self.body: bytes | None = None
        self._given: Iterable[bytes] = ()
        self._parts: Iterator[bytes] = iter(())

    def begin(self) -> None:
        """Have the app answer, and take all of the body where its length is known."""
        self._given = self._app(self._environment, self._start)  # type: ignore[arg-type]  # write() is of other times
        self._parts = iter(self._given)
        is_whole = self.status in _NEVER_WITH_A_BODY or self._environment["REQUEST_METHOD"] == "HEAD"
        if is_whole or any(name.lower() == "content-length" for name, _ in self._headers):
            try:
                self.body = b"".join(self._parts)
            finally:
                self.close()

    @property
    def head(self) -> bytes:
        """What stands before the body on the wire, as far as the app says it."""
        lines = "".join([f"{name}: {value}\r\n" for name, value in self._headers])
        return STATUS_LINE[self.status] + lines.encode("latin-1")

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers, as ASGI has them."""
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self._headers]

    def next(self) -> bytes:
        """Give the next part that is not empty; an empty one at the end."""
        return next(filter(None, self._parts), _END)

    def close(self) -> None:
        """Let go of what the answer comes from."""
        close = getattr(self._given, "close", None)
        if close is not None:
            close()

    def _start(self, status: str, headers: list[tuple[str, str]], *_: Any) -> None:
        self.status, self._headers = int(status[:3]), headers


def wsgi_environment(scope: Any) -> _Environment:
    """Give a request as WSGI has it (PEP 3333); names with an underscore could pass for others and are left out."""
    server, client = scope["server"] or ("", None), scope["client"] or ("", None)
    environment = {
        **_COMMON,
        "REQUEST_METHOD": scope["method"],
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "wsgi.input": io.BytesIO(),
    }
    for header, content in scope["headers"]:
        if b"_" in header:
            continue
        name, value = header.decode("latin-1").upper().replace("-", "_"), content.decode("latin-1")
        if name not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            name = f"HTTP_{name}"
        environment[name] = f"{environment[name]},{value}" if name in environment else value
    return environment


def set_body(environment: _Environment, size: int, body: bytes) -> None:
    """Give a request its body, and its size, which may be more than what was kept of it."""
    environment.pop("HTTP_TRANSFER_ENCODING", None)  # it is undone
    environment["CONTENT_LENGTH"] = str(size)
    environment["wsgi.input"] = io.BytesIO(body)


async def _next_of(receive: Any) -> tuple[bytes, bool]:
    """Give the next part of a body, and whether there is more."""
    try:
        message = await asyncio.wait_for(receive(), SILENT)
    except TimeoutError as error:
        raise _GoneError from error
    if message["type"] != "http.request":
        raise _GoneError
    return message["body"], message["more_body"]


async def _linger(receive: Any) -> None:
    """Take for a while what a client still sends that has been refused: cut off at once, it would not read why."""
    with suppress(TimeoutError, _GoneError):
        async with asyncio.timeout(LINGER):
            more = True
            while more:
                _, more = await _next_of(receive)
