"""Decisions and refusals in memory, as a notebook shows them: the first of each."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from osteo_kg import package_data

_FIRST = 5  # rows that are shown
_NAMES = ("patient", "disposition", "strength", "possible", "missing", "warnings")


def sizes(decisions: pa.Table | None, rejected: pa.Table | None) -> str:
    """Say where the decisions are, in a few words."""
    if decisions is None or rejected is None:
        return "decisions in a file"
    return f"decisions ({len(decisions):,} rows), rejected ({len(rejected):,} rows)"


def tables(decisions: pa.Table | None, rejected: pa.Table | None) -> str:
    """Write the first rows of each table that is there."""
    return package_data.template("notebook_cohort.html").render(
        names=_NAMES,
        decided=[[_cell(row[name]) for name in _NAMES] for row in _rows(decisions)],
        decisions=0 if decisions is None else len(decisions),
        refused=[_refusal(row) for row in _rows(rejected)],
        rejected=0 if rejected is None else len(rejected),
    )


def _rows(table: pa.Table | None) -> list[dict[str, Any]]:
    return [] if table is None else table.slice(0, _FIRST).to_pylist()


def _refusal(row: dict[str, Any]) -> tuple[str, str, str]:
    wrong = [each for each in row["results"] if each["severity"] == "violation"]
    return row["patient"], *(" ".join(dict.fromkeys(each[key] for each in wrong)) for key in ("message", "advice"))


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else value or ""
