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
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyoxigraph as ox
from pyshacl.graph_abstraction import DataGraph
from pyshacl.validator import Validator
from rdflib import RDF, RDFS, SH, XSD, BNode, Graph, Literal, URIRef
from rdflib.collection import Collection
from rdflib.term import Node

from osteo_kg.bilingual import BilingualText
from osteo_kg.case import FIELD_OF_PROPERTY, FIELDS, Case, CaseFacts, Finding, Severity, ValidationReport, day_field
from osteo_kg.errors import KnowledgeError
from osteo_kg.knowledge import Knowledge
from osteo_kg.rdf import LIFTED, OSTEO, Subject, local_name, sparql
from osteo_kg.rdf.settled_graph import SettledGraph

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
#: The properties that say when a measurement was made: its day, or the first and the last day of a period.
_DAYS = {OSTEO.performedOn.value, OSTEO.performedFrom.value, OSTEO.performedUntil.value}
#: The properties of a patient whose values are nodes of which more is said.
_LISTING_NODES = dict.fromkeys(
    listing
    for field in FIELDS.values()
    if (listing := field.measurement.property if field.measurement else field.property if field.entry else None)
)
_DAYS_KEPT = 4
_TYPE = ox.NamedNode(str(RDF.type))
_THIS, _VALUE = ox.Variable("this"), ox.Variable("value")
_TOLD = (ox.NamedNode, ox.Literal)  # values that can be told; a nameless one cannot
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
        message, advice = _spoken(self.shapes, shape, SH.message), _spoken(self.shapes, shape, _ADVICE)
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
            label=self._label(results.value(node, SH.value)),
        )

    def _label(self, value: Node | None) -> BilingualText | None:
        is_ours = isinstance(value, URIRef) and str(value) in self._knowledge.terms.labels
        return self._knowledge.terms.label(str(value)) if is_ours else None

    def _kept_validator(self, on: datetime.date) -> Validator:
        shapes = Graph(bind_namespaces="none")
        for triple in self.shapes:
            if triple[1] not in _SPOKEN:
                shapes.add(triple)
        latest = Literal(f"{on.isoformat()}T23:59:59", datatype=XSD.dateTime)
        for shape in self.shapes.subjects(_uri(LIFTED.notAfter), None):
            shapes.add((shape, SH.maxInclusive, latest))
        for shape, code in self.shapes.subject_objects(_uri(LIFTED.listedFor)):
            members = Collection(shapes, BNode(), [URIRef(each) for each in self._left_out(str(code))])
            shapes.add((shape, SH["in"], members.uri))
        empty = DataGraph.from_rdflib(Graph())
        return Validator(empty, shacl_graph=SettledGraph(shapes), options={"inplace": True, "allow_warnings": True})

    def _left_out(self, code: str) -> list[str]:
        """Give the classes of fractures for which the guideline raises a notice: which these are is its own."""
        raising = set(self._knowledge.triples.objects(code, OSTEO.isRaisedByFracture))
        types = self._knowledge.terms.types
        return sorted(each for each in self._knowledge.terms.kinds[OSTEO.Fracture].values() if types[each] & raising)


@dataclass(frozen=True, slots=True)
class ShapeResult:
    """One result of a shape about a module.

    Attributes:
        shape: the IRI of the shape.
        focus: the node that it is about; a nameless one has no IRI, and is left to whom it hangs on.
        path: the IRI of the property, where it is one.
        value: the value that was found, where it is one.
        severity: of a violation or of a warning.
        message: what is wrong, as a sentence.
        advice: what to do, as a sentence.
    """

    shape: str
    focus: ox.NamedNode
    path: str | None
    value: ox.NamedNode | ox.Literal | None
    severity: Severity
    message: BilingualText
    advice: BilingualText


