"""One connection: uvicorn's, with bounds on what a client may send before it asks, and on what it may leave untaken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httptools
from flask import Flask
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from osteo_kg_server.http import problems, responses
from osteo_kg_server.http.negotiation import PAGE, accepts_a_page, content_type
from osteo_kg_server.pages.layout import POLICY

SILENT = 60.0  # seconds after which a client that sends nothing, or takes nothing, is let go
LINGER = 2.0  # seconds for which what a refused client still sends is taken, so that it reads why
_LONGEST_HEAD = 1 << 18  # bytes before a body
_DISCARDED = 8 << 20  # bytes of a body that nobody reads any more, before its client is cut off
_SILENT_IN_A_CROWD = 3.0  # seconds of the same where others wait for a worker
_TICK = 0.5  # seconds between looks at a client that takes nothing
_OF_A_BODY = (b"content-length", b"transfer-encoding")
_OF_AN_UPGRADE = (b"connection", b"http2-settings", b"upgrade")
_NOT_HTTP = "The request is not HTTP as it is understood here. Correct it."
_TOO_LONG = "The headers are longer than is allowed. Send a long query in the body, by POST."
_TOO_SLOW = "The headers did not arrive in time. Send them at once."


class _HeadTooLongError(Exception):
    """A head is longer than is allowed, though all of it has arrived."""


@dataclass
class Front:
    """What all connections of one server share.

    Attributes:
        app: the app, which writes problems.
        most: connections at once; one that has asked nothing yet gives way to a new one.
        is_crowded: says whether all workers are taken.
        answer: answers a request that has no body.
        waiting: the connections that have not sent a whole head, the oldest first.
    """

    app: Flask
    most: int
    is_crowded: Callable[[], bool]
    answer: Callable[[RequestResponseCycle], None]
    waiting: dict[Connection, None] = field(default_factory=dict)


class Connection(HttpToolsProtocol):
    """A connection that does not wait for ever, and whose refusals are told as the app tells problems.

    Args:
        front: what it shares with the others.
        asked: what uvicorn hands to each.
    """

    def __init__(self, *, front: Front, **asked: Any) -> None:
        super().__init__(**asked)
        self._front = front
        self._head_bytes = self._discarded = 0
        self._in_head = True
        self._is_refused = False
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_answering(self) -> bool:
        """Say whether a request is being answered."""
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request
        return cycle is not None and not cycle.response_complete

    @property
    def _is_in_first_body(self) -> bool:
        """Say whether a body is being read, and nobody is answered before it: its client can be told at once."""
        return bool(self.cycle.more_body and not self.cycle.response_started and not self.pipeline)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin, in the place of the one that waits longest where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self._front.most:
            self._make_room()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what is waited for."""
        self._wait_no_more()
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override]  # a client may end its side and await an answer
        """Go on answering a client that has sent all it will, and nobody else."""
        if not self.is_answering or self.cycle.more_body:
            return None
        self.cycle.keep_alive = False
        return True

    def data_received(self, data: bytes) -> None:
        """Read on, within bounds."""
        if self._is_refused:
            return
        self._unset_keepalive_if_required()
        if self._in_head:
            self._head_bytes += len(data)
        elif not self.is_answering:
            self._discarded += len(data)
        try:
            self._read(data)
        except _HeadTooLongError:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LONG)
            return
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST, _NOT_HTTP)
            return
        if self._in_head and self._head_bytes > _LONGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _TOO_LONG)
        elif self._in_head and self._head_bytes:
            self._wait()
        elif self._discarded > _DISCARDED:
            self.transport.abort()

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        super().on_message_begin()
        self.scope["connection"] = self  # type: ignore[typeddict-unknown-key]  # for the bridge, which is ours too
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Hand the request on; one that would go on in another protocol is read again without that wish."""
        if self.parser.should_upgrade():
            return
        if self._head_bytes > _LONGEST_HEAD and self._size_of_head() > _LONGEST_HEAD:
            raise _HeadTooLongError
        super().on_headers_complete()
        self._in_head, self._head_bytes, self._discarded = False, 0, 0
        self._wait_no_more()

    def on_message_complete(self) -> None:
        """Wait for the next head."""
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._in_head = True

    def go_on(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Have the rest of an answer sent by a task."""
        super()._start_asgi_task(cycle, app)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if any(name in _OF_A_BODY for name, _ in cycle.scope["headers"]):
            super()._start_asgi_task(cycle, app)
        else:
            self._front.answer(cycle)

    async def taken(self) -> bool:
        """Wait until the client has taken most of what was sent, and say whether it is still there.

        One that takes too little for too long is cut off; where others wait for workers, that is soon.
        """
        waited = 0.0
        while self.flow.write_paused and not self.transport.is_closing():
            try:
                await asyncio.wait_for(self.flow.drain(), _TICK)
            except TimeoutError:
                waited += _TICK
                if waited >= (_SILENT_IN_A_CROWD if self._front.is_crowded() else SILENT):
                    self.transport.abort()
        return not self.transport.is_closing()

    def send_whole(self, cycle: RequestResponseCycle, head: bytes, body: bytes | memoryview) -> None:
        """Send an answer of known length in one piece, as `cycle.send` would in two."""
        if cycle.disconnected:
            return
        dated = b"".join(b"%s: %s\r\n" % each for each in cycle.default_headers)
        ended = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
        sent = b"" if cycle.scope["method"] == "HEAD" else body
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        self.transport.write(b"".join((head, dated, ended, sent)))
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def cut_off(self) -> None:
        """End a connection so that its client knows that the answer is not whole."""
        self.transport.close()

    def _make_room(self) -> None:
        """Give up the connection that has waited longest for a head, or one that is kept and asks nothing."""
        idle = (each for each in self.connections if isinstance(each, Connection) and not each.is_answering)
        found = next(iter(self._front.waiting), None) or next(idle, None)
        if found is not None:
            found.transport.abort()

    def _size_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _read(self, data: bytes) -> None:
        """Have data parsed.

        Raises:
            HttpParserError: it is no HTTP.
        """
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._read_again(data[upgrade.args[0] :])
        except httptools.HttpParserCallbackError as error:
            raise error.__context__ if isinstance(error.__context__, _HeadTooLongError) else error from None

    def _read_again(self, rest: bytes) -> None:
        """Read a request as HTTP/1.1, though it offers to go on otherwise: the parser would take its body for that."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            raise httptools.HttpParserError
        kept = [(name, value) for name, value in self.headers if name not in _OF_AN_UPGRADE]
        if not self.parser.should_keep_alive():
            kept.append((b"connection", b"close"))
        lines = b"".join(b"%s: %s\r\n" % each for each in kept)
        self.parser = httptools.HttpRequestParser(self)
        self._read(b"%s %s HTTP/%s\r\n%s\r\n" % (method, self.url, version, lines) + rest)

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(SILENT, self._too_slow)
            self._front.waiting[self] = None

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._front.waiting.pop(self, None)

    def _too_slow(self) -> None:
        self._wait_no_more()
        if self._head_bytes and not self.is_answering:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, _TOO_SLOW)
        elif not self.is_answering:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Say what is wrong and end; what is being answered is answered, and nothing after it."""
        if self.is_answering and not self._is_in_first_body:
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        accept = b",".join(value for name, value in self.headers or () if name == b"accept").decode("latin-1")
        media = PAGE if accepts_a_page(accept) else problems.MEDIA
        document = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
        content = problems.written(self._front.app, document, media).encode()
        head = {
            "Content-Type": content_type(media),
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "Connection": "close",
            **responses.SAFE,
            **({"Content-Security-Policy": POLICY} if media == PAGE else {}),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        dated = b"".join(b"%s: %s\r\n" % each for each in self.server_state.default_headers)
        self.transport.write(STATUS_LINE[status.value] + dated + lines.encode("latin-1") + b"\r\n" + content)
        self._wait_no_more()
        self._is_refused = True
        self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.abort)
