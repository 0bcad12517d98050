"""The import profile (the contracts, section 9): what a source calls our keys and values, as a file of YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import yaml

from osteo_kg.case.fields import FIELDS, KEYS, Field
from osteo_kg.case.suggestions import OF_A_KEY, nearest
from osteo_kg.errors import UsageError
from osteo_kg.knowledge import FALSE, MISSING, NONE, TRUE, Terms

ALL = "all"
#: The fields of entries of lists, by key; a profile may map their values too.
ENTRY_FIELDS: Mapping[str, Field] = {each.key: each for of_list in FIELDS.values() for each in of_list.entry}
_SEPARATORS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}
_ORDER = re.compile(r"(?:DD?|MM?|YYYY)(?:[-/. ]?(?:DD?|MM?|YYYY)){2}")

Words = Mapping[str, str]


@dataclass(frozen=True)
class Profile:
    """How a table of another making is read.

    Attributes:
        separator: the sign between two cells of text; a comma when None.
        decimal: the decimal sign, `.` or `,`; a point when None.
        encoding: the encoding of text, by a name that Python knows; UTF-8 when None.
        columns: the key that each column of another name holds.
        values: what a word of the source means: a value of ours, `true`, `false`, `none` or `missing`. Under the name
            of a column, of a key or of a field of entries, a mapping for it alone.
        missing: what the source writes where a value is missing.
        dates: the order of its dates, such as `DD/MM/YYYY`; or one for each column or key.
        ignore: columns to pass over; `all` passes over every unknown one that is not nearly a key.
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    columns: Words = field(default_factory=dict)
    values: Mapping[str, str | Words] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    dates: str | Words | None = None
    ignore: tuple[str, ...] = ()

    @property
    def text(self) -> str | None:
        """The profile in YAML; None where it says nothing."""
        said = {key: list(each) if isinstance(each, tuple) else each for key, each in vars(self).items() if each}
        return yaml.safe_dump(said, allow_unicode=True, sort_keys=False) if said else None

    @property
    def changes_values(self) -> bool:
        """Whether values are read otherwise than as they stand."""
        return bool(self.values or self.missing or self.dates or self.decimal == ",")

    def passes_over(self, column: str) -> bool:
        """Whether a column is passed over by its own name, or by it without the space around it."""
        return column != ALL and (column in self.ignore or column.strip() in self.ignore)

    @property
    def passes_over_all(self) -> bool:
        """Whether every unknown column is passed over."""
        return ALL in self.ignore

    def key(self, column: str) -> str:
        """Give the key that a column holds, or its own name."""
        return self.columns.get(column, column)

    def with_options(self, columns: Words, ignore: tuple[str, ...]) -> Profile:
        """Add columns that are mapped or passed over on the command line, which go before those of the file."""
        taken = set(columns.values())
        kept = {name: key for name, key in self.columns.items() if key not in taken}
        return replace(self, columns={**kept, **columns}, ignore=(*self.ignore, *ignore))


#: Tables that are as the contract has them.
PLAIN = Profile()
_NAMES = tuple(each.name for each in fields(Profile))


def read_profile(path: Path | str, terms: Terms) -> Profile:
    """Read a profile from a file of YAML; every word in it is taken as it is written.

    Raises:
        UsageError: the file cannot be read, or says something that no profile says.
    """
    path = Path(path)
    try:
        document = yaml.load(path.read_text(encoding="utf-8-sig"), _AsWritten)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"The profile {path} cannot be read: {error}.", advice="Check the file.") from error
    except yaml.YAMLError as error:
        raise UsageError(
            f"The profile {path} is not YAML: {' '.join(str(error).split())}.",
            advice="Write it as `osteo-kg template profile FILE` does.",
        ) from error
    return profile_of({} if document in (None, "") else document, path.name, terms)


