"""What the ontology promises: well-formed guidelines, documented terms, and one word in every file."""

from __future__ import annotations

import ast
import hashlib
import itertools
import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyshacl
import pytest
from rdflib import OWL, RDF, RDFS, SH, SKOS, Graph, Literal, Namespace, URIRef
from rdflib.collection import Collection
from rdflib.compare import isomorphic
from rdflib.term import Node

from osteo_kg.case.fields import SECTIONS
from tests.support import canonical

pytestmark = pytest.mark.slow


ROOT = Path(__file__).resolve().parents[2]
ONTOLOGY, SHAPES, LIBRARY = ROOT / "ontology", ROOT / "shapes", ROOT / "osteo_kg"
SOURCE = Path(os.environ.get("OSTEO_KG_SOURCE", ROOT.parent / "shared" / "guideline" / "oic-128-08-b.txt"))
MODULES = sorted(ONTOLOGY.rglob("*.ttl"))
TURTLE = [*MODULES, *sorted(SHAPES.rglob("*.ttl"))]

OSTEO = Namespace("https://w3id.org/osteo-kg/ns/")
OIC = Namespace("https://w3id.org/osteo-kg/guideline/oic-128-08-b/")
SHAPE = Namespace("https://w3id.org/osteo-kg/shapes/")
GUIDELINE = URIRef("https://w3id.org/osteo-kg/guideline/oic-128-08-b")

NOTICES = {
    "WarningCode": """
        near-threshold old-densitometry densitometry-sites-apart densitometry-site-ignored sites-not-measured
        positive-t-score possible-bone-density high-energy-not-counted pathological-not-counted
        non-osteoporotic-site ribs-simultaneous low-risk-contradicted already-treated denosumab-rebound
        secondary-cause deceased property-ignored element-ignored element-invalid section-open
        densitometry-unread densitometry-undated densitometry-order-open single-vertebra-ignored
        lower-t-score-superseded implausible-t-score age-differs vertebral-count-open clearance-wanted""",
    "AssumptionCode": """
        mechanism-assumed count-assumed densitometry-site-assumed densitometry-date-assumed section-taken-as-complete
        section-assumed-complete postmenopausal-assumed vertebral-level-assumed drug-product-assumed""",
    "CautionCode": "failure-or-intolerance-recorded severe-non-vertebral-fracture-recorded",
    "SafetyCautionCode": "exclude-atypical-femoral-fracture lifetime-limit denosumab-rebound-risk",
}

RULE, CRITERION, LISTING = "oic:severe-treat", "oic:severe-fracture", "oic:vertebral-lists-teriparatide"
RANGE, SPAN, OPTION = "oic:t-above-minus-2-at-most-minus-1", "oic:span-severe", "osteo:TeriparatideOption"

