"""For those who run the service: whether it lives, whether it is ready, what it does, and what it offers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify
from werkzeug.exceptions import ServiceUnavailable

from osteo_kg.package_data import software_version
from osteo_kg_server import metrics
from osteo_kg_server.http.endpoints import endpoint
from osteo_kg_server.http.openapi import description
from osteo_kg_server.service import service
from osteo_kg_server.store import BusyError, StoreUnavailableError

_JSON = ("application/json",)
blueprint = Blueprint("operation", __name__)


@blueprint.get("/health")
@endpoint(None, {200: _JSON})
def health() -> dict[str, Any]:
    """Say that the process answers."""
    return {"status": "alive"}


@blueprint.get("/ready")
@endpoint(None, {200: _JSON}, problems=(503,))
def ready() -> dict[str, Any]:
    """Say that the store answers, which knowledge is loaded, and how far a new assessment of kept cases has come."""
    serving = service()
    try:
        serving.store.check()
    except (BusyError, StoreUnavailableError) as error:
        raise ServiceUnavailable(str(error)) from error
    return {
        "status": "ready",
        "software": software_version(),
        "knowledge": serving.knowledge_base.knowledge.digest,
        "graphs": len(serving.store.names()),
        "reassessment": {"due": serving.keeper.due, "done": serving.keeper.done},
    }


@blueprint.get("/metrics")
@endpoint("read", {200: ("text/plain",)})
def figures() -> Response:
    """Give figures for Prometheus; no label holds anything that a client wrote."""
    return Response(metrics.of(current_app).written(service()), content_type=metrics.MEDIA)


@blueprint.get("/openapi.json")
@endpoint(None, {200: _JSON})
def openapi() -> Response:
    """Describe every path, as OpenAPI 3.1."""
    return jsonify(description(service()))
