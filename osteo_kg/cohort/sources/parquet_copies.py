"""Parquet files that an engine would misread, laid down anew: only the columns that are used, and days as days.

An engine knows an instant, and not the zone that it was written in; it confuses names that differ in capitals, or that
are its own; and it takes what stands in the name of a folder for a column, or does not.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from osteo_kg.case import FIELDS, KEYS
from osteo_kg.case.record_columns import each_leaf, is_list
from osteo_kg.cohort.engines import RESERVED
from osteo_kg.errors import UnreadableCaseError

_ARROW = b"ARROW:schema"  # where a writer states the zone of a moment; Parquet itself keeps the instant only
_OLD_MOMENT = "INT96"  # of which Parquet does not even say whether it is an instant
_A_DAY = datetime.timedelta(days=1)


class ParquetFile:
    """One file, and how its columns are to be read.

    Attributes:
        wanted: the key of each column that is used, by its name.
        in_folders: the keys of which folders give the values.
        schema: all its columns.
        as_entries: the keys whose lists of words are to be lists of entries, as other files have them.

    Args:
        path: the file.
        wanted: as above.
        folders: the values that folders give, by key.
    """

    def __init__(self, path: Path, wanted: Mapping[str, str], folders: Mapping[str, str]) -> None:
        self.path = path
        self.wanted = wanted
        self.in_folders = tuple(folders)
        self.as_entries: frozenset[str] = frozenset()
        with pq.ParquetFile(path) as file:
            self.schema: pa.Schema = file.schema_arrow
            self._is_zone_stated = _ARROW in (file.metadata.metadata or {})
            leaves = (file.schema.column(place) for place in range(len(file.schema)))
            self._old_moments = {leaf.path for leaf in leaves if leaf.physical_type == _OLD_MOMENT}
        self._moments = {name: read for name in wanted if (read := self._reader(self.schema.field(name))) is not None}
        self._stated = {key: _stated(path, key, text) for key, text in folders.items()}
        self._check_folders()

    @property
    def is_odd(self) -> bool:
        """Whether an engine would misread it."""
        is_odd_type = any(self._type(name) != self.schema.field(name).type for name in self.wanted)
        return bool(self._moments or self._stated or self._has_odd_names or is_odd_type)

    @property
    def has_entries(self) -> frozenset[str]:
        """The keys of which it has lists of entries, and not of words."""
        return frozenset(key for name, key in self.wanted.items() if _holds(self.schema.field(name).type, "struct"))

    def _type(self, name: str) -> pa.DataType:
        """Give the type in which a column is laid down, where it holds no moments."""
        key, kind = self.wanted[name], self.schema.field(name).type
        field = FIELDS[key]
        if pa.types.is_null(kind):
            kind = _TYPES.get(field.kind, pa.list_(pa.string()))
        found = _typed(kind)
        if key in self.as_entries and not _holds(found, "struct"):
            return pa.list_(pa.struct([(field.entry[0].key, pa.string())]))
        return found

    @property
    def _has_odd_names(self) -> bool:
        """Whether names are an engine's own, or differ from each other or from a key in capitals only."""
        folded = Counter(name.casefold() for name in self.schema.names)
        others = {name.casefold() for name in self.schema.names if name not in self.wanted}
        taken = {*RESERVED, *KEYS, *(name.casefold() for name in self.wanted)}
        return max(folded.values(), default=1) > 1 or not folded.keys().isdisjoint(RESERVED) or bool(others & taken)

    def copy(self, target: Path) -> None:
        """Write the columns that are used, under the names of their keys."""
        writer: pq.ParquetWriter | None = None
        try:
            with pq.ParquetFile(self.path) as file:
                for batch in file.iter_batches(columns=list(self.wanted)):
                    table = self._laid(batch)
                    writer = writer or pq.ParquetWriter(target, table.schema)
                    writer.write_table(table)
                if writer is None:
                    pq.write_table(self._laid(pa.RecordBatch.from_pylist([], self.schema)), target)
        finally:
            if writer is not None:
                writer.close()

    def _laid(self, batch: pa.RecordBatch) -> pa.Table:
        columns = {}
        for name, key in self.wanted.items():
            column = batch.column(batch.schema.names.index(name))
            columns[key] = self._moments[name](column) if name in self._moments else _cast(column, self._type(name))
        for key, value in self._stated.items():
            if key not in columns:
                columns[key] = pa.repeat(value, batch.num_rows)
        return pa.table(columns) if columns else pa.table({"patient": pa.nulls(batch.num_rows, pa.string())})

    def _reader(self, column: pa.Field) -> Callable[[pa.Array], pa.Array] | None:
        """Give what reads the days of a column of moments; None where it holds no instants."""
        kind = column.type
        if not pa.types.is_timestamp(kind):
            return None
        if not self._is_zone_stated and (kind.tz is not None or column.name in self._old_moments):
            return _days_without_zone
        return self._checked(column) if kind.tz is not None else None

    def _checked(self, column: pa.Field) -> Callable[[pa.Array], pa.Array]:
        try:
            _days_in_zone(pa.nulls(1, column.type))
        except pa.ArrowInvalid as error:
            raise UnreadableCaseError(
                f"{self.path.name}: the time zone {column.type.tz!r} of the column {column.name!r} is not known.",
                advice="Write days, or moments in a time zone of the IANA database.",
            ) from error
        return _days_in_zone

    def _check_folders(self) -> None:
        """Refuse what a folder and a column say differently; what they say alike is said once.

        Raises:
            UnreadableCaseError: they do.
        """
        names = {key: name for name, key in self.wanted.items()}
        for key in self._stated.keys() & names.keys():
            [table] = pq.read_table(self.path, columns=[names[key]], partitioning=None).columns
            read = self._moments.get(names[key], lambda column: column)
            said = read(table.combine_chunks()) if table.num_chunks else table
            if said.cast(self._stated[key].type).unique().to_pylist() not in ([], [self._stated[key].as_py()]):
                raise UnreadableCaseError(
                    f"{self.path.name} lies in a folder {key}={self._stated[key].as_py()}, and its column "
                    f"{names[key]!r} says otherwise.",
                    advice="Correct the column, or give the folder another name.",
                )
            del self._stated[key]