GUIDELINE_FAULTS = [  # each shape, what is taken away, what is put in its place
    ("GuidelineRule", "this: osteo:hasRule", "this: osteo:hasRule oic:I1"),
    ("GuidelineOption", "this: osteo:hasOption", ""),
    ("GuidelineReviewStatus", "this: osteo:hasReviewStatus", ""),
    ("GuidelineDigest", "this: osteo:spanDigest", 'this: osteo:spanDigest "abc"'),
    ("RuleOfGuideline", f"this: osteo:hasRule {RULE}", ""),
    ("RuleCriterion", f"{RULE} osteo:requires", ""),
    ("RequiredCriterion", "", f"{RULE} osteo:requires oic:sever-fracture"),
    ("RuleDisposition", "", f"{RULE} osteo:recommends osteo:NoTreatment"),
    ("RuleStrength", "", f"{RULE} osteo:hasStrength osteo:Proposed"),
    ("RuleOneRange", "", f"{RULE} osteo:requires oic:t-at-most-minus-3"),
    ("RuleTreatStrength", f"{RULE} osteo:hasStrength", ""),
    ("RuleTreatListing", f"{RULE} osteo:hasListing", ""),
    ("ListingOfTreatment", "", f"oic:severe-specialist osteo:hasListing {LISTING}"),
    ("OptionListedOnce", f"{LISTING} osteo:listsOption", f"{LISTING} osteo:listsOption osteo:RaloxifeneOption"),
    ("BandMetAbove", "oic:t-at-most-minus-3 osteo:atMost", "oic:t-at-most-minus-3 osteo:atMost -3.1"),
    ("BandMetAbove", "oic:t-at-most-minus-3 osteo:atMost", "oic:t-at-most-minus-3 osteo:below -3.0"),
    ("BandMetAbove", "this: osteo:hasRule oic:no-fracture-no-treatment", ""),
    ("BandMetBelow", "oic:t-above-minus-1 osteo:above", "oic:t-above-minus-1 osteo:above -0.9"),
    ("BandMetBelow", "this: osteo:hasRule oic:severe-treat", ""),
    ("BandMetBelow", "oic:non-severe-treat osteo:requires oic:no-severe-fracture", ""),
    ("BandsApart", "oic:t-above-minus-1 osteo:above", "oic:t-above-minus-1 osteo:atLeast -1.0"),
    ("BandsApart", "oic:severe-specialist osteo:requires oic:t-above-minus-1", ""),
    ("BandsApart", f"{RANGE} osteo:above", f"{RANGE} osteo:above -2.5"),
    ("Citation", f"{RULE} osteo:cites", f"{RULE} osteo:cites oic:span-sever"),
    ("Citation", f"{LISTING} osteo:cites", ""),
    ("Citation", f"{CRITERION} osteo:cites", ""),
    ("Citation", "oic:I1 osteo:cites", ""),
    ("Citation", f"{OPTION} osteo:cites", ""),
    ("Restatement", f"{RULE} osteo:restates", f'{RULE} osteo:restates "Treat."@en'),
    ("Restatement", f"{LISTING} osteo:restates", f'{LISTING} osteo:restates "One."@en , "Two."@en'),
    ("DisplayOrder", f"{RULE} osteo:displayOrder", f'{RULE} osteo:displayOrder "third"'),
    ("DisplayOrderOnce", f"{RULE} osteo:displayOrder", f"{RULE} osteo:displayOrder 4"),
    ("KeyOnce", f"{OPTION} skos:notation", f'{OPTION} skos:notation "denosumab"'),
    ("Key", f"{OPTION} skos:notation", f'{OPTION} skos:notation "Teriparatide"'),
    ("CriterionKind", f"{CRITERION} rdf:type", f"{CRITERION} a osteo:Criterion"),
    ("CriterionKind", "", f"{CRITERION} a osteo:AbsenceCriterion"),
    ("CriterionTestsOneThing", "", f"{CRITERION} osteo:testsAbsenceOf osteo:PatientWithSevereFracture"),
    ("CriterionUsed", "oic:I12 osteo:arisesWhen", ""),
    ("CriterionFact", f"{CRITERION} osteo:restsOn", ""),
    ("ClassCriterionTest", f"{CRITERION} osteo:testsClass", f"{CRITERION} osteo:testsClass osteo:Anna"),
    ("AbsenceCriterionTest", "oic:no-fracture osteo:testsAbsenceOf", ""),
    ("StatementCriterionTest", "oic:climacteric-disorders osteo:testsStatement", ""),
    ("RangeCriterionTest", f"{RANGE} osteo:measures", f"{RANGE} osteo:measures osteo:lowestTScor"),
    ("MissingMeasureCriterionTest", "oic:no-axial-t-score osteo:measures", ""),
    ("RangeBound", "oic:t-above-minus-1 osteo:above", ""),
    ("RangeBound", "oic:t-above-minus-1 osteo:above", "oic:t-above-minus-1 osteo:above -1"),
    ("RangeFloor", "", f"{RANGE} osteo:atLeast -2.0"),
    ("RangeCeiling", "", f"{RANGE} osteo:below -1.0"),
    ("RangeFloorBelowCeiling", f"{RANGE} osteo:above", f"{RANGE} osteo:above -1.0"),
    ("BoundOfRangeOnly", "", f"{CRITERION} osteo:atMost -1.0"),
    ("ListingRule", f"{RULE} osteo:hasListing {LISTING}", ""),
    ("ListingOption", "", f"{LISTING} osteo:listsOption osteo:DenosumabOption"),
    ("ListingCondition", "oic:two-vertebral-fractures rdf:type osteo:ReservingCondition", ""),
    ("ListingLine", "", f"{LISTING} osteo:hasLine osteo:Met"),
    ("OptionMember", f"{OPTION} osteo:hasMember", ""),
    ("ObligationDue", "osteo:GeneralMeasures osteo:isDueWhen", ""),
    ("InterpretationOfGuideline", "this: osteo:hasInterpretation oic:I4", ""),
    ("InterpretationKey", "oic:I4 skos:notation", 'oic:I4 skos:notation "4"'),
    ("InterpretationQuestion", "oic:I4 osteo:question", ""),
    ("InterpretationReading", "oic:I4 osteo:reading", 'oic:I4 osteo:reading "Yes."@en'),
    ("InterpretationOtherReading", "oic:I4 osteo:otherReading", 'oic:I4 osteo:otherReading "No."@en'),
    ("InterpretationTouches", "oic:I4 osteo:touches", ""),
    ("InterpretationTouches", "", "oic:I4 osteo:touches oic:sever-treat"),
    ("InterpretationArises", "", f"oic:I5 osteo:arisesWhen {RULE}"),
    ("SpanStart", f"{SPAN} osteo:spanStart", f"{SPAN} osteo:spanStart -1"),
    ("SpanEnd", f"{SPAN} osteo:spanEnd", ""),
    ("SpanOrder", f"{SPAN} osteo:spanStart", f"{SPAN} osteo:spanStart 100000"),
    ("SpanCited", "", "oic:span-new a osteo:SourceSpan"),
    ("SpanDigest", f"{SPAN} osteo:spanDigest", f'{SPAN} osteo:spanDigest "{"A" * 64}"'),
]

