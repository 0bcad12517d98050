"""Explanations: every situation of a cohort once, and the two put together for one patient."""

from __future__ import annotations

import dataclasses
import datetime
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from osteo_kg.assessment.model import Assessment, Notice
from osteo_kg.assessment.notices import described
from osteo_kg.cohort.engines import duckdb
from osteo_kg.cohort.results import files
from osteo_kg.cohort.results.decisions import Decisions
from osteo_kg.errors import UsageError
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.rdf import GUIDELINE, SITUATION

_OWN = ("patient", "assessed_on", "warnings", "assumptions", "cautions")  # a patient's, and no situation's


def write(decisions: Decisions, on: datetime.date, file: TextIO) -> None:
    """Write every situation that was met, in the order of their names, with its full explanation, as JSON Lines."""
    for key, answer in sorted(decisions.answers.items(), key=lambda item: decisions.iri(item[0])):
        whole = decisions.parts.explainer.of_situation("", on, key, answer).to_json()
        told = {name: value for name, value in whole.items() if name not in _OWN}
        file.write(json.dumps(told, ensure_ascii=False) + "\n")


def decision_of(result: Path, patient: str) -> dict[str, Any]:
    """Find the decision of one patient; of several rows the first.

    Raises:
        UsageError: the result cannot be read, or does not hold the patient.
    """
    with tempfile.TemporaryDirectory() as scratch, duckdb(Path(scratch)) as engine:
        table = files.read(result, engine)
        chosen = table.filter(table.patient.cast("string") == patient).limit(1)
        found = engine.arrow(chosen).to_pylist()
    if not found:
        raise UsageError(f"{result.name} does not hold {patient!r}.", advice="Name the patient as the input did.")
    return {name: _listed(name, value) for name, value in found[0].items()}


def _listed(name: str, value: Any) -> Any:
    """Give the words of a CSV cell as a list."""
    if name not in files.LISTS or isinstance(value, list):
        return value
    return value.split(files.BETWEEN) if value else []


def explained(knowledge_base: KnowledgeBase, decision: Mapping[str, Any], on: datetime.date) -> Assessment:
    """Explain a decision with the knowledge at hand.

    Raises:
        UsageError: the knowledge at hand has no such situation.
    """
    text = str(decision["situation"]).removeprefix(f"{SITUATION}{guideline_of(decision)}/")
    explainer = knowledge_base.explainer(GUIDELINE + guideline_of(decision))
    key = explainer.engine.space.parse(text)
    assessment = explainer.of_situation(decision["patient"], on, key, explainer.engine.answer(key))
    notices = {name: tuple(_notices(knowledge_base, decision[name])) for name in ("warnings", "assumptions")}
    return dataclasses.replace(assessment, warnings=notices["warnings"], assumptions=notices["assumptions"])


def guideline_of(decision: Mapping[str, Any]) -> str:
    """Give the id of the guideline that decided."""
    return str(decision["situation"]).removeprefix(SITUATION).partition("/")[0]


def _notices(knowledge_base: KnowledgeBase, codes: list[str]) -> Iterator[Notice]:
    for code in codes:
        label, is_red_flag = described(code, knowledge_base.knowledge.terms)
        yield Notice(code, label, None, label, is_red_flag)


def explanation_in(explanations: Path, situation: str) -> dict[str, Any]:
    """Find the explanation of a situation in the file that a run wrote.

    Raises:
        UsageError: the file does not hold it.
    """
    with explanations.open(encoding="utf-8") as lines:
        for line in lines:
            found: dict[str, Any] = json.loads(line)
            if found.get("situation") == situation:
                return found
    raise UsageError(f"{explanations.name} does not explain {situation}.", advice="Name the file of the same run.")
