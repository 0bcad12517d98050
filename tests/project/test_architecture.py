"""The shape of the code: small modules, documented names, one version, nothing tested by accident."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import grimp
import pyoxigraph as ox
import pytest

import osteo_kg
from osteo_kg import KnowledgeBase
from osteo_kg.rdf import local_name
from tests.project import figures
from tests.support.worked import ROOT

MODULES = figures.modules()
ARCHITECTURE = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
_TERM = re.compile(r"\bOSTEO(?:\.|\[\")([A-Za-z]\w*)")


def test_the_packages_are_those_of_the_tree_in_the_architecture() -> None:
    tree = ARCHITECTURE.partition("```text\n")[2].partition("```")[0]
    names: list[str] = []
    path: list[str] = []
    for line in tree.splitlines():
        if found := re.match(r"( *)(\w+)/", line):
            path[len(found[1]) // 2 :] = [found[2]]
            names.append(".".join(path))
    print("\n".join(figures.packages()))  # the list, for whoever asks pytest for it with -s
    assert sorted(names) == figures.packages()


def test_no_module_imports_itself_by_a_circle() -> None:
    graph = grimp.build_graph("osteo_kg", "osteo_kg_server")
    names = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    circles = [found for found in _strongly_connected(names) if len(found) > 1]
    assert circles == []


def _strongly_connected(graph: dict[str, set[str]]) -> Iterator[set[str]]:
    """The groups of nodes that all reach one another."""
    reached = {start: _reached(graph, start) for start in graph}
    seen: set[str] = set()
    for start in graph:
        if start not in seen:
            group = {start, *(each for each in reached[start] if start in reached[each])}
            seen |= group
            yield group


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def test_nothing_of_ours_is_imported_by_a_string() -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__"))
    ]
    assert hidden == []


def test_the_figures_of_the_house_stay_small() -> None:
    found = figures.measured()
    assert found.longest <= 460
    assert found.modules <= 275


def test_every_term_that_the_code_names_is_defined_in_the_ontology(knowledge_base: KnowledgeBase) -> None:
    named = {term for path in MODULES for term in _TERM.findall(path.read_text(encoding="utf-8"))}
    quads = knowledge_base.knowledge.store.quads_for_pattern(None, None, None)
    defined = {local_name(quad.subject) for quad in quads if isinstance(quad.subject, ox.NamedNode)}
    assert named - {"iri"} - defined == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_everything_public_says_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    undocumented = [name for name, node in _public(tree) if ast.get_docstring(node) is None]
    inherited = {"values", "completions", "read", "piece", "actual", "convert", "invoke", "objects", "subjects"}
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


def test_every_python_file_under_tests_is_a_test_or_stands_where_helpers_do() -> None:
    helpers = {"conftest.py", "figures.py"}
    strays = [
        path
        for path in (ROOT / "tests").rglob("*.py")
        if not path.name.startswith("test_")
        and path.name not in helpers
        and path.parent.name not in ("support", "browser", "medplum", "owlapi", "proofs", "protocol", "shapes")
    ]
    assert strays == []


def test_the_changelog_speaks_of_what_is_not_yet_released() -> None:
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_query_is_left_unused() -> None:
    folders = {path.parent.name for path in (ROOT / "osteo_kg" / "queries").rglob("*.rq")}
    assert folders == {"lift", "assume", "match", "notice", "check", "safety"}
