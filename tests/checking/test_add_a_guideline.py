"""`docs/how-to/add-a-guideline.md` is followed to the letter, and what it makes is the guideline that it shows."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from osteo_kg.checking import KnowledgeFinding, check
from osteo_kg.knowledge import guideline_template
from tests.support.documents import Block, blocks
from tests.support.worked import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.docs]

PAGE = ROOT / "docs" / "how-to" / "add-a-guideline.md"
MADE = ROOT / "docs" / "how-to" / "second-guideline" / "hip-first.ttl"
DIGEST = re.compile(r"[0-9a-f]{64}")


def shown(language: str) -> list[Block]:
    return [each for each in blocks(language) if each.path == PAGE]


def moved(text: str, line: str) -> str:
    """Write the line of a site anew, as step 2 says."""
    site = line.partition(" ")[0]
    [old] = [each for each in text.splitlines() if each.startswith(f"{site} rdfs:subClassOf my:")]
    return text.replace(old, line)


def with_digests(text: str, findings: tuple[KnowledgeFinding, ...]) -> str:
    """Write the SHA-256 that each finding gives in the place of the one that it is about, as step 5 says."""
    for each in findings:
        if each.code == "other-source":
            old, new = DIGEST.findall(text)[0], each.value
        elif each.code == "span" and each.severity == "error":
            old, [new] = each.value, DIGEST.findall(each.advice.en)
        else:
            continue
        assert old
        assert new
        text = text.replace(old, new)
    return text


def test_the_page_leads_to_a_guideline_of_its_own(tmp_path: Path) -> None:
    """The steps in their order; with -s, the time they take and the number of files they make."""
    begun, module, source = time.monotonic(), tmp_path / "hip-first.ttl", tmp_path / "hip-first.txt"
    source.write_text(shown("text")[0].text, encoding="utf-8")  # step 1
    text = guideline_template("hip-first")
    lines, addition = (each.text for each in shown("turtle"))
    for line in lines.splitlines():  # step 2
        text = moved(text, line) if line.startswith("osteo:") else text
    text = text.replace("-2.5", "-2.0").replace("−2,5", "−2,0")  # step 3
    text = f"{text}\n{addition}"  # step 4
    for expected in ("other-source", "span", None):  # step 5
        module.write_text(text, encoding="utf-8")
        found = check([module], sources=[source])
        assert {each.code for each in found if each.severity != "information"} == ({expected} if expected else set())
        text = with_digests(text, found)
    assert text == MADE.read_text(encoding="utf-8")
    print(f"add-a-guideline: {time.monotonic() - begun:.0f} s; files: the module, the text of its source")
