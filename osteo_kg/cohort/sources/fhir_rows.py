"""Reading patients off partitions and out of bundles, each by the reader of FHIR."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case import SECTIONS, Case, record_of
from osteo_kg.case.fhir.bundles import Gathered, Input, gather, subject_of
from osteo_kg.case.fhir.exports import Beside, standing
from osteo_kg.case.fhir.reader import Assumption, Reader
from osteo_kg.case.fhir.validity import Checks
from osteo_kg.cohort.abstraction import extra_facts, measurements
from osteo_kg.cohort.abstraction.extra_facts import MeasuredEntries
from osteo_kg.cohort.sources.fhir_files import FilePart, Medications, document_at
from osteo_kg.cohort.sources.fhir_partitions import Partitions, ResourceLine, deleted_of, is_deleted
from osteo_kg.cohort.sources.fhir_screening import Screening
from osteo_kg.cohort.sources.measured_rows import beside
from osteo_kg.cohort.sources.text import SCHEMA, row_of
from osteo_kg.errors import UsageError
from osteo_kg.rdf import OSTEO

_CHUNK = 5_000  # rows laid down at a time


@dataclass(frozen=True)
class Plan:
    """What is read, and where it is sorted.

    Attributes:
        files: the files.
        homes: for each file the export that it is part of.
        folder: where what is sorted is kept.
        partitions: how many partitions there are.
        measured: what takes measurements out of cases, with the vocabulary.
        postmenopausal: what to assume of a woman whose menopausal status is not recorded; nothing when None.
    """

    files: tuple[Path, ...]
    homes: tuple[str, ...]
    folder: Path
    partitions: int
    measured: MeasuredEntries
    postmenopausal: Assumption | None

    @property
    def medications(self) -> Path:
        """Where the Medication resources of all exports are kept."""
        return self.folder / "medications.sqlite3"


@dataclass(frozen=True)
class Person:
    """A patient with her resources.

    Attributes:
        owner: whose the lines are that she was found in.
        file: the number of the file in which she stands.
        position: where her document begins in it.
        place: her place in the document.
        gathered: her resources.
        found: what was read with them.
    """

    owner: bytes
    file: int
    position: int
    place: int
    gathered: Gathered
    found: Input


class PatientReader:
    """Sorts and reads what a plan names; in one process, or in each of several."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._partitions = Partitions(plan.folder, plan.partitions)
        self._reader = Reader(plan.measured.terms, plan.postmenopausal, Checks().problems)
        self._screening = Screening(
            self._reader, lambda case: flat_row(case, plan.measured), plan.measured.months_apart
        )
        self._medications = functools.cache(self._medications_of)

    def sort(self, piece: FilePart) -> Beside:
        """Put the documents of a piece on the partitions."""
        return self._partitions.sort(piece, self._plan.homes[piece.file], os.getpid())

    def lay(self, partition: int) -> tuple[str, int, Beside]:
        """Lay the patients of a partition down as rows; give where, how many, and what belongs to none of them."""
        beside = Beside()
        path = self._plan.folder / f"rows-{partition}.parquet"
        rows = (tuple(map(row.get, COLUMNS.names)) for row in self._rows(partition, beside))
        total = 0
        with pq.ParquetWriter(path, COLUMNS) as writer:
            while chunk := list(itertools.islice(rows, _CHUNK)):
                writer.write_table(_table(chunk))
                total += len(chunk)
        return str(path), total, beside

    def _rows(self, partition: int, beside: Beside) -> Iterator[Mapping[str, Any]]:
        """Give the row of every patient of a partition; what is of none of them is counted."""
        for owner, lines in self._partitions.owners(partition):
            screened = self._screening.row(lines) if self._stands_alone(owner, lines) else None
            if screened is not None:
                row, line = screened
                yield self._placed(row, partition, owner, line.file, line.offset, 0)
                continue
            for person in self._people(owner, lines, beside):
                found = flat_row(self.case(person, ""), self._plan.measured)
                yield self._placed(found, partition, owner, person.file, person.position, person.place)

    def _stands_alone(self, owner: bytes, lines: list[ResourceLine]) -> bool:
        """Whether no other line of the export says anything of the resources of a patient."""
        home = self._plan.homes[lines[0].file]
        gone = bool(self._deleted) and any(is_deleted(line.name, home, self._deleted) for line in lines)
        return owner not in self._of_nobody and not gone

    def _placed(
        self, row: Mapping[str, Any] | None, partition: int, owner: bytes, file: int, position: int, place: int
    ) -> Mapping[str, Any]:
        return {
            **(row or {}),
            "file": str(self._plan.files[file]),
            "readable": row is not None,
            "partition": partition,
            "owner": owner,
            "position": position,
            "place": place,
        }

    def case(self, person: Person, fallback: str) -> Case:
        """Read the case of a patient."""
        return self._reader.case(person.gathered, fallback, person.found)

    def people(self, partition: int, beside: Beside, wanted: Collection[bytes] | None = None) -> Iterator[Person]:
        """Give the patients of a partition, or those whose lines are wanted; what is of none of them is counted."""
        for owner, lines in self._partitions.owners(partition):
            if wanted is None or owner in wanted:
                yield from self._people(owner, lines, beside)

    def _people(self, owner: bytes, lines: list[ResourceLine], beside: Beside) -> Iterator[Person]:
        """Give the patients of lines: of one Bundle, which is an input by itself, or of single resources."""
        documents, home = [self._document(line) for line in lines], self._plan.homes[lines[0].file]
        of_nobody = [self._document(line) for line in self._of_nobody.get(owner, ())]
        found = gather([*documents, *of_nobody, *deleted_of(documents, home, self._deleted)])
        is_whole = standing(documents[0]) == "whole"
        for resource in found.unassigned:
            if subject_of(resource):
                beside.lost[resource["resourceType"]] += 1
            elif is_whole:  # else it was counted when it was sorted
                beside.of_nobody[resource["resourceType"]] += 1
        if is_whole:
            for place, person in enumerate(found.patients):
                yield Person(owner, lines[0].file, lines[0].offset, place, person, found)
            return
        place_of = {id(document): line for document, line in zip(documents, lines, strict=True)}
        for person in found.patients:
            line = place_of[id(person.patient)]
            of_none = found.unassigned if of_nobody else ()
            alone = Input((person,), of_none, self._medications(home))
            yield Person(owner, line.file, line.offset, 0, person, alone)

    @functools.cached_property
    def _of_nobody(self) -> Mapping[bytes, list[ResourceLine]]:
        return self._partitions.of_nobody()

    @functools.cached_property
    def _deleted(self) -> Mapping[bytes, Any]:
        return self._partitions.deleted()

    def _document(self, line: ResourceLine) -> Any:
        return document_at(FilePart(line.file, self._plan.files[line.file]), line.offset, line.text)

    def _medications_of(self, home: str) -> Mapping[str, dict[str, Any]]:
        return Medications(self._plan.medications, home)


