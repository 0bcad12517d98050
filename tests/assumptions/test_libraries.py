"""Facts about the libraries that the code rests on. Where one stops being true, there is code to change."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from typing import Any

import owlrl
import pyoxigraph as ox
import pytest
from pyshacl.graph_abstraction import DataGraph
from pyshacl.validator import Validator
from rdflib import OWL, RDF, SH, XSD, Graph, Literal, Namespace

from osteo_kg import KnowledgeBase, RefusedCaseError, package_data
from osteo_kg.rdf.terms import OSTEO
from tests.support.worked import ON

EX = Namespace("urn:example:")
SHAPES = """
    @prefix ex: <urn:example:> .
    @prefix sh: <http://www.w3.org/ns/shacl#> .
    ex:HasName a sh:NodeShape ; sh:targetClass ex:Person ;
        sh:property [ sh:path ex:name ; sh:minCount 1 ; sh:in ( "Anna" "Berta" ) ] .
"""


def _answer(expression: str) -> str | None:
    """Evaluate one SPARQL expression in Oxigraph; None where it is an error."""
    solutions = ox.Store().query(f"PREFIX xsd: <{XSD}> SELECT ({expression} AS ?x) {{}}")
    assert isinstance(solutions, ox.QuerySolutions)
    [solution] = solutions
    found = solution["x"]
    assert found is None or isinstance(found, ox.Literal)
    return None if found is None else found.value


def _people(*names: str) -> DataGraph:
    graph = Graph()
    for number, name in enumerate(names):
        graph.add((EX[str(number)], RDF.type, EX.Person))
        graph.add((EX[str(number)], EX.name, Literal(name)))
    return DataGraph.from_rdflib(graph)


def _validator(shapes: Graph) -> Validator:
    return Validator(
        DataGraph.from_rdflib(Graph()), shacl_graph=shapes, options={"inplace": True, "allow_warnings": True}
    )


def _refused(validator: Any) -> set[str]:
    _, report, _ = validator.run()
    return {str(value) for value in report.objects(None, SH.value)}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Listen on a free port of this machine: whoever opens a URL of it is seen."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


def test_owlrl_reports_a_contradiction_as_triples_of_a_foreign_namespace() -> None:
    """Hence `reasoning` looks for them and raises: owlrl itself does not."""
    graph = Graph()
    graph.add((EX.Cat, OWL.disjointWith, EX.Dog))
    graph.add((EX.tom, RDF.type, EX.Cat))
    graph.add((EX.tom, RDF.type, EX.Dog))
    owlrl.DeductiveClosure(owlrl.OWLRL_Semantics, axiomatic_triples=False, datatype_axioms=False).expand(graph)
    [message] = graph.objects(None, Namespace("http://www.daml.org/2002/03/agents/agent-ont#").error)
    assert "Disjoint classes" in str(message)


def test_a_validator_that_is_not_reset_answers_for_the_data_it_saw_first() -> None:
    """Hence `validation` sets `_target_graph` to None with every case."""
    validator = _validator(Graph().parse(data=SHAPES, format="turtle"))
    validator.data_graph = _people("Carla")
    assert _refused(validator) == {"Carla"}
    validator.data_graph = _people("Dora")
    assert _refused(validator) == {"Carla"}
    validator._target_graph = None
    assert _refused(validator) == {"Dora"}


def test_a_validator_used_again_gives_the_same_report_and_leaves_its_shapes_alone() -> None:
    """Hence `validation` keeps one for each day, though pySHACL adds triples to the shapes when it first reads them."""
    shapes = Graph().parse(data=SHAPES, format="turtle")
    validator = _validator(shapes)
    sizes, reports = [], []
    for names in (("Carla", "Anna"), ("Berta",), ("Carla", "Anna")):
        validator.data_graph, validator._target_graph = _people(*names), None
        reports.append(_refused(validator))
        sizes.append(len(shapes))
    assert reports == [{"Carla"}, set(), {"Carla"}]
    assert len(set(sizes)) == 1


def test_an_oxigraph_store_drops_the_zeros_at_the_end_of_a_decimal() -> None:
    """Hence `lifting` counts the decimals of a T-score before it enters the store: 0.850 may be a bone density."""
    written = ox.Literal("0.850", datatype=ox.NamedNode(str(XSD.decimal)))
    store = ox.Store()
    store.add(ox.Quad(ox.NamedNode("urn:a"), ox.NamedNode("urn:b"), written))
    [kept] = store
    assert isinstance(kept.object, ox.Literal)
    assert (written.value, kept.object.value) == ("0.850", "0.85")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_oxigraph_opens_no_json_ld_context(scheme: str, listener: socket.socket) -> None:
    """The reader refuses foreign contexts; were one to slip through, nothing would be opened all the same."""
    port = listener.getsockname()[1]
    document = json.dumps({"@context": f"{scheme}://127.0.0.1:{port}/c", "@id": "urn:a", "@type": "urn:B"})
    with pytest.raises(SyntaxError):
        list(ox.parse(document, format=ox.RdfFormat.JSON_LD))
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_rdflib_logs_the_value_of_a_literal_that_it_cannot_convert(caplog: pytest.LogCaptureFixture) -> None:
    """Hence `validation` filters that logger: such a value may be a patient's."""
    logger = logging.getLogger("rdflib.term")
    kept = logger.filters[:]
    logger.filters.clear()
    try:
        Literal("born in Lille", datatype=XSD.dateTime)
    finally:
        logger.filters[:] = kept
    assert "born in Lille" in caplog.text
    caplog.clear()
    Literal("born in Lille", datatype=XSD.dateTime)
    assert caplog.text == ""


