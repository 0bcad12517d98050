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
from typing import IO, Any, cast

import pyoxigraph as ox

from osteo_kg import UnwritableError
from osteo_kg.rdf import MergingIndex, ResultKind, write_result
from osteo_kg_server.errors import TooLargeError
from osteo_kg_server.store import worker_protocol
from osteo_kg_server.store.base import WHOLE
from osteo_kg_server.store.query_guard import LimitedWriter
from osteo_kg_server.store.worker_protocol import Line

_CHUNK = 1 << 16  # bytes
_SET_PARENT_DEATH_SIGNAL = 1  # of prctl(2)
WorkerResult = ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples


def run(index: MergingIndex, line: Line, memory: int) -> None:
    """Answer requests until the other side is gone.

    Args:
        index: the index, of which changes stay in this process.
        line: where requests come from.
        memory: bytes that may be taken beside what is there already.
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
        _answer(index, line, request)
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


def _answer(index: MergingIndex, line: Line, request: dict[str, Any]) -> None:
    try:
        if request["what"] == "query":
            _query(index, line, request)
        else:
            _update(index.store, line, request)
    except (SyntaxError, ValueError) as error:
        line.tell(worker_protocol.ERROR, {"error": "syntax", "message": str(error)})
    except UnwritableError as error:
        line.tell(worker_protocol.ERROR, {"error": "unwritable", "message": error.message, "advice": error.advice})
    except TooLargeError:
        line.tell(worker_protocol.ERROR, {"error": "too-large"})
    except (MemoryError, RuntimeError, OSError) as error:
        line.tell(worker_protocol.ERROR, {"error": "evaluation", "message": str(error)})


def _query(index: MergingIndex, line: Line, request: dict[str, Any]) -> None:
    found = _evaluated(index, request)
    kind: ResultKind = "solutions" if isinstance(found, ox.QuerySolutions) else "graph"
    if isinstance(found, ox.QueryBoolean):
        kind = "boolean"
    format_name = request["formats"].get(kind)
    if format_name is None:
        line.tell(worker_protocol.ERROR, {"error": "not-offered", "kind": kind})
        return
    sending = _Sending(line, kind)
    limited = LimitedWriter(sending.send, format_name, request["rows"], request["result_bytes"])
    write_result(found, cast(IO[bytes], limited), format_name, request["columns"], request["first"])
    sending.end()


class _Sending:
    """Sends a result: in one message where it is small enough to be sent whole, else bit by bit."""

    def __init__(self, line: Line, kind: ResultKind) -> None:
        self._line, self._kind = line, worker_protocol.KINDS[kind]
        self._parts: list[bytes] = []
        self._size, self._most, self._begun = 0, WHOLE, False

    def send(self, part: bytes) -> None:
        """Hold a part back until there is enough to be sent."""
        self._parts.append(part)
        self._size += len(part)
        if self._size >= self._most:
            self._flush()

    def end(self) -> None:
        """Send what was held back, and that this was all."""
        if not self._begun:
            self._line.send(worker_protocol.WHOLE, self._kind, *self._parts)
            return
        self._flush()
        self._line.send(worker_protocol.END)

    def _flush(self) -> None:
        if not self._begun:
            self._begun, self._most = True, _CHUNK
            self._line.send(worker_protocol.HEADER, self._kind)
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


def _graphs(store: ox.Store) -> tuple[set[str], dict[str, bytes]]:
    """Give the names of graphs, and the lines of each."""
    names = {graph.value for graph in store.named_graphs() if isinstance(graph, ox.NamedNode)}
    dumped = {name: store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.NamedNode(name)) for name in names}
    dumped[""] = store.dump(format=ox.RdfFormat.N_TRIPLES, from_graph=ox.DefaultGraph())
    return names, {name: lines or b"" for name, lines in dumped.items()}
