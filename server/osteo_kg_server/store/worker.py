"""One forked process that evaluates queries and updates on its copy of the index, and dies at their deadline.

A running query of Oxigraph cannot be stopped from Python. The kernel can: the alarm of a worker ends it, whatever it is
doing, and gives all its memory back. A worker has no file to open: `SERVICE` and `LOAD` find no socket.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from typing import IO, Any, Protocol, cast

import pyoxigraph as ox

from osteo_kg import UnwritableError
from osteo_kg.rdf import MergingIndex, ResultKind, write_result
from osteo_kg_server.errors import NotOfferedError, TooLargeError
from osteo_kg_server.store import worker_protocol
from osteo_kg_server.store.base import WHOLE
from osteo_kg_server.store.query_guard import LimitedWriter
from osteo_kg_server.store.worker_protocol import Line

_CHUNK = 1 << 16  # bytes
_SET_PARENT_DEATH_SIGNAL = 1  # of prctl(2)
WorkerResult = ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples


class WorkerApp(Protocol):
    """An app that answers a request of HTTP where its query is evaluated, which saves it the way back and forth."""

    def prepare(self) -> None:
        """Load all that is needed: a worker opens no file."""

    def __call__(self, request: dict[str, Any], evaluate: Evaluator) -> tuple[int, bytes, bytes] | None:
        """Give status, head and body of the answer; None where it is for the service to answer."""


def run(index: MergingIndex, line: Line, memory: int, app: WorkerApp | None = None) -> None:
    """Answer requests until the other side is gone.

    Args:
        index: the index, of which changes stay in this process.
        line: where requests come from.
        memory: bytes that may be taken beside what is there already.
        app: what answers requests of HTTP.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    _die_with_parent()
    _confine(line, memory)
    while True:
        try:
            request = line.asked()
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])
        _answer(index, line, request, app)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _die_with_parent() -> None:
    """Have the kernel end this process when the one that forked it ends; elsewhere than on Linux the deadline does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _confine(line: Line, memory: int) -> None:
    """Leave one open file, no room for another, and so much memory."""
    with_dataset, kept = _address_space() + memory, line.fileno()
    os.closerange(3, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (with_dataset, with_dataset))


def _address_space() -> int:
    """Give the bytes of address space in use; very many where the system does not tell, which is no limit."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 1 << 40


def _answer(index: MergingIndex, line: Line, request: dict[str, Any], app: WorkerApp | None) -> None:
    try:
        if request["what"] == "query":
            _sending(index, line, request).end()
        elif request["what"] == "http":
            _respond(index, line, request, app)
        else:
            _update(index.store, line, request)
    except (SyntaxError, ValueError) as error:
        line.tell(worker_protocol.ERROR, {"error": "syntax", "message": str(error)})
    except UnwritableError as error:
        line.tell(worker_protocol.ERROR, {"error": "unwritable", "message": error.message, "advice": error.advice})
    except NotOfferedError as error:
        line.tell(worker_protocol.ERROR, {"error": "not-offered", "kind": error.kind})
    except TooLargeError:
        line.tell(worker_protocol.ERROR, {"error": "too-large"})
    except (MemoryError, RuntimeError, OSError) as error:
        line.tell(worker_protocol.ERROR, {"error": "evaluation", "message": str(error)})


def _respond(index: MergingIndex, line: Line, request: dict[str, Any], app: WorkerApp | None) -> None:
    try:
        answered = app(request, Evaluator(index, line, request["seconds"])) if app else None
    except _PastTheApp as ended:
        if ended.error is not None:
            raise ended.error from None
        return
    if answered is None:
        line.send(worker_protocol.DECLINED)
    else:
        line.send(worker_protocol.ANSWERED, *worker_protocol.answer_parts(*answered))


