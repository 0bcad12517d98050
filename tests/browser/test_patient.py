"""The page of a patient, in a browser: by keyboard, live, without scripts, on paper, and equal to the library."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from osteo_kg import Case, RefusedCaseError
from osteo_kg.assessment import short_answer
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.browser import Browser
from tests.support.cohorts import sample
from tests.support.forms import NotHeldError, Said, enter, said
from tests.support.worked import ON, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.server, pytest.mark.browser]

_PATIENTS = int(os.environ.get("OSTEO_KG_RECORDS", "12"))
_MOST_TABS = 120
_NUMBER = re.compile(r'"number ([^"]*)"')
_MARKS = re.compile(r"^[+?-] |  !!? .*", re.DOTALL)  # of an option in text: its status, and what follows of safety
_EXAMPLE = ROOT / "examples" / "two-vertebral-fractures.ttl"
_RECORD = {
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 71,
    "t_score_lumbar_spine": "-2.9",
    "fractures": [{"site": "vertebra", "mechanism": "low-energy", "date": "2025-02-03", "count": 2}],
    "treatment_history": [],
    "climacteric_disorders": False,
}
_README = {
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": "71",
    "on": "11222026",
    "t_score_lumbar_spine": "-2.9",
    "densitometry_date": "2025-05-12",
    "fractures.1.site": "vertebra",
    "fractures.1.mechanism": "low-energy",
    "fractures.1.date": "02032025",
    "fractures.1.count": "2",
    "treatment_history": "none",
    "climacteric_disorders": "false",
}


def case_of(knowledge_base: KnowledgeBase, record: Mapping[str, Any]) -> Case:
    """Read a record as JSON that writes its numbers out, whatever their digits."""
    text = json.dumps(record, default=lambda number: f"number {number}")
    [case] = knowledge_base.read(_NUMBER.sub(r"\1", text).encode(), "json")
    return case


def assessed(knowledge_base: KnowledgeBase, case: Case) -> Said:
    """Give what the page is to say of a case, by the library alone."""
    try:
        answer = knowledge_base.assess(case, on=ON)
    except RefusedCaseError as error:
        return Said("", (), len(list(error.report.violations)))
    short = short_answer(answer, "en")
    options = [item.text for part in short.of("options") for item in part.items]
    return Said(short.headline, tuple(_MARKS.sub("", each) for each in options), 0)


def press(browser: Browser, *keys: str) -> None:
    ActionChains(browser.driver).send_keys(*keys).perform()


def active(browser: Browser, what: str) -> str:
    return str(browser.evaluate(f"return document.activeElement.{what} ?? ''"))


def tab_to(browser: Browser, name: str) -> None:
    """Go to a field, or to the button that adds a row, by the tab key alone."""
    for _ in range(_MOST_TABS):
        if name in (active(browser, "name"), active(browser, "dataset.add")):
            return
        is_folded = browser.evaluate("return document.activeElement.matches('details:not([open]) > summary')")
        press(browser, *([Keys.ENTER] if is_folded else []), Keys.TAB)
    raise AssertionError(f"the tab key does not lead to {name}")


def choose(browser: Browser, value: str) -> None:
    """Choose a value in what has the focus: by arrows among several, else by writing it."""
    kind = active(browser, "type")
    if kind not in ("radio", "select-one"):
        press(browser, value)
        return
    for _ in range(_MOST_TABS):
        if active(browser, "value") == value:
            return
        press(browser, Keys.ARROW_DOWN)
    raise AssertionError(f"the arrows do not lead to {value}")


def test_the_patient_of_the_readme_is_entered_by_keyboard_alone(
    browser: Browser, knowledge_base: KnowledgeBase
) -> None:
    browser.open("/?language=en")
    for name, value in _README.items():
        if name == "fractures.1.site":
            tab_to(browser, "fractures")
            for _ in range(_MOST_TABS):
                if active(browser, "dataset.add") == "fractures":
                    break
                press(browser, Keys.TAB)
            press(browser, Keys.ENTER)
        tab_to(browser, name)
        choose(browser, value)
    press(browser, Keys.TAB)
    [case] = knowledge_base.read(_EXAMPLE.read_bytes(), "ttl")
    expected = assessed(knowledge_base, case)
    # The headline may stand before the last field is answered: the whole of what is said is waited for.
    browser.until(lambda: said(browser) == expected)
    assert browser.requests_elsewhere() == []
    assert browser.kept() == []


def test_the_answer_on_the_page_is_that_of_the_library_and_leaves_no_trace(
    browser: Browser, knowledge_base: KnowledgeBase
) -> None:
    headlines, entered = set(), 0
    for record in sample(2 * _PATIENTS, 15):
        if entered == _PATIENTS:
            break
        named = {name: value for name, value in record.items() if name != "patient"}
        try:
            enter(browser, named, ON)
        except NotHeldError:
            continue
        entered += 1
        expected = assessed(knowledge_base, case_of(knowledge_base, named))
        assert said(browser) == expected, named
        asked = browser.requests()
        assert [each for each in asked if not each.startswith((browser.address, "data:"))] == []
        assert {each.partition("?")[2] for each in asked if "/assess" in each} <= {"language=en", ""}
        headlines.add(expected.headline)
    assert entered == _PATIENTS
    assert len(headlines) > 1
    assert browser.kept() == []
    assert browser.complaints() == []


def test_a_patient_is_answered_without_scripts(plain_browser: Browser, knowledge_base: KnowledgeBase) -> None:
    plain_browser.open("/?language=fr")
    for name, value in (("sex", "female"), ("menopausal_status", "postmenopausal"), ("fractures", "none")):
        plain_browser.find(f"[name='{name}'][value='{value}']").click()
    plain_browser.find("[name='t_score_total_hip']").send_keys("-3,2")
    plain_browser.find("#ask").click()
    record = {"sex": "female", "menopausal_status": "postmenopausal", "fractures": []}
    answer = knowledge_base.assess(case_of(knowledge_base, {**record, "t_score_total_hip": Decimal("-3.2")}), on=ON)
    assert short_answer(answer, "fr").headline in plain_browser.find("#answer .headline").text


def test_an_answer_is_printed_on_one_page(browser: Browser) -> None:
    enter(browser, _RECORD, ON)
    for language in ("en", "fr"):
        if language == "fr":
            browser.find("a.language").click()
            browser.wait_for("html[lang=fr] #answer .headline")
        printed = browser.driver.execute_cdp_cmd(
            "Page.printToPDF", {"preferCSSPageSize": True, "paperWidth": 8.27, "paperHeight": 11.69}
        )
        pages = re.findall(rb"/Type\s*/Page\b", base64.b64decode(printed["data"]))
        assert len(pages) == 1
