"""Namespaces, and the terms that Python names.

A term cannot be misspelt: an unknown one is an error at once.
"""

from __future__ import annotations

from rdflib import Namespace, URIRef
from rdflib.namespace import DefinedNamespace

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
