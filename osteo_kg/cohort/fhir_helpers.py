"""Helper processes: the same work on several processors, each process with a reader of its own.

They are started as commands of their own: a process that runs DuckDB cannot be forked, and a script that calls the
library need not be importable. A helper ends when its input does, however this process ended.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, BinaryIO

from osteo_kg.cohort.fhir_reading import PatientReader, Plan
from osteo_kg.errors import KnowledgeError, OsteoError

_START = "import sys; sys.path[:] = {path!r}; from osteo_kg.cohort.fhir_helpers import answer; answer()"
Work = Callable[[str, Iterable[tuple[Any, ...]]], Iterator[Any]]  # a method of the reader, on each of some arguments


@contextlib.contextmanager
def working(plan: Plan, count: int) -> Iterator[Work]:
    """Give what does the work of a reader: helpers, or with a count of 1 this process."""
    if count == 1:
        reader = PatientReader(plan)
        yield lambda method, tasks: (getattr(reader, method)(*task) for task in tasks)
        return
    with contextlib.ExitStack() as stack:
        helpers = [stack.enter_context(_helper(plan)) for _ in range(count)]
        threads = ThreadPoolExecutor(count)
        stack.callback(threads.shutdown, cancel_futures=True)
        free: queue.SimpleQueue[subprocess.Popen[bytes]] = queue.SimpleQueue()
        for each in helpers:
            free.put(each)

        def done(method: str, task: tuple[Any, ...]) -> Any:
            helper = free.get()
            try:
                return _asked(helper, (method, task))
            finally:
                free.put(helper)

        yield lambda method, tasks: threads.map(lambda task: done(method, task), tasks)


@contextlib.contextmanager
def _helper(plan: Plan) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", _START.format(path=sys.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            _send(process.stdin, plan)
            yield process
        finally:
            process.terminate()


def _asked(process: subprocess.Popen[bytes], question: Any) -> Any:
    try:
        _send(process.stdin, question)
        assert process.stdout is not None  # it is a pipe
        answer = pickle.load(process.stdout)
    except (EOFError, OSError) as error:
        raise KnowledgeError(
            "A helper process ended before its work was done.", advice="See whether there is memory left."
        ) from error
    if isinstance(answer, OsteoError):
        raise answer
    return answer


def _send(file: BinaryIO | Any, content: Any) -> None:
    pickle.dump(content, file)
    file.flush()


def answer() -> None:
    """Work as a helper: read a plan and then questions from standard input, and write each answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks is told, and ends its helpers
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    reader = PatientReader(pickle.load(sys.stdin.buffer))
    with contextlib.suppress(EOFError):
        while True:
            method, task = pickle.load(sys.stdin.buffer)
            try:
                found = getattr(reader, method)(*task)
            except OsteoError as error:
                found = error
            _send(answers, found)
