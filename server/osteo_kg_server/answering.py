"""What assessments and validations have in common: a body with cases in, answers out in the type accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pyoxigraph as ox
from flask import Response, render_template, request

from osteo_kg import Assessment, Case, ValidationReport
from osteo_kg.graph_formats import written_graph
from osteo_kg.texts import Language
from osteo_kg.wording import Line, assessment_lines, report_lines
from osteo_kg_server.graphs import report_triples, written_in
from osteo_kg_server.negotiation import CASES, GRAPHS, body_format, negotiated
from osteo_kg_server.service import Service

Answer = Assessment | ValidationReport
#: Media types of answers, JSON for a caller without wishes.
ANSWERS = {"application/json": "json", **GRAPHS, "text/html": "html"}


def posted_cases(service: Service) -> tuple[Case, ...]:
    """Read the cases of the body of this request."""
    return service.knowledge_base.read(request.get_data(cache=False), body_format(CASES))


def answered(service: Service, answers: Sequence[Answer], media: str, language: Language) -> Response:
    """Write one answer, or several as an array, in the media type that was chosen; no cache may keep it."""
    form = ANSWERS[media]
    body: str | bytes
    if form == "json":
        documents = [answer.to_json(language) for answer in answers]
        body = json.dumps(documents if len(documents) > 1 else documents[0], ensure_ascii=False)
    elif form == "html":
        pages = [list(_lines(answer, language)) for answer in answers]
        body = render_template("answers.html", pages=pages, language=language)
    elif form == "jsonld":
        body = written_graph(_triples(service, answers), form)
    else:
        body = written_in(_triples(service, answers), form)
    response = negotiated(body, media)
    response.headers["Cache-Control"] = "no-store"
    return response


def _lines(answer: Answer, language: Language) -> Iterator[Line]:
    if isinstance(answer, ValidationReport):
        return report_lines(answer, language)
    return assessment_lines(answer, language)


def _triples(service: Service, answers: Sequence[Answer]) -> Iterator[ox.Triple]:
    for answer in answers:
        if isinstance(answer, ValidationReport):
            yield from report_triples(answer)
        else:
            yield from service.knowledge_base.triples(answer)
