"""How every answer is sent: packed where the client unpacks, with headers that keep browsers careful."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from osteo_kg_server.service import QueryService, query_service, query_service_of

#: What every page of the web may read where no patients are kept: queries, and what an IRI of ours leads to.
OPEN_TO_ALL = re.compile(
    r"/(|sparql|store|table|ontology|search|\.well-known/void|(ns|ontology|guideline|situation|graph|store)/.*)"
)
_ALWAYS_OPEN = "/ontology/context.jsonld"
_ALWAYS_ANSWERED = ("/health", "/ready")  # asked by address, and about no patient
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_WORTH_PACKING = 1024  # bytes
_OFTEN_EMPTY = (201, 204, 304)
_LEVEL = 3  # of compression: little work for most of the gain
SAFE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
Headers = list[tuple[str, str]]
_CORS: Headers = [
    ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, DELETE, OPTIONS"),
    ("Access-Control-Allow-Headers", "Accept, Accept-Language, Authorization, Content-Type, If-Match, If-None-Match"),
    ("Access-Control-Expose-Headers", "ETag, Location, Retry-After, Warning, X-Request-Id"),
    ("Access-Control-Max-Age", "86400"),
]
_CORS_FOR_ALL: Headers = [("Access-Control-Allow-Origin", "*"), *_CORS]


class App(Flask):
    """An app of which no view is asynchronous."""

    def __init__(self, name: str, **more: Any) -> None:
        super().__init__(name, **more)
        self.url_map.merge_slashes = False

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Leave a function as it is; looking at each one for every request takes longer than many of them."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Look a path up without a look at what the service is called: no route depends on that."""
        if request is None:
            return super().create_url_adapter(None)
        environ = request.environ
        return MapAdapter(
            self.url_map,
            environ.get("HTTP_HOST") or environ["SERVER_NAME"],
            environ.get("SCRIPT_NAME", "/"),
            "",
            environ["wsgi.url_scheme"],
            request.path,
            request.method,
            environ.get("QUERY_STRING", ""),
        )


class InMemory(Request):
    """A request of which no file of a form touches the disk: these are about patients."""

    def _get_file_stream(self, *_: object, **__: object) -> io.BytesIO:
        return io.BytesIO()


def register(app: Flask) -> None:
    """Send every answer of the app this way, errors included."""
    serving = query_service_of(app)
    most = serving.settings.limits.upload_bytes
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = most
    app.request_class = InMemory
    app.before_request(_called_by_its_name)
    app.after_request(_packed)
    app.wsgi_app = _careful(app.wsgi_app, serving)  # type: ignore[method-assign,assignment]  # Flask has it so


class MisdirectedRequest(HTTPException):
    """The name in `Host` is none of this service: a page of another site may have had it point here."""

    code = HTTPStatus.MISDIRECTED_REQUEST.value


def _called_by_its_name() -> None:
    """Refuse a name that is not ours, where nothing else would keep another site's page from reading patients."""
    serving = query_service()
    if not serving.may_keep_patients or serving.settings.private or request.path in _ALWAYS_ANSWERED:
        return
    name = _host_name(f"//{request.headers.get('Host', '')}")
    own = _host_name(serving.settings.public_url or "")
    if not name or not {name, f"[{name}]"} & {*(serving.settings.allowed_hosts or _LOOPBACK), own}:
        raise MisdirectedRequest(
            "This service is not known by the name in Host. Whoever runs it names those that clients use with"
            " --allowed-hosts, or as --public-url; or has reading want a token, with --private."
        )


def _host_name(address: str) -> str | None:
    """Give the name of the host of an address; None where it has none, or is no address."""
    try:
        return urlsplit(address).hostname
    except ValueError:  # a bracket that is not closed
        return None


def _careful(answering: WSGIApplication, serving: QueryService) -> WSGIApplication:
    """Have every answer carry the headers that keep browsers careful; most are the same each time."""

    def answered(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: Headers, *error: Any) -> Any:
            given = {name for name, _ in headers}
            headers += [(name, value) for name, value in SAFE.items() if name not in given]
            headers += _for_other_sites(serving, environ, headers)
            return start_response(status, headers, *error)

        return answering(environ, start)

    return answered


def _for_other_sites(serving: QueryService, environ: WSGIEnvironment, headers: Headers) -> Headers:
    """Give what lets pages of other sites read an answer, where they may."""
    path, allowed = environ["PATH_INFO"], serving.settings.cors_origins
    if path == _ALWAYS_OPEN or (OPEN_TO_ALL.fullmatch(path) and not serving.may_keep_patients):
        return _CORS_FOR_ALL
    if not allowed:
        return []
    _vary_by_origin(headers)  # else a cache hands a page of one site what was meant for another
    origin = environ.get("HTTP_ORIGIN")
    return [("Access-Control-Allow-Origin", origin), *_CORS] if origin in allowed else []


def _vary_by_origin(headers: Headers) -> None:
    varied = [value for name, value in headers if name == "Vary"]
    headers[:] = [(name, value) for name, value in headers if name != "Vary"]
    headers.append(("Vary", ", ".join([*varied, "Origin"])))


def _packed(response: Response) -> Response:
    """Pack what is long enough; a long result is packed while it is sent."""
    if response.status_code in _OFTEN_EMPTY and not response.is_streamed and not response.get_data():
        response.headers.pop("Content-Type", None)
    environ = request.environ
    if environ["REQUEST_METHOD"] == "HEAD" or "HTTP_ACCEPT_ENCODING" not in environ:
        return response
    length: int | None = response.content_length
    if (length is not None and length < _WORTH_PACKING) or response.status_code in (204, 304):
        return response
    if request.accept_encodings["gzip"] <= 0:
        return response
    response.headers["Content-Encoding"] = "gzip"
    tag, _ = response.get_etag()
    if tag:
        response.set_etag(tag, weak=True)
    if response.is_streamed:
        response.response = _bit_by_bit(response.iter_encoded(), response.response)
    else:
        packing = zlib.compressobj(_LEVEL, wbits=31)
        response.set_data(packing.compress(response.get_data()) + packing.flush())
    return response


def _bit_by_bit(parts: Iterable[bytes], source: object) -> Iterator[bytes]:
    packing = zlib.compressobj(_LEVEL, wbits=31)
    try:
        for part in parts:
            yield packing.compress(part)
        yield packing.flush()
    finally:
        if isinstance(source, Generator):
            source.close()
