"""The members of a JSON array that may be larger than the memory, read a piece at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from osteo_kg.case.record_text import DECODER, ONE_EACH, parse_json
from osteo_kg.errors import UnreadableCaseError

_PIECE = 1 << 20  # characters read at a time
_LONGEST = 1 << 16  # characters of a text, beyond which one that has no end is a fault and not the end of a piece
_BLANK = re.compile(r"[ \t\r\n]*")


def json_members(file: TextIO, name: str) -> Iterator[Any]:
    """Give each member of an array, or the one object that stands in its place.

    Args:
        file: the text.
        name: what to call it in messages.

    Raises:
        UnreadableCaseError: the text is not JSON, or neither an object nor an array; members before the fault were
            given by then.

    >>> import io
    >>> list(json_members(io.StringIO('[{"a": 1}, {"a": 2}]'), "input"))
    [{'a': Decimal('1')}, {'a': Decimal('2')}]
    """
    reader = _Reader(file, name)
    first = reader.next()
    if first == "[":
        reader.place += 1
        yield from _members(reader)
    elif first == "{":
        yield reader.value()
    else:
        raise UnreadableCaseError(f"{name} is not a JSON object, nor an array of them.", advice=ONE_EACH)
    if reader.next():
        raise reader.fault("something stands after its end; one object a line is a .jsonl file")


def _members(reader: _Reader) -> Iterator[Any]:
    if reader.next() == "]":
        reader.place += 1
        return
    while True:
        yield reader.value()
        mark = reader.next()
        reader.place += 1
        if mark == "]":
            return
        if mark != ",":
            raise reader.fault("a comma or the end of the array is missing")


class _Reader:
    """Reads a text a piece at a time, and forgets what was read."""

    def __init__(self, file: TextIO, name: str) -> None:
        self._file = file
        self._name = name
        self._text = ""
        self._count = 0
        self.place = 0

    def next(self) -> str:
        """Go to the next character that is not blank, and give it; empty at the end."""
        while True:
            found = _BLANK.match(self._text, self.place)
            self.place = found.end() if found else self.place
            if self.place < len(self._text):
                return self._text[self.place]
            if not self._more():
                return ""

    def value(self) -> Any:
        """Read one value."""
        self._count += 1
        self.next()
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self.place)
                is_whole = end < len(self._text)
            except json.JSONDecodeError as error:
                is_whole = len(self._text) - error.pos > _LONGEST
                value, end = None, -1
            except (RecursionError, ValueError):
                is_whole, value, end = True, None, -1
            if is_whole or not self._more():
                break
        written = self._text[self.place : None if end < 0 else end]
        if end < 0 or "\\u" in written:
            parse_json(written, f"{self._name}, record {self._count}")  # says what is wrong
        self.place = end
        return value

    def fault(self, what: str) -> UnreadableCaseError:
        """Give the error of something that stands where it may not."""
        return UnreadableCaseError(
            f"{self._name} is not JSON after record {self._count}: {what}.", advice="Correct it there."
        )

    def _more(self) -> bool:
        piece = self._file.read(_PIECE)
        if piece:
            self._text, self.place = self._text[self.place :] + piece, 0
        return bool(piece)
