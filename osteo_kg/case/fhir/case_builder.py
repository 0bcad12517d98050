"""What is read of one patient: the triples of her case, and the remarks about what was not used."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.codings import shown, why_unread
from osteo_kg.case.fhir.elements import When, codings, concept_of, dated, text, when, words
from osteo_kg.case.model import Remark, RemarkKind
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, RDF, Node, day_literal, node_of

_LONGEST_TEXT = 120  # characters of a text that are shown


class CaseBuilder:
    """Collects what the readers of single resources find."""

    def __init__(self, iri: str, terms: Terms) -> None:
        self.terms = terms
        self.patient = ox.NamedNode(iri)
        self.triples = [ox.Triple(self.patient, RDF.type, OSTEO.Patient)]
        self._remarks: list[Remark] = []
        self._unread: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
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

    def when(self, resource: Any, key: str) -> When | None:
        """Give when a resource states under `effective` or `onset` that it was; what cannot be read is noted."""
        found = when(resource, key)
        given = [name for name in resource if name.startswith(key) and resource[name] is not None]
        if found is None and given:
            stated = resource[given[0]]
            self.ignore(resource, OSTEO.DateNotWhole, f"{key} {stated}" if isinstance(stated, str) else given[0])
        return found

    def day_of(self, resource: Any, key: str) -> str | None:
        """Give the day that a resource states under `effective` or `onset`; a date that gives none is noted."""
        found = self.when(resource, key)
        if found is not None and found.day is None:
            self.ignore(resource, OSTEO.DateNotWhole, f"{key} {found}")
        return found.day if found else None

    def measured(self, entry: Node, at: When | None) -> None:
        """State when a measurement was performed: the day, or the first and the last day of a period."""
        between = [(OSTEO.performedFrom, at.first), (OSTEO.performedUntil, at.last)] if at else []
        for property_, written in [(OSTEO.performedOn, at.day)] if at and at.day else between:
            literal = day_literal(written)
            assert literal is not None  # it was read as a day
            self.say(entry, property_, literal)

    def ignore(self, resource: Any, reason: ox.NamedNode, *details: str, concept: Any = None) -> None:
        """Note that a resource, or an element of it, was not used; it is named by its concept and its date."""
        self._remark("ignoredElement", resource, reason, *details, concept=concept)

    def open(self, section: Node, resource: Any, *details: str, concept: Any = None) -> None:
        """Keep a section open, since a resource may belong there; a medical history mostly is, and is not told of."""
        if (said := ox.Triple(self.patient, OSTEO.isOpenFor, section)) not in self.triples:
            self.triples.append(said)
        if section != OSTEO.MedicalHistory:
            self._remark("openElement", resource, section, *details, concept=concept)

    def perhaps(self, drug: str, resource: Any, concept: Any) -> None:
        """Note that a resource may be of a drug."""
        self._remark("perhapsDrug", resource, node_of(drug), concept=concept)

    def raised(self, notice: str, resource: Any) -> None:
        """Note that the code of a resource is a reason for a notice."""
        self._remark("raisesNotice", resource, node_of(notice))

    def remark(self, kind: RemarkKind, resource: Any, *details: str, concept: Any = None) -> None:
        """Note something that was assumed of a resource, or that stands beside what was read of it."""
        self._remark(kind, resource, None, *details, concept=concept)

    def _remark(self, kind: RemarkKind, resource: Any, reason: Node | None, *details: str, concept: Any = None) -> None:
        found = concept_of(resource) if concept is None else concept
        told = (*self.named(found), *dict.fromkeys(details), dated(resource))
        element = titled(resource, ", ".join(part for part in told if part))
        self._remarks.append(Remark(kind, element, reason.value if reason is not None else None))

    def invalid(self, resource: Any, elements: tuple[str, ...]) -> None:
        """Note that elements of a resource are not valid."""
        self._remarks.append(Remark("invalidElement", titled(resource, ", ".join(elements))))

    def unread(self, resource: Any, concept: Any, *details: str) -> None:
        """Note a resource whose code stands for nothing; those of one type and code are told in one line."""
        self._count(resource, why_unread(concept, self.terms), ", ".join((*self.named(concept), *details)) or "?")

    def unread_type(self, resource: Any, reason: ox.NamedNode = OSTEO.TypeNotRead) -> None:
        """Note a resource of a type that is not read, or that belongs to nobody."""
        self._count(resource, reason, ", ".join(self.named(concept_of(resource))))

    def _count(self, resource: Any, reason: ox.NamedNode, what: str) -> None:
        self._unread[text(resource, "resourceType"), reason.value][what].append(dated(resource))

    def named(self, concept: Any) -> tuple[str, ...]:
        """Name a concept as a person can find it: its words, and its codes with their systems."""
        said = " / ".join(words(concept))
        short = said if len(said) <= _LONGEST_TEXT else f"{said[:_LONGEST_TEXT]}…"
        codes = " = ".join(shown(coding, self.terms) for coding in dict.fromkeys(codings(concept)))
        return tuple(part for part in (f"“{short}”" if short else "", codes) if part)

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """Every remark, each once."""
        return tuple(dict.fromkeys((*self._remarks, *self._counted())))

    def _counted(self) -> Iterator[Remark]:
        for (kind, reason), found in sorted(self._unread.items()):
            for what, days in sorted(found.items()):
                told = ", ".join(part for part in (what, _span(days)) if part)
                times = f" ×{len(days)}" if len(days) > 1 else ""
                yield Remark("ignoredElement", f"{kind}{times} ({told})" if told else f"{kind}{times}", reason)


def _span(days: list[str]) -> str:
    """Give the first and the last of some dates."""
    stated = sorted(day for day in days if day)
    return " – ".join(dict.fromkeys((stated[0], stated[-1]))) if stated else ""


def titled(resource: Any, detail: str = "") -> str:
    """Name a resource by type and id, with a detail."""
    title = "/".join(part for part in (text(resource, "resourceType"), text(resource, "id")) if part)
    return f"{title} ({detail})" if detail else title
