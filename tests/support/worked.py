"""Worked patients as data, and how the tests read them."""

from __future__ import annotations

import datetime
import functools
import json
import os
import shutil
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from osteo_kg import Case
from osteo_kg.knowledge_base import KnowledgeBase

ON = datetime.date(2026, 11, 22)
ROOT = Path(__file__).resolve().parents[2]
CASES = ROOT / "tests" / "cases"
SHARED = Path(os.environ.get("OSTEO_KG_SHARED", ROOT.parent / "shared"))
#: Spark runs on a whole Java, which PyPI does not have.
needs_java = pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed")


class _ExactLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # by libyaml where it is there
    """Reads numbers with a point as decimals, digit for digit."""


def _exact(loader: yaml.SafeLoader, node: yaml.Node) -> Decimal:
    assert isinstance(node, yaml.ScalarNode)
    return Decimal(str(loader.construct_scalar(node)))


_ExactLoader.add_constructor("tag:yaml.org,2002:float", _exact)


@dataclass(frozen=True)
class Worked:
    """One worked patient: a flat record, and what must be said of her."""

    id: str
    title: str
    record: dict[str, Any]
    expect: dict[str, Any]
    rule: str | None
    fact: str | None
    on: datetime.date
    assume_complete: tuple[str, ...]

    def case(self, knowledge_base: KnowledgeBase) -> Case:
        """Read the record as a case."""
        [case] = knowledge_base.read(exact_json(self.record), "json", name=f"{self.id}.json")
        return case


def read_worked(folder: Path, pattern: str = "*.yaml") -> list[Worked]:
    """Read every worked patient below a folder; finding none is a failure."""
    found = [_worked(each) for path in sorted(folder.rglob(pattern)) for each in _load(path)]
    assert found, f"no worked patient in {folder}"
    return found


def answered() -> list[Worked]:
    """Give the project's own worked patients that are to be answered, and the shared ones where they are at hand."""
    own = [each for each in read_worked(CASES) if not each.expect.get("refused")]
    shared = SHARED / "cases"
    return own + (read_worked(shared) if shared.is_dir() else [])


def refused() -> list[Worked]:
    """Give the worked patients that are to be refused."""
    return [each for each in read_worked(CASES) if each.expect.get("refused")]


def exact_json(value: Any) -> str:
    """Write JSON with decimals digit for digit."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {exact_json(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(exact_json(each) for each in value) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value)


@functools.cache
def _load(path: Path) -> tuple[dict[str, Any], ...]:
    with path.open(encoding="utf-8") as file:
        return tuple(yaml.load(file, _ExactLoader))


def _worked(item: dict[str, Any]) -> Worked:
    return Worked(
        id=item["id"],
        title=item["title"],
        record=item["case"],
        expect=item["expect"],
        rule=item.get("rule"),
        fact=item.get("fact"),
        on=item.get("on", ON),
        assume_complete=tuple(item.get("assume_complete", ())),
    )
