"""Every answer is what the shapes of an assessment ask for, and no shape passes an answer that is broken."""

from __future__ import annotations

import functools
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pyoxigraph as ox
import pytest
from rdflib import RDF, SH, Graph, Literal, Namespace, URIRef
from rdflib.collection import Collection

from osteo_kg import Assessment
from osteo_kg.decision_table.rdf import situation_triples
from osteo_kg.decision_table.table import settled_keys
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.validation import assessment_faults
from tests.support.worked import ON, ROOT, answered

pytestmark = pytest.mark.slow


EXAMPLES = sorted((ROOT / "examples").glob("*.ttl"))
OSTEO, SHAPE = Namespace("https://w3id.org/osteo-kg/ns/"), Namespace("https://w3id.org/osteo-kg/shapes/")
PREFIXES = f"""
PREFIX dcterms: <http://purl.org/dc/terms/>
PREFIX osteo: <{OSTEO}>
PREFIX prov: <http://www.w3.org/ns/prov#>
PREFIX xsd: <http://www.w3.org/2001/XMLSchema#>
"""

TREAT, OPEN, NONE = "failed-bisphosphonate", "fracture-at-unstated-site", "high-energy-fracture"
OTHER = '"other"^^xsd:string'


def _without(kind: str, property_: str) -> str:
    return f"DELETE {{ ?x {property_} ?v }} WHERE {{ ?x a {kind} ; {property_} ?v }}"


def _with(kind: str, *facts: str) -> str:
    return f"INSERT {{ ?x {' ; '.join(facts)} }} WHERE {{ ?x a {kind} }}"


def _instead(kind: str, property_: str, value: str) -> str:
    return (
        f"DELETE {{ ?x {property_} ?v }} INSERT {{ ?x {property_} {value} }} WHERE {{ ?x a {kind} ; {property_} ?v }}"
    )


WHOLE, SITUATION = "osteo:Assessment", "osteo:Situation"
OPTION, RULE, CRITERION = "osteo:OptionAssessment", "osteo:RuleAssessment", "osteo:CriterionAssessment"
EVIDENCE, MISSING = "osteo:Evidence", "osteo:MissingFact"
ONE_MORE = "osteo:hasOptionAssessment [ a osteo:OptionAssessment ; osteo:ofOption {} ; osteo:hasStatus osteo:Eligible ]"
DENOSUMAB = "osteo:ofOption osteo:DenosumabOption"
TOLD = """osteo:hasNotice [ a osteo:ContraindicationNotice ; osteo:hasNoticeCode osteo:AlendronateInHypocalcaemia ;
  osteo:message "It."@en , "Elle."@fr ; dcterms:source "a source" ; {} ]"""
NOT_LISTED = "?x osteo:isNotEligibleFor osteo:TeriparatideOption"

