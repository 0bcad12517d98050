"""Whether a response is what a manifest expects."""

from __future__ import annotations

import textwrap
from http import HTTPStatus

from rdflib import Graph
from rdflib.compare import isomorphic

from tests.protocol.manifests import Content, Expected
from tests.support import results
from tests.support.serving import Answer

_CODES = {
    "OK": HTTPStatus.OK,
    "Created": HTTPStatus.CREATED,
    "NoContent": HTTPStatus.NO_CONTENT,
    "NotFound": HTTPStatus.NOT_FOUND,
}
#: A refusal for want of a right says nothing about the request that the test is about.
_WANT_OF_RIGHT = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def check(answer: Answer, expected: Expected, *, base: str) -> None:
    """Compare a response with what is expected of it."""
    assert _status_fits(answer.status, expected.statuses), f"{answer.status}, expected {sorted(expected.statuses)}"
    if answer.status == HTTPStatus.NO_CONTENT:
        return
    if expected.format:
        _check_format(answer, expected, base)
    if "content-type" in expected.headers:
        _check_media(answer, expected.headers["content-type"])
    if expected.body:
        assert isomorphic(results.graph(answer, base), _graph(expected.body, base))


def _status_fits(status: int, wanted: frozenset[str]) -> bool:
    classes = {name[len("StatusCode")] for name in wanted if name.startswith("StatusCode")}
    if str(status)[0] in classes:
        return status not in _WANT_OF_RIGHT
    return status in {_CODES[name] for name in wanted if not name.startswith("StatusCode")}


def _check_format(answer: Answer, expected: Expected, base: str) -> None:
    if expected.format == "boolean":
        value = results.boolean(answer)
        assert expected.boolean in {None, value}
    elif expected.format == "tabular":
        results.table(answer)
    else:
        assert expected.format == "RDF"
        results.graph(answer, base)


def _check_media(answer: Answer, wanted: str) -> None:
    assert answer.media == wanted.partition(";")[0]
    _, _, charset = answer.headers["content-type"].partition("charset=")
    assert charset.strip('"').lower() in {"", "utf-8"}


def _graph(content: Content, base: str) -> Graph:
    return Graph().parse(data=textwrap.dedent(content.characters), format="turtle", publicID=base)
