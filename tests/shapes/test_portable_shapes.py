"""The shapes for other engines say what the library says, with the limits and the words that stand elsewhere."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from click.testing import CliRunner
from rdflib import RDF, SH, Graph, Literal, Namespace, URIRef
from rdflib.collection import Collection

from osteo_kg.cli.main import main
from osteo_kg.errors import UsageError
from osteo_kg.knowledge_base import KnowledgeBase
from osteo_kg.portable_shapes import portable_shapes
from osteo_kg.rdf import OSTEO as OURS
from osteo_kg.rdf.day_patterns import born_at, born_within, up_to

SHAPE = Namespace("https://w3id.org/osteo-kg/shapes/")
OSTEO = Namespace("https://w3id.org/osteo-kg/ns/")
ON = datetime.date(2026, 6, 1)
DAYS = (ON, datetime.date(2024, 2, 29), datetime.date(2026, 1, 1), datetime.date(2026, 12, 31))


@pytest.fixture(scope="module")
def case_shapes(knowledge_base: KnowledgeBase) -> Graph:
    """The shapes from which the others are made."""
    return Graph().parse(data=knowledge_base.knowledge.shapes["case.ttl"], format="turtle")


@pytest.fixture(scope="module")
def document_shapes(knowledge_base: KnowledgeBase) -> Graph:
    """What the reader itself sees to."""
    return Graph().parse(data=knowledge_base.knowledge.shapes["document.ttl"], format="turtle")


@pytest.fixture(scope="module")
def core(knowledge_base: KnowledgeBase) -> Graph:
    """The shapes in SHACL Core."""
    return Graph().parse(data=portable_shapes(knowledge_base.knowledge, ON), format="turtle")


def days_around(day: datetime.date) -> Iterator[datetime.date]:
    """Give the days of a year on each side, and some far away."""
    yield from (day + datetime.timedelta(each) for each in (*range(-400, 401), -36500, -3650, 3650, 36500))


@pytest.mark.parametrize("day", DAYS)
def test_a_day_matches_up_to_itself(day: datetime.date) -> None:
    pattern = re.compile(up_to(day))
    assert {each for each in days_around(day) if bool(pattern.search(each.isoformat())) != (each <= day)} == set()


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize("age", [0, 1, 68])
def test_a_birth_date_matches_the_age_that_it_gives(day: datetime.date, age: int) -> None:
    pattern, (after, before) = re.compile(born_at(age, day)), born_within(age, age, day)
    for each in days_around(day.replace(year=day.year - age, day=min(day.day, 28))):
        given = day.year - each.year - ((each.month, each.day) > (day.month, day.day))
        assert bool(pattern.search(each.isoformat())) == (given == age)
        assert all(re.search(bound, each.isoformat()) for bound in (after, before)) == (given == age)


def test_what_is_written_is_complete_in_itself(core: Graph) -> None:
    """Nothing that the library derives is named, no constraint is in SPARQL, and every result refuses."""
    assert [each for each in core.all_nodes() if str(each).startswith("https://w3id.org/osteo-kg/lifted/")] == []
    assert list(core.subjects(SH.sparql)) == []
    assert set(core.objects(None, SH.severity)) == {SH.Violation}
    named = {each for each in core.subjects(RDF.type) if str(each).startswith(SHAPE)}
    for property_ in (SH.node, SH["not"], SH.qualifiedValueShape):
        assert {each for each in core.objects(None, property_) if isinstance(each, URIRef)} - named == set()


def test_every_refusal_of_the_library_is_written(core: Graph, case_shapes: Graph) -> None:
    """But two T-scores of one day, which take SPARQL; one shape says of the age what two do in the library."""
    refusing = set(case_shapes.subjects(SH.severity, SH.Violation))
    targeted = {
        shape
        for target in (SH.targetClass, SH.targetSubjectsOf, SH.targetObjectsOf)
        for shape in case_shapes.subjects(target)
    }
    missing = (refusing & targeted) - set(core.subjects(SH.severity))
    assert missing == {SHAPE.ConflictingDensitometry, SHAPE.AgeNotBelowBirthDate, SHAPE.FractureClassStated}


def test_the_day_stands_in_the_header(core: Graph, knowledge_base: KnowledgeBase) -> None:
    days = [str(each) for each in core.objects(None, URIRef("http://purl.org/dc/terms/valid"))]
    assert days == ["2026-06-01"]
    assert portable_shapes(knowledge_base.knowledge, datetime.date(2026, 6, 2)).count("2026-06-02") > 1


@pytest.mark.parametrize("shape", ["TScoreInRange", "EstimatedGfrInRange", "CreatinineClearanceInRange", "AgeValue"])
def test_the_bounds_of_a_number_are_those_of_its_pattern(case_shapes: Graph, shape: str) -> None:
    """The pattern lets exactly those numbers pass that lie between the bounds."""
    pattern = re.compile(str(case_shapes.value(SHAPE[shape], SH.pattern)))
    least, greatest = (Decimal(str(case_shapes.value(SHAPE[shape], OSTEO[each]))) for each in ("atLeast", "atMost"))
    step = Decimal(1) if shape == "AgeValue" else Decimal("0.25")
    for number in (step * each for each in range(-1600, 1600)):
        assert bool(pattern.search(f"{number:f}")) == (least <= number <= greatest), number


def test_the_least_number_of_vertebrae_is_that_of_its_pattern(case_shapes: Graph) -> None:
    pattern = re.compile(str(case_shapes.value(SHAPE.VertebraCountValue, SH.pattern)))
    least = int(Decimal(str(case_shapes.value(SHAPE.VertebraCountValue, OSTEO.atLeast))))
    assert [each for each in range(30) if pattern.search(str(each))] == list(range(least, 30))


@pytest.mark.parametrize(
    ("shape", "document"),
    [
        ("NoAxiom", "<urn:p> a osteo:Patient ; owl:sameAs <urn:q> ."),
        ("NothingBeside", "<urn:p> a osteo:Patient . <urn:q> osteo:tScore 1 ."),
        ("FactsOfAPatient", "<urn:p> a osteo:Patient . <urn:q> osteo:hasSex osteo:Female ."),
        ("FactsOfAnEntry", "<urn:p> a osteo:Patient . <urn:q> a osteo:RibFracture ."),
        ("NoClassOfLogic", "<urn:p> a osteo:Patient . <urn:q> a owl:Class ."),
        ("EntryClass", "<urn:p> a osteo:Patient ; osteo:hasFracture [ a osteo:RibFracture , owl:Class ] ."),
        ("EntryNode", "<urn:p> a osteo:Patient ; osteo:hasFracture osteo:RibFracture ."),
        ("EntryTold", "<urn:p> a osteo:Patient ; osteo:hasFracture <urn:q> ."),
        ("PatientName", "osteo:Anna a osteo:Patient ."),
    ],
)
def test_a_document_is_refused_in_the_words_of_the_reader(
    document_shapes: Graph, knowledge_base: KnowledgeBase, shape: str, document: str
) -> None:
    """What the reader refuses and what the shapes refuse is said in the same sentences."""
    prefixes = "@prefix osteo: <https://w3id.org/osteo-kg/ns/> . @prefix owl: <http://www.w3.org/2002/07/owl#> ."
    [case] = knowledge_base.read(f"{prefixes} {document}", "turtle")
    [finding] = {(each.message, each.advice) for each in case.findings}
    for said, property_ in zip(finding, (SH.message, OSTEO.advice), strict=True):
        assert set(document_shapes.objects(SHAPE[shape], property_)) == {Literal(said.en, "en"), Literal(said.fr, "fr")}


def test_the_query_reads_sites_as_the_ontology_does(document_shapes: Graph, knowledge_base: KnowledgeBase) -> None:
    """A site that is read as another is so in the constraint on one day too."""
    constraint = document_shapes.value(SHAPE.OneTScoreOfADay, SH.sparql)
    select = str(document_shapes.value(constraint, SH.select))
    found = set(re.findall(r"= osteo:(\w+), osteo:(\w+)", select))
    read_as = knowledge_base.knowledge.triples.pairs(OURS.readAs)
    assert found == {tuple(each.rpartition("/")[2] for each in pair) for pair in read_as}


@pytest.mark.parametrize("sparql", [False, True])
def test_the_same_shapes_are_the_same_text(knowledge_base: KnowledgeBase, sparql: bool) -> None:
    first, second = (portable_shapes(knowledge_base.knowledge, ON, sparql=sparql) for _ in range(2))
    assert first == second


def test_a_property_of_another_vocabulary_is_passed_over_by_name(knowledge_base: KnowledgeBase) -> None:
    text = portable_shapes(knowledge_base.knowledge, ON, ignored=["urn:other:property"])
    graph = Graph().parse(data=text, format="turtle")
    lists = [Collection(graph, each) for each in graph.objects(None, SH.ignoredProperties)]
    assert len(lists) == len(list(graph.subjects(SH.closed)))
    assert all(URIRef("urn:other:property") in each for each in lists)


@pytest.mark.parametrize(
    "iri", ["tScore", "https://w3id.org/osteo-kg/ns/tScor", "http://www.w3.org/2002/07/owl#sameAs"]
)
def test_a_property_that_cannot_be_passed_over_is_refused(knowledge_base: KnowledgeBase, iri: str) -> None:
    with pytest.raises(UsageError, match=r"no IRI|never passed over"):
        portable_shapes(knowledge_base.knowledge, ON, ignored=[iri])


def test_the_command_prints_them() -> None:
    done = CliRunner().invoke(main, ["shapes", "--on", "2026-06-01", "--sparql"])
    assert done.exit_code == 0
    assert list(Graph().parse(data=done.output, format="turtle").subjects(SH.sparql)) != []
