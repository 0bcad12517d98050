"""OWL 2 RL by owlrl: what follows from coded facts and the taxonomy.

The only module that imports owlrl.

The reasoner sees class axioms and the coded facts of patients, nothing else: no number, no absence, no annotation.
Equal sets of coded facts are closed once, and many patients are closed in one graph.
"""

from __future__ import annotations

import functools
import hashlib
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import owlrl
import pyoxigraph as ox
from rdflib import OWL, RDF, RDFS, BNode, Graph, Literal, URIRef
from rdflib.term import Node

from osteo_kg.case import Atom
from osteo_kg.errors import InconsistencyError
from osteo_kg.knowledge import Knowledge, owners
from osteo_kg.rdf import ONTOLOGY, OSTEO

AtomSet = frozenset[Atom]
PATIENT, ENTRY, VALUE = "patient", "entry", "value"  # what the links of a closure lie between

_AXIOMS = {
    str(each)
    for each in (
        RDFS.subClassOf,
        OWL.equivalentClass,
        OWL.disjointWith,
        OWL.intersectionOf,
        OWL.onProperty,
        OWL.hasValue,
        OWL.allValuesFrom,
        OWL.inverseOf,
        OWL.members,
        RDFS.domain,
        RDF.first,
        RDF.rest,
    )
}
_SYNTAX = {ox.NamedNode(str(each)) for each in (OWL.Restriction, OWL.AllDisjointClasses, OWL.Class)}
_TYPE = ox.NamedNode(str(RDF.type))
_GUIDELINE_MODEL, _IMPORTS = ox.NamedNode(ONTOLOGY + "guideline-model"), ox.NamedNode(str(OWL.imports))
_OF_LANGUAGES = ("http://www.w3.org/", "http://www.daml.org/")  # the second is owlrl's, for contradictions
_AT_THE_RELEASE = Path(__file__).resolve().parent / "closures.json"
_lock = threading.Lock()  # owlrl swaps rdflib's literal converters for the whole process while it runs


@dataclass(frozen=True, slots=True)
class Closure:
    """What follows from one set of coded facts.

    Attributes:
        classes: the classes of this vocabulary that the patient belongs to.
        coded: the coded values that follow, stated or not, by property.
        entry: where a single fact was closed that an entry of a section states, the classes that the entry belongs to.
        links: in that case, the links between patient, entry and value, as subject, property and object.
    """

    classes: frozenset[str]
    coded: Mapping[str, str]
    entry: frozenset[str] = frozenset()
    links: frozenset[tuple[str, str, str]] = frozenset()

    def to_json(self) -> list[Any]:
        """Write it as values that JSON has."""
        return [sorted(self.classes), dict(sorted(self.coded.items())), sorted(self.entry), sorted(self.links)]

    @classmethod
    def of(cls, value: list[Any]) -> Closure:
        """Read what `to_json` wrote."""
        classes, coded, entry, links = value
        return cls(frozenset(classes), coded, frozenset(entry), frozenset((s, p, o) for s, p, o in links))


