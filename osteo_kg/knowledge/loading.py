"""The knowledge as loaded.

Every module of the ontology in one store, the shapes, their common digest, and the vocabulary that a case is
written in.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyoxigraph as ox
from rdflib import BNode, Graph

from osteo_kg import package_data
from osteo_kg.errors import KnowledgeError
from osteo_kg.knowledge.readings import OtherReading, chosen, other_readings, switched
from osteo_kg.knowledge.terms import LIMITS, TOLD_APART, Terms, read_terms
from osteo_kg.rdf import GUIDELINE, ONTOLOGY, OSTEO, OWL, RDF, Lookup, canonical, digest, json_ld, local_name, n_triples


@dataclass(frozen=True)
class Knowledge:
    """The ontology and the shapes, loaded once and shared by everything.

    Attributes:
        modules: the bytes of every Turtle file of the ontology, by name.
        shapes: the bytes of every Turtle file of the shapes, by name.
        store: the triples of all modules.
        other_readings: the readings that can be switched, by the name of their interpretation.
        readings: the interpretations of which the other reading is taken, by name; the modules are as it has them.
    """

    modules: Mapping[str, bytes]
    shapes: Mapping[str, bytes]
    store: ox.Store
    other_readings: Mapping[str, OtherReading] = field(default_factory=dict)
    readings: tuple[str, ...] = ()

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of ontology and shapes: the version of the knowledge."""
        return digest([*self.modules.items(), *self.shapes.items()])

    @functools.cached_property
    def triples(self) -> Lookup:
        """Look-ups over all modules."""
        return Lookup(self.store)

    @functools.cached_property
    def terms(self) -> Terms:
        """The vocabulary of cases."""
        return read_terms(self.triples)

    @functools.cached_property
    def owners(self) -> Mapping[str, frozenset[str]]:
        """The guidelines that each module belongs to, by IRI; none for one that belongs to all."""
        return owners({name: _parsed(name, content) for name, content in self.modules.items()})

    @property
    def switched(self) -> frozenset[str]:
        """The interpretations of which the other reading is taken, by IRI."""
        return frozenset(self.other_readings[each].interpretation for each in self.readings)

    def read_otherwise(self, readings: Mapping[str, str]) -> Knowledge:
        """Give the same by other readings.

        Args:
            readings: `other` for each interpretation, named as `I15`, of which the other reading is taken.

        Raises:
            KnowledgeError: another reading does not fit the modules.
            UsageError: an interpretation has no other reading that can be taken.
        """
        taken = chosen(readings, self.other_readings)
        if not taken:
            return self
        modules = switched(self.modules, taken)
        store = _stored(_parsed(name, content) for name, content in modules.items())
        named = tuple(key for key, each in self.other_readings.items() if each in taken)
        return replace(self, modules=modules, store=store, readings=named)

    def of_guideline(self, identifier: str) -> Knowledge:
        """Give the same without what other guidelines say: what one of them calls severe is its own.

        Args:
            identifier: the id or the IRI of a guideline.
        """
        iri = identifier if identifier.startswith("http") else GUIDELINE + identifier
        known = self.triples.subjects(RDF.type, OSTEO.Guideline)
        if iri not in known or len(known) == 1:
            return self
        if iri not in self._parts:
            self._parts[iri] = self._part(iri)
        return self._parts[iri]

    @functools.cached_property
    def _parts(self) -> dict[str, Knowledge]:
        return {}

    def _part(self, iri: str) -> Knowledge:
        known = self.triples.subjects(RDF.type, OSTEO.Guideline)
        others = {name for name, guidelines in self.owners.items() if guidelines and iri not in guidelines}
        read = {name: _parsed(name, content) for name, content in self.modules.items()}
        _check_apart(read)
        taken = _borrowed(
            [quad for name, quads in read.items() if iri in self.owners[name] for quad in quads],
            [quad for name in others for quad in read[name]],
        )
        modules = {name: content for name, content in self.modules.items() if name not in others}
        if taken:
            lines = sorted(f"{quad.triple} .\n" for quad in taken)
            modules[f"taken from other guidelines by {local_name(iri)}"] = "".join(lines).encode()
        store = _stored((*(read[name] for name in read if name not in others), taken))
        elsewhere = tuple(f"{each}/" for each in known if each != iri)
        own = (each for each in self.readings if not self.other_readings[each].interpretation.startswith(elsewhere))
        return replace(self, modules=modules, store=store, readings=tuple(own))

    @functools.cached_property
    def background(self) -> tuple[ox.Quad, ...]:
        """What queries over one case need beside it: types of coded values, limits of notices, members of options."""
        kinds = {value for kind in TOLD_APART for value in self.terms.kinds[kind].values()}
        individuals = [
            ox.Quad(ox.NamedNode(iri), RDF.type, ox.NamedNode(kind))
            for iri in sorted(kinds)
            for kind in sorted(self.terms.types[iri] - {iri})
        ]
        limits = [quad for name in LIMITS for quad in self.store.quads_for_pattern(None, OSTEO[name], None)]
        return (*individuals, *limits)


