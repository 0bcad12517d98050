"""Graphs written for the wire, and a validation report as a graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyoxigraph as ox

from osteo_kg import GRAPH_FORMATS, PREFIXES, ValidationReport, patient_iri

_SH, _RDFS = "http://www.w3.org/ns/shacl#", "http://www.w3.org/2000/01/rdf-schema#"
_TYPE = ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")
_BOOLEAN = ox.NamedNode("http://www.w3.org/2001/XMLSchema#boolean")
SHORT = {**PREFIXES, "sh": _SH, "rdfs": _RDFS, "skos": "http://www.w3.org/2004/02/skos/core#"}
SHORT["owl"] = "http://www.w3.org/2002/07/owl#"


def written_in(triples: Iterable[ox.Triple], form: str) -> bytes:
    """Write triples in one of the formats of graphs, literals as they are."""
    data = ox.serialize(triples, format=GRAPH_FORMATS[form], prefixes=SHORT)
    assert data is not None  # only where an output is given
    return data


def report_triples(report: ValidationReport) -> Iterator[ox.Triple]:
    """Write a report in the terms of SHACL: each finding with its message, and what to do as a comment."""
    node = ox.BlankNode()
    yield ox.Triple(node, _TYPE, _sh("ValidationReport"))
    yield ox.Triple(node, _sh("conforms"), ox.Literal(str(report.conforms).lower(), datatype=_BOOLEAN))
    for finding in report.findings:
        result = ox.BlankNode()
        yield ox.Triple(node, _sh("result"), result)
        yield ox.Triple(result, _TYPE, _sh("ValidationResult"))
        yield ox.Triple(result, _sh("focusNode"), ox.NamedNode(patient_iri(report.patient)))
        for name, iri in (
            ("resultPath", finding.property),
            ("sourceShape", finding.shape),
            ("sourceConstraintComponent", finding.constraint),
        ):
            if iri is not None:
                yield ox.Triple(result, _sh(name), ox.NamedNode(iri))
        yield ox.Triple(result, _sh("resultSeverity"), _sh(finding.severity.capitalize()))
        for language in ("en", "fr"):
            message = finding.message.fr if language == "fr" else finding.message.en
            advice = finding.advice.fr if language == "fr" else finding.advice.en
            yield ox.Triple(result, _sh("resultMessage"), ox.Literal(message, language=language))
            yield ox.Triple(result, ox.NamedNode(_RDFS + "comment"), ox.Literal(advice, language=language))
        where = ", ".join(part for part in (finding.focus, finding.path) if part)
        yield ox.Triple(result, ox.NamedNode(_RDFS + "label"), ox.Literal(where))
        if finding.value is not None:
            yield ox.Triple(result, _sh("value"), ox.Literal(finding.value))


def _sh(name: str) -> ox.NamedNode:
    return ox.NamedNode(_SH + name)
