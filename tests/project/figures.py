"""The figures of the house: `python -m tests.project.figures` prints them.

How many modules there are and how long, and how many imports inside the project there are for every 1,000 lines.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ("osteo_kg", "osteo_kg_server")
FOLDERS = (ROOT / "osteo_kg", ROOT / "server" / "osteo_kg_server")


@dataclass(frozen=True)
class Figures:
    """The figures of the library and the server together."""

    modules: int
    lines: int
    longest: int
    longest_module: str
    imports_in_1000_lines: float


def modules() -> list[Path]:
    """Every module of the library and of the server."""
    return sorted(path for folder in FOLDERS for path in folder.rglob("*.py"))


def packages() -> list[str]:
    """Every package of the library and of the server, by its dotted name."""
    return sorted(
        ".".join(path.parent.relative_to(folder.parent).parts)
        for folder in FOLDERS
        for path in folder.rglob("__init__.py")
    )


def imported(path: Path) -> Iterator[str]:
    """The modules of ours that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OURS:
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.split(".")[0] in OURS)


def measured() -> Figures:
    """Measure the code as it stands."""
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    longest = max(lengths, key=lambda path: lengths[path])
    lines = sum(lengths.values())
    imports = sum(len(list(imported(path))) for path in lengths)
    return Figures(
        len(lengths), lines, lengths[longest], str(longest.relative_to(ROOT)), round(1000 * imports / lines, 1)
    )


if __name__ == "__main__":
    found = measured()
    print(f"modules                       {found.modules}")
    print(f"lines                         {found.lines}")
    print(f"longest module                {found.longest} ({found.longest_module})")
    print(f"imports inside, 1,000 lines   {found.imports_in_1000_lines}")
    print("packages                      " + " ".join(packages()))
