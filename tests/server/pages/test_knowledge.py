"""The pages of the knowledge: every link leads somewhere, labels are shown and never keys, in both languages."""

from __future__ import annotations

import hashlib
import html
import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

import osteo_kg_server
from osteo_kg.dataset import Dataset
from osteo_kg.knowledge import Span
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import OSTEO, OWL, RDF, RDFS
from osteo_kg_server import Settings
from osteo_kg_server.pages.source import passage, source_text
from osteo_kg_server.service import of
from tests.support.service import BASE, OIC

pytestmark = pytest.mark.server

_START = ("/ontology", f"/guideline/{OIC}", "/table", "/cases", "/search?q=fracture")
_OWNED = ("/ontology", "/ns/", "/guideline/", "/situation/", "/table", "/cases", "/search")
_DEPTH = 3
_OF_EACH_PAGE = 12  # links that are followed further
_MOST = 260  # pages


def page_of(client: FlaskClient, path: str, language: str | None = None) -> str:
    """Ask for a page as a browser does, and follow it to where it is."""
    headers = {"Accept": "text/html", **({"Accept-Language": language} if language else {})}
    response = client.get(path, headers=headers, follow_redirects=True)
    assert response.status_code == 200, (path, response.text[-300:])
    assert response.mimetype == "text/html", path
    return response.text


def links_of(text: str, path: str) -> Iterator[str]:
    """Give the addresses of ours that a page leads to."""
    for found in re.findall(r'<a [^>]*href="([^"]*)"', text):
        address = urlsplit(urljoin(path, html.unescape(found)))
        if not address.netloc:
            yield address._replace(fragment="").geturl()


def words_of(text: str) -> str:
    """Give what a reader sees of the content of a page, without code."""
    content = text.partition('<main id="main">')[2].partition("</main>")[0]
    content = re.sub(r"(?s)<(pre|code|figcaption)[ >].*?</\1>", " ", content)
    return html.unescape(re.sub(r"<[^>]*>", " ", content))


