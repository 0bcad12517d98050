"""The codes of published terminologies: looked up by system and value, and what the ontology says of each."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyoxigraph as ox

from osteo_kg.rdf import OSTEO, SKOS, Iri, Lookup, text_of


@dataclass(frozen=True, slots=True)
class Code:
    """One code of the ontology.

    Attributes:
        iri: the code itself.
        system: the URI of its coding system.
        value: the characters of the code.
        stands_for: the IRIs of the terms that it stands for; none for a code that is only recognised.
        facts: what else the ontology says of it, by the short name of the property.
    """

    iri: str
    system: str
    value: str
    stands_for: tuple[str, ...]
    facts: Mapping[str, tuple[str, ...]]

    def says(self, name: str) -> bool:
        """Whether the ontology states a yes-or-no fact of the code."""
        return self.facts.get(name) == ("true",)


class Codes:
    """Looks codes up, by system and value."""

    def __init__(self, triples: Lookup) -> None:
        systems = dict(triples.pairs(OSTEO.systemUri))
        self.systems = {uri: iri for iri, uri in systems.items()}
        self._aliases = {_plain(uri): systems[iri] for iri, uri in triples.pairs(OSTEO.systemAlias)}
        self._aliases |= {_plain(uri): uri for uri in self.systems}
        self._nesting = {systems[iri] for iri, nests in triples.pairs(OSTEO.codesNest) if nests == "true"}
        self._dotted = {systems[iri]: int(place) for iri, place in triples.pairs(OSTEO.dotAfter)}
        self._with_encounters = systems.get(OSTEO.Icd10Cm.value, "")
        self._families = tuple(_families(triples, systems))
        self._codes = {(code.system, code.value): code for code in _codes(triples, systems)}
        self._known = {system for system, _ in self._codes}
        self._of: dict[str, list[Code]] = defaultdict(list)
        for code in self._codes.values():
            for term in code.stands_for:
                self._of[term].append(code)
        self._matches = {
            term: code
            for match in (SKOS.closeMatch, SKOS.exactMatch)
            for term, concept in triples.pairs(match)
            for code in self._of[term]
            if concept.rsplit("/", 1)[-1] == code.value
        }

    def canonical(self, system: str, value: str) -> tuple[str, str]:
        """Give a coding as the ontology writes it: the URI of its system, and the code with its dot.

        An OID and a trailing slash name the same system; a code that is put together stands for its focus.
        """
        uri = self._aliases.get(_plain(system)) or _edition_of(system, self.systems) or system
        written = value.split(":", 1)[0].partition("|")[0].strip()
        if place := self._dotted.get(uri):
            written = _BEYOND_A_CODE.sub("", written.upper().replace(".", ""))
            written = written[:place] + (f".{written[place:]}" if written[place:] else "")
        return uri, written

    def find(self, system: str, value: str) -> Code | None:
        """Give a code, or in a system in which codes nest the narrowest one above it; None where there is none."""
        uri, written = self.canonical(system, value)
        found = self._narrowest(uri, written)
        if uri in self._dotted and uri != self._with_encounters and _WITH_ENCOUNTER.fullmatch(written):
            # a code of one edition under the name of another: what it says is what both say
            named = self._narrowest(self._with_encounters, written)
            return found if found and named and found.stands_for == named.stands_for else None
        return found

    def _narrowest(self, uri: str, written: str) -> Code | None:
        shortest = 1 if uri in self._nesting else len(written)
        for length in range(len(written), shortest - 1, -1):
            if code := self._codes.get((uri, written[:length])):
                return code
        return None

    def is_classification(self, system: str) -> bool:
        """Whether the chapter of a code tells what it is about, be the code known or not."""
        return self.canonical(system, "")[0] in self._dotted

    def sections_opened_by(self, system: str, value: str) -> frozenset[str]:
        """Give the sections that the families of a code keep open where it is not read."""
        uri, written = self.canonical(system, value)
        return frozenset(
            section for systems, prefixes, section in self._families if uri in systems and written.startswith(prefixes)
        )

    @property
    def all(self) -> tuple[Code, ...]:
        """Every code of the ontology."""
        return tuple(self._codes.values())

    def of(self, term: Iri) -> tuple[Code, ...]:
        """Give the codes that stand for a term."""
        return tuple(self._of.get(text_of(term), ()))

    def match(self, term: str) -> Code | None:
        """Give the code of the concept that the ontology matches with a term, or its only code; None without any."""
        alone = self._of[term] if len(self._of.get(term, ())) == 1 else [None]
        return self._matches.get(term, alone[0])

    def nests(self, system: str) -> bool:
        """Whether a code of a system stands for all those that begin with it."""
        return self.canonical(system, "")[0] in self._nesting

    def knows(self, system: str) -> bool:
        """Whether the ontology has any code of a system."""
        return self.canonical(system, "")[0] in self._known

    def system_of(self, system: str) -> str | None:
        """Give the IRI of a coding system, by any URI that names it; None where the ontology has no such system."""
        return self.systems.get(self.canonical(system, "")[0])


#: What stands after a classified code: a filler with what it fills up to, a dagger, an asterisk, a range.
_BEYOND_A_CODE = re.compile(r"[^A-Z0-9].*", re.DOTALL)


#: A classified code that tells the encounter by a seventh character, which one edition alone has.
_WITH_ENCOUNTER = re.compile(r"[A-Z]\d[0-9A-Z]\.[0-9A-Z]{3}[A-Z]")


def _plain(uri: str) -> str:
    return uri.strip().rstrip("/").casefold()


def _edition_of(system: str, systems: Iterable[str]) -> str | None:
    """Give the system of which a URI names an edition or a version."""
    return next((uri for uri in systems if system.startswith((f"{uri}/", f"{uri}|"))), None)


def _families(triples: Lookup, systems: Mapping[str, str]) -> Iterator[tuple[frozenset[str], tuple[str, ...], str]]:
    """Give families of codes: the systems that they are of, how they begin, and the section that they open."""
    of_systems, prefixes = values_of(triples, OSTEO.familyOf), values_of(triples, OSTEO.codePrefix)
    sections = dict(triples.pairs(OSTEO.opensSection))
    for family, beginnings in prefixes.items():
        named = frozenset(systems[each] for each in of_systems[family])
        yield named, tuple(sorted(beginnings)), sections[family]


_FACTS = (
    "impliesLeastCount",
    "impliesMechanism",
    "impliesSide",
    "isNarrowedBy",
    "isOfOtherUse",
    "leavesLevelOpen",
    "namesOtherProducts",
    "opensSection",
    "raisesNotice",
    "vertebralLevel",
)


def _codes(triples: Lookup, systems: Mapping[str, str]) -> Iterator[Code]:
    stands_for: dict[str, list[str]] = defaultdict(list)
    for relation in (OSTEO.hasCode, OSTEO.hasClassCode):
        for term, code in triples.pairs(relation):
            stands_for[code].append(term)
    facts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in _FACTS:
        for code, value in triples.pairs(OSTEO[name]):
            facts[code][name].append(value)
    in_system = dict(triples.pairs(OSTEO.inCodingSystem))
    for iri, value in triples.pairs(OSTEO.codeValue):
        said = {name: tuple(sorted(values)) for name, values in facts[iri].items()}
        yield Code(iri, systems[in_system[iri]], value, tuple(sorted(stands_for[iri])), said)


def values_of(triples: Lookup, property_: ox.NamedNode) -> dict[str, frozenset[str]]:
    """Give the values of a property, by subject."""
    found: dict[str, set[str]] = defaultdict(set)
    for term, value in triples.pairs(property_):
        found[term].add(value)
    return {term: frozenset(values) for term, values in found.items()}
