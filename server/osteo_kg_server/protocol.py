"""What queries, updates and graphs have in common: parameters read strictly, deadlines, and errors of results."""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask import request
from werkzeug.exceptions import BadRequest

from osteo_kg import GRAPH
from osteo_kg_server.service import Service

FORM = "application/x-www-form-urlencoded"
_MOST = 1000  # parameters


class Given:
    """The parameters of one request, those of its address and of its form together."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def all(self, name: str) -> tuple[str, ...]:
        """Give every value of a parameter."""
        return tuple(value for key, value in self._pairs if key == name)

    def one(self, name: str) -> str | None:
        """Give the only value of a parameter, or None.

        Raises:
            BadRequest: it is given more than once.
        """
        values = self.all(name)
        if len(values) > 1:
            raise BadRequest(f"The parameter {name!r} is given more than once. Give it once.")
        return values[0] if values else None

    def graphs(self, name: str) -> tuple[str, ...] | None:
        """Give the graphs that a parameter names, or None where it names none.

        Raises:
            BadRequest: one of them is not an absolute IRI.
        """
        return tuple(checked_iri(value) for value in self.all(name)) or None

    def only(self, *names: str) -> None:
        """Refuse parameters that are not understood: one that is misspelt could change an answer.

        Raises:
            BadRequest: there is one.
        """
        for key, _ in self._pairs:
            if key not in names:
                raise BadRequest(f"There is no parameter {key!r} here. Use any of: {', '.join(names)}.")


def given(form: bytes = b"") -> Given:
    """Read the parameters of this request's address, and of its form.

    Raises:
        BadRequest: they are not text in UTF-8, or far too many.
    """
    try:
        return Given(_pairs(request.query_string) + _pairs(form))
    except ValueError as error:
        raise BadRequest(
            f"The parameters are not text in UTF-8, or more than {_MOST}. Percent-encode them, or send fewer."
        ) from error


def checked_iri(text: str) -> str:
    """Give an absolute IRI.

    Raises:
        BadRequest: it is none.
    """
    scheme, colon, _ = text.partition(":")
    if (
        not colon
        or not scheme.isascii()
        or not scheme[:1].isalpha()
        or any(c in '<>"{}|^`\\' or c <= " " for c in text)
    ):
        raise BadRequest("A graph is not named by an absolute IRI. Write it in full, such as urn:example:graph.")
    return text


def seconds(given: Given, service: Service) -> float:
    """Give the deadline of this request: what the service allows, or less where `timeout` says so.

    Raises:
        BadRequest: `timeout` is not a number of seconds.
    """
    most, wanted = service.settings.limits.seconds, given.one("timeout")
    try:
        asked = most if wanted is None else float(wanted)
    except ValueError:
        asked = -1.0
    if not 0 < asked < float("inf"):
        raise BadRequest("The timeout is not a number of seconds. Write it as 5 or 0.5.")
    return min(asked, most)


def base(service: Service) -> str:
    """Give the IRI that relative IRIs of a query are resolved against."""
    return request.base_url if service.settings.scratch else GRAPH


def _pairs(data: bytes) -> list[tuple[str, str]]:
    return parse_qsl(
        data.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=_MOST
    )
