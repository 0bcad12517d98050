"""Flat records out of JSON, JSON Lines and CSV, with exact decimals."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from osteo_kg.case.fields import FIELDS, KEYS, Field
from osteo_kg.case.model import Case
from osteo_kg.case.record import Repeated, nearest, record_case, unread_case
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge import Terms
from osteo_kg.rdf import decimal_text

#: One flat record, or what is wrong with it.
FlatRecord = dict[str, Any] | UnreadableCaseError


def read_json(text: str, name: str, terms: Terms) -> tuple[Case, ...]:
    """Read one flat record, or an array of them.

    Raises:
        UnreadableCaseError: the text is not JSON, or neither an object nor an array of objects.
    """
    document = parse_json(text, name)
    if not isinstance(document, list | Repeated):
        raise UnreadableCaseError(f"{name} is not a JSON object, nor an array of them.", advice=ONE_EACH)
    return _cases(document if isinstance(document, list) else [document], name, terms)


def read_json_lines(text: str, name: str, terms: Terms) -> tuple[Case, ...]:
    """Read one flat record a line; blank lines are passed over.

    Raises:
        UnreadableCaseError: a line is not a JSON object.
    """
    records = json_line_records(text.split("\n"), name)
    return _cases([record for _, record in records], name, terms)


def json_line_records(lines: Iterable[str], name: str) -> Iterator[tuple[int, FlatRecord]]:
    """Give the number and the record of each line that is not blank, or what is wrong with a line."""
    stated = ((row, line) for row, line in enumerate(lines, 1) if line.strip())
    for number, (row, line) in enumerate(stated, 1):
        yield number, _line(line, f"{name}, line {row}")


def _line(line: str, name: str) -> Any:
    try:
        return parse_json(line, name)
    except UnreadableCaseError as error:
        return error


def _cases(records: list[Any], name: str, terms: Terms) -> tuple[Case, ...]:
    """Make one case of each record; one that is no object is a case that is refused, and the others are answered."""
    if not records:
        raise UnreadableCaseError(f"{name} holds no patient.", advice="Send one record at least.")
    return tuple(case_of(record, f"{name}#{row}", terms) for row, record in enumerate(records, 1))


def case_of(record: Any, name: str, terms: Terms) -> Case:
    """Make the case of one record, or of one that cannot be read."""
    if isinstance(record, dict):
        return record_case(record, name, terms)
    if isinstance(record, UnreadableCaseError):
        return unread_case(name, record)
    return unread_case(name, UnreadableCaseError(f"{name} is not a JSON object.", advice=ONE_EACH))


def read_csv(text: str, name: str, terms: Terms, ignore: frozenset[str] = frozenset()) -> tuple[Case, ...]:
    """Read one flat record a row (RFC 4180, comma, a header line).

    Args:
        text: the whole file.
        name: what to call it in messages.
        terms: the vocabulary of the keys.
        ignore: names of columns to pass over; `all` passes over every unknown one.

    Raises:
        UnreadableCaseError: there is no header, a column is unknown or stands twice, or nothing is below the header.
    """
    rows = csv_records(io.StringIO(text, newline=""), name, ignore)
    return tuple(case_of(record, f"{name}#{number}", terms) for number, record in rows)


def csv_records(
    lines: Iterable[str], name: str, ignore: frozenset[str] = frozenset(), renamed: Mapping[str, str] | None = None
) -> Iterator[tuple[int, FlatRecord]]:
    """Give the number and the record of each row, or what is wrong with a row that has too many cells or too few.

    Raises:
        UnreadableCaseError: there is no header, a column is unknown or stands twice, or nothing is below the header.
    """
    reader = csv.reader(lines, strict=True)
    number = 0
    try:
        stated = next(reader, None)
        if not stated:
            raise UnreadableCaseError(f"{name} is empty.", advice=f"Begin with a header line: {','.join(KEYS)}.")
        header = ["" if column in ignore else (renamed or {}).get(column, column) for column in stated]
        _check_header(stated, header, name, ignore)
        lacking = sorted((renamed or {}).keys() - set(stated))
        if lacking:
            raise UnreadableCaseError(f"{name} has no column {lacking[0]!r}.", advice="Correct its name.")
        for number, row in enumerate(filter(None, reader), 1):
            yield number, _row(row, header, f"{name}, row {number}")
    except csv.Error as error:
        raise UnreadableCaseError(f"{name} is not CSV: {error}.", advice="Write RFC 4180 CSV with commas.") from error
    if not number:
        raise UnreadableCaseError(f"{name} holds no patient.", advice="Write one row at least below the header.")


def _row(row: list[str], header: list[str], name: str) -> FlatRecord:
    if len(row) != len(header):
        return UnreadableCaseError(
            f"{name} has {len(row)} cells, and the header has {len(header)}.",
            advice="Give every row one cell for each column; quote cells that hold a comma.",
        )
    return _from_cells({key: cell for key, cell in zip(header, row, strict=True) if key in KEYS and cell.strip()})


def _check_header(stated: list[str], header: list[str], name: str, ignore: frozenset[str]) -> None:
    for column, key in zip(stated, header, strict=True):
        if stated.count(column) > 1 or (key in KEYS and header.count(key) > 1):
            raise UnreadableCaseError(f"{name} has the column {column!r} twice.", advice="Keep one of them.")
        if key and key not in KEYS and "all" not in ignore:
            raise UnreadableCaseError(
                f"{name} has the column {column!r}, which is not a key of the flat record.",
                advice=f"{nearest(column, KEYS).en} To pass over it: --ignore-columns {column}.",
            )


def _from_cells(cells: Mapping[str, str]) -> dict[str, Any]:
    """Give a row the values that a JSON record would have; what does not fit stays text, for the shapes to refuse."""
    return {key: _from_cell(FIELDS[key], cell.strip()) for key, cell in cells.items()}


def _from_cell(field: Field, text: str) -> Any:
    if field.kind in ("whole", "decimal"):
        number = decimal_text(text)
        return text if number is None else Decimal(number)
    if field.kind == "truth":
        return {"true": True, "false": False}.get(text, text)
    if field.kind == "list":
        entries = [] if text == "none" else [part.strip() for part in text.split(";")]
        return [_entry_cell(field, entry) for entry in entries] if field.entry else entries
    return text


def _entry_cell(field: Field, text: str) -> dict[str, Any]:
    """Read an entry, such as `vertebra:low-energy:2026-02-01:x2`: a number has an x, a day begins with a digit.

    `x1-3` is a range: one at least, and three at most.
    """
    main, *others = field.entry
    keys = {each.kind: each.key for each in reversed(others)}
    most = [each.key for each in others if each.kind == "whole"][-1:]
    stated, *parts = text.split(":")
    entry: dict[str, Any] = {main.key: stated}
    for part in filter(None, parts):
        number = re.fullmatch(r"x(-?\d+)(?:-(\d+))?", part, re.ASCII) if "whole" in keys else None
        day = re.match(r"\d", part) if "day" in keys else None
        key = keys["whole"] if number else keys["day"] if day else keys["coded"]
        value = Decimal(number.group(1)) if number else part
        if number and number.group(2):
            entry |= {each: Decimal(number.group(2)) for each in most}
        entry[key] = f"{entry[key]}:{part}" if key in entry else value  # two values are refused, not one of them lost
    return entry


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
    written = decimal_text(text)
    return text if written is None else Decimal(written)


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