class Reasoner:
    """Closes sets of coded facts over the loaded ontology."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._axioms = axioms(knowledge)
        self._types = knowledge.terms.types
        self._drugs = knowledge.terms.kinds[OSTEO.Drug].values()

    @functools.cached_property
    def digest(self) -> str:
        """The SHA-256 of all that a closure rests on: the axioms, and the classes that the drugs of treatments have."""
        hanging: dict[Node, list[tuple[Node, Node]]] = {}
        for subject, property_, value in self._axioms:
            hanging.setdefault(subject, []).append((property_, value))

        def content(node: Node, above: tuple[Node, ...] = ()) -> str:
            if not isinstance(node, BNode) or node in above:
                return str(node) if not isinstance(node, BNode) else "[]"
            said = sorted(f"{p} {content(o, (*above, node))}" for p, o in hanging.get(node, ()))
            return f"[{' ; '.join(said)}]"

        stated = sorted(f"{content(s)} {p} {content(o)}" for s, p, o in self._axioms)
        kinds = {drug: sorted(self._types.get(drug, ())) for drug in self._drugs}
        return hashlib.sha256(json.dumps([stated, kinds], sort_keys=True).encode()).hexdigest()

    def close(self, atom_sets: Iterable[AtomSet]) -> dict[AtomSet, Closure]:
        """Close every set, all in one graph.

        Raises:
            InconsistencyError: the facts contradict the ontology.
        """
        patients = {atoms: URIRef(f"urn:osteo-kg:closed:{n}") for n, atoms in enumerate(dict.fromkeys(atom_sets))}
        graph = Graph()
        for triple in self._axioms:
            graph.add(triple)
        for atoms, patient in patients.items():
            self._state(graph, patient, atoms)
        _expand(graph)
        return {atoms: _closure(graph, patient, atoms) for atoms, patient in patients.items()}

    def inferred(self) -> list[ox.Triple]:
        """Give the triples between named terms that follow from the axioms and are not among them."""
        graph = Graph()
        for triple in self._axioms:
            graph.add(triple)
        _expand(graph)
        asserted = set(self._axioms)
        return [
            ox.Triple(ox.NamedNode(str(s)), ox.NamedNode(str(p)), ox.NamedNode(str(o)))
            for s, p, o in sorted(graph)
            if (s, p, o) not in asserted and s != o and all(_is_ours(each) for each in (s, o))
        ]

    def _state(self, graph: Graph, patient: URIRef, atoms: AtomSet) -> None:
        graph.add((patient, RDF.type, _node(OSTEO.Patient)))
        for atom in atoms:
            property_, value = URIRef(atom.property), URIRef(atom.value)
            entry = _entry(patient, atom)
            if property_ == _node(OSTEO.hasLowEnergyFracture):
                graph.add((patient, property_, entry))
                graph.add((entry, RDF.type, value))
            elif property_ == _node(OSTEO.hasPastTreatment):
                graph.add((patient, property_, entry))
                graph.add((entry, _node(OSTEO.withDrug), value))
                if atom.outcome:
                    graph.add((entry, _node(OSTEO.hasOutcome), URIRef(atom.outcome)))
                for kind in self._types.get(atom.value, ()):
                    graph.add((value, RDF.type, URIRef(kind)))
            else:
                graph.add((patient, property_, value))


class Closures:
    """What follows from sets of coded facts: as it was at the release, as long as the axioms are the same.

    An edit of a rule, a threshold or a label leaves them as they are.

    Args:
        knowledge: the modules.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge

    def close(self, atom_sets: Iterable[AtomSet]) -> dict[AtomSet, Closure]:
        """Give what follows from each set of facts, closing those that are new.

        Raises:
            InconsistencyError: the facts contradict the ontology.
        """
        wanted = list(dict.fromkeys(atom_sets))
        new = [each for each in wanted if each not in self._known]
        found = self._known | (self.reasoner.close(new) if new else {})
        return {each: found[each] for each in wanted}

    @functools.cached_property
    def reasoner(self) -> Reasoner:
        """What closes sets that are new."""
        return Reasoner(self._knowledge)

    @functools.cached_property
    def _known(self) -> dict[AtomSet, Closure]:
        digest, closures = _closed_at_the_release()
        return closures if digest == self.reasoner.digest else {}


@functools.cache
def _closed_at_the_release() -> tuple[str, dict[AtomSet, Closure]]:
    """Give the digest of what closures rested on, and the closures, as they travel with the library."""
    if not _AT_THE_RELEASE.is_file():
        return "", {}
    document = json.loads(_AT_THE_RELEASE.read_text(encoding="utf-8"))
    return document["digest"], {
        frozenset(Atom(*each) for each in atoms): Closure.of(value) for atoms, value in document["closures"]
    }


def write_closures(knowledge: Knowledge, atom_sets: Iterable[AtomSet]) -> None:
    """Write the closures that are to travel with the library."""
    _AT_THE_RELEASE.write_text(written_closures(knowledge, atom_sets), encoding="utf-8")


def written_closures(knowledge: Knowledge, atom_sets: Iterable[AtomSet]) -> str:
    """Close sets of facts, and write what follows from them as it is to travel with the library."""
    reasoner = Reasoner(knowledge)
    closures = sorted((parts_of(atoms), closure.to_json()) for atoms, closure in reasoner.close(atom_sets).items())
    return json.dumps({"digest": reasoner.digest, "closures": closures}, separators=(",", ":")) + "\n"


def parts_of(atoms: AtomSet) -> list[list[str]]:
    """Write a set of facts as values that JSON has, always in the same order."""
    return sorted([each.property, each.value, *([each.outcome] if each.outcome else [])] for each in atoms)


