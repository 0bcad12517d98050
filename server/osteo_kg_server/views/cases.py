"""`/cases`: cases that are kept on request, each as a graph beside the graph of its assessment."""

from __future__ import annotations

import json
import uuid
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, jsonify
from werkzeug.exceptions import BadRequest, NotFound

from osteo_kg import Assessment, RefusedCaseError, ValidationReport
from osteo_kg_server.case_repository import Kept
from osteo_kg_server.http.endpoints import endpoint, word
from osteo_kg_server.http.negotiation import GRAPHS, best, negotiated, wants_a_page, written_in
from osteo_kg_server.http.negotiation import PAGE as HTML
from osteo_kg_server.http.parameters import PARAMETERS, WISHES, asked, given, language
from osteo_kg_server.pages.knowledge.cases import ON_A_PAGE, PATH, case_page, cases_page
from osteo_kg_server.service import service
from osteo_kg_server.views.assessments import ANSWERS, BODIES, SCHEMA, answered, assessed, posted_cases

PAGE = 1000  # cases that are listed at a time
_PAGES = {"after": word("Patient after whom the page begins; the address of the next page holds it."), **WISHES}
LISTED = ("application/json", HTML)
KEPT = {"application/json": "json", **GRAPHS, HTML: "html"}
blueprint = Blueprint("cases", __name__)


@blueprint.post(PATH)
@endpoint(
    "write",
    {200: ANSWERS, 201: ANSWERS},
    parameters=PARAMETERS,
    bodies=BODIES,
    schema=SCHEMA,
    problems=(422, 502, 503),
)
def create() -> Response:
    """Keep the cases of the body with their assessments; a refused one is not kept, and its report says why."""
    serving, media = service(), best(ANSWERS)
    wanted = asked(*PARAMETERS)
    cases = posted_cases(serving, wanted, name=f"kept-{uuid.uuid4().hex[:12]}")
    if len({case.iri for case in cases}) < len(cases):
        raise BadRequest("Two cases of the body are of one patient. Send her once.")
    answers = assessed(serving, cases, wanted)
    if len(answers) == 1 and isinstance(answers[0], ValidationReport):
        raise RefusedCaseError(answers[0])
    kept = [
        Kept(case, each, wanted.assume_complete)
        for case, each in zip(cases, answers, strict=True)
        if isinstance(each, Assessment)
    ]
    new = serving.keeper.keep(kept) if kept else frozenset()
    response = answered(serving, answers, media, wanted.language)
    response.status_code = 201 if new else 200
    if len(cases) == 1:
        response.headers["Location"] = serving.url(f"{PATH}/{quote(cases[0].iri, safe='')}")
    return response


@blueprint.get(PATH)
@endpoint("read", {200: LISTED}, parameters=_PAGES, problems=(502, 503))
def index() -> Response:
    """List the cases that are kept, a page at a time, and say how far a new assessment of all has come."""
    serving = service()
    parameters = given()
    parameters.only(*_PAGES)
    after, names = parameters.one("after") or "", serving.keeper.names()
    media = HTML if wants_a_page() else best(LISTED)
    if media == HTML:
        return _uncached(_page([name for name in names if name > after], len(names)))
    page = [name for name in names if name > after][:PAGE]
    document: dict[str, Any] = {
        "count": len(names),
        "cases": [{"patient": name, "case": serving.url(f"{PATH}/{quote(name, safe='')}")} for name in page],
        "reassessment": {"due": serving.keeper.due, "done": serving.keeper.done},
    }
    if page and page[-1] != names[-1]:
        document["next"] = serving.url(f"{PATH}?after={quote(page[-1], safe='')}")
    return _uncached(negotiated(json.dumps(document, ensure_ascii=False), media))


def _page(names: list[str], count: int) -> Response:
    """Show the first of some cases, and lead to the others."""
    keeper, shown = service().keeper, names[:ON_A_PAGE]
    answers = [(name, keeper.assessment(name)) for name in shown]
    return cases_page(answers, count, shown[-1] if len(names) > len(shown) else None, language())


@blueprint.get(f"{PATH}/<path:patient>")
@endpoint("read", {200: KEPT}, parameters=WISHES, problems=(502, 503))
def read(patient: str) -> Response:
    """Give a kept case: its graph as it was read, or as JSON its patient and her assessment."""
    serving, media = service(), best(KEPT)
    wanted = asked(*WISHES)
    triples = serving.keeper.triples(patient)
    if triples is None:
        raise NotFound("No case of this patient is kept.")
    if media == HTML:
        return _uncached(case_page(patient, triples, serving.keeper.assessment(patient), wanted.language))
    if media != "application/json":
        return _uncached(negotiated(written_in(triples, KEPT[media]), media))
    assessment = serving.keeper.assessment(patient)
    told = assessment.to_json(wanted.language) if assessment else None
    return _uncached(jsonify({"patient": patient, "assessment": told}))


@blueprint.delete(f"{PATH}/<path:patient>")
@endpoint("write", {204: ()}, problems=(502, 503))
def delete(patient: str) -> Response:
    """Take a kept case and its assessment away."""
    serving = service()
    if not serving.keeper.forget(patient):
        raise NotFound("No case of this patient is kept.")
    return Response(status=204)


def _uncached(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