def load_knowledge(extra: Iterable[Path] = (), readings: Mapping[str, str] | None = None) -> Knowledge:
    """Load the modules that travel with the library, and those found in other folders.

    A module of another folder stands in for the one that travels with the library under the same IRI.

    Args:
        extra: folders searched for further `.ttl` modules, and `.trig` readings of theirs, whatever their depth.
        readings: `other` for each interpretation, named as `I15`, of which the other reading is taken.

    Raises:
        KnowledgeError: a folder holds no module, or a file is not Turtle; or another reading does not fit the modules.
        UsageError: an interpretation has no other reading that can be taken.
    """
    home = package_data.root()
    packaged, alternatives = _files(home / "ontology"), [_files(home / "ontology", "trig")]
    added: dict[str, bytes] = {}
    read_already: set[Path] = set()
    for place, folder in _told_apart(extra).items():
        found = _files(folder)
        if not found:
            raise KnowledgeError(f"{folder} holds no ontology module.", advice="Name a folder with .ttl files in it.")
        beside = folder if folder.is_dir() else folder.parent
        new = {name: content for name, content in found.items() if (beside / name).resolve() not in read_already}
        read_already |= {(beside / name).resolve() for name in new}
        added |= {f"{place}/{name}": content for name, content in new.items()}
        alternatives.append({f"{place}/{name}": content for name, content in _files(folder, "trig").items()})
    read = {name: _parsed(name, content) for name, content in (packaged | added).items()}
    held = _held({name: (content, _headers(read[name])) for name, content in added.items()})
    kept = {name: quads for name, quads in read.items() if name in added or not held.intersection(_headers(quads))}
    modules = {name: content for name, content in (packaged | added).items() if name in kept}
    store = _stored(kept.values())
    shapes, known = _files(home / "shapes"), other_readings(*alternatives)
    return Knowledge(modules, shapes, store, other_readings=known).read_otherwise(readings or {})


def _check_apart(modules: Mapping[str, Iterable[ox.Quad]]) -> None:
    """Refuse a module of two guidelines: neither could be closed without the other.

    Raises:
        KnowledgeError: there is one.
    """
    for name, quads in modules.items():
        held = sorted(
            local_name(each.subject.value)
            for each in quads
            if each.predicate == RDF.type and each.object == OSTEO.Guideline and isinstance(each.subject, ox.NamedNode)
        )
        if len(held) > 1:
            raise KnowledgeError(
                f"The module {name} holds the guidelines {', '.join(held)}.", advice="Write each in a file of its own."
            )


def _held(files: Mapping[str, tuple[bytes, set[str]]]) -> set[str]:
    """Give the IRIs of the modules that added files hold, by the bytes and the headers of each file.

    Raises:
        KnowledgeError: two files hold one module, each in words of its own.
    """
    first: dict[str, tuple[str, bytes]] = {}
    for name, (content, headers) in files.items():
        for header in headers:
            before, told = first.setdefault(header, (name, content))
            if told != content:
                raise KnowledgeError(
                    f"{before} and {name} both hold the module {header}.", advice="Name the folder of one of them only."
                )
    return set(first)


def _told_apart(folders: Iterable[Path]) -> dict[str, Path]:
    """Name folders by as much of the ends of their paths as tells them apart; one that is given twice is one."""
    paths = {folder.resolve(): folder for folder in folders}
    names: dict[str, Path] = {}
    for path, folder in paths.items():
        ends = ("/".join(path.parts[-length:]) for length in range(1, len(path.parts) + 1))
        others = [other for other in paths if other != path]
        name = next(
            (end for end in ends if not any(f"/{other.as_posix()}".endswith(f"/{end}") for other in others)), ""
        )
        names[name or path.as_posix()] = folder
    return names


