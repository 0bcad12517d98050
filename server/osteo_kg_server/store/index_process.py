"""The process that holds the index and forks workers from it: `python -m osteo_kg_server.store.index_process FD`.

It has one thread, and so forks safely; the service, which has many, does not fork. A worker shares the memory of the
index until one of them writes. What the index holds can always be built again from what the service keeps.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import sys
from collections.abc import Iterable
from typing import Any

import pyoxigraph as ox

from osteo_kg.rdf import MergingIndex
from osteo_kg_server.store import worker, worker_protocol
from osteo_kg_server.store.worker import WorkerApp
from osteo_kg_server.store.worker_protocol import Line


def main(descriptor: int) -> None:
    """Serve the other end of a socket until it is closed."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # the service ends this process by closing the socket, once it is done
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries workers
    control = socket.socket(fileno=descriptor)
    line, index = Line(control), MergingIndex()
    app: WorkerApp | None = None
    while True:
        try:
            request = line.asked()
        except EOFError:
            return
        if request["what"] == "fork":
            line.send(worker_protocol.END)
            _fork(index, control, request["memory"], app)
        elif request["what"] == "app":
            app = request["app"]
            app.prepare()  # every worker has it as it is now
        else:
            _change(index, request)
        line.send(worker_protocol.END)


def _fork(index: MergingIndex, control: socket.socket, memory: int, app: WorkerApp | None) -> None:
    _, [descriptor], _, _ = socket.recv_fds(control, 1, 1)
    gc.freeze()
    if os.fork() == 0:
        try:
            worker.run(index, Line(socket.socket(fileno=descriptor)), memory, app)
        finally:
            os._exit(0)
    os.close(descriptor)


def _change(index: MergingIndex, request: dict[str, Any]) -> None:
    for name in request["cleared"]:
        index.store.clear_graph(_graph(name))
    for name in request["dropped"]:
        index.store.remove_graph(_graph(name))
    for name in request["created"]:
        index.store.add_graph(ox.NamedNode(name))
    for name, lines in request["removed"]:
        for quad in _quads(name, lines):
            index.store.remove(quad)
    for name, lines in request["added"]:
        index.add(_quads(name, lines))


def _quads(name: str, lines: str) -> Iterable[ox.Quad]:
    graph = _graph(name)
    for quad in ox.parse(lines, format=ox.RdfFormat.N_TRIPLES):
        yield ox.Quad(quad.subject, quad.predicate, quad.object, graph)


def _graph(name: str) -> ox.NamedNode | ox.DefaultGraph:
    return ox.NamedNode(name) if name else ox.DefaultGraph()


if __name__ == "__main__":
    main(int(sys.argv[1]))
