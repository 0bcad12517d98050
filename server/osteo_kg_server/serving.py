"""The app behind waitress, a server made for production."""

from __future__ import annotations

import signal
import socket
import sys
from typing import NoReturn

import waitress
from flask import Flask

from osteo_kg_server import logs
from osteo_kg_server.service import of

_BESIDE_QUERIES = 12  # threads that answer while every worker is taken
_IN_MEMORY = 1 << 40  # bytes; waitress writes longer requests and answers to a file, and these are about patients
_WAITING_TO_BE_SENT = 4 << 20  # bytes of one answer; a slow client does not make the service hold more
_SILENT = 60  # seconds after which a client that sends nothing is let go
_CLIENTS = 200
_A_LITTLE = 1 << 20  # bytes by which a body may be too large and still be answered with a sentence


def options(app: Flask) -> dict[str, int | str | None]:
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
    """Serve until stopped, with one line of JSON on standard error for each request.

    Raises:
        OSError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    signal.signal(signal.SIGTERM, _stop)
    with socket.create_server((host, port), family=family) as listening:
        logs.to_standard_error()
        named = f"[{host}]" if ":" in host else host
        print(f"osteo-kg: listening on http://{named}:{listening.getsockname()[1]}/", file=sys.stderr, flush=True)
        server = waitress.create_server(app, sockets=[listening], **options(app))
        try:
            server.run()
        finally:
            server.task_dispatcher.shutdown()
            of(app).store.close()


def _stop(*_: object) -> NoReturn:
    """End as at the keyboard: requests that are being answered are answered to the end."""
    raise SystemExit(0)