def _stored(modules: Iterable[Iterable[ox.Quad]]) -> ox.Store:
    store = ox.Store()
    for quads in modules:
        store.extend(quads)
    return store


def _parsed(name: str, content: bytes) -> list[ox.Quad]:
    try:
        return [ox.Quad(q.subject, q.predicate, q.object) for q in ox.parse(content, format=ox.RdfFormat.TURTLE)]
    except (SyntaxError, ValueError) as error:
        raise KnowledgeError(f"The module {name} is not valid Turtle: {error}.", advice="Correct the file.") from error


def _headers(quads: Iterable[ox.Quad]) -> set[str]:
    """Give the IRIs of the modules that a file holds."""
    headers = (quad.subject for quad in quads if quad.predicate == RDF.type and quad.object == OWL.Ontology)
    return {each.value for each in headers if isinstance(each, ox.NamedNode)}


@functools.cache
def packaged_knowledge() -> Knowledge:
    """Load what travels with the library, once for the process."""
    return load_knowledge()


def _files(folder: Path, suffix: str = "ttl") -> dict[str, bytes]:
    """Read the files of a folder by their names in it, or a file that is named itself."""
    if folder.is_file():
        return {folder.name: folder.read_bytes()} if folder.suffix == f".{suffix}" else {}
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob(f"*.{suffix}"))
        if path.is_file()
    }


# Which module belongs to which guideline: what one guideline says is closed without what another says.

_Statement = ox.Quad | ox.Triple
_ENDS = ("/", "#")  # of the IRI of a guideline, before the name of a part of it


def owners(modules: Mapping[str, Iterable[_Statement]]) -> dict[str, frozenset[str]]:
    """Give the guidelines that each module belongs to, by IRI; none for one that belongs to all.

    A module belongs to the guidelines that it speaks of: whose IRI one of its subjects has or begins with. One that
    speaks of none, and that only modules of guidelines import, belongs to these.

    Args:
        modules: what each module states, by name.
    """
    read = {name: list(statements) for name, statements in modules.items()}
    guidelines = [
        each.subject.value
        for statements in read.values()
        for each in statements
        if each.predicate == RDF.type and each.object == OSTEO.Guideline and isinstance(each.subject, ox.NamedNode)
    ]
    starts = {each + end: each for each in guidelines for end in _ENDS}
    found = {name: _spoken_of(statements, starts, guidelines) for name, statements in read.items()}
    homes = {iri: name for name, statements in read.items() for iri in _about(statements, RDF.type, OWL.Ontology)}
    importers: dict[str, set[str]] = defaultdict(set)
    for name, statements in read.items():
        for each in statements:
            if each.predicate == OWL.imports and isinstance(each.object, ox.NamedNode):
                importers[homes.get(each.object.value, "")].add(name)
    waiting = [name for name in read if not found[name] and importers[name]]
    while new := [name for name in waiting if all(found[each] for each in importers[name])]:
        for name in new:
            found[name] = frozenset().union(*(found[each] for each in importers[name]))
        waiting = [name for name in waiting if not found[name]]
    return found


def _spoken_of(
    statements: Iterable[_Statement], starts: Mapping[str, str], guidelines: Iterable[str]
) -> frozenset[str]:
    subjects = {each.subject.value for each in statements if isinstance(each.subject, ox.NamedNode)}
    parts = {iri[: iri.rindex(end) + 1] for iri in subjects for end in _ENDS if end in iri}
    return frozenset(starts[each] for each in parts & starts.keys()) | subjects.intersection(guidelines)


def _about(statements: Iterable[_Statement], property_: ox.NamedNode, value: ox.NamedNode) -> list[str]:
    return [
        each.subject.value
        for each in statements
        if each.predicate == property_ and each.object == value and isinstance(each.subject, ox.NamedNode)
    ]


