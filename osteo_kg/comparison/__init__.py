"""What a reading, an edited module or another guideline changes: for every situation, or every patient of a cohort."""

from osteo_kg.comparison.changes import KINDS, SAME, Change
from osteo_kg.comparison.difference import Difference, Row, assessed, compare_patients, compare_runs, compare_situations
from osteo_kg.comparison.formats import csv_of, html_of, json_of, text_of
from osteo_kg.comparison.variants import Variant, is_variant, variant

__all__ = [
    "KINDS",
    "SAME",
    "Change",
    "Difference",
    "Row",
    "Variant",
    "assessed",
    "compare_patients",
    "compare_runs",
    "compare_situations",
    "csv_of",
    "html_of",
    "is_variant",
    "json_of",
    "text_of",
    "variant",
]
