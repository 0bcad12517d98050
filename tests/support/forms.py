"""The form of a patient in a browser: a flat record entered in it, and what the page then says of her."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.browser import Browser

_ENTER = """
const [record, on, done] = arguments;
const form = document.getElementById("patient");
const notHeld = [];
const choose = (name, value) => {
  const named = form.elements[name];
  if (named instanceof RadioNodeList) {
    for (const each of named) each.checked = each.value === value;
  } else {
    named.value = value;
  }
  if (named.value !== value) notHeld.push(name);
};
const rows = (name, entries) => {
  if (entries.length === 0) return choose(name, "none");
  entries.forEach((entry, place) => {
    form.querySelector(`[data-add="${name}"]`).click();
    const row = `${name}.${place + 1}`;
    if (typeof entry === "string") return choose(row, entry);
    for (const [key, value] of Object.entries(entry)) choose(`${row}.${key}`, String(value));
  });
};
choose("on", on);
for (const [name, value] of Object.entries(record)) {
  if (name === "open_sections") {
    for (const each of form.querySelectorAll(`[name="${name}"]`)) each.checked = value.includes(each.value);
  } else if (Array.isArray(value)) {
    rows(name, value);
  } else {
    choose(name, String(value));
  }
}
if (notHeld.length) done(notHeld);
const began = performance.now();
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.elt?.id === "answer" || event.target.id === "answer") done(performance.now() - began);
});
form.dispatchEvent(new Event("change", { bubbles: true }));
"""
_SAID = """
const own = (element) => {
  const copy = element.cloneNode(true);
  copy.querySelectorAll(".sign, p").forEach((each) => each.remove());
  return copy.textContent.replace(/\\s+/g, " ").trim();
};
const answer = document.getElementById("answer");
return JSON.stringify({
  headline: Array.from(answer.querySelectorAll(".headline"), own).join(),
  options: Array.from(answer.querySelectorAll(".options > li"), own),
  corrections: answer.querySelectorAll(".box.alarm a[href^='#field-']").length,
});
"""


class NotHeldError(Exception):
    """The form has no place for a value: a list to choose from holds no drug that is none, a calendar no 31 June."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the page says: the headline, the options in words, and how many things are to be corrected first."""

    headline: str
    options: tuple[str, ...]
    corrections: int


def enter(browser: Browser, record: Mapping[str, Any], on: datetime.date) -> float:
    """Enter a record in an empty form, and give how long the answer took to stand beside it, in milliseconds.

    Raises:
        NotHeldError: the form cannot hold a value.
    """
    browser.open("/assess?language=en")
    plain = json.loads(json.dumps(record, default=str))
    told = browser.driver.execute_async_script(_ENTER, plain, on.isoformat())
    if isinstance(told, list):
        raise NotHeldError(", ".join(told))
    return float(told)


def said(browser: Browser) -> Said:
    """Read what the page says of the patient in its form."""
    found = json.loads(browser.evaluate(_SAID))
    return Said(found["headline"], tuple(found["options"]), found["corrections"])
