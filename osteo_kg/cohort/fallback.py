"""Records that columns cannot answer for: the library validates and assesses each by itself."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TextIO

import pyarrow as pa

from osteo_kg.assessment.model import Assessment
from osteo_kg.case.model import Case
from osteo_kg.case.report import ValidationReport
from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.cohort.results.decisions import Decisions

_CHUNK = 500  # cases held in memory at a time
_SHOWN = 20  # reports of refusals kept to be shown


@dataclass
class Fallback:
    """Assesses cases one by one, and keeps what was refused apart.

    Attributes:
        rejected: where the reports of refused cases are written, one JSON object a line; None to count them only.
        sections: the sections whose emptiness means none, as the caller names them.
        shown: the first reports.
    """

    parts: LibraryProbe
    decisions: Decisions
    rejected: TextIO | None
    sections: tuple[str, ...]
    refused: int = 0
    shown: list[ValidationReport] = field(default_factory=list)
    _files: list[str] = field(default_factory=list)
    _numbers: list[int] = field(default_factory=list)
    _patients: list[str] = field(default_factory=list)
    _situations: list[int | None] = field(default_factory=list)
    _marks: list[int] = field(default_factory=list)

    def assess(self, cases: Iterable[tuple[str, int, Case]]) -> Iterator[int]:
        """Assess cases of files by their numbers; give how many were assessed, a chunk at a time."""
        remaining = iter(cases)
        while chunk := list(itertools.islice(remaining, _CHUNK)):
            answers = self.parts.knowledge_base.assess_all(
                (case for _, _, case in chunk),
                on=self.parts.on,
                assume_complete=self.sections,
                guideline=self.parts.engine.guideline.id,
            )
            for (file, number, case), answer in zip(chunk, answers, strict=True):
                self._files.append(file)
                self._numbers.append(number)
                self._patients.append(case.patient)
                self._keep(answer, file, number)
            yield len(chunk)

    def _keep(self, answer: Assessment | ValidationReport, file: str, number: int) -> None:
        situation, marks = None, 0
        if isinstance(answer, Assessment):
            situation, marks = self.decisions.own(answer)
        else:
            self._refuse(answer, file, number)
        self._situations.append(situation)
        self._marks.append(marks)

    def _refuse(self, report: ValidationReport, file: str, number: int) -> None:
        self.refused += 1
        if len(self.shown) < _SHOWN:
            self.shown.append(report)
        if self.rejected is not None:
            where = {"file": file, "record": number}
            self.rejected.write(json.dumps({**where, **report.to_json()}, ensure_ascii=False) + "\n")

    def __len__(self) -> int:
        return len(self._numbers)

    def table(self) -> pa.Table:
        """Give what was found of each case: the number of its situation, null where it was refused, and its notices."""
        return pa.table(
            {
                "own_file": pa.array(self._files, pa.string()),
                "own_number": pa.array(self._numbers, pa.int64()),
                "own_patient": pa.array(self._patients, pa.string()),
                "own_situation": pa.array(self._situations, pa.int64()),
                "own_marks": pa.array(self._marks, pa.int64()),
            }
        )

    def counted(self) -> Iterator[tuple[int, int]]:
        """Give situation and notices of each case that was not refused."""
        for situation, marks in zip(self._situations, self._marks, strict=True):
            if situation is not None:
                yield situation, marks
