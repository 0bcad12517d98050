"""The examples can be used as they stand, and show every kind of answer."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from rdflib import OWL, RDF, Graph

from osteo_kg import Assessment
from osteo_kg.cli.main import main
from osteo_kg.decision_table.table import settled_keys
from osteo_kg.knowledge_base import KnowledgeBase
from tests.support.worked import ON, ROOT

pytestmark = [pytest.mark.docs, pytest.mark.slow]


EXAMPLES = ROOT / "examples"
PATIENTS = sorted(EXAMPLES.glob("*.ttl"))
REFUSED = sorted(path for path in (EXAMPLES / "refused").iterdir() if path.suffix != ".xml")
CATALOGS = sorted(EXAMPLES.rglob("catalog-v001.xml"))


@pytest.fixture
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def answers(knowledge_base: KnowledgeBase) -> dict[str, Assessment]:
    """The answer about every example patient, by her name."""
    return answered(knowledge_base, PATIENTS)


def answered(knowledge_base: KnowledgeBase, paths: list[Path]) -> dict[str, Assessment]:
    """Answer every patient of some files."""
    cases = [case for path in paths for case in knowledge_base.read(path.read_bytes(), name=path.name)]
    return {case.patient: knowledge_base.assess(case, on=ON) for case in cases}


@pytest.mark.usefixtures("_in_the_checkout")
def test_every_example_is_answered() -> None:
    """As `make demo` does it, on whatever day it is."""
    result = CliRunner().invoke(main, ["assess", *(str(path.relative_to(ROOT)) for path in PATIENTS)])
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.usefixtures("_in_the_checkout")
@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.name)
def test_every_wrong_example_is_refused(path: Path) -> None:
    result = CliRunner().invoke(main, ["assess", str(path), "--on", ON.isoformat()])
    assert (result.exit_code, "Traceback" in result.output) == (2, False)


def test_every_file_of_the_examples_is_used() -> None:
    tables = [EXAMPLES / "patients.csv", EXAMPLES / "patients.json", EXAMPLES / "fhir" / "bundle.json"]
    tables += (EXAMPLES / "tables").iterdir()  # docs/how-to/read-a-table-of-yours.md reads them
    questions = (EXAMPLES / "questions").iterdir()  # tests/dataset/test_questions.py pairs them with their answers
    files = {path for path in EXAMPLES.rglob("*") if path.is_file()}
    assert files - {*PATIENTS, *REFUSED, *CATALOGS, *tables, *questions} == set()


@pytest.mark.parametrize("path", PATIENTS, ids=lambda path: path.stem)
def test_an_example_has_the_name_of_its_file(answers: dict[str, Assessment], path: Path) -> None:
    assert f"urn:case:{path.stem}" in answers


@pytest.mark.parametrize("name", ["patients.csv", "patients.json"])
def test_a_flat_record_gives_the_answer_of_its_graph(
    knowledge_base: KnowledgeBase, answers: dict[str, Assessment], name: str
) -> None:
    flat = answered(knowledge_base, [EXAMPLES / name])
    assert flat
    assert {patient: answer for patient, answer in flat.items() if answer != answers[patient]} == {}


def test_the_examples_show_every_disposition_and_every_strength(
    knowledge_base: KnowledgeBase, answers: dict[str, Assessment]
) -> None:
    rules = knowledge_base.engine().guideline.rules
    dispositions = {rule.disposition for rule in rules} | {"undetermined"}
    assert dispositions - {answer.disposition for answer in answers.values()} == set()
    assert {rule.strength for rule in rules} - {answer.strength for answer in answers.values()} == set()


def test_the_examples_show_every_status_that_an_option_can_have(
    knowledge_base: KnowledgeBase, answers: dict[str, Assessment]
) -> None:
    engine = knowledge_base.engine()
    outcomes = set(engine.settled(settled_keys(engine)).values())
    options = engine.guideline.options
    possible: dict[str, set[str]] = defaultdict(set)
    for outcome in outcomes:
        for option, (status, _) in zip(options, outcome.options, strict=False):
            possible[option.key].add(status)
    for statuses in possible.values():
        if len(statuses) > 1:
            statuses.add("undetermined")
    seen = {(option.treatment, option.status) for answer in answers.values() for option in answer.options}
    assert {(key, status) for key, statuses in possible.items() for status in statuses} - seen == set()


def test_the_examples_show_what_is_missing_warned_of_assumed_and_cautioned(answers: dict[str, Assessment]) -> None:
    assert any(answer.missing for answer in answers.values())
    assert any(answer.warnings for answer in answers.values())
    assert any(answer.assumptions for answer in answers.values())
    assert any(option.cautions for answer in answers.values() for option in answer.options)


@pytest.mark.parametrize("path", [p for p in (*PATIENTS, *REFUSED) if p.suffix == ".ttl"], ids=lambda p: p.stem)
def test_an_example_imports_the_ontology(path: Path) -> None:
    """Without the import an ontology editor reads the patient as annotations."""
    graph = Graph().parse(path)
    [header] = graph.subjects(RDF.type, OWL.Ontology)
    assert str(header).endswith(f"/examples/{path.stem}")
    assert [str(each) for each in graph.objects(header, OWL.imports)] == ["https://w3id.org/osteo-kg/ontology/osteo-kg"]


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_catalog_of_the_examples_names_every_module(catalog: Path) -> None:
    assert modules(catalog) == modules(ROOT / "ontology" / "catalog-v001.xml")


def modules(catalog: Path) -> dict[str, Path]:
    """Give the file of each module as a catalog names it; one that is not there is a failure."""
    entries = ElementTree.parse(catalog).iter("{urn:oasis:names:tc:entity:xmlns:xml:catalog}uri")
    found = {each.attrib["name"]: (catalog.parent / each.attrib["uri"]).resolve() for each in entries}
    assert [path for path in found.values() if not path.is_file()] == []
    return found