DRUG, NOTICE, STATEMENT = "osteo:Alendronate", "osteo:NearThreshold", "osteo:AlendronateInHypocalcaemia"
CORE = "<https://w3id.org/osteo-kg/ontology/core>"
STYLE_FAULTS = [
    ("TermLabel", f"{DRUG} rdfs:label", f'{DRUG} rdfs:label "alendronate"@en'),
    ("TermDefinition", f"{DRUG} skos:definition", ""),
    ("TermDefinition", "", f'{DRUG} skos:definition "Another."@en'),
    ("TermDefinitionSentence", f"{DRUG} skos:definition", f'{DRUG} skos:definition "a drug"@en'),
    ("TermLabelPlain", f"{DRUG} rdfs:label", f'{DRUG} rdfs:label "A drug."@en'),
    ("TermDeclared", f"{DRUG} rdf:type owl:NamedIndividual", ""),
    ("TermModule", f"{DRUG} rdfs:isDefinedBy", ""),
    ("EveryTerm", "osteo:SevereFracture rdfs:isDefinedBy", ""),
    ("EveryAnnotation", "osteo:recordKey rdfs:isDefinedBy", ""),
    ("ClassName", "", "osteo:severe_fracture a owl:Class"),
    ("PropertyName", "", "osteo:HasFracture a owl:ObjectProperty"),
    ("AnnotationName", "", "osteo:RecordKey a owl:AnnotationProperty"),
    ("IndividualName", "", "oic:SevereTreat a owl:NamedIndividual"),
    ("IndividualName", "", "osteo:severe-treat a owl:NamedIndividual"),
    ("InterpretationName", "", "oic:first a osteo:Interpretation"),
    ("NoticeMessage", f"{NOTICE} osteo:messageText", f'{NOTICE} osteo:messageText "Near."@en'),
    ("StatementDrug", f"{STATEMENT} osteo:isAboutDrug", ""),
    ("StatementDrug", "", f"{STATEMENT} osteo:isAboutDrug osteo:Denosumab"),
    ("StatementCondition", f"{STATEMENT} osteo:arisesFromCondition", ""),
    ("StatementSource", f"{STATEMENT} osteo:hasSafetySource", ""),
    ("ModuleTitle", f"{CORE} dcterms:title", ""),
    ("ModuleDescription", f"{CORE} dcterms:description", ""),
    ("ModuleCreator", f"{CORE} dcterms:creator", ""),
    ("ModuleLicense", f"{CORE} dcterms:license", f'{CORE} dcterms:license "CC BY"'),
    ("ModuleCreated", f"{CORE} dcterms:created", ""),
    ("ModuleModified", f"{CORE} dcterms:modified", f'{CORE} dcterms:modified "today"'),
    ("ModuleVersionIri", f"{CORE} owl:versionIRI", ""),
    ("ModuleVersion", f"{CORE} owl:versionInfo", f'{CORE} owl:versionInfo "1"'),
    ("ModulePrefix", f"{CORE} vann:preferredNamespacePrefix", ""),
    ("ModuleNamespace", f"{CORE} vann:preferredNamespaceUri", ""),
]
FAULTS = {"guideline": GUIDELINE_FAULTS, "style": STYLE_FAULTS}
EVERY_FAULT = [(module, *fault) for module, faults in FAULTS.items() for fault in faults]

