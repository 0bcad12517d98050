"""One line of JSON for each request: which, how it ended, how long it took. Never what was asked or answered.

The path is that of the route (`/situation/<guideline>/<key>`), since a real one could hold anything. A request id of
the caller is not taken over for the same reason. What other libraries log is reduced to who says it and which error it
is of: their messages quote paths, IRIs and literals.
"""

from __future__ import annotations

import json
import logging
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TextIO

from flask import Flask, Response, g, has_app_context, request

from osteo_kg_server.store import BusyError, DeadlineError, TooLargeError

OUTCOMES = ("answered", "refused", "deadline", "busy", "too-large", "failed", "abandoned")
_BY_ERROR = (
    (DeadlineError, "deadline"),
    (BusyError, "busy"),
    (TooLargeError, "too-large"),
    (GeneratorExit, "abandoned"),
)
STARTED = "osteo_kg.started"  # in the environment of a request: when it began, where that was before the app had it
_WRITTEN = json.JSONEncoder(ensure_ascii=False).encode
_logger = logging.getLogger("osteo_kg_server")
_lines: TextIO | None = None  # where lines go; to whoever has a handler, where there is none


@dataclass(slots=True)
class Ended:
    """A request that has been answered, without anything that a client wrote.

    Attributes:
        request: its id.
        method: its method; None where no route was met.
        route: the rule of its route.
        status: the status it was answered with.
        started: when it began, by the clock of the process.
        outcome: how it ended: one of `OUTCOMES`.
        query: the query that it asked, where queries are logged.
    """

    request: str
    method: str | None
    route: str | None
    status: int
    started: float
    outcome: str
    query: str | None

    @property
    def seconds(self) -> float:
        """Time since it began."""
        return time.perf_counter() - self.started


def register(app: Flask, *, observe: Callable[[Ended], object], queries: bool) -> Callable[[Ended], str]:
    """Log every request of the app, and give what counts one that is answered elsewhere, and makes a line of it.

    Args:
        app: the app.
        observe: gets every request that has ended, too.
        queries: whether the log holds the text of queries.
    """

    def counted(ended: Ended) -> str:
        observe(ended)
        return _WRITTEN(_line(ended))

    def tell(ended: Ended) -> None:
        write((counted(ended),))

    def end(response: Response) -> Response:
        rule = request.url_rule
        ended = Ended(
            request=g.request_id,
            method=request.method if rule else None,
            route=rule.rule if rule else None,
            status=response.status_code,
            started=g.started,
            outcome=g.get("outcome") or _by_status(response.status_code),
            query=g.get("query") if queries else None,
        )
        response.headers["X-Request-Id"] = ended.request
        if response.is_streamed and request.method != "HEAD":
            response.response = _to_its_end(response.response, ended, tell)
        else:
            tell(ended)
        return response

    app.before_request(_begin)
    app.after_request(end)
    return counted


def to_standard_error() -> None:
    """Write the lines to standard error, and of what others log no more than where it comes from."""
    global _lines
    _lines = sys.stderr
    handler = logging.StreamHandler()
    handler.setFormatter(_Careful())
    logging.getLogger().addHandler(handler)
    _logger.setLevel(logging.INFO)


def asked(query: str) -> None:
    """Remember the query of this request, for a log that holds queries."""
    g.query = query


def ended_by(error: BaseException) -> None:
    """Remember which error ended this request, where its status does not tell."""
    g.outcome = _outcome(error)


def failure(error: BaseException) -> None:
    """Log where an unforeseen error arose; its message could quote a patient."""
    of = g.get("request_id") if has_app_context() else None
    _logger.error(json.dumps({"request": of, **_error(error)}))


class _Careful(logging.Formatter):
    """Writes our own lines as they are, and of others only what no client can have written."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name == _logger.name:
            return record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        line = {"logger": record.name, "level": record.levelname, "where": f"{record.module}:{record.lineno}"}
        return json.dumps({**line, **(_error(error) if error else {})})


def _error(error: BaseException) -> dict[str, Any]:
    [*_, last] = traceback.extract_tb(error.__traceback__) or [None]
    return {"error": type(error).__name__, "where": f"{last.name}:{last.lineno}" if last else None}


def write(lines: Iterable[str]) -> None:
    """Write lines, if anybody can take them."""
    with suppress(OSError, ValueError):  # it is full, gone, or closed
        for line in lines:
            _write(line)


def new_id() -> str:
    """Make an id for a request."""
    return f"{random.getrandbits(128):032x}"


def _begin() -> None:
    g.request_id, g.started = new_id(), request.environ.get(STARTED) or time.perf_counter()


def _write(line: str) -> None:
    """Write a line straight to where lines go; as a record of a log it would cost more than all the rest of it."""
    if _lines is None:
        _logger.info(line)
    else:
        _lines.write(f"{line}\n")


def _line(ended: Ended) -> dict[str, Any]:
    line = {
        "request": ended.request,
        "method": ended.method,
        "path": ended.route,
        "status": ended.status,
        "milliseconds": round(ended.seconds * 1000, 1),
        "outcome": ended.outcome,
    }
    return line if ended.query is None else {**line, "query": ended.query}


def _to_its_end(parts: Iterable[Any], ended: Ended, tell: Callable[[Ended], object]) -> Iterator[Any]:
    """Send a long answer on, and tell of it when it is sent or cut off: its status was sent before."""
    try:
        yield from parts
    except BaseException as error:
        ended.outcome = _outcome(error) or "failed"
        raise
    finally:
        tell(ended)


def _outcome(error: BaseException) -> str | None:
    return next((outcome for kind, outcome in _BY_ERROR if isinstance(error, kind)), None)


def _by_status(status: int) -> str:
    if status >= 500:
        return "failed"
    if status == 413:
        return "too-large"
    return "refused" if status >= 400 else "answered"
