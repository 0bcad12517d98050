"""Decisions as triples: what is decided of each patient; her situation holds the explanation, once for all."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyoxigraph as ox

from osteo_kg.assessment.rdf import AssessmentGraph
from osteo_kg.case.model import patient_iri
from osteo_kg.cohort.engines import CohortEngine
from osteo_kg.cohort.results.decisions import Decisions
from osteo_kg.dataset import graph_iri
from osteo_kg.rdf.terms import DCTERMS, OSTEO, RDF

_SOMEBODY = "urn:osteo-kg:somebody"
_KINDS = {"warnings": OSTEO.Warning, "assumptions": OSTEO.Assumption}


class GraphOutput:
    """Writes decisions as N-Triples, or as N-Quads with one graph for each patient.

    Args:
        decisions: the answers.
        on: the day of assessment.
        quads: whether each patient has a graph.
    """

    def __init__(self, decisions: Decisions, on: datetime.date, quads: bool) -> None:
        parts = decisions.parts
        self._quads = quads
        self._codes = parts.knowledge_base.knowledge.terms.kinds[OSTEO.NoticeCode]
        writer = AssessmentGraph(parts.engine)
        self._said: Mapping[str, list[str]] = {
            decisions.iri(key): [
                f"{triple.subject} {triple.predicate} {triple.object}"
                for triple in writer.triples(parts.explainer.of_situation(_SOMEBODY, on, key, answer))
                if _is_plain(triple)
            ]
            for key, answer in decisions.answers.items()
        }
        self._node = next(
            str(triple.subject)
            for key, answer in decisions.answers.items()
            for triple in writer.triples(parts.explainer.of_situation(_SOMEBODY, on, key, answer))
            if triple.predicate == OSTEO.assesses
        )

    def write(self, table: ir.Table, path: Path, engine: CohortEngine) -> int:
        """Write every patient, and give their number."""
        number = 0
        with path.open("w", encoding="utf-8") as file:
            for batch in engine.batches(table):
                for row in batch.to_pylist():
                    number += 1
                    iri = patient_iri(row["patient"])
                    end = f" <{graph_iri('assessments', iri)}> .\n" if self._quads else " .\n"
                    file.writelines(line + end for line in self._lines(row, iri, number))
        return number

    def _lines(self, row: Mapping[str, Any], iri: str, number: int) -> Iterator[str]:
        for line in self._said[row["situation"]]:
            yield line.replace(_SOMEBODY, iri)
        node = self._node.replace(_SOMEBODY, iri)
        yield f"{node} {DCTERMS.identifier} {ox.Literal(row['patient'])}"
        for column, kind in _KINDS.items():
            for place, code in enumerate(row[column]):
                part = f"_:p{number}{column}{place}"
                yield f"{node} {OSTEO.hasNotice} {part}"
                yield f"{part} {RDF.type} {kind}"
                yield f"{part} {OSTEO.hasNoticeCode} <{self._codes[code]}>"


def _is_plain(triple: ox.Triple) -> bool:
    """Whether a triple is about the patient or her assessment as a whole, and not about a part of the explanation."""
    blank = isinstance(triple.subject, ox.BlankNode) or isinstance(triple.object, ox.BlankNode)
    return not blank and triple.predicate != DCTERMS.identifier
