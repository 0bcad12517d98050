"""The workers that are at hand, and the process that forks them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from osteo_kg_server.errors import BusyError
from osteo_kg_server.settings import Limits
from osteo_kg_server.store import worker_protocol
from osteo_kg_server.store.base import Load
from osteo_kg_server.store.worker_protocol import Line

_OF_A_RESULT = (worker_protocol.WHOLE, worker_protocol.END, worker_protocol.TOLD, worker_protocol.ERROR)
_LAST = (*_OF_A_RESULT, worker_protocol.ANSWERED, worker_protocol.DECLINED)
Lines = tuple[str, str]  # a graph, and N-Triples


class IndexProcess:
    """The process that holds the index. One thread may speak with it at a time."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "osteo_kg_server.store.index_process", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # what a library prints when it fails could quote a query
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
        self._control, self._line = ours, Line(ours)
        self._end = weakref.finalize(self, _ended, process, self._control)

    def change(
        self,
        *,
        cleared: Iterable[str] = (),
        dropped: Iterable[str] = (),
        created: Iterable[str] = (),
        removed: Iterable[Lines] = (),
        added: Iterable[Lines] = (),
    ) -> None:
        """Bring the index up to a write: graphs first, then what is removed, then what is added.

        Raises:
            EOFError: the process is gone.
        """
        request = {"cleared": cleared, "dropped": dropped, "created": created, "removed": removed, "added": added}
        self._line.ask({"what": "change", **{name: list(items) for name, items in request.items()}})
        self._line.receive()

    def give(self, app: Any) -> None:
        """Give the app that workers answer requests of HTTP with, to those that are forked from now on.

        Raises:
            EOFError: the process is gone.
        """
        self._line.ask({"what": "app", "app": app})
        self._line.receive()

    def fork(self, memory: int) -> Line:
        """Fork a worker of the index as it is now, and give the line to it.

        Raises:
            EOFError: the process is gone.
        """
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                self._line.ask({"what": "fork", "memory": memory})
                self._line.receive()  # only then is a file looked for
                try:
                    socket.send_fds(self._control, [b"."], [theirs.fileno()])
                except OSError as error:
                    raise EOFError from error
            self._line.receive()
            return Line(ours.dup())

    def close(self) -> None:
        """Let the process end, which it does once nobody speaks to it."""
        self._end()


def _ended(process: subprocess.Popen[bytes], control: socket.socket) -> None:
    control.close()
    process.wait()