PREFIXES = f"""
PREFIX osteo: <{OSTEO}>
PREFIX oic: <{OIC}>
PREFIX this: <{GUIDELINE}>
PREFIX owl: <{OWL}>
PREFIX rdf: <{RDF}>
PREFIX rdfs: <{RDFS}>
PREFIX skos: <{SKOS}>
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX vann: <http://purl.org/vocab/vann/>
"""


def merged(paths: list[Path]) -> Graph:
    graph = Graph(bind_namespaces="none")
    for path in paths:
        graph.parse(path)
    return graph


def findings(data: Graph, shapes: Graph, only: URIRef | None = None) -> set[tuple[Node, Node]]:
    """Give the shape and the focus of every result."""
    use = [str(only)] if only else None
    _, report, _ = pyshacl.validate(data, shacl_graph=shapes + Graph(), use_shapes=use)
    assert isinstance(report, Graph)
    results = report.subjects(RDF.type, SH.ValidationResult)
    return {(report.value(each, SH.sourceShape), report.value(each, SH.focusNode)) for each in results}  # type: ignore[misc]


@pytest.fixture(scope="module")
def ontology() -> Graph:
    return merged(MODULES)


@pytest.fixture(scope="module")
def shapes() -> dict[str, Graph]:
    return {path.stem: Graph().parse(path) for path in sorted(SHAPES.glob("*.ttl"))}


@pytest.fixture(scope="module")
def source() -> str:
    if not SOURCE.is_file():
        pytest.skip(f"The text of the guideline is not at hand: {SOURCE}. OSTEO_KG_SOURCE may name it.")
    return SOURCE.read_bytes().decode("utf-8")


def subclasses(graph: Graph, kind: URIRef) -> set[Node]:
    """Give a class and every class below it."""
    return {each for each in graph.transitive_subjects(RDFS.subClassOf, kind) if each is not None}


def instances(graph: Graph, kind: URIRef) -> set[Node]:
    """Give the individuals of a class and of every class below it."""
    return {each for one in subclasses(graph, kind) for each in graph.subjects(RDF.type, one)}


def notation(graph: Graph, subject: Node) -> str:
    return str(graph.value(subject, SKOS.notation))


def local(nodes: set[Node]) -> list[str]:
    return sorted(str(node).rsplit("/", 1)[-1] for node in nodes)


# Shapes


@pytest.mark.parametrize("module", sorted(FAULTS))
def test_the_ontology_conforms(ontology: Graph, shapes: dict[str, Graph], module: str) -> None:
    """The shapes of guidelines and of style find nothing to say."""
    assert findings(ontology, shapes[module]) == set()


@pytest.mark.parametrize(("module", "shape", "removed", "added"), EVERY_FAULT)
def test_a_shape_finds_its_fault(
    ontology: Graph, shapes: dict[str, Graph], module: str, shape: str, removed: str, added: str
) -> None:
    """A fault planted in a copy of the ontology is found by the shape that is there for it."""
    faulty = ontology + Graph()
    if removed:
        pattern = removed if len(removed.split()) == 3 else f"{removed} ?any"
        faulty.update(f"{PREFIXES} DELETE WHERE {{ {pattern} }}")
    if added:  # as Turtle, since rdflib's SPARQL cannot read a negative decimal
        faulty.parse(data=f"{PREFIXES} {added} .", format="turtle")
    assert set(faulty) != set(ontology)
    assert SHAPE[shape] in {found for found, _ in findings(faulty, shapes[module], SHAPE[shape])}


