"""A cohort says exactly what the library says of each patient alone: in every format, on every engine.

`OSTEO_KG_RECORDS=20000 pytest tests/cohort/test_equality.py` says so of twenty thousand random patients, and
`OSTEO_KG_SEED` draws others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from osteo_kg import Case
from osteo_kg.cohort.fallback import NOT_HELD, REFUSED
from osteo_kg.cohort.request import Request
from osteo_kg.cohort.run import assess
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import OSTEO, RDF, XSD
from tests.support import cohorts
from tests.support.worked import ON, needs_java

pytestmark = pytest.mark.slow


_RECORDS = int(os.environ.get("OSTEO_KG_RECORDS", "100"))
_SEED = int(os.environ.get("OSTEO_KG_SEED", "1"))
_SHOWN = 5  # differences in a message

Written = tuple[Path, Sequence[Case]]


@pytest.fixture(scope="module")
def said_alone(knowledge_base: KnowledgeBase) -> cohorts.Alone:
    """What is said of each patient alone, once for all formats."""
    return cohorts.Alone(knowledge_base)


@pytest.fixture(scope="module", params=["parquet", "csv", "jsonl", "nt", "fhir"])
def written(request: pytest.FixtureRequest, knowledge_base: KnowledgeBase, tmp_path_factory: Any) -> Written:
    """A random cohort as a file of each format, with the cases that the library reads in it."""
    write = cohorts.files(knowledge_base, cohorts.sample(_RECORDS, _SEED))[request.param]
    return write(tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def alone(written: Written, said_alone: cohorts.Alone) -> tuple[list[Any], list[Any]]:
    """What is said of each patient of the cohort alone: rows, and reports of refusals."""
    return said_alone.expected(written[1])


@pytest.mark.parametrize("engine", ["duckdb", pytest.param("spark", marks=needs_java)])
def test_a_cohort_says_of_each_patient_what_is_said_of_her_alone(
    written: Written, alone: tuple[list[Any], list[Any]], knowledge_base: KnowledgeBase, tmp_path: Path, engine: str
) -> None:
    """Every column of every row, in order; every report of a refusal; nobody lost; only those refused one by one."""
    asked = {"engine": engine, "spark_master": "local[2]"}
    rows, summary, reports = cohorts.run(knowledge_base, written[0], tmp_path, **asked)
    refused = cohorts.without_place(reports)
    assert _different(rows, alone[0]) == []
    assert _different(sorted(refused, key=str), sorted(alone[1], key=str)) == []
    assert (summary.patients, summary.decided, summary.rejected) == (len(written[1]), len(rows), len(refused))
    too_long = sum(cohorts.has_more_digits_than_columns(case) for case in written[1])
    assert summary.one_by_one.get(REFUSED.en, 0) == len(refused)
    odd = sum(map(cohorts.has_a_number_with_an_exponent, written[1])) if engine == "spark" else 0
    assert sum(summary.one_by_one.values()) <= len(refused) + too_long + odd


def _different(found: Sequence[Any], wanted: Sequence[Any]) -> list[Any]:
    """Give the first places where two lists differ, and how."""
    pairs = enumerate(zip(found, wanted, strict=False))
    unlike: list[Any] = [(place, _unlike(here, there)) for place, (here, there) in pairs if here != there]
    return unlike[:_SHOWN] or ([] if len(found) == len(wanted) else [f"{len(found)} and not {len(wanted)} of them"])


def _unlike(here: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    named = {"patient": (here["patient"], there["patient"])}
    return named | {key: (here.get(key), there[key]) for key in there if here.get(key) != there[key]}


_HERS: dict[str, Any] = {
    "sex": "female",
    "menopausal_status": "postmenopausal",
    "age_years": 70,
    "t_score_total_hip": Decimal("-2.5"),
}
_HELD: list[dict[str, Any]] = [
    {"open_sections": ["fractures"], "fractures": ["distal-radius"]},
    {"open_sections": ["fractures", "treatments", "conditions"], "fractures": []},
    {"open_sections": ["densitometry"], "fractures": ["vertebra"], "treatment_history": []},
    {"densitometry_date": "2026-03"},
    {"densitometry_date": "2021"},
    {"fractures": [{"site": "vertebra", "count": 1, "count_at_most": 3}]},
    {"t_score_lumbar_spine": Decimal("0.95")},
    {"t_score_lumbar_spine": Decimal("2.5"), "t_score_femoral_neck": Decimal("-7")},
    {"birth_date": "1955-11-22"},
    {"creatinine_clearance": Decimal(33), "renal_function_date": "2026-02-01", "densitometry_date": "2026-02-01"},
    {"egfr": Decimal(33), "conditions": ["chronic-kidney-disease-stage-3b"], "fractures": ["vertebra"]},
    {"egfr": Decimal("34.50"), "conditions": [], "fractures": ["vertebra", "proximal-femur"]},
    {"fractures": [{"site": "rib", "date": "2025-03-01"}] * 3},
    {"fractures": [{"site": site, "date": "2025-03-01"} for site in ("rib", "vertebra", "rib", "pelvis", "rib")]},
    {"t_score_lumbar_spine": Decimal("0.850"), "renal_function_date": "2026-02"},
]


def test_what_a_record_leaves_open_is_decided_in_columns(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """Sections, periods, ranges of vertebrae, other scores, ages that differ, renal function, fractures of one day."""
    path = cohorts.write_json_lines(tmp_path / "women.jsonl", [{**_HERS, **each} for each in _HELD])
    result = assess(knowledge_base, Request((str(path),), None, ON))
    assert result.decisions is not None
    rows, refused = cohorts.expected(knowledge_base, knowledge_base.read(path.read_bytes(), name=path.name))
    assert (result.decisions.to_pylist(), refused, dict(result.summary.one_by_one)) == (rows, [], {})


def test_the_summary_says_how_many_went_one_by_one_and_why(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    others = [{**_HERS, "age_years": 130}, {**_HERS, "t_score_total_hip": Decimal("-2.9999999999999999")}]
    path = cohorts.write_json_lines(tmp_path / "women.jsonl", [_HERS, *others])
    summary = assess(knowledge_base, Request((str(path),), None, ON)).summary
    assert summary.to_json()["one_by_one"] == {REFUSED.en: 1, NOT_HELD.en: 1}
    assert f"  {REFUSED.en}: 1 (33.3%)" in list(summary.lines())


_PATIENT = f"<urn:case:she> <{RDF.type.value}> <{OSTEO.iri}Patient> ."


def _measured(node: str, site: str, score: str, **days: str) -> list[str]:
    said = {"hasSite": f"<{OSTEO.iri}{site}>", "tScore": f'"{score}"^^<{XSD.iri}decimal>'}
    said |= {name: f'"{day}T00:00:00"^^<{XSD.iri}dateTime>' for name, day in days.items() if name != "hasSide"}
    said |= {name: f"<{OSTEO.iri}{side}>" for name, side in days.items() if name == "hasSide"}
    return [
        f"<urn:case:she> <{OSTEO.iri}hasBoneDensitometry> _:{node} .",
        f"_:{node} <{RDF.type.value}> <{OSTEO.iri}BoneDensitometry> .",
        *(f"_:{node} <{OSTEO.iri}{name}> {value} ." for name, value in said.items()),
    ]


_SEVERAL: dict[str, tuple[tuple[str, str, str], ...]] = {
    "of two days": (("LumbarSpine", "-2.1", "2026-03-01"), ("TotalHip", "-1.4", "2026-04-01")),
    "far apart": (("LumbarSpine", "-2.1", "2018-03-01"), ("TotalHip", "-1.4", "2026-04-01")),
    "of which the older is lower": (("TotalHip", "-3.4", "2018-03-01"), ("TotalHip", "-1.4", "2026-04-01")),
    "of which the older is a little lower": (
        ("TotalHip", "-1.45", "2018-03-01"),
        ("TotalHip", "-1.4", "2026-04-01"),
    ),
    "of which one has no day": (("TotalHip", "-3.4", ""), ("TotalHip", "-1.4", "2026-04-01")),
    "that are alike but for the day": (("TotalHip", "-3", ""), ("LumbarSpine", "-3.0", "2020-04-01")),
    "of which one has more decimals": (("TotalHip", "0.85", "2026-04-01"), ("TotalHip", "0.850", "2026-04-01")),
    "of which one never decides": (("Forearm", "-3.4", "2026-04-01"), ("TotalHip", "-1.4", "2026-04-01")),
    "of a site that is read as another": (
        ("UnspecifiedFemurSite", "-3.4", "2026-04-01"),
        ("TotalHip", "1", "2026-04-01"),
    ),
}


_PERIOD = {"performedFrom": "2025-01-01", "performedUntil": "2025-12-31"}


def _several() -> Iterator[list[str]]:
    """Give the entries of each patient of whom several measurements are stated."""
    for entries in _SEVERAL.values():
        dated = [(site, score, {"performedOn": day} if day else {}) for site, score, day in entries]
        yield [line for n, (site, score, days) in enumerate(dated) for line in _measured(f"m{n}", site, score, **days)]
    for side in ("LeftSide", "RightSide"):
        one = _measured("m1", "TotalHip", "-3.2", performedOn="2020-01-01", hasSide="LeftSide")
        yield [*one, *_measured("m2", "TotalHip", "2.4", **_PERIOD, hasSide=side)]


def test_several_measurements_of_one_patient_are_held_in_columns(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    """Of several days and sides, of periods, without a day, contradictory in no way: nobody goes one by one."""
    path = tmp_path / "women.nt"
    said = [
        line.replace("urn:case:she", f"urn:case:p{number:02}").replace("_:", f"_:p{number:02}")
        for number, entries in enumerate(_several())
        for line in (_PATIENT, *entries)
    ]
    path.write_text("".join(f"{line}\n" for line in said), encoding="utf-8")
    rows, summary, reports = cohorts.run(knowledge_base, path, tmp_path)
    wanted, refused = cohorts.expected(knowledge_base, knowledge_base.read(path.read_bytes(), name=path.name))
    assert (_different(rows, wanted), reports, refused) == ([], [], [])
    assert dict(summary.one_by_one) == {}


def test_measurements_that_contradict_each_other_are_refused(knowledge_base: KnowledgeBase, tmp_path: Path) -> None:
    path = tmp_path / "she.nt"
    both = [_measured(f"m{score}", "TotalHip", f"-{score}", performedOn="2026-01-01") for score in (1, 2)]
    path.write_text("".join(f"{line}\n" for line in [_PATIENT, *both[0], *both[1]]), encoding="utf-8")
    rows, summary, reports = cohorts.run(knowledge_base, path, tmp_path)
    assert (rows, len(reports), dict(summary.one_by_one)) == ([], 1, {REFUSED.en: 1})
