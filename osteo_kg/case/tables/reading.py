"""Flat records out of the rows of tables and the objects of JSON, by the profile of their source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from osteo_kg.bilingual import BilingualText
from osteo_kg.case.fields import FIELDS, KEYS
from osteo_kg.case.record import with_values
from osteo_kg.case.suggestions import ColumnNames
from osteo_kg.case.tables.cells import bare
from osteo_kg.case.tables.columns import COMMAND_LINE, Asking, ColumnsRead, columns_of, together
from osteo_kg.case.tables.dialect import check_dialect
from osteo_kg.case.tables.profile import PLAIN, Profile
from osteo_kg.case.tables.values import ValueReader
from osteo_kg.case.tables.workbooks import Covered
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge import Terms

_MOST_KNOWN = 20_000  # texts of a column that are remembered
#: One flat record, or what is wrong with it.
FlatRecord = dict[str, Any] | UnreadableCaseError


class TableReader:
    """Reads flat records of one source, and keeps what was read as what.

    Args:
        profile: what the source calls our keys and values.
        terms: the vocabulary of the flat record.
        asking: how advice says that columns are to be read or passed over.
    """

    def __init__(self, profile: Profile, terms: Terms, asking: Asking = COMMAND_LINE) -> None:
        self._asking = asking
        self.profile = profile
        self.terms = terms
        self.names = ColumnNames(terms)
        self.values = ValueReader(profile, terms)
        #: What was found beside the records, as sentences.
        self.remarks: list[BilingualText] = []
        self._tables: list[ColumnsRead] = []
        self._keys: dict[str, str | None] = {}
        self._known: dict[str, dict[str, Any]] = defaultdict(dict)

    def check(self, start: bytes, name: str) -> None:
        """See that a table of text is written as the profile says, by its first bytes.

        Raises:
            UnreadableCaseError: it is not; the advice shows the profile that reads it.
        """
        check_dialect(start, name, self.profile, self.names)

    def columns(self, stated: Sequence[str], name: str) -> ColumnsRead:
        """Say what each column of a table is read as, and keep it.

        Raises:
            UnreadableCaseError: a column is unknown, or would be passed over though nearly a key that decides.
        """
        found = columns_of(stated, name, self.profile, self.names, self._asking)
        self._tables.append(found)
        return found

    def row(self, stated: Sequence[str], cells: Sequence[Any], read: Mapping[str, str], name: str) -> FlatRecord:
        """Give a row as a record.

        Args:
            stated: the names of the columns.
            cells: text, or values of other types; an empty cell or None is unknown.
            read: the key of each column that is read.
            name: what to call the row in messages.
        """
        if len(cells) != len(stated):
            return UnreadableCaseError(
                f"{name} has {len(cells)} cells, and the header has {len(stated)}.", advice=self._cells_wanted(cells)
            )
        record = {}
        for column, cell in zip(stated, cells, strict=True):
            key = read.get(column)
            if isinstance(cell, Covered):
                if key is not None and FIELDS[key].kind != "text":
                    return _covered(name, column, cell)
                cell = cell.value
            if key is not None and (value := self._cell(column, key, cell)) is not None:
                record[key] = value
        return record

    def _cell(self, column: str, key: str, cell: Any) -> Any:
        """Give the value of a cell; None where it is empty or missing. The same text of a column is read once."""
        if not isinstance(cell, str):
            return None if cell is None else self._typed_cell(column, key, cell)
        known = self._known[column]
        if cell in known:
            return known[cell]
        field, text = FIELDS[key], bare(cell)
        value = self.values.cell(field, column, text) if text else None
        if not self.values.changes and field.kind != "text":  # else each time counts that a word is read as another
            if len(known) >= _MOST_KNOWN:
                known.clear()
            known[cell] = value
        return value

    def _typed_cell(self, column: str, key: str, cell: Any) -> Any:
        field, value = FIELDS[key], self.values.value(FIELDS[key], column, cell)
        is_word = field.kind in ("text", "day")  # the number of a patient, or a year
        return f"{value:f}" if is_word and isinstance(value, Decimal) else value

    def _cells_wanted(self, cells: Sequence[Any]) -> str:
        others = [sign for sign in ";\t|" if len(cells) == 1 and sign in str(cells[0])]
        if others and self.profile.separator in (None, ","):
            return f"Write commas in place of {others[0]!r}, as the header has them."
        return "Give every row one cell for each column; quote cells that hold the separator."

    def record(self, record: Any) -> Any:
        """Give an object of JSON as a record of ours; what is none, or what is not mapped, stays as it is."""
        if not isinstance(record, dict):
            return record
        if self.profile == PLAIN:
            return record
        read: dict[str, Any] = {}
        repeated = [self.profile.key(key) for key in getattr(record, "repeated", ())]
        for column, value in record.items():
            key = self._key(column)
            if key is None:
                continue
            if key in read:
                repeated.append(key)
            read[key] = self.values.value(FIELDS[key], column, value) if key in FIELDS else value
        return with_values(record, read, repeated)

    def _key(self, column: str) -> str | None:
        """Give the key that a name of an object is read as; None where it is passed over."""
        if column not in self._keys:
            key: str | None = self.profile.key(column)
            if self.profile.passes_over(column):
                key = None
            elif key not in KEYS and self.profile.passes_over_all:
                resembled = self.names.resembled(column)
                key = key if resembled and resembled != "patient" else None  # refused by its name, never lost
            self._keys[column] = key
        return self._keys[column]

    def columns_read(self) -> tuple[ColumnsRead, ...]:
        """Give what was read as what, in all that was read so far."""
        seen = self._keys
        ignored = tuple(column for column, key in seen.items() if key is None)
        near = {column: key for column in ignored if (key := self.names.resembled(column))}
        objects = [ColumnsRead({c: k for c, k in seen.items() if k in KEYS}, ignored, near)] if seen else []
        words: dict[str, dict[str, str]] = defaultdict(dict)
        for column, word, meant in sorted(self.values.mapped):
            words[column][word] = meant
        tables = (
            replace(each, values={column: words[column] for column in each.read if column in words})
            for each in (*self._tables, *objects)
        )
        return together(tables)


def _covered(name: str, column: str, cell: Covered) -> UnreadableCaseError:
    """Give the error of a row with a cell that is part of another one, whose value may be meant for it or not."""
    return UnreadableCaseError(
        f"{name}: the cell of {column!r} is merged with {cell.place}.",
        advice="Unmerge the cells, and write the value of each patient in her own row.",
    )
