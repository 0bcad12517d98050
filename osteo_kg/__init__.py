"""A treatment guideline for post-menopausal osteoporosis that decides and explains.

Load a `KnowledgeBase`, read cases with `read_case`, and `assess` them: an `Assessment` says what the guideline
decides, by which rules, on which facts, what it assumed and what is missing. Not a medical device.
"""

from osteo_kg.assessment.model import Assessment, Caution
from osteo_kg.assessment.safety import DrugSafety
from osteo_kg.assessment.text import Line, assessment_lines, report_lines
from osteo_kg.bilingual import LANGUAGES, Language, Text
from osteo_kg.case.fhir import Assumption, Order, read_fhir, read_order
from osteo_kg.case.model import Case, patient_iri
from osteo_kg.case.reading import read_case
from osteo_kg.case.record_text import parse_json
from osteo_kg.case.remarks import assumed_complete, source_triples, with_source
from osteo_kg.case.report import Finding, ValidationReport
from osteo_kg.dataset import (
    GRAPH,
    GRAPH_FORMATS,
    SOLUTION_FORMATS,
    Dataset,
    QueryError,
    build_dataset,
    check_graphs,
    graph_iri,
    stays_inside,
)
from osteo_kg.decision_table.rdf import situation_triples
from osteo_kg.errors import (
    InconsistencyError,
    KnowledgeError,
    OsteoError,
    RefusedCaseError,
    UnreadableCaseError,
    UsageError,
)
from osteo_kg.json_schema import assessment_schema, record_schema
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase
from osteo_kg.package_data import json_ld_context_document, software_version
from osteo_kg.rdf.io import PREFIXES, read_triples, written_graph
from osteo_kg.rdf.lookup import apart
from osteo_kg.rdf.sparql import code_only, dataset_iris, depth, has_dataset_clause, is_repeatable

__all__ = [
    "DEFAULT_GUIDELINE",
    "GRAPH",
    "GRAPH_FORMATS",
    "LANGUAGES",
    "PREFIXES",
    "SOLUTION_FORMATS",
    "Assessment",
    "Assumption",
    "Case",
    "Caution",
    "Dataset",
    "DrugSafety",
    "Finding",
    "InconsistencyError",
    "KnowledgeBase",
    "KnowledgeError",
    "Language",
    "Line",
    "Order",
    "OsteoError",
    "QueryError",
    "RefusedCaseError",
    "Text",
    "UnreadableCaseError",
    "UsageError",
    "ValidationReport",
    "apart",
    "assessment_lines",
    "assessment_schema",
    "assumed_complete",
    "build_dataset",
    "check_graphs",
    "code_only",
    "dataset_iris",
    "depth",
    "graph_iri",
    "has_dataset_clause",
    "is_repeatable",
    "json_ld_context_document",
    "parse_json",
    "patient_iri",
    "read_case",
    "read_fhir",
    "read_order",
    "read_triples",
    "record_schema",
    "report_lines",
    "situation_triples",
    "software_version",
    "source_triples",
    "stays_inside",
    "with_source",
    "written_graph",
]