@pytest.mark.filterwarnings("default")
def test_nothing_that_a_wrong_case_says_is_logged_or_warned_of(
    knowledge_base: KnowledgeBase, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    """Every logger is listened to, whether or not it passes its records on."""
    heard: list[str] = []
    monkeypatch.setattr(logging.Logger, "callHandlers", lambda _, record: heard.append(record.getMessage()))
    monkeypatch.setattr(logging.root, "level", logging.DEBUG)
    secrets = {name: f"secret-{name}" for name in ("sex", "birth_date", "t_score_total_hip", "densitometry_date")}
    fracture = {"site": "vertebra", "date": "secret-fracture-date", "count": "secret-count"}
    record = {**secrets, "patient": "secret-patient", "age_years": "secret-age", "fractures": [fracture]}
    [case] = knowledge_base.read(json.dumps(record), "json")
    prepared = knowledge_base.prepare(case, on=ON)
    report = prepared.report
    with pytest.raises(RefusedCaseError):
        knowledge_base.assess(prepared)
    assert {finding.value for finding in report.violations} >= {*secrets.values(), "secret-age", "secret-count"}
    assert [message for message in [*heard, *(str(w.message) for w in recwarn)] if "secret" in message] == []


@pytest.mark.filterwarnings("default")
def test_a_wrong_boolean_is_not_warned_of(knowledge_base: KnowledgeBase, recwarn: pytest.WarningsRecorder) -> None:
    prefixes = f"PREFIX osteo: <{OSTEO.iri}> PREFIX xsd: <{XSD}>"
    wrong = '<urn:case:a> a osteo:Patient ; osteo:climactericDisorders "secret"^^xsd:boolean .'
    [case] = knowledge_base.read(f"{prefixes} {wrong}", "ttl")
    assert not knowledge_base.validate(case, on=ON).conforms
    assert [str(each.message) for each in recwarn if "secret" in str(each.message)] == []


@pytest.mark.parametrize(("digits", "compared"), [(17, "true"), (18, "true"), (19, None)])
def test_oxigraph_compares_decimals_of_at_most_eighteen_digits(digits: int, compared: str | None) -> None:
    """Hence the shapes refuse a T-score with more: the comparison is an error, and a filter reads an error as false."""
    assert _answer(f'"-2.{"9" * digits}"^^xsd:decimal > -3.0') == compared


@pytest.mark.parametrize(("function", "part"), [("YEAR", "2026"), ("MONTH", "2"), ("DAY", "1")])
def test_the_parts_of_a_day_are_those_written(function: str, part: str) -> None:
    """Hence a day is kept as a dateTime at midnight without time zone; completed years are counted from its parts."""
    assert _answer(f'{function}("2026-02-01T00:00:00"^^xsd:dateTime)') == part


def test_oxigraph_does_not_compare_a_date_with_a_date_time() -> None:
    """Hence every day is brought to one datatype: mixed, they would be in no order, silently."""
    assert _answer('"2026-02-01"^^xsd:date < "2026-02-02T00:00:00"^^xsd:dateTime') is None


def test_the_shapes_of_a_case_are_shacl_core() -> None:
    """Hence one kept validator costs little: `sh:sparql` would run rdflib's engine for every case."""
    shapes = Graph().parse(package_data.root() / "shapes" / "case.ttl")
    assert list(shapes.subject_objects(SH.sparql)) == []
