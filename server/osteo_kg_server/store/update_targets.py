"""Which graphs an update writes to, as far as its text says so by itself.

A remote store carries an update out unseen, so what is read only must be kept from it beforehand: an update passes only
where every graph that it writes to is named in it. `GRAPH ?g` in what is inserted or deleted, `CLEAR ALL`, and any text
not understood here do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin

from osteo_kg_server.store.base import DEFAULT_GRAPH

_TOKEN = re.compile(
    r"'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^'\\\n\r]|\\.)*'|\"(?:[^\"\\\n\r]|\\.)*\"|#[^\n\r]*"
    r"|(?P<iri><[^<>\"{}|^`\\\x00-\x20]*>)|(?P<word>[\w:?$@%.\\~-]+)|(?P<mark>[{};])",
    re.DOTALL,
)
_DOTS = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


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
        self._tokens = [found.group() for found in _TOKEN.finditer(text) if found.lastgroup]
        self._at, self._base = 0, base
        self._prefixes: dict[str, str] = {}

    def graphs(self) -> Iterator[str]:
        while self._at < len(self._tokens):
            word = self._next().upper()
            if word in ("PREFIX", "BASE"):
                self._declare(word)
            elif word in _OPERATIONS:
                yield from _OPERATIONS[word](self, word)
            elif word != ";":
                raise _Unclear

    def _declare(self, word: str) -> None:
        name = self._next() if word == "PREFIX" else ""
        iri = self._iri(self._next())
        if word == "BASE":
            self._base = iri
        else:
            self._prefixes[name.removesuffix(":")] = iri

    def _of_graph(self, word: str) -> Iterator[str]:
        """Read `CLEAR`, `DROP` or `CREATE`; `ALL` and `NAMED` name no graph."""
        self._skip("SILENT")
        yield self._named(bare=False)

    def _between(self, word: str) -> Iterator[str]:
        """Read `ADD`, `COPY` or `MOVE`."""
        self._skip("SILENT")
        source = self._named(bare=True)
        if self._next().upper() != "TO":
            raise _Unclear
        yield self._named(bare=True)
        if word == "MOVE":
            yield source

    def _modify(self, word: str) -> Iterator[str]:
        """Read `INSERT` and `DELETE` in each of their forms; what the `WHERE` asks is not written to."""
        own = DEFAULT_GRAPH
        if word == "WITH":
            own = self._iri(self._next())
            word = self._next().upper()
        if word not in ("INSERT", "DELETE"):
            raise _Unclear
        if self._skip("DATA") or (word == "DELETE" and self._skip("WHERE")):
            yield from self._quads(own)
            return
        written = set(self._quads(own))
        if self._skip("INSERT"):
            written |= set(self._quads(own))
        while self._skip("USING"):
            named, iri = self._skip("NAMED"), self._iri(self._next())
            if own in written and own == DEFAULT_GRAPH and not named:
                written.add(iri)  # some stores write to the first graph of USING what names no graph
        if not self._skip("WHERE"):
            raise _Unclear
        list(self._braced())
        yield from written

    def _quads(self, own: str) -> Iterator[str]:
        expected = False
        for depth, token in self._braced():
            if depth == 1 and token.upper() == "GRAPH":
                yield self._iri(self._next())
                expected = True
            elif token == "{":
                if not expected:
                    raise _Unclear
                expected = False
            elif expected:
                raise _Unclear
            elif depth == 1 and token not in ("}", "."):
                yield own

    def _braced(self) -> Iterator[tuple[int, str]]:
        """Give what stands between braces, each token with its depth; a brace has the depth outside it."""
        if self._next() != "{":
            raise _Unclear
        depth = 1
        while depth:
            token = self._next()
            depth -= token == "}"
            if depth:
                yield depth, token
            depth += token == "{"

    def _named(self, *, bare: bool) -> str:
        word = self._next()
        if word.upper() == "DEFAULT":
            return DEFAULT_GRAPH
        if word.upper() == "GRAPH":
            return self._iri(self._next())
        if bare:
            return self._iri(word)
        raise _Unclear

    def _iri(self, token: str) -> str:
        if token.startswith("<"):
            iri = token[1:-1]
            if _DOTS.search(iri) or "\\" in iri:  # stores differ in what they make of it
                raise _Unclear
            return iri if _ABSOLUTE.match(iri) else urljoin(self._base, iri)
        prefix, colon, name = token.partition(":")
        if not colon or prefix not in self._prefixes or "\\" in name or "%" in name:
            raise _Unclear
        return self._prefixes[prefix] + name

    def _skip(self, word: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at].upper() == word
        self._at += found
        return found

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise _Unclear
        self._at += 1
        return self._tokens[self._at - 1]


_OPERATIONS = {
    **dict.fromkeys(("CLEAR", "DROP", "CREATE"), _Reader._of_graph),
    **dict.fromkeys(("ADD", "COPY", "MOVE"), _Reader._between),
    **dict.fromkeys(("WITH", "INSERT", "DELETE"), _Reader._modify),
}
