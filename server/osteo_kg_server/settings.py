"""What whoever runs the service decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may use.

    Attributes:
        seconds: time of one query or update, the sending of its result included.
        rows: solutions of one result.
        result_bytes: bytes of one result.
        memory_bytes: memory that a worker may take beside the dataset.
        query_bytes: bytes of the text of one query.
        upload_bytes: bytes of the body of one request, after decompression.
        depth: how deep brackets may stand in one another in a text.
        workers: queries and updates at once.
        wait_seconds: how long a request waits for a worker.
    """

    seconds: float = 30.0
    rows: int = 10_000_000
    result_bytes: int = 2 << 30
    memory_bytes: int = 2 << 30
    query_bytes: int = 1 << 20
    upload_bytes: int = 64 << 20
    depth: int = 100
    workers: int = 12
    wait_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one service.

    Attributes:
        limits: what one client may use.
        store: a folder to keep what is written in, or the address of a SPARQL store; None for memory only.
        store_update: the address for updates of a SPARQL store; by that for queries when None.
        store_user: the name that a SPARQL store wants.
        store_password: the password that goes with it.
        scratch: serve an empty dataset, wholly writable, with the standard default graph.
        public_url: the address under which clients know the service; that of the request when None.
        update_token: a token that may write.
        tokens: a file of tokens with their rights, read again whenever it changes.
        cds_clients: a file of the clients of CDS Hooks with their public keys; all may call when None.
        fhir_servers: the addresses of the FHIR servers that a hook may have called.
        optional_prefetch: the keys or groups of the prefetch of a hook that may be missing, or `all`.
        assume_postmenopausal_from: in hooks, the age from which a woman whose menopausal status is not recorded is
            taken for post-menopausal; never when None.
        private: whether reading wants a token too.
        cors_origins: sites whose pages may use every path; where no patients are kept, queries are open to all.
        allowed_hosts: the names that clients may call the service by, where patients are kept and reading wants no
            token; those of this machine's own when empty.
        log_queries: whether the log holds the text of queries.
    """

    limits: Limits = field(default_factory=Limits)
    store: str | None = None
    store_update: str | None = None
    store_user: str | None = None
    store_password: str | None = field(default=None, repr=False)
    scratch: bool = False
    public_url: str | None = None
    update_token: str | None = None
    tokens: Path | None = None
    cds_clients: Path | None = None
    fhir_servers: tuple[str, ...] = ()
    optional_prefetch: tuple[str, ...] = ()
    assume_postmenopausal_from: int | None = None
    private: bool = False
    cors_origins: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    log_queries: bool = False
