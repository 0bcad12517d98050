"""The picture of the model: the classes that properties lead from and to, by module, drawn from the ontology.

What a property leads from and to is taken from its domain and its range and, where it has none, from its example.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from osteo_kg import KnowledgeBase
from osteo_kg.rdf import OSTEO, OWL, RDF, RDFS, SKOS, Lookup, local_name

#: The modules whose classes are drawn, a column each, by the title of the column.
_COLUMNS = {
    "A case": ("core", "conditions", "drugs"),
    "A guideline": ("guideline-model",),
    "An answer": ("assessment",),
    "Safety": ("safety-model",),
}
_MODULE = "https://w3id.org/osteo-kg/ontology/"
_WIDTH, _GAP, _LINE, _HEAD, _BETWEEN, _TOP = 290, 90, 15, 22, 16, 60


@dataclass(frozen=True)
class Way:
    """A property, as a line of the class that it leads from."""

    label: str
    target: str
    y: float


@dataclass(frozen=True)
class Box:
    """A class, with the place and the height of its box."""

    name: str
    label: str
    x: float
    y: float
    height: float
    ways: tuple[Way, ...]

    @property
    def middle(self) -> float:
        """Where lines come in."""
        return self.y + _HEAD / 2


def model(knowledge_base: KnowledgeBase) -> dict[str, Any]:
    """Give the boxes of the picture, its columns and the lines between boxes."""
    known = knowledge_base.knowledge.triples
    links = _links(known)
    boxes: dict[str, Box] = {}
    columns = []
    for place, (title, modules) in enumerate(_COLUMNS.items()):
        x, y = _GAP / 2 + place * (_WIDTH + _GAP), float(_TOP)
        columns.append((title, x))
        for iri in _classes(known, modules, links):
            box = _box(known, iri, links[iri], x, y)
            boxes[iri] = box
            y += box.height + _BETWEEN
    lines = [
        (box, way, boxes[way.target]) for box in boxes.values() for way in box.ways if boxes.get(way.target, box) != box
    ]
    height = max(box.y + box.height for box in boxes.values()) + _BETWEEN
    width = len(_COLUMNS) * (_WIDTH + _GAP) + _GAP // 2
    return {
        "boxes": list(boxes.values()),
        "columns": columns,
        "lines": [_line(*each) for each in lines],
        **{"width": width, "height": round(height), "box_width": _WIDTH, "head": _HEAD},
    }


def _classes(known: Lookup, modules: Iterable[str], links: dict[str, list[tuple[str, str]]]) -> Iterator[str]:
    """Give the classes of modules from or to which a property leads, in the order of their labels."""
    reached = {target for ways in links.values() for _, target in ways}
    own = {iri for module in modules for iri in known.subjects(RDFS.isDefinedBy, _MODULE + module)}
    classes = own.intersection(known.subjects(RDF.type, OWL.Class.value))
    drawn = [each for each in classes if links.get(each) or each in reached]
    return iter(sorted(drawn, key=lambda iri: (-len(links.get(iri, ())), local_name(iri))))


def _box(known: Lookup, iri: str, links: Iterable[tuple[str, str]], x: float, y: float) -> Box:
    ways = [
        Way(f"{_label(known, name)} › {_label(known, target)}", target, y + _HEAD + _LINE * (place + 0.75))
        for place, (name, target) in enumerate(sorted(links))
    ]
    return Box(local_name(iri), _label(known, iri), x, y, _HEAD + _LINE * len(ways) + (6 if ways else 0), tuple(ways))


def _line(box: Box, way: Way, target: Box) -> str:
    """Give the path from a line of one box to the head of another, bent between the columns."""
    forward = target.x > box.x
    start = box.x + _WIDTH if forward or target.x == box.x else box.x
    end = target.x if forward else target.x + _WIDTH
    bend = _GAP * 0.7
    before, after = start + (bend if start > box.x else -bend), end + (-bend if end == target.x else bend)
    return f"M{start:g} {way.y:g}C{before:g} {way.y:g} {after:g} {target.middle:g} {end:g} {target.middle:g}"


def _label(known: Lookup, iri: str) -> str:
    text = known.text(iri, RDFS.label)
    return text.en if text else local_name(iri)


def _links(known: Lookup) -> dict[str, list[tuple[str, str]]]:
    """Give for each class the object properties that lead from it, each with the class that it leads to."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in known.subjects(RDF.type, OWL.ObjectProperty.value):
        shown = _shown(known, name)
        for source in known.objects(name, RDFS.domain) or shown[0]:
            for target in known.objects(name, RDFS.range) or shown[1]:
                found[source].append((name, target))
    return found


def _shown(known: Lookup, name: str) -> tuple[list[str], list[str]]:
    """Give the classes that the example of a property leads from and to."""
    [text] = known.objects(name, SKOS.example) or [""]
    triples = [quad.triple for quad in ox.parse(text, format=ox.RdfFormat.TURTLE)]
    pairs = [(each.subject, each.object) for each in triples if each.predicate.value == name]
    return tuple(sorted({each for pair in pairs for each in _kinds(known, triples, pair[side])}) for side in (0, 1))  # type: ignore[return-value]


def _kinds(known: Lookup, triples: Iterable[ox.Triple], node: object) -> Iterator[str]:
    """Give the classes of a node of an example: as it says, or as the ontology does; the uppermost of each line."""
    said = [each.object.value for each in triples if each.subject == node and each.predicate == RDF.type]  # type: ignore[union-attr]
    stated = known.objects(node.value, RDF.type) if isinstance(node, ox.NamedNode) and not said else []
    for kind in {*said, *stated}:
        if kind.startswith(OSTEO.iri):
            yield _uppermost(known, kind)


def _uppermost(known: Lookup, kind: str) -> str:
    above = [each for each in known.objects(kind, RDFS.subClassOf) if each.startswith(OSTEO.iri)]
    return _uppermost(known, sorted(above)[0]) if above else kind
