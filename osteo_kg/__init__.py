"""A treatment guideline for post-menopausal osteoporosis that decides and explains.

Load a `KnowledgeBase`, read cases with `read_case`, and `assess` them: an `Assessment` says what the guideline
decides, by which rules, on which facts, what it assumed and what is missing. Not a medical device.
"""

from osteo_kg.assessment import Assessment
from osteo_kg.cases import Case
from osteo_kg.errors import (
    InconsistencyError,
    KnowledgeError,
    OsteoError,
    RefusedCaseError,
    UnreadableCaseError,
    UsageError,
)
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.reading import read_case
from osteo_kg.report import Finding, ValidationReport

__all__ = [
    "Assessment",
    "Case",
    "Finding",
    "InconsistencyError",
    "KnowledgeBase",
    "KnowledgeError",
    "OsteoError",
    "RefusedCaseError",
    "UnreadableCaseError",
    "UsageError",
    "ValidationReport",
    "read_case",
]
