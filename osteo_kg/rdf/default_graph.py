"""The default graph of a query that several graphs make up: a set of statements, whichever of them hold each.

SPARQL 1.1 merges the graphs (section 13.2), so a statement that stands in two of them gives its rows once. Oxigraph
asks one graph after the other, and gives them twice. Statements that stand in two graphs are rare, and noted as they
are added; only where there are any is a query answered from a copy in which the graphs are merged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import pyoxigraph as ox

_AT_ONCE = 10_000  # statements
_FEW = 1_000  # statements that are taken away for a query and put back
_GRAPH = re.compile("graph", re.IGNORECASE)
Found = ox.QuerySolutions | ox.QueryBoolean | ox.QueryTriples
_Names = tuple[str, ...] | None


class MergingIndex:
    """An index of named graphs, of which every default graph is a set.

    Attributes:
        store: the statements. They are added by `add`; what is taken away is taken from here.
    """

    def __init__(self) -> None:
        self.store = ox.Store()
        self._shared: dict[ox.Triple, None] = {}  # what stood in two graphs when it was added
        self._merged: tuple[tuple[_Names, _Names], ox.Store] | None = None

    def add(self, quads: Iterable[ox.Quad]) -> None:
        """Add statements."""
        remaining = iter(quads)
        while some := list(islice(remaining, _AT_ONCE)):
            self._shared |= dict.fromkeys(self._elsewhere(some))
            self.store.bulk_extend(some)

    def query(
        self,
        text: str,
        *,
        base: str | None,
        union: bool,
        default_graphs: Sequence[str] | None = None,
        named_graphs: Sequence[str] | None = None,
    ) -> Found:
        """Answer a query.

        Args:
            text: the query.
            base: what its relative IRIs are relative to.
            union: whether the default graph is the union of all graphs where none is named.
            default_graphs: the graphs of the default graph; they take the place of those that the query names.
            named_graphs: the named graphs, likewise.
        """
        given = default_graphs is not None or named_graphs is not None
        defaults = tuple(dict.fromkeys(default_graphs or ())) if given else None
        named = tuple(dict.fromkeys(named_graphs or ())) if given else None
        repeated = self._repeated() if (len(defaults) > 1 if defaults is not None else union) else []
        if repeated and defaults is None and len(repeated) <= _FEW and not _GRAPH.search(text):
            return self._without(repeated, text, base)
        if repeated:
            return _asked(self._merge(defaults, named), text, base, [ox.DefaultGraph()], named)
        if defaults is None:
            return self.store.query(text, base_iri=base, use_default_graph_as_union=union)
        return _asked(self.store, text, base, [ox.NamedNode(name) for name in defaults], named)

    def _elsewhere(self, quads: Sequence[ox.Quad]) -> Iterator[ox.Triple]:
        """Give the statements that another graph holds; most subjects are new, and looked for once."""
        known: dict[object, bool] = {}
        for quad in quads:
            subject = quad.subject
            if subject not in known:
                known[subject] = self._holds(subject, None, None, None)
            if known[subject] and self._holds(subject, quad.predicate, quad.object, quad.graph_name):
                yield quad.triple

    def _holds(self, *pattern: object) -> bool:
        """Say whether there is a statement of this pattern in a graph other than the last."""
        *triple, graph = pattern
        return any(each.graph_name != graph for each in self.store.quads_for_pattern(*triple))  # type: ignore[arg-type]

    def _repeated(self) -> list[ox.Quad]:
        """Give the statements of which another graph holds one that is equal, but for one of each."""
        patterns = ((each.subject, each.predicate, each.object) for each in self._shared)
        return [quad for each in patterns for quad in islice(self.store.quads_for_pattern(*each), 1, None)]

    def _without(self, repeated: Sequence[ox.Quad], text: str, base: str | None) -> Found:
        """Answer a query that names no graph from the union as a set; a query sees the store as it was when asked."""
        for quad in repeated:
            self.store.remove(quad)
        try:
            return self.store.query(text, base_iri=base, use_default_graph_as_union=True)
        finally:
            for quad in repeated:
                self.store.add(quad)

    def _merge(self, defaults: _Names, named: _Names) -> ox.Store:
        """Give a copy in which the graphs are merged into the default graph; the last one is kept."""
        if self._merged is not None and self._merged[0] == (defaults, named):
            return self._merged[1]
        self._merged = None
        merged = ox.Store()
        merged.bulk_extend(ox.Quad(each.subject, each.predicate, each.object) for each in self._of(defaults))
        merged.bulk_extend(quad for quad in self._of(named) if quad.graph_name != ox.DefaultGraph())
        for graph in self.store.named_graphs() if named is None else ():
            merged.add_graph(graph)
        self._merged = (defaults, named), merged
        return merged

    def _of(self, names: _Names) -> Iterator[ox.Quad]:
        if names is None:
            yield from self.store
        for name in names or ():
            yield from self.store.quads_for_pattern(None, None, None, ox.NamedNode(name))


def _asked(
    store: ox.Store,
    text: str,
    base: str | None,
    defaults: Sequence[ox.NamedNode | ox.DefaultGraph],
    named: _Names,
) -> Found:
    if named is None:
        return store.query(text, base_iri=base)
    graphs: list[ox.NamedNode | ox.BlankNode] = [ox.NamedNode(name) for name in named]
    return store.query(text, base_iri=base, default_graph=list(defaults), named_graphs=graphs)
