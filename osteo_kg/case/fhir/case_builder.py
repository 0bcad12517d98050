"""What is read of one patient: the triples of her case, and the remarks about what was not used."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.codings import shown, why_unread
from osteo_kg.case.fhir.elements import codings, day, first, text
from osteo_kg.case.model import Remark
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, RDF, Node

#: Where a date may stand, by the end of its element.
_DATES = (("DateTime",), ("Period", "start"), ("Instant",))


class CaseBuilder:
    """Collects what the readers of single resources find."""

    def __init__(self, iri: str, terms: Terms) -> None:
        self.terms = terms
        self.patient = ox.NamedNode(iri)
        self.triples = [ox.Triple(self.patient, RDF.type, OSTEO.Patient)]
        self._remarks: list[Remark] = []
        self._unread: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self._types: dict[str, Counter[str]] = defaultdict(Counter)
        self._numbers = itertools.count(1)

    def say(self, subject: Node, property_: ox.NamedNode, value: Node | ox.Literal) -> None:
        """Add a triple."""
        self.triples.append(ox.Triple(subject, property_, value))

    def entry(self, property_: ox.NamedNode, kind: ox.NamedNode) -> ox.BlankNode:
        """Add an entry of a class to the patient, and give its node."""
        entry = ox.BlankNode(f"entry{next(self._numbers)}")
        self.say(self.patient, property_, entry)
        self.triples.append(ox.Triple(entry, RDF.type, kind))
        return entry

    def day_of(self, resource: Any, key: str) -> str | None:
        """Give the day that a resource states under `effective` or `onset`; a date that gives none is noted."""
        stated = next((each for ending in _DATES if (each := first(resource, f"{key}{ending[0]}", *ending[1:]))), None)
        found = day(stated)
        given = [name for name in resource if name.startswith(key) and resource[name] is not None]
        if found is None and given:
            self.ignore(resource, OSTEO.DateNotWhole, f"{key} {stated}" if isinstance(stated, str) else given[0])
        return found

    def ignore(self, resource: Any, reason: ox.NamedNode, detail: str = "") -> None:
        """Note that a resource, or an element of it, was not used."""
        self._remarks.append(Remark("ignoredElement", titled(resource, detail), reason.value))

    def invalid(self, resource: Any, elements: tuple[str, ...]) -> None:
        """Note that elements of a resource are not valid."""
        self._remarks.append(Remark("invalidElement", titled(resource, ", ".join(elements))))

    def open_level(self, resource: Any, coding: tuple[str, str]) -> None:
        """Note that the code of a vertebral fracture leaves its level open."""
        self._remarks.append(Remark("openLevel", titled(resource, shown(coding, self.terms))))

    def doubtful_product(self, resource: Any, coding: tuple[str, str]) -> None:
        """Note that the code of a drug also names products for another use."""
        self._remarks.append(Remark("doubtfulProduct", titled(resource, shown(coding, self.terms))))

    def unread(self, resource: Any, concept: Any) -> None:
        """Count a resource whose code stands for nothing; those of one type are told in one line."""
        reason = why_unread(concept, self.terms).value
        codes = [shown(coding, self.terms) for coding in dict.fromkeys(codings(concept))]
        self._unread[text(resource, "resourceType"), reason][" = ".join(codes) or "?"] += 1

    def unread_type(self, resource: Any, reason: ox.NamedNode = OSTEO.TypeNotRead) -> None:
        """Count a resource of a type that is not read, or that belongs to nobody."""
        self._types[reason.value][text(resource, "resourceType")] += 1

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """Every remark, each once."""
        return tuple(dict.fromkeys((*self._remarks, *self._counted())))

    def _counted(self) -> Iterator[Remark]:
        for (kind, reason), codes in sorted(self._unread.items()):
            yield Remark("ignoredElement", f"{_times(kind, codes.total())} ({_listed(codes)})", reason)
        for reason, types in sorted(self._types.items()):
            yield Remark("ignoredElement", _listed(types), reason)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(_times(what, number) for what, number in sorted(counts.items()))


def _times(what: str, number: int) -> str:
    return f"{what} ×{number}" if number > 1 else what


def titled(resource: Any, detail: str = "") -> str:
    """Name a resource by type and id, with a detail."""
    title = "/".join(part for part in (text(resource, "resourceType"), text(resource, "id")) if part)
    return f"{title} ({detail})" if detail else title
