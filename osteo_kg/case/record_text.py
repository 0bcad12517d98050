"""Flat records out of JSON, JSON Lines and CSV, with exact decimals."""

from __future__ import annotations

import csv
import functools
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from osteo_kg.bilingual import BilingualText
from osteo_kg.case.files import not_utf8
from osteo_kg.case.model import Case
from osteo_kg.case.record import Repeated, record_case, unread_case
from osteo_kg.case.tables.cells import bare
from osteo_kg.case.tables.columns import header_of
from osteo_kg.case.tables.reading import FlatRecord, TableReader
from osteo_kg.case.tables.workbooks import read_workbook
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import decimal_text

_OTHER_SHEETS = BilingualText(
    "{file}: not read, since they hold no column of a record: sheets {sheets}.",
    "{file} : feuilles non lues, faute d'une colonne d'un enregistrement : {sheets}.",
)
_SAYS_SEPARATOR = re.compile(r'"?sep=(.)"?\s*')  # a first line that Excel writes
_SHORT, _REMEMBERED = 20, 20_000  # characters of a number that is remembered, and how many are


def read_json(text: str, name: str, reader: TableReader) -> tuple[Case, ...]:
    """Read one flat record, or an array of them.

    Raises:
        UnreadableCaseError: the text is not JSON, or neither an object nor an array of objects.
    """
    document = parse_json(text, name)
    if not isinstance(document, list | Repeated):
        raise UnreadableCaseError(f"{name} is not a JSON object, nor an array of them.", advice=ONE_EACH)
    return _cases(document if isinstance(document, list) else [document], name, reader)


def read_json_lines(text: str, name: str, reader: TableReader) -> tuple[Case, ...]:
    """Read one flat record a line; blank lines are passed over.

    Raises:
        UnreadableCaseError: a line is not a JSON object.
    """
    records = json_line_records(text.split("\n"), name)
    return _cases([record for _, record in records], name, reader)


def json_line_records(lines: Iterable[str], name: str) -> Iterator[tuple[int, FlatRecord]]:
    """Give the number and the record of each line that is not blank, or what is wrong with a line."""
    stated = ((row, line) for row, line in enumerate(lines, 1) if line.strip())
    for number, (row, line) in enumerate(stated, 1):
        record = _line(line, f"{name}, line {row}")
        if number == 1:
            _check_one_a_line(line, record, name)
        yield number, record


def _check_one_a_line(line: str, record: Any, name: str) -> None:
    """See by the first line that each is an object by itself: else many patients would be one that is refused.

    Raises:
        UnreadableCaseError: it is not.
    """
    if "\0" in line:
        raise not_utf8(name)
    is_part = isinstance(record, UnreadableCaseError) and line.strip() in ("{", "[", "[{")
    if is_part or (isinstance(record, list) and any(isinstance(each, dict) for each in record)):
        raise UnreadableCaseError(
            f"{name} is JSON, and not one object a line.",
            advice="Name it .json where it is one object or an array of them; else write one object a line.",
        )


def _line(line: str, name: str) -> Any:
    try:
        return parse_json(line, name)
    except UnreadableCaseError as error:
        return error


def _cases(records: list[Any], name: str, reader: TableReader) -> tuple[Case, ...]:
    """Make one case of each record; one that is no object is a case that is refused, and the others are answered."""
    if not records:
        raise UnreadableCaseError(f"{name} holds no patient.", advice="Send one record at least.")
    terms = reader.terms
    return tuple(case_of(reader.record(record), f"{name}#{row}", terms) for row, record in enumerate(records, 1))


def case_of(record: Any, name: str, terms: Terms) -> Case:
    """Make the case of one record, or of one that cannot be read."""
    if isinstance(record, dict):
        return record_case(record, name, terms)
    if isinstance(record, UnreadableCaseError):
        return unread_case(name, record)
    return unread_case(name, UnreadableCaseError(f"{name} is not a JSON object.", advice=ONE_EACH))


def read_csv(text: str, name: str, reader: TableReader) -> tuple[Case, ...]:
    """Read one flat record a row (RFC 4180, a header line).

    Raises:
        UnreadableCaseError: there is no header, a column is unknown or stands twice, or nothing is below the header.
    """
    rows = csv_records(io.StringIO(text, newline=""), name, reader)
    return tuple(case_of(record, f"{name}#{number}", reader.terms) for number, record in rows)


def csv_records(lines: Iterable[str], name: str, reader: TableReader) -> Iterator[tuple[int, FlatRecord]]:
    """Give the number and the record of each row, or what is wrong with a row that has too many cells or too few.

    Raises:
        UnreadableCaseError: there is no header, a column is unknown or stands twice, or nothing is below the header.
    """
    separator = reader.profile.separator or ","
    rows = csv.reader(_without_said_separator(lines, separator), delimiter=separator, strict=True)
    number = 0
    try:
        stated, filled = header_of(filter(_is_filled, rows), name, reader.profile, reader.names)
        read = reader.columns(stated, name).read
        for number, row in enumerate(filled, 1):
            yield number, reader.row(stated, row, read, f"{name}, row {number}")
    except csv.Error as error:
        raise UnreadableCaseError(
            f"{name} is not CSV: {error}, at line {rows.line_num}.",
            advice="Write RFC 4180 CSV: a cell that begins with a quotation mark ends with one, and the next sign is "
            "the separator.",
        ) from error
    if not number:
        raise UnreadableCaseError(f"{name} holds no patient.", advice="Write one row at least below the header.")


