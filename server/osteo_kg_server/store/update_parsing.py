"""Updates that say by themselves what they change: data, and whole graphs, read without being evaluated.

Statements of `INSERT DATA` and `DELETE DATA` are read by a parser of TriG, which keeps literals as they are written.
Any other update is evaluated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

import pyoxigraph as ox

from osteo_kg.rdf import Cursor, Token
from osteo_kg_server.store.base import DEFAULT_GRAPH, Change
from osteo_kg_server.store.statements import triples_of

UpdateStatements = dict[str, list[ox.Triple]]


def plain(text: str, base: str, names: Collection[str]) -> list[Change] | None:
    """Give the changes of an update in their order, or None where it has to be evaluated.

    Args:
        text: the update.
        base: the IRI that relative IRIs are resolved against.
        names: the graphs that are there.
    """
    cursor, there = Cursor(text, base), set(names)
    changes: list[Change] = []
    while True:
        cursor.prologue()
        if cursor.ended:
            return changes or None
        change = _data(cursor)
        if change is None:
            change = _graphs(cursor, there)
        if change is None or not (cursor.skip_mark(";") or cursor.ended):
            return None
        changes.append(change)
        there = (there - change.cleared) | change.created | {name for name in change.added if name}


def tried(told: dict[str, Any]) -> Change:
    """Give the change that a worker found an update to make."""
    return Change(
        removed={name: list(triples_of(lines)) for name, lines in told["removed"]},
        added={name: list(triples_of(lines)) for name, lines in told["added"]},
        created=frozenset(told["created"]),
    )


def _data(cursor: Cursor) -> Change | None:
    """Read `INSERT DATA` or `DELETE DATA`, and go past it."""
    inserts = cursor.skip("INSERT", "DATA")
    if not inserts and not cursor.skip("DELETE", "DATA"):
        return None
    between = cursor.braced()
    if between is None or not _is_quad_data(cursor.tokens_between(*between)):
        return None
    document = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in cursor.prefixes.items())
    document += cursor.text_between(*between)
    statements = _statements(document, cursor.base)
    if statements is None:  # SPARQL wants no full stop at the end, and TriG does
        statements = _statements(document + "\n.", cursor.base)
    if statements is None or (not inserts and _has_blank(statements)):
        return None
    return Change(added=statements) if inserts else Change(removed=statements)


def _graphs(cursor: Cursor, names: Collection[str]) -> Change | None:
    """Read `CLEAR` or `DROP`, and go past it; one of a graph that is not there is left to be refused."""
    clears = cursor.skip("CLEAR")
    if not clears and not cursor.skip("DROP"):
        return None
    cursor.skip("SILENT")
    wanted = set(names)
    if cursor.skip("GRAPH"):
        iri = cursor.iri()
        wanted = {iri} if iri is not None and iri in names else set()
    elif cursor.skip("DEFAULT"):
        wanted = {DEFAULT_GRAPH}
    elif cursor.skip("ALL"):
        wanted |= {DEFAULT_GRAPH}
    elif not cursor.skip("NAMED"):
        return None
    if not wanted:
        return None
    return Change(cleared=frozenset(wanted), created=frozenset(wanted if clears else ()))


def _is_quad_data(between: Sequence[Token]) -> bool:
    """Say whether what TriG would read is also what SPARQL reads: no `@prefix`, and every graph after its keyword."""
    if any(token.kind == "language" and token.text.lower() in ("@prefix", "@base") for token in between):
        return False
    return sum(token.is_mark("{") for token in between) == sum(token.is_word("GRAPH") for token in between)


def _statements(document: str, base: str) -> UpdateStatements | None:
    statements: UpdateStatements = defaultdict(list)
    try:
        for quad in ox.parse(document, format=ox.RdfFormat.TRIG, base_iri=base, rename_blank_nodes=True):
            graph = quad.graph_name.value if isinstance(quad.graph_name, ox.NamedNode) else DEFAULT_GRAPH
            statements[graph].append(quad.triple)
    except (SyntaxError, ValueError):
        return None
    return statements


def _has_blank(statements: UpdateStatements) -> bool:
    return any(
        isinstance(node, ox.BlankNode)
        for triples in statements.values()
        for triple in triples
        for node in (triple.subject, triple.object)
    )
