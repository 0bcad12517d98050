"""For those who run the service: whether it lives, whether it is ready, and what it offers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from osteo_kg import software_version
from osteo_kg_server.openapi import description
from osteo_kg_server.service import service

blueprint = Blueprint("operation", __name__)


@blueprint.get("/health")
def health() -> dict[str, Any]:
    """Say that the process answers."""
    return {"status": "alive"}


@blueprint.get("/ready")
def ready() -> dict[str, Any]:
    """Say that the knowledge is loaded, and which."""
    serving = service()
    knowledge = serving.knowledge_base.knowledge
    return {
        "status": "ready",
        "software": software_version(),
        "knowledge": knowledge.digest,
        "graphs": len(serving.store.names()),
    }


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Describe every path, as OpenAPI 3.1."""
    return jsonify(description(service()))
