"""What a form holds, as text; and the flat record that it stands for, read by the reader of records.

A field that is left open is unknown, never false. A key that the form does not have is refused: a misspelt one could
change an answer.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from werkzeug.exceptions import BadRequest

from osteo_kg import BilingualText, Finding, Language
from osteo_kg_server.pages.patient.fields import Form, FormField

TRUTHS = {"true": BilingualText("yes", "oui"), "false": BilingualText("no", "non")}
NONE, SOME = "none", "some"
#: Fields that are the form's own, beside those of the record.
DAY, ADD, REMOVE, TAKE, FILE, CASE, READING = "on", "add", "remove", "take", "file", "case", "reading"
_OWN = (DAY, ADD, REMOVE, TAKE, READING)
_NUMBER = re.compile(r"[-+]?[0-9]{1,30}([.][0-9]{1,30})?")
_ROW = re.compile(r"(?P<list>[a-z_]+)[.](?P<row>[0-9]{1,4})(?:[.](?P<key>[a-z_]+))?")
_IN_LIST = re.compile(r"(?P<list>[a-z_]+)\[(?P<entry>[0-9]+)\]$")
_MOST_ROWS = 200
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−﹣－", "-"))
_ADVICE_DAY = BilingualText("Write it as 2026-11-22.", "L’écrire comme 2026-11-22.")
_NO_DAY = BilingualText("The day of assessment is not a day.", "Le jour de l’évaluation n’est pas un jour.")
_CONTRADICTS = BilingualText(
    "It says that there is none, and lists some.", "Il est dit qu’il n’y en a pas, et certaines sont listées."
)
_CHOOSE = BilingualText("Choose one of the two.", "Choisir l’un des deux.")
_EMPTY = BilingualText("It says that there are some, and lists none.", "Il est dit qu’il y en a, et rien n’est listé.")
_LIST = BilingualText(
    "Until they are listed, they count as not known.", "Tant que rien n’est listé, cela compte comme non renseigné."
)


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that is wrong with the form: at which field, what, and what to do; a hint keeps no answer back."""

    name: str
    message: BilingualText
    advice: BilingualText
    is_hint: bool = False


@dataclass(slots=True)
class Filled:
    """What a form holds.

    Attributes:
        values: the text of each field that is written or chosen, by name.
        chosen: of a field of boxes those that are ticked.
        states: of each list of rows what is said of the whole: `none`, `some`, or nothing.
        rows: of each list the text of its rows, by number and then by the key in an entry.
        on: the day of assessment, as written.
    """

    values: dict[str, str] = field(default_factory=dict)
    chosen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    rows: dict[str, dict[int, dict[str, str]]] = field(default_factory=dict)
    on: str = ""
    asked: dict[str, str] = field(default_factory=dict)

    def holds(self, each: FormField) -> bool:
        """Say whether a field holds something."""
        return bool(
            self.values.get(each.name)
            or self.chosen.get(each.name)
            or self.states.get(each.name)
            or self.rows.get(each.name)
        )

    def holds_any(self, fields: Iterable[FormField]) -> bool:
        """Say whether any of some fields holds something."""
        return any(self.holds(each) for each in fields)

    def stated_rows(self, name: str) -> dict[int, dict[str, str]]:
        """Give the rows of a list that hold something, by number."""
        found = {}
        for number, row in self.rows.get(name, {}).items():
            stated = {key: text for key, text in row.items() if text}
            if stated:
                found[number] = stated
        return found

    @property
    def day(self) -> datetime.date | None:
        """The day of assessment; None where what is written is none."""
        try:
            return datetime.date.fromisoformat(self.on) if self.on else datetime.date.today()
        except ValueError:
            return None


def read_form(pairs: Iterable[tuple[str, str]], form: Form) -> Filled:
    """Read what was posted.

    Raises:
        BadRequest: a field is unknown, or given more than once.
    """
    filled, given = Filled(), set()
    for name, text in pairs:
        each = form.fields.get(name)
        if name in given and not (each and each.kind == "boxes"):
            raise BadRequest(f"The field {name!r} is given more than once. Give it once.")
        given.add(name)
        text = text.strip()
        if name == DAY:
            filled.on = text
        elif name in _OWN:
            filled.asked[name] = text
        elif each is None:
            _read_row(filled, form, name, text)
        elif each.kind == "boxes":
            filled.chosen[name] = (*filled.chosen.get(name, ()), *([text] if text else []))
        elif each.kind == "rows":
            filled.states[name] = _state(name, text)
        else:
            filled.values[name] = text
    return filled


def _state(name: str, text: str) -> str:
    if text not in ("", NONE, SOME):
        raise BadRequest(f"The field {name!r} says neither that there are none nor that there are some. Correct it.")
    return text


