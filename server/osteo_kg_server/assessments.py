"""`POST /assessments`: cases in, answers out; nothing is kept."""

from __future__ import annotations

from flask import Blueprint, Response

from osteo_kg import RefusedCaseError, ValidationReport
from osteo_kg_server.answering import ANSWERS, answered, posted_cases
from osteo_kg_server.negotiation import best
from osteo_kg_server.parameters import asked
from osteo_kg_server.service import service

PARAMETERS = ("on", "assume-complete", "language", "guideline")
blueprint = Blueprint("assessments", __name__)


@blueprint.post("/assessments")
def create() -> Response:
    """Assess the cases of the body: one is answered or refused, of several a refused one has its report in place."""
    wanted, media, serving = asked(*PARAMETERS), best(ANSWERS), service()
    knowledge_base = serving.knowledge_base
    with serving.turn:
        cases = posted_cases(serving)
        answers = list(
            knowledge_base.assess_all(
                cases, on=wanted.on, assume_complete=wanted.assume_complete, guideline=wanted.guideline
            )
        )
        if len(answers) == 1 and isinstance(answers[0], ValidationReport):
            raise RefusedCaseError(answers[0])
        return answered(serving, answers, media, wanted.language)
