"""Namespaces, the terms that Python names, and values as they are written in literals.

A term cannot be misspelt: an unknown one is an error at once, for Python and for a type checker.
"""

from __future__ import annotations

import datetime
import re
from decimal import Decimal, InvalidOperation
from typing import Any

import pyoxigraph as ox

Subject = ox.NamedNode | ox.BlankNode | ox.Triple  # RDF 1.2 lets a triple stand here; no case may
Node = ox.NamedNode | ox.BlankNode
Iri = ox.NamedNode | str

ONTOLOGY = "https://w3id.org/osteo-kg/ontology/"
GUIDELINE = "https://w3id.org/osteo-kg/guideline/"
SITUATION = "https://w3id.org/osteo-kg/situation/"
CONTEXT = ONTOLOGY + "context.jsonld"
_LENGTH_OF_A_DAY = len("2026-11-22")


class Vocabulary(type):
    """A class of terms in one namespace: what it annotates are nodes, an item is any name in it.

    Attributes:
        iri: the namespace.
    """

    iri: str

    def __new__(mcs, name: str, bases: tuple[type, ...], members: dict[str, Any], *, iri: str) -> Vocabulary:
        """Make a node of every name that is annotated."""
        terms = {term: ox.NamedNode(iri + term) for term in members.get("__annotations__", ())}
        made = super().__new__(mcs, name, bases, members | terms)
        made.iri = iri
        return made

    def __init__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any], *, iri: str) -> None:
        super().__init__(name, bases, members)

    def __getitem__(cls, name: str) -> ox.NamedNode:
        return ox.NamedNode(cls.iri + name)


class RDF(metaclass=Vocabulary, iri="http://www.w3.org/1999/02/22-rdf-syntax-ns#"):
    """Terms of RDF."""

    first: ox.NamedNode
    rest: ox.NamedNode
    type: ox.NamedNode


class RDFS(metaclass=Vocabulary, iri="http://www.w3.org/2000/01/rdf-schema#"):
    """Terms of RDF Schema."""

    domain: ox.NamedNode
    isDefinedBy: ox.NamedNode
    label: ox.NamedNode
    range: ox.NamedNode
    subClassOf: ox.NamedNode


class OWL(metaclass=Vocabulary, iri="http://www.w3.org/2002/07/owl#"):
    """Terms of OWL 2."""

    AllDisjointClasses: ox.NamedNode
    AnnotationProperty: ox.NamedNode
    Class: ox.NamedNode
    Ontology: ox.NamedNode
    Restriction: ox.NamedNode
    allValuesFrom: ox.NamedNode
    disjointWith: ox.NamedNode
    equivalentClass: ox.NamedNode
    hasValue: ox.NamedNode
    imports: ox.NamedNode
    intersectionOf: ox.NamedNode
    inverseOf: ox.NamedNode
    members: ox.NamedNode
    onProperty: ox.NamedNode
    versionIRI: ox.NamedNode
    versionInfo: ox.NamedNode


class XSD(metaclass=Vocabulary, iri="http://www.w3.org/2001/XMLSchema#"):
    """Datatypes of XML Schema."""

    boolean: ox.NamedNode
    date: ox.NamedNode
    dateTime: ox.NamedNode
    decimal: ox.NamedNode
    integer: ox.NamedNode
    string: ox.NamedNode


class SKOS(metaclass=Vocabulary, iri="http://www.w3.org/2004/02/skos/core#"):
    """Terms of SKOS."""

    closeMatch: ox.NamedNode
    exactMatch: ox.NamedNode
    notation: ox.NamedNode


class DCTERMS(metaclass=Vocabulary, iri="http://purl.org/dc/terms/"):
    """Terms of Dublin Core."""

    identifier: ox.NamedNode
    source: ox.NamedNode


class PROV(metaclass=Vocabulary, iri="http://www.w3.org/ns/prov#"):
    """Terms of PROV-O."""

    Activity: ox.NamedNode
    Entity: ox.NamedNode
    endedAtTime: ox.NamedNode
    used: ox.NamedNode
    wasDerivedFrom: ox.NamedNode
    wasGeneratedBy: ox.NamedNode


