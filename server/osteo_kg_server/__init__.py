"""The HTTP service of osteo-kg: a Flask app around one loaded knowledge base and one dataset.

Nothing that is posted is kept unless the caller asks for it, and no patient fact is logged.
"""

from __future__ import annotations

from flask import Flask

from osteo_kg import Dataset, KnowledgeBase
from osteo_kg_server import logs, metrics
from osteo_kg_server.http import endpoints, problems, responses
from osteo_kg_server.pages import assets, layout
from osteo_kg_server.pages.knowledge import ontology, search, table
from osteo_kg_server.pages.patient import view as patient
from osteo_kg_server.pages.question import editor
from osteo_kg_server.service import Service
from osteo_kg_server.settings import Limits, Settings
from osteo_kg_server.views import (
    assessments,
    cases,
    cds_hooks,
    graph_store,
    linked_data,
    operations,
    service_description,
    sparql,
)
from osteo_kg_server.wsgi import serve

__all__ = ["Limits", "Settings", "create_app", "serve"]

_MODULES = (
    sparql,
    graph_store,
    service_description,
    assessments,
    cases,
    cds_hooks,
    linked_data,
    operations,
    assets,
    editor,
    patient,
    ontology,
    search,
    table,
)


def create_app(knowledge_base: KnowledgeBase, dataset: Dataset, settings: Settings | None = None) -> Flask:
    """Build the app around what it serves.

    Args:
        knowledge_base: what decides.
        dataset: the graphs to answer SPARQL from; those that are not knowledge are loaded into a new store.
        settings: what whoever runs the service decides; limits of a public service, and no writing, when None.

    Raises:
        StoreUnavailableError: the store cannot be opened.
        UsageError: the tokens cannot be read, a FHIR server may not be named so, or there is no such prefetch.
    """
    app = responses.App(__name__, static_folder=None, template_folder="pages/templates")
    settings = settings or Settings()
    app.extensions["osteo_kg"] = Service(knowledge_base, dataset, settings)
    app.extensions["osteo_kg_metrics"] = figures = metrics.Metrics()
    log = logs.register(app, observe=figures.observe, queries=settings.log_queries)  # first: it gives a request its id
    app.extensions["osteo_kg_log"] = log
    for module in _MODULES:
        app.register_blueprint(module.blueprint)
    endpoints.register(app)
    problems.register(app)
    responses.register(app)
    layout.register(app)
    return app
