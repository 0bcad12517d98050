"""Sheets of an Excel workbook (.xlsx), as rows of values."""

from __future__ import annotations

import datetime
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from osteo_kg.case.fields import KEYS
from osteo_kg.case.suggestions import ColumnNames
from osteo_kg.case.tables.profile import Profile
from osteo_kg.errors import UnreadableCaseError

Row = Sequence[Any]


def read_workbook(
    data: bytes, name: str, profile: Profile, names: ColumnNames
) -> tuple[list[str], list[Row], list[str]]:
    """Read the sheet of patients: its header, its rows, and the names of the other sheets that hold something.

    Numbers are exact decimals, days as ISO 8601 has them, and empty cells None.

    Raises:
        UnreadableCaseError: it is no workbook, holds no patient, or several sheets of them.
    """
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        sheets = {sheet: book.get_sheet_by_name(sheet).to_python(skip_empty_area=False) for sheet in book.sheet_names}
    except (CalamineError, OSError, ValueError) as error:
        raise UnreadableCaseError(
            f"{name} cannot be read as an Excel workbook: {error}.", advice="Save it anew as .xlsx, or as CSV in UTF-8."
        ) from error
    filled = {sheet: rows for sheet, rows in sheets.items() if any(map(_is_filled, rows))}
    of_patients = [sheet for sheet, rows in filled.items() if _has_keys(_header(rows), profile, names)]
    if len(of_patients) > 1:
        raise UnreadableCaseError(
            f"{name} has several sheets of patients: {', '.join(of_patients)}.", advice="Keep one of them in each file."
        )
    if not filled:
        raise UnreadableCaseError(f"{name} is empty.", advice=f"Begin with a header line: {','.join(KEYS)}.")
    chosen = of_patients[0] if of_patients else next(iter(filled))
    header, *rows = filled[chosen][_first(filled[chosen]) :]
    columns = [str(cell).strip() for cell in header]
    while columns and not columns[-1] and not any(_is_filled([row[len(columns) - 1]]) for row in rows):
        columns.pop()
    found = [[_value(cell) for cell in row[: len(columns)]] for row in rows]
    return columns, [row for row in found if _is_filled(row)], [each for each in filled if each != chosen]


def _first(rows: Sequence[Row]) -> int:
    return next(place for place, row in enumerate(rows) if _is_filled(row))


def _header(rows: Sequence[Row]) -> list[str]:
    return [str(cell).strip() for cell in rows[_first(rows)]]


def _is_filled(row: Row) -> bool:
    return any(cell not in ("", None) for cell in row)


def _has_keys(header: Sequence[str], profile: Profile, names: ColumnNames) -> bool:
    return any(profile.key(column) in KEYS or names.key(column) for column in header)


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
    return str(cell) if cell not in ("", None) else None
