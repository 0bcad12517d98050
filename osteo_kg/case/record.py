"""The flat record (docs/reference/contracts.md, section 3): one JSON object, or one row of a table, for one patient."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.case.fields import (
    DENSITOMETRY,
    KEYS,
    LISTS,
    RENAL_FUNCTION,
    STATED,
    Field,
    Measurement,
    day_field,
    measured,
)
from osteo_kg.case.model import Case, normalised, patient_iri, reserved, violation
from osteo_kg.case.report import Finding
from osteo_kg.case.suggestions import OF_A_KEY, ColumnNames, nearest, nearest_value
from osteo_kg.errors import OsteoError
from osteo_kg.knowledge import MISSING, Terms
from osteo_kg.rdf import OSTEO, RDF, XSD, Node, day_literal, day_of, period_of

_TEXT_WANTED = BilingualText("is not text", "doit être un texte")
_DATATYPES = {"whole": XSD.integer, "decimal": XSD.decimal, "truth": XSD.boolean}


class Repeated(dict[str, Any]):
    """A JSON object in which some keys stood more than once."""

    repeated: tuple[str, ...] = ()


def with_values(record: dict[str, Any], values: Mapping[str, Any], repeated: Iterable[str]) -> dict[str, Any]:
    """Give an object of JSON with other values; it still says which keys stood more than once."""
    found = Repeated(values)
    found.repeated = tuple(sorted(set(repeated)))
    return found if found.repeated or isinstance(record, Repeated) else dict(values)


def record_case(record: Mapping[str, Any], fallback: str, terms: Terms) -> Case:
    """Make the case of one flat record; `fallback` names a patient whom the record does not name."""
    stated = record.get("patient")
    name = stated if isinstance(stated, str) and stated else fallback
    writer = _Writer(name, patient_iri(name), terms)
    writer.check_keys(record, KEYS)
    if stated is not None and not isinstance(stated, str):
        writer.refuse("patient", str(stated), _TEXT_WANTED)
    if writer.patient.value.startswith(OSTEO.iri):
        writer.findings.append(reserved(name))
    writer.write(record)
    ignored, findings = tuple(writer.ignored), tuple(writer.findings)
    return Case(name, writer.patient.value, normalised(writer.triples), ignored, findings, flat=True)


def unread_case(name: str, error: OsteoError) -> Case:
    """Make the case of a record that cannot be read at all, so that the others of its input are answered."""
    advice = BilingualText(error.advice, "Corriger cet enregistrement.")
    message = BilingualText(error.message, f"Illisible : {error.message}")
    finding = violation(name, "record", None, message, advice)
    patient = ox.NamedNode(patient_iri(name))
    return Case(name, patient.value, (ox.Triple(patient, RDF.type, OSTEO.Patient),), (), (finding,), flat=True)


class _Writer:
    """Writes the triples of one record, and the findings about what cannot be written."""

    def __init__(self, name: str, iri: str, terms: Terms) -> None:
        self.name = name
        self.patient = ox.NamedNode(iri)
        self.terms = terms
        self.triples = [ox.Triple(self.patient, RDF.type, OSTEO.Patient)]
        self.findings: list[Finding] = []
        self.ignored: list[str] = []

    def write(self, record: Mapping[str, Any]) -> None:
        for field in STATED:
            self.value(self.patient, field, record.get(field.key), field.key)
        for measurement in (DENSITOMETRY, RENAL_FUNCTION):
            self.measurement(record, measurement)
        for field in LISTS:
            self.entries(field, record.get(field.key))

    def value(self, subject: Node, field: Field, value: Any, path: str) -> None:
        """Write the value of a field, where there is one; another type is left for the shapes to refuse."""
        if value is None or field.property is None or self.is_missing_code(value, field, path):
            return
        if field.period and (between := period_of(value)):
            for property_, day in zip(field.period, between, strict=True):
                self.add(subject, property_, day_of(day))
            return
        if field.kind == "coded":
            term: ox.NamedNode | ox.Literal | None = self.coded(value, field, path)
        elif field.kind == "day":
            term = _day(value)
        else:
            term = _literal(value, _DATATYPES[field.kind])
        if term is not None:
            self.add(subject, field.property, term)

    def measurement(self, record: Mapping[str, Any], measurement: Measurement) -> None:
        """Write an entry for each number that is given, with the one day of them all; a node goes by its key."""
        fields, dated = measured(measurement), day_field(measurement)
        day = record.get(dated.key)
        given = [field for field in fields if record.get(field.key) is not None]
        for field in given:
            node = ox.BlankNode(field.key)
            self.add(self.patient, measurement.property, node)
            self.add(node, RDF.type, measurement.entry_class)
            if measurement.place:
                self.add(node, measurement.place, ox.NamedNode(self.terms.fact_of[field.key]))
            self.value(node, field, record[field.key], field.key)
            self.value(node, dated, day, dated.key)
        if day is not None and not given:
            if day_literal(str(day)) is None and period_of(day) is None:
                self.refuse(dated.key, str(day), BilingualText("is not a date", "n’est pas une date"))
            self.ignored.append(dated.key)  # the day of no measurement

    def entries(self, field: Field, stated: Any) -> None:
        assert field.property is not None  # it is a list
        if stated is None:
            return
        if not isinstance(stated, list):
            self.refuse(field.key, _shown(stated), BilingualText("is not a list", "n’est pas une liste"))
            return
        if not stated and field.section is not None:
            self.add(self.patient, OSTEO.isCompleteFor, field.section)
        for number, entry in enumerate(stated, 1):
            path = f"{field.key}[{number}]"
            if field.entry:
                self.entry(field, entry, ox.BlankNode(f"{field.key}{number}"), path)
            elif value := self.coded(entry, field, path):
                self.add(self.patient, field.property, value)

    def entry(self, field: Field, entry: Any, node: ox.BlankNode, path: str) -> None:
        """Write an entry of a list; one whose main value cannot be read is refused, and the rest of it says nothing."""
        assert field.property  # it is a list
        main, *others = field.entry
        fields = self.entry_fields(entry, field, path)
        if fields is None:
            return
        stated = fields.get(main.key)
        if all(fields.get(each.key) is None for each in field.entry):
            what = BilingualText("is an entry that nothing is said of", "est une entrée dont rien n’est dit")
            self.refuse(path, None, what)
            return
        value = self.coded(main.otherwise if stated is None else stated, main, path)
        if value is None:
            return
        self.add(self.patient, field.property, node)
        if field.entry_class:
            self.add(node, RDF.type, field.entry_class)
        assert main.property  # an entry is about something
        self.add(node, main.property, value)
        for each in others:
            self.value(node, each, fields.get(each.key), path)

    def entry_fields(self, entry: Any, field: Field, path: str) -> Mapping[str, Any] | None:
        if isinstance(entry, str):
            return {field.entry[0].key: entry}
        if isinstance(entry, dict):
            self.check_keys(entry, tuple(each.key for each in field.entry), path)
            return entry
        what = BilingualText("is neither a key nor an object", "n’est ni une clé ni un objet")
        self.refuse(path, _shown(entry), what)
        return None

    def coded(self, value: Any, field: Field, path: str) -> ox.NamedNode | None:
        assert field.values  # a coded value is one of a class
        known = self.terms.kinds[field.values]
        if isinstance(value, str) and value in known:
            return ox.NamedNode(known[value])
        if self.is_missing_code(value, field, path):
            return None
        what = self.terms.label(field.values)
        self.refuse(
            path,
            _shown(value),
            BilingualText(f"is not a known {what.en}", f"n’est pas une valeur reconnue ({what.fr})"),
            nearest_value(str(value), known, self.terms, in_list="[" in path),
        )
        return None

    def is_missing_code(self, value: Any, field: Field, path: str) -> bool:
        """Refuse a text that tables write where a value is missing; a number is left for the shapes."""
        words = self.terms.table_words
        known = self.terms.kinds[field.values] if field.values else ()
        if not isinstance(value, str) or value in known or not words.means(value, MISSING):
            return False
        what = BilingualText("is a code for a missing value", "est un code de valeur manquante")
        self.refuse(path, value, what, _missing_advice(value))
        return True

    def check_keys(self, record: Mapping[str, Any], keys: tuple[str, ...], where: str = "") -> None:
        for key in record:
            if key not in keys:
                unknown = BilingualText("is not a key known here", "n’est pas une clé reconnue")
                near = ColumnNames(self.terms).near(key) if keys == KEYS else None
                advice = nearest(near or key, keys, shortest=OF_A_KEY)
                self.refuse(where or key, key if where else None, unknown, advice)
        for key in getattr(record, "repeated", ()):
            self.refuse(where or key, key if where else None, BilingualText("stands twice", "figure deux fois"))

    def add(self, subject: Node, predicate: ox.NamedNode, value: Node | ox.Literal) -> None:
        self.triples.append(ox.Triple(subject, predicate, value))

    def refuse(self, where: str, value: str | None, what: BilingualText, advice: BilingualText | None = None) -> None:
        """Refuse a key of the record, or one of its entries such as `fractures[2]`."""
        shown = f"{where}: {value!r}" if value is not None else repr(where)
        key, entry, _ = where.partition("[")
        usual = BilingualText(
            "Correct it, or leave it out if it is unknown.", "À corriger, ou à laisser vide si l’information manque."
        )
        self.findings.append(
            violation(
                f"{self.name}, {where}" if entry else self.name,
                key,
                value,
                BilingualText(f"{shown} {what.en}.", f"{shown} {what.fr}."),
                advice or usual,
            )
        )


def _missing_advice(code: str) -> BilingualText:
    line = f"missing: [{json.dumps(code, ensure_ascii=False)}]"
    return BilingualText(
        f"Leave it out (an empty cell, or null), or name it in an import profile (--profile): {line}.",
        f"Ne rien écrire (cellule vide, ou null), ou le nommer dans un profil d’import (--profile) : {line}.",
    )


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _literal(value: Any, datatype: ox.NamedNode) -> ox.Literal:
    """Write a value of the type that its key wants; another type is written as what it is, for the shapes to refuse."""
    if isinstance(value, bool):
        return ox.Literal("true" if value else "false", datatype=XSD.boolean)
    if isinstance(value, Decimal):
        return ox.Literal(f"{value:f}", datatype=datatype if datatype != XSD.boolean else XSD.decimal)
    return ox.Literal(_shown(value))


def _day(value: Any) -> ox.Literal:
    text = _shown(value)
    return (day_literal(text) if isinstance(value, str) else None) or ox.Literal(text)
