"""Documents for the engines of SHACL: each with what the library says of it, many of them in one graph."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import yaml

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
    """

    name: str
    text: str
    refused: bool | None = None
    apart: str | None = None
    beyond_core: bool = False

    def is_refused(self, knowledge_base: KnowledgeBase) -> bool:
        """Ask the library whether it refuses a patient of the document."""
        cases = knowledge_base.read(self.text, "turtle", name=self.name)
        return not all(knowledge_base.validate(case, on=ON).conforms for case in cases)


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
    alone = {str(number): each.text for number, each in enumerate(documents) if each.apart in apart}
    return {_TOGETHER: "\n".join(together), **alone}


def refused(documents: Sequence[Document], results: Mapping[str, Sequence[tuple[str, str]]]) -> set[str]:
    """Give the names of the documents that an engine refuses.

    Args:
        documents: the documents.
        results: what the engine found in each graph of them.
    """
    focused = {focus for focus, _ in results[_TOGETHER]}
    unnamed = {each for each in focused if not each.startswith(_PLACE)}
    assert unnamed == set(), "of no document"
    places = {int(each.removeprefix(_PLACE).partition(":")[0]) for each in focused}
    places |= {int(name) for name, found in results.items() if name != _TOGETHER and found}
    return {documents[place].name for place in places}


_PLACE, _TOGETHER = "urn:document:", "together"


def _renamed(text: str, number: int) -> list[str]:
    """Write the triples of a document with names of its own for what is no term of a vocabulary."""

    def name(term: Any) -> Any:
        if isinstance(term, ox.BlankNode):
            return ox.NamedNode(f"{_PLACE}{number}:blank:{term.value}")
        return ox.NamedNode(f"{_PLACE}{number}:{term.value}") if _is_of_nobody_else(term) else term

    quads = ox.parse(text, format=ox.RdfFormat.TURTLE, base_iri="urn:base:")
    return [f"{name(quad.subject)} {quad.predicate} {name(quad.object)} ." for quad in quads]


def _is_of_nobody_else(term: object) -> bool:
    return isinstance(term, ox.NamedNode) and term.value.startswith("urn:") and not term.value.startswith(OSTEO.iri)
