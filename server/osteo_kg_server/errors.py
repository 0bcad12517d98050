"""Every error that the server raises on purpose, beside those of the library.

::

    OsteoError
    ├── DeadlineError          a query or an update was stopped
    ├── TooLargeError          a text, an upload or a result is larger than is allowed
    ├── BusyError              all workers are taken
    ├── ProtectedError         a write would change what is read only
    ├── NotOfferedError        the result has none of the formats accepted
    └── StoreUnavailableError  the store does not answer
"""

from __future__ import annotations

from osteo_kg import OsteoError
from osteo_kg.rdf import ResultKind


class DeadlineError(OsteoError):
    """A query or an update was stopped at its deadline."""


class TooLargeError(OsteoError):
    """A text, an upload, a result or the memory for it is larger than is allowed."""


class BusyError(OsteoError):
    """All workers are taken, and stayed so for as long as a client waits."""


class ProtectedError(OsteoError):
    """A write would change a graph that is read only."""


class NotOfferedError(OsteoError):
    """The result is of a kind that has none of the formats accepted.

    Args:
        kind: the kind of the result, which says what could be accepted.
    """

    def __init__(self, kind: ResultKind) -> None:
        super().__init__(f"A result of kind {kind} is not offered in any format accepted.", advice="Accept another.")
        self.kind = kind


class StoreUnavailableError(OsteoError):
    """The store cannot be opened, or does not answer."""
