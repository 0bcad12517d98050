"""SHACL by pySHACL: is this case fit to be decided on?

The only module that imports pyshacl.

The shapes are read once for each day of assessment and kept, since reading them costs more than checking a case.
pySHACL walks the shapes graph thousands of times for one case; the kept graph remembers its answers.
"""

from __future__ import annotations

import datetime
import functools
import logging
import re
import threading
from collections.abc import Generator, Iterable
from typing import Any

import pyoxigraph as ox
from pyshacl.graph_abstraction import DataGraph
from pyshacl.validator import Validator
from rdflib import RDF, SH, XSD, BNode, Graph, Literal, URIRef
from rdflib.term import Node

from osteo_kg.bilingual import BilingualText
from osteo_kg.case import FIELD_OF_PROPERTY, FIELDS, Case, CaseFacts, Finding, Severity, ValidationReport, day_field
from osteo_kg.errors import KnowledgeError
from osteo_kg.knowledge import Knowledge
from osteo_kg.rdf import LIFTED, OSTEO, Subject, local_name, sparql

_ADVICE, _NOTICE_CODE = URIRef(OSTEO.advice.value), URIRef(OSTEO.hasNoticeCode.value)
_SPOKEN = {
    SH.name,
    SH.message,
    _ADVICE,
    _NOTICE_CODE,
}  # looked up by the shape, so that pySHACL need not carry them
_LIFTED = (LIFTED.conflictingDensitometry, LIFTED.ageFromBirthDate, LIFTED.leastAge, LIFTED.greatestAge)
#: The property that states what a lifted fact was lifted from.
_STATED_AS = {
    LIFTED.conflictingDensitometry.value: OSTEO.hasBoneDensitometry.value,
    LIFTED.ageFromBirthDate.value: OSTEO.birthDate.value,
    LIFTED.leastAge.value: OSTEO.ageInYears.value,
}
#: The properties of a patient whose values are nodes of which more is said.
_LISTING_NODES = dict.fromkeys(
    listing
    for field in FIELDS.values()
    if (listing := field.measurement.property if field.measurement else field.property if field.entry else None)
)
_DAYS_KEPT = 4
_SEVERITIES: dict[Node, Severity] = {SH.Violation: "violation", SH.Warning: "warning"}


