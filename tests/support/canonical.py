"""The canonical text of a Turtle file, in which a line changes only where the meaning changes.

It is rdflib's `longturtle` with `@prefix` lines, and with blank nodes in the order of what they say.
"""

from __future__ import annotations

import itertools
import re

from rdflib import BNode, Graph
from rdflib.term import Node


def read(text: str) -> Graph:
    """Read Turtle with no other prefixes than its own."""
    return Graph(bind_namespaces="none").parse(data=text, format="turtle")


def write(graph: Graph) -> str:
    """Write a graph in the canonical form.

    >>> print(write(read('@prefix e: <urn:e:> . e:b e:p [ e:q "y" ] , [ e:q "x" ] . e:a e:p e:b .')), end="")
    @prefix e: <urn:e:> .
    <BLANKLINE>
    e:a
        e:p e:b ;
    .
    <BLANKLINE>
    e:b
        e:p
            [
                e:q "x" ;
            ] ,
            [
                e:q "y" ;
            ] ;
    .
    """
    text = _ordered(graph).serialize(format="longturtle")
    text = re.sub(r" (\n +\[\n)", r"\1", text)  # rdflib ends a line with a space before a blank node
    lines = text.strip("\n").split("\n")
    header = list(itertools.takewhile(lambda line: line.startswith("PREFIX "), lines))
    prefixes = [f"@prefix {line.removeprefix('PREFIX ')} ." for line in header]
    return "\n".join([*prefixes, *lines[len(header) :], ""])


def _ordered(graph: Graph) -> Graph:
    """Name the blank nodes so that their names sort as their contents do: rdflib goes by names."""
    blank = {node for triple in graph for node in triple if isinstance(node, BNode)}
    ordered = sorted(blank, key=lambda node: _content(graph, node, ()))
    names: dict[Node, Node] = {node: BNode(f"b{place:06}") for place, node in enumerate(ordered)}
    named = Graph(bind_namespaces="none")
    for prefix, namespace in graph.namespaces():
        named.bind(prefix, namespace)
    for subject, predicate, value in graph:
        named.add((names.get(subject, subject), predicate, names.get(value, value)))
    return named


def _content(graph: Graph, node: Node, above: tuple[Node, ...]) -> str:
    """Say what hangs on a node, blank nodes below it included; one met again says no more."""
    if not isinstance(node, BNode):
        return node.n3()
    if node in above:
        return "[]"
    said = (f"{p.n3()} {_content(graph, o, (*above, node))}" for p, o in graph.predicate_objects(node))
    return f"[{' ; '.join(sorted(said))}]"
