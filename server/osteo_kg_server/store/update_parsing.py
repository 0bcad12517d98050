"""Updates that say by themselves what they change: data, and whole graphs, read without being evaluated.

Statements of `INSERT DATA` and `DELETE DATA` are read by a parser of TriG, which keeps literals as they are written.
Any other update is evaluated.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection
from typing import Any

import pyoxigraph as ox

from osteo_kg.rdf import code_only
from osteo_kg_server.store.base import DEFAULT_GRAPH, Change
from osteo_kg_server.store.statements import triples_of

_PROLOGUE = re.compile(r"\s*(?:PREFIX\s+[^\s:]*:|BASE(?![\w:-]))", re.IGNORECASE)
_GRAPH = re.compile(r"(?<![\w:?$@-])GRAPH(?![\w:-])", re.IGNORECASE)
_DIRECTIVE = re.compile(r"@(?:prefix|base)\b", re.IGNORECASE)
_IRI = re.compile(r"\s*<[^<>]*>")
_DATA = re.compile(r"\s*(INSERT|DELETE)\s+DATA\s*\{", re.IGNORECASE)
_MANAGEMENT = re.compile(
    r"\s*(?P<what>CLEAR|DROP)\s+(?:SILENT\s+)?(?:GRAPH\s*<(?P<iri>[^<>\"{}|^`\\\x00-\x20]*)>|(?P<which>DEFAULT|NAMED|ALL)\b)",
    re.IGNORECASE,
)
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_SEPARATOR = re.compile(r"\s*(?:;|$)")
Statements = dict[str, list[ox.Triple]]


def plain(text: str, base: str, names: Collection[str]) -> list[Change] | None:
    """Give the changes of an update in their order, or None where it has to be evaluated.

    Args:
        text: the update.
        base: the IRI that relative IRIs are resolved against.
        names: the graphs that are there.
    """
    blank, at, prologue, there = code_only(text), 0, "", set(names)
    changes: list[Change] = []
    while blank[at:].strip():
        at, prologue = _past_prologue(text, blank, at, prologue)
        read = _data(text, blank, at, prologue, base) or _graphs(text, at, there)
        if read is None:
            return None
        change, at = read
        changes.append(change)
        there = (there - change.cleared) | change.created | {name for name in change.added if name}
        separator = _SEPARATOR.match(blank, at)
        if separator is None:
            return None
        at = separator.end()
    return changes or None


def tried(told: dict[str, Any]) -> Change:
    """Give the change that a worker found an update to make."""
    return Change(
        removed={name: list(triples_of(lines)) for name, lines in told["removed"]},
        added={name: list(triples_of(lines)) for name, lines in told["added"]},
        created=frozenset(told["created"]),
    )


def _data(text: str, blank: str, at: int, prologue: str, base: str) -> tuple[Change, int] | None:
    """Read `INSERT DATA` or `DELETE DATA`, and give where it ends."""
    found = _DATA.match(blank, at)
    end = closing(blank, found.end()) if found else None
    if found is None or end is None or not _is_quad_data(blank[found.end() : end]):
        return None
    document = prologue + text[found.end() : end]
    statements = _statements(document, base)
    if statements is None:  # SPARQL wants no full stop at the end, and TriG does
        statements = _statements(document + "\n.", base)
    if statements is None or (found[1].upper() == "DELETE" and _has_blank(statements)):
        return None
    change = Change(added=statements) if found[1].upper() == "INSERT" else Change(removed=statements)
    return change, end + 1


def _graphs(text: str, at: int, names: Collection[str]) -> tuple[Change, int] | None:
    """Read `CLEAR` or `DROP`, and give where it ends; one of a graph that is not there is left to be refused."""
    found = _MANAGEMENT.match(text, at)
    if found is None:
        return None
    iri, which = found["iri"], (found["which"] or "").upper()
    if iri is not None and (iri not in names or not _ABSOLUTE.match(iri)):
        return None
    wanted = {iri} if iri is not None else {DEFAULT_GRAPH} if which == "DEFAULT" else set(names)
    if which == "ALL":
        wanted |= {DEFAULT_GRAPH}
    kept = frozenset(wanted if found["what"].upper() == "CLEAR" else ())
    return Change(cleared=frozenset(wanted), created=kept), found.end()


def _past_prologue(text: str, blank: str, at: int, prologue: str) -> tuple[int, str]:
    """Take declarations up to the next operation; they hold for it and for those after it."""
    while found := _PROLOGUE.match(blank, at):
        iri = _IRI.match(text, found.end())
        if iri is None:
            break
        prologue += text[at : iri.end()] + "\n"
        at = iri.end()
    return at, prologue


def _is_quad_data(blank: str) -> bool:
    """Say whether what TriG would read is also what SPARQL reads: no `@prefix`, and every graph after its keyword."""
    return not _DIRECTIVE.search(blank) and blank.count("{") == len(_GRAPH.findall(blank))


def closing(blank: str, at: int) -> int | None:
    """Give where the bracket is closed that was opened before `at`, in a text of nothing but code; None if nowhere."""
    depth = 1
    for found in re.compile(r"[{}]").finditer(blank, at):
        depth += 1 if found.group() == "{" else -1
        if depth == 0:
            return found.start()
    return None


def _statements(document: str, base: str) -> Statements | None:
    statements: Statements = defaultdict(list)
    try:
        for quad in ox.parse(document, format=ox.RdfFormat.TRIG, base_iri=base, rename_blank_nodes=True):
            graph = quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else DEFAULT_GRAPH
            statements[graph].append(quad.triple)
    except (SyntaxError, ValueError):
        return None
    return statements


def _has_blank(statements: Statements) -> bool:
    return any(
        isinstance(node, ox.BlankNode)
        for triples in statements.values()
        for triple in triples
        for node in (triple.subject, triple.object)
    )
