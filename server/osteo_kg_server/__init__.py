"""The HTTP service of osteo-kg: a Flask app around one loaded knowledge base and one dataset.

Nothing that is posted is kept, and no patient fact is logged.
"""

from __future__ import annotations

from flask import Flask

from osteo_kg import KnowledgeBase
from osteo_kg.store import Dataset
from osteo_kg_server import assessments, linked_data, logs, operation, problems, sparql, validations
from osteo_kg_server.service import Service
from osteo_kg_server.serving import MOST_BYTES, serve

__all__ = ["create_app", "serve"]


def create_app(knowledge_base: KnowledgeBase, dataset: Dataset) -> Flask:
    """Build the app around what it serves."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.extensions["osteo_kg"] = Service(knowledge_base, dataset)
    for module in (sparql, assessments, validations, linked_data, operation):
        app.register_blueprint(module.blueprint)
    problems.register(app)
    sparql.register(app)
    logs.register(app)
    return app
