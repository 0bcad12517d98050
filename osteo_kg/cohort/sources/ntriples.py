"""N-Triples and N-Quads of cases: columns where lines show all that a file says, and else the library's own reading.

A patient of whom more is said than a flat record can say is read again by the library; so is a whole file in which a
statement hangs on no patient, or that is not written plainly.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case import (
    Case,
    read_rdf,
)
from osteo_kg.cohort.engines import CohortEngine, EngineError, duckdb
from osteo_kg.cohort.sources.base import Source, Wanted
from osteo_kg.cohort.sources.text import opened
from osteo_kg.cohort.sources.triple_pivot import Pivot


class TriplesSource(Source):
    """Files of N-Triples."""

    format_name = "ntriples"

    def flat(self, engine: CohortEngine) -> ir.Table:
        """Pivot the patients of each file to flat records in the scratch folder, and give them as a table."""
        laid = [self.reading.scratch / f"{self.format_name}{number}.parquet" for number in range(len(self.files))]
        for path, target in zip(self.files, laid, strict=True):
            if not self._is_pivoted(path, target):
                pq.write_table(self._unread(path), target)
        return engine.parquet([str(each) for each in laid]).drop("_file", "_number")

    def cases(self, engine: CohortEngine, wanted: Wanted) -> Iterator[tuple[str, int, Case]]:
        """Read some patients as cases."""
        for file, numbers in wanted.items():
            for number, case in enumerate(self._read(Path(file)), 1):
                if number in numbers:
                    yield file, number, case

    def _is_pivoted(self, path: Path, target: Path) -> bool:
        """Lay the patients of a file down as columns, if lines show all that it says."""
        with duckdb(self.reading.scratch, self.reading.queries) as reader:
            try:
                pivot = Pivot(reader, path, self.reading, quads=self.format_name == "nquads")
                if pivot.shows_all:
                    flat = pivot.flat().mutate(file=ibis.literal(str(path)))
                    reader.write_parquet(flat, target, "uncompressed", {})  # read once, and gone
                return pivot.shows_all
            except EngineError:  # other ends of lines, other texts than UTF-8, lines without end: the library knows
                return False

    def _unread(self, path: Path) -> pa.Table:
        """Give the patients of a file that only the library can read, to be assessed by themselves."""
        many = len(self._read(path))
        return pa.table({"file": [str(path)] * many, "number": range(1, many + 1), "readable": [False] * many})

    def _read(self, path: Path) -> tuple[Case, ...]:
        return read_rdf("".join(opened(path, newline="\n")), self.format_name, path.name)


class QuadsSource(TriplesSource):
    """Files of N-Quads; in which graph a statement stands does not matter."""

    format_name = "nquads"
