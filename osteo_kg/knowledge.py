"""The knowledge as loaded.

Every module of the ontology in one store, the shapes, their common digest, and the vocabulary that a case is
written in.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph as ox

from osteo_kg import resources
from osteo_kg.codes import Codes
from osteo_kg.errors import KnowledgeError
from osteo_kg.texts import Text
from osteo_kg.triples import LABEL, NOTATION, RDF_TYPE, SUBCLASS_OF, Triples, digest
from osteo_kg.vocabulary import OSTEO, local_name


@dataclass(frozen=True)
class Terms:
    """The vocabulary of cases: what each key of the flat record means, and what each term is called and is a kind of.

    Attributes:
        labels: the label of every term, by IRI.
        keys: the key (`skos:notation`) of every coded value, by IRI.
        kinds: for each class of values, the IRIs of the values by key.
        record_keys: the flat key of each fact and of each axial site, by IRI.
        types: the classes that an individual belongs to, or that a class stands under (itself included).
        codes: the codes of published terminologies, and what they stand for.
        limits: the other values that readers of a source record go by, by property and then by term.
    """

    labels: Mapping[str, Text]
    keys: Mapping[str, str]
    kinds: Mapping[str, Mapping[str, str]]
    record_keys: Mapping[str, str]
    types: Mapping[str, frozenset[str]]
    codes: Codes
    limits: Mapping[str, Mapping[str, frozenset[str]]]

    def label(self, iri: str) -> Text:
        """Give the label of a term; the end of its IRI where it has none."""
        return self.labels.get(iri) or Text(local_name(iri), local_name(iri))

    def key(self, iri: str) -> str:
        """Give the key of a coded value; the end of its IRI where it has none."""
        return self.keys.get(iri) or local_name(iri)

    @functools.cached_property
    def sites(self) -> Mapping[str, str]:
        """The fracture classes that a case may use, by site key."""
        return self.kinds[str(OSTEO.Fracture)]


@dataclass(frozen=True)
class Knowledge:
    """The ontology and the shapes, loaded once and shared by everything.

    Attributes:
        modules: the bytes of every Turtle file of the ontology, by name.
        shapes: the bytes of every Turtle file of the shapes, by name.
        store: the triples of all modules.
    """

    modules: Mapping[str, bytes]
    shapes: Mapping[str, bytes]
    store: ox.Store

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of ontology and shapes: the version of the knowledge."""
        return digest([*self.modules.items(), *self.shapes.items()])

    @functools.cached_property
    def triples(self) -> Triples:
        """Look-ups over all modules."""
        return Triples(self.store)

    @functools.cached_property
    def terms(self) -> Terms:
        """The vocabulary of cases."""
        return _terms(self.triples)

    @functools.cached_property
    def background(self) -> tuple[ox.Quad, ...]:
        """What queries over one case need beside it: types of coded values, limits of notices, members of options."""
        kinds = {value for kind in _TOLD_APART for value in self.terms.kinds[str(kind)].values()}
        individuals = [
            ox.Quad(ox.NamedNode(iri), RDF_TYPE, ox.NamedNode(kind))
            for iri in sorted(kinds)
            for kind in sorted(self.terms.types[iri] - {iri})
        ]
        limits = [
            quad
            for name in _LIMITS
            for quad in self.store.quads_for_pattern(None, ox.NamedNode(f"{OSTEO._NS}{name}"), None)
        ]
        return (*individuals, *limits)


_TOLD_APART = (OSTEO.DensitometrySite, OSTEO.FractureMechanism)
_READERS_LIMITS = ("acceptedUnit", "otherUseDoseInMilligrams", "otherUseRoute", "readAs")
_LIMITS = [
    "tolerance",
    "monthsAllowed",
    "leastDecimals",
    "leastEntries",
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
]


def load_knowledge(extra: Iterable[Path] = ()) -> Knowledge:
    """Load the modules that travel with the library, and those found in other folders.

    Args:
        extra: folders searched for further `.ttl` modules, whatever their depth.

    Raises:
        KnowledgeError: a folder holds no module, or a file is not Turtle.
    """
    home = resources.root()
    modules = _files(home / "ontology")
    for folder in extra:
        found = _files(folder)
        if not found:
            raise KnowledgeError(f"{folder} holds no ontology module.", advice="Name a folder with .ttl files in it.")
        modules |= {f"{folder.name}/{name}": content for name, content in found.items()}
    store = ox.Store()
    for name, content in modules.items():
        try:
            store.extend(
                ox.Quad(q.subject, q.predicate, q.object) for q in ox.parse(content, format=ox.RdfFormat.TURTLE)
            )
        except (SyntaxError, ValueError) as error:
            raise KnowledgeError(
                f"The module {name} is not valid Turtle: {error}.", advice="Correct the file."
            ) from error
    return Knowledge(modules=modules, shapes=_files(home / "shapes"), store=store)


@functools.cache
def packaged_knowledge() -> Knowledge:
    """Load what travels with the library, once for the process."""
    return load_knowledge()


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*.ttl"))
        if path.is_file()
    }


def _terms(triples: Triples) -> Terms:
    labels = {iri: text for iri, _ in triples.pairs(LABEL) if (text := triples.text(iri, LABEL))}
    keys = dict(triples.pairs(NOTATION))
    types = _types(triples)
    kinds: dict[str, dict[str, str]] = defaultdict(dict)
    for iri, key in keys.items():
        for kind in types.get(iri, ()):
            kinds[kind][key] = iri
    limits = {name: _values(triples, f"{OSTEO._NS}{name}") for name in _READERS_LIMITS}
    record_keys = dict(triples.pairs(f"{OSTEO._NS}recordKey"))
    return Terms(labels, keys, kinds, record_keys, types, Codes(triples), limits)


def _values(triples: Triples, property_: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for term, value in triples.pairs(property_):
        found[term].add(value)
    return {term: frozenset(values) for term, values in found.items()}


def _types(triples: Triples) -> dict[str, frozenset[str]]:
    """Follow named superclasses upwards; the reasoner alone concludes more than this."""
    above: dict[str, set[str]] = defaultdict(set)
    for lower, upper in triples.pairs(SUBCLASS_OF):
        above[lower].add(upper)

    def up(iri: str) -> set[str]:
        found, waiting = {iri}, [iri]
        while waiting:
            new = above[waiting.pop()] - found
            found |= new
            waiting += new
        return found

    types = {iri: frozenset(up(iri)) for iri in list(above)}
    for iri, kind in triples.pairs(RDF_TYPE.value):
        if kind.startswith(str(OSTEO._NS)):
            types[iri] = types.get(iri, frozenset()) | types.get(kind, frozenset({kind}))
    return types
