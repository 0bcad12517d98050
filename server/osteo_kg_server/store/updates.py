"""Updates that say by themselves what they change: `INSERT DATA` and `DELETE DATA`, read without being evaluated.

Their statements are read by a parser of TriG, which keeps literals as they are written. Any other update is evaluated.
"""

from __future__ import annotations

import re
from collections import defaultdict

import pyoxigraph as ox

from osteo_kg import code_only
from osteo_kg_server.store.base import DEFAULT_GRAPH, Change

_PROLOGUE = re.compile(r"\s*(?:PREFIX\s+[^\s:]*:|BASE(?![\w:-]))", re.IGNORECASE)
_GRAPH = re.compile(r"(?<![\w:?$@-])GRAPH(?![\w:-])", re.IGNORECASE)
_DIRECTIVE = re.compile(r"@(?:prefix|base)\b", re.IGNORECASE)
_IRI = re.compile(r"\s*<[^<>]*>")
_DATA = re.compile(r"\s*(INSERT|DELETE)\s+DATA\s*\{", re.IGNORECASE)
Statements = dict[str, list[ox.Triple]]


def data_only(text: str, base: str) -> list[Change] | None:
    """Give the changes of an update in their order, or None where it has to be evaluated."""
    blank, at, prologue, changes = code_only(text), 0, "", []
    while True:
        at, prologue = _past_prologue(text, blank, at, prologue)
        found = _DATA.match(blank, at)
        end = _closing(blank, found.end()) if found else None
        if found is None or end is None:
            return None
        inner = slice(found.end(), end)
        if not _is_quad_data(blank[inner]):
            return None
        document = prologue + text[inner]
        statements = _statements(document, base)
        if statements is None:  # SPARQL wants no full stop at the end, and TriG does
            statements = _statements(document + "\n.", base)
        if statements is None or (found[1].upper() == "DELETE" and _has_blank(statements)):
            return None
        changes.append(Change(added=statements) if found[1].upper() == "INSERT" else Change(removed=statements))
        rest = blank[end + 1 :].lstrip()
        if not rest:
            return changes
        if not rest.startswith(";"):
            return None
        at = blank.index(";", end) + 1
        if not blank[at:].strip():
            return changes


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


def _closing(blank: str, at: int) -> int | None:
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
