"""The example patients that travel with the software, by the terms that they use."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from osteo_kg import package_data
from osteo_kg.rdf import DCTERMS, OSTEO, local_name

_TERM = re.compile(r"\bosteo:(\w+)")


@dataclass(frozen=True, slots=True)
class Example:
    """One patient as Turtle.

    Attributes:
        name: the name of the file.
        story: what happened to her, in English.
        turtle: her triples, without what every file begins with.
        terms: the names of the terms used.
    """

    name: str
    story: str
    turtle: str
    terms: frozenset[str]

    def parts(self, term: str) -> list[tuple[str, bool]]:
        """Cut the text at every place where a term stands; each part says whether it is one."""
        found = re.split(rf"(\bosteo:{re.escape(term)}\b)", self.turtle)
        return [(part, bool(place & 1)) for place, part in enumerate(found)]


def example_of(iris: Iterable[str]) -> tuple[Example, str] | None:
    """Give the shortest example that uses one of some terms, the first of them if it can be, and the term's name."""
    for iri in iris:
        name = local_name(iri)
        found = [each for each in _examples() if name in each.terms and iri == OSTEO[name].value]
        if found:
            return min(found, key=lambda each: (len(each.turtle), each.name)), name
    return None


@functools.cache
def _examples() -> tuple[Example, ...]:
    return tuple(_read(path.name, path.read_text("utf-8")) for path in _files())


def _files() -> list[Path]:
    return sorted((package_data.root() / "examples").glob("*.ttl"))


def _read(name: str, text: str) -> Example:
    blocks = [block for block in re.split(r"\n\s*\n", text) if "a osteo:Patient" in block]
    turtle = "\n\n".join(blocks).strip()
    stories = [
        quad.object.value
        for quad in ox.parse(text.encode("utf-8"), format=ox.RdfFormat.TURTLE)
        if quad.predicate == DCTERMS["description"] and isinstance(quad.object, ox.Literal)
    ]
    return Example(name, " ".join(stories), turtle, frozenset(_TERM.findall(turtle)))
