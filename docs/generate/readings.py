"""The page on the readings that can be switched: `make readings`.

It reasons every reading anew, and assesses a generated cohort once by each: minutes, so that it is no part of
`make reference`.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from benchmarks.population import tables
from docs.generate import REFERENCE, templates
from osteo_kg.bilingual import BilingualText
from osteo_kg.comparison import KINDS, Difference, assessed, compare_runs, compare_situations, variant
from osteo_kg.knowledge import Guideline, Knowledge
from osteo_kg.knowledge_base import DEFAULT_GUIDELINE, KnowledgeBase
from osteo_kg.rdf import OSTEO

PAGE = REFERENCE / "readings.md"
_PATIENTS, _SEED, _DAY = 100_000, 1, datetime.date(2026, 11, 27)


def pages() -> Iterator[str]:
    """Write the page, and anew after each reading: whoever stops has those counted so far, and the others named."""
    knowledge_base = KnowledgeBase()
    knowledge, guideline = knowledge_base.knowledge, knowledge_base.engine().guideline
    fixed = list(_fixed(knowledge, guideline))
    left = {key: _told(knowledge, guideline, key) for key in knowledge.other_readings}
    rows: list[Mapping[str, Any]] = []
    yield _written(rows, left, fixed)
    for key, (situations, patients) in _differences(knowledge):
        rows.append({**left.pop(key), **_counted(situations, patients)})
        yield _written(rows, left, fixed)


def _written(
    rows: Sequence[Mapping[str, Any]],
    left: Mapping[str, Mapping[str, Any]],
    fixed: Sequence[tuple[str, BilingualText]],
) -> str:
    template = templates().get_template("readings.md.jinja")
    asked = {"patients": _PATIENTS, "seed": _SEED, "day": _DAY}
    return template.render(asked, rows=rows, uncounted=list(left.values()), fixed=fixed)


def _differences(knowledge: Knowledge) -> Iterator[tuple[str, tuple[Difference, Difference]]]:
    """Compare every reading that can be switched with the packaged one, by situation and by patient."""
    cohort = pa.concat_tables(tables(_PATIENTS, _SEED))
    packaged = variant("packaged", DEFAULT_GUIDELINE)
    decided = assessed(packaged, cohort, on=_DAY)
    for key in knowledge.other_readings:
        other = variant(f"{key}=other", DEFAULT_GUIDELINE)
        patients = compare_runs(packaged, other, decided, assessed(other, cohort, on=_DAY))
        print(f"{key}: {patients.changed:,} patients", flush=True)
        yield key, (compare_situations(packaged, other), patients)


def _told(knowledge: Knowledge, guideline: Guideline, key: str) -> Mapping[str, Any]:
    """Give what a reading says and how many triples it takes."""
    found = next(each for each in guideline.interpretations if each.key == key)
    other = knowledge.other_readings[key]
    return {
        "key": key,
        "question": _text(knowledge, found.iri, "question"),
        "reading": _text(knowledge, found.iri, "reading"),
        "other": _text(knowledge, found.iri, "otherReading"),
        "note": other.note,
        "removed": len(other.removed),
        "added": len(other.added),
    }


def _counted(situations: Difference, patients: Difference) -> Mapping[str, Any]:
    """Give what a reading changes."""
    return {
        "situations": situations,
        "patients": patients,
        "kinds": [
            (kind, situations.kinds.get(kind, 0), patients.kinds.get(kind, 0))
            for kind in KINDS
            if kind in situations.kinds or kind in patients.kinds
        ],
    }


def _fixed(knowledge: Knowledge, guideline: Guideline) -> Iterator[tuple[str, BilingualText]]:
    """Give the interpretations whose other reading stands in words alone."""
    for each in guideline.interpretations:
        if each.other_reading and each.key not in knowledge.other_readings:
            yield each.key, each.other_reading


def _text(knowledge: Knowledge, iri: str, name: str) -> BilingualText:
    found = knowledge.triples.text(iri, OSTEO[name])
    return found or BilingualText("", "")


if __name__ == "__main__":
    for text in pages():
        PAGE.write_text(text, encoding="utf-8")
