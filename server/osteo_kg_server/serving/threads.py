"""Threads that work for the loop of connections, which itself waits for nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

Given = TypeVar("Given")


class Threads:
    """Threads that do what they are handed, the first first.

    Args:
        number: how many.
    """

    def __init__(self, number: int) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(number)]
        for each in self._threads:
            each.start()

    @property
    def waiting(self) -> int:
        """How much waits to be done."""
        return self._jobs.qsize()

    def do(self, job: Callable[[], None]) -> None:
        """Have a thread do something that raises nothing."""
        self._jobs.put(job)

    def hand_over(
        self, work: Callable[[], Given], done: Callable[[Given], None], failed: Callable[[BaseException], None]
    ) -> None:
        """Have a thread do some work, and the loop hear of how it ended."""
        loop = asyncio.get_running_loop()

        def job() -> None:
            try:
                given = work()
            except BaseException as error:
                _tell(loop, failed, error)
            else:
                _tell(loop, done, given)

        self._jobs.put(job)

    async def done(self, work: Callable[[], Given]) -> Given:
        """Have a thread do some work, and wait for what it gives."""
        future: asyncio.Future[Given] = asyncio.get_running_loop().create_future()
        self.hand_over(work, partial(settle, future, future.set_result), partial(settle, future, future.set_exception))
        return await future

    def close(self) -> None:
        """Let the threads end, once they are done."""
        for _ in self._threads:
            self._jobs.put(None)

    def wait(self, seconds: float) -> None:
        """Wait for the end of each, so long at most."""
        for each in self._threads:
            each.join(seconds)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _tell(loop: asyncio.AbstractEventLoop, tell: Callable[[Any], None], said: Any) -> None:
    """Have the loop hear of a result; where it has ended, nobody does."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(tell, said)


def settle(future: asyncio.Future[Given], tell: Callable[[Any], None], said: Any) -> None:
    """Tell a future how it ended, if somebody still waits for it."""
    if not future.done():
        tell(said)
