"""Finding terms by what they are called: labels in both languages, other names, definitions, keys and codes.

Case, accents and punctuation do not matter, the beginning of a word is enough, and a word that begins no name is taken
for the words that are spelt nearly as it is.
"""

from __future__ import annotations

import functools
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from osteo_kg.bilingual import BilingualText
from osteo_kg.knowledge import folded
from osteo_kg.rdf import GUIDELINE, ONTOLOGY, OSTEO, OWL, SKOS, local_name
from osteo_kg_server.pages.knowledge.index import PROPERTIES, KnowledgeIndex
from osteo_kg_server.pages.knowledge.links import BASE, address_of, kind_of

_OTHER_NAMES = (OSTEO.writtenAs, OSTEO.shortLabel, OSTEO.otherUseName, SKOS["altLabel"], OSTEO.question)
_KEYS = (SKOS["notation"], OSTEO.recordKey, OSTEO.codeValue, OSTEO.systemUri)
_SEARCHED = (OSTEO.iri, GUIDELINE, ONTOLOGY)
_NEARLY = 72  # of 100: how alike two words are that may be one, misspelt
_SHORTEST = len("abcd")  # letters of a word that may be misspelt
_CLOSE = 5  # of 100: how much less alike than the nearest word others may be
_MOST_NEAR = 6  # words that one misspelt word is taken for
_LAST = "\uffff"
# What is shown before what, where names fit as well.
_TERMS, _PARTS, _CODES, _LISTS = range(4)
# How well a name fits, the best first: all of it, its beginning, its words, the words of a definition.
_WHOLE, _BEGINNING, _WORDS, _DEFINED, _SCATTERED = range(5)


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that can be found."""

    iri: str
    path: str
    label: BilingualText
    kind: BilingualText
    definition: BilingualText | None


@dataclass(frozen=True, slots=True)
class Found:
    """Something that was found, and by which other name than its labels."""

    entry: Entry
    matched: str


@dataclass(frozen=True, slots=True)
class Results:
    """What was found, the best first; and whether words had to be taken for others."""

    found: tuple[Found, ...]
    nearly: bool


#: The words that a word of a query stands for, and whether these are only spelt nearly so.
_Taken = tuple[frozenset[str], bool]


@dataclass(frozen=True, slots=True)
class _Name:
    """One name of an entry: as it is written, folded, its words, and its kind.

    That is `label`, `other`, `key` (found whole only, or by a word of it) or `definition`.
    """

    written: str
    text: str
    words: frozenset[str]
    compact: str
    kind: str


class SearchIndex:
    """Finds what the ontology names.

    Args:
        known: the index of the knowledge.
    """

    def __init__(self, known: KnowledgeIndex) -> None:
        self._known = known
        iris = sorted(iri for iri in _named(known) if known.label(iri))
        self._entries = [self._entry(each) for each in iris]
        self._names = [tuple(self._names_of(each)) for each in iris]
        self._weights = [self._weight(each) for each in iris]
        self._places: dict[str, set[int]] = defaultdict(set)
        for place, names in enumerate(self._names):
            for name in names:
                for word in name.words if name.kind == "definition" else (*name.words, name.compact):
                    self._places[word].add(place)
        named = {place for place, weight in enumerate(self._weights) if weight != _LISTS}
        self._only_listed = frozenset(word for word, places in self._places.items() if named.isdisjoint(places))
        self._words = sorted(self._places)
        self._long_words = [each for each in self._words if len(each) >= _SHORTEST and each.isalpha()]
        self._long_names = [each for each in self._long_words if each not in self._only_listed]

    @functools.lru_cache(512)  # noqa: B019 (there is one index for as long as the knowledge is served)
    def search(self, query: str) -> Results:
        """Find entries by all the words of a query; where none has them all, by as many as can be had."""
        words = folded(_without_prefix(query)).split()
        if not words:
            return Results((), False)
        compact = "".join(words)
        taken = [self._taken_for(word) for word in words]
        hits = [set().union(*(self._places[each] for each in others)) for others, _ in taken]
        places = set.intersection(*hits) | self._beginning_with(compact) | self._nested(query)
        if not places:
            most = max((sum(place in each for each in hits) for place in set().union(*hits)), default=0)
            places = {place for place in set().union(*hits) if sum(place in each for each in hits) == most}
        nearly = any(near for _, near in taken) and not self._beginning_with(compact)
        ranked = sorted((self._rank(place, words, taken, compact), place) for place in places)
        return Results(tuple(Found(self._entries[place], rank[-1]) for rank, place in ranked), nearly)

    def _taken_for(self, word: str) -> _Taken:
        """Give the words that a word of a query stands for, and whether these are only spelt nearly so."""
        beginning = frozenset(self._with_beginning(word))
        if len(word) == len(word[:1]):
            return frozenset({word}) & self._places.keys() or beginning, False
        if beginning - self._only_listed or len(word) < _SHORTEST:
            return beginning, False
        others = self._long_names if beginning else self._long_words  # lists hold words that are misspelt on purpose
        close = process.extract(word, others, scorer=fuzz.ratio, score_cutoff=_NEARLY, limit=_MOST_NEAR)
        best = max((score for _, score, _ in close), default=0)
        near = frozenset(each for each, score, _ in close if best - score <= _CLOSE)
        return beginning | near, bool(near) or not beginning

    def _with_beginning(self, word: str) -> Iterator[str]:
        yield from self._words[bisect_left(self._words, word) : bisect_left(self._words, word + _LAST)]

    def _beginning_with(self, compact: str) -> set[int]:
        """Give what is named by a code or a key that begins with a query written without its marks."""
        if not any(sign.isdigit() for sign in compact):
            return self._places.get(compact, set())
        return set().union(*(self._places[each] for each in self._with_beginning(compact)), set())

    def _nested(self, query: str) -> set[int]:
        """Give the codes that stand for a longer one below them, and the terms that these stand for."""
        codes = self._known.knowledge.terms.codes
        if not any(sign.isdigit() for sign in query):
            return set()
        found = [
            code for system in codes.systems if codes.nests(system) and (code := codes.find(system, query.strip()))
        ]
        wanted = {iri for code in found for iri in (code.iri, *code.stands_for)}
        return {place for place, entry in enumerate(self._entries) if entry.iri in wanted}

    def _rank(self, place: int, words: list[str], taken: list[_Taken], compact: str) -> tuple[int, int, int, str, str]:
        entry = self._entries[place]
        fits = min(
            ((_fit(name, words, taken, compact), name.kind != "label", name.written) for name in self._names[place]),
            default=(_SCATTERED, True, ""),
        )
        fit, _, written = fits
        own = {entry.label.en, entry.label.fr}
        matched = "" if written in own or fit >= _DEFINED else written
        weight = self._weights[place]
        return max(fit, _WORDS) if weight > _CODES else fit, weight, len(entry.label.en), entry.iri, matched

    def _entry(self, iri: str) -> Entry:
        label = self._known.label(iri)
        assert label is not None
        return Entry(iri, address_of(iri), label, kind_of(self._known, iri), self._known.definition(iri))

    def _names_of(self, iri: str) -> Iterator[_Name]:
        label, definition = self._known.label(iri), self._known.definition(iri)
        labels = (label.en, label.fr) if label else ()
        others = [value.rstrip("…") for each in _OTHER_NAMES for value in self._known.values(iri, each)]
        codes = [code.value for code in self._known.knowledge.terms.codes.of(iri)]
        keys = [*codes, *(value for each in _KEYS for value in self._known.values(iri, each)), local_name(iri)]
        definitions = (definition.en, definition.fr) if definition else ()
        for kind, texts in {"label": labels, "other": others, "key": keys, "definition": definitions}.items():
            yield from (name for name in (_name(text, kind) for text in texts) if name.text)

    def _weight(self, iri: str) -> int:
        """Put classes and values before properties and parts of guidelines, then codes, and words of tables last."""
        kinds = set(self._known.kinds(iri))
        if kinds & _BEHIND:
            return _LISTS
        if OSTEO.Code.value in kinds:
            return _CODES
        is_property = any(iri in self._known.instances(each.value) for each in PROPERTIES)
        return _PARTS if is_property or not iri.startswith(OSTEO.iri) else _TERMS


_BEHIND = {each.value for each in (OSTEO.ReasonNotUsed, OSTEO.TableWords, OSTEO.WordList)}


def _name(text: str, kind: str) -> _Name:
    plain = folded(text)
    return _Name(text, plain, frozenset(plain.split()), plain.replace(" ", ""), kind)


def _named(known: KnowledgeIndex) -> Iterator[str]:
    for kind in (OWL.NamedIndividual, OWL.Class, OWL.ObjectProperty, OWL.DatatypeProperty, OWL.AnnotationProperty):
        yield from (each for each in known.instances(kind.value) if each.startswith(_SEARCHED))
    yield from (each for each in known.instances(OWL.Ontology.value) if each.startswith(_SEARCHED))


def _without_prefix(query: str) -> str:
    """Give a query without what every IRI of ours begins with."""
    shown = query.strip().strip("<>")
    for prefix in (OSTEO.iri, BASE, "osteo:", "oic:"):
        shown = shown.removeprefix(prefix)
    return shown


def _fit(name: _Name, words: list[str], taken: list[_Taken], compact: str) -> int:
    if name.compact == compact:
        return _WHOLE
    if name.kind == "definition":
        return _DEFINED if _has_all(name.words, taken) else _SCATTERED
    if name.text.startswith(" ".join(words)) and name.kind != "key":
        return _BEGINNING
    return _WORDS if _has_all(name.words, taken) else _SCATTERED


def _has_all(own: frozenset[str], taken: Iterable[_Taken]) -> bool:
    return all(not others.isdisjoint(own) for others, _ in taken)
