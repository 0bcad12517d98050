"""What the codings of a concept stand for, by the codes of the ontology or by the project's own code system."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir.elements import codings, each, text, words
from osteo_kg.knowledge import Code, Terms, folded
from osteo_kg.rdf import OSTEO

#: The project's own code system: a code in it is the name of a term.
OWN_SYSTEM = OSTEO.iri
_OWN_CODE = re.compile(r"[A-Za-z][A-Za-z0-9]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Meaning:
    """A term that a coding stands for.

    Attributes:
        term: its IRI.
        coding: the system and the code, as written.
        code: the code of the ontology; None in the project's own code system.
    """

    term: str
    coding: tuple[str, str]
    code: Code | None

    @property
    def own(self) -> bool:
        """Whether the project's own code says it."""
        return self.code is None

    def says(self, name: str) -> bool:
        """Whether the ontology states a yes-or-no fact of the code."""
        return self.code is not None and self.code.says(name)

    def fact(self, name: str) -> tuple[str, ...]:
        """Give what else the ontology says of the code."""
        return self.code.facts.get(name, ()) if self.code else ()


def meanings(concept: Any, terms: Terms) -> list[Meaning]:
    """Give what a concept stands for, the project's own codes first."""
    found: list[Meaning] = []
    for system, value in dict.fromkeys(codings(concept)):
        if system == OWN_SYSTEM and _OWN_CODE.fullmatch(value) and OWN_SYSTEM + value in terms.labels:
            found.append(Meaning(OWN_SYSTEM + value, (system, value), None))
        elif code := terms.codes.find(system, value):
            found += [Meaning(term, (system, value), code) for term in code.stands_for]
    return sorted(found, key=lambda meaning: not meaning.own)


def of_kind(found: Iterable[Meaning], kind: ox.NamedNode, terms: Terms) -> list[Meaning]:
    """Give those that stand for a term of a kind."""
    return [each for each in found if terms.is_a(each.term, kind)]


def of_term(found: Iterable[Meaning], *wanted: ox.NamedNode) -> list[Meaning]:
    """Give those that stand for one of some terms."""
    return [each for each in found if each.term in {term.value for term in wanted}]


def shown(coding: tuple[str, str], terms: Terms) -> str:
    """Write a coding as a person would: the name of its system, and the code."""
    system, value = coding
    if system == OWN_SYSTEM:
        return f"osteo-kg {value}"
    known = terms.codes.system_of(system)
    return f"{terms.label(known).en if known else system or '?'} {value}"


def why_unread(concept: Any, terms: Terms) -> ox.NamedNode:
    """Give the reason why a concept that stands for nothing is not used."""
    reason = OSTEO.CodeNotRead
    for system, value in codings(concept):
        code = terms.codes.find(system, value)
        if code is not None and terms.is_a(code.iri, OSTEO.BoneMineralDensityCode):
            return OSTEO.DensityNotTScore
        if code is not None:
            reason = OSTEO.NotCertain if code.facts.get("opensSection") else OSTEO.CodeDecidesNothing
        elif terms.codes.system_of(system) and not terms.codes.knows(system):
            reason = OSTEO.SystemNotVerified
    return reason


# What a concept that stands for nothing may still be: by the families of its codes, and by its words.


def is_known(concept: Any, terms: Terms) -> bool:
    """Whether the ontology has a code of a concept, be it one that decides nothing."""
    return any(terms.codes.find(system, value) or system == OWN_SYSTEM for system, value in codings(concept))


def sections_left_open(concept: Any, terms: Terms) -> frozenset[str]:
    """Give the sections in which a concept that no fact was read of may belong (docs/reference/reading.md, R14).

    A known code outside every family, and a code that its chapter places, open nothing by their words.
    """
    opened: set[str] = set()
    placed = False
    unplaced: list[Any] = []
    for coding in (*each(concept, "coding"), *each(concept)):
        system, value = text(coding, "system"), text(coding, "code").strip()
        if not value:
            continue
        if code := terms.codes.find(system, value):
            opened.update(code.facts.get("opensSection", ()))
            placed = True
        elif terms.codes.is_classification(system):
            opened |= terms.codes.sections_opened_by(system, value)
            placed = True
        else:
            unplaced.append({"coding": [coding]})
    said = words(*unplaced) if placed else words(concept)
    return frozenset(opened | named_sections(said, terms))


def says_nothing(concept: Any, terms: Terms) -> bool:
    """Whether a concept has no words, and no code that its chapter places: it may be anything."""
    return not words(concept) and not any(terms.codes.is_classification(system) for system, _ in codings(concept))


def named_sections(said: Iterable[str], terms: Terms) -> set[str]:
    """Give the sections in which what some words name may belong."""
    texts = tuple(said)
    return {found.section for found in terms.word_lists if any(found.name(each) for each in texts)}


def is_contradicted(concept: Any, term: str, terms: Terms) -> bool:
    """Whether the words of a concept contradict a term that its codes stand for."""
    phrases = terms.contradicting.get(term)
    return phrases is not None and any(phrases.stand_in(folded(said)) for said in words(concept))


def raised_notices(concept: Any, terms: Terms) -> frozenset[str]:
    """Give the notices that the codes of a concept are a reason for."""
    found = (terms.codes.find(system, value) for system, value in codings(concept))
    return frozenset(notice for code in found if code for notice in code.facts.get("raisesNotice", ()))
