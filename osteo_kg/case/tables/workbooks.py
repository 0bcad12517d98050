"""Sheets of an Excel workbook (.xlsx), as rows of values."""

from __future__ import annotations

import datetime
import io
import itertools
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from osteo_kg.case.fields import KEYS
from osteo_kg.case.suggestions import HEADER_AMONG, ColumnNames
from osteo_kg.case.tables.cells import bare
from osteo_kg.case.tables.columns import check_header
from osteo_kg.case.tables.profile import Profile
from osteo_kg.errors import UnreadableCaseError

Row = Sequence[Any]
_SHEETS = "xl/worksheets/"
_SIGNS = (b"<f>", b"<f ", b't="e"')  # of a formula, and of an error
_UNREADABLE = (CalamineError, OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile)
_TEXT_OF_A_FORMULA = "str"  # which may be empty


@dataclass(frozen=True)
class Covered:
    """A cell that is merged with others of which another one holds the value.

    Attributes:
        place: that cell, as Excel names it.
        value: its value.
    """

    place: str
    value: Any


def read_workbook(
    data: bytes, name: str, profile: Profile, names: ColumnNames
) -> tuple[list[str], list[Row], list[str]]:
    """Read the sheet of patients: its header, its rows, and the names of the other sheets that hold something.

    Numbers are exact decimals, days as ISO 8601 has them, and empty cells None.

    Raises:
        UnreadableCaseError: it is no workbook, holds no patient, or several sheets of them.
    """
    try:
        sheets = _sheets(data)
    except _UNREADABLE as error:
        raise UnreadableCaseError(
            f"{name} cannot be read as an Excel workbook: {error}.", advice="Save it anew as .xlsx, or as CSV in UTF-8."
        ) from error
    filled = {sheet: rows for sheet, rows in sheets.items() if any(map(_is_filled, rows))}
    of_patients = [sheet for sheet, rows in filled.items() if _has_keys(rows, profile, names)]
    if len(of_patients) > 1:
        raise UnreadableCaseError(
            f"{name} has several sheets of patients: {', '.join(of_patients)}.", advice="Keep one of them in each file."
        )
    if not filled:
        raise UnreadableCaseError(f"{name} is empty.", advice=f"Begin with a header line: {','.join(KEYS)}.")
    chosen = of_patients[0] if of_patients else next(iter(filled))
    table = list(itertools.dropwhile(lambda row: not _is_filled(row), filled[chosen]))
    check_header(_first_names(table), name, profile, names)
    columns, rows = _names(table[0]), table[1:]
    kept = [place for place, column in enumerate(columns) if column or any(_is_filled([row[place]]) for row in rows)]
    found = [[_value(row[place]) for place in kept] for row in rows]
    return (
        [columns[place] for place in kept],
        [row for row in found if _is_filled(row)],
        [each for each in filled if each != chosen],
    )


def _sheets(data: bytes) -> dict[str, list[list[Any]]]:
    """Give the cells of every sheet; one that has something in it and no value says what stands in it.

    That is an error, or a formula that nobody has worked out: the reader of values takes it for an empty cell, which
    would say nothing, while its text is no value of any key.
    """
    book = CalamineWorkbook.from_filelike(io.BytesIO(data))
    sheets = {}
    for name in book.sheet_names:
        cells = book.get_sheet_by_name(name)
        sheets[name] = cells.to_python(skip_empty_area=False)
        for area in cells.merged_cell_ranges or ():
            _cover(sheets[name], *area)
    if _has_formulas_or_errors(data):
        import openpyxl  # which takes its time, and few workbooks need it

        formulas, values = (
            openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=is_worked_out)
            for is_worked_out in (False, True)
        )
        for sheet, rows in sheets.items():
            for row, column, text in _without_value(formulas[sheet], values[sheet]):
                _put(rows, row, column, text)
    return sheets


def _cover(rows: list[list[Any]], first: tuple[int, int], last: tuple[int, int]) -> None:
    """Have the cells of a merged area say which one holds its value; those without any row or column are none."""
    (top, left), (bottom, right) = first, last
    if top >= len(rows) or left >= len(rows[top]):
        return
    cell = Covered(f"{_letters(left)}{top + 1}", _value(rows[top][left]))
    for row in rows[top : bottom + 1]:
        for column in range(left, min(right + 1, len(row))):
            if row is not rows[top] or column > left:
                row[column] = cell


def _letters(column: int) -> str:
    """Give the letters by which Excel names a column.

    >>> _letters(0), _letters(25), _letters(26)
    ('A', 'Z', 'AA')
    """
    before, at = divmod(column, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + at)


def _has_formulas_or_errors(data: bytes) -> bool:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return False
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = (archive.read(name) for name in archive.namelist() if name.startswith(_SHEETS))
        return any(sign in part for part in parts for sign in _SIGNS)


def _without_value(formulas: Any, values: Any) -> Iterator[tuple[int, int, str]]:
    """Give row, column and text of each cell of a sheet that has something in it and no value."""
    for row, cells in enumerate(zip(formulas.iter_rows(), values.iter_rows(), strict=True)):
        for column, (formula, value) in enumerate(zip(*cells, strict=True)):
            is_open = formula.data_type == "f" and value.value is None and value.data_type != _TEXT_OF_A_FORMULA
            if is_open or value.data_type == "e":
                yield row, column, str(value.value or formula.value)


def _put(rows: list[list[Any]], row: int, column: int, text: str) -> None:
    """Put a text in a cell, which may lie beyond those that have values."""
    if row >= len(rows) or column >= len(rows[row]):
        rows.extend([] for _ in range(row + 1 - len(rows)))
        width = max(column + 1, *map(len, rows))
        for each in rows:
            each.extend([""] * (width - len(each)))
    rows[row][column] = text


def _names(row: Row) -> list[str]:
    """Give the cells of a row as names of columns."""
    return ["" if cell is None or isinstance(cell, Covered) else bare(_text(_value(cell))) for cell in row]


def _first_names(rows: Iterable[Row]) -> list[list[str]]:
    """Give those of the first rows that have something in them, as names of columns: one of them may name these."""
    return [_names(row) for row in itertools.islice(filter(_is_filled, rows), HEADER_AMONG)]


def _text(value: Any) -> str:
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def _is_filled(row: Row) -> bool:
    """Whether a row has a cell of its own with something in it."""
    return any(not (cell in ("", None) or isinstance(cell, Covered)) for cell in row)


def _has_keys(rows: Sequence[Row], profile: Profile, names: ColumnNames) -> bool:
    """Whether the first row that has something in it names a key, or one of those below names several."""
    found = _first_names(rows)
    named = any(profile.key(column) in KEYS or names.key(column) for column in found[0])
    return named or names.header_among(found) > 0


def _value(cell: Any) -> Any:
    """Give a cell as JSON would have it; a time that ends a day says nothing of it."""
    if isinstance(cell, bool):
        return cell
    if isinstance(cell, int | float):
        number = Decimal(repr(cell)) if cell - cell == 0 else None
        return str(cell) if number is None else number.quantize(Decimal(1)) if number == int(number) else number
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat()
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    if isinstance(cell, Covered):
        return cell
    return str(cell) if cell not in ("", None) else None
