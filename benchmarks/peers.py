"""The servers that are measured: ours and its peers, each with the same triples, each as it is started by its users."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import psutil

_TOKEN = "benchmark"
_START = 120.0  # seconds
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers queries."""

    name: str
    url: str
    pid: int

    def memory(self) -> float:
        """Give the MiB that its processes hold together, pages they share counted once."""
        return sum(_proportional(process) for process in self._processes()) / _MEBIBYTE

    def cpu(self) -> float:
        """Give the seconds that its processes have computed."""
        return sum(_computed(process) for process in self._processes())

    def _processes(self) -> list[psutil.Process]:
        process = psutil.Process(self.pid)
        return [process, *process.children(recursive=True)]


@contextmanager
def all_running(triples: str, wanted: tuple[str, ...]) -> Iterator[list[Running]]:
    """Start every server that is wanted, with the triples in its default graph."""
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        file = Path(temporary, "triples.nt")
        file.write_text(triples, encoding="utf-8")
        yield [stack.enter_context(start(name, file)) for name, start in SERVERS.items() if name in wanted]


@contextmanager
def _ours(name: str, file: Path, *, disk: bool) -> Iterator[Running]:
    port = _free_port()
    command = [sys.executable, "-m", "osteo_kg", "serve", "--scratch", "--port", str(port), "--timeout", "300"]
    if disk:
        command += ["--store", str(file.parent / "ours")]
    with _started(name, command, f"http://127.0.0.1:{port}/sparql") as running:
        _put(f"http://127.0.0.1:{port}/store?default", file)
        yield running


@contextmanager
def _oxigraph(name: str, file: Path, *, disk: bool) -> Iterator[Running]:
    port, command = _free_port(), _beside_python("oxigraph")
    if disk:
        folder = str(file.parent / "oxigraph")
        subprocess.run([command, "load", "--location", folder, "--file", str(file)], check=True, capture_output=True)
        arguments = ["serve-read-only", "--location", folder]
    else:
        arguments = ["serve"]
    with _started(
        name, [command, *arguments, "--bind", f"127.0.0.1:{port}"], f"http://127.0.0.1:{port}/query"
    ) as running:
        if not disk:
            _put(f"http://127.0.0.1:{port}/store?default", file)
        yield running


@contextmanager
def _rdflib_endpoint(name: str, file: Path) -> Iterator[Running]:
    port = _free_port()
    command = [_beside_python("rdflib-endpoint"), "serve", "--host", "127.0.0.1", "--port", str(port), str(file)]
    with _started(name, command, f"http://127.0.0.1:{port}/") as running:
        yield running


#: How each server is started, by its name in the report. The first three are in memory, the next two on disk.
SERVERS: dict[str, Callable[[str, Path], AbstractContextManager[Running]]] = {
    "osteo-kg": partial(_ours, disk=False),
    "rdflib-endpoint": _rdflib_endpoint,
    "oxigraph serve": partial(_oxigraph, disk=False),
    "osteo-kg --store": partial(_ours, disk=True),
    "oxigraph serve-read-only (disk)": partial(_oxigraph, disk=True),
}


@contextmanager
def _started(name: str, command: list[str], url: str) -> Iterator[Running]:
    process = subprocess.Popen(
        command,
        env={**os.environ, "OSTEO_KG_UPDATE_TOKEN": _TOKEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(process, url)
        yield Running(name, url, process.pid)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    end = time.monotonic() + _START
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError):
            ask(url, "ASK {}", "application/sparql-results+json")
            return
        time.sleep(0.1)
    raise SystemExit(f"This did not start: {process.args!r}.")


def ask(url: str, query: str, accept: str) -> bytes:
    """Ask one query."""
    request = urllib.request.Request(f"{url}?{urlencode({'query': query})}", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=_START) as response:
        body: bytes = response.read()
    return body


def _put(url: str, file: Path) -> None:
    headers = {"Content-Type": "application/n-triples", "Authorization": f"Bearer {_TOKEN}"}
    urllib.request.urlopen(urllib.request.Request(url, file.read_bytes(), headers, method="PUT")).close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
    return port


def _beside_python(name: str) -> str:
    """Find a command that was installed together with this Python."""
    found = shutil.which(name, path=Path(sys.executable).parent)
    if found is None:
        raise SystemExit(f"{name} is not installed. Install what is compared: pip install '.[bench]'.")
    return found


def _proportional(process: psutil.Process) -> int:
    try:
        full = process.memory_full_info()
    except psutil.Error:  # it has just ended
        return 0
    return int(getattr(full, "pss", full.uss))


def _computed(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
