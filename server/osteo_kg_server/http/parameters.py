"""The parameters of a request's query string; one that is misspelt is refused, since it could change an answer."""

from __future__ import annotations

import datetime
import functools
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import request
from werkzeug.exceptions import BadRequest
from werkzeug.sansio.utils import get_current_url

from osteo_kg import DEFAULT_GUIDELINE, Language, UsageError
from osteo_kg.bilingual import LANGUAGES
from osteo_kg.dataset import GRAPH
from osteo_kg_server.http.endpoints import Json, word
from osteo_kg_server.service import QueryService

_AGE = re.compile(r"[0-9]{1,3}")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
#: The parameters of assessments; other views take some of them.
PARAMETERS: dict[str, Json] = {
    "on": word("Day of assessment, such as 2026-11-22; today where it is not given.", format="date"),
    "assume-complete": word("Sections whose emptiness means none: any of fractures,treatments,conditions."),
    "assume-postmenopausal-from": word(
        "In FHIR, the age from which a woman whose menopausal status is not recorded is taken for post-menopausal.",
        pattern="^[0-9]{1,3}$",
    ),
    "language": word("Language of the sentences; by Accept-Language where it is not given.", enum=list(LANGUAGES)),
    "guideline": word("Guideline to apply, by its id."),
    "format": word("Format of the answer, in the place of Accept: any of csv,tsv,json,xml,turtle,jsonld,nt,html."),
}
LANGUAGE = {"language": PARAMETERS["language"]}
#: How an answer is wished for.
WISHES = {name: PARAMETERS[name] for name in ("language", "format")}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the parameters ask for."""

    on: datetime.date
    assume_complete: tuple[str, ...]
    assume_postmenopausal_from: int | None
    guideline: str
    language: Language


def asked(*names: str) -> Asked:
    """Read the parameters of this request, of which these may be given, once each.

    Raises:
        BadRequest: a parameter is unknown, repeated or malformed.
        UsageError: a parameter names what does not exist.
    """
    _only(names)
    complete = request.args.get("assume-complete", "")
    guideline = request.args.get("guideline", DEFAULT_GUIDELINE)
    if not is_name(guideline):
        raise UsageError("The guideline is not named by its id.", advice=f"Name it as {DEFAULT_GUIDELINE}.")
    return Asked(
        on=_day(request.args.get("on")),
        assume_complete=tuple(word.strip() for word in complete.split(",") if word.strip()),
        assume_postmenopausal_from=_age(request.args.get("assume-postmenopausal-from")),
        guideline=guideline,
        language=language(),
    )


def is_name(text: str) -> bool:
    """Say whether a text can be the id of a guideline."""
    return _NAME.fullmatch(text) is not None


def language() -> Language:
    """Give the language asked for by `language`, else by `Accept-Language`, else English.

    Raises:
        BadRequest: there is no such language.
    """
    named = request.args.get("language")
    if named is not None and named not in LANGUAGES:
        raise BadRequest(f"There is no language {named!r}. Name one of: {', '.join(LANGUAGES)}.")
    return _found(named)


def language_or_english() -> Language:
    """Give the language asked for, whatever is wrong with the request."""
    return _found(request.args.get("language"))


def _found(named: str | None) -> Language:
    accepted = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality > 0)
    wanted = named or next((tag for tag in accepted if tag in LANGUAGES), "en")
    return "fr" if wanted == "fr" else "en"


def _only(names: tuple[str, ...]) -> None:
    for name, values in request.args.lists():
        if name not in names:
            raise BadRequest(f"There is no parameter {name!r} here. Use any of: {', '.join(names)}.")
        if len(values) > 1:
            raise BadRequest(f"The parameter {name!r} is given more than once. Give it once.")


def _day(text: str | None) -> datetime.date:
    if text is None:
        return datetime.date.today()
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"{text!r} is not a day. Write it as 2026-11-22.") from error


def _age(text: str | None) -> int | None:
    if text is not None and not _AGE.fullmatch(text):
        raise BadRequest(f"{text!r} is not an age. Write it in years, as 60.")
    return None if text is None else int(text)


# What queries, updates and graphs have in common: parameters read strictly, deadlines, and errors of results.

FORM = "application/x-www-form-urlencoded"
_MOST = 1000  # parameters


class Given:
    """The parameters of one request, those of its address and of its form together."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    def names(self) -> tuple[str, ...]:
        """Give the names of the parameters, each once."""
        return tuple(dict.fromkeys(key for key, _ in self._pairs))

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
    return Given(_in_utf8(request.query_string) + _in_utf8(form))


def fields_of_form() -> list[tuple[str, str]]:
    """Read the fields of the form in the body of this request, in their order.

    Raises:
        BadRequest: they are not text in UTF-8, or far too many.
    """
    return _in_utf8(request.get_data(cache=False))


def _in_utf8(data: bytes) -> list[tuple[str, str]]:
    try:
        return _pairs(data)
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


def seconds(given: Given, service: QueryService) -> float:
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


def base(service: QueryService) -> str:
    """Give the IRI that relative IRIs of a query are resolved against."""
    if not service.settings.scratch:
        return GRAPH
    environ = request.environ
    return _address(environ["wsgi.url_scheme"], request.host, environ["PATH_INFO"])


@functools.lru_cache(64)
def _address(scheme: str, host: str, path: str) -> str:
    """Give the address of this request without its query; most requests of a service have few."""
    return get_current_url(scheme, host, "/", path.encode("latin-1").decode("utf-8", "replace"))


def _pairs(data: bytes) -> list[tuple[str, str]]:
    if not data:
        return []
    return parse_qsl(
        data.decode("utf-8"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=_MOST
    )
