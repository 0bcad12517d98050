"""The competency questions get the answers written beside them, in the library and over HTTP, on whatever day."""

from __future__ import annotations

import csv
import datetime
import io
import itertools
import json
import re
import urllib.request
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import pyoxigraph as ox
import pytest
from rdflib import OWL, RDF, RDFS, Graph, Literal, Namespace
from rdflib.term import Node

import osteo_kg_server
from osteo_kg import Assessment
from osteo_kg.dataset import GRAPH, Dataset, build_dataset
from osteo_kg.decision_table.rdf import situation_triples
from osteo_kg.decision_table.table import settled_keys
from osteo_kg.knowledge_base import KnowledgeBase, PreparedCase
from osteo_kg.reasoning.dimensions import BandDimension
from osteo_kg.reasoning.engine import Engine
from osteo_kg.reasoning.situations import Key
from osteo_kg_server import wsgi
from tests.support.worked import ON, ROOT

pytestmark = pytest.mark.slow


FOLDER = ROOT / "examples" / "questions"
QUESTIONS = sorted(FOLDER.glob("*.rq"))
HOW_TO = ROOT / "docs" / "how-to" / "ask-a-question.md"
MEDIA = {".csv": "text/csv", ".json": "application/sparql-results+json", ".ttl": "application/n-triples"}
FORMS = {".csv": "csv", ".json": "json", ".ttl": "ntriples"}
LATER = datetime.date(2030, 1, 1)
OSTEO = Namespace("https://w3id.org/osteo-kg/ns/")
SEVERE = {  # docs/reference/reading.md, R3
    "proximal-femur",
    "vertebra",
    "pelvis",
    "femur",
    "pelvis-or-femur",
    "proximal-humerus",
    "femoral-shaft",
    "distal-femur",
    "proximal-tibia",
    "multiple-ribs",
}
Answer = list[list[str]] | set[ox.Triple] | bool


def examples(knowledge_base: KnowledgeBase, on: datetime.date) -> Dataset:
    """Load what `osteo-kg serve` loads in a checkout."""
    files = sorted((ROOT / "examples").glob("*.ttl"))
    cases = [case for path in files for case in knowledge_base.read(path.read_bytes(), name=path.name)]
    return build_dataset(knowledge_base, cases, on=on)


@pytest.fixture(scope="module")
def dataset(knowledge_base: KnowledgeBase) -> Dataset:
    return examples(knowledge_base, ON)


@pytest.fixture(scope="module")
def address(knowledge_base: KnowledgeBase, dataset: Dataset) -> Iterator[str]:
    """The address of a real server on a free port."""
    app = osteo_kg_server.create_app(knowledge_base, dataset)
    with wsgi.served(app) as found:
        yield found


@pytest.fixture(scope="module")
def answers(knowledge_base: KnowledgeBase) -> list[Assessment]:
    """The answer about every example, from no triple of any answer."""
    files = sorted((ROOT / "examples").glob("*.ttl"))
    cases = [case for path in files for case in knowledge_base.read(path.read_bytes(), name=path.name)]
    return [knowledge_base.assess(case, on=ON) for case in cases]


@pytest.fixture(scope="module")
def ontology() -> Graph:
    graph = Graph()
    for path in (ROOT / "ontology").rglob("*.ttl"):
        graph.parse(path)
    return graph


def beside(question: Path) -> Path:
    """Give the file of the answer that a question must get."""
    [path] = [path for path in FOLDER.glob(f"{question.stem}.*") if path != question]
    return path


def read(data: bytes, suffix: str) -> Answer:
    """Read an answer: the rows of a table in their order, a graph, or yes or no."""
    if suffix == ".csv":
        return list(csv.reader(io.StringIO(data.decode("utf-8"))))
    if suffix == ".json":
        return bool(json.loads(data)["boolean"])
    return {quad.triple for quad in ox.parse(data, format=ox.RdfFormat.TURTLE)}


def expected(name: str) -> Answer:
    """Read the answer that stands beside a question."""
    path = beside(FOLDER / f"{name}.rq")
    return read(path.read_bytes(), path.suffix)