def _is_filled(row: Sequence[str]) -> bool:
    return len(row) > 1 or any(map(bare, row))


def _without_said_separator(lines: Iterable[str], separator: str) -> Iterator[str]:
    """Pass over a first line that says what the separator is, and is right."""
    for place, line in enumerate(lines):
        said = None if place else _SAYS_SEPARATOR.fullmatch(line)
        if not said or said[1] != separator:
            yield line


def workbook_records(data: bytes, name: str, reader: TableReader) -> Iterator[tuple[int, FlatRecord]]:
    """Give the number and the record of each row of a workbook of Excel.

    Raises:
        UnreadableCaseError: it is no workbook, a column is unknown or stands twice, or nothing is below the header.
    """
    stated, rows, others = read_workbook(data, name, reader.profile, reader.names)
    read = reader.columns(stated, name).read
    if others:
        reader.remarks.append(_OTHER_SHEETS.filled({"file": name, "sheets": ", ".join(others)}))
    for number, row in enumerate(rows, 1):
        yield number, reader.row(stated, row, read, f"{name}, row {number}")
    if not rows:
        raise UnreadableCaseError(f"{name} holds no patient.", advice="Write one row at least below the header.")


def read_excel(data: bytes, name: str, reader: TableReader) -> tuple[Case, ...]:
    """Read one flat record a row of a workbook of Excel."""
    rows = workbook_records(data, name, reader)
    return tuple(case_of(record, f"{name}#{number}", reader.terms) for number, record in rows)


#: What to do where something is no record.
ONE_EACH = "Send one object for each patient."
#: A surrogate without its other half, escaped; `\\\\u` is a backslash before a letter.
_SURROGATE = re.compile(
    r"(?<!\\)(?:\\\\)*(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})"
)


def parse_json(text: str, name: str) -> Any:
    """Parse JSON with exact decimals, noting keys that stand twice.

    Raises:
        UnreadableCaseError: the text is not JSON.
    """
    if "\\u" in text and _SURROGATE.search(text):
        raise UnreadableCaseError(f"{name} holds half a character (a lone surrogate).", advice="Write it whole.")
    try:
        return DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise UnreadableCaseError(
            f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            advice="Correct it there.",
        ) from error
    except (RecursionError, ValueError) as error:
        raise UnreadableCaseError(
            f"{name} is nested too deeply to be a record.", advice="Send a flat record."
        ) from error


def json_documents(text: str, name: str) -> Iterator[tuple[str, Any]]:
    r"""Give every JSON document of a text with what it was written as: one, one a line, or several over many lines.

    White space between them does not matter; of an array each member is one.

    Raises:
        UnreadableCaseError: something else than JSON stands in the text.

    >>> [document for _, document in json_documents('{"a": 1}\n\n{\n"a": 2\n}', "input")]
    [{'a': Decimal('1')}, {'a': Decimal('2')}]
    """
    between, place = _BLANK, _end(_BLANK, text, 0)
    if text.startswith("[", place):
        parse_json(text[place:], name)  # whole, before its brackets are passed over
        between, place = _IN_ARRAY, _end(_IN_ARRAY, text, place)
    first = place
    while place < len(text):
        try:
            document, end = DECODER.raw_decode(text, place)
            is_sound = "\\u" not in text[place:end] or not _SURROGATE.search(text[place:end])
        except (ValueError, RecursionError):
            is_sound, end = False, len(text)
        if not is_sound:
            line = text.count("\n", 0, place) + 1
            parse_json(text[place:end], name if place == first else f"{name}, line {line}")  # says what is wrong
        yield text[place:end], document
        place = _end(between, text, end)


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    """Give where a pattern that may match nothing ends."""
    found = pattern.match(text, place)
    return found.end() if found else place


def _number(text: str) -> Decimal | str:
    return _short_number(text) if len(text) <= _SHORT else _any_number(text)


def _any_number(text: str) -> Decimal | str:
    written = decimal_text(text)
    return text if written is None else Decimal(written)


_short_number = functools.lru_cache(_REMEMBERED)(_any_number)


def _pairs(items: list[tuple[str, Any]]) -> Repeated:
    found = Repeated(items)
    if len(found) < len(items):
        times = Counter(key for key, _ in items)
        found.repeated = tuple(sorted(key for key, count in times.items() if count > 1))
    return found


_BLANK = re.compile("[ \t\r\n\x1e\ufeff]*")
_IN_ARRAY = re.compile(r"[ \t\r\n\[\],]*")
#: Reads JSON with exact decimals, noting keys that stand twice.
DECODER = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=str, object_pairs_hook=_pairs)
