"""What can be taken along: the case and its answer as files, made on request and kept nowhere."""

from __future__ import annotations

import json
from collections.abc import Callable

from flask import Response
from werkzeug.exceptions import BadRequest

from osteo_kg import Assessment, Language
from osteo_kg.assessment import guidance_bundle
from osteo_kg.case import check_fits, write_cases
from osteo_kg.knowledge_base import PreparedCase
from osteo_kg_server.http.negotiation import check_accepted, negotiated, written_in
from osteo_kg_server.service import Service

_TURTLE, _JSON, _FHIR = "text/turtle", "application/json", "application/fhir+json"
MEDIA = (_TURTLE, _JSON, _FHIR)
#: What each button asks for: the name of the file, and its media type.
FILES = {
    "case-turtle": ("case.ttl", _TURTLE),
    "case-json": ("case.json", _JSON),
    "case-fhir": ("case.fhir.json", _FHIR),
    "answer-turtle": ("answer.ttl", _TURTLE),
    "answer-json": ("answer.json", _JSON),
    "answer-fhir": ("answer.fhir.json", _FHIR),
}


def download(
    serving: Service, wanted: str, case: PreparedCase, assessment: Assessment | None, language: Language
) -> Response:
    """Give a file.

    Raises:
        BadRequest: there is no such file.
    """
    if wanted not in FILES or assessment is None:
        raise BadRequest(f"There is no file {wanted!r} to take along. Name one of: {', '.join(FILES)}.")
    name, media = FILES[wanted]
    check_accepted(media)
    with serving.lock:
        response = negotiated(_WRITERS[wanted](serving, case, assessment, language), media)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


_Writer = Callable[[Service, PreparedCase, Assessment, Language], str | bytes]


def _case(format_name: str) -> _Writer:
    def written(serving: Service, case: PreparedCase, assessment: Assessment, language: Language) -> str:
        terms = serving.knowledge_base.knowledge.terms
        check_fits(case.case, format_name, terms)
        return write_cases([case.case], format_name, terms)

    return written


def _answer_turtle(serving: Service, case: PreparedCase, assessment: Assessment, language: Language) -> bytes:
    return written_in(serving.knowledge_base.triples(assessment), "turtle")


def _answer_json(serving: Service, case: PreparedCase, assessment: Assessment, language: Language) -> str:
    return json.dumps(assessment.to_json(language), ensure_ascii=False, indent=2)


def _answer_fhir(serving: Service, case: PreparedCase, assessment: Assessment, language: Language) -> str:
    terms = serving.knowledge_base.knowledge.terms
    return json.dumps(guidance_bundle([assessment], terms, language), ensure_ascii=False, indent=2)


_WRITERS: dict[str, _Writer] = {
    "case-turtle": _case("ttl"),
    "case-json": _case("json"),
    "case-fhir": _case("fhir"),
    "answer-turtle": _answer_turtle,
    "answer-json": _answer_json,
    "answer-fhir": _answer_fhir,
}