def rows(name: str) -> list[dict[str, str]]:
    """Read the expected table of a question, by column."""
    return list(csv.DictReader((FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()))


def asked(dataset: Dataset, question: Path) -> Answer:
    """Ask a question of a dataset."""
    suffix = beside(question).suffix
    return read(dataset.query(question.read_text(encoding="utf-8")).written(FORMS[suffix]), suffix)


# The files


def test_there_are_thirty_questions() -> None:
    assert len(QUESTIONS) == 30


def test_every_question_has_one_answer_and_every_answer_a_question() -> None:
    answers = [path.stem for path in FOLDER.iterdir() if path.suffix != ".rq"]
    assert sorted(answers) == [path.stem for path in QUESTIONS]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_a_question_opens_with_its_sentence_in_english_and_in_french(question: Path) -> None:
    english, french = question.read_text(encoding="utf-8").splitlines()[:2]
    assert re.fullmatch(r"# [A-Z].*\w\?( \(a graph\))?", english)
    assert re.fullmatch(r"# [A-ZÀ].* \?( \(un graphe\))?", french)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_a_table_has_an_order(question: Path) -> None:
    text = question.read_text(encoding="utf-8")
    assert ("ORDER BY" in text) == (beside(question).suffix == ".csv")


def test_tables_a_truth_and_graphs_are_asked_for() -> None:
    kinds = Counter(beside(question).suffix for question in QUESTIONS)
    assert set(kinds) == set(FORMS)
    assert kinds[".ttl"] >= 2


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_no_question_holds_a_number_of_the_guideline(question: Path) -> None:
    lines = question.read_text(encoding="utf-8").splitlines()
    code = "\n".join(line for line in lines if not line.startswith(("#", "PREFIX", "  VALUES ?fall")))
    assert re.findall(r"(?<![\w-])-?\d+", code) == []


def test_the_guide_lists_every_question_with_its_sentence() -> None:
    listed = re.findall(r"^- \[(.*)\]\(../../examples/questions/(.*\.rq)\)$", HOW_TO.read_text("utf-8"), re.MULTILINE)
    first = {path.name: path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ") for path in QUESTIONS}
    assert {name: sentence for sentence, name in listed} == first
    assert len(listed) == len(first)


def test_the_guide_shows_what_a_client_of_others_gets(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = HOW_TO.read_text(encoding="utf-8")
    [(code, output)] = re.findall(r"```py\n(.*?)```\n\n```text\n(.*?)```", guide, re.DOTALL)
    monkeypatch.chdir(ROOT)
    exec(code.replace("http://127.0.0.1:8080", address), {})
    assert capsys.readouterr().out == output


# The answers


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_a_question_gets_its_answer(dataset: Dataset, question: Path) -> None:
    assert asked(dataset, question) == expected(question.stem)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_a_question_gets_its_answer_over_http(address: str, question: Path) -> None:
    suffix = beside(question).suffix
    query = urlencode({"query": question.read_text(encoding="utf-8")})
    request = urllib.request.Request(f"{address}/sparql?{query}", headers={"Accept": MEDIA[suffix]})
    with urllib.request.urlopen(request) as response:
        assert read(response.read(), suffix) == expected(question.stem)


def test_the_answers_are_the_same_on_a_later_day(knowledge_base: KnowledgeBase) -> None:
    later = examples(knowledge_base, LATER)
    assert [path.stem for path in QUESTIONS if asked(later, path) != expected(path.stem)] == []


@pytest.mark.parametrize("kind", ["ontology", "inferred", "shapes", "situations", "cases", "assessments"])
def test_some_question_needs_every_kind_of_graph(dataset: Dataset, kind: str) -> None:
    rest = Dataset({name: triples for name, triples in dataset.graphs.items() if not name.startswith(GRAPH + kind)})
    assert len(rest.graphs) < len(dataset.graphs)
    assert [path.stem for path in QUESTIONS if asked(rest, path) != expected(path.stem)]


# The same answers, found without SPARQL


def test_the_blocked_women_are_those_whose_answer_asks_for_densitometry(answers: list[Assessment]) -> None:
    blocked = {answer.patient for answer in answers if answer.disposition == "densitometry-required"}
    assert {row["patient"] for row in rows("blocked-by-missing-densitometry")} == blocked


def test_teriparatide_is_refused_for_the_reason_in_the_answer(answers: list[Assessment], ontology: Graph) -> None:
    [answer] = [each for each in answers if each.patient == "urn:case:one-vertebral-entry"]
    [option] = [each for each in answer.options if each.treatment == "teriparatide"]
    assert option.status == "not-eligible"
    why = [
        (criterion.label.en, criterion.status, site_of(ontology, evidence.value["site"]))
        for criterion in option.criteria
        for evidence in criterion.evidence
    ]
    told = [(row["condition"], row["met"].replace(" ", "-"), row["value"]) for row in rows("why-not-teriparatide")]
    assert sorted(told) == sorted(why)


def test_the_assumptions_are_those_of_the_answers(answers: list[Assessment], ontology: Graph) -> None:
    made = sorted(
        (answer.patient, label_of(ontology, notice.code), notice.interpretation or "")
        for answer in answers
        for notice in answer.assumptions
    )
    assert [tuple(row.values()) for row in rows("answers-resting-on-an-assumption")] == made


def test_the_cautions_are_those_of_the_answers(answers: list[Assessment]) -> None:
    given = sorted(
        (answer.patient, caution.message.en, caution.message.fr)
        for answer in answers
        for option in answer.options
        for caution in option.cautions
        if not caution.code.endswith("-to-check")
    )
    told = [(row["patient"], row["caution"], row["miseEnGarde"]) for row in rows("options-with-a-caution")]
    assert sorted(told) == given


def test_the_facts_settle_what_the_answers_say(answers: list[Assessment], ontology: Graph) -> None:
    options = {
        str(o) for s in ontology.subjects(RDF.type, OSTEO.TreatmentOption) for o in ontology.objects(s, NOTATION)
    }
    settled = Counter(
        missing.fact
        for answer in answers
        for missing in answer.missing
        for key in missing.would_settle
        if key in options
    )
    facts = {str(key): english(ontology, fact) for fact, key in ontology.subject_objects(OSTEO.recordKey)}
    told = {row["fact"]: int(row["options"]) for row in rows("facts-that-settle-most")}
    assert told == {facts[fact]: count for fact, count in settled.items()}
    assert list(told.values()) == sorted(told.values(), reverse=True)


def test_the_obligations_fall_on_those_whose_answer_has_them(answers: list[Assessment]) -> None:
    due = Counter(obligation.label.en for answer in answers for obligation in answer.obligations)
    assert {row["toDo"]: int(row["patients"]) for row in rows("obligations")} == due


def test_the_open_options_are_those_of_the_answers(answers: list[Assessment]) -> None:
    graph = Graph().parse(FOLDER / "open-options-with-their-drugs.ttl")
    members = set(graph.subject_objects(OSTEO.hasMember))
    told = {
        (str(patient), str(drug))
        for patient, option in graph.subject_objects(OSTEO.isEligibleFor)
        for other, drug in members
        if other == option
    }
    eligible = {
        (answer.patient, drug)
        for answer in answers
        for option in answer.options
        if option.status == "eligible"
        for drug in option.drugs
    }
    assert told == eligible


def test_the_decisions_derive_from_the_rules_that_the_answers_met(answers: list[Assessment]) -> None:
    graph = Graph().parse(FOLDER / "provenance-of-the-decisions.ttl")
    derived = Namespace("http://www.w3.org/ns/prov#").wasDerivedFrom
    told = {(str(each).removesuffix("/decision"), str(rule)) for each, rule in graph.subject_objects(derived)}
    met = {(answer.patient, rule.id) for answer in answers for rule in answer.rules if rule.status == "met"}
    assert met - told == set()
    assert {answer.patient for answer in answers if answer.disposition == "undetermined"} & {
        p for p, _ in told
    } == set()


def test_the_passages_are_those_that_an_answer_cites(answers: list[Assessment]) -> None:
    cited = [(str(rule.cites.start), str(rule.cites.end), rule.cites.sha256) for rule in answers[0].rules]
    assert sorted((row["start"], row["end"], row["sha256"]) for row in rows("passages-of-the-rules")) == sorted(cited)


def test_a_fracture_is_severe_where_the_reading_lists_its_site(answers: list[Assessment], ontology: Graph) -> None:
    sites = {english(ontology, each): str(key) for each, key in ontology.subject_objects(NOTATION)}
    told = rows("severe-fractures-by-inference")
    assert {sites[row["fracture"]] for row in told} - SEVERE == set()
    assert {sites[row["fracture"]] for row in rows("icd-10-codes-of-severe-fractures")} - SEVERE == set()
    met = {
        answer.patient
        for answer in answers
        for rule in answer.rules
        for criterion in rule.criteria
        if criterion.id.endswith("/severe-fracture") and criterion.status == "met"
    }
    assert {row["patient"] for row in told if row["severeFracture"] == "met"} == met


@pytest.mark.parametrize(
    ("name", "system", "column"),
    [
        ("snomed-ct-codes", "SnomedCt", "term"),
        ("atc-codes-of-drugs", "Atc", "drug"),
        ("loinc-codes-of-densitometry", "Loinc", "site"),
    ],
)
def test_the_codes_are_all_those_that_the_ontology_gives_to_a_term(
    ontology: Graph, name: str, system: str, column: str
) -> None:
    of_drugs = set(ontology.subjects(RDF.type, OSTEO.Drug))
    renal = set(ontology.subjects(RDF.type, OSTEO.RenalMeasure))
    given = {
        (english(ontology, term), str(ontology.value(code, OSTEO.codeValue)))
        for code in ontology.subjects(OSTEO.inCodingSystem, OSTEO[system])
        for term in {*ontology.subjects(OSTEO.hasCode, code), *ontology.subjects(OSTEO.hasClassCode, code)}
        if (system != "Atc" or term in of_drugs) and term not in renal
    }
    assert given
    assert {(row[column], row["code"]) for row in rows(name) if row[column]} == given


@pytest.fixture(scope="module")
def loaded(knowledge_base: KnowledgeBase) -> list[PreparedCase]:
    """Every example, and one of which everything but the T-score is open."""
    files = sorted((ROOT / "examples").glob("*.ttl"))
    cases = [case for path in files for case in knowledge_base.read(path.read_bytes(), name=path.name)]
    open_ = '{"patient": "open", "t_score_total_hip": -1.95, "open_sections": ["densitometry", "fractures"]}'
    return [knowledge_base.prepare(case, on=ON) for case in (*cases, *knowledge_base.read(open_, "json"))]


def test_the_changed_answers_are_those_that_a_lower_t_score_gives(
    knowledge_base: KnowledgeBase, loaded: list[PreparedCase]
) -> None:
    engine, lowest, fall = knowledge_base.engine(), str(OSTEO.lowestTScore), Decimal("0.1")
    changed = set()
    for case in loaded:
        key = engine.space.parse(knowledge_base.assess(case).situation.rsplit("/", 1)[-1])
        place = engine.space.places[str(OSTEO.AxialTScore)]
        dimension = engine.space.dimensions[place]
        assert isinstance(dimension, BandDimension)
        number = case.facts.numbers.get(lowest)
        if number is not None:
            value = dimension.value_of(number - fall, key[place].startswith("at-most"))
            lower = engine.answer(engine.space.changed(key, place, value))
            changed |= {case.case.iri} if lower.decided != engine.answer(key).decided else set()
    asked_ = build_dataset(knowledge_base, [each.case for each in loaded], on=ON).query(
        (FOLDER / "answers-that-a-lower-t-score-changes.rq").read_text(encoding="utf-8")
    )
    told = {row["patient"] for row in csv.DictReader(asked_.written("csv").decode().splitlines())}
    assert told == changed == {"urn:case:specialist", "urn:case:open"}


def test_every_situation_that_is_held_leads_to_its_neighbours(dataset: Dataset, knowledge_base: KnowledgeBase) -> None:
    space = knowledge_base.engine().space
    data = ox.serialize(dataset.graphs[GRAPH + "situations"], format=ox.RdfFormat.N_TRIPLES)
    graph = Graph().parse(data=data, format="nt")
    held = {str(each) for each in graph.subjects(RDF.type, OSTEO.Situation)}
    links = {(str(low), str(high)) for low, high in graph.subject_objects(OSTEO.isOneBandBelow)}
    assert {each for link in links for each in link} <= held
    prefix = next(iter(held)).rsplit("/", 1)[0]
    missing = set()
    for iri in held:
        key = space.parse(iri.rsplit("/", 1)[-1])
        for place, dimension in enumerate(space.dimensions):
            below = dimension.beside(key[place])[0] if isinstance(dimension, BandDimension) else None
            if below and (f"{prefix}/{space.text((*key[:place], below, *key[place + 1 :]))}", iri) not in links:
                missing.add(iri)
    assert missing == set()
    assert any("unknown" in iri for iri in held)


def english(ontology: Graph, node: Node) -> str:
    """Give the English label of a term."""
    return next(str(each) for each in ontology.objects(node, RDFS.label) if getattr(each, "language", "") == "en")


def label_of(ontology: Graph, key: str) -> str:
    """Give the English label of the notice that has a key."""
    [node] = {s for s in ontology.subjects(NOTATION, Literal(key)) if (s, RDF.type, OSTEO.AssumptionCode) in ontology}
    return english(ontology, node)


def site_of(ontology: Graph, key: str) -> str:
    """Give the English label of the class of fractures that has a key."""
    [node] = {s for s in ontology.subjects(NOTATION, Literal(key)) if (s, RDF.type, OWL.Class) in ontology}
    return english(ontology, node)


NOTATION = Namespace("http://www.w3.org/2004/02/skos/core#").notation


# The decision table, asked in SPARQL


def branch(history: str) -> str:
    """Name the branch of the reading that a fracture history belongs to."""
    if history == "none":
        return "none"
    return "severe" if re.search(r"other-severe|vertebral", history) else "non-severe"


@cache
def read_disposition(branch: str, upper: str) -> tuple[str, str]:
    """Give disposition and strength as docs/reference/reading.md R4 writes them, by the upper bound of the T-score."""
    columns = {
        "severe": ("treatment indicated", "treatment imperative", 3),
        "non-severe": ("treatment indicated", "treatment proposed", 2),
        "none": ("treatment indicated", "start treatment", 1),
    }
    treat, strength, bands = columns[branch]
    place = ["-3", "-2", "-1", ""].index(upper)
    if place < bands:
        return treat, strength
    if place == bands:
        return "specialist opinion (bone disease)", ""
    return "no drug treatment", "drug treatment not recommended" if branch == "none" else ""


def test_the_decisions_are_those_of_the_reading() -> None:
    table = rows("decisions-by-fracture-and-t-score")
    assert len(table) == len({row["fractures"] for row in table}) * 4
    wrong = [
        row
        for row in table
        if (row["decision"], row["strength"]) != read_disposition(branch(row["fractures"]), row["atMost"])
    ]
    assert wrong == []


def test_the_situations_across_minus_two_are_those_whose_answers_differ(knowledge_base: KnowledgeBase) -> None:
    engine = knowledge_base.engine()
    counted = Counter(
        (value_of(engine, low, "FractureHistory"), engine.answer(low).disposition, engine.answer(high).disposition)
        for low, high in pairs_across(engine, "-2")
        if said(engine, low) != said(engine, high)
    )
    labels = {
        "treat": "treatment indicated",
        "specialist-opinion": "specialist opinion (bone disease)",
        "no-treatment": "no drug treatment",
    }
    told = {
        (row["fractures"], row["atThreshold"], row["aboveThreshold"]): int(row["situations"])
        for row in rows("across-minus-two")
    }
    assert told == {(history, labels[low], labels[high]): count for (history, low, high), count in counted.items()}


def said(engine: Engine, key: Key) -> tuple[object, ...]:
    """Give all that the guideline says of a situation."""
    answer = engine.answer(key)
    statuses = tuple((option.option, option.status, option.line) for option in answer.options)
    return answer.disposition, answer.strength, statuses, answer.obligations


def value_of(engine: Engine, key: Key, fact: str) -> str:
    """Give the value of a fact in a situation."""
    return key[engine.space.places[str(OSTEO[fact])]]


def pairs_across(engine: Engine, threshold: str) -> Iterable[tuple[Key, Key]]:
    """Give the settled situations just below and just above a threshold of the T-score, all else alike."""
    place = engine.space.places[str(OSTEO.AxialTScore)]
    dimension = engine.space.dimensions[place]
    assert isinstance(dimension, BandDimension)
    [(low, high)] = [(a.name, b.name) for a, b in itertools.pairwise(dimension.bands) if f"{a.high:f}" == threshold]
    keys = list(settled_keys(engine))
    engine.prepare(keys)
    return [(key, (*key[:place], high, *key[place + 1 :])) for key in keys if key[place] == low]


def test_the_values_of_a_situation_say_what_its_key_says(knowledge_base: KnowledgeBase) -> None:
    engine = knowledge_base.engine()
    keys = list(itertools.islice(settled_keys(engine), 200))
    table = as_graph(engine, keys)
    told = {
        str(situation).rsplit("/", 1)[-1]: {
            str(table.value(node, OSTEO.ofFact)): str(table.value(node, NOTATION))
            for node in table.objects(situation, OSTEO.hasSituationValue)
        }
        for situation in table.subjects(RDF.type, OSTEO.Situation)
    }
    facts = [dimension.fact for dimension in engine.space.dimensions]
    assert told == {engine.space.text(key): dict(zip(facts, key, strict=True)) for key in keys}


def test_a_value_that_is_a_band_has_the_bounds_of_the_band(knowledge_base: KnowledgeBase) -> None:
    engine = knowledge_base.engine()
    table = as_graph(engine, settled_keys(engine))
    bounds = [OSTEO.above, OSTEO.atLeast, OSTEO.atMost, OSTEO.below]
    told = {
        str(table.value(node, NOTATION)): [str(each) if (each := table.value(node, name)) else "" for name in bounds]
        for node in table.subjects(OSTEO.ofFact, OSTEO.AxialTScore)
    }
    assert told == {
        "to_-3": ["", "", "-3.0", ""],
        "above_-3_to_-2": ["-3.0", "", "-2.0", ""],
        "above_-2_to_-1": ["-2.0", "", "-1.0", ""],
        "above_-1": ["-1.0", "", "", ""],
        "none": ["", "", "", ""],
    }


def test_a_situation_one_band_below_differs_in_nothing_but_the_band(knowledge_base: KnowledgeBase) -> None:
    engine = knowledge_base.engine()
    keys = [key for key in settled_keys(engine) if value_of(engine, key, "FractureHistory") == "none"]
    linked = {
        (parsed_key(engine, low), parsed_key(engine, high))
        for low, high in as_graph(engine, keys).subject_objects(OSTEO.isOneBandBelow)
    }
    across = {pair for pair in pairs_across(engine, "-2") if value_of(engine, pair[0], "FractureHistory") == "none"}
    assert across - linked == set()
    assert {sum(a != b for a, b in zip(low, high, strict=True)) for low, high in linked} == {1}


def as_graph(engine: Engine, keys: Iterable[Key]) -> Graph:
    """Write situations as a graph that a test can walk."""
    data = ox.serialize(situation_triples(engine, keys), format=ox.RdfFormat.N_TRIPLES)
    return Graph().parse(data=data, format="nt")


def parsed_key(engine: Engine, situation: Node) -> Key:
    """Read the key of a situation back from its IRI."""
    return engine.space.parse(str(situation).rsplit("/", 1)[-1])
