"""Namespaces, and the terms that Python names.

A term cannot be misspelt: an unknown one is an error at once.
"""

from __future__ import annotations

import datetime
import re
from decimal import Decimal, InvalidOperation

import pyoxigraph as ox
from rdflib import Namespace, URIRef
from rdflib.namespace import DefinedNamespace

Subject = ox.NamedNode | ox.BlankNode | ox.Triple  # RDF 1.2 lets a triple stand here; no case may


Node = (ox.NamedNode, ox.BlankNode)


XSD = "http://www.w3.org/2001/XMLSchema#"


DECIMAL, INTEGER, BOOLEAN, DATE_TIME = (
    ox.NamedNode(XSD + name) for name in ("decimal", "integer", "boolean", "dateTime")
)


_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


_DATE = re.compile(
    r"(\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))(T(([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?|24:00:00))?"
    r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))?",
    re.ASCII,
)


_LONGEST_EXPONENT = 400  # past any xsd:double; a longer one would be written out in full


def decimal_text(lexical: str) -> str | None:
    """Write a number out without an exponent, digits as given; None where it is none, or absurdly long.

    >>> decimal_text("-2.70"), decimal_text("-2.7E0"), decimal_text("-2,7")
    ('-2.70', '-2.7', None)
    """
    if not _NUMBER.fullmatch(lexical):
        return None
    try:
        number = Decimal(lexical)
    except InvalidOperation:
        return None
    if abs(number.adjusted()) > _LONGEST_EXPONENT or len(lexical) > 2 * _LONGEST_EXPONENT:
        return None
    return f"{number:f}"


def day_literal(lexical: str) -> ox.Literal | None:
    """Give the day of a date or a date-time as written, at midnight; None where it is neither.

    >>> day_literal("2026-05-01T23:30:00-05:00").value
    '2026-05-01T00:00:00'
    """
    found = _DATE.fullmatch(lexical)
    if found is None:
        return None
    literal = ox.Literal(found.group(1) + "T00:00:00", datatype=DATE_TIME)
    return literal if is_a_day(found.group(1)) else None


def is_a_day(text: str) -> bool:
    """Whether a text of the form of a day names one that exists."""
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


ONTOLOGY = "https://w3id.org/osteo-kg/ontology/"
GUIDELINE = "https://w3id.org/osteo-kg/guideline/"
SITUATION = "https://w3id.org/osteo-kg/situation/"
CONTEXT = ONTOLOGY + "context.jsonld"


class OSTEO(DefinedNamespace):
    """Terms of `ontology/` that Python names."""

    _fail = True
    _warn = False
    _NS = Namespace("https://w3id.org/osteo-kg/ns/")

    Patient: URIRef
    Fracture: URIRef
    UnspecifiedSiteFracture: URIRef
    BoneDensitometry: URIRef
    PastTreatment: URIRef
    FractureHistory: URIRef
    TreatmentHistory: URIRef
    MedicalHistory: URIRef
    MenopausalStatus: URIRef
    Sex: URIRef
    Side: URIRef
    FractureMechanism: URIRef
    TreatmentOutcome: URIRef
    MedicalCondition: URIRef
    DensitometrySite: URIRef
    Drug: URIRef
    LeftSide: URIRef
    RightSide: URIRef
    PeripheralSite: URIRef
    QualifyingFracture: URIRef
    ExcludingMechanism: URIRef
    Female: URIRef
    Male: URIRef
    Postmenopausal: URIRef
    Completed: URIRef
    Intolerance: URIRef
    Ongoing: URIRef
    ClimactericDisorders: URIRef
    RecordedMenopausalStatus: URIRef
    AxialTScore: URIRef
    BoneMineralDensityCode: URIRef
    RouteOfAdministration: URIRef
    AgeAtAssessment: URIRef
    AxialSite: URIRef
    Disposition: URIRef
    LowPeripheralFractureRisk: URIRef
    Obligation: URIRef
    RecordedSex: URIRef
    ReviewStatus: URIRef
    TreatmentLine: URIRef
    TreatmentOption: URIRef
    Guideline: URIRef
    NoticeCode: URIRef
    CautionCode: URIRef
    Contraindication: URIRef
    Precaution: URIRef
    RenalLimit: URIRef
    UnsourcedStatement: URIRef
    FrequentAdverseEvents: URIRef
    SeriousAdverseEvents: URIRef
    SafetyCautionCode: URIRef
    RenalFunctionTest: URIRef
    CreatinineClearance: URIRef
    EstimatedGfr: URIRef
    RecordSection: URIRef

    hasSex: URIRef
    hasMenopausalStatus: URIRef
    ageInYears: URIRef
    birthDate: URIRef
    hasBoneDensitometry: URIRef
    hasSite: URIRef
    hasSide: URIRef
    tScore: URIRef
    performedOn: URIRef
    hasFracture: URIRef
    hasLowEnergyFracture: URIRef
    hasMechanism: URIRef
    occurredOn: URIRef
    fracturedVertebraCount: URIRef
    hasPastTreatment: URIRef
    withDrug: URIRef
    hasRenalFunctionTest: URIRef
    creatinineClearance: URIRef
    estimatedGfr: URIRef
    hasOutcome: URIRef
    hasCondition: URIRef
    climactericDisorders: URIRef
    lowPeripheralFractureRisk: URIRef
    isCompleteFor: URIRef
    isDeceased: URIRef
    menopausalStatusAssumed: URIRef

    BirthDateNotWhole: URIRef
    BodySiteNotKnown: URIRef
    CodeDecidesNothing: URIRef
    CodeNotRead: URIRef
    DateNotWhole: URIRef
    DensityNotTScore: URIRef
    GroupOfDrugs: URIRef
    KeyTwice: URIRef
    NewerStatement: URIRef
    NoLongerHolds: URIRef
    OtherPatient: URIRef
    OtherProduct: URIRef
    PageNotGiven: URIRef
    SameEntryTwice: URIRef
    SectionNotClosed: URIRef
    SiteNeverDecides: URIRef
    SiteSaidElsewhere: URIRef
    StatusRulesOut: URIRef
    SystemNotVerified: URIRef
    TypeNotRead: URIRef
    UnitNotAccepted: URIRef
    ValueNotKnown: URIRef
    ValueNotUsable: URIRef


class LIFTED(DefinedNamespace):
    """Facts that the library lifts out of a case. They never come from outside: the reader drops foreign terms."""

    _fail = True
    _warn = False
    _NS = Namespace("https://w3id.org/osteo-kg/lifted/")

    day: URIRef
    notAfter: URIRef
    notice: URIRef
    ignoredProperty: URIRef
    leastAge: URIRef
    Assessment: URIRef


def local_name(iri: str) -> str:
    """Give the last part of an IRI.

    >>> local_name("https://w3id.org/osteo-kg/ns/Treat")
    'Treat'
    """
    return iri.rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1]