# From a case that came as FHIR to a row: its flat record, and what is said beyond it as columns of truth values.

_TRUTHS = (*extra_facts.COLUMNS, *(f"complete_{key}" for key in SECTIONS))
#: Where a patient stands: the partition and the owner of her resources, her place in file and document.
_PLACE = {"partition": pa.int64(), "owner": pa.binary(), "position": pa.int64(), "place": pa.int64()}
#: The measurements that were taken out of a case, their numbers, and the newest day of them.
_SPARED = {"spared": pa.list_(pa.string()), "spared_numbers": pa.list_(pa.string()), "last_spared": pa.string()}
COLUMNS = pa.schema(
    {name: SCHEMA.field(name).type for name in SCHEMA.names}
    | dict.fromkeys(_TRUTHS, pa.bool_())
    | dict(measurements.COLUMNS)
    | _SPARED
    | _PLACE
)


def _table(rows: list[tuple[Any, ...]]) -> pa.Table:
    columns = map(_column, zip(*rows, strict=True), COLUMNS.types)
    return pa.Table.from_arrays(list(columns), schema=COLUMNS)


def _column(values: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    first = values[0]
    if (first is None or isinstance(first, bool)) and values.count(first) == len(values):  # as most columns have
        return pa.repeat(pa.scalar(first, kind), len(values))
    return pa.array(values, kind)


_COLUMN_OF = {remark.kind: column for column, remark in extra_facts.REMARKED.items()}


def flat_row(case: Case, measured: MeasuredEntries) -> Mapping[str, Any] | None:
    """Give a case as columns hold it; None where they would lose something of it."""
    if case.born_between is not None or any(each.kind not in _COLUMN_OF for each in case.remarks):
        return None
    left = measured.reduced(case)
    if left is None:
        return None
    kept = tuple(t for t in left.case.triples if t.predicate.value not in extra_facts.STATED.values())
    try:
        record = record_of(replace(left.case, triples=kept), measured.terms)
    except UsageError:
        return None
    row, more = row_of(_exact(record) | {"patient": case.patient, **left.record}), beside(left)
    if row is None or more is None:
        return None
    told = dict.fromkeys(_TRUTHS, False) | dict.fromkeys(_told(case), True) | more
    spared = {"spared": left.texts, "spared_numbers": left.numbers, "last_spared": left.last}
    return row | told | _complete(case) | spared


def _told(case: Case) -> Iterator[str]:
    """Give the columns of what a case says beyond a flat record."""
    yield from (_COLUMN_OF[each.kind] for each in case.remarks)
    yield from (column for column, property_ in extra_facts.STATED.items() if _says(case, property_))
    if case.ignored:
        yield extra_facts.IGNORED


def _complete(case: Case) -> dict[str, bool]:
    stated = {getattr(t.object, "value", "") for t in case.triples if t.predicate == OSTEO.isCompleteFor}
    return {f"complete_{key}": section.value in stated for key, section in SECTIONS.items()}


def _says(case: Case, property_: str) -> bool:
    """Whether a case says that a property is true; that it is false would say nothing."""
    return any(t.predicate.value == property_ and getattr(t.object, "value", "") == "true" for t in case.triples)


def _exact(value: Any) -> Any:
    """Give a record with numbers as its reader has them."""
    if isinstance(value, dict):
        return {key: _exact(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_exact(each) for each in value]
    return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else value
