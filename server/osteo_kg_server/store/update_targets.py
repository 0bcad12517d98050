"""Which graphs an update writes to, as far as its text says so by itself.

A remote store carries an update out unseen, so what is read only must be kept from it beforehand: an update passes only
where every graph that it writes to is named in it. `GRAPH ?g` in what is inserted or deleted, `CLEAR ALL`, and any text
not understood here do not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import pyoxigraph as ox

from osteo_kg.rdf import Cursor, Token
from osteo_kg_server.store.base import DEFAULT_GRAPH, Change
from osteo_kg_server.store.statements import triples_of

_DOTS = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")


class _Unclear(Exception):
    """The text does not say by itself what it writes to."""


def touched(text: str, base: str) -> frozenset[str] | None:
    """Give the graphs that an update writes to, or None where its text does not tell.

    >>> sorted(touched("PREFIX : <urn:> INSERT DATA { GRAPH :g { :s :p 1 } } ; DROP GRAPH <urn:h>", ""))
    ['urn:g', 'urn:h']
    >>> touched("DELETE { GRAPH ?g { ?s ?p ?o } } WHERE { GRAPH ?g { ?s ?p ?o } }", "") is None
    True
    """
    try:
        return frozenset(_Reader(text, base).graphs())
    except _Unclear:
        return None


class _Reader:
    def __init__(self, text: str, base: str) -> None:
        self._cursor = Cursor(text, base)

    def graphs(self) -> Iterator[str]:
        while True:
            self._cursor.prologue()
            if self._cursor.next is None:
                return
            if not self._cursor.skip_mark(";"):
                yield from self._operation()

    def _operation(self) -> Iterator[str]:
        word = self._next().text.upper()
        if word not in _OPERATIONS:
            raise _Unclear
        return _OPERATIONS[word](self, word)

    def _of_graph(self, word: str) -> Iterator[str]:
        """Read `CLEAR`, `DROP` or `CREATE`; `ALL` and `NAMED` name no graph."""
        self._cursor.skip("SILENT")
        yield self._named(bare=False)

    def _between(self, word: str) -> Iterator[str]:
        """Read `ADD`, `COPY` or `MOVE`."""
        self._cursor.skip("SILENT")
        source = self._named(bare=True)
        if not self._cursor.skip("TO"):
            raise _Unclear
        yield self._named(bare=True)
        if word == "MOVE":
            yield source

    def _modify(self, word: str) -> Iterator[str]:
        """Read `INSERT` and `DELETE` in each of their forms; what the `WHERE` asks is not written to."""
        own, cursor = DEFAULT_GRAPH, self._cursor
        if word == "WITH":
            own = self._iri()
            word = self._next().text.upper()
        if word not in ("INSERT", "DELETE"):
            raise _Unclear
        if cursor.skip("DATA") or (word == "DELETE" and cursor.skip("WHERE")):
            yield from self._quads(own)
            return
        written = set(self._quads(own))
        if cursor.skip("INSERT"):
            written |= set(self._quads(own))
        while cursor.skip("USING"):
            named, iri = cursor.skip("NAMED"), self._iri()
            if own in written and own == DEFAULT_GRAPH and not named:
                written.add(iri)  # some stores write to the first graph of USING what names no graph
        cursor.skip("WHERE")
        if cursor.braced() is None:
            raise _Unclear
        yield from written

    def _quads(self, own: str) -> Iterator[str]:
        """Read statements between braces; whose graph is named, they stand between braces of their own."""
        if not self._cursor.skip_mark("{"):
            raise _Unclear
        while not self._cursor.skip_mark("}"):
            if self._cursor.skip("GRAPH"):
                yield self._iri()
                if self._cursor.braced() is None:
                    raise _Unclear
                continue
            token = self._next()
            if token.is_mark("{"):
                raise _Unclear
            if not token.is_mark("."):
                yield own

    def _named(self, *, bare: bool) -> str:
        if self._cursor.skip("DEFAULT"):
            return DEFAULT_GRAPH
        if self._cursor.skip("GRAPH") or bare:
            return self._iri()
        raise _Unclear

    def _iri(self) -> str:
        token = self._cursor.next
        if token is None or "\\" in token.text or (token.kind == "name" and "%" in token.text):
            raise _Unclear  # stores differ in what they make of it
        iri = None if _DOTS.search(token.text.strip("<>")) else self._cursor.iri()
        if iri is None:
            raise _Unclear
        return iri

    def _next(self) -> Token:
        token = self._cursor.take()
        if token is None:
            raise _Unclear
        return token


_OPERATIONS: dict[str, Callable[[_Reader, str], Iterator[str]]] = {
    **dict.fromkeys(("CLEAR", "DROP", "CREATE"), _Reader._of_graph),
    **dict.fromkeys(("ADD", "COPY", "MOVE"), _Reader._between),
    **dict.fromkeys(("WITH", "INSERT", "DELETE"), _Reader._modify),
}


# Updates that say by themselves what they change: data, and whole graphs, read without being evaluated.

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
    labels: set[str] = set()
    while True:
        cursor.prologue()
        if cursor.ended:
            return changes or None
        change = _data(cursor, labels)
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


def _data(cursor: Cursor, labels: set[str]) -> Change | None:
    """Read `INSERT DATA` or `DELETE DATA`, and go past it.

    `labels` holds those of nameless nodes so far: none may stand in two operations (SPARQL 1.1 section 19.6), which the
    engine is left to say.
    """
    inserts = cursor.skip("INSERT", "DATA")
    if not inserts and not cursor.skip("DELETE", "DATA"):
        return None
    between = cursor.braced()
    if between is None:
        return None
    tokens = cursor.tokens_between(*between)
    named = {token.text for token in tokens if token.kind == "name" and token.text.startswith("_:")}
    if not _is_quad_data(tokens) or named & labels:
        return None
    labels |= named
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
