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
from osteo_kg_server.store.endpoint import Remote
from osteo_kg_server.store.local import LocalStore
from osteo_kg_server.store.remote import RemoteStore

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
    "Remote",
    "RemoteStore",
    "Store",
    "StoreUnavailableError",
    "TooLargeError",
    "Update",
]
