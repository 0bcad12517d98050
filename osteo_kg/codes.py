"""Codes of published terminologies, as the ontology has them; the coding system is part of every code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from osteo_kg.triples import Triples
from osteo_kg.vocabulary import OSTEO

_NS = str(OSTEO._NS)
_SKOS = "http://www.w3.org/2004/02/skos/core#"
_RELATIONS = (_NS + "hasCode", _NS + "hasClassCode")


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

    def __init__(self, triples: Triples) -> None:
        systems = dict(triples.pairs(_NS + "systemUri"))
        self.systems = {uri: iri for iri, uri in systems.items()}
        self._nesting = {systems[iri] for iri, nests in triples.pairs(_NS + "codesNest") if nests == "true"}
        self._codes = {(code.system, code.value): code for code in _codes(triples, systems)}
        self._known = {system for system, _ in self._codes}
        self._of: dict[str, list[Code]] = defaultdict(list)
        for code in self._codes.values():
            for term in code.stands_for:
                self._of[term].append(code)
        self._matches = {
            term: code
            for match in ("closeMatch", "exactMatch")
            for term, concept in triples.pairs(_SKOS + match)
            for code in self._of[term]
            if concept.rsplit("/", 1)[-1] == code.value
        }

    def find(self, system: str, value: str) -> Code | None:
        """Give a code, or in a system in which codes nest the narrowest one above it; None where there is none."""
        shortest = 1 if system in self._nesting else len(value)
        for length in range(len(value), shortest - 1, -1):
            if code := self._codes.get((system, value[:length])):
                return code
        return None

    @property
    def all(self) -> tuple[Code, ...]:
        """Every code of the ontology."""
        return tuple(self._codes.values())

    def of(self, term: str) -> tuple[Code, ...]:
        """Give the codes that stand for a term."""
        return tuple(self._of.get(term, ()))

    def match(self, term: str) -> Code | None:
        """Give the code of the concept that the ontology matches with a term, or its only code; None without any."""
        alone = self._of[term] if len(self._of.get(term, ())) == 1 else [None]
        return self._matches.get(term, alone[0])

    def knows(self, system: str) -> bool:
        """Whether the ontology has any code of a system."""
        return system in self._known


def _codes(triples: Triples, systems: Mapping[str, str]) -> Iterator[Code]:
    stands_for: dict[str, list[str]] = defaultdict(list)
    for relation in _RELATIONS:
        for term, code in triples.pairs(relation):
            stands_for[code].append(term)
    facts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in ("leavesLevelOpen", "impliesSide", "namesOtherProducts", "isNarrowedBy"):
        for code, value in triples.pairs(_NS + name):
            facts[code][name].append(value)
    in_system = dict(triples.pairs(_NS + "inCodingSystem"))
    for iri, value in triples.pairs(_NS + "codeValue"):
        said = {name: tuple(sorted(values)) for name, values in facts[iri].items()}
        yield Code(iri, systems[in_system[iri]], value, tuple(sorted(stands_for[iri])), said)
