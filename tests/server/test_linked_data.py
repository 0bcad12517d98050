"""Every IRI of ours answers, as a page and as a graph."""

from __future__ import annotations

from urllib.parse import quote

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient
from rdflib import OWL, RDF, Graph

from osteo_kg.dataset import GRAPH, Dataset
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf.terms import DCTERMS, RDFS, SKOS
from osteo_kg_server.http.negotiation import GRAPHS
from tests.support.service import (
    BASE,
    OIC,
    is_problem,
    triples,
)
from tests.support.worked import ROOT

pytestmark = pytest.mark.server


# Linked data


@pytest.mark.parametrize("path", ["/ns/Treat", f"/guideline/{OIC}", f"/guideline/{OIC}/I1", "/ontology/core"])
def test_a_page_says_label_and_definition(client: FlaskClient, knowledge_base: KnowledgeBase, path: str) -> None:
    triples, iri = knowledge_base.knowledge.triples, BASE + path.removeprefix("/")
    for language in ("en", "fr"):
        page = client.get(f"{path}?language={language}", headers={"Accept": "text/html"}, follow_redirects=True)
        assert page.status_code == 200
        assert f'lang="{language}"' in page.text
        for names in (_LABELS, _DEFINITIONS):
            said = next(text for name in names if (text := triples.text(iri, name)))
            shown = said.fr if language == "fr" else said.en
            assert shown in _unescaped(page.text)


_LABELS = (RDFS.label, DCTERMS["title"])
_DEFINITIONS = (SKOS["definition"], DCTERMS["description"])


def _unescaped(text: str) -> str:
    for sign, name in (("'", "&#39;"), ('"', "&#34;"), ("<", "&lt;"), (">", "&gt;"), ("&", "&amp;")):
        text = text.replace(name, sign)
    return text.replace("\u202f", " ").replace("\u00a0", " ")  # the spaces of French print


def test_the_page_of_every_rule_says_it_in_words(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    for rule in knowledge_base.engine().guideline.rules:
        page = client.get("/" + rule.iri.removeprefix(BASE), headers={"Accept": "text/html"}, follow_redirects=True)
        assert rule.label.en in _unescaped(page.text)
        assert rule.restates.en in _unescaped(page.text)


def test_the_page_of_a_situation_says_what_holds_and_what_follows(
    client: FlaskClient, knowledge_base: KnowledgeBase, situation: str
) -> None:
    page = client.get(situation, headers={"Accept": "text/html"}, follow_redirects=True)
    assert "<td>post-menopausal</td>" in page.text
    assert ">treatment indicated<" in page.text
    assert 'href="/ns/Treat"' in page.text
    definition = knowledge_base.knowledge.triples.text(f"{BASE}ns/Situation", _DEFINITIONS[0])
    assert definition is not None
    assert definition.en in _unescaped(page.text)


def test_the_page_of_a_module_lists_what_it_defines(client: FlaskClient) -> None:
    page = client.get("/ontology/core", headers={"Accept": "text/html"}, follow_redirects=True)
    assert 'href="/ns/Patient"' in page.text


@pytest.mark.parametrize("media", GRAPHS)
def test_every_iri_answers_in_every_format_of_graphs(client: FlaskClient, situation: str, media: str) -> None:
    for path in ("/ns/Treat", f"/guideline/{OIC}", f"/guideline/{OIC}/I1", "/ontology/drugs", situation):
        response = client.get(path, headers={"Accept": media}, follow_redirects=True)
        assert response.mimetype == media
        assert "Accept" in response.headers["Vary"]
        assert triples(response)


def test_a_module_is_given_as_it_was_loaded(client: FlaskClient) -> None:
    for path in (ROOT / "ontology").rglob("*.ttl"):
        [header] = Graph().parse(path).subjects(RDF.type, OWL.Ontology)
        response = client.get("/" + str(header).removeprefix(BASE), headers={"Accept": "text/turtle"})
        assert response.data == path.read_bytes()


def test_the_context_that_our_json_ld_names_is_here(client: FlaskClient) -> None:
    response = client.get("/ontology/context.jsonld")
    assert response.mimetype == "application/ld+json"
    assert response.data == (ROOT / "ontology" / "context.jsonld").read_bytes()
    assert response.headers["Access-Control-Allow-Origin"] == "*"


def test_every_term_of_the_ontology_answers(client: FlaskClient, dataset: Dataset) -> None:
    subjects = {triple.subject for triple in dataset.graphs[GRAPH + "ontology"]}
    ours = sorted(each.value for each in subjects if isinstance(each, ox.NamedNode) and each.value.startswith(BASE))
    assert len(ours) > 100
    missing = [
        iri for iri in ours if client.get("/" + quote(iri.removeprefix(BASE)), follow_redirects=True).status_code != 200
    ]
    assert missing == []


@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/ns/Nothing",
        "/ns/%3Cscript%3E",
        "/ns/a%20b",
        "/ontology/nothing",
        "/guideline/nothing",
        f"/guideline/{OIC}/nothing",
        f"/situation/{OIC}/sex=female",
        "/situation/nothing/sex=female",
        f"/situation/x%23{OIC}/sex=female",
    ],
)
def test_what_is_not_there_is_a_problem(client: FlaskClient, path: str) -> None:
    is_problem(client.get(path), 404)


@pytest.mark.parametrize("path", ["/assessments", "/validations"])
def test_a_method_that_is_not_offered_is_a_problem(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    is_problem(response, 405)
    assert "POST" in response.headers["Allow"]
