"""CSV, Excel and JSON: read by the library's own readers, and laid down as columns.

A record that columns cannot hold exactly is marked, and read again by itself from its file.
"""

from __future__ import annotations

import functools
import io
import itertools
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case import (
    FIELDS,
    SCORES,
    Case,
    Field,
    Repeated,
    TableReader,
    case_of,
    csv_records,
    folders,
    json_line_records,
    workbook_records,
)
from osteo_kg.case.files import not_utf8
from osteo_kg.case.tables.dialect import LOOKED_AT, dialect_of, foreign, with_mark
from osteo_kg.cohort.abstraction.columns import decimals_key
from osteo_kg.cohort.engines import CohortEngine
from osteo_kg.cohort.sources.base import Source, Wanted
from osteo_kg.cohort.sources.json_files import records_in, unpacked
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.rdf import day_literal, day_text

_CHUNK = 50_000  # records laid down at a time
_DECIMALS = 15  # up to which the shapes are not asked how many there are
_MOST = 2**31
_REMEMBERED = 20_000  # numbers
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
        **{key: _type(field) for key, field in FIELDS.items()},
        **{decimals_key(key): pa.int64() for key in SCORES},
    }.items()
)


class TextSource(Source):
    """Files of flat records as text."""

    @abstractmethod
    def records(self, path: Path, tables: TableReader) -> Iterator[tuple[int, Any]]:
        """Give the number and the record of each patient of a file, or what is wrong with it."""

    def flat(self, engine: CohortEngine) -> ir.Table:
        """Lay the records down as columns in the scratch folder, and give them as a table."""
        for path in self.files:
            folders.check_none(self.named[path], self.reading.profile.ignore)
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
            with unpacked(path) as file:
                data = bytes(file.read())
        except OSError as error:
            raise UnreadableCaseError(f"{path.name} cannot be read: {error}.", advice="Check the file.") from error
        yield from workbook_records(data, path.name, tables)


class JsonLinesSource(TextSource):
    """Files with one JSON object a line."""

    def records(self, path: Path, tables: TableReader) -> Iterator[tuple[int, Any]]:
        """Give each line."""
        lines = opened(path, "\n", self.reading.profile.encoding)
        yield from _objects(json_line_records(lines, path.name), path, tables)


class JsonSource(TextSource):
    """Files with an array of JSON objects, or with one object."""

    def records(self, path: Path, tables: TableReader) -> Iterator[tuple[int, Any]]:
        """Give each object."""
        yield from _objects(enumerate(records_in(path), 1), path, tables)


def _objects(found: Iterable[tuple[int, Any]], path: Path, tables: TableReader) -> Iterator[tuple[int, Any]]:
    number = 0
    for number, record in found:
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
        with io.TextIOWrapper(unpacked(path), encoding=with_mark(encoding), newline=newline) as lines:
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
        with unpacked(path) as file:
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
    for key in SCORES:
        if (score := record.get(key)) is not None:
            row[decimals_key(key)] = _decimals(score)
    return None if LOST in row.values() else row


def held_scores(scores: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give scores as columns hold them, each with how many decimals it has; None where they would lose something."""
    held = {key: _number(score) for key, score in scores.items()}
    written = {decimals_key(key): _decimals(score) for key, score in scores.items()}
    return None if LOST in held.values() or LOST in written.values() else held | written


def _repeats(found: dict[str, Any]) -> bool:
    return isinstance(found, Repeated) and bool(found.repeated)


class _Lost:
    """What columns cannot hold."""


#: What stands for a value that columns cannot hold.
LOST: Any = _Lost()


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else LOST


def _day(value: Any) -> Any:
    """Hold a day without its time; a period, and what is neither, as it is."""
    literal = day_literal(value) if isinstance(value, str) else None
    return _text(value) if literal is None else day_text(literal.value)


def _truth(value: Any) -> Any:
    return value if isinstance(value, bool) else LOST


def _whole(value: Any) -> Any:
    exact = isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < _MOST
    return int(value) if exact else LOST


def _number(value: Any) -> Any:
    """Hold a number as a float, where that shows the same digits but for noughts at the end."""
    return _written(str(value))[0] if type(value) is Decimal else LOST


def _decimals(value: Any) -> Any:
    """Give how many decimals a score is written with: bone densities have many."""
    return _written(str(value))[1] if type(value) is Decimal else LOST


@functools.lru_cache(_REMEMBERED)
def _written(text: str) -> tuple[Any, Any]:
    """Give a number, written as decimals are, as a float, and how many decimals it has."""
    value = Decimal(text)
    if not value.is_finite():
        return LOST, LOST
    found, decimals = float(value), max(-int(value.as_tuple().exponent), 0)
    return found if Decimal(repr(found)) == value else LOST, decimals if decimals <= _DECIMALS else LOST


def held(field: Field, value: Any) -> Any:
    """Give a value as its column holds it."""
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
    kinds = _KINDS_OF_ENTRIES[field.key]
    if not isinstance(entry, dict) or not entry.keys() <= kinds.keys() or _repeats(entry):
        return LOST
    held = {key: value if value is None else _BY_KIND[kinds[key]](value) for key, value in entry.items()}
    return LOST if LOST in held.values() else held


_KINDS_OF_ENTRIES = {key: {each.key: each.kind for each in field.entry} for key, field in FIELDS.items()}
_BY_KIND: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "coded": _text,
    "day": _day,
    "whole": _whole,
    "decimal": _number,
    "truth": _truth,
}
