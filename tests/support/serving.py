"""The real server as a process of its own: started with flags, waited for, asked over plain HTTP, killed whole."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

COMMAND = (sys.executable, "-m", "osteo_kg", "serve", "--host", "127.0.0.1")
SPARQL, UPDATE, STORE = "/sparql", "/update", "/store"
JSON_RESULTS = "application/sparql-results+json"
TOKEN = "secret"
WRITER = {"Authorization": f"Bearer {TOKEN}"}
_LISTENING = "osteo-kg: listening on "
_START = 90.0  # seconds: the first start reasons about every situation of the guideline


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the names of headers in lower case, the body as it was sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def media(self) -> str:
        """The media type, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8")

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers, and how it is asked."""

    address: str
    process: subprocess.Popen[bytes]

    def connection(self, timeout: float = 60) -> http.client.HTTPConnection:
        """Open a connection of one's own."""
        parts = urlsplit(self.address)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        timeout: float = 60,
    ) -> Answer:
        """Send one request on a connection of its own."""
        data = body.encode() if isinstance(body, str) else body
        connection = self.connection(timeout)
        try:
            connection.request(method, path, data, {"Connection": "close", **(headers or {})})
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read())
        finally:
            connection.close()

    def get(
        self, text: str, headers: Mapping[str, str] | None = None, parameters: Mapping[str, str] | None = None
    ) -> Answer:
        """Ask a query in the address of a GET."""
        return self.send("GET", f"{SPARQL}?{urlencode({'query': text, **(parameters or {})})}", None, headers)

    def query(
        self,
        text: str,
        accept: str = JSON_RESULTS,
        parameters: Mapping[str, str] | None = None,
        *,
        timeout: float = 60,
    ) -> Answer:
        """Ask a query by direct POST."""
        path = f"{SPARQL}?{urlencode(parameters)}" if parameters else SPARQL
        headers = {"Accept": accept, "Content-Type": "application/sparql-query"}
        return self.send("POST", path, text, headers, timeout=timeout)

    def asks(self, text: str) -> bool:
        """Answer an ASK query that is to be answered."""
        answer = self.query(text)
        assert answer.status == 200, answer.text
        return bool(answer.json()["boolean"])

    def rows(self, text: str) -> list[tuple[str | None, ...]]:
        """Give the values of a SELECT query that is to be answered, in the order of its variables."""
        answer = self.query(text)
        assert answer.status == 200, answer.text
        found = answer.json()
        names = found["head"]["vars"]
        return [tuple(row.get(name, {}).get("value") for name in names) for row in found["results"]["bindings"]]

    def update(self, text: str, *, timeout: float = 60) -> Answer:
        """Send an update by direct POST, with the right to write."""
        headers = {"Content-Type": "application/sparql-update", **WRITER}
        return self.send("POST", UPDATE, text, headers, timeout=timeout)

    def put(self, iri: str, body: bytes | str, media: str = "text/turtle") -> Answer:
        """Write one named graph by the Graph Store Protocol, with the right to write."""
        return self.send("PUT", graph_path(iri), body, {"Content-Type": media, **WRITER})


def graph_path(iri: str) -> str:
    """Give the path of a named graph in the graph store."""
    return f"{STORE}?graph={quote(iri, safe='')}"


@contextmanager
def serving(*flags: str, environment: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Run `osteo-kg serve` on a free port until the block ends."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "standard-error")
        process = _started(flags, environment or {}, log)
        try:
            server = Server(_address(process, log), process)
            _wait_until_ready(server, log)
            yield server
        finally:
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End every process of a server's group at once, as a power cut would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def refused(*flags: str) -> subprocess.CompletedProcess[str]:
    """Run a server that is to refuse to start, and give what it said."""
    return subprocess.run(
        [*COMMAND, "--port", "0", *flags], capture_output=True, text=True, timeout=_START, check=False
    )


def _started(flags: tuple[str, ...], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as standard_error:
        return subprocess.Popen(
            [*COMMAND, "--port", "0", *flags],
            env={**os.environ, "OSTEO_KG_UPDATE_TOKEN": TOKEN, **environment},
            stdout=subprocess.DEVNULL,
            stderr=standard_error,
            start_new_session=True,  # a group of its own, so that it can be killed whole
        )


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    for _ in _patiently():
        said = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith(_LISTENING)]
        if said:
            return said[0].removeprefix(_LISTENING).strip().rstrip("/")
        assert process.poll() is None, f"the server ended: {log.read_text(encoding='utf-8')}"
    raise AssertionError(f"the server did not say where it listens: {log.read_text(encoding='utf-8')}")


def _wait_until_ready(server: Server, log: Path) -> None:
    for _ in _patiently():
        with suppress(OSError):
            if server.send("GET", "/ready").status == 200:
                return
        assert server.process.poll() is None, f"the server ended: {log.read_text(encoding='utf-8')}"
    raise AssertionError(f"the server did not become ready: {log.read_text(encoding='utf-8')}")


def _patiently() -> Iterator[None]:
    end = time.monotonic() + _START
    while time.monotonic() < end:
        yield
        time.sleep(0.02)
