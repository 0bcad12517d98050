"""`docs/how-to/add-a-rule.md` is followed to the letter, in a copy, and what it promises happens."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from osteo_kg.assessment.short_form import short_answer, short_lines
from osteo_kg.checking import KnowledgeFinding, check
from osteo_kg.checking.formats import sentence
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support import canonical
from tests.support.documents import Block, blocks
from tests.support.worked import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.docs]

PAGE = ROOT / "docs" / "how-to" / "add-a-rule.md"


def shown(language: str) -> list[Block]:
    return [each for each in blocks(language) if each.path == PAGE]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(ROOT / "ontology", tmp_path_factory.mktemp("copy") / "ontology"))


def edit(module: Path, change: Callable[[str], str]) -> None:
    """Edit a module, and write it in canonical form."""
    text = change(module.read_text(encoding="utf-8"))
    module.write_text(canonical.write(canonical.read(text)), encoding="utf-8")


def narrowed(text: str) -> str:
    """Do what step 3 says of the neighbour: its criterion, its sentences, and interpretation I7."""
    old, new = "oic:t-above-minus-3-at-most-minus-2", "oic:t-above-minus-3-at-most-minus-2-5"
    start = text.index(f"\n{old}\n")
    text = text[:start] + text[text.index("\n.\n", start) + 2 :]
    text = text.replace(f"{old} ", f"{new} ").replace(f"{old};", f"{new};")
    start = text.index("\noic:I7\n")
    text = text[:start] + text[start:].replace(new, f"{new} , oic:t-above-minus-2-5-at-most-minus-2", 1)
    start = text.index("\noic:no-fracture-specialist\n")
    end = text.index("\n.\n", start)
    rule = text[start:end].replace("up to -2,", "up to -2.5,").replace("≤ −2,", "≤ −2,5,")
    return text[:start] + rule + text[end:] + shown("turtle")[1].text


def told(findings: tuple[KnowledgeFinding, ...]) -> list[str]:
    return [sentence(each, "en") for each in findings]


def test_the_page_leads_to_a_rule_that_answers(copy: Path) -> None:
    """The steps in their order; with -s, the time they take and the number of files they touch."""
    begun, module = time.monotonic(), copy / "guidelines" / "oic-128-08-b.ttl"
    edit(module, lambda text: text + shown("turtle")[0].text)  # steps 1 and 3, before the neighbour is narrowed
    overlap = check([copy])
    assert {each.code for each in overlap} == {"BandsApart", "BandMetBelow"}
    edit(module, narrowed)
    [changed] = check([copy])
    promised = next(each for each in shown("text") if "This edit changes" in each.text).text
    assert changed.severity == "information"
    assert changed.message.en.removesuffix(".") in promised

    knowledge_base = KnowledgeBase.load([copy])  # steps 5 and 6
    [case] = yaml.safe_load(shown("yaml")[0].text)
    [woman] = knowledge_base.read(json.dumps(case["case"]), "json")
    assessment = knowledge_base.assess(woman, on=case["on"])
    expected = case["expect"]
    assert (assessment.disposition, assessment.strength) == (expected["disposition"], expected["strength"])
    assert assessment.possible == tuple(expected["possible"])
    lines = [str(each).strip() for each in short_lines(short_answer(assessment, "en"))]
    shown_lines = next(each for each in shown("text") if "Reason:" in each.text).text.splitlines()
    assert [each for each in shown_lines if each.strip() not in lines] == []
    print(f"add-a-rule: {time.monotonic() - begun:.0f} s; files: the module, the cases of the rule, the changelog")