@pytest.mark.parametrize("module", sorted(FAULTS))
def test_no_shape_is_without_a_fault(shapes: dict[str, Graph], module: str) -> None:
    """Every shape has a planted fault of its own, and no fault names a shape that is not there."""
    kinds = (SH.NodeShape, SH.PropertyShape)
    named = {each for kind in kinds for each in shapes[module].subjects(RDF.type, kind)}
    assert named ^ {SHAPE[shape] for shape, _, _ in FAULTS[module]} == set()


@pytest.mark.parametrize("module", ["assessment", "document", *sorted(FAULTS)])
def test_a_shape_says_what_is_wrong_and_what_to_do(shapes: dict[str, Graph], module: str) -> None:
    """Every shape refuses or, of style and of what is left over, warns; it speaks English and French."""
    graph = shapes[module]
    for shape in graph.subjects(SH.severity, None):
        assert isinstance(shape, URIRef)
        warns = module == "style" or shape in (SHAPE.CriterionUsed, SHAPE.SpanCited)
        assert graph.value(shape, SH.severity) == (SH.Warning if warns else SH.Violation)
        for said in (SH.name, SH.message, OSTEO.advice):
            texts = [text.language for text in graph.objects(shape, said) if isinstance(text, Literal)]
            assert sorted(map(str, texts)) == ["en", "fr"], (shape, said)


# Text


@pytest.mark.parametrize("path", TURTLE, ids=lambda path: path.name)
def test_a_turtle_file_is_in_canonical_form(path: Path) -> None:
    """Every file of the ontology and of the shapes is written as the one writer writes it."""
    text = path.read_text(encoding="utf-8")
    graph = canonical.read(text)
    assert isomorphic(canonical.read(canonical.write(graph)), graph)
    assert canonical.write(graph) == text


@pytest.mark.parametrize("language", ["en", "fr"])
def test_no_two_terms_have_the_same_label(ontology: Graph, language: str) -> None:
    """A label stands for one term; an option may be called what its only drug is, and a field what its property is."""
    options = instances(ontology, OSTEO.TreatmentOption)
    form = set(ontology.subjects(RDFS.isDefinedBy, URIRef("https://w3id.org/osteo-kg/ontology/form")))
    labels = Counter(
        label.casefold()
        for term, label in ontology.subject_objects(RDFS.label)
        if str(term).startswith(OSTEO) and isinstance(label, Literal) and label.language == language
        if term not in options | form
    )
    assert {label: count for label, count in labels.items() if count > 1} == {}


def test_every_term_that_is_used_is_declared(ontology: Graph) -> None:
    """The ontology uses no name of its own namespaces that it does not declare."""
    used = {node for triple in ontology for node in triple if isinstance(node, URIRef)}
    ours = {node for node in used if node in OSTEO or node in OIC}
    assert ours - set(ontology.subjects(RDF.type)) - {URIRef(OSTEO), URIRef(OIC)} == set()


# The source


def test_spans_lie_inside_the_document_and_match_it(ontology: Graph, source: str) -> None:
    """Every cited span is found in the source by its position, and has the digest of what stands there."""
    assert str(ontology.value(GUIDELINE, OSTEO.spanDigest)) == hashlib.sha256(source.encode()).hexdigest()
    spans = instances(ontology, OSTEO.SourceSpan)
    assert spans
    for span in spans:
        start, end = (int(str(ontology.value(span, bound))) for bound in (OSTEO.spanStart, OSTEO.spanEnd))
        assert 0 <= start < end <= len(source), span
        digest = hashlib.sha256(source[start:end].encode()).hexdigest()
        assert str(ontology.value(span, OSTEO.spanDigest)) == digest, span


def test_every_span_is_cited(ontology: Graph) -> None:
    """No span of the source is kept for nothing."""
    assert instances(ontology, OSTEO.SourceSpan) - set(ontology.objects(None, OSTEO.cites)) == set()


