"""What Linux tells about the processes of a server: which there are, and how much memory they hold together."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

_PROC = Path("/proc")

needs_proc = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is read, which Linux has")


def family(pid: int) -> set[int]:
    """Give a process and all that descend from it."""
    parents = {int(path.name): _parent(path) for path in _PROC.iterdir() if path.name.isdigit()}
    found, size = {pid}, 0
    while len(found) > size:
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found


def memory(pids: Iterable[int]) -> int:
    """Give the bytes that the processes hold together, pages they share counted once."""
    return sum(_proportional(pid) for pid in pids)


def living(pids: Iterable[int]) -> set[int]:
    """Give those of the processes that still run; one that only waits to be collected does not."""
    return {pid for pid in pids if _state(pid) not in {None, "Z", "X"}}


def eventually(holds: Callable[[], bool], seconds: float) -> bool:
    """Tell whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _fields(path: Path) -> list[str]:
    """Give what stands after the name of the process, which may hold anything: its state, its parent."""
    try:
        return (path / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _parent(path: Path) -> int | None:
    fields = _fields(path)
    return int(fields[1]) if fields else None


def _state(pid: int) -> str | None:
    fields = _fields(_PROC / str(pid))
    return fields[0] if fields else None


def _proportional(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
