"""A FHIR server on this machine: it answers searches from some resources, or misbehaves as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.bundles import patient
from tests.support.hooks import Resource, searchset

Answering = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class FhirServer:
    """A server, and what it was asked.

    Attributes:
        port: where it listens.
        resources: what it finds.
        misbehaving: how it answers requests whose path holds a text, instead.
        asked: the path and the authorization of every request.
    """

    port: int
    resources: list[Resource]
    misbehaving: dict[str, Answering] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://127.0.0.1:{self.port}/r4"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer a request."""
        self.asked.append((request.path, request.headers.get("Authorization")))
        for part, misbehave in self.misbehaving.items():
            if part in request.path:
                misbehave(request)
                return
        send(request, self.found(request.path))

    def found(self, path: str) -> Any:
        """Give what a search finds."""
        parts = urlsplit(path)
        kind = parts.path.removeprefix("/r4/").partition("/")[0]
        if kind == "Patient":
            return patient()
        if kind == "Medication":
            own = parts.path.rpartition("/")[2]
            return next((each for each in self.resources if each.get("id") == own), {})
        [*codes] = parse_qs(parts.query).get("code", [])
        return searchset([each for each in self.resources if each["resourceType"] == kind and _has(each, codes)])


def send(request: BaseHTTPRequestHandler, body: Any, status: int = 200, **headers: str) -> None:
    """Send an answer: bytes as they are, anything else as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request.send_response(status)
    for name, value in {"Content-Type": "application/fhir+json", "Content-Length": f"{len(data)}", **headers}.items():
        request.send_header(name.replace("_", "-"), value)
    request.end_headers()
    request.wfile.write(data)


@contextmanager
def fhir_server(*resources: Resource) -> Iterator[FhirServer]:
    """Run a server on a free port until the block ends."""
    holder: list[FhirServer] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            holder[0].answer(self)

        def log_message(self, *arguments: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *arguments: Any) -> None:
            """Say nothing of a client that has gone."""

    listening = Quiet(("127.0.0.1", 0), Handler)
    holder.append(FhirServer(listening.server_port, list(resources)))
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield holder[0]
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


def _has(resource: Resource, codes: list[str]) -> bool:
    written = {f"{each['system']}|{each['code']}" for each in resource["code"]["coding"]}
    return not codes or codes[0] in written
