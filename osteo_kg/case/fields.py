"""The fields of the flat record: the one table from which everything is made that reads, writes or describes a record.

Readers and writers of JSON, CSV, Parquet and FHIR, the JSON Schema, and the columns of a cohort go by it. A new field
is a row here, a term of the ontology, and its shape.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import pyoxigraph as ox

from osteo_kg.rdf import OSTEO, RDF

FieldKind = Literal["text", "coded", "whole", "decimal", "day", "truth", "list"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """An entry of the RDF form for each number that a record gives of one kind of measurement, all of one day.

    Attributes:
        property: the property of the patient that lists the entries.
        entry_class: their class.
        place: the property that says where it was measured, if that tells the numbers apart; the place of a number
            is the individual that has its key as `osteo:recordKey`.
    """

    property: ox.NamedNode
    entry_class: ox.NamedNode
    place: ox.NamedNode | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the record, or of an entry of one of its lists.

    Attributes:
        key: its key.
        kind: what its value is: a coded value has a key, a list has entries.
        property: the property that states it, of the patient, the entry or the measurement; None for her name.
        values: the class of the values, or of the entries of a list without fields of their own.
        section: the section of the record whose entries it lists.
        entry_class: the class of those entries; None where a field of theirs states it.
        entry: the fields of an entry, the one that may stand for all first.
        otherwise: the key that the value has in an entry without it.
        measurement: the measurement that it is a number or the day of.
        period: of a day that may be known to the month or the year only: the properties that then state its first and
            its last day.
    """

    key: str
    kind: FieldKind
    property: ox.NamedNode | None = None
    values: ox.NamedNode | None = None
    section: ox.NamedNode | None = None
    entry_class: ox.NamedNode | None = None
    entry: tuple[Field, ...] = ()
    otherwise: str | None = None
    measurement: Measurement | None = None
    period: tuple[ox.NamedNode, ox.NamedNode] | None = None


DENSITOMETRY = Measurement(OSTEO.hasBoneDensitometry, OSTEO.BoneDensitometry, place=OSTEO.hasSite)
RENAL_FUNCTION = Measurement(OSTEO.hasRenalFunctionTest, OSTEO.RenalFunctionTest)
_FRACTURE = (
    Field("site", "coded", RDF.type, OSTEO.Fracture, otherwise="unspecified"),
    Field("mechanism", "coded", OSTEO.hasMechanism, OSTEO.FractureMechanism),
    Field("date", "day", OSTEO.occurredOn),
    Field("count", "whole", OSTEO.fracturedVertebraCount),
    Field("count_at_most", "whole", OSTEO.fracturedVertebraCountAtMost),
)
_TREATMENT = (
    Field("drug", "coded", OSTEO.withDrug, OSTEO.Drug),
    Field("outcome", "coded", OSTEO.hasOutcome, OSTEO.TreatmentOutcome),
)
#: Every field by its key, in the order in which a record is written.
FIELDS: Mapping[str, Field] = {
    field.key: field
    for field in (
        Field("patient", "text"),
        Field("sex", "coded", OSTEO.hasSex, OSTEO.Sex),
        Field("menopausal_status", "coded", OSTEO.hasMenopausalStatus, OSTEO.MenopausalStatus),
        Field("age_years", "whole", OSTEO.ageInYears),
        Field("birth_date", "day", OSTEO.birthDate),
        Field("t_score_lumbar_spine", "decimal", OSTEO.tScore, measurement=DENSITOMETRY),
        Field("t_score_femoral_neck", "decimal", OSTEO.tScore, measurement=DENSITOMETRY),
        Field("t_score_total_hip", "decimal", OSTEO.tScore, measurement=DENSITOMETRY),
        Field(
            "densitometry_date",
            "day",
            OSTEO.performedOn,
            measurement=DENSITOMETRY,
            period=(OSTEO.performedFrom, OSTEO.performedUntil),
        ),
        Field("fractures", "list", OSTEO.hasFracture, section=OSTEO.FractureHistory, entry=_FRACTURE),
        Field(
            "treatment_history",
            "list",
            OSTEO.hasPastTreatment,
            section=OSTEO.TreatmentHistory,
            entry_class=OSTEO.PastTreatment,
            entry=_TREATMENT,
        ),
        Field("conditions", "list", OSTEO.hasCondition, OSTEO.MedicalCondition, section=OSTEO.MedicalHistory),
        Field("climacteric_disorders", "truth", OSTEO.climactericDisorders),
        Field("low_peripheral_fracture_risk", "truth", OSTEO.lowPeripheralFractureRisk),
        Field("creatinine_clearance", "decimal", OSTEO.creatinineClearance, measurement=RENAL_FUNCTION),
        Field("egfr", "decimal", OSTEO.estimatedGfr, measurement=RENAL_FUNCTION),
        Field("renal_function_date", "day", OSTEO.performedOn, measurement=RENAL_FUNCTION),
        Field("open_sections", "list", OSTEO.isOpenFor, OSTEO.RecordSection),
    )
}
KEYS = tuple(FIELDS)


def of_kind(*kinds: FieldKind) -> tuple[Field, ...]:
    """Give the fields of some kinds."""
    return tuple(field for field in FIELDS.values() if field.kind in kinds)


def measured(measurement: Measurement) -> tuple[Field, ...]:
    """Give the fields with the numbers of a measurement."""
    return tuple(field for field in FIELDS.values() if field.measurement == measurement and field.kind == "decimal")


def day_field(measurement: Measurement) -> Field:
    """Give the field with the day of a measurement."""
    return next(field for field in FIELDS.values() if field.measurement == measurement and field.kind == "day")


#: The fields that say one thing of the patient herself.
STATED = tuple(field for field in FIELDS.values() if field.property and not field.measurement and field.kind != "list")
CODED = tuple(field for field in STATED if field.kind == "coded")
STATEMENTS = tuple(field for field in STATED if field.kind == "truth")
LISTS = of_kind("list")
SCORES = tuple(field.key for field in measured(DENSITOMETRY))
#: The section of the record that each list gives the entries of, by the key of the list.
SECTIONS: Mapping[str, ox.NamedNode] = {field.key: field.section for field in LISTS if field.section}
#: The property by which a case lists the entries of each section, by the IRI of the section.
LISTING: Mapping[str, ox.NamedNode] = {f.section.value: f.property for f in LISTS if f.section and f.property}


def _stating(fields: Iterable[Field]) -> dict[str, Field]:
    """Give the field behind each property of the RDF form; the fields of an entry stand for it as a whole."""
    found: dict[str, Field] = {}
    for field in fields:
        for each in (field, *field.entry) if field.property != RDF.type else ():
            stating = (each.property, *(each.period or ()))
            found |= {property_.value: field for property_ in stating if property_ and property_ != RDF.type}
    return found


#: The field of the record behind each property of the RDF form; a day of measurement stands for the first of them.
FIELD_OF_PROPERTY: Mapping[str, Field] = _stating(reversed(list(FIELDS.values())))
#: What the value of each property is.
KIND_OF_PROPERTY: dict[str, FieldKind] = {
    property_.value: each.kind
    for field in FIELDS.values()
    for each in (field, *field.entry)
    for property_ in (each.property, *(each.period or ()))
    if property_
}
#: What the value is of each property of a patient that no flat record states.
BEYOND_THE_RECORD: dict[str, FieldKind] = {
    OSTEO.menopausalStatusAssumed.value: "truth",
    OSTEO.isDeceased.value: "truth",
}
