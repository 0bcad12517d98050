"""Documents for the engines of SHACL: each with what the library says of it, many of them in one graph."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import yaml

from osteo_kg.case import Finding
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import KNOWN_PREFIXES, LIFTED, OSTEO
from tests.support.worked import CASES, ON, ROOT, SHARED, read_worked

_WRITTEN = Path(__file__).with_suffix(".yaml")
_PREFIXES = {**KNOWN_PREFIXES, "lifted": LIFTED.iri, "foaf": "http://xmlns.com/foaf/0.1/"}
_PATIENT = """
<urn:case:x> a osteo:Patient ; {patient} ; osteo:hasBoneDensitometry <urn:d> ; osteo:hasFracture <urn:f> ;
  osteo:hasPastTreatment <urn:t> ; osteo:hasRenalFunctionTest <urn:r> .
<urn:d> {densitometry} . <urn:f> {fracture} . <urn:t> {treatment} . <urn:r> {renal} .
{beside}
"""
#: The properties of other vocabularies in the documents, which SHACL Core has to be told of.
FOREIGN = ("http://purl.org/dc/terms/identifier", "http://xmlns.com/foaf/0.1/name")


@dataclass(frozen=True, slots=True)
class Document:
    """A document of cases.

    Attributes:
        text: the document in Turtle.
        refused: whether it is to be refused; None where only the library says.
        apart: whether it must stand in a graph of its own: `always` where it speaks of what other documents speak of
            too, `sparql` where a constraint in SPARQL would refuse the others with it.
        beyond_core: whether it takes SPARQL to refuse it.
        otherwise: the shape that refuses it in other words than the library does.
    """

    name: str
    text: str
    refused: bool | None = None
    apart: str | None = None
    beyond_core: bool = False
    otherwise: str | None = None

    def refusals(self, knowledge_base: KnowledgeBase) -> list[Finding]:
        """Ask the library what it refuses in the document."""
        cases = knowledge_base.read(self.text, "turtle", name=self.name)
        found = [each for case in cases for each in knowledge_base.validate(case, on=ON).findings]
        return [each for each in found if each.severity == "violation"]


@functools.cache
def written() -> tuple[Document, ...]:
    """Give the documents of `documents.yaml`."""
    content = yaml.safe_load(_WRITTEN.read_text(encoding="utf-8"))
    return tuple(_document(content["plain"], each) for each in content["documents"])


def _document(plain: dict[str, str], said: dict[str, Any]) -> Document:
    prefixes = "".join(f"@prefix {name}: <{iri}> .\n" for name, iri in _PREFIXES.items())
    return Document(
        said["name"],
        prefixes + _PATIENT.format(**{**plain, **said}),
        said.get("refused", False),
        said.get("apart"),
        said.get("beyond_core", False),
        said.get("otherwise"),
    )


def worked(knowledge_base: KnowledgeBase, pattern: str = "*.yaml") -> list[Document]:
    """Give the worked cases that a document can state, in the form in which the library writes them."""
    found = []
    for each in read_worked(CASES, pattern):
        case = each.case(knowledge_base)
        if not case.findings:
            found.append(Document(each.id, _turtle(case.triples)))
    return found


def files(knowledge_base: KnowledgeBase) -> list[Document]:
    """Give the examples and the cases from the field that are RDF, and what is read of those that are FHIR."""
    paths = [*(ROOT / "examples").glob("*.ttl"), *(ROOT / "examples" / "refused").glob("*.ttl")]
    paths += (SHARED / "cases" / "field").rglob("*.ttl")
    found = [Document(path.name, path.read_text(encoding="utf-8"), apart="always") for path in sorted(paths)]
    for path in sorted((SHARED / "cases" / "field").glob("clinic/*.json")):
        for case in knowledge_base.read(path.read_bytes(), "fhir", name=path.name):
            found += [] if case.findings else [Document(f"{path.name} {case.patient}", _turtle(case.triples))]
    return found


def _turtle(triples: tuple[ox.Triple, ...]) -> str:
    return (ox.serialize(triples, format=ox.RdfFormat.N_TRIPLES) or b"").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Found:
    """One result of an engine.

    Attributes:
        document: the name of the document.
        focus: the node that it is about.
        path: the property; empty where it is a path of several steps, None where there is none.
        value: the value that was found, if it is about one.
        component: the kind of constraint.
        shape: the shape, which is the code of what is said.
    """

    document: str
    focus: str
    path: str | None
    value: str | None
    component: str
    shape: str


def merged(documents: Sequence[Document], *, sparql: bool) -> dict[str, str]:
    """Give the graphs in which documents stand: one of all that may stand together, and one for each other one.

    Args:
        documents: the documents.
        sparql: whether they are for shapes with constraints in SPARQL.
    """
    apart = ("always", "sparql") if sparql else ("always",)
    together = [
        line for number, each in enumerate(documents) if each.apart not in apart for line in _renamed(each.text, number)
    ]
    alone = {
        str(number): "\n".join(_renamed(each.text, number))
        for number, each in enumerate(documents)
        if each.apart in apart
    }
    return {_TOGETHER: "\n".join(together), **alone}


def findings(documents: Sequence[Document], results: Mapping[str, Sequence[Sequence[str | None]]]) -> set[Found]:
    """Give what an engine found, of each document.

    Args:
        documents: the documents.
        results: what the engine found in each graph of them: focus, path, value, component and shape.
    """
    found = set()
    for graph, said in results.items():
        for focus, path, value, component, shape in said:
            assert focus, "a focus is named"
            assert component, "a constraint is named"
            assert shape, "a shape is named"
            place, own = _taken_apart(focus)
            assert place is not None or graph != _TOGETHER, f"{focus} is of no document"
            document = documents[int(graph) if place is None else place]
            named = _taken_apart(value)[1] if value else value
            found.add(Found(document.name, own, path, named, component, shape))
    return found


_PLACE, _TOGETHER = "urn:document:", "together"


def _taken_apart(name: str) -> tuple[int | None, str]:
    """Give the place of the document that a node belongs to, and the name that it has there."""
    if not name.startswith(_PLACE):
        return None, name
    place, _, own = name.removeprefix(_PLACE).partition(":")
    return int(place), own


def _renamed(text: str, number: int) -> list[str]:
    """Write the triples of a document with names of its own for what is no term of a vocabulary.

    A nameless node gets one by its place in the document: engines call it what they like.
    """
    nameless: dict[str, str] = {}

    def name(term: Any) -> Any:
        if isinstance(term, ox.BlankNode):
            return ox.NamedNode(f"{_PLACE}{number}:{nameless.setdefault(term.value, f'blank:{len(nameless)}')}")
        return ox.NamedNode(f"{_PLACE}{number}:{term.value}") if _is_of_nobody_else(term) else term

    quads = ox.parse(text, format=ox.RdfFormat.TURTLE, base_iri="urn:base:")
    return [f"{name(quad.subject)} {quad.predicate} {name(quad.object)} ." for quad in quads]


def _is_of_nobody_else(term: object) -> bool:
    return isinstance(term, ox.NamedNode) and term.value.startswith("urn:") and not term.value.startswith(OSTEO.iri)
