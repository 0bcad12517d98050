"""The profile that a table seems to want: what can be told from it, and as comments what a person has to say."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osteo_kg.case.fields import FIELDS, Field
from osteo_kg.case.suggestions import ColumnNames, meaning
from osteo_kg.case.tables.columns import header_of
from osteo_kg.case.tables.dates import order_of
from osteo_kg.case.tables.dialect import COLUMNAR, LOOKED_AT, Dialect, decimal_of, dialect_of, encoding_of, with_mark
from osteo_kg.case.tables.profile import PLAIN, meanings, yaml_word
from osteo_kg.case.tables.values import with_point
from osteo_kg.case.tables.workbooks import Covered, read_workbook
from osteo_kg.errors import UnreadableCaseError
from osteo_kg.knowledge import FALSE, MISSING, NONE, TRUE, Terms
from osteo_kg.rdf import day_literal, decimal_text, period_of

_SHOWN = 10  # words of a column that are asked about
_MOST = 50  # different words from which a column is free text
_PACKED = b"PK"  # how a workbook of Excel begins, which is a ZIP archive

Column = Sequence[Any]


@dataclass
class _Found:
    """What is proposed, a list of lines for each part of a profile."""

    columns: list[str] = field(default_factory=list)
    ignore: list[str] = field(default_factory=list)
    values: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    dates: dict[str, tuple[str | None, str]] = field(default_factory=dict)


def proposed(data: bytes, name: str, terms: Terms) -> str:
    """Propose a profile for a table, as YAML that reads it; what cannot be told is a comment.

    Args:
        data: the table: text with a header line, one JSON object a line, or a workbook of Excel.
        name: what to call it.
        terms: the vocabulary of the flat record.

    Raises:
        UnreadableCaseError: it is no table, or holds no patient.
    """
    names = ColumnNames(terms)
    if data.startswith(_PACKED):
        return proposed_of(*read_workbook(data, name, PLAIN, names)[:2], name, terms)
    encoding = encoding_of(data)
    try:
        text = data.decode(with_mark(encoding)).removeprefix("\ufeff")
        if text.lstrip().startswith(("{", "[")):
            return proposed_of(*_objects(text), name, terms)
        dialect = dialect_of(data[:LOOKED_AT], names, encoding)
        lines = text.splitlines(keepends=True)
        if lines and re.fullmatch(r'"?sep=."?\s*', lines[0]):
            text = text[len(lines[0]) :]
        if "\0" in text or data.startswith(COLUMNAR):
            raise ValueError("it is no text")
        table: Sequence[Column] = list(csv.reader(io.StringIO(text, newline=""), delimiter=dialect.separator))
        header, rows = header_of(filter(None, table), name, PLAIN, names)
    except (UnicodeError, csv.Error, ValueError, RecursionError) as error:
        raise UnreadableCaseError(
            f"{name} is no table that can be read: {error}.", advice="Give a file of CSV, JSON Lines or .xlsx."
        ) from error
    return proposed_of(header, rows, name, terms, dialect)


def proposed_of(
    header: Sequence[Any], rows: Iterable[Column], name: str, terms: Terms, dialect: Dialect | None = None
) -> str:
    """Propose a profile for the rows of a table, of text or of values with types of their own.

    Args:
        header: the names of the columns.
        rows: the values; None or an empty text is unknown.
        name: what to call the table.
        terms: the vocabulary of the flat record.
        dialect: how it is written, where it is text.
    """
    found = dialect or Dialect("utf-8", ",", decimal_of(rows := list(rows)))
    return _Proposal(list(map(str, header)), rows, found, ColumnNames(terms), terms).text(name)


def _objects(text: str) -> tuple[list[str], list[list[Any]]]:
    """Give objects of JSON as a header and rows."""
    whole = (
        json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line]
    )
    objects = [each for each in whole if isinstance(each, dict)]
    header = list(dict.fromkeys(key for each in objects for key in each))
    return header, [[each.get(key) for key in header] for each in objects]


class _Proposal:
    """Looks at each column of a table in turn."""

    def __init__(
        self, header: Sequence[str], rows: Iterable[Column], dialect: Dialect, names: ColumnNames, terms: Terms
    ) -> None:
        self._dialect = dialect
        self._names = names
        self._terms = terms
        self._words = terms.table_words
        self._found = _Found()
        cells = list(itertools.zip_longest(*rows))
        keys = self._keys(header)
        for place, column in enumerate(header):
            self._column(column, keys.get(place), cells[place] if place < len(cells) else ())

    def _keys(self, header: Sequence[str]) -> dict[int, str]:
        """Give the key of each column that certainly is one, by its place; its own name goes before another."""
        exact = {place: column for place, column in enumerate(header) if column in FIELDS}
        taken = set(exact.values())
        for place, column in enumerate(header):
            key = self._names.key(column)
            if place not in exact and key is not None and key not in taken:
                exact[place] = key
                taken.add(key)
        return exact

    def _column(self, column: str, key: str | None, cells: Column) -> None:
        if key is None:
            near = self._names.resembled(column)
            asked = f"  # nearly {near}: if it is, move it to columns" if near else self._asked_of_scores(cells)
            self._found.ignore.append(f"  - {yaml_word(column)}{asked}")
            return
        if column != key:
            self._found.columns.append(f"  {yaml_word(column)}: {key}")
        texts = Counter(_text(cell) for cell in cells if not isinstance(cell, dict | list) and _text(cell))
        of_key = FIELDS[key]
        if of_key.kind == "text":
            return
        left = [word for word in texts if not self._is_missing(key, word)]
        if of_key.kind == "day":
            self._day(key, left)
        elif of_key.kind in ("whole", "decimal"):
            left = [word for word in left if decimal_text(self._pointed(word)) is None]
            self._values(key, of_key, {}, left)
        else:
            self._coded(key, of_key, left)

    def _asked_of_scores(self, cells: Column) -> str:
        """Ask whether a column has T-scores: little else of a patient is negative, but for codes of what is missing."""
        words = {_text(cell) for cell in cells if not isinstance(cell, dict | list)}
        stated = (self._pointed(word) for word in words if not self._means("t_score", word, MISSING))
        is_asked = any((decimal_text(word) or "").startswith("-") for word in stated)
        return "  # has negative numbers: if they are T-scores, move it to columns" if is_asked else ""

    def _pointed(self, word: str) -> str:
        return with_point(word) if self._dialect.decimal == "," else word

    def _is_missing(self, key: str, word: str) -> bool:
        """Whether a word stands for a missing value; a number does so in its own column only."""
        if self._is_ours(FIELDS[key], word) or not self._means(key, word, MISSING):
            return False
        if decimal_text(self._pointed(word)) is None:
            if word not in self._found.missing:
                self._found.missing.append(word)
        else:
            self._found.values.setdefault(key, []).append(f"    {yaml_word(word)}: {MISSING}")
        return True

    def _means(self, key: str, word: str, what: str) -> bool:
        fact = self._terms.fact_of["t_score"] if key.startswith("t_score") else ""
        return self._words.means(word, what, fact)

    def _is_ours(self, of_key: Field, word: str) -> bool:
        allowed = set(meanings(of_key, self._terms)) - {MISSING}
        return word in allowed or (of_key.kind == "list" and all(each in allowed for each in _entries(word)))

    def _day(self, key: str, words: list[str]) -> None:
        own = [word for word in words if day_literal(word) is None and period_of(word) is None]
        if own:
            self._found.dates[key] = order_of(own)

    def _coded(self, key: str, of_key: Field, words: list[str]) -> None:
        """Match words with values: the whole of a cell, or of a list each of its entries."""
        mine = [word for word in words if not self._is_ours(of_key, word)]
        parts = list(dict.fromkeys(mine if of_key.kind != "list" else self._parts(key, of_key, mine)))
        meant = {part: found for part in parts if (found := self._meaning(of_key, key, part))}
        numbers = {part for part in parts if decimal_text(part) is not None}
        if not numbers <= meant.keys():  # where 2 stands beside 1, neither may be what it is elsewhere
            meant = {part: found for part, found in meant.items() if part not in numbers}
        self._values(key, of_key, meant, [part for part in parts if part not in meant])

    def _parts(self, key: str, of_key: Field, words: list[str]) -> Iterator[str]:
        allowed = set(meanings(of_key, self._terms))
        for word in words:
            yield from (
                each for each in ([word] if self._says(of_key, key, word) else _entries(word)) if each not in allowed
            )

    def _says(self, of_key: Field, key: str, word: str) -> bool:
        return of_key.kind == "list" and self._means(key, word, NONE)

    def _meaning(self, of_key: Field, key: str, word: str) -> str | None:
        """Give what a word certainly means: by the words of the ontology, never by spelling alone."""
        if of_key.kind == "truth":
            return next((each for each in (TRUE, FALSE) if self._means(key, word, each)), None)
        if self._says(of_key, key, word):
            return NONE
        main = of_key.entry[0] if of_key.entry else of_key
        known = self._terms.kinds[main.values] if main.values else {}
        return meaning(word, {each: self._terms.names_of(iri) for each, iri in known.items()}, mistakes=0)

    def _values(self, key: str, of_key: Field, meant: Mapping[str, str], unknown: Sequence[str]) -> None:
        lines = [f"    {yaml_word(word)}: {ours}" for word, ours in meant.items()]
        if unknown and len(unknown) <= _MOST:
            possible = sorted(meanings(of_key, self._terms))
            listed = ", ".join(possible[:_SHOWN]) + (", …" if len(possible) > _SHOWN else "")
            lines += [f"    # {yaml_word(word)}:   # one of: {listed or MISSING}" for word in unknown[:_SHOWN]]
        elif unknown:
            lines.append(f"    # {len(unknown)} other values are not known")
        if lines:
            self._found.values.setdefault(key, []).extend(lines)

    def text(self, name: str) -> str:
        """Give the proposal as YAML."""
        return "\n".join(self._lines(name)) + "\n"

    def _lines(self, name: str) -> Iterator[str]:
        found, dialect = self._found, self._dialect
        yield f"# An import profile proposed for {' '.join(name.split())}."
        yield "# See that it is right, and fill in what is asked."
        yield from dialect.lines()
        if found.columns:
            yield from ("columns:", *found.columns)
        yield from self._value_lines()
        if found.missing:
            yield f"missing: [{', '.join(map(yaml_word, found.missing))}]"
        yield from self._date_lines()
        if found.ignore:
            yield "ignore:  # none of these is read"
            yield from found.ignore

    def _value_lines(self) -> Iterator[str]:
        values = self._found.values
        if any(not line.lstrip().startswith("#") for lines in values.values() for line in lines):
            yield "values:"
        elif values:
            yield "# values:"
        for key, lines in values.items():
            is_open = all(line.lstrip().startswith("#") for line in lines)
            yield f"  # {key}:" if is_open else f"  {key}:"
            yield from lines

    def _date_lines(self) -> Iterator[str]:
        dates = self._found.dates
        orders = {order for order, _ in dates.values()}
        if len(orders) == 1 and None not in orders:
            yield f"dates: {orders.pop()}"
        elif dates:
            yield "dates:" if orders != {None} else "# dates:"
            for key, (order, why) in dates.items():
                yield f"  {key}: {order}" if order else f"  # {key}:   # {why}"


def _entries(word: str) -> list[str]:
    return [part.partition(":")[0].strip() for part in word.split(";")]


def _text(cell: Any) -> str:
    if cell is None or isinstance(cell, Covered):
        return ""
    return cell.strip() if isinstance(cell, str) else str(cell).lower()
