"""Queries over the dataset: graphs are found however they are written, and columns are never counted as others."""

from __future__ import annotations

import json
from typing import Any

import pytest

import osteo_kg_server
from osteo_kg import Dataset, KnowledgeBase, QueryError, build_dataset
from osteo_kg.dataset import GRAPH
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.slow


PREFIXES = f"PREFIX osteo: <https://w3id.org/osteo-kg/ns/> PREFIX g: <{GRAPH}> "
ANSWERS = "{ ?a osteo:assesses ?p ; osteo:hasDisposition ?d }"
COUNTED = f"SELECT ?d (COUNT(?a) AS ?n) {{ {{ SELECT * {ANSWERS} }} }} GROUP BY ?d ORDER BY ?d"


@pytest.fixture(scope="module")
def dataset(knowledge_base: KnowledgeBase) -> Dataset:
    cases = knowledge_base.read((ROOT / "examples" / "hip-fracture.ttl").read_bytes(), "ttl")
    return build_dataset(knowledge_base, cases, on=ON)


def _found(dataset: Dataset, query: str, over: str) -> dict[str, Any]:
    """The result of a query by the library, or by a service over the same dataset."""
    if over == "library":
        found: dict[str, Any] = json.loads(dataset.query(PREFIXES + query).written("json"))
        return found
    client = osteo_kg_server.create_app(KnowledgeBase(), dataset).test_client()
    response = client.get("/sparql", query_string={"query": PREFIXES + query})
    if response.status_code == 400:
        raise QueryError(response.get_json(force=True)["detail"], advice="")
    assert response.status_code == 200, response.data
    return json.loads(response.data)  # type: ignore[no-any-return]


@pytest.mark.parametrize("over", ["library", "service"])
def test_the_columns_of_an_inner_select_star_are_its_own(dataset: Dataset, over: str) -> None:
    [row] = _found(dataset, COUNTED, over)["results"]["bindings"]
    assert row["d"]["value"].endswith("/Treat")
    assert row["n"]["value"] == "1"


@pytest.mark.parametrize("over", ["library", "service"])
def test_the_columns_of_an_outermost_select_star_stand_as_they_are_written(dataset: Dataset, over: str) -> None:
    found = _found(
        dataset, f"SELECT * {{ {{ SELECT ?zebra ?d {{ ?zebra osteo:hasDisposition ?d }} LIMIT 3 }} {ANSWERS} }}", over
    )
    assert found["head"]["vars"] == ["zebra", "d", "a", "p"]


@pytest.mark.parametrize("over", ["library", "service"])
@pytest.mark.parametrize(
    "absent", ["FROM g:nope", "FROM <nope>", "FROM NAMED g:nope", "FROM # a remark\nNAMED\n<nope>"]
)
def test_a_graph_that_is_not_loaded_is_refused_however_it_is_written(dataset: Dataset, absent: str, over: str) -> None:
    with pytest.raises(QueryError, match="no graph"):
        _found(dataset, f"SELECT * {absent} {{ ?s ?p ?o }}", over)


@pytest.mark.parametrize("over", ["library", "service"])
@pytest.mark.parametrize("loaded", ["FROM g:ontology", f"FROM <{GRAPH}ontology>", f"BASE <{GRAPH}> FROM <ontology>"])
def test_a_graph_that_is_loaded_is_answered_however_it_is_written(dataset: Dataset, loaded: str, over: str) -> None:
    base, _, clause = loaded.rpartition("FROM")
    found = _found(dataset, f"{base} SELECT (COUNT(*) AS ?n) FROM{clause} {{ ?s ?p ?o }}", over)
    [row] = found["results"]["bindings"]
    assert int(row["n"]["value"]) == len(set(dataset.graphs[GRAPH + "ontology"]))
