"""What is for everybody, loaded together; `osteo_kg` itself gives it out."""

from osteo_kg.assessment.model import Assessment
from osteo_kg.bilingual import BilingualText, Language
from osteo_kg.case import Case, Finding, RefusedCaseError, ValidationReport, read_case
from osteo_kg.dataset import Dataset, QueryError, build_dataset
from osteo_kg.errors import (
    InconsistencyError,
    KnowledgeError,
    OsteoError,
    UnreadableCaseError,
    UnwritableError,
    UsageError,
)
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase
from osteo_kg.package_data import software_version

__version__ = software_version()

__all__ = [
    "DEFAULT_GUIDELINE",
    "Assessment",
    "BilingualText",
    "Case",
    "Dataset",
    "Finding",
    "InconsistencyError",
    "KnowledgeBase",
    "KnowledgeError",
    "Language",
    "OsteoError",
    "QueryError",
    "RefusedCaseError",
    "UnreadableCaseError",
    "UnwritableError",
    "UsageError",
    "ValidationReport",
    "__version__",
    "build_dataset",
    "read_case",
]
