"""`/table`: rows and situations by what is chosen of each fact, as a page, CSV, JSON and Turtle."""

from __future__ import annotations

import csv
import html
import io
import itertools
import random
import re
from typing import Any

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from osteo_kg.decision_table import minimised, settled_keys
from osteo_kg.decision_table.formats import as_csv
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import OSTEO, RDF
from osteo_kg.reasoning import NOT_APPLICABLE
from tests.support.service import BASE, is_problem

pytestmark = pytest.mark.server


def _json(client: FlaskClient, **chosen: str) -> dict[str, Any]:
    response = client.get("/table", query_string=chosen, headers={"Accept": "application/json"})
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.get_json()
    return document


def _key(knowledge_base: KnowledgeBase, fact: str) -> str:
    return knowledge_base.knowledge.terms.record_keys[fact]


def test_every_row_is_there_with_its_rule_and_its_situations(
    client: FlaskClient, knowledge_base: KnowledgeBase
) -> None:
    engine = knowledge_base.engine()
    document = _json(client)
    rows = minimised(engine)
    assert [row["row"] for row in document["rows"]] == list(range(1, len(rows) + 1))
    assert sum(row["situations"] for row in document["rows"]) == len(settled_keys(engine))
    text = client.get("/table", headers={"Accept": "text/html"}).text
    for row in document["rows"]:
        assert f'href="/{row["rule"].removeprefix(BASE)}"' in text
        assert f"row={row['row']}#situations" in text


def test_every_situation_is_counted_and_each_is_on_one_page(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    """The list goes by place, not by counting through: it holds each situation once all the same."""
    space = knowledge_base.engine().space
    chosen = {"age_years": "above_60", "t_score": "none", "fractures": "unknown", "treatment_history": "none"}
    places = [place for place, each in enumerate(space.dimensions) if _key(knowledge_base, each.fact) in chosen]
    keys = list(space.all_keys())
    wanted = [space.text(key) for key in keys if [key[place] for place in places] == list(chosen.values())]
    first = _json(client, **chosen)["situations"]
    found = [
        each["situation"].rsplit("/", 1)[-1]
        for number in range(1, first["pages"] + 1)
        for each in _json(client, page=str(number), **chosen)["situations"]["found"]
    ]
    assert sorted(found) == sorted(wanted)
    assert first["count"] == len(wanted)
    assert _json(client)["situations"]["count"] == len(keys)


def test_a_row_stays_as_long_as_some_way_of_what_is_chosen_leads_to_it(
    client: FlaskClient, knowledge_base: KnowledgeBase
) -> None:
    """Unknown is never false: rows are left out only where no settled situation of theirs can turn out so."""
    engine = knowledge_base.engine()
    dimensions, keys = engine.space.dimensions, settled_keys(engine)
    names = [engine.knowledge.terms.record_keys[each.fact] for each in dimensions]
    rows = minimised(engine)
    draw = random.Random(7)
    for _ in range(12):
        places = draw.sample(range(len(dimensions)), draw.randint(1, 3))
        chosen = {place: draw.choice(dimensions[place].values) for place in places}
        settled = [[v for v in each.values if each.completions(v) == (v,)] for each in dimensions]
        held = [
            each.completions(chosen[place]) if place in chosen else settled[place]
            for place, each in enumerate(dimensions)
        ]
        open_keys = [engine.space.canonical(way) for way in itertools.product(*held)]
        possible = set(open_keys) & set(keys)
        expected = [number for number, row in enumerate(rows, 1) if any(row.covers(key) for key in possible)]
        document = _json(client, **{names[place]: value for place, value in chosen.items()})
        shown = [row["row"] for row in document["rows"]]
        if NOT_APPLICABLE not in {value for key in possible for value in key}:
            assert shown == expected, chosen
        assert set(expected) >= set(shown), chosen


def test_the_situations_of_a_row_have_its_disposition(client: FlaskClient) -> None:
    for row in _json(client)["rows"]:
        document = _json(client, row=str(row["row"]))
        assert document["situations"]["count"] == row["situations"]
        for each in document["situations"]["found"]:
            assert (each["disposition"], each["strength"]) == (row["disposition"], row["strength"])


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_csv_is_that_of_the_library_with_the_rows_chosen(
    client: FlaskClient, knowledge_base: KnowledgeBase, language: str
) -> None:
    whole = client.get(f"/table?language={language}", headers={"Accept": "text/csv"})
    assert whole.get_data(as_text=True) == as_csv(knowledge_base.engine(), "fr" if language == "fr" else "en")
    some = list(csv.reader(io.StringIO(client.get("/table?sex=male&format=csv").get_data(as_text=True))))
    assert len(some) == 2


def test_the_turtle_holds_the_situations_of_the_page(client: FlaskClient) -> None:
    chosen = {"row": "3"}
    response = client.get("/table", query_string={**chosen, "format": "turtle"})
    graph = ox.Store()
    graph.extend(ox.parse(response.data, format=ox.RdfFormat.TURTLE))
    typed = {quad.subject.value for quad in graph.quads_for_pattern(None, RDF.type, OSTEO.Situation)}  # type: ignore[union-attr]
    assert typed == {each["situation"] for each in _json(client, **chosen)["situations"]["found"]}


def test_the_form_offers_every_value_of_every_fact_in_words(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    engine = knowledge_base.engine()
    for language in ("en", "fr"):
        text = client.get(f"/table?language={language}", headers={"Accept": "text/html"}).text
        for dimension in engine.space.dimensions:
            key = engine.knowledge.terms.record_keys[dimension.fact]
            select = text.partition(f'name="{key}"')[2].partition("</select>")[0]
            offered = dict(re.findall(r'<option value="([^"]+)"[^>]*>([^<]+)</option>', select))
            assert set(dimension.values) <= set(map(html.unescape, offered))
            assert len(set(offered.values())) == len(offered), "two values are called the same"
            assert not [words for words in offered.values() if "_" in words]


@pytest.mark.parametrize(
    "query",
    [
        "sex=other",
        "sex=female&sex=male",
        "colour=red",
        "row=99",
        "row=x",
        "page=0",
        "page=-1",
        "page=99999999",
        "page=%C2%B2",
    ],
)
def test_what_is_not_there_is_a_problem_that_says_what_to_do(client: FlaskClient, query: str) -> None:
    is_problem(client.get(f"/table?{query}"), 400)


def test_a_guideline_that_there_is_not_is_a_problem(client: FlaskClient) -> None:
    assert client.get("/table?guideline=nothing").status_code == 400
    assert client.get("/table?guideline=../x").status_code == 400
