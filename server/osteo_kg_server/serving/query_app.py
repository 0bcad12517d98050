"""The part of the app that answers queries, as workers have it: the result is written where it is found.

What is no short answer to a query is left to the service: its pages, its errors, and all that needs a file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from osteo_kg.rdf import ResultKind
from osteo_kg_server.auth import Access
from osteo_kg_server.http import endpoints, responses
from osteo_kg_server.http.negotiation import PAGE
from osteo_kg_server.service import QueryService
from osteo_kg_server.serving.bridge import Answer, ForAWorker, set_body, wsgi_environment
from osteo_kg_server.settings import Settings
from osteo_kg_server.store import LocalStore, Query, StoreAnswer
from osteo_kg_server.store.query_guard import evaluation
from osteo_kg_server.views import sparql

_PATH, _OK = sparql.PATH.encode(), 200
_SHORT = 1 << 14  # bytes
_HEADERS = [(b"host", b"localhost"), (b"accept", b"*/*"), (b"accept-encoding", b"gzip")]
_QUERY = b"query=ASK%7B%7D"
#: What a worker is told of a request.
_ANY = {
    "method": "GET",
    "raw_path": _PATH,
    "query_string": _QUERY,
    "http_version": "1.1",
    "headers": _HEADERS,
    "server": ("localhost", 80),
    "client": ("localhost", 80),
}
#: What differs where a query is sent in another way, and the body.
_EVERY_WAY = (
    ({}, b""),
    *(
        ({"method": "POST", "query_string": b"", "headers": [*_HEADERS, (b"content-type", media.encode())]}, _QUERY)
        for media in sparql.BODIES
    ),
)
#: The headers that an answer to a query depends on.
_READ = frozenset(
    b"host accept accept-encoding accept-language origin"
    b" content-type content-length content-encoding transfer-encoding".split()
)
#: What only the service answers: pages, and that nothing has changed.
_OF_THE_SERVICE = (b"if-none-match", b"if-modified-since")


class Evaluate(Protocol):
    """Evaluates a query on an index."""

    def names(self) -> list[str]:
        """Give the names of the graphs."""

    def __call__(self, request: dict[str, Any]) -> tuple[ResultKind, bytes]:
        """Give the kind of a result, and the result as it is written."""


class _Anything:
    """Answers any query by something so long that it is packed."""

    def names(self) -> list[str]:
        return []

    def __call__(self, request: dict[str, Any]) -> tuple[ResultKind, bytes]:
        return "boolean", bytes(1 << 12)


@dataclass(frozen=True)
class QueryApp:
    """Answers queries in a worker.

    Attributes:
        settings: what of the settings an answer to a query depends on, and nothing secret.
        terms: the IRIs of the terms of our vocabulary; none where no knowledge is served.
    """

    settings: Settings
    terms: frozenset[str]

    @classmethod
    def of(cls, serving: QueryService) -> QueryApp:
        """Give the app that answers as a service does."""
        settings = serving.settings
        known = Settings(
            limits=settings.limits,
            scratch=settings.scratch,
            public_url=settings.public_url,
            cors_origins=settings.cors_origins,
            allowed_hosts=settings.allowed_hosts,
        )
        return cls(known, serving.terms)

    def prepare(self) -> None:
        """Load all that is needed, by answering once in every way: a worker opens no file."""
        for given, body in _EVERY_WAY:
            asked = {"scope": {**_ANY, **given}, "body": body, "generation": "", "may_keep_patients": True}
            self(asked, _Anything())

    def __call__(self, request: dict[str, Any], evaluate: Evaluate) -> tuple[int, bytes, bytes] | None:
        """Give status, head and body of an answer; None where it is for the service to answer.

        Args:
            request: what came by HTTP (`scope`, as ASGI has it, and `body`), the name of the content (`generation`),
                and whether patients may be kept here (`may_keep_patients`).
            evaluate: evaluates a query.
        """
        serving, app = self._parts
        serving.keeps_patients = request["may_keep_patients"]
        serving.store = _Index(self.settings, request["generation"], evaluate)
        environment, body = wsgi_environment(request["scope"]), request["body"]
        if body:
            set_body(environment, len(body), body)
        answer = Answer(app, environment)
        try:
            answer.begin()
        except Exception:  # it arises again in the service, which tells of it
            return None
        return (answer.status, answer.head, answer.body) if answer.body is not None and answer.status == _OK else None

    @functools.cached_property
    def _parts(self) -> tuple[_Serving, responses.App]:
        serving = _Serving(self.settings, Access(self.settings), _Index(self.settings, "", _Anything()), self.terms)
        app = responses.App(__name__, static_folder=None)
        app.config["PROPAGATE_EXCEPTIONS"] = True
        app.extensions["osteo_kg"] = serving
        app.register_blueprint(sparql.blueprint)
        endpoints.register(app)
        responses.register(app)
        return serving, app


def choice(serving: QueryService) -> Callable[[Any, bytes], ForAWorker | None]:
    """Give what tells of a request, by its scope as ASGI has it and its body, whether a worker may answer it.

    A worker knows no tokens, logs nothing, and draws no page.
    """
    store, settings = serving.store, serving.settings
    if not isinstance(store, LocalStore) or settings.private or settings.log_queries:
        return lambda *_: None
    store.answer_with(QueryApp.of(serving))

    def chosen(scope: Any, body: bytes) -> ForAWorker | None:
        if scope["raw_path"] != _PATH or not _is_short_query(scope, body):
            return None
        told = {name: scope[name] for name in _ANY}
        told["headers"] = [(name, value) for name, value in scope["headers"] if name in _READ]
        asked = {"scope": told, "body": body, "may_keep_patients": serving.may_keep_patients}
        return ForAWorker(store, asked, sparql.PATH)

    return chosen


def _is_short_query(scope: Any, body: bytes) -> bool:
    """Say whether there is a query, in few enough bytes that a worker takes them at once, and for no browser."""
    method, parameters, size = scope["method"], scope["query_string"], len(body)
    if not (method == "POST" if body else method == "GET" and b"query=" in parameters) or b"html" in parameters:
        return False
    for name, value in scope["headers"]:
        if name in _OF_THE_SERVICE or (name == b"accept" and b"html" in value):
            return False
        size += len(value)
    return size + len(parameters) <= _SHORT


class _Serving(QueryService):
    """What the view has in a worker."""

    keeps_patients = False

    @property
    def may_keep_patients(self) -> bool:
        return self.keeps_patients


class _LeftError(Exception):
    """The service is to answer."""


class _Index:
    """The index that the worker holds, as a view asks it."""

    def __init__(self, settings: Settings, generation: str, evaluate: Evaluate) -> None:
        self._settings, self._evaluate = settings, evaluate
        self.generation = generation

    def query(self, query: Query) -> StoreAnswer:
        """Answer a query."""
        if PAGE in query.formats.values():
            raise _LeftError
        names = None if self._settings.scratch else self._evaluate.names
        request = evaluation(query, self._settings.limits, names)
        kind, result = self._evaluate(request)
        return StoreAnswer(kind, request["formats"][kind], result, generation=self.generation)
