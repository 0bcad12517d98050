"""An answer and a report show themselves, in a few lines and in a notebook."""

from __future__ import annotations

import datetime

import pytest

from osteo_kg import Assessment, BilingualText, Finding, KnowledgeBase, ValidationReport, read_case
from tests.support.worked import ON

_ANNA = (
    '{"patient": "<i>anna</i>", "sex": "female", "menopausal_status": "postmenopausal", "age_years": 71,'
    ' "t_score_total_hip": -3.1, "fractures": ["vertebra"], "treatment_history": ["denosumab"]}'
)


@pytest.fixture(scope="module")
def assessment(knowledge_base: KnowledgeBase) -> Assessment:
    [case] = read_case(_ANNA, "json")
    return knowledge_base.assess(case, on=ON)


def test_an_answer_is_a_few_lines(assessment: Assessment) -> None:
    lines = repr(assessment).splitlines()
    assert lines[0] == "<Assessment of <i>anna</i> on 2026-11-22: treatment indicated, treatment imperative"
    assert "oral-bisphosphonate" in lines[1]
    assert len(lines) < 6


def test_a_notebook_shows_an_answer_with_what_is_to_be_read_first(assessment: Assessment) -> None:
    """What the caller wrote is text and no page."""
    shown = assessment._repr_html_()
    assert "&lt;i&gt;anna&lt;/i&gt;" in shown
    assert "<i>" not in shown
    flags = [each.message.en for each in assessment.warnings if each.is_red_flag]
    assert flags
    assert [
        flag for flag in flags if not shown.index("To be read first") < shown.index(flag) < shown.index("<table>")
    ] == []
    assert [each.label.en for each in assessment.options if each.label.en not in shown] == []


def test_a_notebook_shows_every_finding_and_a_line_of_text_the_first() -> None:
    texts = [BilingualText(f"Wrong <{number}>.", "Faux.") for number in range(9)]
    findings = tuple(Finding("violation", "anna", "sex", None, each, each) for each in texts)
    report = ValidationReport("anna", datetime.date(2026, 11, 22), findings)
    lines = repr(report).splitlines()
    assert lines[0] == "<ValidationReport: anna is refused on 2026-11-22"
    assert lines[-1] == "  and 4 more>"
    assert report._repr_html_().count("Wrong &lt;") == 18
    assert "can be assessed" in repr(ValidationReport("anna", ON, ()))
