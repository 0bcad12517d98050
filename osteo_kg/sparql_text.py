"""What can be told of a SPARQL text before it is parsed: its keywords, outside strings, IRIs and comments.

A codepoint escape cannot hide a keyword: Oxigraph reads escapes in strings and IRIs only.
"""

from __future__ import annotations

import functools
import re

_NOT_CODE = re.compile(
    r"'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^'\\\n\r]|\\.)*'|\"(?:[^\"\\\n\r]|\\.)*\""
    r"|<[^<>\"{}|^`\\\x00-\x20]*>|#[^\n\r]*",
    re.DOTALL,
)
_ELSEWHERE = re.compile(r"(?<![\w:?$@-])(SERVICE|LOAD)(?![\w:-])", re.IGNORECASE)
_DATASET_CLAUSE = re.compile(r"(?<![\w:?$@-])FROM(?![\w:-])", re.IGNORECASE)
_DATASET_IRI = re.compile(r"(?<![\w:?$@-])FROM\s*(?:NAMED\s*)?<([^<>]*)>", re.IGNORECASE)
_EACH_TIME_NEW = re.compile(r"(?<![\w:?$@-])(NOW|RAND|UUID|STRUUID|BNODE)\s*\(", re.IGNORECASE)
_BRACKET = re.compile(r"[{}()\[\]]")


@functools.lru_cache(8)
def code_only(text: str) -> str:
    """Blank out strings, IRIs and comments; what is left stands where it stood.

    >>> code_only("ASK { ?s <urn:p> 'SERVICE' } # LOAD").split()
    ['ASK', '{', '?s', '}']
    """
    return _NOT_CODE.sub(lambda found: " " * len(found.group()), text)


def elsewhere(text: str) -> str | None:
    """Give the keyword by which a query or an update would reach outside its dataset, if it has one.

    >>> elsewhere("SELECT * { SERVICE <http://example.org/> { } }"), elsewhere("SELECT ?service { }")
    ('SERVICE', None)
    """
    found = _ELSEWHERE.search(code_only(text))
    return found.group().upper() if found else None


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
