"""The answer about one patient: evidence, notices and safety beside the decision, as text, RDF and FHIR."""

from osteo_kg.assessment.conclusions import conclusions
from osteo_kg.assessment.fhir import guidance_bundle
from osteo_kg.assessment.model import Assessment, Caution
from osteo_kg.assessment.safety import DrugSafety
from osteo_kg.assessment.short_form import (
    DISCLAIMER,
    WHOLE,
    WORDS,
    Line,
    Part,
    ShortAnswer,
    headline,
    items_of,
    short_answer,
    short_lines,
)
from osteo_kg.assessment.text import full_lines, report_lines

__all__ = [
    "DISCLAIMER",
    "WHOLE",
    "WORDS",
    "Assessment",
    "Caution",
    "DrugSafety",
    "Line",
    "Part",
    "ShortAnswer",
    "conclusions",
    "full_lines",
    "guidance_bundle",
    "headline",
    "items_of",
    "report_lines",
    "short_answer",
    "short_lines",
]
