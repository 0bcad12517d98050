"""The app behind waitress, a server made for production."""

from __future__ import annotations

import socket

import waitress
from flask import Flask

from osteo_kg_server import logs

MOST_BYTES = 10_000_000  # of one request
_THREADS = 8
_IN_MEMORY = 1 << 30  # bytes; waitress writes longer requests and answers to a file, and these are about patients


def options() -> dict[str, int | str | None]:
    """Give the settings of waitress: nothing posted or answered touches the disk, and the server does not name itself.

    A body a little too large is left to the app, which answers with a problem document.
    """
    return {
        "threads": _THREADS,
        "max_request_body_size": 2 * MOST_BYTES,
        "inbuf_overflow": _IN_MEMORY,
        "outbuf_overflow": _IN_MEMORY,
        "ident": None,
    }


def serve(app: Flask, *, host: str, port: int) -> None:
    """Serve until stopped, with one line of JSON on standard error for each request.

    Raises:
        OSError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listening:
        logs.to_standard_error()
        waitress.create_server(app, sockets=[listening], **options()).run()
