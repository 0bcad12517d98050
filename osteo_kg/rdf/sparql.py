"""What can be told of a SPARQL text before it is parsed: its keywords, outside strings, IRIs and comments.

A codepoint escape cannot hide a keyword: Oxigraph reads escapes in strings and IRIs only.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import cast

import pyoxigraph as ox

from osteo_kg import package_data

_NOT_CODE = re.compile(
    r"'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^'\\\n\r]|\\.)*'|\"(?:[^\"\\\n\r]|\\.)*\""
    r"|<[^<>\"{}|^`\\\x00-\x20]*>|#[^\n\r]*|\\.",
    re.DOTALL,
)
#: A keyword needs no space around it: `1SERVICE<urn:x>{}` and `SERVICESILENT` are read as what they are.
_ELSEWHERE = re.compile(r"(?<![\w:?$@])(?:(?<!-)|\d\w*?|true|false)(SERVICE|LOAD)", re.IGNORECASE)
_COMPARES_NOTHING = re.compile(r"[^'#]*?//")
_DATASET_CLAUSE = re.compile(r"(?<![\w:?$@-])FROM(?![\w:-])", re.IGNORECASE)
_DATASET_IRI = re.compile(r"(?<![\w:?$@-])FROM\s*(?:NAMED\s*)?<([^<>]*)>", re.IGNORECASE)
_EACH_TIME_NEW = re.compile(r"(?<![\w:?$@-])(NOW|RAND|UUID|STRUUID|BNODE)\s*\(", re.IGNORECASE)
_BRACKET = re.compile(r"[{}()\[\]]")
_LONG = 100_000  # characters of a text that is not remembered


def code_only(text: str) -> str:
    """Blank out strings, IRIs and comments; what is left stands where it stood.

    >>> code_only("ASK { ?s <urn:p> 'SERVICE' } # LOAD").split()
    ['ASK', '{', '?s', '}']
    """
    return _blanked(text) if len(text) <= _LONG else _blanked.__wrapped__(text)


@functools.lru_cache(8)
def _blanked(text: str) -> str:
    return _NOT_CODE.sub(lambda found: " " * len(found.group()), text)


def elsewhere(text: str) -> str | None:
    """Give the keyword by which a query or an update would reach outside its dataset, if it has one.

    >>> elsewhere("SELECT * { SERVICE <http://example.org/> { } }"), elsewhere("SELECT ?service { }")
    ('SERVICE', None)
    """
    found = next(filter(None, map(_ELSEWHERE.search, _readings(text))), None)
    return found[1].upper() if found else None


def _readings(text: str) -> Iterator[str]:
    """Give the pieces of code that a text may be read to have.

    `<` begins an IRI or compares: which of them is known only to a parser, so that both readings are followed. In what
    is compared, `//` stands nowhere outside strings and comments.
    """
    waiting, seen = [0], set[int]()
    while waiting:
        start = waiting.pop()
        while start not in seen:
            seen.add(start)
            found = _NOT_CODE.search(text, start)
            yield text[max(0, start - 1) : found.start() if found else len(text)]
            if found is None:
                break
            if found[0][0] == "<" and not _COMPARES_NOTHING.match(found[0]):
                waiting.append(found.start() + 1)
            start = found.end()


def has_dataset_clause(text: str) -> bool:
    """Say whether a query names graphs of its own to be asked of."""
    return _DATASET_CLAUSE.search(code_only(text)) is not None


def dataset_iris(text: str) -> list[str]:
    """Give the IRIs that stand in the `FROM` clauses of a query as they are written, in their order."""
    kept = _NOT_CODE.sub(lambda found: found.group() if found.group()[0] == "<" else " ", text)
    return _DATASET_IRI.findall(kept)


def depth(text: str) -> int:
    """Give how deep brackets stand in one another.

    >>> depth("ASK { { ?s ?p (1) } }")
    3
    """
    deepest = now = 0
    for bracket in _BRACKET.findall(code_only(text)):
        now += 1 if bracket in "{([" else -1
        deepest = max(deepest, now)
    return deepest


def is_repeatable(text: str) -> bool:
    """Say whether a query asked again of the same dataset has the same answer: it takes no time and draws no lot."""
    return _EACH_TIME_NEW.search(code_only(text)) is None


# SPARQL over an Oxigraph store, typed once here so that nobody else casts.

Row = Mapping[str, str]


def select(store: ox.Store, name: str) -> Iterator[Row]:
    """Run a SELECT query file; a row maps each bound variable to its IRI, blank node label or lexical form."""
    solutions = cast(ox.QuerySolutions, store.query(package_data.query(name)))
    names = [variable.value for variable in solutions.variables]
    for solution in solutions:
        yield {key: term.value for key in names if (term := solution[key]) is not None}


def construct(store: ox.Store, name: str) -> list[ox.Triple]:
    """Run a CONSTRUCT query file and give its triples."""
    return list(cast(ox.QueryTriples, store.query(package_data.query(name))))


def extend(store: ox.Store, name: str) -> None:
    """Run a CONSTRUCT query file and add its triples to the store it ran on."""
    store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in construct(store, name))
