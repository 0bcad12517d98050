"""Being stopped: a signal ends a command with a sentence and its status, and never inside an engine.

DuckDB takes an exception that a handler raises inside it for an error of its own, or goes on. So its queries are
interrupted from another thread, and the handler raises where Python runs again.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Container, Iterator
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, TypeVar, cast

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no SIGHUP
_AGAIN = 0.05  # seconds until an engine that goes on is interrupted again
_ENGINES = frozenset({"duckdb", "ibis"})  # packages inside which nothing is raised
_CONTEXTS = Path(contextlib.__file__)  # entered, and not yet known to be left
_WHOLE: set[CodeType] = set()
Function = TypeVar("Function", bound=Callable[..., Any])


class Stopped(SystemExit):
    """The command was stopped by a signal; its status is the one that a shell gives."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number

    def __str__(self) -> str:
        name = "Ctrl-C" if self.number == signal.SIGINT else signal.Signals(self.number).name
        return f"Stopped by {name}."


class _Stop:
    """What was caught, and what is to be interrupted."""

    def __init__(self) -> None:
        self.caught: int | None = None
        self.is_active = False  # whether signals come here
        self.is_over = False  # raised already, or too late: everything was written
        self.interrupts: list[Callable[[], None]] = []

    def handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_over:
            return
        self.caught = self.caught or number
        if not _is_to_be_waited_for(frame):
            self.is_over = True
            raise Stopped(self.caught)

    def watch(self, woken: socket.socket, heard: Container[int]) -> None:
        """Interrupt engines once a signal came, and again until it was raised: the main thread may not know of it."""
        while came := woken.recv(1):
            if came[0] in heard:
                self.caught = self.caught or came[0]
            while self.caught and not self.is_over:
                for interrupt in tuple(self.interrupts):
                    interrupt()
                time.sleep(_AGAIN)
                if not self.is_over:
                    signal.raise_signal(self.caught)


_stop = _Stop()


def done_whole(function: Function) -> Function:
    """Have nothing raised inside a function: what it begins it also ends, or leaves to somebody who knows of it."""
    _WHOLE.add(cast(FunctionType, function).__code__)
    return function


def _is_to_be_waited_for(frame: FrameType | None) -> bool:
    """Whether an engine runs, or something that is done whole, or what enters and leaves contexts."""
    if frame is None:
        return False
    path = Path(frame.f_code.co_filename)
    if path == _CONTEXTS or not _ENGINES.isdisjoint(path.parts):
        return True
    return any(each.f_code in _WHOLE for each, _ in traceback.walk_stack(frame))


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """End with `Stopped` on Ctrl-C, SIGTERM and SIGHUP, those that are not ignored; in the main thread only."""
    global _stop
    if threading.current_thread() is not threading.main_thread() or _stop.is_active:
        yield
        return
    _stop = _Stop()
    _stop.is_active = True
    woken, waking = socket.socketpair()
    waking.setblocking(False)
    heard = [each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
    watching = threading.Thread(target=_stop.watch, args=(woken, heard), daemon=True)
    watching.start()
    before_fd = signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
    before = {each: signal.signal(each, _stop.handle) for each in heard}
    try:
        yield
    finally:
        _stop.is_active, _stop.is_over = False, True
        signal.set_wakeup_fd(before_fd)
        waking.close()
        watching.join()  # it raises nothing after this
        woken.close()
        for each, handler in before.items():
            signal.signal(each, handler)


def was_stopped() -> Stopped | None:
    """Say whether a signal came, so that an engine's error is only that it was interrupted."""
    return Stopped(_stop.caught) if _stop.caught else None


@contextlib.contextmanager
def interrupted_by(interrupt: Callable[[], None]) -> Iterator[None]:
    """Have an engine interrupted when a signal comes."""
    interrupts = _stop.interrupts
    interrupts.append(interrupt)
    try:
        yield
    finally:
        interrupts.remove(interrupt)


@contextlib.contextmanager
def unstoppable() -> Iterator[None]:
    """Do what takes a moment and is not to be done by halves; a command that did it is not stopped any more."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    caught: list[int] = []
    heard = [each for each in SIGNALS if signal.getsignal(each) not in (signal.SIG_IGN, signal.SIG_DFL, None)]
    before = {each: signal.signal(each, lambda number, _: caught.append(number)) for each in heard}
    try:
        yield
        _stop.is_over = True
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
        for number in caught[:1]:
            signal.raise_signal(number)  # a command that is over passes over it
