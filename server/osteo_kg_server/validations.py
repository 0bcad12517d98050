"""`POST /validations`: cases in, what the shapes say of them out; nothing is kept."""

from __future__ import annotations

from flask import Blueprint, Response

from osteo_kg_server.answering import ANSWERS, BODIES, answered, in_time, posted_cases
from osteo_kg_server.negotiation import best
from osteo_kg_server.offers import offers
from osteo_kg_server.parameters import PARAMETERS, asked
from osteo_kg_server.service import service

_PARAMETERS = {name: PARAMETERS[name] for name in ("on", "language")}
blueprint = Blueprint("validations", __name__)


@blueprint.post("/validations")
@offers("read", {200: ANSWERS}, parameters=_PARAMETERS, bodies=BODIES, problems=(503,))
def create() -> Response:
    """Validate the cases of the body: a report of each, whether it conforms or not."""
    wanted, media, serving = asked(*_PARAMETERS), best(ANSWERS), service()
    reports = []
    for case in in_time(serving, posted_cases(serving)):
        with serving.turn:
            reports.append(serving.knowledge_base.validate(case, on=wanted.on))
    return answered(serving, reports, media, wanted.language)
