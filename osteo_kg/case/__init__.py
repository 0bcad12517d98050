"""One patient, in and out: records, RDF and FHIR to a case, and a case to the facts that it states."""

from osteo_kg.case.fhir import Assumption, Order, read_fhir, read_order
from osteo_kg.case.model import Case, patient_iri
from osteo_kg.case.reading import read_case
from osteo_kg.case.record_text import parse_json
from osteo_kg.case.report import Finding, ValidationReport, assumed_complete, source_triples, with_source

__all__ = [
    "Assumption",
    "Case",
    "Finding",
    "Order",
    "ValidationReport",
    "assumed_complete",
    "parse_json",
    "patient_iri",
    "read_case",
    "read_fhir",
    "read_order",
    "source_triples",
    "with_source",
]
