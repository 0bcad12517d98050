"""One SPARQL query spans guideline, patients and answers, and none reaches outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from osteo_kg.cli.main import main
from osteo_kg.dataset import GRAPH, Dataset, QueryError, build_dataset, parsed
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.server


PREFIX = "PREFIX osteo: <https://w3id.org/osteo-kg/ns/> "


@pytest.fixture(scope="module")
def dataset(knowledge_base: KnowledgeBase) -> Dataset:
    """The knowledge with every example."""
    files = sorted((ROOT / "examples").glob("*.ttl"))
    cases = [case for path in files for case in knowledge_base.read(path.read_bytes(), name=path.name)]
    return build_dataset(knowledge_base, cases, on=ON)


def _rows(dataset: Dataset, text: str) -> list[dict[str, str]]:
    found = json.loads(dataset.query(PREFIX + text).written("json"))
    return [{name: value["value"] for name, value in row.items()} for row in found["results"]["bindings"]]


def test_the_graphs_are_those_of_the_design(dataset: Dataset) -> None:
    kinds = {name.removeprefix(GRAPH).split("/")[0] for name in dataset.graphs}
    assert kinds == {"ontology", "inferred", "shapes", "situations", "cases", "assessments"}


def test_one_query_spans_the_guideline_the_patient_and_the_answer(dataset: Dataset) -> None:
    rows = _rows(
        dataset,
        """SELECT ?patient ?label WHERE {
          ?assessment osteo:assesses ?patient ; osteo:hasRuleAssessment ?part .
          ?part osteo:ofRule ?rule ; osteo:hasStatus osteo:Met .
          ?patient osteo:hasFracture/a osteo:VertebralFracture .
          ?rule osteo:recommends/<http://www.w3.org/2000/01/rdf-schema#label> ?label .
          FILTER (lang(?label) = "en") }""",
    )
    assert {row["label"] for row in rows} >= {"treatment indicated"}


def test_the_inferred_graph_holds_what_is_not_asserted(dataset: Dataset) -> None:
    asserted = set(dataset.graphs[GRAPH + "ontology"])
    inferred = dataset.graphs[GRAPH + "inferred"]
    assert inferred
    assert [triple for triple in inferred if triple in asserted] == []


def test_every_assessed_patient_is_in_a_situation_of_the_table(dataset: Dataset) -> None:
    missing = _rows(
        dataset,
        """SELECT ?assessment WHERE { ?assessment osteo:hasSituation ?situation
           FILTER NOT EXISTS {
             GRAPH <https://w3id.org/osteo-kg/graph/situations> { ?situation a osteo:Situation } } }""",
    )
    assert missing == []


def test_graphs_keep_literals_as_they_were_written() -> None:
    data = Dataset({GRAPH + "x": parsed(b'<urn:a> <urn:b> "1.50"^^<http://www.w3.org/2001/XMLSchema#decimal> .')})
    [triple] = data.graphs[GRAPH + "x"]
    assert str(triple.object) == '"1.50"^^<http://www.w3.org/2001/XMLSchema#decimal>'


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "SELECT * { service silent <http://127.0.0.1:9/> { ?s ?p ?o } }",
        "SELECT * { # a comment\nSERVICE<http://127.0.0.1:9/> { ?s ?p ?o } }",
        "SELECT * { ?s ?p 'x'.SERVICE ?g { ?s ?p ?o } }",
        "LOAD <http://127.0.0.1:9/>",
        "SELECT * FROM <http://127.0.0.1:9/> { ?s ?p ?o }",
        "SELECT * FROM NAMED <file:///etc/hostname> { GRAPH ?g { ?s ?p ?o } }",
        "SELECT *",
        "DELETE WHERE { ?s ?p ?o }",
    ],
)
def test_what_is_no_query_or_reaches_outside_is_refused_with_a_sentence(dataset: Dataset, text: str) -> None:
    with pytest.raises(QueryError) as caught:
        dataset.query(text)
    assert str(caught.value).endswith(".")


def test_a_word_in_a_string_an_iri_or_a_comment_is_no_keyword(dataset: Dataset) -> None:
    text = 'SELECT ("SERVICE" AS ?x) (<urn:LOAD> AS ?y) { } # SERVICE'
    assert json.loads(dataset.query(text).written("json"))["results"]["bindings"][0]["x"]["value"] == "SERVICE"


def test_a_query_may_name_the_graphs_that_are_loaded(dataset: Dataset) -> None:
    [row] = _rows(dataset, f"SELECT (COUNT(*) AS ?n) FROM <{GRAPH}inferred> {{ ?s ?p ?o }}")
    assert int(row["n"]) == len(dataset.graphs[GRAPH + "inferred"])


def test_a_format_that_does_not_fit_is_refused(dataset: Dataset) -> None:
    with pytest.raises(QueryError, match="cannot be written"):
        dataset.query("ASK { }").written("turtle")


def test_the_command_answers_over_files(tmp_path: Path) -> None:
    file = tmp_path / "who.rq"
    file.write_text(PREFIX + "SELECT ?d { ?a osteo:assesses <urn:case:hip-fracture> ; osteo:hasDisposition ?d }")
    example = str(ROOT / "examples" / "hip-fracture.ttl")
    result = CliRunner().invoke(main, ["query", str(file), example, "--on", ON.isoformat()])
    assert result.exit_code == 0
    assert result.stdout.split() == ["d", "https://w3id.org/osteo-kg/ns/Treat"]


def test_the_command_refuses_a_missing_query_file_with_a_sentence() -> None:
    result = CliRunner().invoke(main, ["query", "nowhere.rq"])
    assert result.exit_code == 2
    assert "nowhere.rq cannot be read" in result.stderr
