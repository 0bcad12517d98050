"""The flat record of design.md section 3.3: one JSON object, or one CSV row, for one patient."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pyoxigraph as ox

from osteo_kg.bilingual import BilingualText
from osteo_kg.case.model import Case, normalised, patient_iri, reserved, violation
from osteo_kg.case.report import Finding
from osteo_kg.errors import OsteoError
from osteo_kg.knowledge.terms import Terms
from osteo_kg.rdf.lookup import RDF_TYPE
from osteo_kg.rdf.terms import BOOLEAN, DECIMAL, INTEGER, OSTEO, day_literal

CODED = {
    "sex": (OSTEO.hasSex, OSTEO.Sex),
    "menopausal_status": (OSTEO.hasMenopausalStatus, OSTEO.MenopausalStatus),
}
STATEMENTS = {
    "climacteric_disorders": OSTEO.climactericDisorders,
    "low_peripheral_fracture_risk": OSTEO.lowPeripheralFractureRisk,
}
SECTIONS = {
    "fractures": OSTEO.FractureHistory,
    "treatment_history": OSTEO.TreatmentHistory,
    "conditions": OSTEO.MedicalHistory,
}
SCORES = ("t_score_lumbar_spine", "t_score_femoral_neck", "t_score_total_hip")
RENAL = {"creatinine_clearance": OSTEO.creatinineClearance, "egfr": OSTEO.estimatedGfr}
RENAL_FUNCTION = (*RENAL, "renal_function_date")
#: Every key whose value is a number.
NUMBERS = (*SCORES, *RENAL, "age_years")
KEYS = (
    "patient",
    *CODED,
    "age_years",
    "birth_date",
    *SCORES,
    "densitometry_date",
    *SECTIONS,
    *STATEMENTS,
    *RENAL_FUNCTION,
)
FRACTURE_KEYS = ("site", "mechanism", "date", "count")
TREATMENT_KEYS = ("drug", "outcome")
#: The flat key that states what a property of the RDF form states.
KEY_OF_PROPERTY = {
    str(OSTEO.hasSex): "sex",
    str(OSTEO.hasMenopausalStatus): "menopausal_status",
    str(OSTEO.ageInYears): "age_years",
    str(OSTEO.birthDate): "birth_date",
    str(OSTEO.performedOn): "densitometry_date",
    str(OSTEO.hasFracture): "fractures",
    str(OSTEO.hasMechanism): "fractures",
    str(OSTEO.occurredOn): "fractures",
    str(OSTEO.fracturedVertebraCount): "fractures",
    str(OSTEO.hasPastTreatment): "treatment_history",
    str(OSTEO.withDrug): "treatment_history",
    str(OSTEO.hasOutcome): "treatment_history",
    str(OSTEO.hasCondition): "conditions",
    **{str(property_): key for key, property_ in RENAL.items()},
    str(OSTEO.climactericDisorders): "climacteric_disorders",
    str(OSTEO.lowPeripheralFractureRisk): "low_peripheral_fracture_risk",
}


class Repeated(dict[str, Any]):
    """A JSON object in which some keys stood more than once."""

    repeated: tuple[str, ...] = ()


def record_case(record: Mapping[str, Any], fallback: str, terms: Terms) -> Case:
    """Make the case of one flat record; `fallback` names a patient whom the record does not name."""
    stated = record.get("patient")
    name = stated if isinstance(stated, str) and stated else fallback
    writer = _Writer(name, patient_iri(name), terms)
    writer.check_keys(record, KEYS)
    if stated is not None and not isinstance(stated, str):
        writer.refuse("patient", str(stated), _TEXT_WANTED)
    if writer.patient.value.startswith(str(OSTEO._NS)):
        writer.findings.append(reserved(name))
    writer.write(record)
    ignored, findings = tuple(writer.ignored), tuple(writer.findings)
    return Case(name, writer.patient.value, normalised(writer.triples), ignored, findings, flat=True)


_TEXT_WANTED = BilingualText("is not text", "n’est pas du texte")


def unread_case(name: str, error: OsteoError) -> Case:
    """Make the case of a record that cannot be read at all, so that the others of its input are answered."""
    advice = BilingualText(error.advice, "Corriger cet enregistrement.")
    finding = violation(name, "record", None, BilingualText(error.message, f"Illisible : {error.message}"), advice)
    patient = ox.NamedNode(patient_iri(name))
    return Case(name, patient.value, (ox.Triple(patient, RDF_TYPE, _node(OSTEO.Patient)),), (), (finding,), flat=True)


class _Writer:
    """Writes the triples of one record, and the findings about what cannot be written."""

    def __init__(self, name: str, iri: str, terms: Terms) -> None:
        self.name = name
        self.patient = ox.NamedNode(iri)
        self.terms = terms
        self.triples = [ox.Triple(self.patient, RDF_TYPE, _node(OSTEO.Patient))]
        self.findings: list[Finding] = []
        self.ignored: list[str] = []

    def write(self, record: Mapping[str, Any]) -> None:
        for key, (predicate, kind) in CODED.items():
            if (value := record.get(key)) is not None and (node := self.coded(value, kind, key)):
                self.add(self.patient, predicate, node)
        if (age := record.get("age_years")) is not None:
            self.add(self.patient, OSTEO.ageInYears, _literal(age, INTEGER))
        if (birth := record.get("birth_date")) is not None:
            self.add(self.patient, OSTEO.birthDate, _day(birth))
        for key, predicate in STATEMENTS.items():
            if (value := record.get(key)) is not None:
                self.add(self.patient, predicate, _literal(value, BOOLEAN))
        self.scores(record)
        self.renal(record)
        for key, section in SECTIONS.items():
            self.section(record.get(key), key, section)

    def scores(self, record: Mapping[str, Any]) -> None:
        sites = {key: iri for iri, key in self.terms.record_keys.items()}
        kind = (OSTEO.hasBoneDensitometry, OSTEO.BoneDensitometry)
        for key, node in self.measured(record, SCORES, "densitometry_date", *kind):
            self.add(node, OSTEO.hasSite, ox.NamedNode(sites[key]))
            self.add(node, OSTEO.tScore, _literal(record[key], DECIMAL))

    def renal(self, record: Mapping[str, Any]) -> None:
        kind = (OSTEO.hasRenalFunctionTest, OSTEO.RenalFunctionTest)
        for key, node in self.measured(record, RENAL, "renal_function_date", *kind):
            self.add(node, RENAL[key], _literal(record[key], DECIMAL))

    def measured(
        self, record: Mapping[str, Any], keys: Iterable[str], date_key: str, property_: str, class_: str
    ) -> Iterator[tuple[str, ox.BlankNode]]:
        """Write a measurement for each key that is given, with the one date of them all; a node goes by its key."""
        day = record.get(date_key)
        given = [key for key in keys if record.get(key) is not None]
        for key in given:
            node = ox.BlankNode(key)
            self.add(self.patient, property_, node)
            self.triples.append(ox.Triple(node, RDF_TYPE, _node(class_)))
            yield key, node
            if day is not None:
                self.add(node, OSTEO.performedOn, _day(day))
        if day is not None and not given:
            if day_literal(str(day)) is None:
                self.refuse(date_key, str(day), BilingualText("is not a date", "n’est pas une date"))
            self.ignored.append(date_key)  # the date of no measurement

    def section(self, entries: Any, key: str, section: str) -> None:
        if entries is None:
            return
        if not isinstance(entries, list):
            self.refuse(key, _shown(entries), BilingualText("is not a list", "n’est pas une liste"))
            return
        if not entries:
            self.add(self.patient, OSTEO.isCompleteFor, _node(section))
        for number, entry in enumerate(entries, 1):
            getattr(self, f"_{key}")(entry, ox.BlankNode(f"{key}{number}"), f"{key}[{number}]")

    def _fractures(self, entry: Any, node: ox.BlankNode, path: str) -> None:
        fields = self.entry(entry, "site", FRACTURE_KEYS, path)
        if fields is None:
            return
        site = fields.get("site")
        kind = self.coded("unspecified" if site is None else site, OSTEO.Fracture, path)
        if kind is None:
            return
        self.add(self.patient, OSTEO.hasFracture, node)
        self.triples.append(ox.Triple(node, RDF_TYPE, kind))
        if (value := fields.get("mechanism")) is not None and (
            mechanism := self.coded(value, OSTEO.FractureMechanism, path)
        ):
            self.add(node, OSTEO.hasMechanism, mechanism)
        if (value := fields.get("date")) is not None:
            self.add(node, OSTEO.occurredOn, _day(value))
        if (value := fields.get("count")) is not None:
            self.add(node, OSTEO.fracturedVertebraCount, _literal(value, INTEGER))

    def _treatment_history(self, entry: Any, node: ox.BlankNode, path: str) -> None:
        fields = self.entry(entry, "drug", TREATMENT_KEYS, path)
        drug = self.coded(fields.get("drug"), OSTEO.Drug, path) if fields is not None else None
        if fields is None or drug is None:
            return
        self.add(self.patient, OSTEO.hasPastTreatment, node)
        self.triples.append(ox.Triple(node, RDF_TYPE, _node(OSTEO.PastTreatment)))
        self.add(node, OSTEO.withDrug, drug)
        if (value := fields.get("outcome")) is not None and (
            outcome := self.coded(value, OSTEO.TreatmentOutcome, path)
        ):
            self.add(node, OSTEO.hasOutcome, outcome)

    def _conditions(self, entry: Any, node: ox.BlankNode, path: str) -> None:
        if condition := self.coded(entry, OSTEO.MedicalCondition, path):
            self.add(self.patient, OSTEO.hasCondition, condition)

    def entry(self, entry: Any, main: str, keys: tuple[str, ...], path: str) -> Mapping[str, Any] | None:
        if isinstance(entry, str):
            return {main: entry}
        if isinstance(entry, dict):
            self.check_keys(entry, keys, path)
            return entry
        self.refuse(
            path, _shown(entry), BilingualText("is neither a key nor an object", "n’est ni une clé ni un objet")
        )
        return None

    def coded(self, value: Any, kind: str, path: str) -> ox.NamedNode | None:
        known = self.terms.kinds[str(kind)]
        if isinstance(value, str) and value in known:
            return ox.NamedNode(known[value])
        what = self.terms.label(str(kind))
        self.refuse(
            path,
            _shown(value),
            BilingualText(f"is not a known {what.en}", f"n’est pas une valeur connue ({what.fr})"),
            nearest(str(value), known),
        )
        return None

    def check_keys(self, record: Mapping[str, Any], keys: tuple[str, ...], where: str = "") -> None:
        for key in record:
            if key not in keys:
                unknown = BilingualText("is not a key known here", "n’est pas une clé connue ici")
                self.refuse(where or key, key if where else None, unknown, nearest(key, keys))
        for key in getattr(record, "repeated", ()):
            self.refuse(where or key, key if where else None, BilingualText("stands twice", "figure deux fois"))

    def add(self, subject: ox.NamedNode | ox.BlankNode, predicate: str, value: Any) -> None:
        self.triples.append(ox.Triple(subject, _node(predicate), value))

    def refuse(self, where: str, value: str | None, what: BilingualText, advice: BilingualText | None = None) -> None:
        """Refuse a key of the record, or one of its entries such as `fractures[2]`."""
        shown = f"{where}: {value!r}" if value is not None else repr(where)
        key, entry, _ = where.partition("[")
        self.findings.append(
            violation(
                f"{self.name}, {where}" if entry else self.name,
                key,
                value,
                BilingualText(f"{shown} {what.en}.", f"{shown} {what.fr}."),
                advice
                or BilingualText(
                    "Correct it, or leave it out if it is unknown.", "Le corriger, ou l’omettre si inconnu."
                ),
            )
        )


def nearest(word: str, known: Iterable[str]) -> BilingualText:
    """Advise the nearest of the known words, or all of them where none is near."""
    choices = sorted(known)
    close = difflib.get_close_matches(word.lower(), choices, n=1, cutoff=0.5)
    listed = ", ".join(choices)
    if close:
        return BilingualText(f"Did you mean {close[0]!r}?", f"Vouliez-vous dire {close[0]!r} ?")
    return BilingualText(f"Use one of: {listed}.", f"Employer l’un de : {listed}.")


def _node(iri: str) -> ox.NamedNode:
    return ox.NamedNode(str(iri))


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _literal(value: Any, datatype: ox.NamedNode) -> ox.Literal:
    """Write a value of the type that its key wants; another type is written as what it is, for the shapes to refuse."""
    if isinstance(value, bool):
        return ox.Literal("true" if value else "false", datatype=BOOLEAN)
    if isinstance(value, Decimal):
        return ox.Literal(f"{value:f}", datatype=datatype if datatype != BOOLEAN else DECIMAL)
    return ox.Literal(_shown(value))


def _day(value: Any) -> ox.Literal:
    text = _shown(value)
    return (day_literal(text) if isinstance(value, str) else None) or ox.Literal(text)
