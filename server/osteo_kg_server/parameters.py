"""The parameters of a request's query string; one that is misspelt is refused, since it could change an answer."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from flask import request
from werkzeug.exceptions import BadRequest

from osteo_kg import DEFAULT_GUIDELINE, LANGUAGES, Language, UsageError
from osteo_kg_server.offers import Json, word

_NAME = re.compile(r"[A-Za-z0-9._-]+")
#: The parameters of assessments; other views take some of them.
PARAMETERS: dict[str, Json] = {
    "on": word("Day of assessment, such as 2026-11-22; today where it is not given.", format="date"),
    "assume-complete": word("Sections whose emptiness means none: any of fractures,treatments,conditions."),
    "language": word("Language of the sentences; by Accept-Language where it is not given.", enum=list(LANGUAGES)),
    "guideline": word("Guideline to apply, by its id."),
}
LANGUAGE = {"language": PARAMETERS["language"]}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the parameters ask for."""

    on: datetime.date
    assume_complete: tuple[str, ...]
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
