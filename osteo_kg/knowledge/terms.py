"""The vocabulary of cases, read from the ontology: labels, keys, kinds, and codes of published terminologies.

The coding system is part of every code.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.knowledge.codes import Codes, values_of
from osteo_kg.knowledge.table_words import TableWords, read_table_words
from osteo_kg.knowledge.words import Definitions, Names, Phrases, WordList, folded, plain_unit, read_word_lists
from osteo_kg.rdf import OSTEO, RDF, RDFS, SKOS, Iri, Lookup, local_name, node_of, text_of

#: Beside a case its queries need the classes of these values, and what is stated by these properties.
TOLD_APART = (OSTEO.DensitometrySite, OSTEO.FractureMechanism)
LIMITS = (
    "tolerance",
    "monthsAllowed",
    "leastDecimals",
    "couldBe",
    "leastEntries",
    "mayTogetherBe",
    "above",
    "atMost",
    "atLeast",
    "below",
    "measures",
    "readAs",
    "hasMember",
    "concernsOption",
    "isRaisedWith",
    "isRaisedByDrug",
    "isRaisedByFracture",
)


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
        deciding: the fact that decides another wherever a record states it, by IRI.
        codes: the codes of published terminologies, and what they stand for.
        red_flags: the notices that are to be read before anything else of an answer, by IRI.
        limits: the other values that readers of a source record go by, by property and then by term.
        table_words: what tables call columns and values.
        word_lists: the words that keep a section open.
    """

    labels: Mapping[str, BilingualText]
    keys: Mapping[str, str]
    kinds: Mapping[ox.NamedNode, Mapping[str, str]]
    record_keys: Mapping[str, str]
    types: Mapping[str, frozenset[str]]
    stated_by: Mapping[str, str]
    deciding: Mapping[str, str]
    codes: Codes
    red_flags: frozenset[str]
    limits: Mapping[str, Mapping[str, frozenset[str]]]
    table_words: TableWords
    word_lists: tuple[WordList, ...] = ()

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
    def site_names(self) -> Names:
        """What records call the sites of a densitometry."""
        return self._names(OSTEO.DensitometrySite)

    @functools.cached_property
    def side_names(self) -> Names:
        """What records call the sides of the body."""
        return self._names(OSTEO.Side)

    @functools.cached_property
    def score_names(self) -> Names:
        """What records call a T-score."""
        return Names((OSTEO.AxialTScore.value, name) for name in self._written(OSTEO.AxialTScore.value))

    @functools.cached_property
    def renal_names(self) -> Names:
        """What records call the measures of renal function."""
        return self._names(OSTEO.RenalMeasure)

    @functools.cached_property
    def score_definitions(self) -> Definitions:
        """Sentences that say what a T-score means, and report none."""
        of = OSTEO.AxialTScore.value
        return Definitions(*(self.limits[name].get(of, ()) for name in ("definitionPhrase", "definitionWord")))

    def says_healed(self, text: str) -> bool:
        """Whether words say no more than that what was read has healed."""
        return any(found.healed.are(folded(text)) for found in self.word_lists)

    @functools.cached_property
    def densitometry_names(self) -> Names:
        """What records call a bone densitometry."""
        return Names((OSTEO.Densitometry.value, name) for name in self._written(OSTEO.Densitometry.value))

    @functools.cached_property
    def place_names(self) -> Names:
        """What records call the places of fractures."""
        places = sorted({place for places in self.limits["hasPlaceWords"].values() for place in places})
        return Names((place, name) for place in places for name in self.limits["writtenAs"].get(place, ()))

    @functools.cached_property
    def score_codes(self) -> frozenset[str]:
        """The characters of every code of an axial T-score, whatever its system."""
        sites = (*self.kinds[OSTEO.AxialSite].values(), *self.limits["readAs"])
        codes = (code for site in sites for code in self.codes.of(site))
        return frozenset(code.value for code in codes if not self.is_a(code.iri, OSTEO.BodySiteCode))

    @functools.cached_property
    def units_of_scores(self) -> frozenset[str]:
        """The units of a T-score, without what is only their spelling."""
        return self._plain("acceptedUnit", OSTEO.AxialTScore)

    @functools.cached_property
    def units_beside_scores(self) -> frozenset[str]:
        """The units that show a value to be no T-score."""
        return self._plain("otherMeasureUnit", OSTEO.AxialTScore)

    def _plain(self, limit: str, fact: ox.NamedNode) -> frozenset[str]:
        return frozenset(map(plain_unit, self.limits[limit].get(fact.value, ())))

    @functools.cached_property
    def drug_names(self) -> Names:
        """What records call the drugs and their classes: labels, names in terminologies, and names of products."""
        coded = (
            (drug, label.partition("(")[2].rstrip(")"))
            for drug in self._of_kind(OSTEO.Drug)
            for code in self.codes.of(drug)
            for label in (self.label(code.iri).en, self.label(code.iri).fr)
        )
        return self._names(OSTEO.Drug, coded)

    @functools.cached_property
    def other_use_names(self) -> Names:
        """What products of the drugs are called that serve another use than bone health."""
        return Names((drug, name) for drug, names in self.limits["otherUseName"].items() for name in names)

    @functools.cached_property
    def contradicting(self) -> Mapping[str, Phrases]:
        """What contradicts a term where it stands beside a code of it."""
        return {term: Phrases(phrases) for term, phrases in self.limits["contradictingPhrase"].items()}

    def names_of(self, term: Iri) -> tuple[str, ...]:
        """Give what a term is called: its labels, and the whole words by which records name it."""
        return tuple(name for name in self._written(text_of(term)) if not name.endswith("…"))

    def _names(self, kind: ox.NamedNode, more: Iterable[tuple[str, str]] = ()) -> Names:
        own = ((term, name) for term in self._of_kind(kind) for name in self._written(term))
        return Names((*own, *more))

    def _of_kind(self, kind: ox.NamedNode) -> list[str]:
        return sorted(iri for iri in self.types if self.is_a(iri, kind) and iri != kind.value)

    def _written(self, term: str) -> Iterator[str]:
        label = self.label(term)
        yield from (label.en, label.fr, *sorted(self.limits["writtenAs"].get(term, ())))

    @functools.cached_property
    def sites(self) -> Mapping[str, str]:
        """The fracture classes that a case may use, by site key."""
        return self.kinds[OSTEO.Fracture]


