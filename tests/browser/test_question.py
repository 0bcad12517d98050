"""The page of a question, in a browser: by keyboard, with completion, with a mistake, and without scripts."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from osteo_kg_server.pages.question.editor import examples
from tests.support.browser import Browser

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.browser]

_QUERY = "SELECT ?option { ?option a <https://w3id.org/osteo-kg/ns/TreatmentOption> } ORDER BY ?option"
_LONG = "SELECT ?p { SELECT ?s ?p { ?s ?p ?o } ORDER BY ?s ?p LIMIT 1003 }"


def _write(browser: Browser, text: str) -> None:
    """Put a text into the editor, as a hand that pastes does."""
    browser.evaluate("const editor = document.querySelector('.CodeMirror').CodeMirror; editor.focus();")
    browser.evaluate("document.querySelector('.CodeMirror').CodeMirror.execCommand('selectAll')")
    browser.driver.execute_cdp_cmd("Input.insertText", {"text": text})


def _question(browser: Browser) -> str:
    return str(browser.evaluate("return document.querySelector('.CodeMirror').CodeMirror.getValue()"))


def _answered(browser: Browser) -> list[str]:
    browser.until(lambda: browser.all("#answer"))
    return [each.text for each in browser.all("tbody tr")]


def test_a_question_is_asked_by_keyboard(browser: Browser) -> None:
    browser.open("/sparql")
    _write(browser, _QUERY)
    ActionChains(browser.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
    assert "menopausal hormone therapy (MHT)" in _answered(browser)
    assert _question(browser) == _QUERY
    assert browser.requests_elsewhere() == []
    assert browser.kept() == []


def test_the_keyboard_is_not_held_in_the_editor(browser: Browser) -> None:
    browser.open("/sparql")
    browser.evaluate("document.querySelector('.CodeMirror').CodeMirror.focus()")
    ActionChains(browser.driver).send_keys(Keys.TAB, Keys.TAB).perform()  # by the editor's own scrolling
    assert browser.evaluate("return document.activeElement.textContent") == "Run"
    ActionChains(browser.driver).send_keys(Keys.ENTER).perform()
    assert _answered(browser)


@pytest.mark.parametrize(
    ("language", "written", "term", "label"),
    [
        ("en", "osteo:Treatm", "osteo:TreatmentOption", "treatment option"),
        ("en", "osteo:vertebra", "osteo:VertebralFracture", "vertebral fracture"),
        ("fr", "osteo:vertébr", "osteo:VertebralFracture", "fracture vertébrale"),
    ],
)
def test_a_term_is_completed_by_its_name_and_by_its_label(
    browser: Browser, language: str, written: str, term: str, label: str
) -> None:
    browser.open(f"/sparql?language={language}")
    _write(browser, "SELECT * { ?x a ")
    browser.driver.execute_cdp_cmd("Input.insertText", {"text": written})
    ActionChains(browser.driver).key_down(Keys.CONTROL).send_keys(Keys.SPACE).key_up(Keys.CONTROL).perform()
    offered = f"//li[contains(@class, 'CodeMirror-hint') and text()='{term}']"
    browser.until(lambda: browser.driver.find_elements(By.XPATH, offered))
    [hint] = browser.driver.find_elements(By.XPATH, offered)
    assert hint.find_element(By.CSS_SELECTOR, ".label").text == label
    hint.click()
    browser.until(lambda: f"SELECT * {{ ?x a {term}" in _question(browser))
    assert "PREFIX osteo: <https://w3id.org/osteo-kg/ns/>" in _question(browser)
    assert browser.requests_elsewhere() == []
    assert browser.kept() == []


def test_a_mistake_is_shown_where_it_is_and_the_question_stays(browser: Browser) -> None:
    browser.open("/sparql?query=SELECT+%3Fx%0AWHERE+%7B+%3Fx+a+osteo%3APatient+%7D")
    assert _question(browser) == "SELECT ?x\nWHERE { ?x a osteo:Patient }"
    assert "line 2, column 14" in browser.find("[role=alert]").text
    cursor = browser.evaluate("return document.querySelector('.CodeMirror').CodeMirror.getCursor()")
    assert (cursor["line"], cursor["ch"]) == (1, 13)
    assert browser.all(".wrong-line")


@pytest.mark.parametrize("name", ["concluded-classes", "terms-without-french", "open-options-with-their-drugs"])
def test_a_question_that_comes_with_the_service_is_one_click_away(browser: Browser, name: str) -> None:
    browser.open("/sparql")
    browser.find(f".examples a[href*='question={name}']").click()
    assert browser.find("h1").text == examples()[name].sentence.en
    assert browser.all("#answer")
    assert _question(browser) == examples()[name].text


def test_a_question_is_asked_without_scripts(plain_browser: Browser) -> None:
    plain_browser.open("/sparql?language=fr")
    field = plain_browser.find("#query")
    field.clear()
    field.send_keys(_QUERY)
    plain_browser.find(".question button").click()
    assert "traitement hormonal de la ménopause (THM)" in _answered(plain_browser)
    assert plain_browser.find("#query").get_property("value") == _QUERY


def test_a_long_answer_is_turned_over_without_scripts(plain_browser: Browser) -> None:
    plain_browser.open(f"/sparql?{urlencode({'query': _LONG})}")
    first = plain_browser.find("tbody tr").text
    plain_browser.find(".pages a").click()
    assert "Rows 1001 to 1003 of 1003" in plain_browser.find("main").text
    plain_browser.find(".pages a").click()
    assert plain_browser.find("tbody tr").text == first
