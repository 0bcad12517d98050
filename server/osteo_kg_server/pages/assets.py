"""The files of the pages: our own style and scripts, and those of others that the build fetched."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from osteo_kg_server.http.endpoints import endpoint, word
from osteo_kg_server.http.negotiation import content_type

FOLDER = Path(__file__).with_name("static")
_YEAR = 31_536_000  # seconds; the address of a file holds its digest, and so never means another
_MEDIA = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
blueprint = Blueprint("assets", __name__)


@blueprint.get("/static/<path:name>")
@endpoint(None, {200: _MEDIA.values(), 304: ()}, parameters={"v": word("The digest of the file.")})
def file(name: str) -> Response:
    """Give a style, a script or a picture of the pages."""
    media = _MEDIA.get(Path(name).suffix)
    if media is None or ".." in name or not exists(name):
        raise NotFound("There is no such file of the pages.")
    response = Response(_content(name), content_type=content_type(media))
    response.headers["Cache-Control"] = f"public, max-age={_YEAR if 'v' in request.args else 0}"
    response.headers["Vary"] = "Accept-Encoding"
    return response


def exists(name: str) -> bool:
    """Say whether there is a file, such as `vendor/htmx.min.js`: those of others may not have been fetched."""
    return (FOLDER / name).is_file()


@functools.cache
def address(name: str) -> str:
    """Give the address of a file, which changes with its content."""
    return f"/static/{name}?v={hashlib.sha256(_content(name)).hexdigest()[:12]}"


@functools.cache
def _content(name: str) -> bytes:
    return (FOLDER / name).read_bytes()
