"""Every error that the library raises on purpose.

::

    OsteoError
    ├── UnreadableCaseError   the input is not a case in any format we read
    ├── RefusedCaseError      the case was read, and the shapes refuse it (`case/report.py`, beside its report)
    ├── KnowledgeError        the ontology or the shapes are at fault
    │   └── InconsistencyError  ... because OWL finds a contradiction in them
    ├── IncompleteRunError    patients would be lost: nothing was written
    ├── UnfinishedRunError    room, rights or memory gave out, or another run has the output: nothing was written
    ├── UnwritableError       a format cannot hold what is to be written
    └── UsageError            the caller asked for something that does not exist
"""

from __future__ import annotations


class OsteoError(Exception):
    """What is wrong, as a sentence, and what to do about it.

    Args:
        message: what is wrong, and where.
        advice: what to do.
    """

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".strip()


class UnreadableCaseError(OsteoError):
    """The input cannot be read as cases: its syntax, format or encoding is wrong, or it holds no patient."""


class KnowledgeError(OsteoError):
    """The ontology, the shapes or a guideline cannot be used as they stand."""


class InconsistencyError(KnowledgeError):
    """OWL 2 RL derives a contradiction from the knowledge and a case together."""


class UsageError(OsteoError):
    """The caller named a guideline, a section or an option that does not exist."""


class IncompleteRunError(OsteoError):
    """What went in would not all come out: a patient would be neither decided, nor refused, nor named."""


class UnfinishedRunError(OsteoError):
    """A run could not go on for want of room, rights, memory or an engine, or while another run has its output."""


class UnwritableError(OsteoError):
    """What is to be written holds what its format cannot: it is not written, since it would not read back."""
