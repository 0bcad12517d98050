"""CSV and JSON Lines: read by the library's own readers, and laid down as columns.

A record that columns cannot hold exactly is marked, and read again by itself from its file.
"""

from __future__ import annotations

import io
import itertools
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from osteo_kg.case.model import Case
from osteo_kg.case.record import (
    CODED,
    FRACTURE_KEYS,
    KEYS,
    RENAL_FUNCTION,
    SCORES,
    STATEMENTS,
    TREATMENT_KEYS,
    Repeated,
)
from osteo_kg.case.record_text import case_of, csv_records, json_line_records
from osteo_kg.cohort.engines import Engine
from osteo_kg.cohort.sources.base import Source, Wanted
from osteo_kg.errors import UnreadableCaseError

_CHUNK = 50_000  # records laid down at a time
_DECIMALS = 2  # up to which a score says the same with noughts at its end and without
_DIGITS = 15  # that a float holds exactly
_MOST = 2**31
_FRACTURE = pa.struct([("site", pa.string()), ("mechanism", pa.string()), ("date", pa.string()), ("count", pa.int64())])
_TREATMENT = pa.struct([("drug", pa.string()), ("outcome", pa.string())])
#: The columns in which text is laid down.
SCHEMA = pa.schema(
    {
        "file": pa.string(),
        "number": pa.int64(),
        "readable": pa.bool_(),
        "patient": pa.string(),
        **dict.fromkeys(CODED, pa.string()),
        "age_years": pa.int64(),
        "birth_date": pa.string(),
        **dict.fromkeys(SCORES, pa.float64()),
        "densitometry_date": pa.string(),
        "fractures": pa.list_(_FRACTURE),
        "treatment_history": pa.list_(_TREATMENT),
        "conditions": pa.list_(pa.string()),
        **dict.fromkeys(STATEMENTS, pa.bool_()),
    }.items()
)
_ENTRIES = {"fractures": ("site", FRACTURE_KEYS), "treatment_history": ("drug", TREATMENT_KEYS)}


class TextSource(Source):
    """Files of flat records as text."""

    @abstractmethod
    def records(self, path: Path) -> Iterator[tuple[int, Any]]:
        """Give the number and the record of each patient of a file, or what is wrong with it."""

    def flat(self, engine: Engine) -> ir.Table:
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

    def cases(self, engine: Engine, wanted: Wanted) -> Iterator[tuple[str, int, Case]]:
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
            yield number, _renamed(record, self.reading.renamed)
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
        raise UnreadableCaseError(f"{path.name} is not text in UTF-8.", advice="Save it as UTF-8.") from error
    except OSError as error:
        raise UnreadableCaseError(f"{path.name} cannot be read: {error}.", advice="Check the file.") from error


def _chunks(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    remaining = iter(rows)
    while chunk := list(itertools.islice(remaining, _CHUNK)):
        yield chunk


def _renamed(record: Any, renamed: Mapping[str, str]) -> Any:
    if renamed and isinstance(record, dict) and not renamed.keys().isdisjoint(record):
        return type(record)({renamed.get(key, key): value for key, value in record.items()})
    return record


def row_of(record: Any) -> dict[str, Any] | None:
    """Give a record as columns hold it; None where they would lose something of it."""
    if not isinstance(record, dict) or not record.keys() <= _KEYS or _repeats(record):
        return None
    row = {key: value if value is None else _HELD[key](value) for key, value in record.items()}
    return None if _LOST in row.values() else row


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
    """Hold a score as a float, where that shows the same digits; noughts at the end count where decimals are many."""
    if not isinstance(value, Decimal):
        return _LOST
    _, digits, exponent = value.as_tuple()
    found = float(value)
    if len(digits) > _DIGITS or not isinstance(exponent, int) or (-exponent > _DECIMALS and not digits[-1]):
        return _LOST
    return found if Decimal(repr(found)) == value else _LOST


def _list(key: str) -> Any:
    main, names = _ENTRIES[key]

    def held(value: Any) -> Any:
        if not isinstance(value, list):
            return _LOST
        entries = [_entry({main: each} if isinstance(each, str) else each, names) for each in value]
        return _LOST if _LOST in entries else entries

    return held


def _entry(entry: Any, names: tuple[str, ...]) -> Any:
    if not isinstance(entry, dict) or not entry.keys() <= set(names) or _repeats(entry):
        return _LOST
    held = {
        name: value if value is None else (_whole(value) if name == "count" else _text(value))
        for name, value in entry.items()
    }
    return _LOST if _LOST in held.values() else held


def _none_held(value: Any) -> Any:
    """Hold no value: what only the shapes look at is read patient by patient."""
    return _LOST


def _words(value: Any) -> Any:
    return value if isinstance(value, list) and all(isinstance(each, str) for each in value) else _LOST


_KEYS = frozenset(KEYS)
_HELD = {
    **dict.fromkeys(("patient", *CODED, "birth_date", "densitometry_date"), _text),
    "age_years": _whole,
    **dict.fromkeys(SCORES, _score),
    **{key: _list(key) for key in _ENTRIES},
    "conditions": _words,
    **dict.fromkeys(STATEMENTS, _truth),
    **dict.fromkeys(RENAL_FUNCTION, _none_held),
}
