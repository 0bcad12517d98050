"""Where each statement of a Turtle file stands, which the parser does not tell.

A text that was parsed is cut into tokens once more, and statements are followed along the grammar of Turtle; nothing
is checked here. What hangs on a nameless node counts for the named subject that it belongs to.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from urllib.parse import urljoin

_TOKEN = re.compile(
    r"(?P<comment>\#[^\n\r]*)"
    r"|(?P<string>'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^'\\\n\r]|\\.)*'|\"(?:[^\"\\\n\r]|\\.)*\")"
    r"|(?P<iri><[^<>\"{}|^`\x00-\x20]*>)"
    r"|(?P<at>@[A-Za-z]+(?:-[A-Za-z0-9-]+)*)"
    r"|(?P<name>_:[\w.:-]*[\w-]|(?:[^\W\d_](?:[\w.-]*[\w-])?)?:(?:(?:[\w:%.-]|\\.)*(?:[\w:%-]|\\.))?)"
    r"|(?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<mark>\^\^|\S)",
    re.DOTALL,
)
_QUOTES = ("'''", '"""', "'", '"')  # the longer before the shorter
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPED = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f"}
_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
Token = tuple[str, str, int]


class Positions:
    """The lines of the statements of one file.

    Args:
        text: the text of the file.
        prefixes: the namespaces of its prefixes.
        base: the IRI that relative ones are resolved against.
    """

    def __init__(self, text: str, prefixes: Mapping[str, str], base: str = "") -> None:
        self._prefixes, self._base = prefixes, base
        self._newlines = [found.end() for found in re.finditer(r"\r\n|\n|\r", text)]
        self._places: dict[tuple[str | None, ...], list[int]] = defaultdict(list)
        self._tokens = [token for token in _tokens(text) if token[0] != "comment"]
        self._at = 0
        while self._at < len(self._tokens):
            self._statement()

    def line(self, *parts: str | None) -> int | None:
        """Give the line of the first statement with this subject, and this property and value where they are given.

        Args:
            parts: the IRI of the subject, that of the property, and the value (an IRI or a lexical form), as many as
                are known; None stands for any.
        """
        found = self._places.get(tuple(parts))
        return min(found) if found else None

    def lines(self, *parts: str | None) -> list[int]:
        """Give the lines of every such statement."""
        return sorted(set(self._places.get(tuple(parts), ())))

    def _statement(self) -> None:
        kind, text, _ = self._tokens[self._at]
        if (kind == "at" and text in ("@prefix", "@base")) or (kind == "word" and text.upper() in ("PREFIX", "BASE")):
            self._at += 1
            while self._at < len(self._tokens) and self._tokens[self._at][0] in ("name", "iri"):
                self._at += 1
            self._skip(".")
            return
        start = self._at
        subject = self._node(None, None)
        self._properties(subject, self._tokens[start][2])
        if not self._skip(".") and self._at == start:
            self._at += 1  # nothing that Turtle has: go on with what follows

    def _properties(self, subject: str | None, start: int) -> None:
        self._remember(start, subject)
        while self._at < len(self._tokens) and self._text not in (".", "]"):
            if self._skip(";"):
                continue
            before, place = self._at, self._tokens[self._at][2]
            property_ = _TYPE if self._text == "a" else self._name()
            self._at += 1
            while True:
                self._object(subject, property_, place)
                if not self._skip(","):
                    break
            if self._at == before:
                return

    def _object(self, subject: str | None, property_: str | None, place: int) -> None:
        if self._at >= len(self._tokens) or self._text in (".", ";", "]", ")"):
            return
        start = self._tokens[self._at][2]
        value = self._node(subject, property_)
        self._remember(place, subject, property_)
        self._remember(place, None, property_)
        for about in {subject, None}:
            self._remember(start, about, property_, value)
            self._remember(start, about, None, value)

    def _node(self, subject: str | None, property_: str | None) -> str | None:
        """Read one node, and give its IRI or its lexical form; None of one without a name."""
        if self._at >= len(self._tokens):
            return None
        kind, text, start = self._tokens[self._at]
        if text == "[" and kind == "mark":
            self._at += 1
            self._properties(subject, start)
            self._skip("]")
            return None
        if text == "(" and kind == "mark":
            self._at += 1
            while self._at < len(self._tokens) and self._text not in (")", "."):
                self._object(subject, property_, start)
            self._skip(")")
            return None
        value = _unescaped(text) if kind == "string" else self._name()
        self._at += 1
        is_text = kind == "string" and self._at < len(self._tokens)
        if is_text and (self._tokens[self._at][0] == "at" or self._skip("^^")):
            self._at += 1  # its language or its type
        return value

    def _name(self) -> str | None:
        kind, text, _ = self._tokens[self._at]
        if kind == "iri":
            return urljoin(self._base, text[1:-1]) if self._base else text[1:-1]
        if kind == "name" and not text.startswith("_:"):
            prefix, _, local = text.partition(":")
            return self._prefixes.get(prefix, "") + re.sub(r"\\(.)", r"\1", local)
        return text if kind in ("number", "word") else None

    @property
    def _text(self) -> str:
        kind, text, _ = self._tokens[self._at]
        return text if kind in ("mark", "word") else ""

    def _skip(self, mark: str) -> bool:
        found = self._at < len(self._tokens) and self._text == mark
        self._at += found
        return found

    def _remember(self, start: int, *parts: str | None) -> None:
        low, high = 0, len(self._newlines)
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if self._newlines[middle] > start else (middle + 1, high)
        self._places[parts].append(low + 1)


def _tokens(text: str) -> Iterator[Token]:
    for found in _TOKEN.finditer(text):
        yield found.lastgroup or "mark", found.group(), found.start()


def _unescaped(text: str) -> str:
    """Give what a string says: without its quotes, and with its escapes read."""
    quotes = next(each for each in _QUOTES if text.startswith(each))
    return _ESCAPE.sub(_character, text[len(quotes) : -len(quotes)])


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _ESCAPED.get(found[3], found[3])
