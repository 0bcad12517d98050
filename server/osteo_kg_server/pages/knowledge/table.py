"""`/table`: the decision table in words, filtered by each fact, each row with its rule and its situations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify
from werkzeug.exceptions import BadRequest

from osteo_kg import DEFAULT_GUIDELINE, Language, UsageError
from osteo_kg.bilingual import shown_count
from osteo_kg.decision_table import csv_lines, situation_triples
from osteo_kg.rdf import GUIDELINE, OSTEO, SITUATION
from osteo_kg.reasoning import Answer, Key
from osteo_kg_server.http.endpoints import Json, endpoint, word
from osteo_kg_server.http.negotiation import PAGE, best, negotiated, written_in
from osteo_kg_server.http.parameters import PARAMETERS, WISHES, Given, given, is_name, language
from osteo_kg_server.pages.knowledge.decision_tables import CoveredRow, DecisionTable, decision_table
from osteo_kg_server.pages.knowledge.index import index
from osteo_kg_server.pages.knowledge.links import Link, link_to, name_of
from osteo_kg_server.pages.knowledge.situation import TABLE_CRUMB, SituationWords
from osteo_kg_server.pages.layout import Alternate, here, page
from osteo_kg_server.service import service

_ON_A_PAGE = 25
_CSV, _JSON, _TURTLE = "text/csv", "application/json", "text/turtle"
_FACTS: Json = {
    "description": "For each fact by its key, such as t_score, the value that its situations are to hold.",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}, "maxProperties": 0},
    "style": "form",
    "explode": True,
}
_OWN = {
    "row": word("Number of a row of the table, whose situations are to be listed.", pattern="^[0-9]{1,4}$"),
    "page": word("Page of the list of situations, from 1.", pattern="^[0-9]{1,6}$"),
    "guideline": PARAMETERS["guideline"],
    **WISHES,
}
blueprint = Blueprint("table", __name__)


@dataclass(frozen=True, slots=True)
class Filter:
    """What may be chosen of one fact: its key, its name, the settled values and the others, each with its words."""

    key: str
    name: str
    settled: tuple[tuple[str, str], ...]
    others: tuple[tuple[str, str], ...]
    chosen: str


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row in words.

    Attributes:
        values: what it says of each fact that rules rest on.
        options: the options that it lists, each with its line and conditions.
        count: how many settled situations what was chosen leaves of it.
        situations: where these are listed.
    """

    number: int
    values: tuple[str, ...]
    disposition: Link
    strength: str
    options: tuple[tuple[Link, str], ...]
    rule: Link
    count: int
    situations: str


