"""The decision table of a guideline: minimised for a person, whole for machines."""

from osteo_kg.decision_table.rdf import neighbours, situation_triples
from osteo_kg.decision_table.table import Row, Verdict, csv_lines, header, lines, minimised, settled_keys
from osteo_kg.decision_table.values import ValueWords

__all__ = [
    "Row",
    "ValueWords",
    "Verdict",
    "csv_lines",
    "header",
    "lines",
    "minimised",
    "neighbours",
    "settled_keys",
    "situation_triples",
]
