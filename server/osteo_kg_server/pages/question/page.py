"""The page of a question: the editor with what was asked in it, and below it the answer, or why there is none."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from werkzeug.exceptions import BadRequest, NotFound

from osteo_kg import Language, OsteoError
from osteo_kg.bilingual import BilingualText
from osteo_kg.rdf import XSD, ResultKind
from osteo_kg_server.http import problems
from osteo_kg_server.http.endpoints import Json, word
from osteo_kg_server.http.negotiation import FORMATS
from osteo_kg_server.http.parameters import Given, language_or_english
from osteo_kg_server.pages.knowledge.index import index
from osteo_kg_server.pages.knowledge.links import link_to
from osteo_kg_server.pages.layout import Alternate, Crumb, page
from osteo_kg_server.pages.question.bar_chart import Chart, counted, drawn
from osteo_kg_server.pages.question.editor import examples
from osteo_kg_server.service import service

PATH = "/sparql"
#: What the address of a page may say beside what the protocol has.
PARAMETERS: dict[str, Json] = {
    "question": word("A question that comes with the service, by its name, in the place of a query."),
    "first": word("In a page, the row that it begins with, counted from 1.", pattern="^[1-9][0-9]{0,7}$"),
}
_FIRST = re.compile(PARAMETERS["first"]["schema"]["pattern"])
_TITLE = BilingualText("A question", "Une question")
_ANSWER = BilingualText("Answer", "Réponse")
_NOT_ANSWERED = BilingualText("This question is not answered", "Cette question reste sans réponse")
_TO_BEGIN_WITH = """PREFIX osteo: <https://w3id.org/osteo-kg/ns/>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>