@dataclass(frozen=True, slots=True)
class ShownSituation:
    """One situation on a line: what is known in it, and what follows."""

    link: Link
    headline: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a request asks of the table."""

    guideline: str
    chosen: Mapping[str, str]
    row: int | None
    page: int


@blueprint.get("/table")
@endpoint("read", {200: [PAGE, _CSV, _JSON, _TURTLE]}, parameters={"facts": _FACTS, **_OWN})
def table() -> Response:
    """Show the decision table of a guideline: its rows, and every situation a page at a time."""
    parameters = given()
    asked, media, spoken, serving = _asked(parameters), best([PAGE, _CSV, _JSON, _TURTLE]), language(), service()
    with serving.lock:
        return _View(decision_table(serving, asked.guideline), asked, spoken).response(media)


def _asked(parameters: Given) -> _Asked:
    guideline = parameters.one("guideline") or DEFAULT_GUIDELINE
    if not is_name(guideline):
        raise UsageError("The guideline is not named by its id.", advice=f"Name it as {DEFAULT_GUIDELINE}.")
    chosen = {name: value for name in parameters.names() if name not in _OWN and (value := parameters.one(name))}
    row = _number(parameters, "row")
    return _Asked(guideline, chosen, row, _number(parameters, "page") or 1)


def _number(parameters: Given, name: str) -> int | None:
    text = parameters.one(name)
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > len("999999") or not int(text):
        raise BadRequest(f"The parameter {name!r} is not a number from 1. Write it as 2.")
    return int(text)


class _View:
    """Writes what was asked of a table."""

    def __init__(self, table: DecisionTable, asked: _Asked, language: Language) -> None:
        self._table, self._asked, self._language = table, asked, language
        self._engine = table.engine
        self._known = index()
        self._words = SituationWords(table.engine, self._known, language)
        keys = self._engine.knowledge.terms.record_keys
        self._keys = [keys[each.fact] for each in self._engine.space.dimensions]
        self._chosen = {self._place(name): self._value(name, value) for name, value in asked.chosen.items()}
        self._row = self._row_asked_for()
        self._count = table.count(self._chosen, self._row)
        if asked.page > self._pages():
            raise BadRequest(f"There is no page {asked.page} of these situations. The last is {self._pages()}.")
        first = (asked.page - 1) * _ON_A_PAGE
        self._part = table.part(self._chosen, self._row, first, first + _ON_A_PAGE)
        self._engine.prepare(self._part)
        self._answers = [(key, self._engine.answer(key)) for key in self._part]

    def _place(self, name: str) -> int:
        if name not in self._keys:
            allowed = ", ".join([*self._keys, *_OWN])
            raise BadRequest(f"There is no parameter {name!r} here. Use any of: {allowed}.")
        return self._keys.index(name)

    def _value(self, name: str, value: str) -> str:
        values = self._table.values(self._keys.index(name))
        if value not in values:
            raise BadRequest(f"{value!r} is no value of {name}. Use one of: {', '.join(values)}.")
        return value

    def _row_asked_for(self) -> CoveredRow | None:
        if self._asked.row is None:
            return None
        found = next((each for each in self._table.rows if each.number == self._asked.row), None)
        if found is None:
            raise BadRequest(f"The table has no row {self._asked.row}. It has {len(self._table.rows)}.")
        return found

    def response(self, media: str) -> Response:
        """Answer in a media type."""
        if media == _CSV:
            return negotiated(self._csv(), media)
        if media == _TURTLE:
            return negotiated(written_in(situation_triples(self._engine, self._part), "turtle"), media)
        return self._json() if media == _JSON else self._page()

    def _csv(self) -> str:
        heads, cells = self._table.words(self._language)
        shown = [cells[row.number - 1] for row, _ in self._table.covering(self._chosen)]
        return "".join(csv_lines([heads, *shown]))

    def _json(self) -> Response:
        document = {
            "guideline": self._engine.guideline.iri,
            "facts": self._keys,
            "rows": [self._row_as_json(row, count) for row, count in self._table.covering(self._chosen)],
            "situations": {
                "count": self._count,
                "page": self._asked.page,
                "pages": self._pages(),
                "found": [self._situation_as_json(key, answer) for key, answer in self._answers],
            },
        }
        response = jsonify(document)
        response.headers["Vary"] = "Accept, Accept-Language, Accept-Encoding"
        return response

    def _row_as_json(self, row: CoveredRow, count: int) -> dict[str, Any]:
        heads, cells = self._table.words(self._language)
        return {
            "row": row.number,
            "rule": row.rule,
            "disposition": row.row.verdict.disposition,
            "strength": row.row.verdict.strength,
            "situations": count,
            "words": dict(zip(heads, cells[row.number - 1], strict=True)),
        }

    def _situation_as_json(self, key: Key, answer: Answer) -> dict[str, Any]:
        options = {each.iri: each.key for each in self._engine.guideline.options}
        return {
            "situation": f"{SITUATION}{self._engine.guideline.id}/{self._engine.space.text(key)}",
            "facts": dict(zip(self._keys, key, strict=True)),
            "disposition": answer.disposition,
            "possible": list(answer.possible),
            "strength": answer.strength,
            "options": {options[each.option]: each.status for each in answer.options},
        }

    def _page(self) -> Response:
        heads, _ = self._table.words(self._language)
        shown = [self._shown_row(row, count) for row, count in self._table.covering(self._chosen)]
        return page(
            "knowledge/table.html",
            self._language,
            title=TABLE_CRUMB[self._language].text,
            alternates=[Alternate(media, self._here(format=name)) for media, name in _ALTERNATES],
            guideline=link_to(self._known, self._engine.guideline.iri, self._language),
            guideline_id=self._asked.guideline if self._asked.guideline != DEFAULT_GUIDELINE else "",
            review=link_to(self._known, self._review(), self._language),
            filters=[self._filter(place, name) for place, name in enumerate(self._keys)],
            heads=heads[: self._telling(heads)],
            rows=shown,
            total=len(self._table.rows),
            chosen_row=self._row.number if self._row else None,
            chosen=[self._said(place, value) for place, value in self._chosen.items()],
            settled=shown_count(sum(each.count for each in shown)).get(self._language),
            count=shown_count(self._count).get(self._language),
            start=(self._asked.page - 1) * _ON_A_PAGE + 1,
            number=self._asked.page,
            pages=self._pages(),
            before=self._here(page=str(self._asked.page - 1)) if self._asked.page > 1 else None,
            after=self._here(page=str(self._asked.page + 1)) if self._asked.page < self._pages() else None,
            situations=[self._shown_situation(key, answer) for key, answer in self._answers],
        )

    def _review(self) -> str:
        return next(iter(self._known.values(self._engine.guideline.iri, OSTEO.hasReviewStatus)), GUIDELINE)

    def _said(self, place: int, value: str) -> str:
        dimension = self._engine.space.dimensions[place]
        return f"{name_of(self._known, dimension.fact, self._language)}: {self._words.value(dimension, value)}"

    def _telling(self, heads: list[str]) -> int:
        """How many columns are facts: behind them stand the disposition, the strength and the options."""
        return len(heads) - len(("disposition", "strength")) - len(self._engine.guideline.options)

    def _pages(self) -> int:
        return max(-(-self._count // _ON_A_PAGE), 1)

    def _here(self, **parameters: str) -> str:
        """Give the address of this table with what is chosen, and these parameters beside or in place of its own."""
        own = {"guideline": self._asked.guideline} if self._asked.guideline != DEFAULT_GUIDELINE else {}
        row = {"row": str(self._row.number)} if self._row else {}
        return here("/table", **{**own, **self._asked.chosen, **row, **parameters})

    def _filter(self, place: int, name: str) -> Filter:
        dimension = self._engine.space.dimensions[place]
        said = [(each, self._table.said(self._language, place, each)) for each in self._table.values(place)]
        return Filter(
            name,
            name_of(self._known, dimension.fact, self._language),
            tuple(each for each in said if self._table.is_settled(place, each[0])),
            tuple(each for each in said if not self._table.is_settled(place, each[0])),
            self._asked.chosen.get(name, ""),
        )

    def _shown_row(self, row: CoveredRow, count: int) -> ShownRow:
        heads, cells = self._table.words(self._language)
        telling, texts = self._telling(heads), cells[row.number - 1]
        kinds = self._engine.knowledge.terms.kinds
        options = zip(self._engine.guideline.options, texts[telling + len(("disposition", "strength")) :], strict=True)
        listed = row.row.verdict.cells or [None for _ in self._engine.guideline.options]
        return ShownRow(
            row.number,
            tuple(texts[:telling]),
            link_to(self._known, kinds[OSTEO.Disposition][row.row.verdict.disposition], self._language),
            texts[telling + 1],
            tuple(
                (link_to(self._known, option.iri, self._language), text)
                for (option, text), cell in zip(options, listed, strict=True)
                if cell is not None
            ),
            link_to(self._known, row.rule, self._language),
            count,
            f"{self._here(row=str(row.number))}#situations",
        )

    def _shown_situation(self, key: Key, answer: Answer) -> ShownSituation:
        labels = {each.iri: each.label.get(self._language) for each in self._engine.guideline.options}
        eligible = tuple(labels[each.option] for each in answer.options if each.status == "eligible")
        return ShownSituation(self._words.link(key, self._words.sentence(key)), self._words.headline(answer), eligible)


_ALTERNATES = ((_CSV, "csv"), (_JSON, "json"), (_TURTLE, "turtle"))
