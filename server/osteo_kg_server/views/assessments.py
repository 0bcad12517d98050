"""`POST /assessments` and `POST /validations`: cases in, answers or reports out; nothing is kept."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import pyoxigraph as ox
from flask import Blueprint, Response, request

from osteo_kg import Assessment, Case, Language, RefusedCaseError, ValidationReport
from osteo_kg.assessment import Line, report_lines
from osteo_kg.knowledge_base import PreparedCase
from osteo_kg.rdf import written_graph
from osteo_kg_server.http.endpoints import Json, endpoint
from osteo_kg_server.http.negotiation import (
    CASES,
    GRAPHS,
    PAGE,
    best,
    body,
    body_format,
    negotiated,
    report_triples,
    written_in,
)
from osteo_kg_server.http.parameters import PARAMETERS, Asked, asked
from osteo_kg_server.pages.layout import page
from osteo_kg_server.pages.patient.answer import WORDING, AnswerShown, shown
from osteo_kg_server.service import Service, service
from osteo_kg_server.store import DeadlineError

blueprint = Blueprint("assessments", __name__)
MOST_BYTES = 10_000_000  # of one body of cases, which is read while others wait
_AT_ONCE = 16  # cases
CaseAnswer = Assessment | ValidationReport
Item = TypeVar("Item")
#: Media types of answers, JSON for a caller without wishes.
ANSWERS = {"application/json": "json", **GRAPHS, "text/html": "html"}
_RECORD, _ASSESSMENT = ({"$ref": f"#/components/schemas/{name}"} for name in ("Record", "Assessment"))
_FHIR: Json = {"type": "object", "required": ["resourceType"]}
#: Media types of cases, with the schema of flat records.
BODIES: dict[str, Json] = {
    **{media: {} for media in CASES},
    "application/json": {"anyOf": [_RECORD, {"type": "array", "items": _RECORD}, _FHIR]},
    "application/fhir+json": _FHIR,
}
#: What the JSON of assessments holds; of several cases, a refused one has its report in its place.
SCHEMA: Json = {"anyOf": [_ASSESSMENT, {"type": "array", "items": {"anyOf": [_ASSESSMENT, {"type": "object"}]}}]}
_OF_VALIDATION = {name: PARAMETERS[name] for name in ("on", "language", "format")}


@blueprint.post("/assessments")
@endpoint("read", {200: ANSWERS}, parameters=PARAMETERS, bodies=BODIES, schema=SCHEMA, problems=(422, 503))
def assess() -> Response:
    """Assess the cases of the body: one is answered or refused, of several a refused one has its report in place."""
    wanted, media, serving = asked(*PARAMETERS), best(ANSWERS), service()
    cases: Sequence[Case | PreparedCase] = posted_cases(serving, wanted)
    if media == PAGE:
        cases = [_prepared(serving, each, wanted) for each in in_time(serving, cases)]
    answers = assessed(serving, cases, wanted)
    if len(answers) == 1 and isinstance(answers[0], ValidationReport):
        raise RefusedCaseError(answers[0])
    prepared = [each for each in cases if isinstance(each, PreparedCase)]
    return answered(serving, answers, media, wanted.language, prepared)


def _prepared(serving: Service, case: Case | PreparedCase, wanted: Asked) -> PreparedCase:
    """Derive the facts of a case, which its page shows beside the answer."""
    if isinstance(case, PreparedCase):
        return case
    with serving.lock:
        return serving.knowledge_base.prepare(case, on=wanted.on)


@blueprint.post("/validations")
@endpoint("read", {200: ANSWERS}, parameters=_OF_VALIDATION, bodies=BODIES, problems=(503,))
def validate() -> Response:
    """Validate the cases of the body: a report of each, whether it conforms or not."""
    wanted, media, serving = asked(*_OF_VALIDATION), best(ANSWERS), service()
    reports = []
    for case in in_time(serving, posted_cases(serving, wanted)):
        with serving.lock:
            reports.append(serving.knowledge_base.validate(case, on=wanted.on))
    return answered(serving, reports, media, wanted.language)


def posted_cases(service: Service, asked: Asked, name: str = "input") -> tuple[Case, ...]:
    """Read the cases of the body of this request; `name` is what a patient without one is called after."""
    request.max_content_length = MOST_BYTES
    data = body()
    with service.lock:
        return service.knowledge_base.read(
            data,
            body_format(CASES),
            name=name,
            assume_postmenopausal_from=asked.assume_postmenopausal_from,
            on=asked.on,
        )


def assessed(service: Service, cases: Sequence[Case | PreparedCase], asked: Asked) -> list[CaseAnswer]:
    """Answer cases in their order; requests take turns every few cases, so that a long one keeps nobody waiting."""
    answers: list[CaseAnswer] = []
    for at in in_time(service, range(0, len(cases), _AT_ONCE)):
        with service.lock:
            answers += service.knowledge_base.assess_all(
                cases[at : at + _AT_ONCE],
                on=asked.on,
                assume_complete=asked.assume_complete,
                guideline=asked.guideline,
            )
    return answers


def in_time(service: Service, items: Iterable[Item]) -> Iterator[Item]:
    """Give one after the other, up to the deadline of a request.

    Raises:
        DeadlineError: it has passed.
    """
    seconds = service.settings.limits.seconds
    until = time.monotonic() + seconds
    for item in items:
        if time.monotonic() > until:
            raise DeadlineError(f"The cases take longer than {seconds:g} seconds.", advice="Send fewer at a time.")
        yield item


def answered(
    service: Service,
    answers: Sequence[CaseAnswer],
    media: str,
    language: Language,
    cases: Sequence[PreparedCase] = (),
) -> Response:
    """Write one answer, or several as an array, in the media type that was chosen; no cache may keep it.

    Args:
        service: what answered.
        answers: the answers.
        media: the media type.
        language: that of their sentences.
        cases: the cases that they are about, where a page is to say what would change them.
    """
    response = _written(service, answers, media, language, cases or [None] * len(answers))
    response.headers["Cache-Control"] = "no-store"
    return response


def _written(
    service: Service,
    answers: Sequence[CaseAnswer],
    media: str,
    language: Language,
    cases: Sequence[PreparedCase | None],
) -> Response:
    format_name = ANSWERS[media]
    if format_name == "json":
        documents = [answer.to_json(language) for answer in answers]
        return negotiated(json.dumps(documents if len(documents) > 1 else documents[0], ensure_ascii=False), media)
    if format_name == "html":
        title = "Réponse" if language == "fr" else "Answer"
        with service.lock:
            pages = [_shown(service, answer, language, case) for answer, case in zip(answers, cases, strict=True)]
        return page("answers.html", language, title=title, pages=pages, **WORDING)
    if format_name == "jsonld":
        return negotiated(written_graph(_triples(service, answers), format_name), media)
    return negotiated(written_in(_triples(service, answers), format_name), media)


def _shown(
    service: Service, answer: CaseAnswer, language: Language, case: PreparedCase | None
) -> tuple[AnswerShown | None, list[Line]]:
    """Give an answer as the page of a patient shows it; of a refused case the lines of its report."""
    if isinstance(answer, ValidationReport):
        return None, list(report_lines(answer, language))
    return shown(service.knowledge_base, answer, language, case), []


def _triples(service: Service, answers: Sequence[CaseAnswer]) -> Iterator[ox.Triple]:
    for answer in answers:
        if isinstance(answer, ValidationReport):
            yield from report_triples(answer)
        else:
            yield from service.knowledge_base.triples(answer)