_READERS_LIMITS = (
    "acceptedUnit",
    "contradictingPhrase",
    "definitionPhrase",
    "definitionWord",
    "hasPlaceWords",
    "isNarrowedBy",
    "isPartOfSite",
    "otherMeasureUnit",
    "otherUseDoseInMilligrams",
    "otherUseName",
    "otherUseRoute",
    "readAs",
    "writtenAs",
)


def read_terms(triples: Lookup) -> Terms:
    """Read the vocabulary of cases out of the loaded modules."""
    labels = {iri: text for iri, _ in triples.pairs(RDFS.label) if (text := triples.text(iri, RDFS.label))}
    keys = dict(triples.pairs(SKOS.notation))
    types = _types(triples)
    kinds: dict[ox.NamedNode, dict[str, str]] = defaultdict(dict)
    for iri, key in keys.items():
        for kind in types.get(iri, ()):
            kinds[node_of(kind)][key] = iri
    limits = {name: values_of(triples, OSTEO[name]) for name in _READERS_LIMITS}
    record_keys = dict(triples.pairs(OSTEO.recordKey))
    stated_by, deciding = dict(triples.pairs(OSTEO.statedBy)), dict(triples.pairs(OSTEO.isDecidedBy))
    lists = [iri for iri, kind in triples.pairs(RDF.type) if kind == OSTEO.WordList.value]
    words = tuple(read_word_lists(triples, lists))
    red_flags = frozenset(iri for iri, is_one in triples.pairs(OSTEO.isRedFlag) if is_one == "true")
    own, tables = (labels, keys, kinds, record_keys, types, stated_by, deciding), read_table_words(triples)
    return Terms(*own, Codes(triples), red_flags, limits, tables, words)


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
