"""How a table of text is written: its encoding, the sign between cells, and the decimal sign."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from osteo_kg.case.fields import FIELDS
from osteo_kg.case.files import COMPRESSIONS
from osteo_kg.case.suggestions import HEADER_AMONG, ColumnNames
from osteo_kg.case.tables.profile import Profile
from osteo_kg.errors import UnreadableCaseError

#: How much of a file is looked at, in bytes.
LOOKED_AT = 1 << 16
_SEPARATORS = (",", ";", "\t", "|")
_MARKS = {b"\xff\xfe\x00\x00": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8"}
_OF_ONE_BYTE = ("cp1252", "mac_roman", "cp850")  # the first where they fit alike
_FRENCH = re.compile("[éèêëàâîïôöûùüçœæ°’]|(?<![a-zéèêëàâîïôöûùüç])[ÉÈÊËÀÂÎÏÔÖÛÙÜÇŒ]")
_OF_A_LINE = 1000  # bytes
_COMMA, _POINT = re.compile(r"[-+−]?\d+,\d+"), re.compile(r"[-+−]?\d+\.\d+")
_FEWEST = 2  # numbers with a comma from which a table is said to have decimal commas
_SAYS_SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n?')


@dataclass(frozen=True)
class Dialect:
    """How a table of text is written.

    Attributes:
        encoding: by the name that Python knows; what is no UTF-8 is taken for Windows-1252 where it can be.
        separator: the sign between two cells.
        decimal: the decimal sign.
    """

    encoding: str
    separator: str
    decimal: str

    def lines(self) -> list[str]:
        """Give the lines of a profile that say what is not as the contract has it."""
        said = {"encoding": self.encoding, "separator": self.separator, "decimal": self.decimal}
        usual = {"encoding": "utf-8", "separator": ",", "decimal": "."}
        return [f"{key}: {_SHOWN.get(value, value)}" for key, value in said.items() if value != usual[key]]


_SHOWN = {",": '","', ";": '";"', "|": '"|"', "\t": "tab"}
_CALLED = {",": "a comma", ";": "a semicolon", "|": "a vertical bar", "\t": "a tab", ".": "a point"}


def encoding_of(start: bytes) -> str:
    """Guess the encoding of a text.

    >>> encoding_of("Élodie".encode("cp1252")), encoding_of("Élodie".encode("utf-8"))
    ('cp1252', 'utf-8')
    """
    marked = next((name for mark, name in _MARKS.items() if start.startswith(mark)), None)
    if marked or (marked := _of_two_bytes(start)):
        return marked
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end < len(start) or error.reason != "unexpected end of data":
            return max(_OF_ONE_BYTE, key=lambda encoding: _fits(start, encoding))
    return "utf-8"  # or the sample ends within a character


def _of_two_bytes(start: bytes) -> str | None:
    """Give the encoding of a text in which every other byte is nought, as in UTF-16 without a mark."""
    odd, even = start[1:_OF_A_LINE:2], start[:_OF_A_LINE:2]
    noughts = {"utf-16-le": odd.count(0), "utf-16-be": even.count(0)}
    likely = max(noughts, key=lambda encoding: noughts[encoding])
    return likely if min(noughts.values()) == 0 and noughts[likely] > len(even) / 2 else None


def _fits(start: bytes, encoding: str) -> int:
    """Say how many signs that are not ASCII are what French writes: a capital not after a small letter."""
    text = start.decode(encoding, errors="replace")
    return len(_FRENCH.findall(text)) - text.count("\ufffd")


def with_mark(encoding: str | None) -> str:
    """Give the encoding to read a text with: UTF-8, with a byte order mark or without, when None."""
    return "utf-8-sig" if encoding is None or _is_utf8(encoding) else encoding


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def dialect_of(start: bytes, names: ColumnNames, encoding: str | None = None) -> Dialect:
    """Find how a table of text is written, by its beginning.

    Args:
        start: the first bytes.
        names: what columns may be called: the separator is the one that parts a header into most keys.
        encoding: the encoding, where it is known.
    """
    encoding = encoding or encoding_of(start)
    lines = start.decode(encoding, errors="replace").removeprefix("\ufeff").splitlines(keepends=True)
    if lines and (said := _SAYS_SEPARATOR.fullmatch(lines[0])):
        return Dialect(encoding, said[1], decimal_of(_rows(lines[1:], said[1])))
    header = _header(lines, names)
    best = max(_SEPARATORS, key=lambda sign: _fitness(_rows(header, sign), names))
    return Dialect(encoding, best, decimal_of(_rows(lines, best)))


def _header(lines: Sequence[str], names: ColumnNames) -> Sequence[str]:
    """Give the line that names columns, which may stand below others; the first that is not empty where none does."""
    filled = [line for line in lines if line.strip()][:HEADER_AMONG]
    rows = [[cell for sign in _SEPARATORS for row in _rows([line], sign) for cell in row] for line in filled]
    place = names.header_among(rows)
    return filled[place : place + 1]


def _rows(lines: Sequence[str], separator: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=separator))
    except csv.Error:
        return []


def _fitness(header: list[list[str]], names: ColumnNames) -> tuple[int, int]:
    """Say how well a header is parted: by the keys in it, then by its cells."""
    cells = header[0] if header else []
    return sum(names.near(cell) is not None for cell in cells), len(cells)


def decimal_of(rows: Iterable[Sequence[Any]]) -> str:
    """Give the decimal sign of most numbers in the texts of rows."""
    cells = [cell.strip() for row in rows for cell in row if isinstance(cell, str)]
    commas, points = (sum(bool(sign.fullmatch(cell)) for cell in cells) for sign in (_COMMA, _POINT))
    return "," if commas > points else "."


COLUMNAR = b"PAR1"  # how Parquet begins, in which columns have types of their own
#: How files begin that are no text, with what they are and what their names end in.
_NO_TEXT = {
    COMPRESSIONS["gz"]: ("a file that gzip compressed", ".csv.gz"),
    COMPRESSIONS["zst"]: ("a file that zstd compressed", ".csv.zst"),
    b"PK\x03\x04": ("a workbook of Excel", ".xlsx"),
    COLUMNAR: ("Parquet", ".parquet"),
}


def check_dialect(start: bytes, name: str, profile: Profile, names: ColumnNames) -> None:
    """See that a table of text is written as its profile says.

    Raises:
        UnreadableCaseError: it is not; the advice shows the profile that reads it.
    """
    for sign, (what, extension) in _NO_TEXT.items():
        if start.startswith(sign):
            raise UnreadableCaseError(f"{name} is no text: it begins as {what} does.", advice=f"Name it {extension}.")
    found = dialect_of(start, names)
    stated = profile.encoding or "utf-8"
    is_utf8 = found.encoding == "utf-8"
    if is_utf8 and not start.isascii() and not _is_utf8(stated):
        raise UnreadableCaseError(
            f"{name} is text in UTF-8, and not in {profile.encoding}.", advice="Leave out `encoding` in the profile."
        )
    if profile.encoding is None and not is_utf8:
        raise foreign(name, found)
    separator = profile.separator or ","
    found = dialect_of(start, names, profile.encoding)
    if found.separator != separator and _parts_more(start, found, separator, names):
        raise foreign(name, found)
    if profile.decimal is None and found.decimal == "," and _are_commas(start, found):
        raise foreign(name, found)


def foreign(name: str, found: Dialect) -> UnreadableCaseError:
    """Give the error of a table that is written otherwise, with the profile that reads it."""
    what = f"its encoding is {found.encoding}, its separator is {_called(found.separator)}"
    lines = "\n".join(found.lines())
    return UnreadableCaseError(
        f"{name} is a table of another dialect: {what}, and its decimal sign is {_called(found.decimal)}.",
        advice=f"Save it as CSV in UTF-8 with commas and decimal points, or read it with an import profile "
        f"(--profile FILE) of these lines:\n{lines}\nThe whole profile: osteo-kg template profile {name}",
    )


def _called(sign: str) -> str:
    return f"{_CALLED.get(sign, 'another sign')} ({sign if sign.strip() else 'tab'})"


def _parts_more(start: bytes, found: Dialect, separator: str, names: ColumnNames) -> bool:
    lines = start.decode(found.encoding, errors="replace").removeprefix("\ufeff").splitlines(keepends=True)
    if lines and _SAYS_SEPARATOR.fullmatch(lines[0]):
        return True
    header = _header(lines, names)
    ours, its = (_fitness(_rows(header, sign), names) for sign in (separator, found.separator))
    return its[0] > ours[0] or (not ours[0] and its > ours)


def _are_commas(start: bytes, found: Dialect) -> bool:
    """Whether every number of a score has a comma, and there are several."""
    lines = start.decode(found.encoding, errors="replace").removeprefix("\ufeff").splitlines(keepends=True)
    header, *rows = [*filter(None, _rows(lines, found.separator))] or [[]]
    places = [place for place, column in enumerate(header) if column in FIELDS and FIELDS[column].kind == "decimal"]
    cells = [row[place].strip() for row in rows for place in places if place < len(row)]
    commas = sum(bool(_COMMA.fullmatch(cell)) for cell in cells)
    return commas >= _FEWEST and not any(_POINT.fullmatch(cell) for cell in cells)
