"""The store behind the service: what is written is kept as written; killable workers answer what is asked."""

from osteo_kg_server.errors import (
    BusyError,
    DeadlineError,
    NotOfferedError,
    ProtectedError,
    StoreUnavailableError,
    TooLargeError,
)
from osteo_kg_server.settings import Limits
from osteo_kg_server.store.base import Change, Load, Queries, Query, Store, StoreAnswer, Update
from osteo_kg_server.store.local import LocalStore
from osteo_kg_server.store.remote import RemoteStore
from osteo_kg_server.store.remote_endpoint import Remote

__all__ = [
    "BusyError",
    "Change",
    "DeadlineError",
    "Limits",
    "Load",
    "LocalStore",
    "NotOfferedError",
    "ProtectedError",
    "Queries",
    "Query",
    "Remote",
    "RemoteStore",
    "Store",
    "StoreAnswer",
    "StoreUnavailableError",
    "TooLargeError",
    "Update",
]
