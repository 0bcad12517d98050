"""What `osteo-kg check` tells of a guideline that is not kept apart from another, or leaves a site out."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteo_kg.checking import KnowledgeFinding, check
from osteo_kg.knowledge import guideline_template

pytestmark = pytest.mark.slow

MISTAKES = [  # what is written, what is written instead, the finding, what it is about, what it shows
    (
        "osteo:AnkleFracture rdfs:subClassOf my:MinorFracture .",
        "osteo:AnkleFracture rdfs:subClassOf osteo:NonSevereFracture .",
        ("error", "foreign-class", "osteo:AnkleFracture", "osteo:NonSevereFracture"),
    ),
    (
        "osteo:testsAbsenceOf my:PatientWithMajorFracture",
        "osteo:testsAbsenceOf osteo:PatientWithSevereFracture",
        ("error", "foreign-class", "my:no-major-fracture", "osteo:PatientWithSevereFracture"),
    ),
    (
        "osteo:RibFracture rdfs:subClassOf my:MinorFracture .",
        "",
        (
            "warning",
            "site-left-out",
            "https://w3id.org/osteo-kg/guideline/example",
            "osteo:AnkleFracture, osteo:RibFracture",
        ),
    ),
    (
        "osteo:DistalFemurFracture rdfs:subClassOf my:MajorFracture .",
        "osteo:DistalFemurFracture rdfs:subClassOf my:MinorFracture .\n"
        "osteo:FemurFracture rdfs:subClassOf my:MajorFracture .",
        ("warning", "site-too-broad", "osteo:FemurFracture", "osteo:DistalFemurFracture"),
    ),
    (
        'osteo:situationName "minor"',
        'osteo:situationName "minor; or none"',
        ("error", "situation-name", "my:PatientWithMinorFracture", "minor; or none"),
    ),
]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[KnowledgeFinding, ...]:
    """What is told of all mistakes together."""
    text = guideline_template()
    for old, new, _ in MISTAKES:
        assert text.count(old) == 1
        text = text.replace(old, new)
    path = tmp_path_factory.mktemp("mistakes") / "example.ttl"
    path.write_text(text, encoding="utf-8")
    return check([path])


@pytest.mark.parametrize(("new", "expected"), [each[1:] for each in MISTAKES], ids=lambda each: str(each)[:40])
def test_a_mistake_is_told_where_it_stands(
    told: tuple[KnowledgeFinding, ...], new: str, expected: tuple[str, ...]
) -> None:
    [found] = [each for each in told if (each.severity, each.code, each.subject, each.value) == expected]
    assert found.line
    assert found.file
    if new and expected[1] != "site-left-out":
        assert new.splitlines()[-1].strip() in Path(found.file).read_text(encoding="utf-8").splitlines()[found.line - 1]


def test_nothing_else_is_told(told: tuple[KnowledgeFinding, ...]) -> None:
    assert len([each for each in told if each.severity != "information"]) == len(MISTAKES)
