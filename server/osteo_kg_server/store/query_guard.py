"""What is found out about a text before a remote store gets it, which may understand more than SPARQL 1.1."""

from __future__ import annotations

import re
from collections.abc import Iterator

from osteo_kg import QueryError
from osteo_kg.dataset import stays_inside
from osteo_kg.rdf import code_only, dataset_iris, depth
from osteo_kg_server.errors import Kind, TooLargeError
from osteo_kg_server.settings import Limits
from osteo_kg_server.store.base import Query

_PROLOGUE = re.compile(r"\s*(?:PREFIX\s+[^\s:]*:|BASE(?=\s))\s*", re.IGNORECASE)
_FORM = re.compile(r"\s*(SELECT|ASK|CONSTRUCT|DESCRIBE)(?![\w:-])", re.IGNORECASE)
_KINDS: dict[str, Kind] = {"SELECT": "solutions", "ASK": "boolean", "CONSTRUCT": "graph", "DESCRIBE": "graph"}
_FROM = re.compile(r"(?<![\w:?$@-])FROM(?![\w:-])", re.IGNORECASE)
#: Beside the standard, in Virtuoso: DEFINE and OPTION fetch documents, and functions of SQL do what they like.
_BESIDE = re.compile(r"(?<![\w:?$@-])(?:DEFINE|OPTION)(?![\w:-])|(?<![\w:?$@-])(?:bif|sql)\s*:", re.IGNORECASE)
_BESIDE_AS_IRI = re.compile(r"<\s*(?:bif|sql):", re.IGNORECASE)
_ESCAPED = re.compile(r"\\u00[0-7][0-9a-f]|\\U000000[0-7][0-9a-f]", re.IGNORECASE)
_NO_IRI = re.compile(r"[<>\"{}|^`\\\x00-\x20]")
_IRI = re.compile(r"<(?![A-Za-z][A-Za-z0-9+.-]*:)[^<>\"{}|^`\\\x00-\x20]*>")


def check_text(text: str, most: int, limits: Limits) -> None:
    """Refuse a text that is out of bounds, or that a store may read as more than SPARQL 1.1.

    Raises:
        TooLargeError: it is too long.
        QueryError: it is refused otherwise.
    """
    check_bounds(text, most, limits)
    if _ESCAPED.search(text):  # where such escapes are read first, they hide keywords and end strings
        raise QueryError("An ASCII character is written as an escape.", advice="Write it as it is.")
    if found := _BESIDE.search(code_only(text)) or _BESIDE_AS_IRI.search(text):
        raise QueryError(f"{found.group().strip('<')} is not SPARQL 1.1.", advice="Do without it.")


def kind_of(text: str) -> Kind:
    """Say what kind of result a query has.

    Raises:
        QueryError: it is no query.
    """
    blank, at = code_only(text), 0
    while found := _PROLOGUE.match(blank, at):
        at = found.end()
    form = _FORM.match(blank, at)
    if form is None:
        raise QueryError("This is not a query of SPARQL 1.1.", advice="Begin it with SELECT, ASK, CONSTRUCT, DESCRIBE.")
    return _KINDS[form[1].upper()]


def graphs_of(query: Query) -> Iterator[str]:
    """Give every graph that a query or its request names as its dataset.

    Raises:
        QueryError: a `FROM` names its graph in another way than by an IRI.
    """
    named = dataset_iris(query.text)
    if len(named) != len(_FROM.findall(code_only(query.text))):
        raise QueryError("A FROM names its graph in short.", advice="Write its IRI in full, between < and >.")
    if bad := [iri for iri in named if _NO_IRI.search(iri)]:
        raise QueryError(f"A FROM names {bad[0][:80]!r}, which is no IRI.", advice="Correct it there.")
    yield from named
    yield from query.default_graphs or ()
    yield from query.named_graphs or ()


def with_base(text: str, base: str) -> str:
    """Have relative IRIs of a text mean what they mean here."""
    return f"BASE <{base}> {text}" if _IRI.search(text) and not _NO_IRI.search(base) else text


# The bounds of every text that a client sends to be evaluated, whichever store evaluates it.


def check_bounds(text: str, most: int, limits: Limits) -> None:
    """Refuse a text that is too long, too deep, or that reaches outside the dataset.

    Raises:
        TooLargeError: it is longer than so many bytes.
        QueryError: it is refused otherwise.
    """
    if len(text) > most or len(text.encode("utf-8")) > most:
        raise TooLargeError(f"The text is longer than {most} bytes.", advice="Send less, or bit by bit.")
    if depth(text) > limits.depth:
        raise QueryError(f"Brackets stand more than {limits.depth} deep in one another.", advice="Write it flatter.")
    stays_inside(text)
