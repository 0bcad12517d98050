"""One line of JSON for each request: which, how it ended, how long it took. Never what was asked or answered.

The path is that of the route (`/situation/<guideline>/<key>`), since a real one could hold anything. A request id of
the caller is not taken over for the same reason.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
import uuid

from flask import Flask, Response, g, request

_logger = logging.getLogger("osteo_kg_server")


def register(app: Flask) -> None:
    """Log every request of the app."""
    app.before_request(_begin)
    app.after_request(_end)


def to_standard_error() -> None:
    """Write the lines to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    _logger.addHandler(handler)
    _logger.setLevel(logging.INFO)
    _logger.propagate = False


def failure(error: BaseException) -> None:
    """Log where an unforeseen error arose; its message could quote a patient."""
    [*_, last] = traceback.extract_tb(error.__traceback__) or [None]
    where = f"{last.name}:{last.lineno}" if last else None
    _logger.error(json.dumps({"request": g.get("request_id"), "error": type(error).__name__, "where": where}))


def _begin() -> None:
    g.request_id, g.started = uuid.uuid4().hex, time.perf_counter()


def _end(response: Response) -> Response:
    rule = request.url_rule
    line = {
        "request": g.request_id,
        "method": request.method if rule else None,
        "path": rule.rule if rule else None,
        "status": response.status_code,
        "milliseconds": round((time.perf_counter() - g.started) * 1000, 1),
    }
    _logger.info(json.dumps(line))
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
