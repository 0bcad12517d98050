"""Changes as text of SPARQL 1.1 Update, nameless nodes included.

A blank node has another name in every request, some stores take none in `INSERT DATA`, and `DELETE DATA` takes none at
all. So each is written as an IRI of its own (RDF 1.1 Concepts section 3.5), and turned back when a graph is handed out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pyoxigraph as ox

from osteo_kg_server.store.base import DEFAULT_GRAPH, Change

NAMELESS = "https://w3id.org/.well-known/genid/osteo-kg/"
_AT_ONCE = 500  # statements of one operation; some stores compile each of them as a program
Triples = Iterable[ox.Triple]


def written(change: Change) -> str:
    """Write a change as one request; nothing where nothing is to be done."""
    return " ;\n".join(_operations(change))


def additions(graph: str, triples: Triples) -> Iterator[str]:
    """Write statements as operations that add them to a graph."""
    return _data("INSERT", graph, triples)


def nameless_again(triple: ox.Triple) -> ox.Triple:
    """Give a statement of the store with its nameless nodes."""
    return ox.Triple(_back(triple.subject), triple.predicate, _back(triple.object))


def _operations(change: Change) -> Iterator[str]:
    for name in sorted(change.cleared):
        what = "DROP" if name and name not in change.created else "CLEAR"
        yield f"{what} SILENT GRAPH <{name}>" if name else "CLEAR SILENT DEFAULT"
    for name, triples in change.removed.items():
        yield from _data("DELETE", name, triples)
    for name in sorted(change.created - {DEFAULT_GRAPH}):
        yield f"CREATE SILENT GRAPH <{name}>"
    for name, triples in change.added.items():
        yield from _data("INSERT", name, triples)


def _data(what: str, graph: str, triples: Triples) -> Iterator[str]:
    remaining = iter(triples)
    while part := list(islice(remaining, _AT_ONCE)):
        lines = " .\n".join(str(_named(triple)) for triple in part)
        yield f"{what} DATA {{ GRAPH <{graph}> {{ {lines} }} }}" if graph else f"{what} DATA {{ {lines} }}"


def _named(triple: ox.Triple) -> ox.Triple:
    if isinstance(triple.subject, ox.BlankNode) or isinstance(triple.object, ox.BlankNode):
        return ox.Triple(_as_iri(triple.subject), triple.predicate, _as_iri(triple.object))
    return triple


def _as_iri(node: Any) -> Any:
    return ox.NamedNode(NAMELESS + node.value) if isinstance(node, ox.BlankNode) else node


def _back(node: Any) -> Any:
    if isinstance(node, ox.NamedNode) and node.value.startswith(NAMELESS):
        return ox.BlankNode(node.value.removeprefix(NAMELESS))
    return node
