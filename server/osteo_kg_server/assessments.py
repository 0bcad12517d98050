"""`POST /assessments`: cases in, answers out; nothing is kept."""

from __future__ import annotations

from flask import Blueprint, Response

from osteo_kg import RefusedCaseError, ValidationReport
from osteo_kg_server.answering import ANSWERS, BODIES, SCHEMA, answered, assessed, posted_cases
from osteo_kg_server.negotiation import best
from osteo_kg_server.offers import offers
from osteo_kg_server.parameters import PARAMETERS, asked
from osteo_kg_server.service import service

blueprint = Blueprint("assessments", __name__)


@blueprint.post("/assessments")
@offers("read", {200: ANSWERS}, parameters=PARAMETERS, bodies=BODIES, schema=SCHEMA, problems=(422, 503))
def create() -> Response:
    """Assess the cases of the body: one is answered or refused, of several a refused one has its report in place."""
    wanted, media, serving = asked(*PARAMETERS), best(ANSWERS), service()
    answers = assessed(serving, posted_cases(serving), wanted)
    if len(answers) == 1 and isinstance(answers[0], ValidationReport):
        raise RefusedCaseError(answers[0])
    return answered(serving, answers, media, wanted.language)
