"""A graph of rdflib's that is read thousands of times and never changed again."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from typing import Any

from rdflib import Graph
from rdflib.term import Node


class SettledGraph(Graph):
    """A graph that no longer changes and remembers every look-up.

    Args:
        triples: all that it is ever to hold: what was looked up before would not be seen to change.
    """

    def __init__(self, triples: Iterable[Any]) -> None:
        super().__init__(bind_namespaces="none")
        for triple in triples:
            self.add(triple)
        self._known: dict[tuple[object, ...], tuple[Any, ...]] = {}

    def _recall(self, ask: str, *key: object) -> tuple[Any, ...]:
        known = self._known.get((ask, *key))
        if known is None:
            known = self._known[ask, *key] = tuple(getattr(super(), ask)(*key))
        return known

    def objects(self, subject: Any = None, predicate: Any = None, unique: bool = False) -> Generator[Node, None, None]:
        """Give the objects, remembered."""
        yield from self._recall("objects", subject, predicate)

    def subjects(self, predicate: Any = None, object: Any = None, unique: bool = False) -> Generator[Node, None, None]:
        """Give the subjects, remembered."""
        yield from self._recall("subjects", predicate, object)

    def predicate_objects(self, subject: Any = None, unique: bool = False) -> Generator[tuple[Node, Node], None, None]:
        """Give the pairs of a subject, remembered."""
        yield from self._recall("predicate_objects", subject)

    def items(self, list: Any) -> Generator[Node, None, None]:
        """Give the members of a list, remembered."""
        yield from self._recall("items", list)
