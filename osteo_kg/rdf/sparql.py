"""SPARQL: the text before it is parsed, by the one reader that everybody asks, and the queries of this library.

It cuts a text into tokens (SPARQL 1.1 section 19.8), reads its prologue, and answers what cannot be asked of the
engine: which graphs a query names, which columns it wants, and whether it would reach outside. Whether the text is
well formed is the engine's to say.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, cast

import pyoxigraph as ox

from osteo_kg import package_data

TokenKind = Literal["string", "iri", "comment", "variable", "language", "name", "number", "word", "mark"]
Form = Literal["SELECT", "ASK", "CONSTRUCT", "DESCRIBE"]
_IRI = r"<(?:[^<>\"{}|^`\\\x00-\x20]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8})*>"
_STRING = r"'''(?:[^\\]|\\.)*?'''|\"\"\"(?:[^\\]|\\.)*?\"\"\"|'(?:[^'\\\n\r]|\\.)*'|\"(?:[^\"\\\n\r]|\\.)*\""
_TOKEN = re.compile(
    rf"(?P<string>{_STRING})"
    rf"|(?P<iri>{_IRI})"
    r"|(?P<comment>\#[^\n\r]*)"
    r"|(?P<variable>[?$]\w+)"
    r"|(?P<language>@[A-Za-z]+(?:-[A-Za-z0-9]+)*)"
    r"|(?P<name>(?:[^\W\d][\w.-]*)?:(?:(?:[\w:%.-]|\\.)*(?:[\w:%-]|\\.))?)"
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<mark>\^\^|&&|\|\||!=|<=|>=|\\.|\S)",
    re.DOTALL,
)
#: All that matters to how deep brackets stand; a document of megabytes is not cut into tokens for that.
_BRACKETS = re.compile(rf"{_STRING}|{_IRI}|\#[^\n\r]*|[{{(\[\])}}]", re.DOTALL)
#: Words that need no blank between them: `ASKFROM` and `SERVICESILENT` are read as what they are.
_GLUED = re.compile(
    "TRUE|FALSE|SELECT|ASK|CONSTRUCT|DESCRIBE|DISTINCT|REDUCED|FROM|NAMED|WHERE|SERVICE|LOAD|SILENT|INTO|GRAPH|USING|"
    "WITH|INSERT|DELETE|DATA|CLEAR|DROP|CREATE|ADD|MOVE|COPY|TO|DEFAULT|ALL|PREFIX|BASE",
    re.IGNORECASE,
)
#: What stands before `<` where it compares, as far as a part of a text with brackets around it can tell.
_OPERANDS = frozenset({"string", "iri", "variable", "language", "name", "number"})
_ELSEWHERE, _EACH_TIME_NEW = {"SERVICE", "LOAD"}, {"NOW", "RAND", "UUID", "STRUUID", "BNODE"}
#: What a call of these may look like; a comment may stand before the bracket. `foaf:knows ?a` does not.
_MAY_BE_NEW = re.compile(rf"(?:{'|'.join(sorted(_EACH_TIME_NEW))})\s*[(#]", re.IGNORECASE)
_COMPARES_NOTHING = re.compile(r"[^'#]*?//")
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_LONG = 100_000  # characters of a text that is not remembered


class Token(NamedTuple):
    """A token, and where it begins in its text."""

    kind: TokenKind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)

    def is_word(self, *words: str) -> bool:
        """Whether it is one of some keywords, which are given in capitals."""
        return self.kind == "word" and self.text.upper() in words

    def is_mark(self, *marks: str) -> bool:
        """Whether it is one of some marks."""
        return self.kind == "mark" and self.text in marks


def tokens(text: str) -> tuple[Token, ...]:
    """Cut a text into tokens; comments are left out.

    >>> [each.text for each in tokens("ASK { ?s <urn:p> 'SERVICE' } # LOAD")]
    ['ASK', '{', '?s', '<urn:p>', "'SERVICE'", '}']
    """
    return _remembered(text) if len(text) <= _LONG else _remembered.__wrapped__(text)


@functools.lru_cache(8)
def _remembered(text: str) -> tuple[Token, ...]:
    return tuple(_tokens(text, 0))


def _tokens(text: str, at: int) -> Iterator[Token]:
    before: Token | None = None
    depth = braces = 0
    while found := _TOKEN.search(text, at):
        kind: TokenKind = found.lastgroup  # type: ignore[assignment]  # every alternative is a group
        cut, start = found.group(), found.start()
        if kind == "iri" and depth and not braces and before is not None and _ends_an_operand(before):
            kind, cut = "mark", "<"  # in an expression of the head nothing else can follow a value
        at = start + len(cut)
        if kind == "comment":
            continue
        if kind == "mark":
            depth += (cut == "(") - (cut == ")")
            braces += (cut == "{") - (cut == "}")
        for before in _unglued(Token(kind, cut, start)) if kind == "word" else (Token(kind, cut, start),):
            yield before


def _ends_an_operand(token: Token) -> bool:
    return token.kind in _OPERANDS or token.is_mark(")")


def _unglued(token: Token) -> Iterator[Token]:
    """Give the keywords of which a word is made, if it is made of nothing else."""
    parts = list(_GLUED.finditer(token.text))
    if "".join(each.group() for each in parts) != token.text:
        parts = []
    if len(parts) < 2:  # one keyword is glued to none
        yield token
    for each in parts if len(parts) > 1 else ():
        yield Token("word", each.group(), token.start + each.start())


def elsewhere(text: str) -> str | None:
    """Give the keyword by which a query or an update would reach outside its dataset, if it has one.

    A keyword may be glued to the name behind it: `SERVICEx: { }` asks the service `x:`, and `LOADx:` loads it.

    >>> elsewhere("SELECT * { SERVICE <http://example.org/> { } }"), elsewhere("SELECT ?service { service:a ?p 1 }")
    ('SERVICE', None)
    """
    if not _names_any(text, _ELSEWHERE):
        return None
    one_before: Token | None = None
    two_before: Token | None = None
    for token in _in_every_reading(text):
        if token.is_word(*_ELSEWHERE):
            return token.text.upper()
        names_a_graph = two_before is not None and two_before.is_word("GRAPH")
        if token.is_mark("{") and _glued_to(one_before, "SERVICE") and not names_a_graph:
            return "SERVICE"
        if _glued_to(token, "LOAD") and (one_before is None or one_before.kind == "iri" or one_before.is_mark(";")):
            return "LOAD"
        one_before, two_before = token, one_before
    return None


def _names_any(text: str, keywords: Iterable[str]) -> bool:
    """Say whether any of some keywords stands in a text at all, be it in a string: most texts need no closer look."""
    in_capitals = text.upper()
    return any(each in in_capitals for each in keywords)


def _glued_to(token: Token | None, keyword: str) -> bool:
    return token is not None and token.kind == "name" and token.text.upper().startswith(keyword)


def _in_every_reading(text: str) -> Iterator[Token]:
    """Give the tokens that a text may be read to have.

    `<` begins an IRI or compares: which of them is known only to a parser, so that both readings are followed. In what
    is compared, `//` stands nowhere outside strings and comments.
    """
    waiting, seen = [0], set[int]()
    while waiting:
        for token in _tokens(text, waiting.pop()):
            if token.start in seen:
                break
            seen.add(token.start)
            yield token
            if token.kind == "iri" and not _COMPARES_NOTHING.match(token.text):
                waiting.append(token.start + 1)


def depth(text: str) -> int:
    """Give how deep brackets stand in one another, in SPARQL and in Turtle.

    >>> depth("ASK { { ?s ?p (1), '(((' } } # (((")
    3
    """
    deepest = now = 0
    for found in _BRACKETS.finditer(text):
        bracket = found.group()
        if len(bracket) == 1 and bracket != "#":
            now += 1 if bracket in "{([" else -1
            deepest = max(deepest, now)
    return deepest


def is_repeatable(text: str) -> bool:
    """Say whether a query asked again of the same dataset has the same answer: it takes no time and draws no lot."""
    if not _MAY_BE_NEW.search(text):
        return True
    cut = tokens(text)
    return not any(word.is_word(*_EACH_TIME_NEW) and after.is_mark("(") for word, after in itertools.pairwise(cut))


@dataclass
class Cursor:
    """Goes through the tokens of a text, and knows the prefixes and the base that hold where it is.

    Attributes:
        text: the text.
        base: the IRI that relative IRIs are resolved against.
        prefixes: the namespace behind each prefix.
        at: the number of the next token.
    """

    text: str
    base: str = ""
    prefixes: dict[str, str] = field(default_factory=dict)
    at: int = 0

    def __post_init__(self) -> None:
        self._tokens, self._more = list[Token](), _tokens(self.text, 0)

    @property
    def next(self) -> Token | None:
        """The next token; None at the end."""
        return self._tokens[self.at] if self._is_cut(self.at) else None

    @property
    def ended(self) -> bool:
        """Whether there is no further token."""
        return not self._is_cut(self.at)

    def _is_cut(self, number: int) -> bool:
        """Cut the text up to a token, and say whether there is one of that number."""
        while len(self._tokens) <= number:
            token = next(self._more, None)
            if token is None:
                return False
            self._tokens.append(token)
        return True

    def take(self) -> Token | None:
        """Give the next token and go past it."""
        token = self.next
        self.at += token is not None
        return token

    def skip(self, *words: str) -> bool:
        """Go past keywords, if they are all next; say whether they were."""
        found = self._is_cut(self.at + len(words) - 1) and all(
            self._tokens[self.at + place].is_word(word) for place, word in enumerate(words)
        )
        self.at += len(words) if found else 0
        return found

    def skip_mark(self, mark: str) -> bool:
        """Go past a mark, if it is next; say whether it was."""
        found = self.next is not None and self.next.is_mark(mark)
        self.at += found
        return found

    def prologue(self) -> None:
        """Go past declarations of prefixes and bases; they hold from here on."""
        while True:
            before = self.at
            if self.skip("BASE") and (iri := self.iri()) is not None:
                self.base = iri
            elif self.skip("PREFIX") and (name := self.take()) is not None and (iri := self.iri()) is not None:
                self.prefixes[name.text.removesuffix(":")] = iri
            else:
                self.at = before
                return

    def iri(self) -> str | None:
        """Go past an IRI, written out or in short, and give it absolute; None where none is next."""
        token = self.next
        found = None if token is None else self._meaning(token)
        self.at += found is not None
        return found

    def _meaning(self, token: Token) -> str | None:
        if token.kind == "iri":
            return _resolved(_ESCAPE.sub(lambda each: chr(int(each[1] or each[2], 16)), token.text[1:-1]), self.base)
        prefix, colon, local = token.text.partition(":")
        if token.kind != "name" or not colon or prefix not in self.prefixes:
            return None
        return self.prefixes[prefix] + re.sub(r"\\(.)", r"\1", local)

    def after_word(self, word: str, token: Token) -> str | None:
        """Give the IRI of a name that a keyword is glued to, as in `FROM:g`; None where the name has that prefix."""
        prefix, _, local = token.text.partition(":")
        if prefix.upper() != word or prefix in self.prefixes:
            return None
        return self._meaning(Token("name", f":{local}", token.start + len(word)))

    def braced(self) -> tuple[int, int] | None:
        """Go past what stands between braces, and give its first token and the one after its last; None if nowhere."""
        first, depth = self.at + 1, 0
        while (token := self.take()) is not None:
            depth += token.is_mark("{") - token.is_mark("}")
            if depth <= 0:
                return (first, self.at - 1) if token.is_mark("}") else None
        return None

    def tokens_between(self, first: int, last: int) -> tuple[Token, ...]:
        """Give some tokens."""
        self._is_cut(last)
        return tuple(self._tokens[first:last])

    def text_between(self, first: int, last: int) -> str:
        """Give the text of the tokens from one to another, what stands between them included."""
        start = self._tokens[first - 1].end if first else 0
        return self.text[start : self._tokens[last].start if self._is_cut(last) else len(self.text)]


def _resolved(iri: str, base: str) -> str | None:
    """Resolve an IRI against a base as the engine does (RFC 3987); None where it is none."""
    try:
        [quad] = ox.parse(f"<{iri}> <urn:p> <urn:o> .", format=ox.RdfFormat.TURTLE, base_iri=base or None)
    except (SyntaxError, ValueError):
        return None
    return quad.subject.value if isinstance(quad.subject, ox.NamedNode) else None


def iris_below(text: str, namespace: str) -> list[str]:
    """Give the IRIs of a namespace that a text names, each once, in their order.

    >>> iris_below("PREFIX e: <urn:e:> ASK { e:a ?p <urn:e:b>, 'e:c' }", "urn:e:")
    ['urn:e:a', 'urn:e:b']
    """
    is_based = _names_any(text, ("BASE",))
    if namespace not in text and not is_based:
        return []
    found: dict[str, None] = {}
    cursor = Cursor(text)
    while (token := cursor.next) is not None:
        if token.is_word("PREFIX", "BASE"):
            cursor.prologue()
            token = cursor.next
        is_iri = token is not None and token.kind == "iri" and (is_based or token.text.startswith(f"<{namespace}"))
        if is_iri or (token is not None and token.kind == "name"):
            iri = cursor.iri()
            if iri is not None and iri.startswith(namespace) and iri != namespace:
                found[iri] = None
                continue
        cursor.take()
    return list(found)


@dataclass(frozen=True, slots=True)
class DatasetClause:
    """A `FROM` of a query (SPARQL 1.1 section 13.2), its graph absolute."""

    graph: str
    named: bool


@dataclass(frozen=True, slots=True)
class Head:
    """What a query says before its pattern.

    Attributes:
        form: what it asks for; None where it is no query.
        dataset: the graphs that it names to be asked of.
        columns: the variables of the text in the order of their first appearance, where the outermost form is
            `SELECT *`; empty where the columns are named.
    """

    form: Form | None
    dataset: tuple[DatasetClause, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def graphs(self) -> tuple[tuple[str, ...] | None, tuple[str, ...] | None]:
        """The graphs of the default graph, and the named ones; None for both where none is named."""
        if not self.dataset:
            return None, None
        defaults = tuple(each.graph for each in self.dataset if not each.named)
        return defaults, tuple(each.graph for each in self.dataset if each.named)


def head(text: str, base: str = "") -> Head:
    """Read what a query says before its pattern, prefixes and base applied.

    >>> found = head("PREFIX g: <urn:g:> SELECT * FROM g:a FROM NAMED <b> { { SELECT * { ?z ?y ?x } } }", "urn:x:/")
    >>> [each.graph for each in found.dataset], found.columns
    (['urn:g:a', 'urn:x:/b'], ('z', 'y', 'x'))
    """
    cursor = Cursor(text, base)
    cursor.prologue()
    form = cursor.take()
    if form is None or not form.is_word("SELECT", "ASK", "CONSTRUCT", "DESCRIBE"):
        return Head(None)
    is_select = form.is_word("SELECT")
    everything = is_select and _wants_everything(cursor)
    dataset = tuple(_dataset(cursor)) if _names_any(text, ("FROM",)) else ()
    columns = dict.fromkeys(each.text[1:] for each in tokens(text) if each.kind == "variable") if everything else ()
    return Head(form.text.upper(), dataset, tuple(columns))  # type: ignore[arg-type]  # it is one of the four


def has_head_to_read(text: str) -> bool:
    """Say whether a query may name graphs or want every column: of most, the head says nothing but their form."""
    return "*" in text or _names_any(text, ("FROM",))


def _wants_everything(cursor: Cursor) -> bool:
    _ = cursor.skip("DISTINCT") or cursor.skip("REDUCED")
    return cursor.skip_mark("*")


def _dataset(cursor: Cursor) -> Iterator[DatasetClause]:
    """Read the dataset clauses: they stand before the pattern, and after the template of a CONSTRUCT."""
    while (token := cursor.next) is not None:
        if cursor.skip("FROM"):
            named = cursor.skip("NAMED")
            if (graph := cursor.iri()) is not None:
                yield DatasetClause(graph, named)
        elif token.kind == "name" and (glued := cursor.after_word("FROM", token)) is not None:
            cursor.take()
            yield DatasetClause(glued, named=False)
        elif cursor.skip("WHERE"):
            return
        elif token.is_mark("{"):
            cursor.braced()
        else:
            cursor.take()


# the queries of the library, typed once here so that nobody else casts

Solution = Mapping[str, str]


def select(store: ox.Store, name: str) -> Iterator[Solution]:
    """Run a SELECT query file; a row maps each bound variable to its IRI, blank node label or lexical form."""
    solutions = cast(ox.QuerySolutions, store.query(package_data.query(name)))
    names = [variable.value for variable in solutions.variables]
    for solution in solutions:
        yield {key: term.value for key in names if (term := solution[key]) is not None}


def construct(store: ox.Store, name: str) -> list[ox.Triple]:
    """Run a CONSTRUCT query file and give its triples."""
    return list(cast(ox.QueryTriples, store.query(package_data.query(name))))


def extend(store: ox.Store, name: str) -> None:
    """Run a CONSTRUCT query file and add its triples to the store it ran on."""
    store.extend(ox.Quad(t.subject, t.predicate, t.object) for t in construct(store, name))