FAULTS = [  # each shape, the example whose answer is broken, and how
    ("AssessmentKind", TREAT, _without(f"{WHOLE} ; a ?v", "a")),
    ("AssessmentPatient", TREAT, _with(WHOLE, "osteo:assesses <urn:p>", "prov:wasDerivedFrom <urn:p>")),
    ("AssessmentIdentifier", TREAT, _without(WHOLE, "dcterms:identifier")),
    ("AssessmentGuideline", OPEN, _without(WHOLE, "osteo:appliesGuideline")),
    ("AssessmentGuideline", OPEN, _with(SITUATION, "osteo:appliesGuideline <urn:other>")),
    ("AssessmentDay", TREAT, _without(WHOLE, "osteo:assessedOn")),
    ("AssessmentDay", TREAT, _instead(WHOLE, "osteo:assessedOn", '"2026-11-22"^^xsd:date')),
    ("AssessmentSituation", TREAT, _without(WHOLE, "osteo:hasSituation")),
    ("AssessmentSituation", TREAT, _instead(WHOLE, "osteo:hasSituation", "<urn:other>")),
    ("AssessmentReviewStatus", TREAT, _without(WHOLE, "osteo:hasReviewStatus")),
    (
        "AnswerDisposition",
        TREAT,
        _with(WHOLE, "osteo:hasDisposition osteo:OutOfScope", "osteo:hasPossibleDisposition osteo:OutOfScope"),
    ),
    ("AnswerPossible", OPEN, _with(WHOLE, "osteo:hasPossibleDisposition osteo:Undetermined")),
    ("AnswerPossible", OPEN, _with(SITUATION, "osteo:hasPossibleDisposition osteo:Undetermined")),
    ("AnswerDecidedIfOneIsPossible", TREAT, _with(WHOLE, "osteo:hasPossibleDisposition osteo:NoTreatment")),
    ("AnswerDecidedIfOneIsPossible", OPEN, _instead(SITUATION, "osteo:hasPossibleDisposition", "osteo:Treat")),
    ("AnswerStrength", TREAT, _with(WHOLE, "osteo:hasStrength osteo:Imperative , osteo:Proposed , osteo:Initiated")),
    ("AnswerStrength", TREAT, _instead(WHOLE, "osteo:hasStrength", "osteo:Strong")),
    ("AnswerStrengthFits", TREAT, _instead(WHOLE, "osteo:hasStrength", "osteo:NotRecommended")),
    ("AnswerStrengthFits", OPEN, _with(WHOLE, "osteo:hasStrength osteo:Imperative")),
    ("AnswerStrengthFits", NONE, _instead(SITUATION, "osteo:hasStrength", "osteo:Imperative")),
    ("TreatOptions", TREAT, f"DELETE {{ ?x osteo:hasOptionAssessment ?v }} WHERE {{ ?x ?any ?v . ?v {DENOSUMAB} }}"),
    ("TreatOptions", TREAT, _with(WHOLE, ONE_MORE.format("osteo:DenosumabOption"))),
    ("TreatOptions", TREAT, _with(WHOLE, ONE_MORE.format("osteo:CalcitoninOption"))),
    ("TreatOptions", TREAT, _instead(f"{OPTION} ; {DENOSUMAB}", "osteo:ofOption", "osteo:RaloxifeneOption")),
    ("NoOptionsWithoutTreat", OPEN, _with(WHOLE, ONE_MORE.format("osteo:DenosumabOption"))),
    ("SituationTreatOptions", TREAT, f"DELETE {{ {NOT_LISTED} }} WHERE {{ ?x a {SITUATION} }}"),
    ("SituationTreatOptions", TREAT, _with(SITUATION, "osteo:isEligibleFor osteo:CalcitoninOption")),
    ("SituationNoOptionsWithoutTreat", OPEN, _with(SITUATION, "osteo:isEligibleFor osteo:DenosumabOption")),
    ("OpenOptionOnlyOpen", TREAT, f"INSERT {{ ?x osteo:isEligibleFor ?o }} WHERE {{ {NOT_LISTED} , ?o }}"),
    ("ClosedOptionOnlyClosed", TREAT, f"INSERT {{ ?x osteo:mayBeEligibleFor ?o }} WHERE {{ {NOT_LISTED} , ?o }}"),
    ("AssessmentDerived", TREAT, _without(WHOLE, "prov:wasDerivedFrom")),
    ("AssessmentDerived", TREAT, _instead(WHOLE, "prov:wasDerivedFrom", "<urn:other>")),
    ("AssessmentGenerated", TREAT, _without(WHOLE, "prov:wasGeneratedBy")),
    ("AssessmentGenerated", TREAT, _without("prov:Activity", "a")),
    ("ActivityUsed", TREAT, _without("prov:Activity", "prov:used")),
    ("ActivityEnded", TREAT, _with("prov:Activity", "prov:endedAtTime 'yesterday'")),
    ("AssessmentSoftware", TREAT, _without(WHOLE, "osteo:softwareVersion")),
    ("AssessmentKnowledge", TREAT, _without(WHOLE, "osteo:knowledgeDigest")),
    ("AssessmentKnowledge", TREAT, _instead(WHOLE, "osteo:knowledgeDigest", '"abc"')),
    ("OptionAssessmentKind", TREAT, _without(OPTION, "a")),
    ("RuleAssessmentKind", TREAT, _without(RULE, "a")),
    ("CriterionAssessmentKind", TREAT, _without(CRITERION, "a")),
    ("EvidenceKind", TREAT, _without(EVIDENCE, "a")),
    ("MissingFactKind", OPEN, _without(MISSING, "a")),
    ("ToldNoticeKind", OPEN, _without("osteo:Warning", "a")),
    ("ToldNoticeKind", OPEN, _with("osteo:Warning", "a osteo:Assumption")),
    ("OptionAssessmentOf", TREAT, _with(OPTION, "osteo:ofOption <urn:other>")),
    ("RuleAssessmentOf", TREAT, _without(RULE, "osteo:ofRule")),
    ("CriterionAssessmentOf", TREAT, _without(CRITERION, "osteo:ofCriterion")),
    ("OptionAssessmentStatus", TREAT, _without(OPTION, "osteo:hasStatus")),
    ("OptionAssessmentStatus", TREAT, _instead(OPTION, "osteo:hasStatus", "osteo:Met")),
    ("OptionAssessmentStatus", TREAT, _with(OPTION, "osteo:hasStatus osteo:Eligible , osteo:NotEligible")),
    ("RuleAssessmentStatus", TREAT, _instead(RULE, "osteo:hasStatus", "osteo:UndeterminedStatus")),
    ("CriterionAssessmentStatus", TREAT, _instead(CRITERION, "osteo:hasStatus", "osteo:Eligible")),
    ("OptionAssessmentListed", TREAT, _instead(OPTION, "osteo:isListed", OTHER)),
    ("OptionAssessmentLine", TREAT, _with(OPTION, "osteo:hasLine osteo:FirstLine , osteo:SecondLine")),
    ("AssessmentRules", TREAT, _without(WHOLE, "osteo:hasRuleAssessment")),
    ("RuleAssessmentCriteria", TREAT, _without(RULE, "osteo:hasCriterionAssessment")),
    ("EvidenceFact", TREAT, _without(EVIDENCE, "osteo:ofFact")),
    ("EvidenceValue", TREAT, _without(EVIDENCE, "osteo:evidenceValue")),
    ("EvidenceValue", TREAT, _without(EVIDENCE, "osteo:hasEvidenceTerm")),
    ("EvidenceValue", TREAT, _without(EVIDENCE, "osteo:hasEvidenceEntry")),
    ("EvidenceValue", TREAT, _instead(EVIDENCE, "osteo:evidenceValue", OTHER)),
    ("EvidenceValue", TREAT, _with(EVIDENCE, "osteo:isEvidenceOfNone true")),
    ("EvidenceOrder", TREAT, _without(EVIDENCE, "osteo:displayOrder")),
    ("MissingFactNamed", OPEN, _without(WHOLE, "osteo:isMissing")),
    ("MissingFactNamed", OPEN, _without(WHOLE, "osteo:hasMissingFact")),
    (
        "MissingFactOf",
        OPEN,
        "INSERT { ?x osteo:isMissing osteo:Z . ?m osteo:ofFact osteo:Z } WHERE { ?x osteo:hasMissingFact ?m }",
    ),
    ("MissingFactSettles", OPEN, _without(MISSING, "osteo:wouldSettle")),
    ("ToldNoticeCode", OPEN, _without("osteo:Warning", "osteo:hasNoticeCode")),
    ("ToldNoticeCode", OPEN, _with("osteo:Warning", "osteo:hasNoticeCode osteo:NearThreshold , osteo:Deceased")),
    ("ToldNoticeMessage", OPEN, _without("osteo:Warning", "osteo:message")),
    ("ToldNoticeMessage", OPEN, _with("osteo:Warning", 'osteo:message "Another."@en')),
    ("ToldNoticeMessage", OPEN, _instead("osteo:Warning", "osteo:message", '"Achtung."@de')),
    ("CautionSource", TREAT, _without("osteo:Caution", "dcterms:source")),
    ("ContraindicationDrug", NONE, _with(WHOLE, TOLD.format("osteo:hasSafetySource osteo:FrenchSummary"))),
    ("ContraindicationOrigin", NONE, _with(WHOLE, TOLD.format("osteo:concernsDrug osteo:Alendronate"))),
]


