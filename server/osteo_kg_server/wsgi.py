"""The app behind waitress, a server made for production, which ends once what it was asked is answered."""

from __future__ import annotations

import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import waitress
from flask import Flask
from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask

from osteo_kg_server import logs
from osteo_kg_server.http import problems
from osteo_kg_server.http.negotiation import PAGE, accepts_a_page, content_type
from osteo_kg_server.service import of

_BESIDE_QUERIES = 12  # threads that answer while every worker is taken
_IN_MEMORY = 1 << 40  # bytes; waitress writes longer requests and answers to a file, and these are about patients
_WAITING_TO_BE_SENT = 4 << 20  # bytes of one answer; a slow client does not make the service hold more
_SILENT = 60  # seconds after which a client that sends nothing, or takes nothing, is let go
_CLIENTS = 200
_TICK = 0.5  # seconds between looks at whether to stop
_LONGER = 5.0  # seconds beside the deadline of queries, for the last answers to be sent
_A_LITTLE = 1 << 20  # bytes by which a body may be too large and still be answered with a sentence


def options(app: Flask) -> dict[str, Any]:
    """Give the settings of waitress: nothing posted or answered touches the disk, and the server does not name itself.

    A body a little too large is left to the app, which answers with a problem document.
    """
    limits = of(app).settings.limits
    return {
        "threads": limits.workers + _BESIDE_QUERIES,
        "max_request_body_size": limits.upload_bytes + _A_LITTLE,
        "inbuf_overflow": _IN_MEMORY,
        "outbuf_overflow": _IN_MEMORY,
        "outbuf_high_watermark": _WAITING_TO_BE_SENT,
        "channel_timeout": _SILENT,
        "connection_limit": _CLIENTS,
        "ident": None,
    }


def serve(app: Flask, *, host: str, port: int) -> None:
    """Serve until told to stop, with one line of JSON on standard error for each request.

    Raises:
        OSError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listening, _stopped_by_a_signal() as stop:
        logs.to_standard_error()
        _let_go_of_who_takes_nothing(listening)
        named = f"[{host}]" if ":" in host else host
        print(f"osteo-kg: listening on http://{named}:{listening.getsockname()[1]}/", file=sys.stderr, flush=True)
        sockets: dict[int, Any] = {}
        server = waitress.create_server(app, sockets=[listening], map=sockets, **options(app))
        refuse_like_the_app(server, app)
        try:
            while not stop.is_set():
                _look_at(sockets)
            _finish(server, sockets, of(app).settings.limits.seconds + _LONGER)
        finally:
            server.task_dispatcher.shutdown()
            of(app).store.close()


def refuse_like_the_app(server: Any, app: Flask) -> None:
    """Have what the server refuses before the app sees it told as the app tells problems, in the form asked for."""

    class Refusal(ErrorTask):  # type: ignore[misc]  # waitress has no types
        def execute(self) -> None:
            error, asked = self.request.error, self.request.headers
            status = HTTPStatus(error.code)
            document = {"type": "about:blank", "title": status.phrase, "status": error.code, "detail": _said(error)}
            media = PAGE if accepts_a_page(asked.get("ACCEPT", "")) else problems.MEDIA
            content = problems.written(app, document, media).encode()
            self.status = f"{error.code} {status.phrase}"
            self.response_headers += [("Content-Type", content_type(media)), ("Cache-Control", "no-store")]
            self.set_close_on_finish()
            self.content_length = len(content)
            self.write(content)

    server.channel_class = type("Channel", (HTTPChannel,), {"error_task_class": Refusal})


def _said(error: Any) -> str:
    """Give a sentence for what waitress refuses; its own may quote what was sent."""
    if error.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return "The body is larger than is allowed. Send less, or in several requests."
    if error.code == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        return "The headers are longer than is allowed. Send a long query in the body, by POST."
    if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "This is an error of the service. Nothing was decided."
    return "The request is not HTTP as it is understood here. Correct it."


def _finish(server: Any, sockets: dict[int, Any], seconds: float) -> None:
    """Take no new connection, and answer to the end what has been asked."""
    wasyncore.dispatcher.close(server)
    end = time.monotonic() + seconds
    while channels := _asked_or_answering(server):
        if time.monotonic() > end:
            break
        for each in set(server.active_channels.values()) - channels:
            each.will_close = True
        _look_at(sockets)


def _asked_or_answering(server: Any) -> set[Any]:
    return {each for each in server.active_channels.values() if each.requests or each.total_outbufs_len}


def _look_at(sockets: dict[int, Any]) -> None:
    wasyncore.loop(timeout=_TICK, use_poll=True, map=sockets, count=1)


@contextmanager
def _stopped_by_a_signal() -> Iterator[threading.Event]:
    """Give what is set when the process is told to end, by the system or at the keyboard."""
    stop = threading.Event()
    before = {each: signal.signal(each, lambda *_: stop.set()) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _let_go_of_who_takes_nothing(listening: socket.socket) -> None:
    """Have the kernel close a connection whose client takes nothing; waitress itself would wait for ever."""
    if sys.platform == "linux":  # what is accepted inherits it
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SILENT * 1000)
