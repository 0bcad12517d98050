"""A treatment guideline for post-menopausal osteoporosis that decides and explains.

Load a `KnowledgeBase`, read cases with `read_case`, and `assess` them: an `Assessment` says what the guideline
decides, by which rules, on which facts, what it assumed and what is missing. Not a medical device.

What stands here is for everybody. Whoever builds upon the parts imports the package of the part: `osteo_kg.rdf`,
`osteo_kg.case`, `osteo_kg.assessment`, `osteo_kg.decision_table`, `osteo_kg.dataset`, `osteo_kg.cohort`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

    __version__: str

# A module is loaded when something of it is asked for: a command is stopped tidily from its first moments.
_MODULES = {
    "assessment.model": ("Assessment",),
    "bilingual": ("BilingualText", "Language"),
    "case": ("Case", "Finding", "RefusedCaseError", "ValidationReport", "read_case"),
    "dataset": ("Dataset", "QueryError", "build_dataset"),
    "errors": (
        "InconsistencyError",
        "KnowledgeError",
        "OsteoError",
        "UnreadableCaseError",
        "UnwritableError",
        "UsageError",
    ),
    "knowledge_base": ("DEFAULT_GUIDELINE", "KnowledgeBase"),
}
_PLACES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load what is asked for, once."""
    if name == "__version__":
        found: Any = importlib.import_module("osteo_kg.package_data").software_version()
    elif name in _PLACES:
        found = getattr(importlib.import_module(f"osteo_kg.{_PLACES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


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
