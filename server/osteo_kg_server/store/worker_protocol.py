"""Messages between the service and the processes that evaluate: a length, a tag of one byte, and bytes.

A short message is one call of the system on either side, and a result is never wrapped into anything: what a worker
writes is what the client gets. Requests are pickled, since the service makes them; what comes back is not trusted that
far, and is bytes or JSON.
"""

from __future__ import annotations

import json
import pickle
import socket
import struct
import weakref
from typing import Any

from osteo_kg.rdf import ResultKind

REQUEST, WHOLE, HEADER, DATA, END, TOLD, ERROR = b"R", b"W", b"H", b"D", b"E", b"T", b"X"
#: To a request of HTTP: its answer as it goes to the client, or that the service is to answer it.
ANSWERED, DECLINED = b"A", b"N"
#: The kinds of results, each with the byte that it is told by.
KINDS: dict[ResultKind, bytes] = {"solutions": b"s", "boolean": b"b", "graph": b"g"}
KIND_OF: dict[bytes, ResultKind] = {byte: kind for kind, byte in KINDS.items()}
_HEAD, _ANSWER = struct.Struct("!Ic"), struct.Struct("!HI")
_AT_ONCE = 1 << 16  # bytes that are read, or put together to be sent, in one call


def answer_parts(status: int, head: bytes, body: bytes) -> tuple[bytes, bytes, bytes]:
    """Give the parts of the message that is an answer of HTTP."""
    return _ANSWER.pack(status, len(head)), head, body


def answer_of(message: bytes | bytearray) -> tuple[int, bytes, memoryview]:
    """Give status, head and body of an answer of HTTP; the body is not copied."""
    status, size = _ANSWER.unpack_from(message)
    head_end = _ANSWER.size + size
    return status, bytes(message[_ANSWER.size : head_end]), memoryview(message)[head_end:]


class Line:
    """One end of a socket between two processes. One thread may speak on it at a time.

    Args:
        end: the socket.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end, self._waiting = end, b""
        weakref.finalize(self, end.close)  # a store that nobody has any more hangs up on its workers

    def fileno(self) -> int:
        """Give the number of its file."""
        return self._end.fileno()

    def close(self) -> None:
        """Hang up."""
        self._end.close()

    def ask(self, request: dict[str, Any]) -> None:
        """Send a request.

        Raises:
            EOFError: the other side is gone.
        """
        self.send(REQUEST, pickle.dumps(request))

    def asked(self) -> dict[str, Any]:
        """Wait for a request.

        Raises:
            EOFError: the other side is gone.
        """
        request: dict[str, Any] = pickle.loads(self.receive()[1])
        return request

    def tell(self, tag: bytes, document: Any) -> None:
        """Send a document as JSON.

        Raises:
            EOFError: the other side is gone.
        """
        self.send(tag, json.dumps(document).encode())

    def send(self, tag: bytes, *parts: bytes) -> None:
        """Send a message, its parts one after the other.

        Raises:
            EOFError: the other side is gone.
        """
        size = sum(map(len, parts))
        head = _HEAD.pack(size, tag)
        try:
            if size < _AT_ONCE:
                self._end.sendall(b"".join((head, *parts)))
                return
            for part in (head, *parts):
                self._end.sendall(part)
        except OSError as error:
            raise EOFError from error

    def receive(self) -> tuple[bytes, bytes | bytearray]:
        """Wait for a message and give its tag and what is behind it.

        Raises:
            EOFError: the other side is gone.
        """
        try:
            return self._received()
        except OSError as error:  # a side that is killed may reset the connection
            raise EOFError from error

    def arrived(self) -> tuple[bytes, bytes] | None:
        """Take what has arrived, once there is something, and give the message; None where more of it is to come.

        Raises:
            EOFError: the other side is gone.
        """
        try:
            self._waiting += self._more()
        except BlockingIOError:
            return None
        except OSError as error:
            raise EOFError from error
        finally:
            self._end.setblocking(True)  # a loop that looks out for what arrives may have had it wait for nothing
        return self._message()

    def _message(self) -> tuple[bytes, bytes] | None:
        waiting, begin = self._waiting, _HEAD.size
        if len(waiting) < begin:
            return None
        size, tag = _HEAD.unpack_from(waiting)
        end = begin + size
        if len(waiting) < end:
            return None
        self._waiting = waiting[end:]
        return tag, waiting[begin:end]

    def _received(self) -> tuple[bytes, bytes | bytearray]:
        while len(self._waiting) < _HEAD.size:
            self._waiting += self._more()
        whole = self._message()
        if whole is not None:
            return whole
        size, tag = _HEAD.unpack_from(self._waiting)
        first, self._waiting = self._waiting[_HEAD.size :], b""
        return tag, self._rest(first, size)

    def _rest(self, first: bytes, size: int) -> bytearray:
        """Give a message that has only begun to arrive."""
        message, at = bytearray(size), len(first)
        message[:at] = first
        with memoryview(message) as view:
            while at < size:
                came = self._end.recv_into(view[at:])
                if not came:
                    raise EOFError
                at += came
        return message

    def _more(self) -> bytes:
        more = self._end.recv(_AT_ONCE)
        if not more:
            raise EOFError
        return more
