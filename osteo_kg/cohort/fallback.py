"""Records that columns cannot answer for: the library validates and assesses each by itself."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa

from osteo_kg.assessment.model import Assessment
from osteo_kg.bilingual import BilingualText, Language
from osteo_kg.case import Case, ValidationReport
from osteo_kg.cohort.abstraction.probes import LibraryProbe
from osteo_kg.cohort.results.decisions import Decisions

_CHUNK = 500  # cases held in memory at a time
REFUSED = BilingualText("refused by the shapes", "refusés par les contraintes SHACL")
NOT_HELD = BilingualText("says what no column holds", "contient ce qu’aucune colonne ne porte")
NOT_SCREENED = BilingualText(
    "holds a value that the shapes had to be asked about", "contient une valeur que les contraintes SHACL ont dû juger"
)
_SHOWN = 20  # reports of refusals kept to be shown


class Rejected:
    """The reports of those refused: counted, the first of them kept to be shown, and all written or kept.

    Args:
        file: where they are written, one JSON object a line; None to write none.
        keep: whether to keep all in memory.
        language: the language of their messages.
        scratch: the folder in which standard input lies; what stands there goes by its name alone.
    """

    def __init__(
        self, file: TextIO | None, *, keep: bool = False, language: Language = "en", scratch: Path | None = None
    ) -> None:
        self._file = file
        self._language = language
        self._scratch = scratch
        self._kept: list[dict[str, Any]] | None = [] if keep else None
        self.count = 0
        self.shown: list[ValidationReport] = []

    def add(self, report: ValidationReport, file: str, number: int) -> None:
        """Add the report of a record of a file."""
        self.count += 1
        if len(self.shown) < _SHOWN:
            self.shown.append(report)
        path = Path(file)
        called = path.name if path.parent == self._scratch else file
        told = {"file": called, "record": number, **report.to_json(self._language)}
        if self._file is not None:
            self._file.write(json.dumps(told, ensure_ascii=False) + "\n")
        if self._kept is not None:
            self._kept.append(told)

    def table(self) -> pa.Table | None:
        """Give those that were kept, a row for each."""
        return None if self._kept is None else pa.Table.from_pylist(self._kept, _REPORT)


_FINDING = pa.struct([(name, pa.string()) for name in ("severity", "focus", "path", "value", "message", "advice")])
_REPORT = pa.schema(
    {
        "file": pa.string(),
        "record": pa.int64(),
        "patient": pa.string(),
        "conforms": pa.bool_(),
        "results": pa.list_(_FINDING),
    }.items()
)


@dataclass
class Fallback:
    """Assesses cases one by one, and keeps what was refused apart.

    Attributes:
        rejected: what takes the reports of refused cases.
        sections: the sections whose emptiness means none, as the caller names them.
        not_held: the numbers of the records, by file, of which columns do not hold everything.
        reasons: how many were assessed one by one, by why.
    """

    parts: LibraryProbe
    decisions: Decisions
    rejected: Rejected
    sections: tuple[str, ...]
    not_held: Mapping[str, Container[int]] = field(default_factory=dict)
    reasons: Counter[BilingualText] = field(default_factory=Counter)
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
            self.reasons[NOT_HELD if number in self.not_held.get(file, ()) else NOT_SCREENED] += 1
        else:
            self.rejected.add(answer, file, number)
            self.reasons[REFUSED] += 1
        self._situations.append(situation)
        self._marks.append(marks)

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

    def names(self) -> pa.Table:
        """Give the name of each case, by file and number; null where it is but its place in the file."""
        table = self.table()
        places = (f"{Path(file).name}#{number}" for file, number in zip(self._files, self._numbers, strict=True))
        names = [None if name == place else name for name, place in zip(self._patients, places, strict=True)]
        return table.select(["own_file", "own_number"]).append_column("own_patient", pa.array(names, pa.string()))

    def counted(self) -> Iterator[tuple[int, int]]:
        """Give situation and notices of each case that was not refused."""
        for situation, marks in zip(self._situations, self._marks, strict=True):
            if situation is not None:
                yield situation, marks