def test_the_guideline_restates_and_never_copies(ontology: Graph, source: str) -> None:
    """No eight words of the source follow one another in an English text of the ontology."""
    copied = {
        run: text
        for text in ontology.objects()
        if isinstance(text, Literal) and text.language in (None, "en")
        for run in runs(str(text)) & runs(source)
    }
    assert copied == {}


def runs(text: str) -> set[tuple[str, ...]]:
    """Give every eight words that follow one another."""
    words = re.findall(r"\w+", text.casefold())
    return set(zip(*(itertools.islice(words, start, None) for start in range(8)), strict=False))


def test_every_interpretation_is_there_and_touches_something(ontology: Graph) -> None:
    """Interpretations I1 to I23 of docs/reference/reading.md are individuals, and what they touch exists."""
    expected = {OIC[f"I{number}"] for number in range(1, 24)}
    assert instances(ontology, OSTEO.Interpretation) ^ expected == set()
    for interpretation in expected:
        touched = set(ontology.objects(interpretation, OSTEO.touches))
        assert touched, interpretation
        assert touched - set(ontology.subjects(RDFS.label)) == set()


# Other files say the same


def known(graph: Graph, shape: str) -> set[Node]:
    """Give the values that a shape lists."""
    values = graph.value(SHAPE[shape], SH["in"])
    assert values is not None, shape
    return set(Collection(graph, values)) - {OWL.NamedIndividual}


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ("ConditionKnown", "MedicalCondition"),
        ("DrugKnown", "Drug"),
        ("MechanismKnown", "FractureMechanism"),
        ("MenopausalStatusKnown", "MenopausalStatus"),
        ("OpenSectionKnown", "RecordSection"),
        ("OutcomeKnown", "TreatmentOutcome"),
        ("SexKnown", "Sex"),
        ("SideKnown", "Side"),
        ("SiteKnown", "DensitometrySite"),
        ("PeripheralSite", "PeripheralSite"),
    ],
)
def test_the_shapes_of_cases_list_the_values_of_the_ontology(
    ontology: Graph, shapes: dict[str, Graph], shape: str, kind: str
) -> None:
    """A list in the shapes holds exactly the individuals of a class; of sites, those that a record has a key for."""
    individuals = instances(ontology, OSTEO[kind])
    keyed = {each for each in individuals if (each, SKOS.notation, None) in ontology}
    assert local(known(shapes["case"], shape)) == local(keyed if kind.endswith("Site") else individuals)


def test_a_section_that_can_be_complete_is_one_that_lists_entries(shapes: dict[str, Graph]) -> None:
    """Densitometry can be open, and never complete: a site that was not measured is no unknown."""
    assert local(known(shapes["case"], "CompleteSectionKnown")) == local(
        {URIRef(each.value) for each in SECTIONS.values()}
    )


def test_the_shapes_of_cases_warn_of_the_secondary_causes_that_a_notice_asks_for(shapes: dict[str, Graph]) -> None:
    """The other conditions are those of the safety modules, and weaken no bone."""
    query = (LIBRARY / "queries" / "notice" / "secondary-cause.rq").read_text(encoding="utf-8")
    asked = set(re.findall(r"osteo:([A-Z]\w+)", query))
    assert asked
    assert local(known(shapes["case"], "SecondaryCauseCondition")) == sorted(asked)


def test_the_shapes_of_cases_list_the_fractures_of_the_ontology(ontology: Graph, shapes: dict[str, Graph]) -> None:
    """The fractures of a case are the classes with a key; the classes without one are groups."""
    fractures = subclasses(ontology, OSTEO.Fracture)
    keyed = {each for each in fractures if (each, SKOS.notation, None) in ontology}
    case = shapes["case"]
    assert local(known(case, "NamedBoneFracture")) == local(keyed)
    assert local(known(case, "GroupOfFractures")) == local(fractures - keyed - {OSTEO.Fracture})
    assert local(known(case, "FractureClassKnown")) == local(fractures)


