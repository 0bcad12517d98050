"""CSV, JSON Lines and JSON: read by the library's own readers, and laid down as columns.

A record that columns cannot hold exactly is marked, and read again by itself from its file.
"""

from __future__ import annotations

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

from osteo_kg.case import FIELDS, Case, Field, Repeated, case_of, csv_records, json_line_records
from osteo_kg.case.files import not_utf8
from osteo_kg.cohort.abstraction.columns import HELD
from osteo_kg.cohort.engines import CohortEngine
from osteo_kg.cohort.sources.base import Source, Wanted
from osteo_kg.cohort.sources.json_files import records_in
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
    def records(self, path: Path) -> Iterator[tuple[int, Any]]:
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
            for number, record in self.records(path):
                row = row_of(record)
                yield {"file": str(path), "number": number, "readable": row is not None, **(row or {})}

    def cases(self, engine: CohortEngine, wanted: Wanted) -> Iterator[tuple[str, int, Case]]:
        """Read some records as cases."""
        for file, numbers in wanted.items():
            path = Path(file)
            for number, record in self.records(path):
                if number in numbers:
                    yield file, number, case_of(record, f"{path.name}#{number}", self.reading.terms)


class CsvSource(TextSource):
    """CSV files."""

    def records(self, path: Path) -> Iterator[tuple[int, Any]]:
        """Give each row."""
        yield from csv_records(opened(path, newline=""), path.name, self.reading.ignore, self.reading.renamed)


class JsonLinesSource(TextSource):
    """Files with one JSON object a line."""

    def records(self, path: Path) -> Iterator[tuple[int, Any]]:
        """Give each line."""
        number = 0
        for number, record in json_line_records(opened(path, newline="\n"), path.name):
            yield number, renamed(record, self.reading.renamed)
        if not number:
            raise UnreadableCaseError(f"{path.name} holds no patient.", advice="Send one record at least.")


class JsonSource(TextSource):
    """Files with an array of JSON objects, or with one object."""

    def records(self, path: Path) -> Iterator[tuple[int, Any]]:
        """Give each object."""
        number = 0
        for number, record in enumerate(records_in(path), 1):
            yield number, renamed(record, self.reading.renamed)
        if not number:
            raise UnreadableCaseError(f"{path.name} holds no patient.", advice="Send one record at least.")


def opened(path: Path, newline: str) -> Iterator[str]:
    """Give the lines of a file in UTF-8, compressed or not.

    Raises:
        UnreadableCaseError: the file cannot be opened, or is not UTF-8.
    """
    try:
        with io.TextIOWrapper(pa.input_stream(str(path)), encoding="utf-8-sig", newline=newline) as lines:
            yield from lines
    except UnicodeError as error:
        raise not_utf8(path.name) from error
    except OSError as error:
        raise UnreadableCaseError(f"{path.name} cannot be read: {error}.", advice="Check the file.") from error


def _chunks(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    remaining = iter(rows)
    while chunk := list(itertools.islice(remaining, _CHUNK)):
        yield chunk


def renamed(record: Any, names: Mapping[str, str]) -> Any:
    """Give a record under the keys that its names stand for."""
    if names and isinstance(record, dict) and not names.keys().isdisjoint(record):
        return type(record)({names.get(key, key): value for key, value in record.items()})
    return record


def row_of(record: Any) -> dict[str, Any] | None:
    """Give a record as columns hold it; None where they would lose something of it."""
    if not isinstance(record, dict) or not record.keys() <= FIELDS.keys() or _repeats(record):
        return None
    row = {key: value if value is None else _held(FIELDS[key], value) for key, value in record.items()}
    return None if _LOST in row.values() else {key: value for key, value in row.items() if key in HELD}


def _repeats(found: dict[str, Any]) -> bool:
    return isinstance(found, Repeated) and bool(found.repeated)


class _Lost:
    """What columns cannot hold."""


_LOST: Any = _Lost()


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else _LOST


def _truth(value: Any) -> Any:
    return value if isinstance(value, bool) else _LOST


def _whole(value: Any) -> Any:
    exact = isinstance(value, Decimal) and value == value.to_integral_value() and abs(value) < _MOST
    return int(value) if exact else _LOST


def _score(value: Any) -> Any:
    """Hold a score as a float, where that shows the same digits.

    Noughts at the end count where decimals are many, or where the number may be a bone density, which none below
    nought is.
    """
    if not isinstance(value, Decimal):
        return _LOST
    _, digits, exponent = value.as_tuple()
    found = float(value)
    if len(digits) > _DIGITS or not isinstance(exponent, int):
        return _LOST
    if not digits[-1] and -exponent > (1 if value > 0 else _DECIMALS):
        return _LOST
    return found if Decimal(repr(found)) == value else _LOST


def _held(field: Field, value: Any) -> Any:
    """Give a value as its column holds it."""
    if field.key not in HELD:
        return _LOST
    return _list(field, value) if field.kind == "list" else _BY_KIND[field.kind](value)


def _list(field: Field, value: Any) -> Any:
    if not isinstance(value, list):
        return _LOST
    if not field.entry:
        return value if all(isinstance(each, str) for each in value) else _LOST
    main = field.entry[0].key
    entries = [_entry({main: each} if isinstance(each, str) else each, field) for each in value]
    return _LOST if _LOST in entries else entries


def _entry(entry: Any, field: Field) -> Any:
    fields = {each.key: each for each in field.entry}
    if not isinstance(entry, dict) or not entry.keys() <= fields.keys() or _repeats(entry):
        return _LOST
    held = {key: value if value is None else _BY_KIND[fields[key].kind](value) for key, value in entry.items()}
    return _LOST if _LOST in held.values() else held


_BY_KIND: dict[str, Callable[[Any], Any]] = {
    "text": _text,
    "coded": _text,
    "day": _text,
    "whole": _whole,
    "decimal": _score,
    "truth": _truth,
}
