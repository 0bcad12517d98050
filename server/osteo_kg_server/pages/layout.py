"""What every page has around its content: navigation, where it stands, the other language, and its data.

A template extends `base.html` and is written by `page`. In it, `t("Run", "Exécuter")` gives the words of its language;
`here("/table")` an address of ours that keeps a language that was chosen; `asset("osteo-kg.css")` that of a file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, has_request_context, render_template, request
from jinja2 import pass_context
from jinja2.runtime import Context

from osteo_kg import Language
from osteo_kg.assessment import DISCLAIMER
from osteo_kg.bilingual import BilingualText, typeset
from osteo_kg_server.http.negotiation import PAGE, negotiated
from osteo_kg_server.pages import assets

#: What a page may load: nothing of another origin.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the navigation: its address, and what it is called."""

    path: str
    label: BilingualText


NAVIGATION = (
    Entry("/", BilingualText("A patient", "Une patiente")),
    Entry("/sparql", BilingualText("A question", "Une question")),
    Entry("/table", BilingualText("Decision table", "Table de décision")),
    Entry("/guideline/oic-128-08-b", BilingualText("Guideline", "Recommandation")),
    Entry("/ontology", BilingualText("Ontology", "Ontologie")),
    Entry("/cases", BilingualText("Cases", "Cas")),
    Entry("/search", BilingualText("Search", "Rechercher")),
)


@dataclass(frozen=True, slots=True)
class Crumb:
    """A page above this one: what it is called, and its address."""

    text: str
    path: str


@dataclass(frozen=True, slots=True)
class Alternate:
    """The data of a page in one format: its media type and its address."""

    media: str
    path: str


def page(
    template: str,
    language: Language,
    *,
    title: str,
    crumbs: Sequence[Crumb] = (),
    alternates: Sequence[Alternate] = (),
    **values: Any,
) -> Response:
    """Write a page.

    Args:
        template: name of the template.
        language: that of the page.
        title: what it is called, in the title of the window and as its heading.
        crumbs: the pages above it, from the first.
        alternates: its data, for `link rel=alternate`.
        values: what the template shows.
    """
    text = render_template(template, language=language, title=title, crumbs=crumbs, alternates=alternates, **values)
    response = negotiated(text, PAGE)
    response.headers["Content-Language"] = language
    return response


def register(app: Flask) -> None:
    """Give the templates of an app what all of them use, and every page a policy of what it may load."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        asset=assets.address,
        disclaimer=DISCLAIMER,
        has_asset=assets.exists,
        here=here,
        navigation=NAVIGATION,
        other_language=other_language,
        t=_t,
        typeset=typeset,
    )
    app.after_request(_with_policy)


def here(path: str, **parameters: str) -> str:
    """Give an address of ours with parameters, and with the language where this request chose one."""
    if has_request_context() and "language" in request.args:
        parameters.setdefault("language", request.args["language"])
    if not parameters:
        return path
    return f"{path}{'&' if '?' in path else '?'}{urlencode(parameters)}"


def other_language(language: Language) -> str | None:
    """Give the address of this page in the other language; None where it is not a page that can be asked for again."""
    if not has_request_context() or request.method not in ("GET", "HEAD"):
        return None
    asked = [(name, value) for name, value in request.args.items(multi=True) if name != "language"]
    return f"{request.path}?{urlencode([*asked, ('language', 'en' if language == 'fr' else 'fr')])}"


@pass_context
def _t(context: Context, english: str, french: str) -> str:
    return french if context.get("language") == "fr" else english


def _with_policy(response: Response) -> Response:
    if response.mimetype == PAGE:
        response.headers["Content-Security-Policy"] = POLICY
    return response
