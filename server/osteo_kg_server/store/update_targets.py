"""Which graphs an update writes to, as far as its text says so by itself.

A remote store carries an update out unseen, so what is read only must be kept from it beforehand: an update passes only
where every graph that it writes to is named in it. `GRAPH ?g` in what is inserted or deleted, `CLEAR ALL`, and any text
not understood here do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from osteo_kg.rdf import Cursor, Token
from osteo_kg_server.store.base import DEFAULT_GRAPH

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
