"""The vocabulary of cases, read from the ontology: labels, keys, kinds, and codes of published terminologies.

The coding system is part of every code.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.rdf import OSTEO, RDF, RDFS, SKOS, Iri, Lookup, local_name, node_of, text_of


@dataclass(frozen=True)
class Terms:
    """The vocabulary of cases: what each key of the flat record means, and what each term is called and is a kind of.

    Attributes:
        labels: the label of every term, by IRI.
        keys: the key (`skos:notation`) of every coded value, by IRI.
        kinds: for each class of values, the IRIs of the values by key.
        record_keys: the flat key of each fact and of each axial site, by IRI.
        types: the classes that an individual belongs to, or that a class stands under (itself included).
        stated_by: the property that states each fact, by IRI.
        codes: the codes of published terminologies, and what they stand for.
        limits: the other values that readers of a source record go by, by property and then by term.
    """

    labels: Mapping[str, BilingualText]
    keys: Mapping[str, str]
    kinds: Mapping[ox.NamedNode, Mapping[str, str]]
    record_keys: Mapping[str, str]
    types: Mapping[str, frozenset[str]]
    stated_by: Mapping[str, str]
    codes: Codes
    limits: Mapping[str, Mapping[str, frozenset[str]]]

    def label(self, iri: Iri) -> BilingualText:
        """Give the label of a term; the end of its IRI where it has none."""
        return self.labels.get(text_of(iri)) or BilingualText(local_name(iri), local_name(iri))

    def key(self, iri: Iri) -> str:
        """Give the key of a coded value; the end of its IRI where it has none."""
        return self.keys.get(text_of(iri)) or local_name(iri)

    def is_a(self, iri: str, kind: ox.NamedNode) -> bool:
        """Whether an individual belongs to a class, or a class stands under it."""
        return kind.value in self.types.get(iri, ())

    @functools.cached_property
    def fact_of(self) -> Mapping[str, str]:
        """The fact, or the axial site, by its flat key."""
        return {key: iri for iri, key in self.record_keys.items()}

    @functools.cached_property
    def sites(self) -> Mapping[str, str]:
        """The fracture classes that a case may use, by site key."""
        return self.kinds[OSTEO.Fracture]


_READERS_LIMITS = ("acceptedUnit", "otherUseDoseInMilligrams", "otherUseRoute", "readAs")


def read_terms(triples: Lookup) -> Terms:
    """Read the vocabulary of cases out of the loaded modules."""
    labels = {iri: text for iri, _ in triples.pairs(RDFS.label) if (text := triples.text(iri, RDFS.label))}
    keys = dict(triples.pairs(SKOS.notation))
    types = _types(triples)
    kinds: dict[ox.NamedNode, dict[str, str]] = defaultdict(dict)
    for iri, key in keys.items():
        for kind in types.get(iri, ()):
            kinds[node_of(kind)][key] = iri
    limits = {name: _values(triples, OSTEO[name]) for name in _READERS_LIMITS}
    record_keys = dict(triples.pairs(OSTEO.recordKey))
    stated_by = dict(triples.pairs(OSTEO.statedBy))
    return Terms(labels, keys, kinds, record_keys, types, stated_by, Codes(triples), limits)


def _values(triples: Lookup, property_: ox.NamedNode) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for term, value in triples.pairs(property_):
        found[term].add(value)
    return {term: frozenset(values) for term, values in found.items()}


def _types(triples: Lookup) -> dict[str, frozenset[str]]:
    """Follow named superclasses upwards; the reasoner alone concludes more than this."""
    above: dict[str, set[str]] = defaultdict(set)
    for lower, upper in triples.pairs(RDFS.subClassOf):
        above[lower].add(upper)

    def up(iri: str) -> set[str]:
        found, waiting = {iri}, [iri]
        while waiting:
            new = above[waiting.pop()] - found
            found |= new
            waiting += new
        return found

    types = {iri: frozenset(up(iri)) for iri in list(above)}
    for iri, kind in triples.pairs(RDF.type):
        if kind.startswith(OSTEO.iri):
            types[iri] = types.get(iri, frozenset()) | types.get(kind, frozenset({kind}))
    return types


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
        self._nesting = {systems[iri] for iri, nests in triples.pairs(OSTEO.codesNest) if nests == "true"}
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

    def of(self, term: Iri) -> tuple[Code, ...]:
        """Give the codes that stand for a term."""
        return tuple(self._of.get(text_of(term), ()))

    def match(self, term: str) -> Code | None:
        """Give the code of the concept that the ontology matches with a term, or its only code; None without any."""
        alone = self._of[term] if len(self._of.get(term, ())) == 1 else [None]
        return self._matches.get(term, alone[0])

    def knows(self, system: str) -> bool:
        """Whether the ontology has any code of a system."""
        return system in self._known


def _codes(triples: Lookup, systems: Mapping[str, str]) -> Iterator[Code]:
    stands_for: dict[str, list[str]] = defaultdict(list)
    for relation in (OSTEO.hasCode, OSTEO.hasClassCode):
        for term, code in triples.pairs(relation):
            stands_for[code].append(term)
    facts: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in ("leavesLevelOpen", "impliesSide", "namesOtherProducts", "isNarrowedBy"):
        for code, value in triples.pairs(OSTEO[name]):
            facts[code][name].append(value)
    in_system = dict(triples.pairs(OSTEO.inCodingSystem))
    for iri, value in triples.pairs(OSTEO.codeValue):
        said = {name: tuple(sorted(values)) for name, values in facts[iri].items()}
        yield Code(iri, systems[in_system[iri]], value, tuple(sorted(stands_for[iri])), said)
