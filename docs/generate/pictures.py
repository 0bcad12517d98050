"""Take the pictures of the documents from the real pages, in Chromium: `make pictures`."""

from __future__ import annotations

import base64
import datetime
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.browser import MISSING, Browser, chromium
from tests.support.forms import enter
from tests.support.serving import serving

FOLDER = Path(__file__).resolve().parents[1] / "pictures"
_WIDTH, _TALLEST = 1100, 1000  # pixels of CSS
_MARGIN = 16
#: Shows the whole of an answer that has a scrolling of its own beside the form.
_WHOLE = "document.querySelector('#answer')?.style.setProperty('max-height', 'none')"
_READ_ONLY = {"OSTEO_KG_UPDATE_TOKEN": ""}


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its name, the page, what is done there first, and from which element down to which it is taken."""

    name: str
    path: str
    end: str
    prepare: Callable[[Browser], object] = lambda _: None
    start: str = "body"


def _complete(browser: Browser) -> None:
    """Write the beginning of a term, and have it completed."""
    browser.evaluate(
        "const editor = document.querySelector('.CodeMirror').CodeMirror; editor.focus(); "
        "editor.setValue('SELECT ?patient\\nWHERE {\\n  ?patient a osteo:frac'); "
        "editor.setCursor({line: 2, ch: 22}); editor.options.extraKeys['Ctrl-Space'](editor);"
    )
    browser.wait_for(".CodeMirror-hint")


def _enter(browser: Browser) -> None:
    """Enter the woman of the tutorial, and wait for her answer."""
    enter(browser, WOMAN, ON)


#: The woman of the tutorial for teachers.
WOMAN = {
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 64,
    "t_score_lumbar_spine": "-1.8",
    "fractures": [{"site": "distal-radius", "mechanism": "low-energy"}],
    "treatment_history": [],
}
ON = datetime.date(2026, 11, 22)

PICTURES = (
    Picture("patient", "/assess", "#answer details.reason", _enter),
    Picture("what-would-change", "/assess", "#answer .changes", _enter, start="#answer .strip"),
    Picture("decision-table", "/table", "tbody tr:nth-child(6)"),
    Picture("question", "/sparql?question=criteria-met", "tbody tr:nth-child(8)"),
    Picture("question-completed", "/sparql", ".question", _complete),
    Picture("mistake", "/sparql?query=SELECT+%3Fwoman%0AWHERE+%7B+%3Fwoman+a+osteo%3APatient+%7D", ".question"),
)


def main() -> None:
    """Take every picture anew."""
    if MISSING:
        sys.exit(f"{MISSING}. The pictures stay as they are.")
    FOLDER.mkdir(exist_ok=True)
    with serving(environment=_READ_ONLY) as server, chromium(server.address, width=_WIDTH) as browser:
        for picture in PICTURES:
            path = FOLDER / f"{picture.name}.png"
            path.write_bytes(_taken(browser, picture))
            print(f"{path.relative_to(Path.cwd())}: {path.stat().st_size} bytes")


def _taken(browser: Browser, picture: Picture) -> bytes:
    browser.open(picture.path)
    picture.prepare(browser)
    browser.evaluate(_WHOLE)
    top, bottom = browser.evaluate(
        "const [start, end] = Array.from(arguments, (each) => document.querySelector(each).getBoundingClientRect()); "
        "return [start.top + window.scrollY, end.bottom + window.scrollY]",
        picture.start,
        picture.end,
    )
    height = min(bottom - top + _MARGIN, _TALLEST)
    clip = {"x": 0, "y": max(top, 0), "width": _WIDTH, "height": height, "scale": 1}
    taken = browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    return base64.b64decode(taken["data"])


if __name__ == "__main__":
    main()
