"""The values of a table of another making, read as those of the flat record."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from osteo_kg.case.fields import FIELDS, Field
from osteo_kg.case.record import with_values
from osteo_kg.case.tables.cells import cell_value
from osteo_kg.case.tables.dates import DateOrder
from osteo_kg.case.tables.profile import Profile, Words, meanings
from osteo_kg.knowledge import MISSING, NONE, Terms, plain_word
from osteo_kg.rdf import decimal_text

_WITH_COMMA = re.compile(r"[-+−–]?\d*,\d+")


@dataclass(frozen=True)
class WordsOf:
    """What the words of one column mean: as they are written, in any case, or as the same number.

    Attributes:
        exact: what each word means.
        decimal: the decimal sign of the numbers among them.
    """

    exact: Words
    decimal: str = "."

    @functools.cached_property
    def plain(self) -> Mapping[str, str]:
        """What each word means in any case; one that means several things so is not there."""
        found: dict[str, set[str]] = {}
        for word, meant in self.exact.items():
            found.setdefault(plain_word(word), set()).add(meant)
        return {word: each.copy().pop() for word, each in found.items() if len(each) == 1}

    @functools.cached_property
    def numbers(self) -> Mapping[Decimal, str]:
        """What each number among the words means."""
        return {number: meant for word, meant in self.exact.items() if (number := self.number(word)) is not None}

    def number(self, text: str) -> Decimal | None:
        """Give the number that a text is, with the decimal sign of the source or a point."""
        written = decimal_text(with_point(text) if self.decimal == "," else text)
        return None if written is None else Decimal(written)

    def meaning(self, value: Any) -> str | None:
        """Give what a value of the source means; None where nothing is said of it."""
        if not self.exact:
            return None
        text = value.strip() if isinstance(value, str) else str(value).lower()
        if text in self.exact:
            return self.exact[text]
        if (meant := self.plain.get(plain_word(text))) is not None:
            return meant
        number = None if isinstance(value, bool) else self.number(text)
        return None if number is None else self.numbers.get(number)


def with_point(text: str) -> str:
    """Give a number with a decimal comma as one with a point; other text as it is."""
    return text.replace(",", ".") if _WITH_COMMA.fullmatch(text.strip()) else text


class ValueReader:
    """Reads the values of a source by its profile.

    Args:
        profile: what the source calls our values.
        terms: the vocabulary of the flat record.
    """

    def __init__(self, profile: Profile, terms: Terms) -> None:
        self._profile = profile
        self._terms = terms
        self._words: dict[tuple[str, str], WordsOf] = {}
        self._orders: dict[tuple[str, str], DateOrder | None] = {}
        self._is_plain = not profile.changes_values and profile.decimal is None
        #: How often a word of a column was read as something else.
        self.mapped: Counter[tuple[str, str, str]] = Counter()

    @property
    def changes(self) -> bool:
        """Whether any value may be read otherwise than as it stands."""
        return not self._is_plain

    @property
    def reads_numbers(self) -> bool:
        """Whether numbers may stand in texts of a source that has types of its own."""
        return self._profile.decimal is not None

    def cell(self, field: Field, column: str, text: str) -> Any:
        """Give the value of a cell of text; None where it is missing."""
        if self._is_plain:
            return cell_value(field, text)
        if (meant := self._meant(field, column, text)) is not None:
            return self._ours(field, meant)
        if field.kind == "list":
            return self._entries(field, column, cell_value(field, text))
        if field.kind == "day":
            return self._day(field, column, text)
        return cell_value(field, self._pointed(field, text))

    def value(self, field: Field, column: str, value: Any) -> Any:
        """Give the value of a record that has types of its own; None where it is missing."""
        if value is None or self._is_plain:
            return value
        if isinstance(value, list):
            return self._entries(field, column, value) if field.kind == "list" else value
        if isinstance(value, dict):
            return value
        if (meant := self._meant(field, column, value)) is not None:
            return self._ours(field, meant)
        if not isinstance(value, str):
            return value
        if field.kind == "day":
            return self._day(field, column, value)
        if field.kind == "list":
            return self._entries(field, column, cell_value(field, value.strip()))
        is_number = self._profile.decimal and field.kind in ("whole", "decimal")
        return cell_value(field, self._pointed(field, value.strip())) if is_number else value

    def record(self, row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
        """Give a row, its values as JSON has them, as the flat record that the profile makes of it.

        Args:
            row: the values by key.
            columns: the column that each key is read from.
        """
        return {key: self.value(FIELDS[key], columns.get(key, key), value) for key, value in row.items()}

    def words(self, field: Field, column: str) -> WordsOf:
        """Give what the words of a column mean in a field."""
        if (column, field.key) not in self._words:
            self._words[column, field.key] = WordsOf(dict(self._layers(field, column)), self._profile.decimal or ".")
        return self._words[column, field.key]

    def order(self, field: Field, column: str) -> str | None:
        """Give the order of the dates of a column; None where they are as ISO 8601 has them."""
        stated = self._profile.dates
        if stated is None or isinstance(stated, str):
            return stated
        return stated.get(column) or stated.get(field.key)

    def _layers(self, field: Field, column: str) -> Iterator[tuple[str, str]]:
        """Give words with what they mean, those that are nearer to the column later."""
        profile = self._profile
        if field.kind != "text":
            yield from ((word, MISSING) for word in profile.missing)
        possible = frozenset(meanings(field, self._terms)) or frozenset({MISSING} if field.kind != "text" else ())
        for word, meant in profile.values.items():
            if isinstance(meant, str) and possible.issuperset(_parts(meant)):
                yield word, meant
        for name in dict.fromkeys((field.key, column)):
            of_one = profile.values.get(name)
            if isinstance(of_one, Mapping):
                yield from of_one.items()

    def _meant(self, field: Field, column: str, value: Any) -> str | None:
        meant = self.words(field, column).meaning(value)
        if meant is not None:
            word = value.strip() if isinstance(value, str) else str(value).lower()
            self.mapped[column, word, meant] += 1
        return meant

    @staticmethod
    def _ours(field: Field, meant: str) -> Any:
        return None if meant == MISSING else cell_value(field, meant)

    def _entries(self, field: Field, column: str, entries: list[Any]) -> list[Any]:
        if len(entries) == 1 and self._says_none(field, column, entries[0]):
            return []
        if not field.entry:
            return [part for each in entries for part in self._listed(field, column, each)]
        return [self._entry(field, column, each) for each in entries]

    def _says_none(self, field: Field, column: str, entry: Any) -> bool:
        stated = entry.get(field.entry[0].key) if isinstance(entry, dict) and len(entry) == 1 else entry
        return isinstance(stated, str) and self.words(field, column).meaning(stated) == NONE

    def _listed(self, field: Field, column: str, entry: Any) -> list[Any]:
        """Give what an entry of a plain list means; that one is missing would not say which, and so it stays."""
        meant = self._entry_meant(field, column, entry) if isinstance(entry, str) else None
        return [entry] if meant is None else cell_value(field, meant)

    def _entry_meant(self, field: Field, column: str, entry: str) -> str | None:
        if self.words(field, column).meaning(entry) in (None, MISSING, NONE):
            return None
        return self._meant(field, column, entry)

    def _entry(self, field: Field, column: str, entry: Any) -> Any:
        main, *others = field.entry
        if isinstance(entry, str):
            entry = {main.key: entry}
        if not isinstance(entry, dict):
            return entry
        found = with_values(entry, entry, getattr(entry, "repeated", ()))
        for each in others:
            if entry.get(each.key) is not None:
                found[each.key] = self._part(field, each, column, entry[each.key])
        stated = entry.get(main.key)
        if isinstance(stated, str):
            found |= self._main(field, column, stated)
        return found

    def _part(self, field: Field, part: Field, column: str, value: Any) -> Any:
        """Give the value of a field of an entry, by its own words or by those of the list."""
        if not isinstance(value, str | Decimal):
            return value
        meant = self._meant(part, column, value)
        if meant is None and part.values:
            meant = self.words(field, column).meaning(value)
            meant = meant if meant in self._terms.kinds[part.values] else None
        if meant is not None:
            return self._ours(part, meant)
        return self._day(part, column, value) if part.kind == "day" and isinstance(value, str) else value

    def _main(self, field: Field, column: str, stated: str) -> dict[str, Any]:
        """Give what an entry is about; a word may say more of it, as `fall` may say `distal-radius:low-energy`."""
        main = field.entry[0]
        meant = self._entry_meant(field, column, stated) or self._entry_meant(main, column, stated)
        if meant is None:
            return {main.key: stated}
        [*read] = cell_value(field, meant)
        return read[0] if len(read) == 1 else {main.key: stated}

    def _day(self, field: Field, column: str, text: str) -> str:
        place = (column, field.key)
        if place not in self._orders:
            order = self.order(field, column)
            self._orders[place] = DateOrder(order) if order else None
        read = self._orders[place]
        return read.read(text) if read else text

    def _pointed(self, field: Field, text: str) -> str:
        return with_point(text) if self._profile.decimal == "," and field.kind in ("whole", "decimal") else text


def _parts(meant: str) -> Iterator[str]:
    yield from (part.partition(":")[0].strip() for part in meant.split(";"))