class Workers:
    """Lends workers that know the newest content, and no more of them at once than is allowed.

    Args:
        limits: how many, how much memory each, how long to wait for one.

    Attributes:
        epoch: how often what new workers know has changed.
        index: the process that forks them.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._free = limits.workers  # that may still be lent
        self._turns: deque[threading.Event] = deque()  # of those who wait, the first first: none is passed by
        self._speaking, self._lock = threading.Lock(), threading.Lock()  # with the index, and over who is idle
        self._idle: list[Line] = []
        self.epoch = self._lent = 0
        self._app: Any = None
        self.index = IndexProcess()

    @property
    def load(self) -> Load:
        """Say how many are lent, and how many wait."""
        return Load(in_use=self._lent, idle=len(self._idle))

    @property
    def all_lent(self) -> bool:
        """Say whether there are as many lent as may be."""
        return self._lent >= self._limits.workers

    def borrow(self) -> Worker:
        """Lend a worker, to be given back; one that is idle, or else a new one.

        Raises:
            BusyError: none got free while waiting.
            EOFError: the process that forks them is gone.
        """
        self._take_turn()
        try:
            return self._idle_one() or self._new_one()
        except BaseException:
            with self._lock:
                self._end_turn()
            raise

    def borrow_idle(self) -> Worker | None:
        """Lend a worker that is idle, to be given back; None where none is, no more may be lent, or others wait."""
        with self._lock:
            if self._turns or not self._free or not self._idle:
                return None
            self._free -= 1
            self._lent += 1
            return Worker(self._idle.pop(), self.epoch)

    def give_back(self, worker: Worker) -> None:
        """Take a worker back; one that is not done with its request, or does not know the newest content, is let go."""
        with self._lock:
            self._lent -= 1
            if worker.done and worker.epoch == self.epoch:
                self._idle.append(worker.line)
            else:
                worker.line.close()
            self._end_turn()

    def _take_turn(self) -> None:
        """Wait until one more may be lent.

        Raises:
            BusyError: that took too long.
        """
        with self._lock:
            if self._free and not self._turns:
                self._free -= 1
                return
            turn = threading.Event()
            self._turns.append(turn)
        if turn.wait(self._limits.wait_seconds):
            return
        with self._lock:
            if turn.is_set():  # it came just now
                return
            self._turns.remove(turn)
        raise BusyError("Too many queries run at this moment.", advice="Ask again in a little while.")

    def _end_turn(self) -> None:
        """Have the next one lend, while the lock is held."""
        if self._turns:
            self._turns.popleft().set()
        else:
            self._free += 1

    def _idle_one(self) -> Worker | None:
        """Take a worker that is idle; while a write is under way there are those that were idle before."""
        with self._lock:
            if not self._idle:
                return None
            self._lent += 1
            return Worker(self._idle.pop(), self.epoch)

    def _new_one(self) -> Worker:
        with self._speaking:
            line = self.index.fork(self._limits.memory_bytes)
            with self._lock:
                self._lent += 1
                return Worker(line, self.epoch)

    def answer_with(self, app: Any) -> None:
        """Have workers answer requests of HTTP with an app, which is pickled.

        Raises:
            EOFError: the process that holds the index is gone.
        """
        with self._speaking:
            self._app = app
            self.index.give(app)
            with self._lock:
                self._older()

    def change(self, changes: Iterable[Mapping[str, Any]]) -> None:
        """Bring the index up to a write, all of it before a worker is forked; older workers are lent no more.

        Raises:
            EOFError: the process that holds the index is gone.
        """
        with self._speaking:
            for each in changes:
                self.index.change(**each)
            with self._lock:
                self._older()

    def start_anew(self, changes: Iterable[Mapping[str, Any]]) -> None:
        """Give up the process that holds the index for a new one, which nobody asks before it holds everything.

        Raises:
            EOFError: the new process is gone, too.
        """
        new = IndexProcess()
        if self._app is not None:
            new.give(self._app)
        for each in changes:
            new.change(**each)
        with self._speaking, self._lock:
            old, self.index = self.index, new
            self._older()
        old.close()

    def close(self) -> None:
        """End every process."""
        with self._speaking, self._lock:
            self._older()
            self.index.close()

    def _older(self) -> None:
        """Let go of the workers that do not know of a change; those that are lent go when they come back."""
        self.epoch += 1
        for line in self._idle:
            line.close()
        self._idle.clear()


class Worker:
    """A worker that is lent for one request.

    Args:
        line: the line to it.
        epoch: what it knows.

    Attributes:
        line: the line to it.
        epoch: what it knows.
        done: whether it has answered to the end, and can be lent again.
        gone_at: when it was found to be gone, by `time.perf_counter`.
    """

    def __init__(self, line: Line, epoch: int) -> None:
        self.line, self.epoch, self.done = line, epoch, True
        self.gone_at: float | None = None
        self._put_back: tuple[bytes, bytes | bytearray] | None = None

    def ask(self, request: dict[str, Any]) -> None:
        """Send a request; its answer is then to be received.

        Raises:
            EOFError: the worker is gone.
        """
        self.done = False
        self.line.ask(request)

    def receive(self) -> tuple[bytes, bytes | bytearray]:
        """Wait for the next part of the answer.

        Raises:
            EOFError: the worker is gone, by its deadline or for want of memory.
        """
        if self._put_back is not None:
            part, self._put_back = self._put_back, None
        else:
            with self._noted():
                part = self.line.receive()
        self.done = part[0] in _LAST
        return part

    def arrived(self) -> tuple[bytes, bytes] | None:
        """Give the next part of the answer where all of it has arrived, without waiting.

        Raises:
            EOFError: the worker is gone.
        """
        with self._noted():
            part = self.line.arrived()
        self.done = part is not None and part[0] in _LAST
        return part

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Note when the worker was found to be gone: why is judged by it, however late."""
        try:
            yield
        except EOFError:
            self.gone_at = self.gone_at or time.perf_counter()
            raise

    def put_back(self, part: tuple[bytes, bytes | bytearray]) -> None:
        """Have a part be received again: who looked at it is not the one whom it is for."""
        self._put_back, self.done = part, False