@pytest.fixture(scope="module")
def examples(knowledge_base: KnowledgeBase) -> dict[str, list[ox.Triple]]:
    """The answer to each example with its situation, by the name of the file."""
    engine, found = knowledge_base.engine(), {}
    for path in EXAMPLES:
        cases = knowledge_base.read(path.read_bytes(), name=path.name)
        answers = [each for each in knowledge_base.assess_all(cases, on=ON) if isinstance(each, Assessment)]
        keys = [engine.space.parse(each.situation.rsplit("/", 1)[-1]) for each in answers]
        written = [triple for each in answers for triple in knowledge_base.triples(each)]
        found[path.stem] = [*written, *situation_triples(engine, keys)]
    return found


@pytest.fixture(scope="module")
def shapes() -> Graph:
    return Graph().parse(ROOT / "shapes" / "assessment.ttl")


def test_the_answers_to_all_examples_and_worked_cases_conform(
    knowledge_base: KnowledgeBase, examples: dict[str, list[ox.Triple]]
) -> None:
    triples = [triple for written in examples.values() for triple in written]
    for worked in answered():
        case = worked.case(knowledge_base)
        assessment = knowledge_base.assess(case, on=worked.on, assume_complete=worked.assume_complete)
        triples += knowledge_base.triples(assessment)
    assert len([triple for triple in triples if triple.object == ox.NamedNode(OSTEO.Assessment)]) >= len(EXAMPLES)
    assert assessment_faults(knowledge_base.knowledge, _each_part_once(triples)) == []


def _each_part_once(triples: Iterable[ox.Triple]) -> set[ox.Triple]:
    """Let assessments share the parts of which the same is said: a shape looks at what hangs on a node, and no further.

    Assessments have many parts in common, such as a criterion that is met for the same reason.
    """
    said: dict[object, list[ox.Triple]] = defaultdict(list)
    for triple in triples:
        said[triple.subject].append(triple)

    @functools.cache
    def named(term: Any) -> Any:
        if not isinstance(term, ox.BlankNode):
            return term
        content = "\n".join(sorted(f"{each.predicate} {named(each.object)}" for each in said[term]))
        return ox.BlankNode(hashlib.sha256(content.encode()).hexdigest())

    return {ox.Triple(named(s), p, named(o)) for facts in said.values() for s, p, o in facts}


