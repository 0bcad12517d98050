"""Which column of a table is read as what, which is passed over, and which of these is nearly a key."""

from __future__ import annotations

import itertools
import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from osteo_kg.bilingual import COLON, SEMICOLON, BilingualText, Language
from osteo_kg.case.fields import FIELDS, KEYS
from osteo_kg.case.suggestions import HEADER_AMONG, ColumnNames
from osteo_kg.case.tables.cells import bare
from osteo_kg.case.tables.profile import Profile, yaml_word
from osteo_kg.errors import UnreadableCaseError

_SHOWN = 12  # columns named in a line
#: What says who a patient is decides nothing.
_DECIDING = tuple(key for key in KEYS if FIELDS[key].kind != "text")


@dataclass(frozen=True)
class Asking:
    """How it is asked for that columns are passed over, or read by a profile.

    Attributes:
        passing: gives how columns are passed over, by their names.
        profile: how a profile is named.
    """

    passing: Callable[[Sequence[str]], str]
    profile: str


def _by_command(names: Sequence[str]) -> str:
    """Give the option that passes columns over; a profile where a name has what the option takes for something else."""
    if any("," in name or name != " ".join(name.split()) for name in names):
        return f"ignore: {json.dumps(list(names), ensure_ascii=False)} in a profile (--profile)"
    return f"--ignore-columns {shlex.quote(','.join(names))}"


COMMAND_LINE = Asking(_by_command, "--profile")
IN_PYTHON = Asking(lambda names: f"ignore={list(names)!r}", "profile=")


@dataclass(frozen=True)
class ColumnsRead:
    """How the columns of inputs were read.

    Attributes:
        inputs: how many inputs have these columns.
        read: the key that each column was read as.
        ignored: the columns that were passed over.
        near: of these, those that are nearly a key, with the key.
        values: of each column, what its words were read as, and how often where that was counted.
    """

    read: Mapping[str, str]
    ignored: tuple[str, ...] = ()
    near: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    inputs: int = 1

    @property
    def renamed(self) -> Mapping[str, str]:
        """The columns that were read as a key of another name."""
        return {column: key for column, key in self.read.items() if column != key}

    def to_json(self) -> dict[str, Any]:
        """Give the report as JSON has it."""
        return {
            "inputs": self.inputs,
            "read": dict(self.read),
            "ignored": list(self.ignored),
            "nearly_a_key": dict(self.near),
            "values": {column: dict(words) for column, words in self.values.items()},
        }

    def sentence(self, language: Language = "en") -> str:
        """Say in one line what was read otherwise than under its own name; nothing where nothing was.

        >>> ColumnsRead({"sexe": "sex", "patient": "patient"}, ("ward",)).sentence()
        'Columns: sexe read as sex; ignored: ward.'
        """
        read_as, meant_as, unnamed = (text.get(language) for text in (_READ_AS, _MEANT_AS, _UNNAMED))
        between, colon = SEMICOLON.get(language), COLON.get(language)
        values = (
            f"{column}{colon}{', '.join(f'{word} {meant_as} {meant}' for word, meant in each.items())}"
            for column, each in self.values.items()
        )
        said = {
            _RENAMED: _listed((f"{column} {read_as} {key}" for column, key in self.renamed.items()), ", ", language),
            _VALUES: _listed(values, between, language),
            _IGNORED: _listed((column or unnamed for column in self.ignored), ", ", language),
            _NEAR: _listed((f"{column} ({key})" for column, key in self.near.items()), ", ", language),
        }
        parts = [part.filled({"found": found}).get(language) for part, found in said.items() if found]
        return f"{_COLUMNS.get(language)}{between.join(parts)}." if parts else ""


_COLUMNS = BilingualText("Columns: ", "Colonnes : ")
_READ_AS, _MEANT_AS = BilingualText("read as", "lue comme"), BilingualText("as", "comme")
_UNNAMED = BilingualText("a column without a name", "une colonne sans nom")
_MORE = BilingualText("and {n} more", "et {n} autres")
_RENAMED, _VALUES = BilingualText("{found}", "{found}"), BilingualText("values of {found}", "valeurs de {found}")
_IGNORED = BilingualText("ignored: {found}", "ignorées : {found}")
_NEAR = BilingualText("nearly a key, and ignored: {found}", "presque une clé, et ignorées : {found}")


def _listed(words: Iterable[str], between: str, language: Language) -> str:
    found = list(words)
    more = found[_SHOWN:]
    rest = [_MORE.filled({"n": str(len(more))}).get(language)] if more else []
    return between.join([*found[:_SHOWN], *rest])


def together(reports: Iterable[ColumnsRead]) -> tuple[ColumnsRead, ...]:
    """Put the reports of inputs with the same columns together."""
    found: dict[str, ColumnsRead] = {}
    for each in reports:
        place = repr((each.read, each.ignored, each.near, each.values))
        before = found.get(place)
        found[place] = (
            each
            if before is None
            else ColumnsRead(each.read, each.ignored, each.near, each.values, before.inputs + each.inputs)
        )
    return tuple(found.values())


