"""`/` and `/assess`: the form of a patient, and what the guideline says of her. Nothing that is posted is kept."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request
from werkzeug.exceptions import BadRequest

from osteo_kg import DEFAULT_GUIDELINE, Assessment, Language, RefusedCaseError
from osteo_kg.case import record_case
from osteo_kg.knowledge_base import PreparedCase
from osteo_kg.package_data import root
from osteo_kg.rdf import SKOS
from osteo_kg_server.http.endpoints import TEXT, Json, endpoint
from osteo_kg_server.http.negotiation import PAGE, check_accepted, negotiated
from osteo_kg_server.http.parameters import FORM, LANGUAGE, asked, fields_of_form
from osteo_kg_server.pages.knowledge.links import address_of
from osteo_kg_server.pages.layout import Alternate, page
from osteo_kg_server.pages.patient import downloads
from osteo_kg_server.pages.patient.answer import WORDING, AnswerShown, OtherAnswer, by_other_reading, shown
from osteo_kg_server.pages.patient.fields import Form
from osteo_kg_server.pages.patient.filled import (
    ADD,
    CASE,
    FILE,
    READING,
    REMOVE,
    TAKE,
    Filled,
    Wrong,
    entered,
    read_form,
    record_of_form,
    wrong_of,
)
from osteo_kg_server.pages.patient.uploads import Unshown, read_file
from osteo_kg_server.service import Service, service

blueprint = Blueprint("patient", __name__)
MOST_BYTES = 10_000_000  # of one form, or of one file in it
_NAME, _KEPT = "form", "osteo_kg_form"
_FOR_DATA = "Post the case to /assessments for JSON or RDF."
_CARRIED = "case.ttl"  # as the page sends a case again that its form cannot show
_FILES = "multipart/form-data"
_BODIES: dict[str, Json] = {
    FORM: {"type": "object", "additionalProperties": TEXT, "description": "Fields of the flat record, by their keys."},
    _FILES: {
        "type": "object",
        "properties": {
            FILE: {"type": "string", "format": "binary"},
            CASE: {**TEXT, "description": "Instead of a file: a case in Turtle."},
        },
    },
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a form: what is wrong with it, or the answer.

    Attributes:
        unshown: what of a file the form cannot show; None where it shows everything, or there was no file.
    """

    wrong: tuple[Wrong, ...] = ()
    case: PreparedCase | None = None
    assessment: Assessment | None = None
    unshown: Unshown | None = None


@blueprint.get("/assess")
@endpoint("read", {200: (PAGE,)}, parameters=LANGUAGE)
def form() -> Response:
    """Give the form of a patient."""
    return form_page(asked(*LANGUAGE).language)


def form_page(language: Language) -> Response:
    """Give the form with nothing filled in."""
    return _page(service(), Filled(on=datetime.date.today().isoformat()), Outcome(), language)


@blueprint.post("/assess")
@endpoint("read", {200: (PAGE, *downloads.MEDIA)}, parameters=LANGUAGE, bodies=_BODIES, problems=(422, 503))
def assess() -> Response:
    """Answer the patient of the form, or of a file: as a page, as its live part, or as a file to take along."""
    request.max_content_length = MOST_BYTES
    language, serving = asked(*LANGUAGE).language, service()
    is_live = "HX-Request" in request.headers  # sends the button pressed last along, whatever it is for
    if request.mimetype == _FILES and (FILE in request.files or CASE in request.form):
        filled, outcome = _of_file(serving)
    else:
        filled = read_form(_pairs(), _form(serving))
        if not is_live and _rows_changed(filled, _form(serving)):
            return _page(serving, filled, Outcome(), language)
        outcome = _of_form(serving, filled)
    if not is_live and filled.asked.get(TAKE) and outcome.case:
        return downloads.download(serving, filled.asked[TAKE], outcome.case, outcome.assessment, language)
    if is_live:
        return _part(serving, filled, outcome, language)
    return _page(serving, filled, outcome, language)


def _form(serving: Service) -> Form:
    """Give the form, made once for an app."""
    kept = current_app.extensions
    if _KEPT not in kept:
        kept[_KEPT] = Form(serving.knowledge_base.knowledge)
    form: Form = kept[_KEPT]
    return form


def _pairs() -> list[tuple[str, str]]:
    """Give the fields of the form that was posted, in either encoding of forms."""
    if request.mimetype == FORM:
        return fields_of_form()
    return list(request.form.items(multi=True))


def _rows_changed(filled: Filled, form: Form) -> bool:
    """Add or take out a row where a button without JavaScript asks for it, and say whether one did."""
    added, removed = filled.asked.get(ADD, ""), filled.asked.get(REMOVE, "")
    name, _, number = removed.partition(".")
    if name in filled.rows and number.isdecimal():
        filled.rows[name].pop(int(number), None)
    if added in form.fields:
        rows = filled.rows.setdefault(added, {})
        rows[max(rows, default=0) + 1] = {}
    return bool(added or removed)