class SH(metaclass=Vocabulary, iri="http://www.w3.org/ns/shacl#"):
    """Terms of SHACL."""

    Violation: ox.NamedNode
    datatype: ox.NamedNode
    lessThanOrEquals: ox.NamedNode
    maxCount: ox.NamedNode
    maxInclusive: ox.NamedNode
    message: ox.NamedNode
    minCount: ox.NamedNode
    minInclusive: ox.NamedNode
    name: ox.NamedNode
    path: ox.NamedNode
    pattern: ox.NamedNode
    severity: ox.NamedNode
    targetClass: ox.NamedNode
    targetObjectsOf: ox.NamedNode
    targetSubjectsOf: ox.NamedNode


class OSTEO(metaclass=Vocabulary, iri="https://w3id.org/osteo-kg/ns/"):
    """Terms of `ontology/` that Python names."""

    AgeAtAssessment: ox.NamedNode
    Assessment: ox.NamedNode
    AssessmentStatus: ox.NamedNode
    Assumption: ox.NamedNode
    AssumptionCode: ox.NamedNode
    AxialSite: ox.NamedNode
    AxialTScore: ox.NamedNode
    BirthDateNotWhole: ox.NamedNode
    Bisphosphonate: ox.NamedNode
    BodySiteNotKnown: ox.NamedNode
    BoneDensitometry: ox.NamedNode
    BoneMineralDensityCode: ox.NamedNode
    Caution: ox.NamedNode
    CautionCode: ox.NamedNode
    ClimactericDisorders: ox.NamedNode
    Code: ox.NamedNode
    CodeDecidesNothing: ox.NamedNode
    CodeNotRead: ox.NamedNode
    Completed: ox.NamedNode
    Contraindication: ox.NamedNode
    ContraindicationNotice: ox.NamedNode
    CreatinineClearance: ox.NamedNode
    CriterionAssessment: ox.NamedNode
    DateNotWhole: ox.NamedNode
    DensitometrySite: ox.NamedNode
    DensityNotTScore: ox.NamedNode
    Disposition: ox.NamedNode
    Drug: ox.NamedNode
    EstimatedGfr: ox.NamedNode
    Evidence: ox.NamedNode
    ExcludingMechanism: ox.NamedNode
    Female: ox.NamedNode
    Fracture: ox.NamedNode
    FractureHistory: ox.NamedNode
    FractureMechanism: ox.NamedNode
    FrequentAdverseEvents: ox.NamedNode
    GroupOfDrugs: ox.NamedNode
    Guideline: ox.NamedNode
    Interpretation: ox.NamedNode
    Intolerance: ox.NamedNode
    KeyTwice: ox.NamedNode
    Male: ox.NamedNode
    MedicalCondition: ox.NamedNode
    MedicalHistory: ox.NamedNode
    MenopausalStatus: ox.NamedNode
    MissingFact: ox.NamedNode
    NewerStatement: ox.NamedNode
    NoLongerHolds: ox.NamedNode
    NonOsteoporoticFracture: ox.NamedNode
    NotReviewed: ox.NamedNode
    NoticeCode: ox.NamedNode
    Obligation: ox.NamedNode
    Ongoing: ox.NamedNode
    OptionAssessment: ox.NamedNode
    OtherPatient: ox.NamedNode
    OtherProduct: ox.NamedNode
    PageNotGiven: ox.NamedNode
    PastTreatment: ox.NamedNode
    Patient: ox.NamedNode
    PeripheralSite: ox.NamedNode
    Postmenopausal: ox.NamedNode
    Precaution: ox.NamedNode
    QualifyingFracture: ox.NamedNode
    RecordSection: ox.NamedNode
    RecordedMenopausalStatus: ox.NamedNode
    RecordedSex: ox.NamedNode
    RenalFunctionTest: ox.NamedNode
    RenalLimit: ox.NamedNode
    RenalMeasure: ox.NamedNode
    ReviewStatus: ox.NamedNode
    RouteOfAdministration: ox.NamedNode
    RuleAssessment: ox.NamedNode
    SafetyCautionCode: ox.NamedNode
    SameEntryTwice: ox.NamedNode
    SectionNotClosed: ox.NamedNode
    SeriousAdverseEvents: ox.NamedNode
    Sex: ox.NamedNode
    Side: ox.NamedNode
    SiteNeverDecides: ox.NamedNode
    SiteSaidElsewhere: ox.NamedNode
    Situation: ox.NamedNode
    SituationValue: ox.NamedNode
    SourceSpan: ox.NamedNode
    StatusRulesOut: ox.NamedNode
    Strength: ox.NamedNode
    SystemNotVerified: ox.NamedNode
    TreatmentHistory: ox.NamedNode
    TreatmentLine: ox.NamedNode
    TreatmentOption: ox.NamedNode
    TreatmentOutcome: ox.NamedNode
    TypeNotRead: ox.NamedNode
    UnitNotAccepted: ox.NamedNode
    UnsourcedStatement: ox.NamedNode
    UnspecifiedSiteFracture: ox.NamedNode
    ValueNotKnown: ox.NamedNode
    ValueNotUsable: ox.NamedNode
    Warning: ox.NamedNode
    WarningCode: ox.NamedNode

    above: ox.NamedNode
    advice: ox.NamedNode
    ageInYears: ox.NamedNode
    appliesGuideline: ox.NamedNode
    arisesFromCondition: ox.NamedNode
    assessedOn: ox.NamedNode
    assesses: ox.NamedNode
    atLeast: ox.NamedNode
    atMost: ox.NamedNode
    below: ox.NamedNode
    birthDate: ox.NamedNode
    cites: ox.NamedNode
    climactericDisorders: ox.NamedNode
    codeValue: ox.NamedNode
    codesNest: ox.NamedNode
    completedYears: ox.NamedNode
    concernsDrug: ox.NamedNode
    concernsFact: ox.NamedNode
    couldBe: ox.NamedNode
    countsInstancesOf: ox.NamedNode
    creatinineClearance: ox.NamedNode
    displayOrder: ox.NamedNode
    estimatedGfr: ox.NamedNode
    evidenceValue: ox.NamedNode
    fracturedVertebraCount: ox.NamedNode
    hasBoneDensitometry: ox.NamedNode
    hasClassCode: ox.NamedNode
    hasCode: ox.NamedNode
    hasCondition: ox.NamedNode
    hasCriterionAssessment: ox.NamedNode
    hasCurrentAxialDensitometry: ox.NamedNode
    hasDecidingDensitometry: ox.NamedNode
    hasDisposition: ox.NamedNode
    hasEvidence: ox.NamedNode
    hasFracture: ox.NamedNode
    hasLine: ox.NamedNode
    hasLowEnergyFracture: ox.NamedNode
    hasMechanism: ox.NamedNode
    hasMember: ox.NamedNode
    hasMenopausalStatus: ox.NamedNode
    hasMissingFact: ox.NamedNode
    hasNotice: ox.NamedNode
    hasNoticeCode: ox.NamedNode
    hasObligation: ox.NamedNode
    hasOptionAssessment: ox.NamedNode
    hasOutcome: ox.NamedNode
    hasPastTreatment: ox.NamedNode
    hasPossibleDisposition: ox.NamedNode
    hasRenalFunctionTest: ox.NamedNode
    hasReviewStatus: ox.NamedNode
    hasRuleAssessment: ox.NamedNode
    hasSafetySource: ox.NamedNode
    hasSex: ox.NamedNode
    hasSide: ox.NamedNode
    hasSite: ox.NamedNode
    hasSituation: ox.NamedNode
    hasSituationValue: ox.NamedNode
    hasStatus: ox.NamedNode
    hasStrength: ox.NamedNode
    inCodingSystem: ox.NamedNode
    informsOf: ox.NamedNode
    isAboutDrug: ox.NamedNode
    isCompleteFor: ox.NamedNode
    isDeceased: ox.NamedNode
    isEligibleFor: ox.NamedNode
    isListed: ox.NamedNode
    isMissing: ox.NamedNode
    isNeverTried: ox.NamedNode
    isNotEligibleFor: ox.NamedNode
    isOneBandBelow: ox.NamedNode
    isOrderedAs: ox.NamedNode
    isRaisedByDrug: ox.NamedNode
    knowledgeDigest: ox.NamedNode
    leastDecimals: ox.NamedNode
    leastEntries: ox.NamedNode
    listedByRule: ox.NamedNode
    lowPeripheralFractureRisk: ox.NamedNode
    lowestTScore: ox.NamedNode
    mayBeEligibleFor: ox.NamedNode
    mayMean: ox.NamedNode
    measures: ox.NamedNode
    menopausalStatusAssumed: ox.NamedNode
    message: ox.NamedNode
    messageText: ox.NamedNode
    monthsAllowed: ox.NamedNode
    needsTerm: ox.NamedNode
    occurredOn: ox.NamedNode
    ofCriterion: ox.NamedNode
    ofFact: ox.NamedNode
    ofOption: ox.NamedNode
    ofRule: ox.NamedNode
    performedOn: ox.NamedNode
    readAs: ox.NamedNode
    recordKey: ox.NamedNode
    restates: ox.NamedNode
    restsOnInterpretation: ox.NamedNode
    rulesOut: ox.NamedNode
    sectionKey: ox.NamedNode
    shortLabel: ox.NamedNode
    situationName: ox.NamedNode
    softwareVersion: ox.NamedNode
    spanDigest: ox.NamedNode
    spanEnd: ox.NamedNode
    spanStart: ox.NamedNode
    statedBy: ox.NamedNode
    systemUri: ox.NamedNode
    tScore: ox.NamedNode
    tolerance: ox.NamedNode
    touches: ox.NamedNode
    withDrug: ox.NamedNode
    wouldSettle: ox.NamedNode