def test_what_a_shape_looks_at_hangs_on_a_node_of_its_own(shapes: Graph) -> None:
    """Else parts and situations of which the same is said would not stand for each other."""
    assert [*shapes.subjects(SH.inversePath), *shapes.subjects(SH.closed), *shapes.objects(None, SH.sparql)] == []


def test_the_situations_of_the_decision_table_conform(knowledge_base: KnowledgeBase, shapes: Graph) -> None:
    """A shape looks at one situation at a time, so one is enough of those of which the same is said.

    Compared is what is said with the properties that some shape names.
    """
    looked_at = {str(RDF.type), *map(str, shapes.all_nodes())}
    engine = knowledge_base.engine()
    said: dict[str, list[ox.Triple]] = defaultdict(list)
    for triple in situation_triples(engine, settled_keys(engine)):
        if triple.predicate.value in looked_at:
            said[str(triple.subject)].append(triple)
    one_of_each = {frozenset((each.predicate, each.object) for each in facts): facts for facts in said.values()}
    assert len(one_of_each) > 30
    triples = [triple for facts in one_of_each.values() for triple in facts]
    assert assessment_faults(knowledge_base.knowledge, triples) == []


@pytest.mark.parametrize(("shape", "example", "fault"), FAULTS, ids=[f"{n}-{each[0]}" for n, each in enumerate(FAULTS)])
def test_a_broken_answer_is_found_by_its_shape_and_by_no_other(
    knowledge_base: KnowledgeBase, examples: dict[str, list[ox.Triple]], shape: str, example: str, fault: str
) -> None:
    broken = _after(fault, examples[example])
    assert broken != set(examples[example])
    assert {found for found, _ in assessment_faults(knowledge_base.knowledge, broken)} == {shape}


def _after(update: str, triples: Iterable[ox.Triple]) -> set[ox.Triple]:
    store = ox.Store()
    store.extend(ox.Quad(triple.subject, triple.predicate, triple.object) for triple in triples)
    store.update(PREFIXES + update)
    return {quad.triple for quad in store}


def test_a_fault_names_the_assessment_in_which_it_is(
    knowledge_base: KnowledgeBase, examples: dict[str, list[ox.Triple]]
) -> None:
    """A part of an assessment has no name of its own."""
    broken = _after(_without(EVIDENCE, "osteo:ofFact"), examples[TREAT])
    places = {place for _, place in assessment_faults(knowledge_base.knowledge, broken)}
    assert places == {f"urn:case:{TREAT}/assessment/oic-128-08-b/{ON.isoformat()}"}


def test_no_shape_is_without_a_fault(shapes: Graph) -> None:
    named = {each for kind in (SH.NodeShape, SH.PropertyShape) for each in shapes.subjects(RDF.type, kind)}
    assert named ^ {SHAPE[shape] for shape, _, _ in FAULTS} == set()


def test_the_shapes_are_shacl_core(shapes: Graph) -> None:
    assert list(shapes.subject_objects(SH.sparql)) == []


def test_the_shapes_ask_for_the_options_of_the_guideline(knowledge_base: KnowledgeBase, shapes: Graph) -> None:
    """A guideline with other options needs shapes of its own."""
    options = {option.iri for option in knowledge_base.engine().guideline.options}
    named = [value for value in shapes.objects(None, SH.hasValue) if str(value).endswith("Option")]
    assert {str(value) for value in named} == options
    assert len(named) == 2 * len(options)  # of an assessment, and of a situation
    most = {int(str(value)) for value in shapes.objects(None, SH.maxCount) if isinstance(value, Literal)} - {0, 1, 2}
    assert most == {len(options)}


@pytest.mark.parametrize(
    ("shape", "kind", "excluded"),
    [
        ("AnswerDisposition", "Disposition", set()),
        ("AnswerPossible", "Disposition", {"undetermined"}),
        ("AnswerStrength", "Strength", set()),
    ],
)
def test_the_shapes_list_the_values_of_the_ontology(
    knowledge_base: KnowledgeBase, shapes: Graph, shape: str, kind: str, excluded: set[str]
) -> None:
    values = shapes.value(URIRef(SHAPE[shape]), SH["in"])
    assert values is not None
    kinds = knowledge_base.knowledge.terms.kinds[ox.NamedNode(OSTEO[kind])]
    expected = {iri for key, iri in kinds.items() if key not in excluded}
    assert {str(each) for each in Collection(shapes, values)} == expected
