"""What is wrong with a text that the engine refuses as SPARQL, for the person who wrote it.

The engine tries characters, and tells how far it came in any of its attempts. Here the text is read again, token by
token, along the grammar of SPARQL 1.1 (its section 19.8, expressions without precedence), to the first token that
cannot stand where it does, and what could is told in words.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from osteo_kg.rdf.sparql import Cursor, Token, tokens

#: Rules: CAPITALS are keywords, quotes hold marks, lower case names kinds of tokens; a text behind a name is what the
#: rule is called where its first token is not there.
_GRAMMAR = r"""
Query "SELECT, ASK, CONSTRUCT or DESCRIBE" : Select Values? | Construct Values? | Describe Values? | Ask Values?
Prologue : ( BASE iri | PREFIX name iri )*
Select : SELECT ( DISTINCT | REDUCED )? ( '*' | Column+ ) From* Where Modifiers
Column "a variable or (an expression AS a variable)" : variable | '(' Expression AS variable ')'
Inner : SELECT ( DISTINCT | REDUCED )? ( '*' | Column+ ) Where Modifiers Values?
Construct : CONSTRUCT ( '{' Triples? '}' From* Where | From* WHERE '{' Triples? '}' ) Modifiers
Describe : DESCRIBE ( '*' | Named+ ) From* Where? Modifiers
Ask : ASK From* Where Modifiers
From : FROM NAMED? Iri
Where : WHERE? Group
Modifiers : ( GROUP BY Grouping+ )? ( HAVING Constraint+ )? ( ORDER BY Order+ )? ( LIMIT number | OFFSET number )*
Grouping "what to group by" : '(' Expression ( AS variable )? ')' | variable | Call
Constraint "a condition in parentheses, or a function" : '(' Expression ')' | Call
Order "what to order by" : ( ASC | DESC ) '(' Expression ')' | variable | Constraint
Values : VALUES Table
Table : variable '{' Cell* '}' | '(' variable* ')' '{' ( '(' Cell* ')' )* '}'
Cell "a value" : Iri | Literal | UNDEF
Group "a group in braces { }" : '{' ( Inner | Body ) '}'
Body : Triples? ( Part '.'? Triples? )*
Part "a pattern such as OPTIONAL, FILTER or BIND" : OPTIONAL Group | GRAPH Named Group | MINUS Group
  | SERVICE SILENT? Named Group | FILTER Constraint
  | BIND '(' Expression AS variable ')' | VALUES Table | Group ( UNION Group )*
Triples : Statement ( '.' Statement )* '.'?
Statement "a statement" : Simple Properties | Nested Properties?
Nested : '(' Node* ')' | '[' Properties? ']'
Properties : Property Objects ( ';' ( Property Objects )? )*
Property "a property" : variable | Path
Path : Step ( Further Step )*
Further "a further step of the path" : '/' | '|'
Step : '^'? ( Iri | a | '!' ( Excluded | '(' ( Excluded ( '|' Excluded )* )? ')' ) | '(' Path ')' ) Times?
Times "'?', '*' or '+'" : '?' | '*' | '+'
Excluded : '^'? ( Iri | a )
Objects : Object ( ',' Object )*
Object "an object" : Node
Node : Simple | Nested
Simple : variable | Iri | Literal
Named "an IRI or a variable" : Iri | variable
Iri "an IRI" : iri | name
Literal "a literal" : string ( language | '^^' Iri )? | ( '+' | '-' )? number | TRUE | FALSE
Expression "an expression" : Operand ( Operator Operand | NOT? IN Arguments )*
Operator "an operator" : '||' | '&&' | '=' | '!=' | '<' | '>' | '<=' | '>=' | '+' | '-' | '*' | '/'
Operand "an expression" : ( '!' | '+' | '-' )* Value
Value : '(' Expression ')' | NOT? EXISTS Group | Call | Literal | variable
Call "a function" : ( function | Iri ) Arguments | Iri | NOT? EXISTS Group
Arguments : '(' DISTINCT? ( '*' | Expression ( ',' Expression )* )? ( ';' SEPARATOR '=' string )? ')'
Update : Operation? ( ';' Prologue Operation? )*
Operation "INSERT, DELETE, WITH, CLEAR, DROP, CREATE, ADD, MOVE or COPY" : INSERT ( DATA Quads | Quads Condition )
  | DELETE ( DATA Quads | WHERE Quads | Quads ( INSERT Quads )? Condition )
  | WITH Iri ( INSERT Quads | DELETE Quads ( INSERT Quads )? ) Condition
  | ( CLEAR | DROP ) SILENT? ( DEFAULT | NAMED | ALL | GRAPH Iri ) | CREATE SILENT? GRAPH Iri
  | ( ADD | MOVE | COPY ) SILENT? OneGraph TO OneGraph | LOAD SILENT? Iri ( INTO GRAPH Iri )?
