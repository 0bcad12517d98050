"""Persons: who stands behind the rows, where an id repeats (each row is a case of its own all the same)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from osteo_kg.cohort.engines import CohortEngine, DuckDBEngine


@dataclass(frozen=True, slots=True)
class RepeatedIds:
    """The ids that stand on several rows.

    Attributes:
        ids: how many there are.
        rows: on how many rows they stand together.
        several_dispositions: how many of them have rows that were decided differently.
    """

    ids: int = 0
    rows: int = 0
    several_dispositions: int = 0


@dataclass(frozen=True, slots=True)
class Persons:
    """The persons behind the rows that were read, decided or refused.

    Attributes:
        persons: how many different ids there are, and rows without an id, which count as a person each.
        rows_without_id: how many rows have no id.
        repeated_ids: the ids that stand on several rows, of whichever input.
    """

    persons: int
    rows_without_id: int
    repeated_ids: RepeatedIds = RepeatedIds()


def count_persons(
    engine: CohortEngine, lean: ir.Table, size: int, dispositions: Mapping[int, str], own: pa.Table | None
) -> Persons:
    """Count the persons, exactly; where no id repeats, which is seen without sorting texts, at little cost.

    Args:
        engine: what runs the plan.
        lean: a row for each record: its `file`, `number`, `patient`, and its `situation` where it is `plain`.
        size: how many rows it has.
        dispositions: the disposition of each situation, by its number.
        own: the situations of those that were assessed one by one (`own_situation`), by file and number.
    """
    named = lean.filter(lean.patient.notnull() & (lean.patient != ""))
    if isinstance(engine, DuckDBEngine):  # elsewhere a hash has too few bits to tell ids apart
        names, differ = _hashes(engine.arrow(named.select(hash=named.patient.hash())))
        if differ:
            return Persons(size, size - names)
    codes = {each: code for code, each in enumerate(sorted(set(dispositions.values())))}
    decided = _with_code(engine, named, {number: codes[each] for number, each in dispositions.items()}, own)
    by = decided.group_by("patient").agg(
        rows=lambda rows: rows.count(), least=lambda rows: rows.code.min(), most=lambda rows: rows.code.max()
    )
    [found] = engine.arrow(
        by.agg(
            persons=by.count(),
            names=by.rows.sum().fill_null(0),
            ids=by.count(where=by.rows > 1).fill_null(0),
            rows=by.rows.sum(where=by.rows > 1).fill_null(0),
            several=by.count(where=(by.least < by.most).fill_null(False)).fill_null(0),
        )
    ).to_pylist()
    unnamed = size - int(found["names"])
    repeated = RepeatedIds(int(found["ids"]), int(found["rows"]), int(found["several"]))
    return Persons(int(found["persons"]) + unnamed, unnamed, repeated)


def _hashes(table: pa.Table) -> tuple[int, bool]:
    """Give how many rows have an id, and whether the hashes, and so the ids, certainly differ."""
    hashes = np.sort(table["hash"].to_numpy())
    return len(hashes), not bool((hashes[1:] == hashes[:-1]).any())


def _with_code(engine: CohortEngine, named: ir.Table, codes: Mapping[int, int], own: pa.Table | None) -> ir.Table:
    """Add the code of what was decided; null where the row was refused."""
    situation = ibis.ifelse(named.plain, named.situation, None)
    rows = named.select("patient", "file", "number", situation=situation)
    if own is not None:
        other = engine.small(own.select(["own_file", "own_number", "own_situation"]))
        both = rows.left_join(other, [("file", "own_file"), ("number", "own_number")])
        rows = both.mutate(situation=both.situation.coalesce(both.own_situation)).select("patient", "situation")
    answers = {"met": pa.array(list(codes), pa.int64()), "code": pa.array(list(codes.values()), pa.int64())}
    answered = engine.small(pa.table(answers))
    return rows.left_join(answered, [("situation", "met")]).select("patient", "code")