def test_every_link_leads_somewhere(client: FlaskClient) -> None:
    """From each page a sample of its links is followed, to the third page and in French too."""
    seen: dict[str, int] = {}
    waiting = [(path, 0) for path in (*_START, *(f"{each.partition('?')[0]}?language=fr" for each in _START))]
    while waiting and len(seen) < _MOST:
        path, depth = waiting.pop(0)
        if path in seen:
            continue
        response = client.get(path, headers={"Accept": "text/html"}, follow_redirects=True)
        seen[path] = response.status_code
        if response.mimetype == "text/html" and depth < _DEPTH:
            links = list(dict.fromkeys(links_of(response.text, path)))
            step = max(len(links) // _OF_EACH_PAGE, 1)
            waiting += [(each, depth + 1) for each in links[::step] if each.startswith(_OWNED)]
    assert len(seen) == _MOST
    assert {path: status for path, status in seen.items() if status != 200} == {}


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(
    "path",
    [
        "/ontology",
        "/table",
        "/table?t_score=at-most_above_-1&fractures=unspecified",
        f"/guideline/{OIC}",
        f"/guideline/{OIC}/severe-treat",
        "/ns/PostmenopausalWoman",
        "/ns/Alendronate",
        "/ns/hasSex",
        "/ontology/core",
        "/search?q=zoledronate",
    ],
)
def test_a_page_shows_labels_and_never_names_of_terms(client: FlaskClient, path: str, language: str) -> None:
    shown = words_of(page_of(client, path, language))
    assert shown.strip()
    assert not re.findall(r"\b(?:osteo|oic|owl|rdfs|skos):\w+|\bns/[A-Z]\w+|\b\w+=\w+;|at-least_|perhaps-", shown)


@pytest.mark.parametrize("path", ["/ontology", "/table", f"/guideline/{OIC}", "/ns/Treat", "/search", "/cases"])
def test_a_page_names_its_data_and_the_other_language(client: FlaskClient, path: str) -> None:
    text = page_of(client, path)
    found = re.findall(r'<link rel="alternate" type="([^"]+)" href="([^"]+)"', text)
    assert found
    for media, address in found:
        response = client.get(html.unescape(address), headers={"Accept": media}, follow_redirects=True)
        assert (response.status_code, response.mimetype) == (200, media)
    [french] = re.findall(r'<link rel="alternate" hreflang="fr" href="([^"]+)"', text)
    assert '<html lang="fr">' in page_of(client, html.unescape(french))


# The terms


def test_a_term_has_crumbs_from_the_ontology_down(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    crumbs = page_of(client, "/ns/ProximalFemurFracture").partition('class="crumbs"')[2].partition("</nav>")[0]
    links = re.findall(r'href="([^"]*)"', crumbs)
    assert links[:2] == ["/ontology", "/ns/Fracture"]
    for upper, lower in itertools.pairwise([*links[1:], "/ns/ProximalFemurFracture"]):
        superclasses = knowledge_base.knowledge.triples.objects(BASE + lower.removeprefix("/"), RDFS.subClassOf)
        assert BASE + upper.removeprefix("/") in superclasses


def test_axioms_are_said_in_words(client: FlaskClient) -> None:
    """No nameless node is lost: the definition of a class and what follows from each of its members."""
    woman = " ".join(words_of(page_of(client, "/ns/PostmenopausalWoman")).split())
    assert "It is exactly: woman and ( has menopausal status is post-menopausal )" in woman
    french = " ".join(words_of(page_of(client, "/ns/PostmenopausalWoman", "fr")).split())
    assert "Équivaut exactement à : " in french
    fracture = words_of(page_of(client, "/ns/SevereFracture"))
    assert "leads only to:" in fracture


def test_every_class_with_a_nameless_axiom_has_a_sentence_of_it(
    client: FlaskClient, knowledge_base: KnowledgeBase
) -> None:
    store = knowledge_base.knowledge.store
    asked = "SELECT DISTINCT ?c { { ?c <http://www.w3.org/2002/07/owl#equivalentClass> ?x } UNION"
    asked += " { ?c <http://www.w3.org/2000/01/rdf-schema#subClassOf> ?x FILTER(isBlank(?x)) } }"
    classes = [row["c"].value for row in store.query(asked)]  # type: ignore[union-attr]
    assert classes
    for iri in classes:
        assert "What its axioms say" in page_of(client, "/" + iri.removeprefix(BASE)), iri


def test_the_page_of_a_drug_has_its_codes_with_their_systems_and_an_example(client: FlaskClient) -> None:
    text = page_of(client, "/ns/Alendronate")
    for said in ("M05BA04", "391730008", ">ATC<", ">SNOMED CT<", "<mark>osteo:Alendronate</mark>"):
        assert said in text
    [question] = re.findall(r'href="(/sparql\?query=[^"]*osteo%3AAlendronate[^"]*)"', text)
    assert client.get(html.unescape(question), headers={"Accept": "application/json"}).get_json(force=True)["results"]


def test_the_page_of_a_term_shows_its_example_as_it_is_written(client: FlaskClient) -> None:
    text = html.unescape(page_of(client, "/ns/hasSide"))
    [shown] = re.findall(r"<pre>(@prefix .*?)</pre>", text, re.DOTALL)
    assert "osteo:hasSide osteo:LeftSide" in shown
    assert text.count("@prefix osteo:") == 1


def test_the_page_of_a_deprecated_term_leads_to_what_takes_its_place(client: FlaskClient) -> None:
    text = page_of(client, "/ns/StrokeEvent")
    assert "no longer to be used" in text
    assert 'href="/ns/Stroke"' in text


def test_a_term_says_where_it_is_used(client: FlaskClient) -> None:
    assert f'href="/guideline/{OIC}/severe-treat"' in page_of(client, f"/guideline/{OIC}/severe-fracture")
    assert f'href="/guideline/{OIC}/postmenopausal-woman"' in page_of(client, "/ns/PostmenopausalWoman")


def test_the_tree_counts_individuals_of_all_classes_below(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    types = knowledge_base.knowledge.terms.types
    drugs = [iri for iri, kinds in types.items() if OSTEO.Drug.value in kinds and "Drug" not in iri]
    individuals = [each for each in drugs if each not in _classes(knowledge_base)]
    tree = page_of(client, "/ontology").partition('id="classes"')[2].partition('id="properties"')[0]
    [count] = re.findall(r'href="/ns/Drug">[^<]*</a> <span class="count">(\d+)</span>', tree)
    assert int(count) == len(individuals)


def _classes(knowledge_base: KnowledgeBase) -> set[str]:
    return set(knowledge_base.knowledge.triples.subjects(RDF.type, OWL.Class))


def test_every_module_is_listed_with_what_it_defines(client: FlaskClient, app: Flask) -> None:
    text = page_of(client, "/ontology")
    with app.app_context():
        modules = of(app).modules
    assert [iri for iri in modules if f'href="/{iri.removeprefix(BASE)}"' not in text] == []


# The guideline


def test_interpretations_stand_in_the_order_of_their_numbers(
    client: FlaskClient, knowledge_base: KnowledgeBase
) -> None:
    text = page_of(client, f"/guideline/{OIC}")
    numbers = [int(each) for each in re.findall(r'<article class="rule" id="I(\d+)"', text)]
    assert numbers == list(range(1, len(knowledge_base.engine().guideline.interpretations) + 1))
    touched = page_of(client, f"/guideline/{OIC}/span-vertebral")
    in_table = [int(each) for each in re.findall(rf'href="/guideline/{OIC}/I(\d+)"', touched)]
    assert in_table == sorted(in_table)


def test_rules_stand_in_the_order_of_the_source_with_passage_and_conditions(
    client: FlaskClient, knowledge_base: KnowledgeBase
) -> None:
    guideline = knowledge_base.engine().guideline
    text = html.unescape(page_of(client, f"/guideline/{OIC}"))
    shown = re.findall(r'<article class="rule" id="([a-z-]+)"', text)
    assert shown == [each.id for each in sorted(guideline.rules, key=lambda rule: (rule.cites.start, rule.cites.end))]
    for rule in guideline.rules:
        article = text.partition(f'id="{rule.id}"')[2].partition("</article>")[0]
        assert f"positions {rule.cites.start}–{rule.cites.end}" in article
        listed = [each.option for each in guideline.listings.values() if each.rule == rule.iri]
        for iri in (*rule.criteria, *listed):
            assert f'href="/{iri.removeprefix(BASE)}"' in article


def test_what_no_rule_rests_on_is_marked_by_position(client: FlaskClient) -> None:
    source = page_of(client, f"/guideline/{OIC}").partition('<h2 id="source">')[2]
    marked = re.findall(r'uncited">\s*<figcaption>Positions (\d+)–(\d+)', source)
    cited = re.findall(r'class="passage">\s*<figcaption>Positions (\d+)–(\d+)', source)
    assert marked
    assert ("0", cited[0][0]) in marked
    for start, end in marked:
        assert not [each for each in cited if int(each[0]) < int(end) and int(start) < int(each[1])]


def test_the_text_is_shown_only_where_its_digest_is_the_one_of_the_guideline(
    knowledge_base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, app: Flask
) -> None:
    text = "Zzyzx <b>of</b> the source."
    path = tmp_path / "source.txt"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("OSTEO_KG_SOURCE", str(path))
    digest, part = (hashlib.sha256(each.encode()).hexdigest() for each in (text, text[:9]))
    assert source_text(digest) == text
    assert passage(Span(0, 9, part), digest) == text[:9]
    assert passage(Span(0, 10, part), digest) is None
    assert source_text("0" * 64) is None
    shown = page_of(app.test_client(), f"/guideline/{OIC}")
    assert "does not travel with this software" in shown
    assert "Zzyzx" not in shown
    monkeypatch.setenv("OSTEO_KG_SOURCE", str(tmp_path / "nothing.txt"))
    assert source_text(digest) is None


# Situations


def test_a_situation_is_said_in_words(client: FlaskClient, knowledge_base: KnowledgeBase, situation: str) -> None:
    for language in ("en", "fr"):
        text = page_of(client, situation, language)
        shown = words_of(text)
        key = unquote(situation.rsplit("/", 1)[-1])
        answer = knowledge_base.situation(key)
        label = knowledge_base.knowledge.terms.label
        for option in answer.options:
            assert label(option.option).get("fr" if language == "fr" else "en") in shown
        assert key not in shown
        heading = html.unescape(re.findall(r"(?s)<h1[^>]*>(.*?)</h1>", text)[0])
        assert not re.search(r"[=;_]", heading)


def test_a_situation_leads_to_those_beside_it_and_says_whether_the_answer_differs(
    client: FlaskClient, knowledge_base: KnowledgeBase, situation: str
) -> None:
    engine = knowledge_base.engine()
    key = engine.space.parse(unquote(situation.rsplit("/", 1)[-1]))
    text = page_of(client, situation)
    beside = html.unescape(text.partition("One band below or above")[2].partition("<details>")[0])
    rows = re.findall(r'(?s)href="(/situation/[^"]+)".*?</td>.*?<td[^>]*>(.*?)</td>', beside)
    assert rows
    for address, said in rows:
        other = engine.space.parse(unquote(address.rsplit("/", 1)[-1]))
        assert sum(a != b for a, b in zip(key, other, strict=True)) == 1
        mine, hers = engine.answer(key), engine.answer(other)
        alike = (mine.possible, mine.strength, mine.options) == (hers.possible, hers.strength, hers.options)
        assert ("the same" in said) == alike


def test_what_is_not_known_is_said_to_be_open(client: FlaskClient, knowledge_base: KnowledgeBase) -> None:
    engine = knowledge_base.engine()
    nothing = engine.space.canonical(tuple(each.values[-1] for each in engine.space.dimensions))
    text = page_of(client, f"/situation/{OIC}/{engine.space.text(nothing)}")
    assert text.count('<span class="tag">open</span>') == sum(
        each.completions(value) != (value,) for each, value in zip(engine.space.dimensions, nothing, strict=True)
    )
    assert "Missing, and what it would settle" in text


# Cases


def test_cases_are_a_page_for_a_browser_and_json_as_before(client: FlaskClient) -> None:
    document = client.get("/cases").get_json()
    assert document["count"] == len(document["cases"])
    text = page_of(client, "/cases")
    for case in document["cases"]:
        assert case["case"].removeprefix("http://localhost") in text
    one = page_of(client, document["cases"][0]["case"].removeprefix("http://localhost"))
    assert "a osteo:Patient" in html.unescape(one)
    response = client.get("/cases", headers={"Accept": "text/html"})
    assert response.headers["Cache-Control"] == "no-store"


def test_cases_are_shown_only_to_who_may_read_them(knowledge_base: KnowledgeBase, dataset: Dataset) -> None:
    private = osteo_kg_server.create_app(knowledge_base, dataset, Settings(update_token="long-enough", private=True))
    client = private.test_client()
    for path in ("/cases", "/cases/urn:case:hip-fracture"):
        assert client.get(path, headers={"Accept": "text/html"}).status_code == 401
        headers = {"Accept": "text/html", "Authorization": "Bearer long-enough"}
        assert client.get(path, headers=headers).status_code == 200
    of(private).store.close()
