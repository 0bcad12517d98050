"""One patient, in and out: records, RDF and FHIR to a case, and a case to the facts that it states."""

from osteo_kg.case.facts import Atom, CaseFacts, Entry, derive_facts
from osteo_kg.case.fhir import Assumption, Order, read_fhir, read_order
from osteo_kg.case.fields import (
    CODED,
    DENSITOMETRY,
    FIELD_OF_PROPERTY,
    FIELDS,
    KEYS,
    LISTING,
    LISTS,
    SCORES,
    SECTIONS,
    STATED,
    STATEMENTS,
    Field,
    day_field,
    of_kind,
)
from osteo_kg.case.model import Case, Remark, assumed_complete, patient_iri, source_triples, with_source
from osteo_kg.case.rdf import ANNOTATIONS, OWN_VOCABULARIES, read_rdf
from osteo_kg.case.reading import INPUT_FORMATS, read_case
from osteo_kg.case.record import Repeated, nearest, record_case
from osteo_kg.case.record_export import completeness_implied, record_of
from osteo_kg.case.record_text import case_of, csv_records, json_line_records, parse_json
from osteo_kg.case.report import Finding, RefusedCaseError, Severity, ValidationReport
from osteo_kg.case.writing import (
    OUTPUT_FORMATS,
    RDF_OUTPUT_FORMATS,
    SAYING_COMPLETENESS,
    check_fits,
    empty_record,
    names_shared,
    shared_names,
    write_cases,
)

__all__ = [
    "ANNOTATIONS",
    "CODED",
    "DENSITOMETRY",
    "FIELDS",
    "FIELD_OF_PROPERTY",
    "INPUT_FORMATS",
    "KEYS",
    "LISTING",
    "LISTS",
    "OUTPUT_FORMATS",
    "OWN_VOCABULARIES",
    "RDF_OUTPUT_FORMATS",
    "SAYING_COMPLETENESS",
    "SCORES",
    "SECTIONS",
    "STATED",
    "STATEMENTS",
    "Assumption",
    "Atom",
    "Case",
    "CaseFacts",
    "Entry",
    "Field",
    "Finding",
    "Order",
    "RefusedCaseError",
    "Remark",
    "Repeated",
    "Severity",
    "ValidationReport",
    "assumed_complete",
    "case_of",
    "check_fits",
    "completeness_implied",
    "csv_records",
    "day_field",
    "derive_facts",
    "empty_record",
    "json_line_records",
    "names_shared",
    "nearest",
    "of_kind",
    "parse_json",
    "patient_iri",
    "read_case",
    "read_fhir",
    "read_order",
    "read_rdf",
    "record_case",
    "record_of",
    "shared_names",
    "source_triples",
    "with_source",
    "write_cases",
]
