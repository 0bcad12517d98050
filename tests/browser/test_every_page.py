"""What holds of every page: it can be read by all, on any screen, without scripts, and tells nobody of it."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from selenium.webdriver.common.by import By

from tests.support.browser import Browser
from tests.support.processes import eventually
from tests.support.serving import Server

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.browser]


def _asked(query: str) -> str:
    return f"/sparql?{urlencode({'query': query})}"


#: Every kind of page, with its address.
PAGES = {
    "home": "/",
    "patient": "/assess",
    "question": "/sparql",
    "answer": "/sparql?question=across-minus-two",
    "answer-in-pages": _asked("SELECT * { ?s ?p ?o } LIMIT 1003") + "&first=1001",
    "graph": "/sparql?question=provenance-of-the-decisions",
    "truth": "/sparql?question=terms-without-french",
    "unknown-term": _asked("SELECT * { ?s a <https://w3id.org/osteo-kg/ns/Patent> }"),
    "mistake": _asked("SELECT ?x\nWHERE { ?x a osteo:Patient }"),
    "guideline": "/guideline/oic-128-08-b.html",
    "rule": "/guideline/oic-128-08-b/population.html",
    "term": "/ns/Patient.html",
    "module": "/ontology/osteo-kg",
    "ontology": "/ontology",
    "table": "/table",
    "search": "/search?q=fracture",
    "cases": "/cases",
    "nowhere": "/nowhere",
}
ALL = pytest.mark.parametrize("path", PAGES.values(), ids=PAGES)
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
#: What Chromium says of a page that is itself an error: it is one.
_IS_AN_ERROR = re.compile(r"Failed to load resource: the server responded with a status of 40[04]")


def _in(path: str, language: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}language={language}"


@ALL
@LANGUAGES
def test_a_page_has_no_fault_of_accessibility_and_asks_nothing_of_others(
    browser: Browser, axe: str, path: str, language: str
) -> None:
    browser.open(_in(path, language))
    assert browser.evaluate("return document.documentElement.lang") == language
    assert browser.violations(axe) == []
    assert browser.requests_elsewhere() == []
    assert [each for each in browser.complaints() if not _IS_AN_ERROR.search(each)] == []
    assert browser.kept() == []


@ALL
@LANGUAGES
def test_a_page_is_no_wider_than_a_small_screen(small_browser: Browser, path: str, language: str) -> None:
    small_browser.open(_in(path, language))
    assert small_browser.overflow() <= 0


@ALL
def test_a_page_says_the_same_without_scripts(browser: Browser, plain_browser: Browser, path: str) -> None:
    browser.open(path)
    plain_browser.open(path)
    said = _said(browser)
    assert said
    assert eventually(lambda: _said(plain_browser) == said, 20), (said, _said(plain_browser))


def _said(browser: Browser) -> list[str]:
    return [element.text for element in browser.all("h1, h2, table, footer")]


def test_the_harness_sees_what_it_looks_for(browser: Browser, axe: str, server: Server) -> None:
    """Else nothing that it finds missing would mean anything."""
    browser.open("/sparql")
    browser.evaluate(
        "document.cookie = 'a=b'; localStorage.setItem('c', 'd'); new Image().src = 'http://127.0.0.2:9/e'"
    )
    browser.evaluate("document.querySelector('main').append(document.createElement('img'))")
    browser.evaluate("document.body.style.width = '3000px'")
    assert [each for each in browser.complaints() if "Content Security Policy" in each]
    assert browser.kept() == ["a=b", ["c", "d"]]
    assert any(each.startswith("image-alt") for each in browser.violations(axe))
    assert browser.overflow() > 0
    browser.evaluate("document.cookie = 'a=; max-age=0'; localStorage.clear()")
    assert browser.kept() == []
    assert any(each.startswith(server.address) for each in browser.requests())


def test_no_script_runs_in_the_browser_without_scripts(plain_browser: Browser) -> None:
    plain_browser.open("/sparql")
    assert plain_browser.driver.find_elements(By.CSS_SELECTOR, ".CodeMirror") == []