OneGraph "DEFAULT or the IRI of a graph" : DEFAULT | GRAPH? Iri
Condition : ( USING NAMED? Iri )* WHERE Group
Quads "statements in braces { }" : '{' Triples? ( GRAPH Named '{' Triples? '}' '.'? Triples? )* '}'
"""
_FUNCTIONS = re.compile(r"\S+").findall(
    """STR LANG LANGMATCHES DATATYPE BOUND IRI URI BNODE RAND ABS CEIL FLOOR ROUND CONCAT STRLEN UCASE LCASE
    ENCODE_FOR_URI CONTAINS STRSTARTS STRENDS STRBEFORE STRAFTER YEAR MONTH DAY HOURS MINUTES SECONDS TIMEZONE TZ NOW
    UUID STRUUID MD5 SHA1 SHA256 SHA384 SHA512 COALESCE IF STRLANG STRDT SAMETERM ISIRI ISURI ISBLANK ISLITERAL
    ISNUMERIC REGEX SUBSTR REPLACE COUNT SUM MIN MAX AVG SAMPLE GROUP_CONCAT TRIPLE SUBJECT PREDICATE OBJECT ISTRIPLE
    LANGDIR STRLANGDIR HASLANG HASLANGDIR ADJUST"""
)
_KINDS = {
    "variable": "a variable",
    "iri": "an IRI between < and >",
    "name": "a name with its prefix",
    "string": "a text in quotes",
    "number": "a number",
    "language": "a language tag",
    "function": "a function",
}
_PIECE = re.compile(r"'([^']+)'|([A-Za-z]\w*)|([()|?*+])")
_RULE = re.compile(r'(?m)^(\w+)(?: "([^"]+)")? : ((?:.|\n  )+)')
_WIDEST, _MOST = 100, 8  # characters of a line that is shown; alternatives that are told
_TOLD = re.compile(r"error at (\d+):(\d+): ")
_REASON = re.compile(r"(?:one of |, |expected )([A-Z][a-z]+ [^,\[\"]+?)(?:, |$)")
_NO_IRI = "an IRI begins here and is not closed, or holds what no IRI can, such as a space"
_SCHEMES = ("http", "https", "urn", "mailto", "tag", "file")  # which stand behind < in an IRI, and name no prefix
_ESCAPED = re.compile(r"\\([tbnrf\\\"']|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})|\\.", re.DOTALL)
_LONG = 200_000  # characters of a text that is read again
_UPDATES = ("INSERT", "DELETE", "WITH", "CLEAR", "DROP", "CREATE", "ADD", "MOVE", "COPY", "LOAD")
_ELSEWHERE = {("Query", word): "An update is sent as one, to the address for updates." for word in _UPDATES} | {
    ("Update", word): "A query is sent as one, to the address for queries."
    for word in ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
}
_Form = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a text.

    Attributes:
        start: where, in characters from its beginning.
        reason: what is wrong there, as a part of a sentence.
        advice: what to do, as a sentence.
    """

    start: int
    reason: str
    advice: str = "Correct it there."


def fault_of(text: str, told: str, prefixes: Mapping[str, str], *, update: bool = False) -> Fault:
    """Say what is wrong with a query, or an update, that was refused.

    Args:
        text: the text.
        told: what the engine said of it.
        prefixes: the namespaces that people may mean, by prefix.
        update: whether it was sent as an update.
    """
    found = _undeclared(text, prefixes)
    if found is None and len(text) <= _LONG:
        found = _by_grammar(text, "Update" if update else "Query")
    return found or _no_escape(text) or _by_engine(text, told)


