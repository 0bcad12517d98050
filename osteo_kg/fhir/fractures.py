"""Fractures of one patient, settled once all are read: what repeats another, and what another says better."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox

from osteo_kg.cases import INTEGER, day_literal
from osteo_kg.fhir.elements import codings, first
from osteo_kg.fhir.facts import Facts, node
from osteo_kg.fhir.meanings import OWN_SYSTEM, Meaning, shown
from osteo_kg.knowledge import Terms
from osteo_kg.vocabulary import OSTEO


@dataclass(frozen=True)
class Fracture:
    """A fracture as a Condition has it; `day` is None where the date has none."""

    meaning: Meaning
    day: str | None
    resource: dict[str, Any]

    @property
    def broad(self) -> bool:
        """Whether a published code says why the bone broke, or too broadly where."""
        return not self.meaning.own and self.meaning.term == str(OSTEO.UnspecifiedSiteFracture)

    @property
    def mechanism(self) -> str | None:
        """Give the mechanism, which travels in the project's own code system."""
        concept = extension(self.resource, str(OSTEO.hasMechanism), "valueCodeableConcept")
        return next((system + code for system, code in codings(concept) if system == OWN_SYSTEM), None)


class Fractures:
    """The fractures that were read of one patient."""

    def __init__(self) -> None:
        self._read: list[Fracture] = []

    def add(self, fracture: Fracture) -> None:
        """Add one as it was read."""
        self._read.append(fracture)

    def settle(self, facts: Facts) -> None:
        """Write every fracture that stands for itself, and say of the others why they do not."""
        once = list(self._once(facts))
        for each in once:
            if each.broad and any(_says_where(other, each, facts.terms) for other in once):
                facts.ignore(each.resource, OSTEO.SiteSaidElsewhere, shown(each.meaning.coding, facts.terms))
            else:
                _write(each, facts)

    def _once(self, facts: Facts) -> Iterator[Fracture]:
        """Drop what repeats another: of one code and one date, unless the project's own code makes it an entry."""
        seen: set[tuple[tuple[str, str], str | None]] = set()
        for each in self._read:
            key = each.meaning.coding, each.day
            if key in seen and not each.meaning.own:
                facts.ignore(each.resource, OSTEO.SameEntryTwice, shown(each.meaning.coding, facts.terms))
                continue
            seen.add(key)
            yield each


def _says_where(other: Fracture, broad: Fracture, terms: Terms) -> bool:
    """Whether another fracture of the same date gives the site that a broad code leaves open."""
    if broad.day is None or other.day != broad.day or other.meaning.term == str(OSTEO.UnspecifiedSiteFracture):
        return False
    if str(OSTEO.ExcludingMechanism) in terms.types.get(other.mechanism or "", ()):
        return False
    sites = broad.meaning.fact("isNarrowedBy")
    return other.meaning.term in (sites or (other.meaning.term,)) and str(OSTEO.QualifyingFracture) in terms.types.get(
        other.meaning.term, ()
    )


def _write(fracture: Fracture, facts: Facts) -> None:
    entry = facts.entry(OSTEO.hasFracture, fracture.meaning.term)
    if fracture.day:
        literal = day_literal(fracture.day)
        assert literal is not None  # it was read as a day
        facts.say(entry, OSTEO.occurredOn, literal)
    if mechanism := fracture.mechanism:
        facts.say(entry, OSTEO.hasMechanism, node(mechanism))
    count = extension(fracture.resource, str(OSTEO.fracturedVertebraCount), "valueInteger")
    if count is not None:
        facts.say(entry, OSTEO.fracturedVertebraCount, ox.Literal(f"{count}", datatype=INTEGER))
    if fracture.meaning.says("leavesLevelOpen"):
        facts.open_level(fracture.resource, fracture.meaning.coding)


def extension(resource: dict[str, Any], url: str, value: str) -> Any:
    """Give the value of an extension, named by the IRI of the property that it states."""
    extensions = resource.get("extension")
    found = extensions if isinstance(extensions, list) else []
    return next((first(each, value) for each in found if isinstance(each, dict) and each.get("url") == url), None)