def profile_of(document: Any, name: str, terms: Terms) -> Profile:
    """Make a profile of a mapping with its keys, or check one that was made.

    Raises:
        UsageError: a key or a value is none of a profile.
    """
    if isinstance(document, Profile):
        document = {key: value for key, value in vars(document).items() if value not in (None, (), {})}
    if not isinstance(document, Mapping):
        raise UsageError(f"{name} is no profile: it has no keys.", advice=f"Write lines of KEY: {_keys()}.")
    for key in document:
        if key not in _NAMES:
            raise UsageError(f"{name} has the key {key!r}, which no profile has.", advice=_near_key(key, _NAMES))
    return _Checked(name, terms).profile(document)


class _Checked:
    """Reads each key of a profile, and refuses what it cannot say."""

    def __init__(self, name: str, terms: Terms) -> None:
        self._name = name
        self._terms = terms

    def profile(self, document: Mapping[str, Any]) -> Profile:
        columns = self._columns(self._words(document.get("columns", {}), "columns"))
        named = (*KEYS, *ENTRY_FIELDS, *columns)
        return Profile(
            separator=self._given(document, "separator", self._separator),
            decimal=self._given(document, "decimal", self._decimal),
            encoding=self._given(document, "encoding", self._encoding),
            columns=columns,
            values=self._values(document.get("values", {}), columns, named),
            missing=self._list(document.get("missing", ()), "missing"),
            dates=self._given(document, "dates", lambda stated: self._dates(stated, named)),
            ignore=self._list(document.get("ignore", ()), "ignore"),
        )

    @staticmethod
    def _given(document: Mapping[str, Any], key: str, read: Callable[[Any], Any]) -> Any:
        stated = document.get(key)
        return None if stated in (None, "") else read(stated)

    def _refuse(self, what: str, advice: str) -> UsageError:
        return UsageError(f"The profile {self._name}: {what}.", advice=advice)

    def _separator(self, stated: Any) -> str:
        sign = _SEPARATORS.get(_text(stated).casefold(), _text(stated))
        if len(sign) != 1 or sign in '"\r\n' or sign.isalnum():
            raise self._refuse(f"the separator {stated!r} is not one sign", 'Write separator: ";" or separator: tab.')
        return sign

    def _decimal(self, stated: Any) -> str:
        if stated not in (".", ","):
            raise self._refuse(f"the decimal sign {stated!r} is neither a point nor a comma", 'Write decimal: ",".')
        return str(stated)

    def _encoding(self, stated: Any) -> str:
        try:
            "".encode(str(stated))
        except (LookupError, ValueError):
            advice = "Write utf-8, cp1252, latin-1, or another one that Python knows."
            raise self._refuse(f"there is no encoding {stated!r}", advice) from None
        return str(stated)

    def _columns(self, stated: Words) -> Words:
        for column, key in stated.items():
            if key not in KEYS:
                raise self._refuse(f"there is no key {key!r}, which {column!r} is to be", _near_key(key, KEYS))
        keys = list(stated.values())
        if twice := next((key for key in keys if keys.count(key) > 1), None):
            raise self._refuse(f"two columns are to be {twice!r}", "Keep one of them, and ignore the other.")
        return stated

    def _values(self, stated: Any, columns: Words, named: tuple[str, ...]) -> Mapping[str, str | Words]:
        found: dict[str, str | Words] = {}
        for word, meant in self._mapping(stated, "values").items():
            if not isinstance(meant, Mapping):
                found[_text(word)] = self._meant(_text(word), _text(meant), tuple(self._every_meaning()))
                continue
            if word not in named:
                raise self._refuse(
                    f"values has {word!r}, which is neither a key nor a mapped column", _near(word, named)
                )
            of = columns.get(str(word), str(word))
            allowed = tuple(meanings(FIELDS.get(of) or ENTRY_FIELDS[of], self._terms))
            check = self._meant if allowed else lambda _, meant, __: meant  # numbers, days and names are the shapes'
            found[str(word)] = {_text(each): check(_text(each), _text(to), allowed) for each, to in meant.items()}
        return found

    def _every_meaning(self) -> Iterator[str]:
        for each in (*FIELDS.values(), *ENTRY_FIELDS.values()):
            yield from meanings(each, self._terms)

    def _meant(self, word: str, meant: str, allowed: tuple[str, ...]) -> str:
        parts = [part.partition(":")[0].strip() for part in meant.split(";")]
        for part in parts:
            if part not in allowed:
                raise self._refuse(f"{word!r} is to mean {part!r}, which is no value here", _near(part, allowed))
        return meant

    def _dates(self, stated: Any, named: tuple[str, ...]) -> str | Words:
        if not isinstance(stated, Mapping):
            return self._order(_text(stated))
        for each in stated:
            if each not in named:
                raise self._refuse(
                    f"dates has {each!r}, which is neither a key nor a mapped column", _near(each, named)
                )
        return {str(each): self._order(_text(order)) for each, order in stated.items()}

    def _order(self, stated: str) -> str:
        order = stated.upper().replace("J", "D").replace("A", "Y")  # as French writes it: JJ/MM/AAAA
        parts = re.findall(r"D+|M+|Y+", order)
        if not _ORDER.fullmatch(order) or len({part[0] for part in parts}) < len(parts):
            raise self._refuse(
                f"{stated!r} is no order of dates",
                "Write DD/MM/YYYY, MM/DD/YYYY, YYYYMMDD or the like; years are whole.",
            )
        return order

    def _list(self, stated: Any, key: str) -> tuple[str, ...]:
        each = stated if isinstance(stated, list | tuple | set | frozenset) else [stated]
        if any(isinstance(one, Mapping | list | tuple) for one in each):
            raise self._refuse(f"{key} is not a list of words", f"Write {key}: [one, another].")
        return tuple(_text(one) for one in each)

    def _words(self, stated: Any, key: str) -> Words:
        return {_text(word): _text(meant) for word, meant in self._mapping(stated, key).items()}

    def _mapping(self, stated: Any, key: str) -> Mapping[Any, Any]:
        if stated in (None, ""):
            return {}
        if not isinstance(stated, Mapping):
            raise self._refuse(f"{key} does not say what is what", f"Write lines of SOURCE: OURS under {key}.")
        return stated