class CaseValidator:
    """Checks cases against `shapes/case.ttl`. No finding is ever dropped."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self.shapes = Graph().parse(data=knowledge.shapes["case.ttl"], format="turtle")
        self._lock = threading.Lock()  # a kept validator serves one case at a time
        self._for_day = functools.lru_cache(_DAYS_KEPT)(self._kept_validator)

    def report(self, case_facts: CaseFacts, on: datetime.date, notices: Iterable[str]) -> ValidationReport:
        """Check one case.

        Args:
            case_facts: the case with its lifted facts.
            on: the day of assessment, after which no fact may be dated.
            notices: the IRIs of the notices lifted from the case, which some shapes warn of.
        """
        case = case_facts.case
        sparql.extend(case_facts.store, "check/conflicting_densitometry")
        graph = _graph(case, case_facts.store, notices)
        with self._lock:
            validator = self._for_day(on)
            validator.data_graph, validator._target_graph = DataGraph.from_rdflib(graph), None
            results = _run(validator)
        names = _Names(case, graph)
        found = [self._finding(results, node, names, case) for node in results.subjects(RDF.type, SH.ValidationResult)]
        findings = sorted([*case.findings, *found], key=_order)
        return ValidationReport(case.patient, on, tuple(findings))

    def _finding(self, results: Graph, node: Node, names: _Names, case: Case) -> Finding:
        shape = results.value(node, SH.sourceShape)
        severity = results.value(node, SH.resultSeverity)
        message, advice = self._text(shape, SH.message), self._text(shape, _ADVICE)
        if severity not in _SEVERITIES or message is None or advice is None:
            raise KnowledgeError(f"The shape {shape} has no severity, message or advice.", advice="Complete it.")
        focus = results.value(node, SH.focusNode)
        code = self.shapes.value(shape, _NOTICE_CODE)
        return Finding(
            severity=_SEVERITIES[severity],
            focus=names.of(focus),
            path=names.path(focus, results.value(node, SH.resultPath), case.flat),
            value=names.value(focus, results.value(node, SH.resultPath), results.value(node, SH.value)),
            message=message,
            advice=advice,
            notice=self._knowledge.terms.key(str(code)) if code else None,
            property=_iri(results.value(node, SH.resultPath)),
            shape=_iri(shape),
            constraint=_iri(results.value(node, SH.sourceConstraintComponent)),
        )

    def _text(self, shape: Node | None, property_: URIRef) -> BilingualText | None:
        found = {
            text.language: str(text) for text in self.shapes.objects(shape, property_) if isinstance(text, Literal)
        }
        return BilingualText(found["en"], found["fr"]) if {"en", "fr"} <= set(found) else None

    def _kept_validator(self, on: datetime.date) -> Validator:
        settled = _Settled()
        for triple in self.shapes:
            if triple[1] not in _SPOKEN:
                settled.add(triple)
        latest = Literal(f"{on.isoformat()}T23:59:59", datatype=XSD.dateTime)
        for shape in self.shapes.subjects(_uri(LIFTED.notAfter), None):
            settled.add((shape, SH.maxInclusive, latest))
        empty = DataGraph.from_rdflib(Graph())
        return Validator(empty, shacl_graph=settled, options={"inplace": True, "allow_warnings": True})


def check_guidelines(knowledge: Knowledge) -> None:
    """Check that the guidelines of the loaded modules are well formed, by `shapes/guideline.ttl`.

    Raises:
        KnowledgeError: a rule has no criteria, bands leave a gap, or whatever else the shapes find.
    """
    whole, shapes = Graph(), Graph().parse(data=knowledge.shapes["guideline.ttl"], format="turtle")
    for content in knowledge.modules.values():
        whole.parse(data=content, format="turtle")
    found = sorted(
        f"{focus}: {message}"
        for shape, focus in _faults(whole, shapes)
        for message in shapes.objects(shape, SH.message)
        if isinstance(message, Literal) and message.language == "en"
    )
    if found:
        raise KnowledgeError(f"A guideline is not well formed. {' '.join(found)}", advice="Correct its module.")


def assessment_faults(knowledge: Knowledge, triples: Iterable[ox.Triple]) -> list[tuple[str, str]]:
    """Check written assessments and situations against `shapes/assessment.ttl`, all in one batch.

    Returns:
        The name of each shape that fails, with the assessment or situation in which it does; nothing when all is
        well. A fault here is the library's own, never the patient's.
    """
    shapes = Graph().parse(data=knowledge.shapes["assessment.ttl"], format="turtle")
    whole = Graph(bind_namespaces="none")
    for triple in triples:
        whole.add((_term(triple.subject), URIRef(triple.predicate.value), _term(triple.object)))
    return sorted((local_name(str(shape)), _holder(whole, focus)) for shape, focus in _faults(whole, shapes))


def _holder(graph: Graph, node: Node | None) -> str:
    """Name the node that a blank node hangs on: the assessment of which it is a part."""
    while isinstance(node, BNode):
        node = next(graph.subjects(None, node), None)
    return str(node)


def _faults(data: Graph, shapes: Graph) -> set[tuple[Node | None, Node | None]]:
    """Give every shape that fails, with the node where it does."""
    options = {"inplace": True, "allow_warnings": True}
    results = _run(Validator(DataGraph.from_rdflib(data), shacl_graph=shapes, options=options))
    return {
        (results.value(node, SH.sourceShape), results.value(node, SH.focusNode))
        for node in results.subjects(RDF.type, SH.ValidationResult)
    }


def _run(validator: Any) -> Graph:
    """Run pySHACL, which says nothing about its types, and give the graph of the report."""
    _, results, _ = validator.run()
    assert isinstance(results, Graph)
    return results


def _may_be_logged(record: logging.LogRecord) -> bool:
    """Rdflib logs every literal that it cannot convert, and such a literal may be a patient's."""
    return not record.getMessage().startswith("Failed to convert Literal")


logging.getLogger("rdflib.term").addFilter(_may_be_logged)