class _PastTheApp(BaseException):
    """What becomes of a query goes past the app, to the service: an error, or a result that is sent bit by bit.

    Args:
        error: the error.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error


class Evaluator:
    """Evaluates one query for the app of a worker.

    Args:
        index: the index.
        line: where a result goes that is too large for the app.
        seconds: the deadline that is set; a query may want less.
    """

    def __init__(self, index: MergingIndex, line: Line, seconds: float) -> None:
        self._index, self._line, self._seconds, self._is_done = index, line, seconds, False

    def names(self) -> list[str]:
        """Give the names of the graphs."""
        return sorted(_names(self._index.store))

    def __call__(self, request: dict[str, Any]) -> tuple[ResultKind, bytes]:
        """Give the kind of a result, and the result as it is written.

        Raises:
            RuntimeError: there was a query before: what becomes of another must not cost its result.
        """
        if self._is_done:
            raise RuntimeError
        self._is_done = True
        if request["seconds"] < self._seconds:
            signal.setitimer(signal.ITIMER_REAL, request["seconds"])
        try:
            sending = _sending(self._index, self._line, request)
        except Exception as error:
            raise _PastTheApp(error) from error
        if sending.has_begun:
            sending.end()
            raise _PastTheApp
        return sending.kind, sending.whole


def _sending(index: MergingIndex, line: Line, request: dict[str, Any]) -> _Sending:
    """Evaluate a query, and write its result, of which what is too large to be sent whole is sent meanwhile.

    Raises:
        NotOfferedError: the result has none of the formats accepted.
        TooLargeError: it is larger than is allowed.
        UnwritableError: the format cannot hold it.
    """
    found = _evaluated(index, request)
    kind: ResultKind = "solutions" if isinstance(found, ox.QuerySolutions) else "graph"
    if isinstance(found, ox.QueryBoolean):
        kind = "boolean"
    format_name = request["formats"].get(kind)
    if format_name is None:
        raise NotOfferedError(kind)
    sending = _Sending(line, kind)
    limited = LimitedWriter(sending.send, format_name, request["rows"], request["result_bytes"])
    write_result(found, cast(IO[bytes], limited), format_name, request["columns"], request["first"])
    return sending


class _Sending:
    """Sends a result: in one message where it is small enough to be sent whole, else bit by bit.

    Attributes:
        kind: the kind of the result.
        has_begun: whether a part of it has been sent.
    """

    def __init__(self, line: Line, kind: ResultKind) -> None:
        self._line, self.kind = line, kind
        self._parts: list[bytes] = []
        self._size, self._most, self.has_begun = 0, WHOLE, False

    @property
    def whole(self) -> bytes:
        """The result, of which nothing has been sent."""
        return b"".join(self._parts)

    def send(self, part: bytes) -> None:
        """Hold a part back until there is enough to be sent."""
        self._parts.append(part)
        self._size += len(part)
        if self._size >= self._most:
            self._flush()

    def end(self) -> None:
        """Send what was held back, and that this was all."""
        if not self.has_begun:
            self._line.send(worker_protocol.WHOLE, worker_protocol.KINDS[self.kind], *self._parts)
            return
        self._flush()
        self._line.send(worker_protocol.END)

    def _flush(self) -> None:
        if not self.has_begun:
            self.has_begun, self._most = True, _CHUNK
            self._line.send(worker_protocol.HEADER, worker_protocol.KINDS[self.kind])
        self._line.send(worker_protocol.DATA, b"".join(self._parts))
        self._parts, self._size = [], 0


def _evaluated(index: MergingIndex, request: dict[str, Any]) -> WorkerResult:
    return index.query(
        request["query"],
        base=request["base"],
        union=request["union"],
        default_graphs=request["default_graphs"],
        named_graphs=request["named_graphs"],
    )


def _update(store: ox.Store, line: Line, request: dict[str, Any]) -> None:
    """Carry out an update on this copy, and tell what it changed."""
    names_before, before = _graphs(store)
    store.update(request["update"], base_iri=request["base"])
    names_after, after = _graphs(store)
    removed, added = [], []
    for name in before.keys() | after.keys():
        old, new = before.get(name, b""), after.get(name, b"")
        if old != new:
            was, now = set(old.splitlines(keepends=True)), set(new.splitlines(keepends=True))
            removed.append((name, b"".join(was - now).decode("utf-8")))
            added.append((name, b"".join(now - was).decode("utf-8")))
    line.tell(
        worker_protocol.TOLD,
        {
            "removed": removed,
            "added": added,
            "created": sorted(names_after - names_before),
            "dropped": sorted(names_before - names_after),
        },
    )


def _names(store: ox.Store) -> set[str]:
    return {graph.value for graph in store.named_graphs() if isinstance(graph, ox.NamedNode)}


def _graphs(store: ox.Store) -> tuple[set[str], dict[str, bytes]]:
    """Give the names of graphs, and the lines of each."""
    names = _names(store)
    dumped = {name: store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.NamedNode(name)) for name in names}
    dumped[""] = store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
    return names, {name: lines or b"" for name, lines in dumped.items()}
