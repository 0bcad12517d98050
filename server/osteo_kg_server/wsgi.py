"""The app behind uvicorn, whose parser of HTTP and loop are in C, and which ends once what it was asked is answered."""

from __future__ import annotations

import gc
import logging
import resource
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
import uvloop
from flask import Flask

from osteo_kg_server import logs
from osteo_kg_server.service import of
from osteo_kg_server.serving import query_app
from osteo_kg_server.serving.bridge import Bridge
from osteo_kg_server.serving.connection import SILENT, Connection, Front

_BESIDE_QUERIES = 12  # threads that answer while every worker is taken
_CLIENTS = 4000
_BESIDE_CLIENTS = 96  # open files of the service itself
_BACKLOG = 1024  # connections that the system holds until they are looked at
_LONGER = 5  # seconds beside the deadline of queries, for the last answers to be sent
_STARTED = 30.0  # seconds


def serve(app: Flask, *, host: str, port: int) -> None:
    """Serve until told to stop, with one line of JSON on standard error for each request.

    Raises:
        OSError: the address cannot be listened on.
    """
    with _listening(host, port) as listening:
        logs.to_standard_error()
        server = _Server(app)
        gc.freeze()  # the knowledge stays, and is not looked through again and again for what could go
        try:
            with server.capture_signals():  # from here on, for who waits for the line below may send one at once
                print(f"osteo-kg: listening on {_address(listening)}/", file=sys.stderr, flush=True)
                _run(server, listening)
        finally:
            of(app).store.close()


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Serve an app in a thread of this process while the block runs, and give its address."""
    with _listening("127.0.0.1", 0) as listening:
        server = _Server(app)
        thread = threading.Thread(target=_run, args=(server, listening), daemon=True)
        thread.start()
        try:
            yield _address(listening)
        finally:
            server.should_exit = True
            thread.join(_STARTED)


class _Server(uvicorn.Server):
    """Uvicorn around an app, in this process and thread.

    Args:
        app: the app.
    """

    def __init__(self, app: Flask) -> None:
        serving = of(app)
        limits, store = serving.settings.limits, serving.store
        self.bridge = Bridge(
            app,
            limits.workers,
            _BESIDE_QUERIES,
            limits.upload_bytes,
            query_app.choice(serving),
            app.extensions["osteo_kg_log"],
        )
        front = Front(app, _connections(), lambda: store.load.in_use >= limits.workers, self.bridge.answer)
        super().__init__(
            uvicorn.Config(
                self.bridge,
                http=partial(Connection, front=front),  # type: ignore[arg-type]  # it is called, and not looked at
                loop="none",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=_BACKLOG,
                timeout_keep_alive=int(SILENT),
                timeout_graceful_shutdown=int(limits.seconds) + _LONGER,
            )
        )
        logging.getLogger("uvicorn.error").addFilter(_is_news)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop when the process is told to end, by the system or at the keyboard, and let that be all of it."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {each: signal.signal(each, self._stop) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for each, handler in handlers.items():
                signal.signal(each, handler)

    def _stop(self, *_: Any) -> None:
        self.should_exit = True


def _run(server: _Server, listening: socket.socket) -> None:
    try:
        uvloop.run(server.serve([listening]))
    finally:
        server.bridge.close()


def _is_news(record: logging.LogRecord) -> bool:
    """Leave out what a line of ours tells: that an answer was not sent to its end."""
    return "without completing" not in str(record.msg)


def _listening(host: str, port: int) -> socket.socket:
    """Listen on an address; the kernel closes a connection whose client takes nothing, which else waits for ever."""
    listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    if sys.platform == "linux":  # what is accepted inherits it
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(SILENT) * 1000)
    return listening


def _address(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _connections() -> int:
    """Have room for so many connections as may be, and say for how many there is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _CLIENTS + _BESIDE_CLIENTS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return _CLIENTS if soft == resource.RLIM_INFINITY else max(min(_CLIENTS, soft - _BESIDE_CLIENTS), 1)
