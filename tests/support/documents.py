"""The documents, their fenced blocks, and how what a block shows is run."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from osteo_kg.cli.main import main
from tests.support.worked import ROOT

DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: The service as the documents name it.
ADDRESS = "http://127.0.0.1:8080"
PROMPT, OMITTED = "$ ", "..."
_OWN = "osteo-kg"
_LONGEST = 300  # seconds until the service is ready, or a command has ended


@dataclass(frozen=True)
class Block:
    """One fenced block of a document."""

    path: Path
    language: str
    text: str

    @property
    def name(self) -> str:
        """Where the block is, for the name of a test."""
        return f"{self.path.relative_to(ROOT)}: {self.text.splitlines()[0][:60]}"


@dataclass(frozen=True)
class Exchange:
    """One command, and what comes out."""

    command: str
    output: str

    def __str__(self) -> str:
        return "\n".join(filter(None, [PROMPT + self.command, self.output]))


def blocks(language: str) -> list[Block]:
    """Give every fenced block of a language; finding none is a failure."""
    found = [
        Block(path, each[1], each[2])
        for path in DOCUMENTS
        for each in FENCE.finditer(path.read_text(encoding="utf-8"))
        if each[1] == language
    ]
    assert found, language
    return found


def exchanges(text: str) -> list[Exchange]:
    """Take a console block apart; a command goes on after a backslash at the end of a line."""
    assert text.startswith(PROMPT)
    pairs = re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", text, re.MULTILINE)
    return [Exchange(command, output.rstrip("\n")) for command, output in pairs]


def run_again(told: Exchange, service: str) -> Exchange:
    """Run a command of a document against the service, and leave out of its output what the document leaves out."""
    output = _output(told.command.replace(ADDRESS, service)).replace(service, ADDRESS).rstrip("\n")
    lines = told.output.splitlines()
    if lines[-1:] == [OMITTED]:
        output = "\n".join([*output.splitlines()[: len(lines) - 1], OMITTED])
    return Exchange(told.command, output)


def _output(command: str) -> str:
    words = set(shlex.shlex(command, posix=True, punctuation_chars=True))
    if command.startswith(f"{_OWN} ") and not words & {"|", ">", "<", "*"}:
        runner = CliRunner(env={"FORCE_COLOR": None})
        return runner.invoke(main, shlex.split(command)[1:], prog_name=_OWN).output
    return _output_of_shell(command)


def _output_of_shell(command: str) -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"} | {"PATH": path}
    shell = ["bash", "-c", command]
    run = subprocess.run(
        shell,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_LONGEST,
        check=False,
    )
    return run.stdout.decode("utf-8").replace("\r\n", "\n")


@contextlib.contextmanager
def served() -> Iterator[str]:
    """Run the service as `make serve` does, on a free port, and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "osteo_kg", "serve", "--port", str(port)]
    service = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{address}/ready", service)
        yield address
        if service.poll() is not None:
            raise RuntimeError("The service ended by itself.")
    finally:
        service.terminate()
        service.wait(_LONGEST)


def _wait_for(page: str, service: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _LONGEST
    while service.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(page, timeout=_LONGEST):
                return
        except urllib.error.URLError:
            time.sleep(0.1)
    raise RuntimeError(f"The service does not answer at {page}.")