@pytest.mark.parametrize("category", NOTICES)
def test_every_notice_is_an_individual_with_a_message_and_a_query(ontology: Graph, category: str) -> None:
    """The ontology has the codes of the design, each with a message in both languages and a query."""
    individuals = set(ontology.subjects(RDF.type, OSTEO[category]))
    codes = {notation(ontology, each) for each in individuals}
    assert codes ^ set(NOTICES[category].split()) == set()
    assert codes - {path.stem for path in (LIBRARY / "queries" / "notice").glob("*.rq")} == set()
    for each in individuals:
        messages = [text for text in ontology.objects(each, OSTEO.messageText) if isinstance(text, Literal)]
        assert sorted(str(text.language) for text in messages) == ["en", "fr"], each
        assert len({frozenset(re.findall(r"{\w+}", text)) for text in messages}) == 1, each


def test_every_query_of_a_notice_has_its_individual(ontology: Graph) -> None:
    """Every query looks for a notice of the ontology, and gives each fact that its message names."""
    known_codes = {notation(ontology, each): each for each in instances(ontology, OSTEO.NoticeCode)}
    for path in (LIBRARY / "queries" / "notice").glob("*.rq"):
        found = re.search(r"^SELECT (?:DISTINCT )?(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert found, path
        wanted = set(re.findall(r"{(\w+)}", str(ontology.value(known_codes[path.stem], OSTEO.messageText))))
        assert wanted - set(re.findall(r"\w+", found[1])) == set(), path


NUMBER = re.compile(r"(?<![\w.:?])-?\d+(?:\.\d+)?(?![\w.])")


def test_no_query_holds_a_clinical_number() -> None:
    """Queries name no number but nought and one: thresholds and limits are data."""
    found = {
        (path.name, number)
        for path in LIBRARY.rglob("*.rq")
        for number in NUMBER.findall(without_words(path.read_text(encoding="utf-8")))
        if abs(float(number)) not in (0, 1)
    }
    assert found == set()


def without_words(query: str) -> str:
    """Drop what is no SPARQL: IRIs first, since they may hold a `#`, then comments and strings."""
    return re.sub(r'"[^"\n]*"', "", re.sub(r"#.*", "", re.sub(r"<\w+:[^<>\s]*>", "", query)))


def test_no_module_compares_with_a_clinical_number() -> None:
    """Python compares values with nought, one or a length, never with a threshold."""
    found = {
        (path.name, comparison.lineno, number)
        for path in LIBRARY.rglob("*.py")
        for comparison in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(comparison, ast.Compare) and "len(" not in ast.unparse(comparison)
        for number in numbers(comparison)
        if abs(number) not in (0, 1)
    }
    assert found == set()


def numbers(comparison: ast.Compare) -> Iterator[float]:
    """Give the numbers in a comparison, those written as text included."""
    for node in ast.walk(comparison):
        if isinstance(node, ast.Constant) and NUMBER.fullmatch(str(node.value)):
            yield float(str(node.value))


def test_the_json_ld_context_has_every_property_of_a_case(ontology: Graph, shapes: dict[str, Graph]) -> None:
    """Whatever the shapes let a case say can be said in JSON-LD, and nothing else is named there."""
    context = json.loads((ONTOLOGY / "context.jsonld").read_text(encoding="utf-8"))["@context"]
    case = shapes["case"]
    lists = (Collection(case, each) for each in case.objects(None, SH.ignoredProperties))
    allowed = {str(each).removeprefix(str(OSTEO)) for values in lists for each in values if str(each).startswith(OSTEO)}
    assert allowed - set(context) == set()
    assert {key for key, value in context.items() if isinstance(value, dict)} - allowed == set()
    for key in allowed:
        ranges = {str(each) for each in ontology.objects(OSTEO[key], RDFS.range)}
        kind = context[key]["@type"].replace("xsd:", "http://www.w3.org/2001/XMLSchema#")
        assert kind in ranges or not kind.startswith("http"), key


def test_the_catalog_names_every_module_and_nothing_else() -> None:
    """Protégé finds every module offline, under the name that the module gives itself."""
    entries = ElementTree.parse(ONTOLOGY / "catalog-v001.xml").getroot()
    named = {(entry.attrib["name"], (ONTOLOGY / entry.attrib["uri"]).resolve()) for entry in entries}
    names = {path: Graph().parse(path).value(None, RDF.type, OWL.Ontology) for path in MODULES}
    modules = {(str(name), path.resolve()) for path, name in names.items()}
    assert named ^ modules == set()