def _of_form(serving: Service, filled: Filled) -> Outcome:
    form = _form(serving)
    record, wrong = record_of_form(filled, form)
    if any(not each.is_hint for each in wrong):
        return Outcome(tuple(wrong))
    outcome = _answered(serving, record, filled, form)
    return replace(outcome, wrong=(*wrong, *outcome.wrong))


def _answered(serving: Service, record: Mapping[str, Any], filled: Filled, form: Form) -> Outcome:
    knowledge_base = serving.knowledge_base
    case = record_case(record, f"{_NAME}#1", knowledge_base.knowledge.terms)
    with serving.lock:
        prepared = knowledge_base.prepare(case, on=filled.day)
        try:
            return Outcome(case=prepared, assessment=knowledge_base.assess(prepared))
        except RefusedCaseError as error:
            return Outcome(tuple(wrong_of(each, filled, form) for each in error.report.violations))


def _of_file(serving: Service) -> tuple[Filled, Outcome]:
    """Answer the one case of a file, and fill the form with it where the form can show all of it."""
    form = _form(serving)
    filled = Filled(on=request.form.get("on") or datetime.date.today().isoformat())
    filled.asked |= {name: request.form.get(name, "") for name in (TAKE, READING)}
    if filled.day is None:
        return filled, Outcome(tuple(record_of_form(filled, form)[1]))
    file = request.files.get(FILE)
    if file is None:
        name, data = _CARRIED, request.form[CASE].encode()
    else:
        name, data = file.filename or "", file.read()
    with serving.lock:
        read = read_file(serving.knowledge_base, name, data, filled, form)
    return read.filled, Outcome(read.wrong, read.case, read.assessment, read.unshown)


def _values(serving: Service, filled: Filled, outcome: Outcome, language: Language) -> dict[str, Any]:
    answer: AnswerShown | None = None
    other: OtherAnswer | None = None
    if outcome.case and outcome.assessment:
        with serving.lock:
            answer = shown(serving.knowledge_base, outcome.assessment, language, outcome.case)
            other = _by_other_reading(
                serving, filled.asked.get(READING, ""), outcome.assessment, language, outcome.case
            )
    wrong: dict[str, list[Wrong]] = {}
    for each in outcome.wrong:
        wrong.setdefault(each.name, []).append(each)
    form = _form(serving)
    return {
        "form": form,
        "filled": filled,
        "wrong": wrong,
        "blocking": any(not each.is_hint for each in outcome.wrong),
        "answer": answer,
        "other": other,
        "unshown": outcome.unshown,
        "entered": list(entered(filled, form, language)),
        "known": {name: each.label for name, each in form.fields.items()},
        **WORDING,
    }


def _by_other_reading(
    serving: Service, key: str, assessment: Assessment, language: Language, case: PreparedCase
) -> OtherAnswer | None:
    """Ask the other reading that a button names; it may take seconds the first time, and no live answer asks it."""
    if not key or "HX-Request" in request.headers:
        return None
    known = serving.knowledge_base.knowledge.other_readings
    if key not in known:
        raise BadRequest(f"The reading {key!r} cannot be switched. Those that can be: {', '.join(known) or 'none'}.")
    return by_other_reading(serving.by_reading(key), assessment, language, case.case)


def _around(serving: Service) -> dict[str, Any]:
    """Give what stands around a form: which guideline answers, and for an empty one an invented patient."""
    found = serving.knowledge_base.engine(DEFAULT_GUIDELINE).guideline
    definition = serving.knowledge_base.knowledge.triples.text(found.iri, SKOS.definition)
    return {
        "guideline": {"label": found.label, "definition": definition, "address": address_of(found.iri)},
        "example": _example() if request.method == "GET" else None,
    }


@functools.cache
def _example() -> str:
    return (root() / "examples" / "two-vertebral-fractures.ttl").read_text(encoding="utf-8")


def _page(serving: Service, filled: Filled, outcome: Outcome, language: Language) -> Response:
    check_accepted(PAGE, _FOR_DATA)
    title = "Une patiente" if language == "fr" else "A patient"
    values = _values(serving, filled, outcome, language)
    alternates = [Alternate("text/turtle", "/.well-known/void?format=turtle")] if request.method == "GET" else []
    response = page("patient/page.html", language, title=title, alternates=alternates, **_around(serving), **values)
    if values["blocking"]:
        response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return _unkept(response)


def _part(serving: Service, filled: Filled, outcome: Outcome, language: Language) -> Response:
    check_accepted(PAGE, _FOR_DATA)
    values = _values(serving, filled, outcome, language)
    text = render_template("patient/part.html", language=language, **values)
    return _unkept(negotiated(text, PAGE))


def _unkept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