class LIFTED(metaclass=Vocabulary, iri="https://w3id.org/osteo-kg/lifted/"):
    """Facts that the library lifts out of a case. They never come from outside: the reader drops foreign terms."""

    Assessment: ox.NamedNode

    ageFromBirthDate: ox.NamedNode
    assumedComplete: ox.NamedNode
    assumedCompleteFor: ox.NamedNode
    bornNotAfter: ox.NamedNode
    bornNotBefore: ox.NamedNode
    conflictingDensitometry: ox.NamedNode
    countDecides: ox.NamedNode
    day: ox.NamedNode
    decimals: ox.NamedNode
    disposition: ox.NamedNode
    doubtfulProduct: ox.NamedNode
    element: ox.NamedNode
    greatestAge: ox.NamedNode
    ignoredElement: ox.NamedNode
    ignoredProperty: ox.NamedNode
    invalidElement: ox.NamedNode
    leastAge: ox.NamedNode
    notAfter: ox.NamedNode
    notice: ox.NamedNode
    openLevel: ox.NamedNode
    openThreshold: ox.NamedNode
    reason: ox.NamedNode
    site: ox.NamedNode
    takenAsCompleteFor: ox.NamedNode


def local_name(iri: Iri) -> str:
    """Give the last part of an IRI.

    >>> local_name(OSTEO.Patient), local_name("https://w3id.org/osteo-kg/ontology/core")
    ('Patient', 'core')
    """
    return text_of(iri).rstrip("/").rsplit("/", 1)[-1].rsplit("#", 1)[-1]


def text_of(iri: Iri) -> str:
    """Give an IRI as text."""
    return iri if isinstance(iri, str) else iri.value


def node_of(iri: Iri) -> ox.NamedNode:
    """Give an IRI as a node."""
    return ox.NamedNode(iri) if isinstance(iri, str) else iri


NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
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
    if not NUMBER.fullmatch(lexical):
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
    literal = ox.Literal(found.group(1) + "T00:00:00", datatype=XSD.dateTime)
    return literal if is_a_day(found.group(1)) else None


def is_a_day(text: str) -> bool:
    """Whether a text of the form of a day names one that exists."""
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def day_of(on: datetime.date) -> ox.Literal:
    """Give a day as the ontology writes days: `xsd:dateTime` at midnight."""
    return ox.Literal(f"{on.isoformat()}T00:00:00", datatype=XSD.dateTime)


def day_text(written: str) -> str:
    """Give the day of a date or a date-time as written.

    >>> day_text("2026-05-01T00:00:00")
    '2026-05-01'
    """
    return written[:_LENGTH_OF_A_DAY]
