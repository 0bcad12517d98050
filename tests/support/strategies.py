"""Random valid flat records, as Hypothesis makes them: unknowns, boundaries, rare sites, contradictory wishes."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from typing import Any

import pyoxigraph as ox
from hypothesis import strategies as st

from osteo_kg.case.fields import SCORES
from osteo_kg.knowledge.loading import packaged_knowledge
from osteo_kg.rdf.terms import OSTEO

_KINDS = packaged_knowledge().terms.kinds
_SITES = sorted(_KINDS[OSTEO.Fracture])
_SECTIONS = sorted(_KINDS[OSTEO.RecordSection])
_BOUNDS = ["-3", "-2", "-1", "2", "0.3", "1.6", "-2.95", "-1.05", "-2.999", "-3.001", "0.850"]
_days = st.dates(date(2019, 1, 1), date(2026, 11, 22)).map(str)
_periods = st.dates(date(2019, 1, 1), date(2026, 11, 22)).map(lambda day: str(day)[:7]) | st.sampled_from(
    ["2021", "2026"]
)


def how_many(usual: int) -> int:
    """Say how many random examples to try: as many as `OSTEO_KG_RECORDS` says, else those of every run."""
    return int(os.environ.get("OSTEO_KG_RECORDS", usual))


def _optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _keys(kind: ox.NamedNode) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(_KINDS[kind]))


scores = st.sampled_from(_BOUNDS).map(Decimal) | st.decimals("-6", "3", places=2)

filtrations = st.sampled_from(["14", "29.9", "30", "34.9", "35", "35.0", "59.99", "60", "80"]).map(Decimal)


@st.composite
def fractures(draw: st.DrawFn) -> dict[str, Any]:
    """One fracture entry; a count stands on vertebrae only."""
    site = draw(st.sampled_from([*_SITES, "vertebra", "unspecified", "rib"]))
    entry = {
        "site": site,
        "mechanism": draw(_optional(_keys(OSTEO.FractureMechanism))),
        "date": draw(_optional(_days)),
        "count": draw(_optional(st.integers(1, 3))) if site == "vertebra" else None,
    }
    if entry["count"] is not None and draw(st.integers(0, 3)) == 0:
        entry["count_at_most"] = entry["count"] + draw(st.integers(0, 2))
    return {key: value for key, value in entry.items() if value is not None}


@st.composite
def treatments(draw: st.DrawFn) -> dict[str, Any]:
    """One treatment entry."""
    entry = {
        "drug": draw(_keys(OSTEO.Drug)),
        "outcome": draw(_optional(_keys(OSTEO.TreatmentOutcome))),
    }
    return {key: value for key, value in entry.items() if value is not None}


@st.composite
def records(draw: st.DrawFn) -> dict[str, Any]:
    """One valid flat record."""
    sex = draw(st.sampled_from(["female", "female", "female", "male", None]))
    status = draw(st.sampled_from(["postmenopausal", "postmenopausal", "premenopausal", None]))
    record = {
        "patient": "urn:case:random",
        "sex": sex,
        "menopausal_status": None if sex == "male" else status,
        "age_years": draw(_optional(st.sampled_from([48, 49, 50, 55, 60, 61, 80]))),
        "t_score_lumbar_spine": draw(_optional(scores)),
        "t_score_femoral_neck": draw(_optional(scores)),
        "t_score_total_hip": draw(_optional(scores)),
        "densitometry_date": draw(_optional(_days | _periods)),
        "fractures": draw(_optional(st.lists(fractures(), max_size=3))),
        "treatment_history": draw(_optional(st.lists(treatments(), max_size=2))),
        "conditions": draw(_optional(st.lists(_keys(OSTEO.MedicalCondition), max_size=3, unique=True))),
        "climacteric_disorders": draw(_optional(st.booleans())),
        "low_peripheral_fracture_risk": draw(_optional(st.booleans())),
        "creatinine_clearance": draw(_optional(filtrations)),
        "egfr": draw(_optional(filtrations)),
        "renal_function_date": draw(_optional(_days)),
        "open_sections": draw(st.lists(st.sampled_from(_SECTIONS), max_size=2, unique=True)) or None,
    }
    if not any(record[key] is not None for key in record if key.startswith("t_score")):
        record["densitometry_date"] = None  # the date of no densitometry is not read
    if record["creatinine_clearance"] is None and record["egfr"] is None:
        record["renal_function_date"] = None  # nor is that of no test of renal function
    return {key: value for key, value in record.items() if value is not None}


@st.composite
def records_with_birth_dates(draw: st.DrawFn) -> dict[str, Any]:
    """A record as the other tests have it, with a birth date now and then, and no date of no densitometry."""
    record = draw(records())
    if draw(st.booleans()):
        record["birth_date"] = str(draw(st.dates()))
    if not any(key in record for key in SCORES):
        record.pop("densitometry_date", None)
    return record
