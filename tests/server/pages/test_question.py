"""The page of a question: its answer as a table and a plot, by the page, to be taken along, in both languages."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import osteo_kg_server
from osteo_kg import Dataset, KnowledgeBase
from osteo_kg.rdf import KNOWN_PREFIXES
from osteo_kg_server import Settings
from osteo_kg_server.http.parameters import FORM
from osteo_kg_server.pages.question.bar_chart import counted, drawn
from osteo_kg_server.pages.question.editor import examples
from tests.support.service import CONSTRUCT, PREFIX, SELECT, is_problem

pytestmark = pytest.mark.server

_PAGE = {"Accept": "text/html"}
_COUNT = PREFIX + "SELECT ?kind (COUNT(?each) AS ?number) { ?each a ?kind } GROUP BY ?kind ORDER BY ?kind LIMIT 5"
_NASTY = "</textarea><script>alert(1)</script>\"'&"
_SIZE = 1000  # rows of a page


def ask(client: FlaskClient, query: str, **more: str) -> TestResponse:
    return client.get("/sparql", query_string={"query": query, **more}, headers=_PAGE)


def question_in(page: str) -> str:
    [found] = re.findall(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    return html.unescape(found)


def values(count: int) -> str:
    return f"SELECT ?n {{ VALUES ?n {{ {' '.join(map(str, range(1, count + 1)))} }} }}"


def rows_of(page: str) -> list[str]:
    return re.findall(r"<tr><td[^>]*>(.*?)</td></tr>", page)


# The question


@pytest.mark.parametrize("name", examples())
@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_question_is_one_click_away_in_both_languages(client: FlaskClient, name: str, language: str) -> None:
    page = client.get(f"/sparql?language={language}", headers=_PAGE).text
    links = dict(re.findall(r'<li><a href="([^"]*)">(.*?)</a></li>', page))
    address = f"/sparql?question={name}&amp;language={language}"
    assert html.unescape(links[address]) == examples()[name].sentence.get("fr" if language == "fr" else "en")


def test_a_question_named_in_the_address_is_answered_in_every_format(client: FlaskClient) -> None:
    name = "rules-resting-on-i3"
    page = client.get(f"/sparql?question={name}", headers=_PAGE)
    assert question_in(page.text) == examples()[name].text
    by_name = client.get(f"/sparql?question={name}&format=csv")
    assert by_name.data == client.get("/sparql", query_string={"query": examples()[name].text, "format": "csv"}).data
    is_problem(client.get("/sparql?question=nothing", headers={"Accept": "*/*"}), 404)
    is_problem(client.get(f"/sparql?question={name}&query=ASK%7B%7D", headers={"Accept": "*/*"}), 400)


def test_the_question_stays_in_the_editor(client: FlaskClient) -> None:
    for query in (SELECT, f"# {_NASTY}\n{SELECT}", f"SELECT {_NASTY}"):
        page = ask(client, query)
        assert question_in(page.text) == query
        assert "<script>alert" not in page.text


def test_a_page_without_a_question_is_the_editor_and_a_machine_is_told(client: FlaskClient) -> None:
    assert question_in(client.get("/sparql?language=fr", headers=_PAGE).text)
    is_problem(client.get("/sparql?language=fr", headers={"Accept": "*/*"}), 400)


# Errors


@pytest.mark.parametrize(
    ("query", "line", "column"), [("SELECT ?x\nWHERE { ?x a osteo:Patient }", 2, 14), ("ASK { ?s ?p 'open }", 1, 13)]
)
def test_a_mistake_is_shown_with_line_and_caret_beside_the_question(
    client: FlaskClient, query: str, line: int, column: int
) -> None:
    page = ask(client, query)
    assert (page.status_code, page.headers["Cache-Control"]) == (400, "no-store")
    assert f'data-line="{line}" data-column="{column}"' in page.text
    [shown] = re.findall(r'<pre lang="en">(.*?)</pre>', page.text, re.DOTALL)
    _, excerpt, caret, *_ = html.unescape(shown).splitlines()
    assert excerpt.strip() == query.splitlines()[line - 1].strip()
    assert caret.rstrip() == " " * (column + 1) + "^"
    assert question_in(page.text) == query


def test_whatever_stops_a_question_leaves_it_in_the_editor(client: FlaskClient) -> None:
    slow = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    page = ask(client, slow, timeout="0.2")
    assert page.status_code == 503
    assert question_in(page.text) == slow
    page = ask(client, "SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }")
    assert page.status_code == 400
    assert "SERVICE" in page.text


# The answer


@pytest.mark.parametrize("count", [0, 1, 7, _SIZE, _SIZE + 1, 2 * _SIZE + 1])
def test_a_long_answer_comes_by_the_page_and_loses_no_row(client: FlaskClient, count: int) -> None:
    seen: list[str] = []
    page = ask(client, values(count)).text
    while True:
        seen += rows_of(page)
        following = re.findall(r'<a class="button plain" href="([^"]*)">More rows', page)
        if not following:
            break
        assert f"of {count} are shown" in re.sub(r"\s+", " ", page)
        page = client.get(html.unescape(following[0]), headers=_PAGE).text
    assert seen == [str(each) for each in range(1, count + 1)]


def test_pages_lead_back_to_the_first(client: FlaskClient) -> None:
    page = ask(client, values(2 * _SIZE + 1), first=str(2 * _SIZE + 1)).text
    firsts = []
    while before := re.findall(r'<a class="button plain" href="([^"]*)">Rows before', page):
        firsts.append(parse_qs(urlsplit(html.unescape(before[0])).query)["first"])
        page = client.get(html.unescape(before[0]), headers=_PAGE).text
    assert firsts == [[str(_SIZE + 1)], ["1"]]


def test_past_the_end_and_past_counting_are_said(client: FlaskClient) -> None:
    assert "There are only 7 rows" in ask(client, values(7), first="5000").text
    assert re.search(r"of more than \d+ are shown", ask(client, "SELECT * { ?s ?p ?o }").text)
    for wrong in ("0", "-1", "one", "1e9", "999999999"):
        assert ask(client, values(7), first=wrong).status_code == 400


def test_the_first_row_of_a_page_is_none_of_a_machines_business(client: FlaskClient) -> None:
    whole = client.get("/sparql", query_string={"query": values(7), "format": "csv", "first": "5"})
    assert len(whole.text.splitlines()) == 8


@pytest.mark.parametrize("language", ["en", "fr"])
def test_terms_stand_by_their_labels_and_lead_to_their_pages(client: FlaskClient, language: str) -> None:
    page = ask(client, SELECT, language=language).text
    label = "treatment indicated" if language == "en" else "traitement indiqué"
    assert f'<td><a href="/ns/Treat?language={language}">{label}</a></td>' in page


def test_a_text_in_another_language_says_so_and_numbers_stand_right(client: FlaskClient) -> None:
    page = ask(
        client, "SELECT * { BIND ('os'@fr AS ?a) BIND ('bone'@en AS ?b) BIND (2.5 AS ?c) BIND ('2' AS ?d) }"
    ).text
    cells = ['<td lang="fr">os</td>', "<td>bone</td>", '<td class="number">2.5</td>', "<td>2</td>"]
    assert "".join(cells) in page


def test_no_answer_becomes_a_script(client: FlaskClient) -> None:
    for bound in ("'<script>alert(1)</script>'", "<javascript:alert(1)>", '"\\" onload=\\"alert(1)"@fr'):
        page = ask(client, f"SELECT ?x {{ BIND ({bound} AS ?x) }}").text
        assert page.count("<script") == len(re.findall(r'<script src="/static/', page))
        assert 'href="javascript' not in page
        assert not re.search(r"<[^>]*\sonload=", page)


@pytest.mark.parametrize(
    ("query", "kind", "formats"),
    [
        (SELECT, "solutions", {"csv": "text/csv", "tsv": "text/tab-separated-values", "json": None, "xml": None}),
        ("ASK {}", "boolean", {"json": None, "xml": None}),
        (CONSTRUCT, "graph", {"turtle": "text/turtle", "jsonld": "application/ld+json", "nt": None, "xml": None}),
        ("DESCRIBE <https://w3id.org/osteo-kg/ns/Treat>", "graph", {"turtle": "text/turtle", "jsonld": None}),
    ],
)
def test_an_answer_can_be_taken_along_whole(
    client: FlaskClient, query: str, kind: str, formats: dict[str, str | None]
) -> None:
    page = ask(client, query).text
    links = {name: html.unescape(href) for href, name in re.findall(r'<a href="([^"]+format=(\w+))">', page)}
    assert formats.keys() <= links.keys()
    for name, media in formats.items():
        answer = client.get(links[name])
        assert answer.status_code == 200
        assert media in (None, answer.mimetype)
    alternates = re.findall(r'<link rel="alternate" type="([^"]*)" href="([^"]*)">', page)
    assert len(alternates) == len(links)
    for media, href in alternates:
        assert client.get(html.unescape(href)).mimetype == media


def test_columns_named_as_those_of_a_graph_make_no_graph(client: FlaskClient) -> None:
    page = ask(client, "SELECT ?subject ?predicate ?object { BIND (1 AS ?subject) }").text
    assert "format=csv" in page
    assert "format=turtle" not in page


def test_true_and_false_are_said_in_both_languages(client: FlaskClient) -> None:
    for query, english, french in (("ASK {}", "true", "vrai"), ("ASK { FILTER (false) }", "false", "faux")):
        assert f"</strong> ({english})</p>" in ask(client, query).text
        assert f"</strong> ({french})</p>" in ask(client, query, language="fr").text


# The plot


def test_a_count_by_a_class_is_drawn(client: FlaskClient) -> None:
    page = ask(client, _COUNT).text
    assert page.count("<rect") == len(re.findall(r"<tr><td>", page))
    assert "<svg" not in ask(client, SELECT).text


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("SELECT ?c (COUNT(?x) AS ?n) { ?x a ?c } GROUP BY ?c", {"n"}),
        ("select ?c (count(distinct ?x) as ?n) (sum(?y) as ?s) { ?x a ?c } group by ?c", {"n", "s"}),
        ("SELECT ?c ?n { { SELECT ?c (COUNT(*) AS ?n) { ?x a ?c } GROUP BY ?c } }", {"n"}),
        ("SELECT (STR(?c) AS ?t) { ?x a ?c } # COUNT(?x) AS ?n", set()),
        ("SELECT ('COUNT' AS ?t) (AVG(?x) AS ?mean) { ?y a ?x }", set()),
        ("SELECT ?c { ?x a ?c } HAVING (COUNT(?x) > 1)", set()),
        ("SELECT ?c (COUNT(?x) AS $n) { ?x a ?c } GROUP BY ?c", {"n"}),
    ],
)
def test_what_counts_is_read_from_the_question(query: str, names: set[str]) -> None:
    assert counted(query) == names


def test_bars_are_as_long_as_what_they_count() -> None:
    chart = drawn(("what", "n"), [("a", "10"), ("b", "5"), ("c", "0")], frozenset({"n"}))
    assert chart
    [ten, five, none] = [group.bars[0] for group in chart.groups]
    assert ten.width == 2 * five.width
    assert (none.width, none.text) == (0, "0")
    tops = [bar.top for group in chart.groups for bar in group.bars]
    assert tops == sorted(set(tops))
    assert chart.height > tops[-1]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("a", "1")],
        [("a", "0"), ("b", "0")],
        [("a", "-1"), ("b", "2")],
        [("a", "INF"), ("b", "2")],
        [("a", "NaN"), ("b", "2")],
        [("a", "some"), ("b", "2")],
        [(str(each), "1") for each in range(500)],
    ],
)
def test_what_cannot_be_drawn_is_not(rows: list[tuple[str, str]]) -> None:
    assert drawn(("what", "n"), rows, frozenset({"n"})) is None


# Where patients may be kept


@pytest.fixture(scope="module")
def keeping(knowledge_base: KnowledgeBase) -> FlaskClient:
    """A service that may keep cases."""
    return osteo_kg_server.create_app(knowledge_base, Dataset({}), Settings(update_token="t")).test_client()


def test_where_cases_may_be_kept_a_question_stands_in_no_address(keeping: FlaskClient, client: FlaskClient) -> None:
    assert '<form class="question" method="get"' in client.get("/sparql", headers=_PAGE).text
    page = keeping.get("/sparql", headers=_PAGE).text
    assert '<form class="question" method="post" action="/sparql">' in page
    assert "stands in no address" in page


def test_a_question_that_was_posted_is_answered_turned_over_and_taken_along(keeping: FlaskClient) -> None:
    query = values(_SIZE + 2)
    page = keeping.post("/sparql?language=fr", data={"query": query}, headers=_PAGE)
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert 'action="/sparql?language=fr"' in page.text
    assert urlencode({"query": query}) not in page.text
    assert f'name="first" value="{_SIZE + 1}"' in page.text
    rest = keeping.post("/sparql", data={"query": query, "first": str(_SIZE + 1)}, headers=_PAGE)
    assert rows_of(rest.text) == [str(_SIZE + 1), str(_SIZE + 2)]
    assert '<button class="plain" name="format" value="csv">' in page.text
    whole = keeping.post("/sparql", data={"query": query, "format": "csv"}, headers=_PAGE)
    assert (whole.mimetype, len(whole.text.splitlines())) == ("text/csv", _SIZE + 3)
    refused = keeping.post("/sparql", data="query=SELECT", content_type=FORM, headers=_PAGE)
    assert (refused.status_code, question_in(refused.text)) == (400, "SELECT")


# The terms of the editor


def test_the_editor_knows_every_term_by_its_label_in_the_language_of_the_page(client: FlaskClient) -> None:
    labels = {}
    for language in ("en", "fr"):
        told = client.get(f"/terms.json?language={language}").get_json()
        assert told["prefixes"] == KNOWN_PREFIXES
        labels[language] = {each["iri"]: (each["kind"], each["label"]) for each in told["terms"]}
    ns = KNOWN_PREFIXES["osteo"]
    assert labels["en"][f"{ns}VertebralFracture"] == ("class", "vertebral fracture")
    assert labels["fr"][f"{ns}VertebralFracture"] == ("class", "fracture vertébrale")
    assert labels["en"][f"{ns}hasDisposition"][0] == "property"
    assert labels["en"][f"{ns}Treat"][0] == "individual"
    assert labels["en"].keys() == labels["fr"].keys()


def test_the_editor_knows_every_term_that_a_query_is_not_warned_of(client: FlaskClient, dataset: Dataset) -> None:
    told = {each["iri"] for each in client.get("/terms.json").get_json()["terms"]}
    assert dataset.terms <= told


def test_the_terms_are_not_sent_twice(client: FlaskClient) -> None:
    first = client.get("/terms.json", headers={"Accept-Language": "fr"})
    again = {"If-None-Match": first.headers["ETag"], "Accept-Language": "fr"}
    assert client.get("/terms.json", headers=again).status_code == 304
    assert client.get("/terms.json", headers={**again, "Accept-Language": "en"}).status_code == 200