def _read_row(filled: Filled, form: Form, name: str, text: str) -> None:
    match = _ROW.fullmatch(name)
    each = form.fields.get(match["list"]) if match else None
    names = {entry.name for entry in each.entry} if each else set()
    if match is None or each is None or ".".join(filter(None, (match["list"], match["key"]))) not in names:
        raise BadRequest(f"There is no field {name!r} on this form. Leave it out, or correct its name.")
    rows = filled.rows.setdefault(each.name, {})
    rows.setdefault(int(match["row"]), {})[match["key"] or ""] = text
    if len(rows) > _MOST_ROWS:
        raise BadRequest(f"The list {each.name!r} has more than {_MOST_ROWS} rows. Send the record as a file.")


def record_of_form(filled: Filled, form: Form) -> tuple[dict[str, Any], list[Wrong]]:
    """Give the flat record that a form stands for, and what is wrong with the form itself."""
    record: dict[str, Any] = {}
    wrong = [] if filled.day else [Wrong(DAY, _NO_DAY, _ADVICE_DAY)]
    for name, each in form.fields.items():
        if each.kind == "rows":
            entries = [_entry(each, row) for row in filled.stated_rows(name).values()]
            state = filled.states.get(name)
            if entries or state == NONE:
                record[name] = entries
            if entries and state == NONE:
                wrong.append(Wrong(name, _CONTRADICTS, _CHOOSE))
            if not entries and state == SOME:
                wrong.append(Wrong(name, _EMPTY, _LIST, is_hint=True))
        elif filled.chosen.get(name):
            record[name] = list(dict.fromkeys(filled.chosen[name]))
        elif text := filled.values.get(name):
            record[name] = _value(each, text)
    return record, wrong


def _entry(each: FormField, row: Mapping[str, str]) -> Any:
    if not each.field.entry:
        return row[""]
    kinds = {entry.field.key: entry for entry in each.entry}
    return {key: _value(kinds[key], text) for key, text in row.items()}


def _value(each: FormField, text: str) -> Any:
    """Give the value of a text; one that is not of its kind stays text, for the reader to refuse."""
    if each.kind == "truth":
        return {"true": True, "false": False}.get(text, text)
    if each.kind in ("whole", "decimal"):
        plain = text.translate(_DASHES)
        plain = plain.replace(",", ".") if each.kind == "decimal" and "." not in plain else plain
        return Decimal(plain) if _NUMBER.fullmatch(plain) else text
    return text


def wrong_of(finding: Finding, filled: Filled, form: Form) -> Wrong:
    """Say at which field of the form a finding of the reader or of the shapes stands."""
    place = _IN_LIST.search(finding.focus)
    name = finding.path if finding.path in form.fields else next(iter(form.fields))
    if place and place["list"] in form.fields:
        numbers = list(filled.stated_rows(place["list"]))
        at = int(place["entry"]) - 1
        name = f"{place['list']}.{numbers[at]}" if at < len(numbers) else place["list"]
    return Wrong(name, finding.message, finding.advice)


def filled_with(record: Mapping[str, Any], form: Form, on: str) -> Filled:
    """Give a form that holds a flat record."""
    filled = Filled(on=on)
    for name, value in record.items():
        each = form.fields[name]
        if each.kind == "rows":
            filled.states[name] = SOME if value else NONE
            filled.rows[name] = {number: _row(each, entry) for number, entry in enumerate(value, 1)}
        elif each.kind == "boxes":
            filled.chosen[name] = tuple(value)
        else:
            filled.values[name] = _text(value)
    return filled


def _row(each: FormField, entry: Any) -> dict[str, str]:
    if isinstance(entry, Mapping):
        return {key: _text(value) for key, value in entry.items()}
    return {each.field.entry[0].key if each.field.entry else "": _text(entry)}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def entered(filled: Filled, form: Form, language: Language) -> Iterator[tuple[str, str]]:
    """Say what a form holds: of each field that holds something what it is called, and what it says."""
    for name, each in form.fields.items():
        if each.kind == "rows":
            rows = [_said_row(each, row, language) for row in filled.stated_rows(name).values()]
            none = [each.none_label.get(language)] if filled.states.get(name) == NONE else []
            said = "; ".join(rows or none)
        else:
            texts = filled.chosen.get(name) or tuple(filter(None, [filled.values.get(name)]))
            said = ", ".join(_said(each, text, language) for text in texts)
        if said:
            yield each.label.get(language), said


def _said_row(each: FormField, row: Mapping[str, str], language: Language) -> str:
    fields = {(entry.field.key if each.field.entry else ""): entry for entry in each.entry}
    return ", ".join(_said(fields[key], text, language) for key, text in row.items())


def _said(each: FormField, text: str, language: Language) -> str:
    labels = {value.key: value.label.get(language) for value in each.values}
    if each.kind == "truth":
        labels = {key: label.get(language) for key, label in TRUTHS.items()}
    return labels.get(text, text)