def meanings(field: Field, terms: Terms) -> Iterator[str]:
    """Give what words of a source may mean in a field: its values, and `missing`; nothing where it lists none."""
    if field.kind == "list":
        yield NONE
        for each in field.entry or (field,):
            yield from terms.kinds[each.values] if each.values else ()
    elif field.kind == "truth":
        yield from (TRUE, FALSE)
    elif field.kind == "coded" and field.values:
        yield from terms.kinds[field.values]
    else:
        return
    yield MISSING


def _near_key(word: Any, known: tuple[str, ...]) -> str:
    return nearest(str(word), known, shortest=OF_A_KEY).en


def _near(word: Any, known: tuple[str, ...]) -> str:
    return nearest(str(word), dict.fromkeys(known, ())).en


def _text(value: Any) -> str:
    """Give a word as a file has it."""
    return str(value).lower() if isinstance(value, bool) else "NULL" if value is None else str(value)


def yaml_word(word: str) -> str:
    """Write a word so that a profile holds it as it is.

    >>> yaml_word("sexe"), yaml_word("T-score"), yaml_word(",")
    ('sexe', '"T-score"', '","')
    """
    is_plain = re.fullmatch(r"[^\W\d]\w*(?: \w+)*", word)
    return word if is_plain else json.dumps(word, ensure_ascii=False)


def _keys() -> str:
    return ", ".join(_NAMES)


class _AsWritten(yaml.BaseLoader):
    """Takes every scalar for text, and refuses a key that stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Read a mapping."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                what = "a key is no word" if not isinstance(key, yaml.ScalarNode) else f"{key.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, what, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)