# What does the guideline decide for each patient?
SELECT ?patient ?decision
WHERE {
  ?assessment osteo:assesses ?patient ;
    osteo:hasDisposition ?decision .
}
ORDER BY ?patient
"""
_DOWNLOADS: Mapping[ResultKind, tuple[tuple[str, str], ...]] = {
    "solutions": (("CSV", "csv"), ("TSV", "tsv"), ("JSON", "json"), ("XML", "xml")),
    "boolean": (("JSON", "json"), ("XML", "xml")),
    "graph": (("Turtle", "turtle"), ("JSON-LD", "jsonld"), ("N-Triples", "nt"), ("RDF/XML", "xml")),
}
_COLUMNS_OF_A_GRAPH = tuple(
    BilingualText(*each) for each in (("subject", "sujet"), ("predicate", "prédicat"), ("object", "objet"))
)
_NUMBERS = frozenset(XSD[name].value for name in ("integer", "decimal", "double", "float"))
_OF_THE_PAGE = ("format", "output", "first")
_OF_THE_DATASET = ("language", "default-graph-uri", "named-graph-uri", "timeout")


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one place of a table: its text, where it leads, its language, and whether it is a number."""

    text: str
    href: str | None = None
    language: str | None = None
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Download:
    """The whole answer in one format: what the format is called, its short name, its media type, and its address."""

    label: str
    format_name: str
    media: str
    path: str


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one page of an answer.

    Attributes:
        names: what the columns are called.
        rows: the cells.
        first: the place of the first row, counted from 0.
        total: how many rows were counted.
        is_total: whether these are all.
        before: the row that the page before this one begins with, counted from 1.
        after: that of the page after this one.
    """

    names: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    first: int
    total: int
    is_total: bool
    before: int | None
    after: int | None


def named(asked: Given) -> tuple[str, ...]:
    """Give the text of the question that a request names; none where it names none.

    Raises:
        NotFound: there is no question of this name.
    """
    name = asked.one("question")
    if name is None:
        return ()
    if name not in examples():
        raise NotFound("There is no question of this name. The page /sparql lists those that there are.")
    return (examples()[name].text,)


def first_row(asked: Given) -> int:
    """Give the row that a page is to begin with, counted from 0.

    Raises:
        BadRequest: it is no such number.
    """
    text = asked.one("first") or "1"
    if not _FIRST.fullmatch(text):
        raise BadRequest("The first row is not a number from 1 on. Write it as 1001.")
    return int(text) - 1


def asking() -> Response:
    """Show the editor with a question to begin with."""
    spoken = language_or_english()
    return _page(spoken, _TITLE.get(spoken), _TO_BEGIN_WITH)


def answered(query: str, kind: ResultKind, told: bytes, warnings: Sequence[str]) -> Response:
    """Show an answer below its question.

    Args:
        query: the question.
        kind: what kind of answer it is.
        told: what a page shows of it (`osteo_kg.rdf.page_of`), in JSON.
        warnings: what is odd about the question.
    """
    result, spoken = json.loads(told), language_or_english()
    table = None if kind == "boolean" else _table(result, kind, spoken)
    downloads = tuple(_downloads(kind))
    name = request.args.get("question")
    title = examples()[name].sentence if name in examples() else _ANSWER
    return _page(
        spoken,
        title.get(spoken),
        query,
        alternates=[Alternate(each.media, each.path) for each in downloads] if _is_in_address() else (),
        answer={
            "boolean": result.get("boolean"),
            "table": table,
            "chart": _chart(table, query) if table else None,
            "downloads": downloads,
            "is_in_address": _is_in_address(),
            "page_path": _page_path,
        },
        warnings=warnings,
    )


def refused(error: OsteoError, query: str) -> Response:
    """Show why there is no answer, beside the question."""
    document, headers = problems.told(error)
    spoken = language_or_english()
    response = _page(spoken, _NOT_ANSWERED.get(spoken), query, problem=document)
    response.status_code = document["status"]
    response.headers.update({**headers, "Cache-Control": "no-store"})
    return response


def _page(spoken: Language, title: str, query: str, **values: Any) -> Response:
    method = "post" if service().may_keep_patients else "get"
    kept = [(name, value) for name, value in request.args.items(multi=True) if name in _OF_THE_DATASET]
    response = page(
        "question.html",
        spoken,
        title=title,
        crumbs=[Crumb(_TITLE.get(spoken), PATH)] if values else (),
        query=query,
        method=method,
        kept=kept if method == "get" else (),
        action=PATH if method == "get" else _address((), kept),
        examples=sorted(examples().values(), key=lambda each: each.sentence.get(spoken)),
        **values,
    )
    if not _is_in_address():
        response.headers["Cache-Control"] = "no-store"
    return response


def _is_in_address() -> bool:
    return request.method in ("GET", "HEAD")


def _downloads(kind: ResultKind) -> Iterator[Download]:
    asked = [(name, value) for name, value in request.args.items(multi=True) if name not in _OF_THE_PAGE]
    for label, name in _DOWNLOADS[kind]:
        media = FORMATS[name][-1 if kind == "graph" else 0]
        yield Download(label, name, media, _address(asked, [("format", name)]))


def _page_path(first: int) -> str:
    """Give the address of the page that begins with a row, counted from 1."""
    asked = [(name, value) for name, value in request.args.items(multi=True) if name != "first"]
    return _address(asked, [("first", str(first))])


def _address(*pairs: Sequence[tuple[str, str]]) -> str:
    together = [each for some in pairs for each in some]
    return f"{PATH}?{urlencode(together)}" if together else PATH


def _table(result: Mapping[str, Any], kind: ResultKind, spoken: Language) -> Table:
    names = [each.get(spoken) for each in _COLUMNS_OF_A_GRAPH] if kind == "graph" else result["names"]
    first, size, links = result["first"], result["size"], functools.cache(lambda iri: _link(iri, spoken))
    return Table(
        names=tuple(names),
        rows=tuple(tuple(_cell(term, spoken, links) for term in row) for row in result["rows"]),
        first=first,
        total=result["total"],
        is_total=result["is_total"],
        before=max(first - size, 0) + 1 if first else None,
        after=first + size + 1 if result["more"] else None,
    )


def _cell(term: Mapping[str, str] | None, spoken: Language, links: Callable[[str], Cell]) -> Cell:
    if term is None:
        return Cell("")
    if "iri" in term:
        return links(term["iri"])
    language = term.get("language")
    return Cell(term["text"], None, language if language != spoken else None, term.get("type") in _NUMBERS)


def _link(iri: str, spoken: Language) -> Cell:
    link = link_to(index(), iri, spoken)
    return Cell(link.text, link.href)


def _chart(table: Table, query: str) -> Chart | None:
    if table.first or table.after or not table.is_total:
        return None
    return drawn(table.names, [[cell.text for cell in row] for row in table.rows], counted(query))
