"""From cases to text, whatever the format; what is read back is the same case, or it is not written."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.case.fhir import bundle_of
from osteo_kg.case.fields import KEYS
from osteo_kg.case.model import Case
from osteo_kg.case.reading import read_case
from osteo_kg.case.record_export import record_of
from osteo_kg.errors import OsteoError, UsageError
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import OSTEO, XSD, json_ld

_OXIGRAPH = {"ttl": ox.RdfFormat.TURTLE, "nt": ox.RdfFormat.N_TRIPLES, "rdf": ox.RdfFormat.RDF_XML}
RDF_OUTPUT_FORMATS = (*_OXIGRAPH, "jsonld")
#: Every format that cases are written in.
OUTPUT_FORMATS = (*RDF_OUTPUT_FORMATS, "json", "jsonl", "csv", "fhir")
#: Formats that say whether a section is complete beside its entries.
SAYING_COMPLETENESS = (*RDF_OUTPUT_FORMATS, "fhir")
_PREFIXES = {"osteo": OSTEO.iri, "xsd": XSD.iri}
#: What Oxigraph writes and reads in XML all the same, and others refuse or change.
_NOT_XML = re.compile(r"[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_Triples = list[ox.Triple]


def check_fits(case: Case, format_name: str, terms: Terms) -> None:
    """See that a format can hold a case: that the case read back from it is the same.

    Raises:
        UsageError: it cannot.
    """
    if case.ignored:
        raise UsageError(
            f"{case.patient}: {', '.join(f'<{each}>' for each in case.ignored)} belongs to another vocabulary. "
            "It is not read, and would be lost.",
            advice="Remove it from the input, if it may be lost.",
        )
    if format_name in RDF_OUTPUT_FORMATS:
        triples = _relabelled([case])
        text = json_ld(triples, labels=True) if format_name == "jsonld" else _serialized(triples, format_name)
        same = [(set(each.triples), each.findings) for each in _again(text, format_name, terms)] == [(set(triples), ())]
        same = same and not (format_name == "rdf" and _NOT_XML.search(text))
    elif format_name == "fhir":
        same = [(_content(each), each.findings) for each in _again(_fhir([case], terms), format_name, terms)] == [
            (_content(case), case.findings)
        ]
    else:
        record = record_of(case, terms)
        same = [record_of(each, terms) for each in _again(_flat([record], format_name), format_name, terms)] == [record]
    if not same:
        raise UsageError(
            f"{case.patient}: what {format_name} would hold reads back as another case.",
            advice=f"Convert to {'nt' if format_name in RDF_OUTPUT_FORMATS else 'json'} instead.",
        )


def _again(text: str, format_name: str, terms: Terms) -> tuple[Case, ...]:
    try:
        return read_case(text, format_name, terms=terms)
    except OsteoError:
        return ()


def _content(case: Case) -> tuple[set[ox.Triple], list[list[str]]]:
    """Give what a case says of its patient, and what it says of each entry, whatever the nodes are called."""
    blank = {node for t in case.triples for node in (t.subject, t.object) if isinstance(node, ox.BlankNode)}
    own = {t for t in case.triples if t.object not in blank and t.subject not in blank}
    entries = [
        sorted(
            f"{t.predicate} {t.object if t.subject == node else ''}"
            for t in case.triples
            if node in (t.subject, t.object) and t.object not in _ENTRY_CLASSES
        )
        for node in blank
    ]
    return own, sorted(entries)


_ENTRY_CLASSES = (OSTEO.BoneDensitometry, OSTEO.PastTreatment)


def shared_names(cases: Iterable[Case]) -> frozenset[str]:
    """Give the IRIs of which cases say different things, and of patients who stand twice.

    In one graph what is said of them would run together.
    """
    said: dict[str, set[frozenset[ox.Triple]]] = defaultdict(set)
    patients: list[str] = []
    for case in cases:
        patients.append(case.iri)
        for name in _names(case):
            said[name].add(frozenset(t for t in case.triples if t.subject == ox.NamedNode(name)))
    twice = {name for name in said if len(said[name]) > 1}
    return frozenset(twice | {iri for iri, number in Counter(patients).items() if number > 1})


def names_shared(case: Case, shared: frozenset[str]) -> list[str]:
    """Give those of the shared names that a case speaks of."""
    return sorted(shared & _names(case))


def _names(case: Case) -> set[str]:
    """Give the IRIs that a case speaks of, terms of ours left out."""
    terms = (term for triple in case.triples for term in (triple.subject, triple.object))
    return {term.value for term in terms if isinstance(term, ox.NamedNode) and not term.value.startswith(OSTEO.iri)}


def write_cases(cases: Sequence[Case], format_name: str, terms: Terms) -> str:
    """Write cases, each of which the format can hold (`check_fits`), in one of `FORMATS`.

    RDF holds them all in one graph, FHIR in one Bundle, JSON in an array where there are several, CSV in rows.
    """
    if format_name == "jsonld":
        return json_ld(_relabelled(cases))
    if format_name in RDF_OUTPUT_FORMATS:
        return _serialized(_relabelled(cases), format_name)
    if format_name == "fhir":
        return _fhir(cases, terms)
    return _flat([record_of(case, terms) for case in cases], format_name)


def empty_record(format_name: str) -> str:
    """Write a record in which everything is unknown, as `json` or `csv`."""
    return _flat([dict.fromkeys(KEYS)], format_name)


# RDF


def _relabelled(cases: Iterable[Case]) -> _Triples:
    """Give all triples, subject by subject, with blank nodes that no two cases share."""
    triples = []
    for number, case in enumerate(cases, 1):
        labels: dict[ox.BlankNode, ox.BlankNode] = {}
        by_subject: dict[Any, _Triples] = defaultdict(list)
        for triple in case.triples:
            ends = [_fresh(end, labels, f"p{number}e") for end in (triple.subject, triple.object)]
            by_subject[ends[0]].append(ox.Triple(ends[0], triple.predicate, ends[1]))
        triples += [triple for own in by_subject.values() for triple in own]
    return triples


def _fresh(term: Any, labels: dict[ox.BlankNode, ox.BlankNode], stem: str) -> Any:
    if not isinstance(term, ox.BlankNode):
        return term
    return labels.setdefault(term, ox.BlankNode(f"{stem}{len(labels) + 1}"))


def _serialized(triples: _Triples, format_name: str) -> str:
    prefixes = None if format_name == "nt" else _PREFIXES
    written = ox.serialize(triples, format=_OXIGRAPH[format_name], prefixes=prefixes)
    assert written is not None
    return written.decode()


# FHIR


def _fhir(cases: Sequence[Case], terms: Terms) -> str:
    """Write a Bundle, one resource a line."""
    bundle = bundle_of(cases, terms)
    entries = ",\n".join(_exact(entry) for entry in bundle.pop("entry"))
    return f'{_exact(bundle)[:-1]}, "entry": [\n{entries}\n]}}\n'


# Flat records


def _flat(records: Sequence[dict[str, Any]], format_name: str) -> str:
    if format_name == "csv":
        text = io.StringIO()
        csv.writer(text).writerows([KEYS, *([_cell(record.get(key)) for key in KEYS] for record in records)])
        return text.getvalue()
    if format_name == "jsonl":
        return "".join(f"{_exact(record)}\n" for record in records)
    if len(records) == 1:
        return _lines(records[0]) + "\n"
    return "[\n" + ",\n".join(re.sub("^", "  ", _lines(record), flags=re.MULTILINE) for record in records) + "\n]\n"


def _lines(record: dict[str, Any]) -> str:
    """Write a record as JSON, one key a line."""
    return "{\n" + ",\n".join(f"  {json.dumps(key)}: {_exact(value)}" for key, value in record.items()) + "\n}"


def _exact(value: Any) -> str:
    """Write JSON with decimals digit for digit."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_exact(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_exact(each) for each in value) + "]"
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _cell(value: Any) -> str:
    """Write a value of a record as a CSV cell."""
    if isinstance(value, list):
        return ";".join(_cell(each) for each in value) or "none"
    if isinstance(value, dict):
        most = value.get("count_at_most")
        shown = {key: each for key, each in value.items() if key != "count_at_most"}
        counted = "" if most is None else f"-{most}"
        return ":".join(f"x{each}{counted}" if key == "count" else str(each) for key, each in shown.items())
    return "" if value is None else str(value) if isinstance(value, str) else _exact(value)
