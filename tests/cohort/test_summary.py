"""What a run says of a cohort as a whole: sentences for a paper, a page with figures, and how far it has come."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from osteo_kg.cohort.request import Request
from osteo_kg.cohort.results.summary import Summary
from osteo_kg.cohort.run import assess
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support import cohorts
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.slow


_WOMAN = {"sex": "female", "menopausal_status": "postmenopausal"}


@dataclass(frozen=True)
class Run:
    """A run, with what it told on the way and the page that it wrote."""

    summary: Summary
    steps: list[tuple[str, int, int]]
    page: str

    def figures(self) -> Iterator[ElementTree.Element]:
        """Give the figures of the page, which is well-formed."""
        yield from ElementTree.fromstring(self.page.partition("\n")[2]).iter("svg")


@pytest.fixture(scope="module")
def run(knowledge_base: KnowledgeBase, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A cohort of ten: each branch, someone without a measurement, a man, and one who is refused."""
    folder, score = tmp_path_factory.mktemp("summary"), {"t_score_total_hip": Decimal("-2.5")}
    batch: list[dict[str, Any]] = [
        _WOMAN | score | {"fractures": []},
        _WOMAN | score | {"fractures": [], "t_score_total_hip": Decimal("-1.5")},
        _WOMAN | score | {"fractures": ["distal-radius"]},
        _WOMAN | score | {"fractures": ["proximal-femur"]},
        _WOMAN | score | {"fractures": ["proximal-femur"], "t_score_total_hip": Decimal("-8.5")},
        _WOMAN | score,
        _WOMAN,
        {"sex": "female", "fractures": []} | score,
        {"sex": "male"} | score,
        {"sex": "F"},
    ]
    source, page = cohorts.write_json_lines(folder / "women.jsonl", batch), folder / "page.html"
    steps: list[tuple[str, int, int]] = []
    request = Request((str(source),), folder / "result.csv", ON, report=page, small_cells=0)
    summary = assess(knowledge_base, request, lambda *told: steps.append(told)).summary
    return Run(summary, steps, page.read_text(encoding="utf-8"))


def _lines(run: Run, title: str) -> list[str]:
    """Give the lines below a title."""
    lines = list(run.summary.lines())
    below = lines[lines.index(title) + 1 :]
    return [line.strip() for line in below[: next(n for n, line in enumerate(below) if not line.startswith("  "))]]


def test_every_disposition_is_counted_in_words(run: Run) -> None:
    assert _lines(run, "Disposition:") == [
        "treatment indicated: 3 (33.3%)",
        "undetermined: information missing: 2 (22.2%)",
        "bone densitometry needed before any decision: 1 (11.1%)",
        "no drug treatment: 1 (11.1%)",
        "outside the guideline’s scope: 1 (11.1%)",
        "specialist opinion (bone disease): 1 (11.1%)",
    ]


def test_whoever_is_blocked_is_blocked_by_something(run: Run) -> None:
    assert _lines(run, "Blocked, some by several things:") == [
        "by a missing fracture history: 1 (11.1%)",
        "by a missing menopausal status of the patient: 1 (11.1%)",
        "by a missing axial T-score: 1 (11.1%)",
    ]


def test_the_share_of_an_option_is_of_those_to_be_treated(run: Run) -> None:
    assert _lines(run, "oral bisphosphonate, of those to be treated:") == ["eligible: 3 (100.0%)"]


def test_nobody_is_lost_and_the_knowledge_is_named(run: Run, knowledge_base: KnowledgeBase) -> None:
    lines = list(run.summary.lines())
    assert lines[:4] == [
        "Patients on 2026-11-22: 10",
        "Persons: 10",
        "  rows without an id, each counted as a person: 10",
        "Decided: 9; refused: 1",
    ]
    assert knowledge_base.knowledge.digest in lines[-1]
    assert json.loads(json.dumps(run.summary.to_json()))["dispositions"]["treat"] == 3


def test_the_summary_is_told_in_french(run: Run) -> None:
    lines = list(dataclasses.replace(run.summary, language="fr").lines())
    assert lines[0] == "Dossiers au 22/11/2026 : 10"
    assert "  traitement indiqué : 3 (33,3\u00a0%)" in lines
    assert "  option possible : 3 (100,0\u00a0%)" in lines
    assert "(non validé par un clinicien)" in lines[-1]


def test_the_figures_stand_whole_in_their_frames(run: Run) -> None:
    for figure in run.figures():
        width, height = (float(each) for each in figure.attrib["viewBox"].split()[2:])
        for bar in figure.iter("rect"):
            x, y, wide, high = (float(bar.attrib[name]) for name in ("x", "y", "width", "height"))
            assert min(x, y) >= 0
            assert x + wide <= width
            assert y + high <= height


def test_the_first_figure_leads_from_all_patients_to_each_disposition(run: Run) -> None:
    bars = [(float(bar.attrib["x"]), float(bar.attrib["width"])) for bar in next(run.figures()).iter("rect")]
    (start, whole), *parts = bars
    ends = [start, *(x + width for x, width in parts)]
    assert [x for x, _ in parts] == pytest.approx(ends[:-1], abs=0.2)
    assert ends[-1] == pytest.approx(start + whole, abs=0.2)


def test_t_scores_are_shown_for_each_branch(run: Run) -> None:
    page = ElementTree.fromstring(run.page.partition("\n")[2])
    tables = [table for table in page.iter("table") if len(table.findall("thead/tr/th")) == 4]
    found = {
        str(table.findtext("caption")): [
            f"{line.findtext('th')}, {', '.join(str(cell.text) for cell in line.iter('td'))}"
            for line in table.findall("tbody/tr")
        ]
        for table in tables
        if table.findtext("thead/tr/th") == "Course of action"
    }
    assert found == {
        "No osteoporotic fracture": [
            "No drug treatment, above -2, up to -1.5, 1, 100.0%",
            "Specialist opinion (bone disease), above -3, up to -2.5, 1, 100.0%",
        ],
        "No severe fracture, non-severe fracture": ["Treatment indicated, above -3, up to -2.5, 1, 100.0%"],
        "A man, or a woman before the menopause": ["Outside the guideline’s scope, above -3, up to -2.5, 1, 100.0%"],
        "Several branches remain": ["Undetermined: information missing, above -3, up to -2.5, 2, 100.0%"],
        "Severe fracture": [
            "Treatment indicated, -5 or less, 1, 50.0%",
            "Treatment indicated, above -3, up to -2.5, 1, 50.0%",
        ],
    }


def test_a_guideline_without_branches_has_one_histogram(tmp_path: Path) -> None:
    knowledge_base = KnowledgeBase.load([ROOT / "tests" / "second-guideline"])
    source = cohorts.write_json_lines(tmp_path / "women.jsonl", [{"age_years": 70, "t_score_total_hip": Decimal(-3)}])
    report = tmp_path / "page.html"
    asked = Request((str(source),), tmp_path / "result.csv", ON, guideline="second", report=report, small_cells=0)
    assess(knowledge_base, asked)
    assert re.findall(r"<h3>(.*)</h3>", report.read_text(encoding="utf-8")) == ["All records"]


def test_every_step_is_told_with_its_patients(run: Run) -> None:
    ends = {what: (done, total) for what, done, total in run.steps}
    assert ends == {"Reading": (10, 10), "Abstracting": (10, 10), "One by one": (1, 1), "Writing": (10, 10)}
