"""`/search`: find a term by label, other name, definition, key or code, in either language."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, current_app, jsonify
from werkzeug.exceptions import BadRequest

from osteo_kg_server.http.endpoints import endpoint, word
from osteo_kg_server.http.negotiation import PAGE, best
from osteo_kg_server.http.parameters import WISHES, given, language
from osteo_kg_server.pages.knowledge.index import index
from osteo_kg_server.pages.knowledge.search_index import Found, SearchIndex
from osteo_kg_server.pages.layout import Alternate, here, page
from osteo_kg_server.service import service

_MOST = 50  # results that are shown
_LONGEST = 200  # characters of what is searched for
_JSON = "application/json"
_PARAMETERS = {
    "q": word("What to search for: words of a label or a definition, a key, or a code.", maxLength=_LONGEST),
    **WISHES,
}
_EXAMPLES = ("vertebral fracture", "fracture vertébrale", "t_score_total_hip", "M05BA04", "osteoporsis")
_KEPT = "osteo_kg_search_index"
blueprint = Blueprint("search", __name__)


@blueprint.get("/search")
@endpoint("read", {200: [PAGE, _JSON]}, parameters=_PARAMETERS)
def search() -> Response:
    """Find what the ontology knows under a name, a key or a code, whatever the case, accents and slips of the pen."""
    parameters = given()
    parameters.only(*_PARAMETERS)
    media, spoken = best([PAGE, _JSON]), language()
    query = (parameters.one("q") or "").strip()
    if len(query) > _LONGEST:
        raise BadRequest(f"What is searched for is longer than {_LONGEST} characters. Write a few words.")
    results = search_index().search(query)
    if media == _JSON:
        found = [_as_json(each) for each in results.found[:_MOST]]
        response = jsonify({"query": query, "count": len(results.found), "nearly": results.nearly, "results": found})
        response.headers["Vary"] = "Accept, Accept-Encoding"
        return response
    return page(
        "knowledge/search.html",
        spoken,
        title="Rechercher" if spoken == "fr" else "Search",
        alternates=[Alternate(_JSON, here("/search", q=query, format="json"))],
        query=query,
        count=len(results.found),
        found=[_Shown(each) for each in results.found[:_MOST]],
        nearly=results.nearly,
        examples=_EXAMPLES,
    )


def search_index() -> SearchIndex:
    """Give the search index of the knowledge that is served, made once for one version of it."""
    digest = service().knowledge_base.knowledge.digest
    kept: dict[str, SearchIndex] = current_app.extensions.setdefault(_KEPT, {})
    if digest not in kept:
        kept[digest] = SearchIndex(index())
    return kept[digest]


class _Shown:
    """One result as the template reads it."""

    def __init__(self, found: Found) -> None:
        self.path, self.label, self.kind = found.entry.path, found.entry.label, found.entry.kind
        self.definition, self.matched = found.entry.definition, found.matched


def _as_json(found: Found) -> dict[str, Any]:
    entry = found.entry
    return {
        "iri": entry.iri,
        "path": entry.path,
        "label": {"en": entry.label.en, "fr": entry.label.fr},
        "kind": {"en": entry.kind.en, "fr": entry.kind.fr},
        "definition": {"en": entry.definition.en, "fr": entry.definition.fr} if entry.definition else None,
        "matched": found.matched or None,
    }
