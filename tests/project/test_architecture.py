"""The shape of the code: small modules, documented names, one version, nothing tested by accident."""

from __future__ import annotations

import ast
import importlib.metadata
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import osteo_kg
from tests.support.worked import ROOT

MODULES = sorted(path for folder in ("osteo_kg", "server") for path in (ROOT / folder).rglob("*.py"))
_HELPERS = {
    "bridge.py",
    "bundles.py",
    "canonical.py",
    "cohorts.py",
    "checking.py",
    "conftest.py",
    "documents.py",
    "fetch_jars.py",
    "fhir_servers.py",
    "helpers.py",
    "hooks.py",
    "jvm.py",
    "manifests.py",
    "processes.py",
    "remote_servers.py",
    "results.py",
    "serving.py",
    "strategies.py",
}


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_everything_public_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    undocumented = [name for name, node in _public(tree) if ast.get_docstring(node) is None]
    inherited = {"values", "ways", "read", "piece", "actual", "convert", "invoke", "objects", "subjects"}
    assert set(undocumented) - inherited - {"predicate_objects", "items", "of", "path", "value"} == set()


def _public(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            for inner in node.body if isinstance(node, ast.ClassDef) else ():
                if isinstance(inner, ast.FunctionDef) and not inner.name.startswith("_"):
                    yield inner.name, inner


def test_the_public_names_are_those_listed() -> None:
    assert [name for name in osteo_kg.__all__ if not hasattr(osteo_kg, name)] == []
    assert osteo_kg.__all__ == sorted(osteo_kg.__all__, key=lambda name: (not name.isupper(), name.islower(), name))


def test_there_is_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert importlib.metadata.version("osteo-kg") == project["version"]


def test_every_python_file_under_tests_is_a_test_or_a_named_helper() -> None:
    found = {path.name for path in (ROOT / "tests").rglob("*.py")}
    assert {name for name in found if not name.startswith("test_")} - _HELPERS == set()


def test_the_changelog_speaks_of_what_is_not_yet_released() -> None:
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_query_is_left_unused() -> None:
    folders = {path.parent.name for path in (ROOT / "osteo_kg" / "queries").rglob("*.rq")}
    assert folders == {"lift", "assume", "match", "notice", "check", "safety"}