def closed(knowledge: Knowledge, data: Iterable[ox.Triple]) -> Graph:
    """Close every module together with `data`: slower than what a patient needs, and it leaves no axiom out.

    Texts and numbers stay outside, as everywhere here: no axiom rests on one.

    Raises:
        InconsistencyError: the data contradict the ontology.
    """
    graph = Graph()
    for content in knowledge.modules.values():
        graph.parse(data=content, format="turtle")
    spoken = {*graph.subjects(RDF.type, OWL.AnnotationProperty), RDFS.label, RDFS.isDefinedBy}
    for triple in list(graph):
        if triple[1] in spoken or isinstance(triple[2], Literal):
            graph.remove(triple)
    for each in data:
        if not isinstance(each.object, ox.Literal):
            graph.add((_node(each.subject), _node(each.predicate), _node(each.object)))
    _expand(graph)
    return graph


def _node(term: ox.NamedNode | ox.BlankNode | ox.Triple) -> Node:
    assert not isinstance(term, ox.Triple)
    return URIRef(term.value) if isinstance(term, ox.NamedNode) else BNode(term.value)


def axioms(knowledge: Knowledge) -> list[tuple[Node, Node, Node]]:
    """Give the axioms that lead to a patient's class.

    They stand in the modules that speak of patients and drugs, and in those of the guideline, which says what is severe
    and what counts; how a guideline is written down is no business of the reasoner's, and only costs it time.
    """
    read = {
        name: list(ox.parse(content, format=ox.RdfFormat.TURTLE, rename_blank_nodes=True))
        for name, content in knowledge.modules.items()
    }
    of_guidelines = {name for name, guidelines in owners(read).items() if guidelines}
    return [
        (_node(quad.subject), URIRef(quad.predicate.value), _value(quad.object))
        for name, quads in read.items()
        if name in of_guidelines or not any(_is_about_guidelines(quad) for quad in quads)
        for quad in quads
        if quad.predicate.value in _AXIOMS or (quad.predicate == _TYPE and quad.object in _SYNTAX)
    ]


def _is_about_guidelines(quad: ox.Quad) -> bool:
    """Whether a statement makes its module one that writes guidelines down: that model, or an import of it."""
    return quad.subject == _GUIDELINE_MODEL or (quad.predicate == _IMPORTS and quad.object == _GUIDELINE_MODEL)


def _value(term: ox.NamedNode | ox.BlankNode | ox.Literal | ox.Triple) -> Node:
    return Literal(term.value, datatype=URIRef(term.datatype.value)) if isinstance(term, ox.Literal) else _node(term)


def _expand(graph: Graph) -> None:
    with _lock:
        owlrl.DeductiveClosure(owlrl.OWLRL_Semantics, axiomatic_triples=False, datatype_axioms=False).expand(graph)
    _raise_contradiction(graph)


def _is_ours(node: Node) -> bool:
    """Whether a term is of our vocabulary, or of a guideline's: not of a language that ontologies are written in."""
    return isinstance(node, URIRef) and not str(node).startswith(_OF_LANGUAGES)


def _entry(patient: URIRef, atom: Atom) -> URIRef:
    """Name the entry behind a fact."""
    return URIRef(f"{patient}:{atom.property}:{atom.value}:{atom.outcome}")


def _classes(graph: Graph, node: Node) -> frozenset[str]:
    return frozenset(str(kind) for kind in graph.objects(node, RDF.type) if _is_ours(kind))


def _closure(graph: Graph, patient: URIRef, atoms: AtomSet) -> Closure:
    alone = next(iter(atoms)) if len(atoms) == 1 else None
    roles: dict[Node, str] = {}
    if alone is not None and (entry := _entry(patient, alone)) in graph.objects(patient, URIRef(alone.property)):
        roles = {patient: PATIENT, entry: ENTRY, URIRef(alone.value): VALUE}
    return Closure(
        classes=_classes(graph, patient) - {OSTEO.Patient.value},
        coded={
            property_.value: str(value)
            for property_ in (OSTEO.hasSex, OSTEO.hasMenopausalStatus)
            for value in graph.objects(patient, _node(property_))
        },
        entry=frozenset().union(*(_classes(graph, node) for node, role in roles.items() if role == ENTRY)),
        links=frozenset(
            (roles[s], str(p), roles[o])
            for node in roles
            for s, p, o in graph.triples((node, None, None))
            if o in roles and s != o and _is_ours(p)
        ),
    )


def _raise_contradiction(graph: Graph) -> None:
    """Owlrl reports a contradiction as triples in an unrelated namespace, not as an exception."""
    errors = sorted({str(message) for message in graph.objects(None, _ERROR)})
    if errors:
        raise InconsistencyError(
            f"The facts contradict the ontology: {'; '.join(errors)}.", advice="Correct one of them."
        )


_ERROR = URIRef("http://www.daml.org/2002/03/agents/agent-ont#error")
