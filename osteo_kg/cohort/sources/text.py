"""CSV, Excel and JSON Lines: read by the library's own readers, and laid down as columns.

A record that columns cannot hold exactly is marked, and read again by itself from its file.
"""

from __future__ import annotations

import io
import itertools
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case import (
    FIELDS,
    Case,
    Field,
    Repeated,
    TableReader,
    case_of,
    csv_records,
    json_line_records,
    workbook_records,
)
from osteo_kg.case.files import not_utf8
from osteo_kg.case.tables.dialect import LOOKED_AT, dialect_of, foreign, with_mark
from osteo_kg.cohort.abstraction.columns import HELD
from osteo_kg.cohort.engines import CohortEngine
from osteo_kg.cohort.sources.base import Source, Wanted
from osteo_kg.errors import UnreadableCaseError

_CHUNK = 50_000  # records laid down at a time
_DECIMALS = 2  # up to which a negative score says the same with noughts at its end and without
_DIGITS = 15  # that a float holds exactly
_MOST = 2**31
_TYPES = {
    "text": pa.string(),
    "coded": pa.string(),
    "day": pa.string(),
    "whole": pa.int64(),
    "decimal": pa.float64(),
    "truth": pa.bool_(),
}


def _type(field: Field) -> pa.DataType:
    if field.kind != "list":
        return _TYPES[field.kind]
    return pa.list_(pa.struct([(each.key, _type(each)) for each in field.entry]) if field.entry else pa.string())


#: The columns in which text is laid down.
SCHEMA = pa.schema(
    {
        "file": pa.string(),
        "number": pa.int64(),
        "readable": pa.bool_(),
        **{key: _type(field) for key, field in HELD.items()},
    }.items()
)


class TextSource(Source):
    """Files of flat records as text."""

    @abstractmethod
    def records(self, path: Path, tables: TableReader) -> Iterator[tuple[int, Any]]:
        """Give the number and the record of each patient of a file, or what is wrong with it."""

    def flat(self, engine: CohortEngine) -> ir.Table:
        """Lay the records down as columns in the scratch folder, and give them as a table."""
        laid = self.reading.scratch / f"{type(self).__name__}.parquet"
        with pq.ParquetWriter(laid, SCHEMA) as writer:
            for rows in _chunks(self._rows()):
                writer.write_table(pa.Table.from_pylist(rows, SCHEMA))
        return engine.parquet([str(laid)]).drop("_file", "_number")

    def _rows(self) -> Iterator[dict[str, Any]]:
        for path in self.files:
            for number, record in self.records(path, self.tables):
                row = row_of(record)
                yield {"file": str(path), "number": number, "readable": row is not None, **(row or {})}

    def cases(self, engine: CohortEngine, wanted: Wanted) -> Iterator[tuple[str, int, Case]]:
        """Read some records as cases."""
        tables = TableReader(self.reading.profile, self.reading.terms)  # what was read as what is told once
        for file, numbers in wanted.items():
            path = Path(file)
            for number, record in self.records(path, tables):
                if number in numbers:
                    yield file, number, case_of(record, f"{path.name}#{number}", self.reading.terms)


class CsvSource(TextSource):
    """CSV files."""

    def records(self, path: Path, tables: TableReader) -> Iterator[tuple[int, Any]]:
        """Give each row."""
        tables.check(_start(path), path.name)
        try:
            yield from csv_records(opened(path, "", self.reading.profile.encoding), path.name, tables)
        except NotItsEncodingError as error:
            if self.reading.profile.encoding:
                raise
            raise foreign(path.name, dialect_of(_start(path), tables.names, "cp1252")) from error


