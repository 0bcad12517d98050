"""Messages between the service and the processes that evaluate: a tag of one byte, and bytes or JSON behind it."""

from __future__ import annotations

import json
from multiprocessing.connection import Connection
from typing import Any

REQUEST, HEADER, DATA, END, ERROR = b"R", b"H", b"D", b"E", b"X"


def send(connection: Connection, tag: bytes, document: Any) -> None:
    """Send a document as JSON."""
    connection.send_bytes(tag + json.dumps(document).encode("utf-8"))


def received(connection: Connection) -> tuple[bytes, bytes]:
    """Wait for a message and give its tag and what is behind it.

    Raises:
        EOFError: the other side is gone.
    """
    try:
        message = connection.recv_bytes()
    except OSError as error:  # a side that is killed may reset the connection
        raise EOFError from error
    return message[:1], message[1:]
