"""Plain look-ups in an Oxigraph store: the objects of a subject and a property, as Python values."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.rdf.terms import Iri, node_of


class Lookup:
    """Read-only look-ups over the union of all triples of a store."""

    def __init__(self, store: ox.Store) -> None:
        self.store = store

    def objects(self, subject: Iri, predicate: ox.NamedNode) -> list[str]:
        """Give IRIs or lexical forms, sorted."""
        return sorted(
            quad.object.value
            for quad in self.store.quads_for_pattern(node_of(subject), predicate, None)
            if not isinstance(quad.object, ox.Triple)
        )

    def value(self, subject: Iri, predicate: ox.NamedNode) -> str | None:
        """Give the first value, or None."""
        return next(iter(self.objects(subject, predicate)), None)

    def decimal(self, subject: Iri, predicate: ox.NamedNode) -> Decimal | None:
        """Give the first value as a decimal number, or None."""
        found = self.value(subject, predicate)
        return None if found is None else Decimal(found)

    def subjects(self, predicate: ox.NamedNode, value: Iri) -> list[str]:
        """Give the IRIs that have this value, sorted."""
        return sorted(
            quad.subject.value
            for quad in self.store.quads_for_pattern(None, predicate, node_of(value))
            if isinstance(quad.subject, ox.NamedNode)
        )

    def pairs(self, predicate: ox.NamedNode) -> Iterator[tuple[str, str]]:
        """Give every subject IRI with each of its values for one property, IRIs and literals alike."""
        for quad in self.store.quads_for_pattern(None, predicate, None):
            if isinstance(quad.subject, ox.NamedNode) and isinstance(quad.object, ox.NamedNode | ox.Literal):
                yield quad.subject.value, quad.object.value

    def text(self, subject: Iri, predicate: ox.NamedNode) -> BilingualText | None:
        """Give the English and French values of one property; English serves for French where that is lacking."""
        found: dict[str, str] = {}
        for quad in self.store.quads_for_pattern(node_of(subject), predicate, None):
            if isinstance(quad.object, ox.Literal):
                found[quad.object.language or "en"] = quad.object.value
        return BilingualText(found["en"], found.get("fr", found["en"])) if "en" in found else None


def digest(parts: list[tuple[str, bytes]]) -> str:
    """Give the SHA-256 of named contents, whatever their order."""
    total = hashlib.sha256()
    for name, content in sorted(parts):
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def with_fresh_blank_nodes(triples: Iterable[ox.Triple]) -> list[ox.Triple]:
    """Give the same triples with nameless nodes of their own: in one store, two of one label would be one node."""
    fresh: dict[ox.BlankNode, ox.BlankNode] = defaultdict(ox.BlankNode)
    return [
        ox.Triple(
            fresh[each.subject] if isinstance(each.subject, ox.BlankNode) else each.subject,
            each.predicate,
            fresh[each.object] if isinstance(each.object, ox.BlankNode) else each.object,
        )
        for each in triples
    ]


def canonical(triples: Iterable[ox.Triple]) -> list[ox.Triple]:
    """Name nameless nodes by what is said of them (RDFC-1.0), and put the triples in order."""
    dataset = ox.Dataset(ox.Quad(each.subject, each.predicate, each.object) for each in triples)
    dataset.canonicalize(ox.CanonicalizationAlgorithm.RDFC_1_0)
    return sorted((quad.triple for quad in dataset), key=str)


def n_triples(triples: Iterable[ox.Triple]) -> str:
    """Write triples in N-Triples, in the order in which they come."""
    return "".join(f"{each} .\n" for each in triples)