class WorkbookSource(TextSource):
    """Workbooks of Excel."""

    def records(self, path: Path, tables: TableReader) -> Iterator[tuple[int, Any]]:
        """Give each row of the sheet of patients."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UnreadableCaseError(f"{path.name} cannot be read: {error}.", advice="Check the file.") from error
        yield from workbook_records(data, path.name, tables)


class JsonLinesSource(TextSource):
    """Files with one JSON object a line."""

    def records(self, path: Path, tables: TableReader) -> Iterator[tuple[int, Any]]:
        """Give each line."""
        number = 0
        lines = opened(path, "\n", self.reading.profile.encoding)
        for number, record in json_line_records(lines, path.name):
            yield number, tables.record(record)
        if not number:
            raise UnreadableCaseError(f"{path.name} holds no patient.", advice="Send one record at least.")


class NotItsEncodingError(UnreadableCaseError):
    """A text is not in the encoding that it is to be in."""


def opened(path: Path, newline: str, encoding: str | None = None) -> Iterator[str]:
    """Give the lines of a file, compressed or not, in an encoding: UTF-8 when None.

    Raises:
        NotItsEncodingError: the file is in another encoding.
        UnreadableCaseError: the file cannot be opened.
    """
    try:
        with io.TextIOWrapper(pa.input_stream(str(path)), encoding=with_mark(encoding), newline=newline) as lines:
            yield from lines
    except UnicodeError as error:
        wrong = not_utf8(path.name)
        if encoding is None:
            raise NotItsEncodingError(wrong.message, advice=wrong.advice) from error
        raise NotItsEncodingError(f"{path.name} is not text in {encoding}.", advice="Correct `encoding`.") from error
    except OSError as error:
        raise UnreadableCaseError(f"{path.name} cannot be read: {error}.", advice="Check the file.") from error


def _start(path: Path) -> bytes:
    """Give the first bytes of a file, compressed or not."""
    try:
        with pa.input_stream(str(path)) as file:
            return bytes(file.read(LOOKED_AT))
    except OSError as error:
        raise UnreadableCaseError(f"{path.name} cannot be read: {error}.", advice="Check the file.") from error


def _chunks(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    remaining = iter(rows)
    while chunk := list(itertools.islice(remaining, _CHUNK)):
        yield chunk


def row_of(record: Any) -> dict[str, Any] | None:
    """Give a record as columns hold it; None where they would lose something of it."""
    if not isinstance(record, dict) or not record.keys() <= FIELDS.keys() or _repeats(record):
        return None
    row = {key: value if value is None else held(FIELDS[key], value) for key, value in record.items()}
    return None if LOST in row.values() else {key: value for key, value in row.items() if key in HELD}


def _repeats(found: dict[str, Any]) -> bool:
    return isinstance(found, Repeated) and bool(found.repeated)


class _Lost:
    """What columns cannot hold."""


#: What stands for a value that columns cannot hold.
LOST: Any = _Lost()


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else LOST


def _truth(value: Any) -> Any:
    return value if isinstance(value, bool) else LOST


def _whole(value: Any) -> Any:
    exact = isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < _MOST
    return int(value) if exact else LOST


def _score(value: Any) -> Any:
    """Hold a score as a float, where that shows the same digits.

    Noughts at the end count where decimals are many, or where the number may be a bone density, which none below
    nought is.
    """
    if not isinstance(value, Decimal):
        return LOST
    _, digits, exponent = value.as_tuple()
    found = float(value)
    if len(digits) > _DIGITS or not isinstance(exponent, int):
        return LOST
    if not digits[-1] and -exponent > (1 if value > 0 else _DECIMALS):
        return LOST
    return found if Decimal(repr(found)) == value else LOST


def held(field: Field, value: Any) -> Any:
    """Give a value as its column holds it."""
    if field.key not in HELD:
        return LOST
    return _list(field, value) if field.kind == "list" else _BY_KIND[field.kind](value)


def _list(field: Field, value: Any) -> Any:
    if not isinstance(value, list):
        return LOST
    if not field.entry:
        return value if all(isinstance(each, str) for each in value) else LOST
    main = field.entry[0].key
    entries = [_entry({main: each} if isinstance(each, str) else each, field) for each in value]
    return LOST if LOST in entries else entries


def _entry(entry: Any, field: Field) -> Any:
    fields = {each.key: each for each in field.entry}
    if not isinstance(entry, dict) or not entry.keys() <= fields.keys() or _repeats(entry):
        return LOST
    held = {key: value if value is None else _BY_KIND[fields[key].kind](value) for key, value in entry.items()}
    return LOST if LOST in held.values() else held


_BY_KIND: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "coded": _text,
    "day": _text,
    "whole": _whole,
    "decimal": _score,
    "truth": _truth,
}
