"""The store behind the service: what is written is kept as written; killable workers answer what is asked."""

from osteo_kg_server.store.base import (
    Answer,
    BusyError,
    Change,
    DeadlineError,
    Limits,
    Load,
    NotOfferedError,
    ProtectedError,
    Query,
    Store,
    StoreUnavailableError,
    TooLargeError,
    Update,
)
from osteo_kg_server.store.local import LocalStore

__all__ = [
    "Answer",
    "BusyError",
    "Change",
    "DeadlineError",
    "Limits",
    "Load",
    "LocalStore",
    "NotOfferedError",
    "ProtectedError",
    "Query",
    "Store",
    "StoreUnavailableError",
    "TooLargeError",
    "Update",
]