def _holds(kind: pa.DataType, what: str) -> bool:
    """Whether a type is one of lists of something."""
    return is_list(kind) and bool(getattr(pa.types, f"is_{what}")(kind.value_type))


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Give a column in a type; of words in lists that are to be entries each is what its entry is about."""
    if not _holds(kind, "struct") or _holds(column.type, "struct") or pa.types.is_null(column.type):
        return column.cast(kind)
    [about] = kind.value_type
    words = column.cast(pa.list_(pa.string()))
    return each_leaf(words, lambda word: pa.StructArray.from_arrays([word], [about.name], mask=word.is_null()))


def _typed(kind: pa.DataType) -> pa.DataType:
    """Give a type with text in place of nothing but nulls, of which engines make different things."""
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = _typed(kind.value_type)
        return kind if inner == kind.value_type else pa.list_(inner)
    if pa.types.is_struct(kind):
        return pa.struct([(each.name, _typed(each.type)) for each in kind])
    return pa.string() if pa.types.is_null(kind) else kind


def _days_in_zone(moments: pa.Array) -> pa.Array:
    """Give moments as the days that their own zone has."""
    return pc.local_timestamp(moments).cast(pa.date32())


def _days_without_zone(moments: pa.Array) -> pa.Array:
    """Give instants of no stated zone as the days that they are where they stand at midnight.

    Of another one the day depends on the zone: it is given as the text that it is, and no day.
    """
    plain = moments.cast(pa.timestamp(moments.type.unit))
    days = plain.cast(pa.date32())
    texts = pc.binary_join_element_wise(plain.cast(pa.string()), "in an unstated time zone", " ")
    return pc.if_else(pc.equal(days.cast(plain.type), plain), days.cast(pa.string()), texts)


def _stated(path: Path, key: str, text: str) -> pa.Scalar:
    """Give what a folder says of a key, of the type that the key wants.

    Raises:
        UnreadableCaseError: it is not of that type.
    """
    try:
        return pa.scalar(text).cast(_TYPES[FIELDS[key].kind])
    except (KeyError, pa.ArrowInvalid) as error:
        raise UnreadableCaseError(
            f"{path.name} lies in a folder {key}={text}, which is no value that {key} can have.",
            advice=f"Write {key} as a column, or give the folder another name.",
        ) from error


_TYPES = {
    **dict.fromkeys(("text", "coded", "day"), pa.string()),
    "whole": pa.int64(),
    "decimal": pa.float64(),
    "truth": pa.bool_(),
}
