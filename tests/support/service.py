"""One service with one example, and what its tests ask of it."""

from __future__ import annotations

import json
from typing import Any

import pyoxigraph as ox
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.worked import ON, ROOT

EXAMPLE = (ROOT / "examples" / "hip-fracture.ttl").read_bytes()
OIC = "oic-128-08-b"
BASE = "https://w3id.org/osteo-kg/"
PREFIX = "PREFIX osteo: <https://w3id.org/osteo-kg/ns/> "
SELECT = PREFIX + "SELECT ?d { ?a osteo:assesses <urn:case:hip-fracture> ; osteo:hasDisposition ?d }"
CONSTRUCT = PREFIX + "CONSTRUCT { ?r a osteo:Rule } WHERE { ?r a osteo:Rule }"
PATIENT, SECRET = "urn:case:secret-anna", "urn:drug:secret-remedy"
RECORD = {
    "patient": PATIENT,
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 71,
    "t_score_total_hip": -3.14159,
    "fractures": [],
    "treatment_history": [],
}
REFUSED = {**RECORD, "sex": "male"}
DAY = f"?on={ON.isoformat()}"
FORMATS = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
    "application/ld+json": ox.RdfFormat.JSON_LD,
    "application/n-quads": ox.RdfFormat.N_QUADS,
    "application/trig": ox.RdfFormat.TRIG,
    "application/x-turtle": ox.RdfFormat.TURTLE,
    "text/n3": ox.RdfFormat.TURTLE,
    "text/plain": ox.RdfFormat.N_TRIPLES,
}


def post(client: FlaskClient, path: str, record: Any, **headers: str) -> TestResponse:
    return client.post(path, data=json.dumps(record), content_type="application/json", headers=headers)


def media_type(response: TestResponse) -> str:
    return response.mimetype or ""


def triples(response: TestResponse) -> set[ox.Triple]:
    return {quad.triple for quad in ox.parse(response.data, format=FORMATS[media_type(response)])}


def is_problem(response: TestResponse, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.content_type == "application/problem+json"
    document: dict[str, Any] = response.get_json(force=True)
    assert document["status"] == status
    assert document["type"]
    assert document["title"]
    assert document["detail"].endswith(".")
    return document