def shown(text: str, start: int) -> tuple[int, int, str]:
    """Give the line and the column of a place, counted from 1, and the line with a caret below the place."""
    before = text[:start]
    line = max(before.count("\n"), len(before.splitlines()) - 1 if before else 0)
    begin = start - len(before.splitlines()[-1]) if before and before[-1] not in "\r\n" else start
    content = (text[begin:].splitlines() or [""])[0]
    column, cut = start - begin, max(0, start - begin - _WIDEST // 2)
    part = "".join(letter if letter.isprintable() else " " for letter in content[cut : cut + _WIDEST])
    return line + 1, column + 1, f"  {part}\n  {' ' * (column - cut)}^"


def _undeclared(text: str, prefixes: Mapping[str, str]) -> Fault | None:
    """Find the first name whose prefix is not declared before it."""
    cursor, declared = Cursor(text), dict[str, str]()
    while not cursor.ended:
        cursor.prologue()
        declared = cursor.prefixes
        token = cursor.take()
        if token is None or token.kind != "name" or token.text.startswith("_:"):
            continue
        prefix = token.text.partition(":")[0]
        if prefix.lower() in _SCHEMES and text[token.start - 1 : token.start] == "<":
            return Fault(token.start - 1, _NO_IRI, "Correct the IRI.")
        if prefix not in declared:
            return Fault(token.start, f"the prefix {prefix}: is not declared", _declare(prefix, declared, prefixes))
    return None


def _no_escape(text: str) -> Fault | None:
    """Find the first backslash of a text in quotes that escapes nothing."""
    for token in tokens(text):
        escapes = _ESCAPED.finditer(token.text) if token.kind == "string" else iter(())
        escape = next((each for each in escapes if each[1] is None), None)
        if escape:
            return Fault(
                token.start + escape.start(),
                f"{_printed(escape[0])} is no escape of a text in quotes",
                "Write two backslashes for one.",
            )
    return None


def _printed(text: str) -> str:
    """Write characters that nobody sees by their numbers."""
    return "".join(letter if letter.isprintable() else f"U+{ord(letter):04X}" for letter in text)


def _declare(prefix: str, declared: Mapping[str, str], known: Mapping[str, str]) -> str:
    if prefix in known:
        return f"Write PREFIX {prefix}: <{known[prefix]}> before the query."
    if near := difflib.get_close_matches(prefix, [*declared, *known], 1):
        return f"The nearest known one is {near[0]}: <{declared.get(near[0]) or known[near[0]]}>."
    return f"Write PREFIX {prefix}: and its namespace between < and > before the query."


def _by_engine(text: str, told: str) -> Fault:
    """Take what the engine says of what the grammar allows."""
    place, reason = _TOLD.match(told), _REASON.search(told)
    start = len(text)
    if place:
        lines = text.splitlines(keepends=True)[: int(place[1])]
        start = min(len(text), sum(map(len, lines[:-1])) + int(place[2]) - 1)
    if reason:
        words = reason[1].rstrip(". ")
        return Fault(start, words[0].lower() + words[1:])
    if place or "expected" in told:
        why = (
            "what stands before this place cannot be evaluated; a variable may be assigned twice, or used ungrouped,"
            " or a function have too few or too many arguments"
        )
        return Fault(start, why)
    return Fault(start, told[:1].lower() + told[1:].rstrip(". "))


# The grammar, and the reading along it


def _by_grammar(text: str, rule: str) -> Fault | None:
    reading = _Reading(tokens(text))
    try:
        after = reading.match(("rule", "Prologue"), 0)
        after = reading.match(("rule", rule), after or 0)
    except RecursionError:
        return None
    if after == len(reading.tokens):
        return None
    if after is not None:
        reading.missed("the end", after)
    return _fault(text, reading, rule)


def _fault(text: str, reading: _Reading, rule: str) -> Fault:
    expected = " or ".join(_listed(reading.expected))
    if reading.furthest == len(reading.tokens):
        return Fault(len(text.rstrip()), f"the text ends here, where {expected} was expected", "Complete it.")
    token = reading.tokens[reading.furthest]
    if token.is_mark('"', "'"):
        return Fault(
            token.start, "a text in quotes begins here and is not closed", "Close it, or escape what is in it."
        )
    if token.is_mark("<") and "an operator" not in reading.expected:
        return Fault(token.start, _NO_IRI, "Correct the IRI.")
    reason = f"{_printed(token.text[: _WIDEST // 2])} stands where {expected} was expected"
    keywords = {content for _, content, _ in _PIECE.findall(_GRAMMAR) if content.isupper()}
    near = difflib.get_close_matches(token.text.upper(), keywords - {token.text.upper()}, 1, 0.75)
    if token.kind == "word" and near and not token.is_word(*keywords):
        return Fault(token.start, reason, f"The nearest keyword is {near[0]}.")
    return Fault(token.start, reason, _ELSEWHERE.get((rule, token.text.upper()), "Correct it there."))


def _listed(expected: Iterable[str]) -> list[str]:
    told = list(dict.fromkeys(expected))
    if len(told) > _MOST:  # what is called by a name says more than marks do
        told = sorted(told, key=lambda each: each.startswith("'"))[:_MOST]
    return [", ".join(told[:-1]), told[-1]] if len(told) > 1 else told


class _Reading:
    """Goes along the grammar, and remembers the furthest token at which it could not go on.

    Attributes:
        tokens: the tokens of the text.
        furthest: the number of that token.
        expected: what could stand there.
    """

    def __init__(self, cut: tuple[Token, ...]) -> None:
        self.tokens, self.furthest = cut, 0
        self.expected: list[str] = []
        self._named_at = -1  # where a rule with a name begins: what it begins with is not told by itself

    def match(self, form: _Form, at: int) -> int | None:
        """Give the number of the token behind a form that begins at a token; None where it does not stand there."""
        kind, content = form
        return getattr(self, f"_{kind}")(content, at)  # type: ignore[no-any-return]

    def missed(self, what: str, at: int) -> None:
        """Remember what could stand at a token."""
        if at == self._named_at:
            return
        if at > self.furthest:
            self.furthest, self.expected = at, []
        if at == self.furthest:
            self.expected.append(what)

    def _rule(self, name: str, at: int) -> int | None:
        called, form = _grammar()[name]
        if called is None or at == self._named_at:
            return self.match(form, at)
        before, self._named_at = self._named_at, at
        after = self.match(form, at)
        self._named_at = before
        if after is None or after == at:
            self.missed(called, at)
        return after

    def _each(self, forms: list[_Form], at: int) -> int | None:
        now: int | None = at
        for form in forms:
            now = self.match(form, now)  # type: ignore[arg-type]
            if now is None:
                return None
        return now

    def _one(self, forms: list[_Form], at: int) -> int | None:
        return next((after for form in forms if (after := self.match(form, at)) is not None), None)

    def _perhaps(self, form: _Form, at: int) -> int:
        after = self.match(form, at)
        return at if after is None else after

    def _any(self, form: _Form, at: int) -> int:
        while (after := self.match(form, at)) is not None and after > at:
            at = after
        return at

    def _some(self, form: _Form, at: int) -> int | None:
        after = self.match(form, at)
        return None if after is None else self._any(form, after)

    def _token(self, wanted: str, at: int) -> int | None:
        token = self.tokens[at] if at < len(self.tokens) else None
        if token is not None and _is(token, wanted):
            return at + 1
        is_mark = not wanted[0].isalpha()
        self.missed(_KINDS.get(wanted, f"'{wanted}'" if is_mark else wanted), at)
        return None


def _is(token: Token, wanted: str) -> bool:
    if wanted == "function":
        return token.is_word(*_FUNCTIONS)
    if wanted == "a":
        return token.kind == "word" and token.text == "a"
    if wanted.islower():
        return token.kind == wanted
    return token.is_word(wanted) if wanted[0].isalpha() else token.is_mark(wanted)


@functools.cache
def _grammar() -> dict[str, tuple[str | None, _Form]]:
    """Read the rules: what each is called, if anything, and its form."""
    return {name: (called or None, _form(_PIECE.findall(body))) for name, called, body in _RULE.findall(_GRAMMAR)}


def _form(pieces: list[tuple[str, str, str]]) -> _Form:
    remaining = iter(pieces)

    def alternatives() -> _Form:
        found: list[list[_Form]] = [[]]
        for mark, word, sign in remaining:
            if sign == ")":
                break
            if sign == "|":
                found.append([])
            elif sign == "(":
                found[-1].append(alternatives())
            elif sign:
                found[-1][-1] = ({"?": "perhaps", "*": "any", "+": "some"}[sign], found[-1][-1])
            elif mark or not (word[0].isupper() and not word.isupper()):
                found[-1].append(("token", mark or word))
            else:
                found[-1].append(("rule", word))
        return ("one", [("each", forms) for forms in found])

    return alternatives()
