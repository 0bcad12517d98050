"""A treatment guideline for post-menopausal osteoporosis that decides and explains.

Load a `KnowledgeBase`, read cases with `read_case`, and `assess` them: an `Assessment` says what the guideline
decides, by which rules, on which facts, what it assumed and what is missing. Not a medical device.

What stands here is for everybody. Whoever builds upon the parts imports the package of the part: `osteo_kg.rdf`,
`osteo_kg.case`, `osteo_kg.assessment`, `osteo_kg.decision_table`, `osteo_kg.dataset`, `osteo_kg.cohort`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osteo_kg.public import (
        DEFAULT_GUIDELINE,
        Assessment,
        BilingualText,
        Case,
        Dataset,
        Finding,
        InconsistencyError,
        KnowledgeBase,
        KnowledgeError,
        Language,
        OsteoError,
        QueryError,
        RefusedCaseError,
        UnreadableCaseError,
        UnwritableError,
        UsageError,
        ValidationReport,
        __version__,
        build_dataset,
        read_case,
    )


def __getattr__(name: str) -> Any:
    """Load what is for everybody once something of it is asked for: a command is stopped tidily from the first."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from osteo_kg import public

    return getattr(public, name)


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
