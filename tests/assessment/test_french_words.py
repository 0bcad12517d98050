"""What French readers see: no English key, no ISO date, no ASCII minus (wording.md, rules 5 and 10)."""

from __future__ import annotations

import json

import pytest

from osteo_kg.assessment.text import report_lines
from osteo_kg.bilingual import shown_element
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.worked import ON


def refusal(knowledge_base: KnowledgeBase, **facts: object) -> str:
    """Give the text of a report in French."""
    record = {"patient": "p", "sex": "female", "menopausal_status": "postmenopausal", **facts}
    [case] = knowledge_base.read(json.dumps(record), "json", on=ON)
    report = knowledge_base.validate(case, on=ON)
    return "\n".join(line.text for line in report_lines(report, "fr"))


def test_a_report_in_french_shows_no_term_by_its_name(knowledge_base: KnowledgeBase) -> None:
    said = refusal(knowledge_base, t_score_lumbar_spine=-9)
    assert "−9" in said
    for english in ("ImplausibleTScore", "DensitometryUndated", ", notice", "-9"):
        assert english not in said


def test_a_report_in_french_shows_days_as_french_does(knowledge_base: KnowledgeBase) -> None:
    said = refusal(knowledge_base, fractures=[{"site": "vertebra", "date": "2099-12-31"}])
    assert "31/12/2099" in said
    assert "2099-12-31" not in said


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Observation/t (LOINC 38267-1, -3,2, 2026-05-01)", "Observation/t (LOINC 38267-1, −3,2, 01/05/2026)"),
        ("Observation/2026-05-01 (< -2.5 SD)", "Observation/2026-05-01 (< −2,5 SD)"),
        ("Condition (“T-score -3.4, 2019-01-02”, 2019-03)", "Condition (“T-score -3.4, 2019-01-02”, 03/2019)"),
        ("Observation (2026-05-01/2026-05-31)", "Observation (du 01/05/2026 au 31/05/2026)"),
        ("Condition (ICD-9-CM 820.8, FHIR 4.0.1)", "Condition (ICD-9-CM 820.8, FHIR 4.0.1)"),
    ],
)
def test_an_element_is_named_in_french_with_its_codes_and_quotations_as_they_are(written: str, shown: str) -> None:
    assert shown_element(written).fr == shown
    assert shown_element(written).en == written