class ModuleShapes:
    """The shapes of modules, such as `shapes/guideline.ttl`.

    SHACL Core is asked of pySHACL. The constraints in SPARQL are asked of Oxigraph: with `$this` filled in, as SHACL
    has it (its section 5.3), they take milliseconds there and many seconds in pySHACL.

    Args:
        content: the shapes in Turtle.
    """

    def __init__(self, content: bytes) -> None:
        self._shapes = Graph().parse(data=content, format="turtle")
        self._core = Graph()
        for triple in self._shapes:
            if triple[1] != SH.sparql:
                self._core.add(triple)
        self._named = {node for node in self._shapes.all_nodes() if isinstance(node, URIRef)}

    def results(self, triples: Iterable[ox.Triple], store: ox.Store) -> list[ShapeResult]:
        """Check modules.

        Args:
            triples: what SHACL Core is to look at; a property that no shape names makes no difference.
            store: all triples, for the constraints in SPARQL.
        """
        every = tuple(triples)
        classes = {each.subject for each in every if each.predicate.value == str(RDFS.subClassOf)}
        data = Graph(bind_namespaces="none")
        for triple in every:
            property_ = URIRef(triple.predicate.value)
            is_type = property_ == RDF.type and (triple.object in classes or _as_read(triple.object) in self._named)
            if is_type or property_ in self._named or property_ == RDFS.subClassOf:
                data.add((_term(triple.subject), property_, _as_read(triple.object)))
        options = {"inplace": True, "allow_warnings": True}
        report = _run(Validator(DataGraph.from_rdflib(data), shacl_graph=self._core + Graph(), options=options))
        found = [self._of_core(report, node) for node in report.subjects(RDF.type, SH.ValidationResult)]
        return [each for each in (*found, *self._of_sparql(store)) if each is not None]

    def _of_core(self, report: Graph, node: Node) -> ShapeResult | None:
        focus, path, value = (report.value(node, each) for each in (SH.focusNode, SH.resultPath, SH.value))
        return self._result(report.value(node, SH.sourceShape), _ox_term(focus), _iri(path), _ox_term(value))

    def _of_sparql(self, store: ox.Store) -> Iterator[ShapeResult | None]:
        prefixes = "".join(f"PREFIX {name}: <{iri}>\n" for name, iri in self._declared())
        for shape, constraint in self._shapes.subject_objects(SH.sparql):
            select = f"{prefixes}{self._shapes.value(constraint, SH.select)}"
            for this in sorted(self._targets(shape, store), key=str):
                rows = store.query(select, substitutions={_THIS: this})
                assert isinstance(rows, ox.QuerySolutions)
                for row in rows:
                    value = row["value"] if _VALUE in rows.variables else None
                    yield self._result(shape, this, None, value if isinstance(value, _TOLD) else None)

    def _declared(self) -> Iterator[tuple[Node | None, Node | None]]:
        for each in self._shapes.objects(None, SH.declare):
            yield self._shapes.value(each, SH.prefix), self._shapes.value(each, SH.namespace)

    def _targets(self, shape: Node, store: ox.Store) -> set[ox.NamedNode]:
        kinds = (ox.NamedNode(str(each)) for each in self._shapes.objects(shape, SH.targetClass))
        quads = (quad for kind in kinds for quad in store.quads_for_pattern(None, _TYPE, kind))
        return {quad.subject for quad in quads if isinstance(quad.subject, ox.NamedNode)}

    def _result(
        self,
        shape: Node | None,
        focus: ox.NamedNode | ox.Literal | None,
        path: str | None,
        value: ox.NamedNode | ox.Literal | None,
    ) -> ShapeResult | None:
        if not isinstance(focus, ox.NamedNode):
            return None
        severity = self._shapes.value(shape, SH.severity)
        message, advice = _spoken(self._shapes, shape, SH.message), _spoken(self._shapes, shape, _ADVICE)
        if severity not in _SEVERITIES or message is None or advice is None:
            raise KnowledgeError(f"The shape {shape} has no severity, message or advice.", advice="Complete it.")
        return ShapeResult(str(shape), focus, path, value, _SEVERITIES[severity], message, advice)


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


def _spoken(shapes: Graph, shape: Node | None, property_: URIRef) -> BilingualText | None:
    """Give what a shape says, where it says it in both languages."""
    found = {text.language: str(text) for text in shapes.objects(shape, property_) if isinstance(text, Literal)}
    return BilingualText(found["en"], found["fr"]) if {"en", "fr"} <= set(found) else None


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
            return day_field(field.measurement).key if stated in _DAYS else field.key
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


def _as_read(term: Subject | ox.Literal) -> URIRef | BNode | Literal:
    """Give a term as rdflib reads it from a file: plain texts have no datatype there, and shapes compare with those."""
    is_plain = isinstance(term, ox.Literal) and not term.language and term.datatype.value == str(XSD.string)
    return Literal(term.value) if isinstance(term, ox.Literal) and is_plain else _term(term)


def _ox_term(node: Node | None) -> ox.NamedNode | ox.Literal | None:
    """Give a node as pyoxigraph has it; None of one without a name."""
    if isinstance(node, URIRef):
        return ox.NamedNode(str(node))
    if not isinstance(node, Literal):
        return None
    if node.language:
        return ox.Literal(str(node), language=node.language)
    return ox.Literal(str(node), datatype=ox.NamedNode(str(node.datatype or XSD.string)))


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
