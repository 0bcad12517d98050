"""Messages between the service and the processes that evaluate: a tag of one byte, and bytes or JSON behind it."""

from __future__ import annotations

import json
import struct
from multiprocessing.connection import Connection
from typing import Any

REQUEST, WHOLE, HEADER, DATA, END, ERROR = b"R", b"W", b"H", b"D", b"E", b"X"
_LENGTH = struct.Struct("!I")


def send(connection: Connection, tag: bytes, document: Any) -> None:
    """Send a document as JSON."""
    connection.send_bytes(tag + json.dumps(document).encode("utf-8"))


def send_whole(connection: Connection, document: Any, data: bytes) -> None:
    """Send a short answer, its head and all of its data, in one message: every message costs the service a turn."""
    head = json.dumps(document).encode("utf-8")
    connection.send_bytes(WHOLE + _LENGTH.pack(len(head)) + head + data)


def split_whole(message: bytes) -> tuple[Any, bytes]:
    """Give the head and the data of a short answer."""
    (length,) = _LENGTH.unpack_from(message)
    begin = _LENGTH.size
    return json.loads(message[begin : begin + length]), message[begin + length :]


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
