"""SPARQL over an Oxigraph store, typed once here so that nobody else casts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import pyoxigraph as ox

from osteo_kg import resources

Row = Mapping[str, str]


def select(store: ox.Store, name: str) -> Iterator[Row]:
    """Run a SELECT query file; a row maps each bound variable to its IRI, blank node label or lexical form."""
    solutions = cast(ox.QuerySolutions, store.query(resources.query(name)))
    names = [variable.value for variable in solutions.variables]
    for solution in solutions:
        yield {key: term.value for key in names if (term := solution[key]) is not None}


def construct(store: ox.Store, name: str) -> list[ox.Triple]:
    """Run a CONSTRUCT query file and give its triples."""
    return list(cast(ox.QueryTriples, store.query(resources.query(name))))


def extend(store: ox.Store, name: str) -> None:
    """Run a CONSTRUCT query file and add its triples to the store it ran on."""
    store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in construct(store, name))
