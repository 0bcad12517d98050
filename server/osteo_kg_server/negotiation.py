"""Media types: what is offered against what is accepted, and what a body is."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import NotAcceptable, UnsupportedMediaType

#: Media types of graphs, with the format each is written in; the first is what a caller without wishes gets.
GRAPHS = {
    "text/turtle": "turtle",
    "application/n-triples": "ntriples",
    "application/ld+json": "jsonld",
    "application/rdf+xml": "rdfxml",
}
#: Media types of cases, with the reader of each.
CASES = {**GRAPHS, "application/json": "json", "text/csv": "csv"}


def best(offered: Mapping[str, str]) -> str:
    """Give the media type that the caller likes best; of equals the one offered first.

    Raises:
        NotAcceptable: the caller accepts none.
    """
    if not request.accept_mimetypes:
        return next(iter(offered))
    bare = MIMEAccept([(media.partition(";")[0].strip(), quality) for media, quality in request.accept_mimetypes])
    found = max(offered, key=bare.quality)
    if bare.quality(found) <= 0:
        raise NotAcceptable(f"None of the accepted types is offered. Accept one of: {', '.join(offered)}.")
    return found


def negotiated(body: str | bytes, media: str) -> Response:
    """Answer with a body of the media type that was chosen."""
    content_type = f"{media}; charset=utf-8" if media.startswith("text/") else media
    response = Response(body, content_type=content_type)
    response.headers["Vary"] = "Accept, Accept-Language"
    if media == "text/html":
        response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    return response


def body_format(readers: Mapping[str, str]) -> str:
    """Give the reader for the body of this request.

    Raises:
        UnsupportedMediaType: there is none for its type, or the body is compressed.
    """
    if request.content_encoding not in (None, "", "identity"):
        raise UnsupportedMediaType("A compressed body is not read. Send it as it is.")
    if request.mimetype not in readers:
        raise UnsupportedMediaType(
            f"A body of type {request.mimetype or 'unknown'} is not read here. Send one of: {', '.join(readers)}."
        )
    return readers[request.mimetype]