def _borrowed(own: Iterable[ox.Quad], others: Iterable[ox.Quad]) -> list[ox.Quad]:
    """Give what other guidelines state of the individuals, such as options, that a guideline takes from them as it is.

    Classes are never taken: which fractures are severe is for each guideline to say.

    Args:
        own: what the modules of the guideline state.
        others: what those of other guidelines state.
    """
    stated = list(own)
    told: dict[str, list[ox.Quad]] = defaultdict(list)
    for quad in others:
        if isinstance(quad.subject, ox.NamedNode) and not isinstance(quad.object, ox.BlankNode):
            told[quad.subject.value].append(quad)
    lent = {
        iri: quads
        for iri, quads in told.items()
        if {OWL.NamedIndividual} <= (kinds := {each.object for each in quads if each.predicate == RDF.type})
        and OSTEO.Guideline not in kinds
    }
    declared = {quad.subject.value for quad in stated if quad.predicate == RDF.type and hasattr(quad.subject, "value")}
    found: dict[str, list[ox.Quad]] = {}
    waiting = _named(stated)
    while waiting:
        iri = waiting.pop()
        if iri in lent and iri not in found and iri not in declared:
            found[iri] = lent[iri]
            waiting += _named(lent[iri])
    return [quad for quads in found.values() for quad in quads]


def _named(quads: Iterable[ox.Quad]) -> list[str]:
    """Give what statements in our terms are about by their values."""
    return [
        quad.object.value
        for quad in quads
        if quad.predicate.value.startswith(OSTEO.iri) and isinstance(quad.object, ox.NamedNode)
    ]


# The ontology as one document: every module merged under one header, without imports.

_MAIN = ox.NamedNode(ONTOLOGY + "osteo-kg")
_NAMESPACES = re.compile(r"(?m)(?:^ +xmlns:.*\n)+")
_NESTING = {"turtle": "turtle", "rdfxml": "pretty-xml"}
#: Formats of the merged ontology.
ONTOLOGY_FORMATS = ("turtle", "ntriples", "rdfxml", "jsonld")


def merged(knowledge: Knowledge) -> list[ox.Triple]:
    """Merge all modules: the header of `osteo-kg.ttl` stays, the others and all imports go."""
    headers = {q.subject for q in knowledge.store.quads_for_pattern(None, RDF.type, OWL.Ontology)} - {_MAIN}
    return [q.triple for q in knowledge.store if q.predicate != OWL.imports and q.subject not in headers]


def written_ontology(knowledge: Knowledge, format_name: str = "turtle") -> str:
    """Write the merged ontology in one of `ONTOLOGY_FORMATS`."""
    triples = canonical(merged(knowledge))
    if format_name == "jsonld":
        return json_ld(triples, whole=True)
    if format_name == "ntriples":
        return n_triples(triples)
    graph = _bound(n_triples(triples), _prefixes(knowledge))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rdflib's about lists that RDF/XML writes out at length
        return _NAMESPACES.sub(_sorted_lines, graph.serialize(format=_NESTING[format_name]), count=1)


def _sorted_lines(found: re.Match[str]) -> str:
    """Sort the declarations of namespaces in RDF/XML, which rdflib writes in the order of a set."""
    return "".join(sorted(found[0].splitlines(keepends=True)))


def nested_turtle(triples: Iterable[ox.Triple], prefixes: Mapping[str, str]) -> str:
    """Write triples in Turtle, nameless nodes and lists where they are used: the same triples are the same text."""
    return _bound(n_triples(canonical(triples)), prefixes).serialize(format="turtle")


def _bound(lines: str, prefixes: Mapping[str, str]) -> Graph:
    same = {name: BNode(name) for name in re.findall(r"_:(\w+)", lines)}  # rdflib's own would be others at each run
    # the store that keeps its statements in the order in which they came
    graph = Graph("SimpleMemory", bind_namespaces="none").parse(data=lines, format="nt", bnode_context=same)
    graph.bind("xml", "http://www.w3.org/XML/1998/namespace")  # of the languages of labels
    for prefix, namespace in prefixes.items():
        graph.bind(prefix, namespace)
    return graph


def _prefixes(knowledge: Knowledge) -> dict[str, str]:
    """Give the prefixes of the modules."""
    found: dict[str, str] = {}
    for content in knowledge.modules.values():
        parser = ox.parse(content, format=ox.RdfFormat.TURTLE)
        next(parser, None)
        found |= parser.prefixes
    return found