def header_of(
    rows: Iterable[Sequence[str]], name: str, profile: Profile, names: ColumnNames
) -> tuple[list[str], Iterator[Sequence[str]]]:
    """Give the names of the columns of a table of text, and the rows below them.

    Raises:
        UnreadableCaseError: there is no row, or the names stand below another one.
    """
    remaining = iter(rows)
    first = list(itertools.islice(remaining, HEADER_AMONG))
    if not first:
        raise UnreadableCaseError(f"{name} is empty.", advice=f"Begin with a header line: {','.join(KEYS)}.")
    check_header(first, name, profile, names)
    stated = [column if column in profile.columns else bare(column) for column in first[0]]
    return stated, itertools.chain(first[1:], remaining)


def check_header(rows: Sequence[Sequence[Any]], name: str, profile: Profile, names: ColumnNames) -> None:
    """See that the names of columns stand in the first of some rows, and not below a title.

    Raises:
        UnreadableCaseError: they do not.
    """
    first, *_ = texts = [[bare(str(cell)) for cell in row] for row in rows]
    if not any(profile.key(cell) in KEYS for cell in first) and names.header_among(texts):
        raise UnreadableCaseError(
            f"{name} seems to have the names of its columns below a row that begins with {first[0]!r}.",
            advice="Delete the rows above them: the first one is to name the columns.",
        )


def columns_of(
    stated: Sequence[str], name: str, profile: Profile, names: ColumnNames, asking: Asking = COMMAND_LINE
) -> ColumnsRead:
    """Say what each column of a table is read as.

    Raises:
        UnreadableCaseError: a column is unknown, stands twice or is not there, or would be passed over though it is
            nearly a key of a fact that decides.
    """
    read = {column: profile.key(column) for column in stated if not profile.passes_over(column)}
    _check_once(stated, read, name, asking)
    _check_there(stated, name, profile)
    unknown = [column for column, key in read.items() if key not in KEYS]
    if unknown and not profile.passes_over_all:
        raise UnreadableCaseError(_unknown(unknown, name), advice=_advice(unknown, names, asking))
    resembled = {column: key for column in unknown if (key := names.resembled(column))}
    near = {column: key for column, key in resembled.items() if key in _DECIDING}
    if near:
        named = ", ".join(f"{column!r} (nearly {key})" for column, key in near.items())
        raise UnreadableCaseError(
            f"{name}: {named} would be passed over, though nearly a key that decides.",
            advice=f"Correct the name, or say what it is in a profile ({asking.profile}): {_line(near)}. "
            f"To pass it over all the same: {asking.passing(['all', *near])}.",
        )
    ignored = [column for column in stated if column not in read or column in unknown]
    if len(ignored) == len(stated):
        raise UnreadableCaseError(
            f"{name} has no column of the flat record, and says nothing of anybody.",
            advice=f"Name one of its columns as a key, such as {KEYS[0]}, or leave it out of the input.",
        )
    own = {column: key for column in ignored if (key := names.resembled(column))}
    return ColumnsRead({c: k for c, k in read.items() if k in KEYS}, tuple(ignored), own)


def _check_once(stated: Sequence[str], read: Mapping[str, str], name: str, asking: Asking) -> None:
    for column, key in read.items():
        if stated.count(column) > 1 and (column or key in KEYS):
            over = f", or pass over both: {asking.passing([column])}" if column and key not in KEYS else ""
            raise UnreadableCaseError(f"{name} has the column {column!r} twice.", advice=f"Keep one of them{over}.")
        same = [other for other, its in read.items() if its == key]
        if key in KEYS and len(same) > 1:
            raise UnreadableCaseError(
                f"{name} has {key!r} in two columns: {', '.join(map(repr, same))}.",
                advice=f"Keep one of them, and pass over the other: {asking.passing(same[-1:])}.",
            )


def _check_there(stated: Sequence[str], name: str, profile: Profile) -> None:
    lacking = [column for column in profile.columns if column not in stated]
    if lacking:
        raise UnreadableCaseError(
            f"{name} has no column {', '.join(map(repr, lacking))}.",
            advice="Correct its name in --map or in the profile.",
        )


def _unknown(unknown: Sequence[str], name: str) -> str:
    named = ", ".join(map(repr, unknown))
    if len(unknown) == 1:
        return f"{name} has the column {named}, which is not a key of the flat record."
    return f"{name} has the columns {named}, which are no keys of the flat record."


def _advice(unknown: Sequence[str], names: ColumnNames, asking: Asking) -> str:
    near = {column: key for column in unknown if (key := names.near(column))}
    return "".join(_sentences(unknown, near, asking))


def _sentences(unknown: Sequence[str], near: Mapping[str, str], asking: Asking) -> Iterator[str]:
    named = ["all"] if "" in unknown else unknown  # a column without a name has none to give
    passing = f"To pass over {'it' if len(unknown) == 1 else 'them'}: {asking.passing(named)}."
    if not near:
        yield f"Use: {', '.join(KEYS)}. {passing}"
    elif len(unknown) == 1:
        [key] = near.values()
        yield f"Did you mean {key!r}? Rename it, or say so in a profile ({asking.profile}): {_line(near)}. {passing}"
    else:
        meant = ", ".join(f"{key!r} for {column!r}" for column, key in near.items())
        lines = "".join(f"\n  {yaml_word(column)}: {key}" for column, key in near.items())
        yield f"Did you mean {meant}? Rename them, or say so in a profile ({asking.profile}). {passing} The profile:"
        yield f"\ncolumns:{lines}"


def _line(columns: Mapping[str, str]) -> str:
    return f"columns: {{{', '.join(f'{yaml_word(column)}: {key}' for column, key in columns.items())}}}"
