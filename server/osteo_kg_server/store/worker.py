"""One forked process that evaluates queries and updates on its copy of the index, and dies at their deadline.

A running query of Oxigraph cannot be stopped from Python. The kernel can: the alarm of a worker ends it, whatever it is
doing, and gives all its memory back. A worker has no file to open: `SERVICE` and `LOAD` find no socket.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import resource
import signal
import sys
from multiprocessing.connection import Connection
from typing import Any

import pyoxigraph as ox

from osteo_kg import UnwritableError
from osteo_kg.rdf import ResultKind, write_result
from osteo_kg_server.errors import TooLargeError
from osteo_kg_server.store import worker_protocol
from osteo_kg_server.store.query_guard import LimitedWriter

_CHUNK = 1 << 16  # bytes
_SET_PARENT_DEATH_SIGNAL = 1  # of prctl(2)
WorkerResult = ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples


def run(store: ox.Store, connection: Connection, memory: int) -> None:
    """Answer requests until the other side is gone.

    Args:
        store: the index, of which changes stay in this process.
        connection: where requests come from.
        memory: bytes that may be taken beside what is there already.
    """
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    _die_with_parent()
    _confine(connection, memory)
    while True:
        try:
            _, message = worker_protocol.received(connection)
        except EOFError:
            return
        request = json.loads(message)
        signal.setitimer(signal.ITIMER_REAL, request["seconds"])
        _answer(store, connection, request)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _die_with_parent() -> None:
    """Have the kernel end this process when the one that forked it ends; elsewhere than on Linux the deadline does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def _confine(connection: Connection, memory: int) -> None:
    """Leave one open file, no room for another, and so much memory."""
    with_dataset, kept = _address_space() + memory, connection.fileno()
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


def _answer(store: ox.Store, connection: Connection, request: dict[str, Any]) -> None:
    try:
        if request["what"] == "query":
            _query(store, connection, request)
        else:
            _update(store, connection, request)
    except (SyntaxError, ValueError) as error:
        worker_protocol.send(connection, worker_protocol.ERROR, {"error": "syntax", "message": str(error)})
    except UnwritableError as error:
        told = {"error": "unwritable", "message": error.message, "advice": error.advice}
        worker_protocol.send(connection, worker_protocol.ERROR, told)
    except TooLargeError:
        worker_protocol.send(connection, worker_protocol.ERROR, {"error": "too-large"})
    except (MemoryError, RuntimeError, OSError) as error:
        worker_protocol.send(connection, worker_protocol.ERROR, {"error": "evaluation", "message": str(error)})


def _query(store: ox.Store, connection: Connection, request: dict[str, Any]) -> None:
    found = _evaluated(store, request)
    kind: ResultKind = "solutions" if isinstance(found, ox.QuerySolutions) else "graph"
    if isinstance(found, ox.QueryBoolean):
        kind = "boolean"
    format_name = request["formats"].get(kind)
    if format_name is None:
        worker_protocol.send(connection, worker_protocol.ERROR, {"error": "not-offered", "kind": kind})
        return
    sending = _Sending(connection, {"kind": kind, "form": format_name})
    written = io.BufferedWriter(
        LimitedWriter(sending.send, format_name, request["rows"], request["result_bytes"]), _CHUNK
    )
    write_result(found, written, format_name, request["columns"], request["first"])
    written.flush()
    sending.end()


class _Sending:
    """Sends an answer: in one message if it fits in one, else bit by bit."""

    def __init__(self, connection: Connection, head: dict[str, str]) -> None:
        self._connection, self._head = connection, head
        self._first: bytes | None = None
        self._begun = False

    def send(self, chunk: bytes) -> None:
        """Send a chunk, or hold it back while it is the only one."""
        if self._first is None:
            self._first = chunk
            return
        self._begin()
        self._connection.send_bytes(worker_protocol.DATA + chunk)

    def end(self) -> None:
        """Send what was held back, and that this was all."""
        if self._begun:
            self._connection.send_bytes(worker_protocol.END)
        else:
            worker_protocol.send_whole(self._connection, self._head, self._first or b"")

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            worker_protocol.send(self._connection, worker_protocol.HEADER, self._head)
            self._connection.send_bytes(worker_protocol.DATA + (self._first or b""))


def _evaluated(store: ox.Store, request: dict[str, Any]) -> WorkerResult:
    defaults, named = request["default_graphs"], request["named_graphs"]
    given = defaults is not None or named is not None
    return store.query(
        request["query"],
        base_iri=request["base"],
        use_default_graph_as_union=request["union"] and not given,
        default_graph=[ox.NamedNode(name) for name in defaults or ()] if given else None,
        named_graphs=[ox.NamedNode(name) for name in named or ()] if given else None,
    )


def _update(store: ox.Store, connection: Connection, request: dict[str, Any]) -> None:
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
    worker_protocol.send(
        connection,
        worker_protocol.HEADER,
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