class _Settled(Graph):
    """A graph that no longer changes and remembers every look-up."""

    def __init__(self) -> None:
        super().__init__(bind_namespaces="none")
        self._known: dict[tuple[object, ...], tuple[Any, ...]] = {}

    def _recall(self, ask: str, *key: object) -> tuple[Any, ...]:
        known = self._known.get((ask, *key))
        if known is None:
            known = self._known[ask, *key] = tuple(getattr(super(), ask)(*key))
        return known

    def objects(self, subject: Any = None, predicate: Any = None, unique: bool = False) -> Generator[Node, None, None]:
        yield from self._recall("objects", subject, predicate)

    def subjects(self, predicate: Any = None, object: Any = None, unique: bool = False) -> Generator[Node, None, None]:
        yield from self._recall("subjects", predicate, object)

    def predicate_objects(self, subject: Any = None, unique: bool = False) -> Generator[tuple[Node, Node], None, None]:
        yield from self._recall("predicate_objects", subject)

    def items(self, list: Any) -> Generator[Node, None, None]:
        yield from self._recall("items", list)


class _Names:
    """Says of a node where it is, in words a person can follow: `fractures[2]`, or the patient."""

    def __init__(self, case: Case, graph: Graph) -> None:
        self._graph = graph
        self._patient = URIRef(case.iri)
        self._named: dict[Node, str] = {self._patient: case.patient}
        for property_ in _LISTING_NODES:
            entries = sorted(graph.objects(self._patient, _uri(property_)), key=str)
            name = local_name(property_)
            for number, entry in enumerate(entries, 1):
                # in a flat record the node of an entry is named by its key and its place among the entries
                spoken = re.sub(r"(\d+)$", r"[\1]", str(entry)) if case.flat else f"{name}[{number}]"
                self._named[entry] = f"{case.patient}, {spoken}"

    def of(self, node: Node | None) -> str:
        return self._named.get(node, _unnamed(node)) if node is not None else ""

    def path(self, focus: Node | None, path: Node | None, flat: bool) -> str:
        """Give the flat key where the case is flat, else the property; a path of several steps has no IRI."""
        stated = _STATED_AS.get(str(path), str(path))
        field = FIELDS.get(str(focus)) if flat else None
        if field is not None and field.measurement:  # the node of a measurement goes by its key
            return day_field(field.measurement).key if stated == OSTEO.performedOn.value else field.key
        if flat and path == RDF.type:
            return "fractures"
        if flat and stated in FIELD_OF_PROPERTY:
            return FIELD_OF_PROPERTY[stated].key
        return local_name(stated) if isinstance(path, URIRef) else ""

    def value(self, focus: Node | None, path: Node | None, node: Node | None) -> str | None:
        """Give the value found; for a bound that was lifted, the value that is out of it."""
        if path == _uri(LIFTED.leastAge):
            node = self._graph.value(focus, _uri(OSTEO.ageInYears))
        if node is None:
            return None
        if isinstance(node, URIRef) and str(node).startswith(OSTEO.iri):
            return local_name(str(node))
        return self._named.get(node, _unnamed(node))


def _unnamed(node: Node) -> str:
    return "a blank node" if isinstance(node, BNode) else str(node)


def _graph(case: Case, store: ox.Store, notices: Iterable[str]) -> Graph:
    graph = Graph(bind_namespaces="none")
    for triple in case.triples:
        graph.add((_term(triple.subject), URIRef(triple.predicate.value), _term(triple.object)))
    patient = ox.NamedNode(case.iri)
    for property_ in _LIFTED:
        for quad in store.quads_for_pattern(patient, property_, None):
            graph.add((URIRef(case.iri), URIRef(quad.predicate.value), _term(quad.object)))
    for notice in notices:
        graph.add((URIRef(case.iri), _uri(LIFTED.notice), URIRef(notice)))
    return graph


def _uri(term: ox.NamedNode) -> URIRef:
    return URIRef(term.value)


def _term(term: Subject | ox.Literal | ox.Triple) -> URIRef | BNode | Literal:
    if isinstance(term, ox.NamedNode):
        return URIRef(term.value)
    if isinstance(term, ox.BlankNode):
        return BNode(term.value)
    assert isinstance(term, ox.Literal)
    if term.language:
        return Literal(term.value, lang=term.language)
    return Literal(term.value, datatype=URIRef(term.datatype.value), normalize=False)


def _iri(node: Node | None) -> str | None:
    return str(node) if isinstance(node, URIRef) else None


def _order(finding: Finding) -> tuple[str, ...]:
    return (
        "0" if finding.severity == "violation" else "1",
        finding.focus,
        finding.path,
        finding.message.en,
        finding.value or "",
    )
