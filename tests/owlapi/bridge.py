"""Ask the OWL API and HermiT: what Protégé would read in an ontology, and what a complete reasoner concludes.

Java runs inside the Python process and cannot reach the network.
An import that the catalog does not resolve is an error, and so is a document that cannot be read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jpype
from rdflib import OWL, RDF, Graph, URIRef

from . import jvm

API = "org.semanticweb.owlapi"
CATALOG_ENTRY = "{urn:oasis:names:tc:entity:xmlns:xml:catalog}uri"
DATA = URIRef("urn:osteo-kg:test-data")
ERROR_NAMESPACE = "http://org.semanticweb.owlapi/error#"  # the OWL API marks with it what it cannot read


class OntologyError(Exception):
    """The OWL API or HermiT refused what it was given."""


class Profile(Enum):
    """A profile of OWL 2, by the name of its checker."""

    DL = "OWL2DLProfile"
    RL = "OWL2RLProfile"


@dataclass(frozen=True, slots=True)
class Ontology:
    """An ontology as the OWL API read it, its imports included."""

    iri: str
    axiom_counts: Mapping[str, int]
    """How many axioms each document holds, by ontology IRI."""

    not_understood: tuple[str, ...]
    """The triples and terms that did not become OWL."""

    handle: Any = field(repr=False, compare=False)


def load(path: Path, catalog: Path | None = None, beside: Ontology | None = None) -> Ontology:
    """Read the ontology at `path`; its imports are found through `catalog` and nowhere else.

    What was read with another ontology, `beside` which this one is opened, is not read again.
    """
    jvm.start()
    opened = beside.handle.getOWLOntologyManager() if beside else None
    manager = opened or _java(f"{API}.apibinding.OWLManager").createOWLOntologyManager()
    for name, document in _entries(catalog).items():
        manager.getIRIMappers().add(_java(f"{API}.util.SimpleIRIMapper")(_iri(name), _iri(document.as_uri())))
    with _explained(f"Cannot open {path}"):
        handle = manager.loadOntologyFromOntologyDocument(_document(path))
    return _described(handle)


def kinds(ontology: Ontology, term: str) -> frozenset[str]:
    """Return what the IRI `term` is in the ontology: `Class`, `ObjectProperty`, and so on."""
    entities = ontology.handle.getEntitiesInSignature(_iri(term), _imports_included())
    return frozenset(str(entity.getEntityType().getName()) for entity in entities)


def profile_violations(ontology: Ontology, profile: Profile) -> tuple[str, ...]:
    """Return what keeps the ontology and its imports outside `profile`."""
    report = _java(f"{API}.profiles.{profile.value}")().checkOntology(ontology.handle)
    return tuple(sorted(str(violation) for violation in report.getViolations()))


def is_consistent(ontology: Ontology, data: Graph | None = None) -> bool:
    """Tell whether HermiT finds the ontology, together with `data`, free of contradiction."""
    with _reasoner(ontology, data) as reasoner:
        return bool(reasoner.isConsistent())


def unsatisfiable_classes(ontology: Ontology) -> frozenset[str]:
    """Return the classes that by HermiT can have no member, `owl:Nothing` aside."""
    with _reasoner(ontology, None) as reasoner:
        return frozenset(_iris(reasoner.getUnsatisfiableClasses().getEntitiesMinusBottom()))


def class_assertions(ontology: Ontology, data: Graph) -> frozenset[tuple[str, str]]:
    """Return every named individual with every class that HermiT finds for it, `owl:Thing` aside."""
    with _reasoner(ontology, data) as reasoner:
        classes = _iris(ontology.handle.getClassesInSignature(_imports_included()))
        found = ((one, name) for name in classes for one in _iris(_instances(reasoner, name)))
        return frozenset((one, name) for one, name in found if name != str(OWL.Thing))


def _java(name: str) -> Any:
    return jpype.JClass(name)


def _iri(text: str) -> Any:
    return _java(f"{API}.model.IRI").create(text)


def _iris(entities: Any) -> list[str]:
    return sorted(str(entity.getIRI()) for entity in entities)


def _imports_included() -> Any:
    return _java(f"{API}.model.parameters.Imports").INCLUDED


def _turtle() -> Any:
    return _java(f"{API}.formats.TurtleDocumentFormat")()


def _document(path: Path) -> Any:
    file = _java("java.io.File")(str(path.resolve()))
    source = _java(f"{API}.io.FileDocumentSource")
    return source(file, _turtle()) if path.suffix == ".ttl" else source(file)


def _entries(catalog: Path | None) -> dict[str, Path]:
    if catalog is None:
        return {}
    entries = ElementTree.parse(catalog).iter(CATALOG_ENTRY)
    return {entry.attrib["name"]: (catalog.parent / entry.attrib["uri"]).resolve() for entry in entries}


def _described(handle: Any) -> Ontology:
    documents = sorted(handle.importsClosure().toArray(), key=_ontology_iri)
    not_understood = [text for document in documents for text in _unparsed(document)]
    signature = _iris(handle.getSignature(_imports_included()))
    not_understood += [name for name in signature if name.startswith(ERROR_NAMESPACE)]
    return Ontology(
        iri=_ontology_iri(handle),
        axiom_counts={_ontology_iri(document): int(document.getAxiomCount()) for document in documents},
        not_understood=tuple(not_understood),
        handle=handle,
    )


def _ontology_iri(handle: Any) -> str:
    identifier = handle.getOntologyID()
    if identifier.isAnonymous():
        raise OntologyError("The document names no ontology: give it a header, `<…> a owl:Ontology`.")
    return str(identifier.getOntologyIRI().get())


def _unparsed(handle: Any) -> list[str]:
    read = handle.getOWLOntologyManager().getOntologyFormat(handle).getOntologyLoaderMetaData().orElse(None)
    return sorted(str(triple) for triple in read.getUnparsedTriples().toArray()) if read is not None else []


def _instances(reasoner: Any, name: str) -> Any:
    factory = reasoner.getRootOntology().getOWLOntologyManager().getOWLDataFactory()
    return reasoner.getInstances(factory.getOWLClass(_iri(name)), False).getFlattened()


@contextmanager
def _reasoner(ontology: Ontology, data: Graph | None) -> Iterator[Any]:
    with _explained("HermiT cannot answer"), _merged(ontology, data) as handle:
        reasoner = _java("org.semanticweb.HermiT.ReasonerFactory")().createReasoner(handle)
        try:
            yield reasoner
        finally:
            reasoner.dispose()


@contextmanager
def _merged(ontology: Ontology, data: Graph | None) -> Iterator[Any]:
    if data is None:
        yield ontology.handle
        return
    manager = ontology.handle.getOWLOntologyManager()
    handle = manager.loadOntologyFromOntologyDocument(_data_document(ontology, data))
    try:
        yield handle
    finally:
        manager.removeOntology(handle)


def _data_document(ontology: Ontology, data: Graph) -> Any:
    """Return `data` under a header that imports `ontology`: else its properties were read as annotations."""
    headers = set(data.subjects(RDF.type, OWL.Ontology))
    document = Graph()
    for triple in data:
        if triple[0] not in headers:
            document.add(triple)
    document.add((DATA, RDF.type, OWL.Ontology))
    document.add((DATA, OWL.imports, URIRef(ontology.iri)))
    source = _java(f"{API}.io.StringDocumentSource")
    return source(document.serialize(format="nt"), _iri(str(DATA)), _turtle(), None)


@contextmanager
def _explained(what: str) -> Iterator[None]:
    try:
        yield
    except jpype.JException as error:
        unparsable = isinstance(error, _java(f"{API}.io.UnparsableOntologyException"))
        advice = "Its Turtle parser reads `@prefix`, not `PREFIX`." if unparsable else ""
        said = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise OntologyError(f"{what}: {' '.join(said[:12])} {advice}".rstrip()) from error
